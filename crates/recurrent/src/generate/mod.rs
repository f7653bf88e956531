//! Text generation: from a prompt to its continuation, one character or subword at a time.
//!
//! The recipe is the lecture's character model: a language model that predicts the next token, trained on windows of one
//! long text whose state is carried from each to the next (truncated back-propagation through time, Williams & Peng
//! 1990), and sampled token by token.
//!
//! - [`GenerateConfig`] holds the settings, [`GenerateRun`] trains and evaluates;
//! - [`Generator`] continues a text ([`generate`](Generator::generate)) and completes a word
//!   ([`complete`](Generator::complete)).

mod config;
mod predictor;
#[cfg(feature = "fit")]
mod training;

pub use config::GenerateConfig;
pub use predictor::{Completion, Generated, GenerationConfig, Generator};
#[cfg(feature = "fit")]
pub use training::{
    BpttBatch, CarriedState, GenerateData, GenerateObjective, GenerateRun, Generation, LanguageMetrics, TracedStep,
};
