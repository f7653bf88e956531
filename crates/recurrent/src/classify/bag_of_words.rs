//! The lecture's baseline: a bag of words and logistic regression.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};

use super::logistic_regression::{LogisticRegression, SparseRow};
use crate::{Error, Result, RunDir};

const FILE: &str = "baseline.json";
/// Minimum number of training sentences with a word.
const MIN_SENTENCES: usize = 2;
/// Maximum number of words, the most frequent ones; the time of the fit grows with it.
const MAX_WORDS: usize = 5000;
/// The inverse strength of the penalty.
const C: f64 = 1.0;
const ITERATIONS: u64 = 100;

/// A bag of words with logistic regression (L2 penalty, strength 1), like scikit-learn's `CountVectorizer` and
/// `LogisticRegression`: the 5,000 most frequent lower-case words that have at least two letters and occur in at least two
/// training sentences.
///
/// Where there is no such word, as in a script without spaces, it counts characters in the same way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BagOfWords {
    unit: Unit,
    /// Sorted.
    words: Vec<String>,
    labels: usize,
    model: LogisticRegression,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Unit {
    Words,
    Characters,
}

impl Unit {
    /// The words or characters of a sentence, in lower case.
    fn of(self, text: &str) -> Vec<String> {
        static WORD: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b\w\w+\b").expect("a pattern"));
        let text = text.to_lowercase();
        match self {
            Self::Words => WORD.find_iter(&text).map(|word| word.as_str().into()).collect(),
            Self::Characters => text.chars().filter(|c| !c.is_whitespace()).map(String::from).collect(),
        }
    }

    /// The most frequent of them that occur in enough sentences, sorted.
    fn frequent(self, texts: &[&str]) -> Vec<String> {
        let mut counts: HashMap<String, (usize, usize)> = HashMap::new();
        for text in texts {
            let words = self.of(text);
            BTreeSet::from_iter(&words).into_iter().for_each(|word| counts.entry(word.clone()).or_default().1 += 1);
            words.into_iter().for_each(|word| counts.entry(word).or_default().0 += 1);
        }
        let mut frequent: Vec<(String, (usize, usize))> = counts.into_iter().collect();
        frequent.retain(|(_, (_, sentences))| *sentences >= MIN_SENTENCES);
        frequent.sort_unstable_by(|(a, (more, _)), (b, (less, _))| less.cmp(more).then_with(|| a.cmp(b)));
        frequent.truncate(MAX_WORDS);
        let mut words: Vec<String> = frequent.into_iter().map(|(word, _)| word).collect();
        words.sort_unstable();
        words
    }

    /// How often each of these words, which are sorted, occurs in a sentence.
    fn count(self, words: &[String], text: &str) -> SparseRow {
        let mut counts: BTreeMap<u32, f64> = BTreeMap::new();
        for index in self.of(text).iter().filter_map(|word| words.binary_search(word).ok()) {
            *counts.entry(index as u32).or_default() += 1.0;
        }
        counts.into_iter().collect()
    }
}

impl BagOfWords {
    /// Fits the model on sentences and their label indices, which are below `labels`.
    ///
    /// # Errors
    /// [`Error::Training`] if the sentences have neither a word nor a character in common, or the fit fails.
    pub fn fit(texts: &[&str], targets: &[usize], labels: usize) -> Result<Self> {
        let failed = |cause: &dyn std::fmt::Display| Error::Training(format!("the bag of words: {cause}"));
        let vocabularies = [Unit::Words, Unit::Characters].map(|unit| (unit, unit.frequent(texts)));
        let (unit, words) = vocabularies
            .into_iter()
            .find(|(_, words)| !words.is_empty())
            .ok_or_else(|| failed(&"the sentences have neither a word nor a character in common"))?;
        let rows: Vec<SparseRow> = texts.iter().map(|text| unit.count(&words, text)).collect();
        let model = LogisticRegression::fit(&rows, targets, (labels, words.len()), C, ITERATIONS)
            .map_err(|cause| failed(&cause))?;
        Ok(Self { unit, words, labels, model })
    }

