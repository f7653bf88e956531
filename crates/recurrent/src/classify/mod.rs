//! Classification of sentences, such as their sentiment.
//!
//! The recipe is many-to-one: words go through an embedding and a recurrent layer, its outputs are pooled into one
//! vector, and a dense layer gives a logit for each label. Beside it stands the lecture's baseline, a bag of words with
//! logistic regression, fitted and evaluated on the same sentences.
//!
//! - [`ClassifyConfig`] holds the settings, [`ClassifyRun`] trains and evaluates;
//! - [`Classifier`] classifies, and attributes a classification to words.

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
pub use evaluation::{ClassifyEvaluation, ClassifyScores};
pub use predictor::{Attribution, Classification, Classifier};
#[cfg(feature = "fit")]
pub use training::{ClassifyData, ClassifyObjective, ClassifyRun, Classifying};
