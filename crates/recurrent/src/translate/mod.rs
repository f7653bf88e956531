//! Translation: from a sentence in one language to another language.
//!
//! The recipe is the lecture's Seq2Seq (Sutskever et al. 2014): an encoder reads the sentence, its states start the
//! decoder, and the decoder generates one token after another. It adds what the lecture leaves out: attention, beam
//! search, and two baselines, copying the sentence and its nearest neighbor in training.
//!
//! - [`TranslateConfig`] holds the settings, [`TranslateRun`] trains and evaluates;
//! - [`Translator`] translates.

mod baseline;
mod config;
mod decode;
#[cfg(feature = "fit")]
mod evaluation;
mod predictor;
mod tokenizers;
#[cfg(feature = "fit")]
mod training;

pub use baseline::NearestNeighborBaseline;
pub use config::{DecoderAttention, TranslateConfig, TranslateSource};
#[cfg(feature = "fit")]
pub use evaluation::{TestTranslation, TranslationEvaluation, TranslationMetrics, TranslationScores};
pub use predictor::{AttentionMap, BeamConfig, Translation, Translator};
#[cfg(feature = "fit")]
pub use training::{TranslateData, TranslateObjective, TranslateRun, Translating};
