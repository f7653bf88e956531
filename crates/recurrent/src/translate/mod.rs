//! Translation: from a sentence of one language to another.
//!
//! The recipe is the lecture's Seq2Seq (Sutskever et al. 2014): an encoder reads the sentence, its states start the
//! decoder, and the decoder says one token after the other; and what the lecture leaves out: attention, a beam, and
//! the two answers that cost nothing, to copy the sentence and to look up the nearest one that is known.
//!
//! - [`TranslatePlan`] says what to do; [`TranslateRun`] does it;
//! - [`Translator`] is what remains.

mod baseline;
mod decode;
mod plan;
mod predictor;
#[cfg(feature = "fit")]
mod recipe;
#[cfg(feature = "fit")]
mod score;

pub use baseline::Neighbours;
pub use plan::{Attending, TranslatePlan};
pub use predictor::{Looked, Searching, Translation, Translator};
#[cfg(feature = "fit")]
pub use recipe::{TranslateRun, TranslateTask};
#[cfg(feature = "fit")]
pub use score::{Answered, Figures, TranslationScores};
