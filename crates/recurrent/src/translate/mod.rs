//! Translation: from a sentence of one language to another.
//!
//! The recipe is the lecture's Seq2Seq (Sutskever et al. 2014): an encoder reads the sentence, its states start the
//! decoder, and the decoder says one token after the other; and what the lecture leaves out: attention, a beam, and
//! the two answers that cost nothing, to copy the sentence and to look up the nearest one that is known.
//!
//! - [`TranslateConfig`] says what to do; [`TranslateRun`] does it;
//! - [`Translator`] is what remains.

mod baseline;
mod config;
mod decode;
#[cfg(feature = "fit")]
mod evaluation;
mod predictor;
#[cfg(feature = "fit")]
mod training;

pub use baseline::NearestNeighborBaseline;
pub use config::{DecoderAttention, TranslateConfig};
#[cfg(feature = "fit")]
pub use evaluation::{Answered, TranslationMetrics, TranslationScores};
pub use predictor::{AttentionMap, BeamConfig, Translation, Translator};
#[cfg(feature = "fit")]
pub use training::{TranslateObjective, TranslateRun};
