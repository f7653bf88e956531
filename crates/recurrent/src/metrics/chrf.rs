//! chrF: F-score of character n-grams.

use std::ops::AddAssign;

use super::text::{is_whitespace, ngrams, pairs};

/// The maximum n-gram order.
const ORDER: usize = 6;

/// The weight of recall relative to precision.
const BETA: f64 = 2.0;

/// Corpus chrF, from 0 to 100 (Popović 2015), with sacreBLEU's defaults: 1-grams to 6-grams of characters without
/// whitespace, case-sensitive, β = 2. Precision and recall are means over the orders that both hypotheses and references
/// have n-grams of; without any the score is 0.
///
/// `references[i]` belong to `hypotheses[i]`, one or more; the reference with the best score counts.
///
/// # Panics
/// If the numbers of hypotheses and lists of references differ, or a list is empty.
pub fn corpus_chrf(hypotheses: &[impl AsRef<str>], references: &[Vec<String>]) -> f64 {
    let mut corpus = Counts::default();
    for (hypothesis, references) in pairs(hypotheses, references) {
        let hypothesis = characters(hypothesis);
        let counts = references.iter().map(|reference| Counts::new(&hypothesis, &characters(reference)));
        // The first of several with the best score.
        if let Some(best) = counts.reduce(|best, next| if next.score() > best.score() { next } else { best }) {
            corpus += best;
        }
    }
    corpus.score()
}

fn characters(text: &str) -> Vec<char> {
    text.chars().filter(|c| !is_whitespace(*c)).collect()
}

/// The n-gram counts that chrF is computed from, one entry per order.
#[derive(Debug, Default)]
struct Counts {
    hypothesis: [usize; ORDER],
    reference: [usize; ORDER],
    matches: [usize; ORDER],
}

impl Counts {
    fn new(hypothesis: &[char], reference: &[char]) -> Self {
        let mut counts = Self::default();
        for order in 0..ORDER {
            let known = ngrams(reference, order + 1);
            counts.reference[order] = known.values().sum();
            // As in sacreBLEU: without n-grams of the reference, those of the hypothesis do not count.
            if known.is_empty() {
                continue;
            }
            for (ngram, count) in ngrams(hypothesis, order + 1) {
                counts.hypothesis[order] += count;
                counts.matches[order] += known.get(ngram).map_or(0, |most| count.min(*most));
            }
        }
        counts
    }

    fn score(&self) -> f64 {
        let (mut precision, mut recall, mut orders) = (0.0, 0.0, 0.0);
        for order in (0..ORDER).filter(|order| self.hypothesis[*order] > 0 && self.reference[*order] > 0) {
            precision += self.matches[order] as f64 / self.hypothesis[order] as f64;
            recall += self.matches[order] as f64 / self.reference[order] as f64;
            orders += 1.0;
        }
        if precision + recall == 0.0 {
            return 0.0;
        }
        let (precision, recall) = (precision / orders, recall / orders);
        100.0 * (1.0 + BETA * BETA) * precision * recall / (BETA * BETA * precision + recall)
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        for order in 0..ORDER {
            self.hypothesis[order] += other.hypothesis[order];
            self.reference[order] += other.reference[order];
            self.matches[order] += other.matches[order];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_agrees_with_a_calculation_by_hand() {
        // 1-grams: precision 2 of 3, recall 2 of 2; 2-grams: 1 of 2 and 1 of 1; the reference has no 3-grams.
        let (precision, recall) = ((2.0 / 3.0 + 1.0 / 2.0) / 2.0, 1.0);
        let expected = 100.0 * 5.0 * precision * recall / (4.0 * precision + recall);
        let score = corpus_chrf(&["a b c"], &[vec!["ab".into()]]);
        assert!((score - expected).abs() < 1e-12, "{score} is not {expected}");
    }

    #[test]
    fn the_best_of_several_references_counts() {
        let one = corpus_chrf(&["кот спит"], &[vec!["кот спит".into()]]);
        let several = corpus_chrf(&["кот спит"], &[vec!["пёс".into(), "кот спит".into(), "кот".into()]]);
        assert_eq!((one, several), (100.0, 100.0));
    }
}
