//! chrF: how many of a translation's character sequences stand in a right answer, and how many of the answer's in it.

use std::ops::AddAssign;

use super::{is_whitespace, ngrams, pairs};

/// The longest sequence of characters that counts.
const ORDER: usize = 6;

/// How many times as much recall weighs as precision.
const BETA: f64 = 2.0;

/// The chrF of all hypotheses together, from 0 to 100 (Popović 2015), as sacreBLEU counts it by default: sequences of
/// one to six characters, whitespace left out, case matters, recall weighs twice as much as precision. Precision and
/// recall are means over the orders that both sides are long enough for; without one the score is 0.
///
/// `references[i]` are the right answers of `hypotheses[i]`, as many as there are. Of several the one counts that the
/// hypothesis scores best with.
///
/// # Panics
///
/// If there is not a list of references for each hypothesis, or one of them is empty.
pub fn corpus_chrf(hypotheses: &[impl AsRef<str>], references: &[Vec<String>]) -> f64 {
    let mut corpus = Counts::default();
    for (hypothesis, answers) in pairs(hypotheses, references) {
        let hypothesis = characters(hypothesis);
        let counts = answers.iter().map(|answer| Counts::new(&hypothesis, &characters(answer)));
        // The first of equals.
        if let Some(best) = counts.reduce(|best, next| if next.score() > best.score() { next } else { best }) {
            corpus += best;
        }
    }
    corpus.score()
}

fn characters(text: &str) -> Vec<char> {
    text.chars().filter(|c| !is_whitespace(*c)).collect()
}

/// What chrF is computed of, an entry an order.
#[derive(Debug, Default)]
struct Counts {
    said: [usize; ORDER],
    right: [usize; ORDER],
    matches: [usize; ORDER],
}

impl Counts {
    fn new(said: &[char], right: &[char]) -> Self {
        let mut counts = Self::default();
        for order in 0..ORDER {
            let known = ngrams(right, order + 1);
            counts.right[order] = known.values().sum();
            // Where the reference has nothing to match, the hypothesis errs in nothing.
            if known.is_empty() {
                continue;
            }
            for (ngram, count) in ngrams(said, order + 1) {
                counts.said[order] += count;
                counts.matches[order] += known.get(ngram).map_or(0, |most| count.min(*most));
            }
        }
        counts
    }

    fn score(&self) -> f64 {
        let (mut precision, mut recall, mut orders) = (0.0, 0.0, 0.0);
        for order in (0..ORDER).filter(|order| self.said[*order] > 0 && self.right[*order] > 0) {
            precision += self.matches[order] as f64 / self.said[order] as f64;
            recall += self.matches[order] as f64 / self.right[order] as f64;
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
            self.said[order] += other.said[order];
            self.right[order] += other.right[order];
            self.matches[order] += other.matches[order];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_agrees_with_a_hand_count() {
        // One character: 2 of 3 and 2 of 2; two: 1 of 2 and 1 of 1; of three the reference has none.
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
