//! Whole networks, each with a configuration, a forward pass and a [summary](crate::Summary).
//!
//! | network | input | output | task |
//! |---|---|---|---|
//! | [`ForecastNetwork`] | values `[batch, window, features]`, by choice covariates of the horizon | `[batch, horizon, targets]` | forecasting |
//! | [`LanguageModel`] | token ids `[batch, time]` | logits `[batch, time, vocab]` | language modeling |
//! | [`Seq2Seq`] | source and target token ids | logits `[batch, target, vocab]` | translation |
//! | [`SequenceClassifier`] | token ids or values | logits `[batch, classes]` | many-to-one classification |
//! | [`SequenceTagger`] | token ids or values | logits `[batch, time, tags]` | aligned many-to-many labeling |
//!
//! Token ids are below the vocabulary size. Which ids mean start, end or padding is up to the caller.
//!
//! The parts of a network are public fields. Pretrained embeddings go into one, and any of them can be frozen by itself,
//! with [`no_grad`](burn::module::Module::no_grad) (its dropout stays on) or [`freeze`](burn::module::Module::freeze):
//!
//! ```
//! use burn::module::{Module, Param};
//! use burn::tensor::{Device, Tensor};
//! use recurrent_models::networks::LanguageModelConfig;
//!
//! let device = Device::default().autodiff();
//! let mut model = LanguageModelConfig::new(30, 8, 16).init(&device);
//! let pretrained = Tensor::<2>::ones([30, 8], &device);
//! model.embedding.weight = Param::from_tensor(pretrained);
//! model.embedding = model.embedding.no_grad();
//! ```

mod classifier;
mod copy_gate;
mod forecast;
mod input;
mod language;
mod output;
mod seq2seq;
#[cfg(feature = "cpu")]
mod streaming_language;
mod tagger;

pub use classifier::{AttentionPooling, PooledOutput, Pooling, SequenceClassifier, SequenceClassifierConfig};
pub use copy_gate::{CopyGate, CopySource};
pub use forecast::{ForecastInput, ForecastNetwork, ForecastNetworkConfig};
pub use input::{SequenceInput, TokenInput};
pub use language::{LanguageModel, LanguageModelConfig};
pub use output::TokenOutput;
pub use seq2seq::{Bridge, DecoderOutput, DecoderStep, EncoderOutput, GlobalAttention, Seq2Seq, Seq2SeqConfig};
#[cfg(feature = "cpu")]
pub use streaming_language::StreamingLanguageModel;
pub use tagger::{SequenceTagger, SequenceTaggerConfig};
