//! Whole networks, each a struct with a config, a forward pass and a summary.
//!
//! Those over symbols take ids `[batch, time]`, each below the size of its vocabulary; which symbol has which id, and
//! whether some mean the start, the end or the padding, is for their users to say.

mod classifier;
mod forecast;
mod input;
mod language;
mod output;
mod seq2seq;

pub use classifier::{Pooled, Pooling, SequenceClassifier, SequenceClassifierConfig};
pub use forecast::{ForecastNetwork, ForecastNetworkConfig};
pub use input::Input;
pub use language::{LanguageModel, LanguageModelConfig};
pub use seq2seq::{Decoded, Encoded, Seq2Seq, Seq2SeqConfig, Stepped};
