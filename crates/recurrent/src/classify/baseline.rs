//! The lecture's baseline: a bag of words and logistic regression, by linfa.

use std::collections::HashMap;

use linfa::traits::Fit;
use linfa::{Dataset, Float};
use linfa_logistic::{
    FittedLogisticRegression, LogisticRegression, MultiFittedLogisticRegression, MultiLogisticRegression,
};
use linfa_preprocessing::CountVectorizer;
use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};

use crate::{Error, Result, RunDir};

const FILE: &str = "baseline.json";
/// Minimum number of training sentences with a word.
const MIN_SENTENCES: usize = 2;
/// Maximum number of words, the most frequent ones; the time of the fit grows with it.
const MAX_WORDS: usize = 5000;
const ITERATIONS: u64 = 100;

/// A bag of words with logistic regression (L2 penalty, strength 1), like scikit-learn's `CountVectorizer` and
/// `LogisticRegression`: the 5,000 most frequent lower-case words that have at least two letters and occur in at least two
/// training sentences.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BagOfWords {
    words: Vec<String>,
    labels: usize,
    model: Model,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
enum Model {
    Two(FittedLogisticRegression<f64, usize>),
    More(MultiFittedLogisticRegression<f64, usize>),
}

impl BagOfWords {
    /// Fits the model on sentences and their label indices, which are below `labels`.
    ///
    /// # Errors
    /// If the sentences have no word in common, or the fit fails.
    pub fn fit(texts: &[&str], targets: &[usize], labels: usize) -> Result<Self> {
        let documents: Array1<&str> = texts.iter().copied().collect();
        // linfa takes a fraction and truncates the product to an integer.
        let min_frequency = (MIN_SENTENCES as f32 + 0.5) / texts.len() as f32;
        let counter =
            CountVectorizer::params().document_frequency(min_frequency.min(1.0), 1.0).max_features(Some(MAX_WORDS));
        let counted = counter.fit(&documents).map_err(failed)?;
        // linfa's vocabulary has the order of a hash map.
        let mut words = counted.vocabulary().clone();
        words.sort_unstable();
        if words.is_empty() {
            return Err(Error::Training("the sentences have no word in common for a bag of words".into()));
        }
        let data = Dataset::new(counts(&words, texts)?, targets.iter().copied().collect::<Array1<usize>>());
        let model = if labels == 2 {
            Model::Two(LogisticRegression::default().max_iterations(ITERATIONS).fit(&data).map_err(failed)?)
        } else {
            Model::More(MultiLogisticRegression::default().max_iterations(ITERATIONS).fit(&data).map_err(failed)?)
        };
        Ok(Self { words, labels, model })
    }

    /// The probability of each label for each sentence, `[sentence][label]`.
    ///
    /// # Errors
    /// None for a fitted model.
    pub fn predict(&self, texts: &[&str]) -> Result<Vec<Vec<f64>>> {
        let counts = counts(&self.words, texts)?;
        let mut predictions = vec![vec![0.0; self.labels]; texts.len()];
        match &self.model {
            Model::Two(model) => {
                let [larger, smaller] = [model.labels().pos.class, model.labels().neg.class];
                for (row, likely) in predictions.iter_mut().zip(model.predict_probabilities(&counts)) {
                    row[larger] = likely;
                    row[smaller] = 1.0 - likely;
                }
            }
            Model::More(model) => {
                for (row, likely) in predictions.iter_mut().zip(model.predict_probabilities(&counts).rows()) {
                    for (class, likely) in model.classes().iter().zip(likely) {
                        row[*class] = *likely;
                    }
                }
            }
        }
        Ok(predictions)
    }

    /// The number of words.
    pub fn vocab_size(&self) -> usize {
        self.words.len()
    }

    pub(super) fn write(&self, run_dir: &RunDir) -> Result<()> {
        run_dir.write(FILE, serde_json::to_string(self).expect("words and coefficients can be written as JSON"))
    }

    /// The baseline of a run; `None` if the run has not been evaluated yet.
    pub(super) fn read(run_dir: &RunDir) -> Result<Option<Self>> {
        if !run_dir.path(FILE).exists() {
            return Ok(None);
        }
        serde_json::from_str(&run_dir.read(FILE)?).map(Some).map_err(|cause| Error::RunDir {
            path: run_dir.path(FILE),
            expected: "the baseline of this run".into(),
            found: cause.to_string(),
        })
    }
}

/// The count of each word in each sentence: `[sentence, word]`.
fn counts(words: &[String], texts: &[&str]) -> Result<Array2<f64>> {
    let documents: Array1<&str> = texts.iter().copied().collect();
    let counter = CountVectorizer::params().fit_vocabulary(words).map_err(failed)?;
    // linfa's columns have the order of a hash map.
    let indices: HashMap<&str, usize> = words.iter().map(String::as_str).zip(0..).collect();
    let columns: Vec<usize> = counter.vocabulary().iter().map(|word| indices[&**word]).collect();
    let counted = counter.transform(&documents).map_err(failed)?;
    let mut counts = Array2::zeros((texts.len(), words.len()));
    for (count, (row, column)) in &counted {
        counts[[row, columns[column]]] = f64::cast(*count);
    }
    Ok(counts)
}

fn failed(cause: impl std::fmt::Display) -> Error {
    Error::Training(format!("the bag of words: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: [&str; 6] = [
        "a good film, a very good film",
        "good and warm",
        "a bad film",
        "bad, cold and bad again",
        "neither here nor there, again",
        "here and there",
    ];

    #[test]
    fn two_labels() {
        let bag = BagOfWords::fit(&TEXTS[..4], &[1, 1, 0, 0], 2).unwrap();
        assert_eq!(bag.words, ["and", "bad", "film", "good"]);
        let predictions = bag.predict(&["good", "bad", "unheard"]).unwrap();
        assert!(predictions[0][1] > 0.6 && predictions[1][0] > 0.6, "{predictions:?}");
        assert!((predictions[2][0] - 0.5).abs() < 0.1, "{predictions:?}");
        assert!(predictions.iter().all(|row| (row.iter().sum::<f64>() - 1.0).abs() < 1e-9));
    }

    #[test]
    fn each_word_has_its_own_column() {
        let words: Vec<String> = ('a'..='z').map(|letter| format!("{letter}{letter}")).collect();
        let texts: Vec<&str> = words.iter().map(String::as_str).collect();
        for _ in 0..3 {
            assert_eq!(counts(&words, &texts).unwrap(), Array2::<f64>::eye(words.len()));
        }
    }

    #[test]
    fn three_labels_and_saving() {
        let bag = BagOfWords::fit(&TEXTS, &[2, 2, 0, 0, 1, 1], 3).unwrap();
        let predictions = bag.predict(&["good film", "bad", "there"]).unwrap();
        let labels: Vec<usize> =
            predictions.iter().map(|row| (0..3).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap()).collect();
        assert_eq!(labels, [2, 0, 1]);
        let again: BagOfWords = serde_json::from_str(&serde_json::to_string(&bag).unwrap()).unwrap();
        assert_eq!(again.predict(&["good film", "bad", "there"]).unwrap(), predictions);
    }

    #[test]
    fn sentences_without_a_common_word_are_rejected() {
        let error = BagOfWords::fit(&["one", "two"], &[0, 1], 2).unwrap_err();
        assert!(error.to_string().contains("no word in common"), "{error}");
    }
}
