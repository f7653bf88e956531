//! The strong linear baseline: n-grams weighted by Naive Bayes, and logistic regression.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;

use super::logistic_regression::{LogisticRegression, SparseRow};
use crate::{Error, Result};

/// Inverse strengths of the penalty to choose from, the strongest first: each fit starts from the one before.
const STRENGTHS: [f64; 6] = [0.003, 0.01, 0.03, 0.1, 0.3, 1.0];
/// The longest sequence of words that is counted.
const MAX_WORDS: usize = 2;
/// The lengths of the sequences of characters.
const CHARACTERS: std::ops::RangeInclusive<usize> = 2..=5;
/// What is added to each count.
const SMOOTHING: f64 = 1.0;
const ITERATIONS: u64 = 50;

/// Logistic regression on the words, pairs of words, and sequences of two to five characters of a sentence, each weighted
/// by how much likelier it is with a label than without (Wang & Manning 2012, "Baselines and bigrams: simple, good sentiment
/// and topic classification"): the hardest rival of a small network on short texts.
///
/// A feature is 1 if the sentence has it, times its ratio `r = ln((p / |p|) / (q / |q|))`, where `p` is 1 + the number of
/// training sentences with the label that have it, and `q` of those without. Of more than two labels each has a model of its
/// own against the others. The strength of the L2 penalty is the one with the least cross-entropy on the validation
/// sentences.
#[derive(Debug, Clone)]
pub struct NaiveBayesNgrams {
    vocabulary: HashMap<String, u32>,
    /// Of each label; of two labels of the second alone.
    models: Vec<LabelModel>,
    num_labels: usize,
    strength: f64,
}

/// Whether a sentence has a label.
#[derive(Debug, Clone)]
struct LabelModel {
    /// Of each n-gram.
    ratios: Vec<f64>,
    regression: LogisticRegression,
}

/// Sentences and the indices of their labels.
#[derive(Debug, Clone, Copy)]
pub struct LabeledSentences<'a> {
    /// The sentences.
    pub texts: &'a [&'a str],
    /// The label of each.
    pub labels: &'a [usize],
}

impl NaiveBayesNgrams {
    /// Its name in tables.
    pub const NAME: &'static str = "n-grams by Naive Bayes";

    /// Fits the models on training sentences, whose labels are below `num_labels`, and chooses the penalty on validation
    /// sentences.
    ///
    /// # Errors
    /// [`Error::Training`] if the training sentences have no n-gram, or a fit fails.
    pub fn fit(train: LabeledSentences, valid: LabeledSentences, num_labels: usize) -> Result<Self> {
        let (vocabulary, rows) = index(train.texts.iter().map(|text| ngrams(text)));
        if vocabulary.is_empty() {
            return Err(failed(&"the training sentences have neither words nor two characters"));
        }
        let valid_rows: Vec<Vec<u32>> = valid.texts.iter().map(|text| features(&vocabulary, text)).collect();
        let labels = if num_labels == 2 { 1..2 } else { 0..num_labels };
        let paths = labels.map(|label| fit_label(&rows, train.labels, label, vocabulary.len()));
        let paths = paths.collect::<Result<Vec<Vec<LabelModel>>>>()?;
        let of_strength = |index: usize| paths.iter().map(|path| path[index].clone()).collect::<Vec<_>>();
        let loss = |index: usize| cross_entropy(&of_strength(index), &valid_rows, valid.labels, num_labels);
        let losses: Vec<f64> = (0..STRENGTHS.len()).map(loss).collect();
        let best = (0..losses.len()).min_by(|a, b| losses[*a].total_cmp(&losses[*b])).unwrap_or(0);
        Ok(Self { vocabulary, models: of_strength(best), num_labels, strength: STRENGTHS[best] })
    }

    /// The probability of each label for each sentence, `[sentence][label]`.
    #[must_use]
    pub fn predict(&self, texts: &[&str]) -> Vec<Vec<f64>> {
        let predict = |text: &&str| probabilities(&self.models, &features(&self.vocabulary, text), self.num_labels);
        texts.iter().map(predict).collect()
    }

