//! Text generation: continues a prompt, one character or subword at a time.
//!
//! The default is the lecture's character model: a language model that predicts the next token, trained by truncated
//! back-propagation through time (Williams & Peng 1990) on windows of one long text, with the state carried from each
//! window to the next, and sampled token by token. Its baseline is a language model of n-grams.
//!
//! - [`GenerateConfig`] holds the settings, [`GenerateRun`] trains and evaluates;
//! - [`Generator`] continues a text ([`generate`](Generator::generate)) and completes a word
//!   ([`complete`](Generator::complete)).

mod config;
#[cfg(feature = "fit")]
mod ngrams;
mod predictor;
mod prompt_end;
#[cfg(feature = "fit")]
mod training;

pub use config::GenerateConfig;
#[cfg(feature = "fit")]
pub(crate) use ngrams::NgramModel;
pub use predictor::{Completion, Generated, GenerationConfig, Generator};
#[cfg(feature = "fit")]
pub use training::{
    BpttBatch, GenerateData, GenerateObjective, GenerateRun, Generation, LanguageEvaluation, LanguageMetrics,
    NgramEvaluation, TracedStep,
};
