//! Sentiment: from a sentence to one of several labels.
//!
//! The recipe is many-to-one: words go through an embedding and a recurrent layer, what comes out is pooled into one
//! vector, and a dense layer says how likely each label is. Beside it stands the lecture's baseline, a bag of words
//! with logistic regression, fitted and judged on the same sentences.
//!
//! - [`SentimentPlan`] says what to do; [`SentimentRun`] does it;
//! - [`SentimentClassifier`] is what remains.

#[cfg(feature = "fit")]
mod baseline;
mod plan;
mod predictor;
#[cfg(feature = "fit")]
mod recipe;
#[cfg(feature = "fit")]
mod score;

#[cfg(feature = "fit")]
pub use baseline::BagOfWords;
pub use plan::SentimentPlan;
pub use predictor::{Judgement, Moved, SentimentClassifier};
#[cfg(feature = "fit")]
pub use recipe::{SentimentRun, SentimentTask};
#[cfg(feature = "fit")]
pub use score::{SentimentScores, TestTexts};
