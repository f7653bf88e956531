//! Translation of sentences from one language to another.
//!
//! The network is the lecture's Seq2Seq (Sutskever et al. 2014): an encoder reads the sentence, its final states
//! initialize the decoder, and the decoder generates one token after another. Attention, beam search and two baselines
//! (copying the sentence, and its nearest neighbor in training) are added.
//!
//! - [`TranslateConfig`] holds the settings, [`TranslateRun`] trains and evaluates;
//! - [`Translator`] translates.

mod baseline;
mod config;
mod decode;
#[cfg(feature = "fit")]
mod evaluation;
mod length_penalty;
mod predictor;
mod tokenizers;
#[cfg(feature = "fit")]
mod training;

pub use baseline::NearestNeighborBaseline;
pub use config::{DecoderAttention, TranslateConfig, TranslateSource};
pub use decode::BeamConfig;
#[cfg(feature = "fit")]
pub use evaluation::{
    ProbabilityQuarter, TestTranslation, TranslationEvaluation, TranslationMetrics, TranslationScores,
};
pub use length_penalty::{ChosenLengthPenalty, PenaltyScore};
pub use predictor::{AttentionMap, Translation, Translator};
#[cfg(feature = "exchange")]
pub(crate) use tokenizers::Tokenizers;
#[cfg(feature = "fit")]
pub use training::{TranslateData, TranslateObjective, TranslateRun, Translating};
