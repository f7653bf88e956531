//! Classification of sentences, such as their sentiment.
//!
//! The network is many-to-one: tokens go through an embedding and a recurrent layer, its outputs are pooled into one
//! vector, and a dense layer gives a logit for each label. Beside the embedding it reads the [`Evidence`] of each token, and
//! several such networks are averaged. The baselines are the lecture's bag of words with logistic regression, and n-grams
//! weighted by Naive Bayes, both fitted and evaluated on the same sentences.
//!
//! - [`ClassifyConfig`] holds the settings, [`ClassifyRun`] trains and evaluates;
//! - [`Classifier`] classifies, and attributes a classification to words.

#[cfg(feature = "fit")]
mod bag_of_words;
mod config;
#[cfg(feature = "fit")]
mod evaluation;
mod evidence;
#[cfg(feature = "fit")]
mod logistic_regression;
#[cfg(feature = "fit")]
mod naive_bayes;
mod predictor;
#[cfg(feature = "fit")]
mod training;

#[cfg(feature = "fit")]
pub use bag_of_words::BagOfWords;
pub use config::ClassifyConfig;
#[cfg(feature = "fit")]
pub use evaluation::{BaselineEvaluation, BaselineScore, ClassifyEvaluation, ClassifyScores, KindScore};
pub use evidence::Evidence;
#[cfg(feature = "fit")]
pub use naive_bayes::{LabeledSentences, NaiveBayesNgrams};
pub use predictor::{Attribution, Classification, Classifier};
#[cfg(feature = "fit")]
pub use training::{ClassifyData, ClassifyObjective, ClassifyRun, Classifying};
