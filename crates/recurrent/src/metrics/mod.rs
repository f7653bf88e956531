//! Metrics of texts and classifications, computed on the CPU in double precision.
//!
//! - [`corpus_bleu`], [`corpus_chrf`] and [`exact_match`] compare texts with one or more references each;
//! - [`classification`] compares predicted probabilities with labels.
//!
//! ```
//! use recurrent::metrics::{corpus_bleu, corpus_chrf, exact_match};
//!
//! let hypotheses = ["the cat sat on the mat", "it rains"];
//! let references = [
//!     vec!["the cat sat on a mat".to_string(), "a cat was sitting on the mat".to_string()],
//!     vec!["it rains".to_string()],
//! ];
//! assert_eq!(corpus_bleu(&hypotheses, &references).to_string(), "BLEU 68.39 (87.5/100.0/75.0/33.3, BP 1.00)");
//! assert!((corpus_chrf(&hypotheses, &references) - 78.45).abs() < 0.01);
//! assert_eq!(exact_match(&hypotheses, &references), 0.5);
//! ```
//!
//! The metrics agree with sacreBLEU's and scikit-learn's. Deliberately absent: BLEU tokenizers other than 13a (use chrF
//! for Chinese and Japanese), lower-casing, chrF++, and sentence-level scores, which BLEU is not meant for.

mod bleu;
mod chrf;
pub mod classification;

use std::collections::HashMap;
use std::hash::Hash;

pub use bleu::{Bleu, corpus_bleu};
pub use chrf::corpus_chrf;

/// The fraction of hypotheses that equal one of their references, up to whitespace at the ends and its amount between
/// words; 0 if there are no hypotheses. `references[i]` belong to `hypotheses[i]`.
///
/// # Panics
/// If the numbers of hypotheses and lists of references differ, or a list is empty.
pub fn exact_match(hypotheses: &[impl AsRef<str>], references: &[Vec<String>]) -> f64 {
    let hit = |(hypothesis, references): &(&str, &[String])| {
        references.iter().any(|reference| words(reference).eq(words(hypothesis)))
    };
    fraction(pairs(hypotheses, references).filter(hit).count() as f64, hypotheses.len())
}

/// Each hypothesis with its references.
fn pairs<'a>(
    hypotheses: &'a [impl AsRef<str>],
    references: &'a [Vec<String>],
) -> impl Iterator<Item = (&'a str, &'a [String])> {
    assert_eq!(hypotheses.len(), references.len(), "the numbers of hypotheses and lists of references differ");
    hypotheses.iter().zip(references).enumerate().map(|(index, (hypothesis, references))| {
        assert!(!references.is_empty(), "hypothesis {index} has no reference");
        (hypothesis.as_ref(), &references[..])
    })
}

/// The count of each n-gram.
fn ngrams<T: Eq + Hash>(items: &[T], n: usize) -> HashMap<&[T], usize> {
    let mut counts = HashMap::new();
    for ngram in items.windows(n) {
        *counts.entry(ngram).or_insert(0) += 1;
    }
    counts
}

/// The words between whitespace.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_whitespace).filter(|word| !word.is_empty())
}

/// Whether Python's `str.split` splits here: at Unicode whitespace and at the four ASCII separators, which Unicode does not
/// count as whitespace.
fn is_whitespace(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

/// `part / whole`; 0 if `whole` is 0.
fn fraction(part: f64, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_match_ignores_the_amount_of_whitespace() {
        let references = [vec!["no".into(), "two  words ".into()], vec!["one".into()]];
        assert_eq!(exact_match(&[" two\twords\n", "One"], &references), 0.5);
        assert_eq!(exact_match(&["twowords", "one"], &references), 0.5);
    }

    #[test]
    fn scores_of_no_hypotheses_are_0() {
        assert_eq!(exact_match(&[""; 0], &[]), 0.0);
        assert_eq!(corpus_chrf(&[""; 0], &[]), 0.0);
        assert_eq!(corpus_bleu(&[""; 0], &[]).to_string(), "BLEU 0.00 (0.0/0.0/0.0/0.0, BP 1.00)");
    }

    #[test]
    #[should_panic = "the numbers of hypotheses and lists of references differ"]
    fn a_missing_list_of_references_is_rejected() {
        exact_match(&["a", "b"], &[vec!["a".into()]]);
    }

    #[test]
    #[should_panic = "hypothesis 1 has no reference"]
    fn an_empty_list_of_references_is_rejected() {
        exact_match(&["a", "b"], &[vec!["a".into()], vec![]]);
    }
}