    /// The inverse strength of the penalty that was chosen, scikit-learn's `C`.
    pub fn strength(&self) -> f64 {
        self.strength
    }
}

fn failed(cause: &dyn std::fmt::Display) -> Error {
    Error::Training(format!("the n-grams: {cause}"))
}

/// The models of a label, one for each strength of the penalty.
fn fit_label(rows: &[Vec<u32>], labels: &[usize], label: usize, features: usize) -> Result<Vec<LabelModel>> {
    let Weighted { ratios, rows, targets } = weighted(rows, labels, label, features);
    let mut path: Vec<LabelModel> = Vec::with_capacity(STRENGTHS.len());
    for strength in STRENGTHS {
        let start = path.last().map(|model| &model.regression);
        let fitted = LogisticRegression::fit_from(start, &rows, &targets, (2, features), strength, ITERATIONS);
        let regression = fitted.map_err(|cause| failed(&cause))?;
        path.push(LabelModel { ratios: ratios.clone(), regression });
    }
    Ok(path)
}

/// The probability of each label.
fn probabilities(models: &[LabelModel], row: &[u32], num_labels: usize) -> Vec<f64> {
    let of_label = |model: &LabelModel| model.regression.probabilities(&weigh(row, &model.ratios))[1];
    let probabilities: Vec<f64> = models.iter().map(of_label).collect();
    if num_labels == 2 {
        return vec![1.0 - probabilities[0], probabilities[0]];
    }
    let sum = probabilities.iter().sum::<f64>().max(f64::MIN_POSITIVE);
    probabilities.into_iter().map(|probability| probability / sum).collect()
}

/// The mean cross-entropy in nats.
fn cross_entropy(models: &[LabelModel], rows: &[Vec<u32>], labels: &[usize], num_labels: usize) -> f64 {
    let loss = |(row, label): (&Vec<u32>, &usize)| -probabilities(models, row, num_labels)[*label].max(1e-12).ln();
    rows.iter().zip(labels).map(loss).sum::<f64>() / rows.len().max(1) as f64
}

/// An index for each n-gram of some sentences, and the features of each sentence.
pub(super) fn index<N: IntoIterator<Item = String>>(
    sentences: impl Iterator<Item = N>,
) -> (HashMap<String, u32>, Vec<Vec<u32>>) {
    let mut vocabulary: HashMap<String, u32> = HashMap::new();
    let row = |ngrams: N| {
        let known = ngrams.into_iter().map(|ngram| {
            let next = vocabulary.len() as u32;
            *vocabulary.entry(ngram).or_insert(next)
        });
        distinct(known)
    };
    let rows = sentences.map(row).collect();
    (vocabulary, rows)
}

/// The known features of a sentence.
fn features(vocabulary: &HashMap<String, u32>, text: &str) -> Vec<u32> {
    distinct(ngrams(text).iter().filter_map(|ngram| vocabulary.get(ngram).copied()))
}

/// The words and pairs of words, and the sequences of characters, of a sentence in lower case. Those of
/// words begin with a line break, which no sequence of characters has.
fn ngrams(text: &str) -> Vec<String> {
    static WORD: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\w+").expect("a pattern"));
    let text = text.to_lowercase();
    let words: Vec<&str> = WORD.find_iter(&text).map(|word| word.as_str()).collect();
    let characters: Vec<char> = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().collect();
    let of_words = (1..=MAX_WORDS).flat_map(|count| words.windows(count).map(|words| format!("\n{}", words.join(" "))));
    let of_characters = CHARACTERS.flat_map(|count| characters.windows(count).map(String::from_iter));
    of_words.chain(of_characters).collect()
}

/// The features of a sentence, each once.
fn distinct(features: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut features: Vec<u32> = features.collect();
    features.sort_unstable();
    features.dedup();
    features
}

/// What tells the sentences with a label from the others.
pub(super) struct Weighted {
    /// Of each feature.
    pub(super) ratios: Vec<f64>,
    /// The features of each sentence, times their ratios.
    pub(super) rows: Vec<SparseRow>,
    /// 1 for the sentences with the label.
    pub(super) targets: Vec<usize>,
}

