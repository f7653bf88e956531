//! Sentiment: from a sentence to one of several labels.
//!
//! The recipe is many-to-one: words go through an embedding and a recurrent layer, what comes out is pooled into one
//! vector, and a dense layer says how likely each label is. Beside it stands the lecture's baseline, a bag of words
//! with logistic regression, fitted and judged on the same sentences.
//!
//! - [`ClassifyConfig`] says what to do; [`ClassifyRun`] does it;
//! - [`Classifier`] is what remains.

#[cfg(feature = "fit")]
mod baseline;
mod config;
#[cfg(feature = "fit")]
mod evaluation;
mod predictor;
#[cfg(feature = "fit")]
mod training;

#[cfg(feature = "fit")]
pub use baseline::BagOfWords;
pub use config::ClassifyConfig;
#[cfg(feature = "fit")]
pub use evaluation::{ClassifyScores, TestTexts};
pub use predictor::{Attribution, Classification, Classifier};
#[cfg(feature = "fit")]
pub use training::{ClassifyObjective, ClassifyRun};