    /// The probability of each label for each sentence, `[sentence][label]`.
    #[must_use]
    pub fn predict(&self, texts: &[&str]) -> Vec<Vec<f64>> {
        texts.iter().map(|text| self.model.probabilities(&self.unit.count(&self.words, text))).collect()
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

    /// The baseline of a run with this many labels; `None` if the run has not been evaluated yet.
    pub(super) fn read(run_dir: &RunDir, labels: usize) -> Result<Option<Self>> {
        if !run_dir.path(FILE).exists() {
            return Ok(None);
        }
        let damaged = |found: String| Error::RunDir {
            path: run_dir.path(FILE),
            expected: "the baseline of this run (remove the file to fit it again)".into(),
            found,
        };
        let bag: Self = serde_json::from_str(&run_dir.read(FILE)?).map_err(|cause| damaged(cause.to_string()))?;
        let sorted = bag.words.is_sorted_by(|a, b| a < b);
        if bag.labels != labels || !sorted || !bag.model.fits(labels, bag.words.len()) {
            return Err(damaged("coefficients of other labels or words".into()));
        }
        Ok(Some(bag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The probability of the second of two labels, by sentence.
    const TWO: [f64; 4] = [0.821_562_24, 0.387_734_73, 0.513_060_51, 0.516_184_32];
    /// The probabilities of three labels, by sentence.
    const THREE: [f64; 12] = [
        0.100_755_08,
        0.080_357_53,
        0.818_887_39, // a good film
        0.593_366_44,
        0.260_306_97,
        0.146_326_59, // bad
        0.233_793_36,
        0.544_842_41,
        0.221_364_24, // here
        0.333_632_11,
        0.352_377_68,
        0.313_990_21, // nothing
    ];
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
        let predictions = bag.predict(&["good", "bad", "unheard"]);
        assert!(predictions[0][1] > 0.6 && predictions[1][0] > 0.6, "{predictions:?}");
        assert!((predictions[2][0] - 0.5).abs() < 0.1, "{predictions:?}");
        assert!(predictions.iter().all(|row| (row.iter().sum::<f64>() - 1.0).abs() < 1e-9));
    }

    /// Of the same sentences by scikit-learn 1.9.1: `CountVectorizer(min_df=2)` and `LogisticRegression(tol=1e-8)`.
    #[test]
    fn agrees_with_scikit_learn() {
        let sentences = ["a good, good film", "bad again and again", "here", "nothing"];
        let [two, three] = [(&[1, 1, 0, 0, 1, 0], 2), (&[2, 2, 0, 0, 1, 1], 3)]
            .map(|(labels, count)| BagOfWords::fit(&TEXTS, labels, count).unwrap().predict(&sentences));
        let close = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-5, "{found}, not {expected}");
        two.iter().zip(TWO).for_each(|(found, expected)| close(found[1], expected));
        three.iter().flatten().zip(THREE).for_each(|(found, expected)| close(*found, expected));
    }

    #[test]
    fn characters_are_counted_where_there_are_no_words() {
        let bag = BagOfWords::fit(&["好 吃", "很好", "不 行", "不好"], &[1, 1, 0, 0], 2).unwrap();
        assert_eq!((bag.name(), &*bag.words), ("bag of characters", &["不".to_string(), "好".into()][..]));
        assert!(bag.predict(&["不"])[0][0] > 0.6);
    }

    #[test]
    fn three_labels_and_saving() {
        let bag = BagOfWords::fit(&TEXTS, &[2, 2, 0, 0, 1, 1], 3).unwrap();
        let predictions = bag.predict(&["good film", "bad", "there"]);
        let labels: Vec<usize> =
            predictions.iter().map(|row| (0..3).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap()).collect();
        assert_eq!(labels, [2, 0, 1]);
        let again: BagOfWords = serde_json::from_str(&serde_json::to_string(&bag).unwrap()).unwrap();
        // JSON may round the last bit of a coefficient.
        for (again, saved) in again.predict(&TEXTS).concat().iter().zip(bag.predict(&TEXTS).concat()) {
            assert!((again - saved).abs() < 1e-12, "{again} and {saved}");
        }
    }

    #[test]
    fn sentences_without_anything_in_common_are_rejected() {
        let error = BagOfWords::fit(&["ab", "cd"], &[0, 1], 2).unwrap_err();
        assert!(error.to_string().contains("neither a word nor a character in common"), "{error}");
    }
}
