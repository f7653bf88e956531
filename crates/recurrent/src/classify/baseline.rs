//! The lecture's baseline: a bag of words and logistic regression, by linfa.

use std::collections::{BTreeSet, HashMap};

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
///
/// Where there is no such word, as in a script without spaces, it counts characters in the same way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BagOfWords {
    #[serde(default)]
    unit: Unit,
    words: Vec<String>,
    labels: usize,
    model: Model,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Unit {
    #[default]
    Words,
    Characters,
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
    /// [`Error::Training`] if the sentences have neither a word nor a character in common, or the fit fails.
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
        let mut unit = Unit::Words;
        if words.is_empty() {
            (unit, words) = (Unit::Characters, frequent_characters(texts));
        }
        if words.is_empty() {
            return Err(failed("the sentences have neither a word nor a character in common"));
        }
        let data = Dataset::new(unit.counts(&words, texts)?, targets.iter().copied().collect::<Array1<usize>>());
        let model = if labels == 2 {
            Model::Two(LogisticRegression::default().max_iterations(ITERATIONS).fit(&data).map_err(failed)?)
        } else {
            Model::More(MultiLogisticRegression::default().max_iterations(ITERATIONS).fit(&data).map_err(failed)?)
        };
        Ok(Self { unit, words, labels, model })
    }

    /// The probability of each label for each sentence, `[sentence][label]`.
    ///
    /// # Errors
    /// None for a fitted model.
    pub fn predict(&self, texts: &[&str]) -> Result<Vec<Vec<f64>>> {
        let counts = self.unit.counts(&self.words, texts)?;
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

    /// What it is: `bag of words`, or `bag of characters`.
    pub fn name(&self) -> &'static str {
        match self.unit {
            Unit::Words => "bag of words",
            Unit::Characters => "bag of characters",
        }
    }

    /// The number of words or characters.
    pub fn vocab_size(&self) -> usize {
        self.words.len()
    }

    pub(super) fn write(&self, run_dir: &RunDir) -> Result<()> {
        run_dir.write(FILE, serde_json::to_string(self).expect("words and coefficients can be written as JSON"))
    }

    /// The baseline of a run; `None` if the run has not been evaluated yet.
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

impl Unit {
    /// The count of each word or character in each sentence: `[sentence, word]`.
    fn counts(self, words: &[String], texts: &[&str]) -> Result<Array2<f64>> {
        match self {
            Self::Words => count_words(words, texts),
            Self::Characters => Ok(count_characters(words, texts)),
        }
    }
}

/// The most frequent lower-case characters that occur in at least two sentences, without white space, sorted.
fn frequent_characters(texts: &[&str]) -> Vec<String> {
    let mut counts: HashMap<String, (usize, usize)> = HashMap::new();
    for text in texts {
        let characters: Vec<String> = characters(text).collect();
        characters.iter().for_each(|c| counts.entry(c.clone()).or_default().0 += 1);
        BTreeSet::from_iter(characters).into_iter().for_each(|c| counts.entry(c).or_default().1 += 1);
    }
    let mut frequent: Vec<(String, usize)> = counts
        .into_iter()
        .filter(|(_, (_, sentences))| *sentences >= MIN_SENTENCES)
        .map(|(character, (count, _))| (character, count))
        .collect();
    frequent.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    frequent.truncate(MAX_WORDS);
    let mut frequent: Vec<String> = frequent.into_iter().map(|(character, _)| character).collect();
    frequent.sort_unstable();
    frequent
}

fn characters(text: &str) -> impl Iterator<Item = String> {
    text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_lowercase().collect())
}

fn count_characters(known: &[String], texts: &[&str]) -> Array2<f64> {
    let mut counts = Array2::zeros((texts.len(), known.len()));
    for (row, text) in texts.iter().enumerate() {
        for column in characters(text).filter_map(|character| known.binary_search(&character).ok()) {
            counts[[row, column]] += 1.0;
        }
    }
    counts
}

fn count_words(words: &[String], texts: &[&str]) -> Result<Array2<f64>> {
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
            assert_eq!(count_words(&words, &texts).unwrap(), Array2::<f64>::eye(words.len()));
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
    fn characters_are_counted_where_there_are_no_words() {
        let texts = ["山木很差", "火人很差車", "日食很好", "田月很好魚"];
        let bag = BagOfWords::fit(&texts, &[0, 0, 1, 1], 2).unwrap();
        assert_eq!((bag.name(), &bag.words[..]), ("bag of characters", &["好", "差", "很"].map(String::from)[..]));
        let again: BagOfWords = serde_json::from_str(&serde_json::to_string(&bag).unwrap()).unwrap();
        let predictions = again.predict(&["石人差", "石人好"]).unwrap();
        assert!(predictions[0][0] > 0.5 && predictions[1][1] > 0.5, "{predictions:?}");
        assert_eq!(BagOfWords::fit(&TEXTS[..4], &[1, 1, 0, 0], 2).unwrap().name(), "bag of words");
    }

    #[test]
    fn sentences_with_nothing_in_common_are_rejected() {
        let error = BagOfWords::fit(&["ab", "cd"], &[0, 1], 2).unwrap_err();
        assert!(error.to_string().contains("neither a word nor a character in common"), "{error}");
    }
}
