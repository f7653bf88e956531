//! Classification of sentences, such as their sentiment.
//!
//! The network is many-to-one: tokens go through an embedding and a recurrent layer, its outputs are pooled into one
//! vector, and a dense layer gives a logit for each label. The baseline is the lecture's bag of words with logistic
//! regression, fitted and evaluated on the same sentences.
//!
//! - [`ClassifyConfig`] holds the settings, [`ClassifyRun`] trains and evaluates;
//! - [`Classifier`] classifies, and attributes a classification to words.

#[cfg(feature = "fit")]
mod baseline;
mod config;
#[cfg(feature = "fit")]
mod evaluation;
#[cfg(feature = "fit")]
mod logistic_regression;
mod predictor;
#[cfg(feature = "fit")]
mod training;

#[cfg(feature = "fit")]
pub use baseline::BagOfWords;
pub use config::ClassifyConfig;
#[cfg(feature = "fit")]
pub use evaluation::{BaselineEvaluation, BaselineScore, ClassifyEvaluation, ClassifyScores};
pub use predictor::{Attribution, Classification, Classifier};
#[cfg(feature = "fit")]
pub use training::{ClassifyData, ClassifyObjective, ClassifyRun, Classifying};
