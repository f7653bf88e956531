//! How good texts and judgements are, counted on the host in double precision.
//!
//! - [`corpus_bleu`], [`corpus_chrf`] and [`exact_match`] hold texts against right answers, of which each sentence has
//!   one or more;
//! - [`classification`] holds probabilities of classes against the true class.
//!
//! ```
//! use recurrent::metrics::{corpus_bleu, corpus_chrf, exact_match};
//!
//! let said = ["the cat sat on the mat", "it rains"];
//! let right = [
//!     vec!["the cat sat on a mat".to_string(), "a cat was sitting on the mat".to_string()],
//!     vec!["it rains".to_string()],
//! ];
//! assert_eq!(corpus_bleu(&said, &right).to_string(), "BLEU 68.39 (87.5/100.0/75.0/33.3, BP 1.00)");
//! assert!((corpus_chrf(&said, &right) - 78.45).abs() < 0.01);
//! assert_eq!(exact_match(&said, &right), 0.5);
//! ```
//!
//! The numbers agree with those of the packages sacreBLEU and scikit-learn. Deliberately absent: other tokenizers than
//! 13a, so Chinese and Japanese want chrF; lower-casing and chrF++; scores of single sentences, which BLEU was not made
//! for.

mod bleu;
mod chrf;
pub mod classification;

use std::collections::HashMap;
use std::hash::Hash;

pub use bleu::{Bleu, corpus_bleu};
pub use chrf::corpus_chrf;

/// The share of hypotheses that are the same as one of their references, but for whitespace: none counts at the ends,
/// and between words one is as good as many. 0 if there is no hypothesis.
///
/// `references[i]` are the right answers of `hypotheses[i]`.
///
/// # Panics
///
/// If there is not a list of references for each hypothesis, or one of them is empty.
pub fn exact_match(hypotheses: &[impl AsRef<str>], references: &[Vec<String>]) -> f64 {
    let hit = |(hypothesis, answers): &(&str, &[String])| answers.iter().any(|one| words(one).eq(words(hypothesis)));
    share(pairs(hypotheses, references).filter(hit).count() as f64, hypotheses.len())
}

/// Each hypothesis with its references.
fn pairs<'a>(
    hypotheses: &'a [impl AsRef<str>],
    references: &'a [Vec<String>],
) -> impl Iterator<Item = (&'a str, &'a [String])> {
    assert_eq!(hypotheses.len(), references.len(), "hypotheses and their lists of references differ in number");
    hypotheses.iter().zip(references).enumerate().map(|(sentence, (hypothesis, answers))| {
        assert!(!answers.is_empty(), "hypothesis {sentence} has no reference");
        (hypothesis.as_ref(), &answers[..])
    })
}

/// How often each sequence of `n` neighbours occurs.
fn ngrams<T: Eq + Hash>(items: &[T], n: usize) -> HashMap<&[T], usize> {
    let mut counts = HashMap::new();
    for ngram in items.windows(n) {
        *counts.entry(ngram).or_insert(0) += 1;
    }
    counts
}

/// What stands between whitespace.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_whitespace).filter(|word| !word.is_empty())
}

/// What Python's `str.split` splits at: it takes the four separators of ASCII for whitespace too, Unicode does not.
fn is_whitespace(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

/// A part of a whole; 0 of nothing.
fn share(part: f64, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whitespace_alone_is_no_mistake() {
        let answers = [vec!["no".into(), "two  words ".into()], vec!["one".into()]];
        assert_eq!(exact_match(&[" two\twords\n", "One"], &answers), 0.5);
        assert_eq!(exact_match(&["twowords", "one"], &answers), 0.5);
    }

    #[test]
    fn nothing_scores_nothing() {
        assert_eq!(exact_match(&[""; 0], &[]), 0.0);
        assert_eq!(corpus_chrf(&[""; 0], &[]), 0.0);
        assert_eq!(corpus_bleu(&[""; 0], &[]).to_string(), "BLEU 0.00 (0.0/0.0/0.0/0.0, BP 1.00)");
    }

    #[test]
    #[should_panic = "hypotheses and their lists of references differ in number"]
    fn a_hypothesis_without_a_list_of_references_is_refused() {
        exact_match(&["a", "b"], &[vec!["a".into()]]);
    }

    #[test]
    #[should_panic = "hypothesis 1 has no reference"]
    fn a_hypothesis_with_an_empty_list_of_references_is_refused() {
        exact_match(&["a", "b"], &[vec!["a".into()], vec![]]);
    }
}
