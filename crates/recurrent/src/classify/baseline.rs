//! The lecture's baseline: a bag of words and logistic regression, by linfa.

use std::collections::HashMap;

use linfa::traits::Fit;
use linfa::{DatasetManifest, Float};
use linfa_logistic::{
    FittedLogisticRegression, LogisticRegression, MultiFittedLogisticRegression, MultiLogisticRegression,
};
use linfa_preprocessing::CountVectorizer;
use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};

use crate::{Error, Result, RunDir};

const FILE: &str = "baseline.json";
/// Words are counted if they are in so many sentences: what was seen once says nothing of the next sentence.
const MIN_SENTENCES: usize = 2;
/// The most frequent words that are counted. Each costs a pass over all sentences at every step of the fit.
const MOST_WORDS: usize = 5000;
const ITERATIONS: u64 = 100;

/// A bag of words with logistic regression (L2, strength 1), as scikit-learn's `CountVectorizer` and
/// `LogisticRegression` would be: words of two letters and more in lower case, in at least two sentences of training, and
/// of these the 5,000 most frequent.
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
    /// Learns from sentences and the numbers of their labels, of which there are `labels` in all.
    ///
    /// # Errors
    /// If the sentences have no word in common, or linfa does not come to an end.
    pub fn fit(texts: &[&str], truths: &[usize], labels: usize) -> Result<Self> {
        let documents: Array1<&str> = texts.iter().copied().collect();
        // A share that linfa cuts down to whole sentences again.
        let least = (MIN_SENTENCES as f32 + 0.5) / texts.len() as f32;
        let counter = CountVectorizer::params().document_frequency(least.min(1.0), 1.0).max_features(Some(MOST_WORDS));
        let counted = counter.fit(&documents).map_err(failed)?;
        // In an order that is the same each time.
        let mut words = counted.vocabulary().clone();
        words.sort_unstable();
        if words.is_empty() {
            return Err(Error::Training("the sentences have no word in common that a bag could count".into()));
        }
        let data = DatasetManifest::new(counts(&words, texts)?, truths.iter().copied().collect::<Array1<usize>>());
        let model = if labels == 2 {
            Model::Two(LogisticRegression::default().max_iterations(ITERATIONS).fit(&data).map_err(failed)?)
        } else {
            Model::More(MultiLogisticRegression::default().max_iterations(ITERATIONS).fit(&data).map_err(failed)?)
        };
        Ok(Self { words, labels, model })
    }

    /// How likely each label is, for each sentence.
    ///
    /// # Errors
    /// None that a fitted bag would give.
    pub fn judge(&self, texts: &[&str]) -> Result<Vec<Vec<f64>>> {
        let counts = counts(&self.words, texts)?;
        let mut judged = vec![vec![0.0; self.labels]; texts.len()];
        match &self.model {
            Model::Two(model) => {
                let [larger, smaller] = [model.labels().pos.class, model.labels().neg.class];
                for (judged, likely) in judged.iter_mut().zip(model.predict_probabilities(&counts)) {
                    judged[larger] = likely;
                    judged[smaller] = 1.0 - likely;
                }
            }
            Model::More(model) => {
                for (judged, likely) in judged.iter_mut().zip(model.predict_probabilities(&counts).rows()) {
                    for (class, likely) in model.classes().iter().zip(likely) {
                        judged[*class] = *likely;
                    }
                }
            }
        }
        Ok(judged)
    }

    /// How many words it counts.
    pub fn words(&self) -> usize {
        self.words.len()
    }

    pub(super) fn write(&self, run_dir: &RunDir) -> Result<()> {
        run_dir.write(FILE, serde_json::to_string(self).expect("numbers and words have a form in JSON"))
    }

    /// The baseline of a run; `None` if the run was interrupted before it had one.
    pub(super) fn read(run_dir: &RunDir) -> Result<Option<Self>> {
        if !run_dir.path(FILE).is_file() {
            return Ok(None);
        }
        serde_json::from_str(&run_dir.read(FILE)?).map(Some).map_err(|cause| Error::RunDir {
            path: run_dir.path(FILE),
            expected: "the baseline of this run".into(),
            found: cause.to_string(),
        })
    }
}

/// How often each word is in each sentence: `[sentence, word]`.
fn counts(words: &[String], texts: &[&str]) -> Result<Array2<f64>> {
    let documents: Array1<&str> = texts.iter().copied().collect();
    let counter = CountVectorizer::params().fit_vocabulary(words).map_err(failed)?;
    // Its columns come in an order of their own, another each time.
    let numbers: HashMap<&str, usize> = words.iter().map(String::as_str).zip(0..).collect();
    let columns: Vec<usize> = counter.vocabulary().iter().map(|word| numbers[&**word]).collect();
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
    fn two_labels_are_told_apart_by_their_words() {
        let bag = BagOfWords::fit(&TEXTS[..4], &[1, 1, 0, 0], 2).unwrap();
        assert_eq!(bag.words, ["and", "bad", "film", "good"]);
        let judged = bag.judge(&["good", "bad", "unheard"]).unwrap();
        assert!(judged[0][1] > 0.6 && judged[1][0] > 0.6, "{judged:?}");
        assert!((judged[2][0] - 0.5).abs() < 0.1, "{judged:?}");
        assert!(judged.iter().all(|row| (row.iter().sum::<f64>() - 1.0).abs() < 1e-9));
    }

    #[test]
    fn a_word_is_counted_in_its_own_column_every_time() {
        let words: Vec<String> = ('a'..='z').map(|letter| format!("{letter}{letter}")).collect();
        let texts: Vec<&str> = words.iter().map(String::as_str).collect();
        for _ in 0..3 {
            assert_eq!(counts(&words, &texts).unwrap(), Array2::<f64>::eye(words.len()));
        }
    }

    #[test]
    fn three_labels_too_and_the_same_after_saving() {
        let bag = BagOfWords::fit(&TEXTS, &[2, 2, 0, 0, 1, 1], 3).unwrap();
        let judged = bag.judge(&["good film", "bad", "there"]).unwrap();
        let said: Vec<usize> =
            judged.iter().map(|row| (0..3).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap()).collect();
        assert_eq!(said, [2, 0, 1]);
        let again: BagOfWords = serde_json::from_str(&serde_json::to_string(&bag).unwrap()).unwrap();
        assert_eq!(again.judge(&["good film", "bad", "there"]).unwrap(), judged);
    }

    #[test]
    fn sentences_without_a_common_word_are_an_error() {
        let error = BagOfWords::fit(&["one", "two"], &[0, 1], 2).unwrap_err();
        assert!(error.to_string().contains("no word in common"), "{error}");
    }
}
