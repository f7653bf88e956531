//! What the metrics of texts share: pairs of texts, words and n-grams.

use std::collections::HashMap;
use std::hash::Hash;

/// Each hypothesis with its references.
pub(super) fn pairs<'a>(
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
pub(super) fn ngrams<T: Eq + Hash>(items: &[T], n: usize) -> HashMap<&[T], usize> {
    let mut counts = HashMap::new();
    for ngram in items.windows(n) {
        *counts.entry(ngram).or_insert(0) += 1;
    }
    counts
}

/// The words between whitespace.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_whitespace).filter(|word| !word.is_empty())
}

/// Whether Python's `str.split` splits here: at Unicode whitespace and at the four ASCII separators, which Unicode does not
/// count as whitespace.
pub(super) fn is_whitespace(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

/// `part / whole`; 0 if `whole` is 0.
pub(super) fn fraction(part: f64, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part / whole as f64 }
}
