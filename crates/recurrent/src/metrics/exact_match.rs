//! The fraction of exact matches.

use super::text::{fraction, pairs, words};

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