/// Weighs the features of sentences by how much likelier they are with a label.
pub(super) fn weighted(rows: &[Vec<u32>], labels: &[usize], label: usize, features: usize) -> Weighted {
    let ratios = ratios(rows, labels, label, features);
    let rows = rows.iter().map(|row| weigh(row, &ratios)).collect();
    Weighted { ratios, rows, targets: labels.iter().map(|own| usize::from(*own == label)).collect() }
}

/// The log-count ratio of each feature.
pub(super) fn ratios(rows: &[Vec<u32>], labels: &[usize], label: usize, features: usize) -> Vec<f64> {
    let mut with = vec![SMOOTHING; features];
    let mut without = with.clone();
    for (row, own) in rows.iter().zip(labels) {
        let counts = if *own == label { &mut with } else { &mut without };
        row.iter().for_each(|feature| counts[*feature as usize] += 1.0);
    }
    let (all_with, all_without) = (with.iter().sum::<f64>(), without.iter().sum::<f64>());
    with.iter().zip(&without).map(|(p, q)| (p / all_with / (q / all_without)).ln()).collect()
}

fn weigh(row: &[u32], ratios: &[f64]) -> SparseRow {
    row.iter().map(|feature| (*feature, ratios[*feature as usize])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: [&str; 6] = ["a good film", "good, very good", "a bad film", "bad and cold", "so good", "too bad"];
    const LABELS: [usize; 6] = [1, 1, 0, 0, 1, 0];

    #[test]
    fn ngrams_are_words_pairs_and_characters() {
        let found = ngrams("No  go");
        assert_eq!(&found[..3], ["\nno", "\ngo", "\nno go"]);
        assert_eq!(&found[3..], ["no", "o ", " g", "go", "no ", "o g", " go", "no g", "o go", "no go"]);
    }

    #[test]
    fn ratios_agree_with_a_calculation_by_hand() {
        // Feature 0 is in two sentences with the label, feature 1 in one of each.
        let found = ratios(&[vec![0, 1], vec![0], vec![1]], &[1, 1, 0], 1, 2);
        let expected = [(3.0_f64 / 5.0 / (1.0 / 3.0)).ln(), (2.0_f64 / 5.0 / (2.0 / 3.0)).ln()];
        assert_eq!(found, expected);
    }

    /// The probability of the second label by scikit-learn 1.9.1: `CountVectorizer(binary=True)` of words and characters,
    /// times the ratios of the paper, and `LogisticRegression(C=1, tol=1e-10)`.
    const EXPECTED: [f64; 3] = [0.933_819_49, 0.328_011_73, 0.367_671_47];

    #[test]
    fn agrees_with_scikit_learn() {
        let sentences = LabeledSentences { texts: &TEXTS, labels: &LABELS };
        let model = NaiveBayesNgrams::fit(sentences, sentences, 2).unwrap();
        assert_eq!(model.strength(), 1.0);
        let found = model.predict(&["a good day", "cold", "nothing"]);
        for (found, expected) in found.iter().zip(EXPECTED) {
            assert!((found[1] - expected).abs() < 1e-4, "{found:?}, not {expected}");
        }
    }

    #[test]
    fn three_labels_have_a_model_each() {
        let labels = [1, 1, 0, 2, 1, 0];
        let sentences = LabeledSentences { texts: &TEXTS, labels: &labels };
        let model = NaiveBayesNgrams::fit(sentences, sentences, 3).unwrap();
        let found = model.predict(&TEXTS);
        for (row, label) in found.iter().zip(labels) {
            assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            assert!((0..3).all(|other| row[other] <= row[label]), "{row:?}, not {label}");
        }
    }

    #[test]
    fn sentences_without_ngrams_are_rejected() {
        let sentences = LabeledSentences { texts: &["?", "!"], labels: &[0, 1] };
        let error = NaiveBayesNgrams::fit(sentences, sentences, 2).unwrap_err();
        assert!(error.to_string().contains("neither words nor two characters"), "{error}");
    }
}
