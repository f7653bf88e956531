//! GenerationConfig: from the beginning of a text to its end, one character or subword after the other.
//!
//! The recipe is the lecture's character model: a network that says of every next character how likely it is, trained
//! on windows of one long text whose state is carried from each to the next (truncated back-propagation through time:
//! Williams & Peng 1990), and asked again and again for one more.
//!
//! - [`GenerateConfig`] says what to do; [`GenerateRun`] does it;
//! - [`Generator`] is what remains: it goes on with a text ([`generate`](Generator::generate)) and offers the likeliest
//!   endings of a word ([`complete`](Generator::complete)).

mod config;
mod predictor;
#[cfg(feature = "fit")]
mod training;

pub use config::GenerateConfig;
pub use predictor::{Completion, Generated, GenerationConfig, Generator};
#[cfg(feature = "fit")]
pub use training::{BpttBatch, CarriedState, GenerateObjective, GenerateRun, LanguageMetrics, Traced};
