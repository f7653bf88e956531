//! How good judgements are, beside the baseline's.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::metrics::classification::{ClassificationScore, LabeledPrediction, score};

/// The sentences of the test part, as the network and the baseline judge them.
#[derive(Debug, Clone)]
pub struct TestTexts {
    /// What the labels are called.
    pub labels: Vec<String>,
    /// The sentences.
    pub texts: Vec<String>,
    /// The network's judgements.
    pub network: Vec<LabeledPrediction>,
    /// The baseline's.
    pub baseline: Vec<LabeledPrediction>,
}

impl TestTexts {
    /// Scores both.
    pub fn score(&self, network: &str) -> ClassifyScores {
        ClassifyScores {
            name: network.to_string(),
            network: score(&self.labels, &self.network),
            baseline: score(&self.labels, &self.baseline),
        }
    }
}

/// The network beside the bag of words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassifyScores {
    /// What the network is called.
    pub name: String,
    /// Its score.
    pub network: ClassificationScore,
    /// The bag of words' with logistic regression.
    pub baseline: ClassificationScore,
}

impl ClassifyScores {
    /// In words: which of the two is the better.
    pub fn verdict(&self) -> String {
        let Self { name, network, baseline } = self;
        let [ours, theirs] = [network.accuracy, baseline.accuracy].map(|share| 100.0 * share);
        if network.accuracy > baseline.accuracy {
            format!("The {name} beats the bag of words: {ours:.1} % right against {theirs:.1} %.")
        } else if network.accuracy < baseline.accuracy {
            format!(
                "The bag of words beats the {name}: {theirs:.1} % right against {ours:.1} %. It is smaller and faster \
                 too: take it."
            )
        } else {
            format!("The {name} and the bag of words are right equally often, {ours:.1} %: take the bag of words.")
        }
    }
}

impl fmt::Display for ClassifyScores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} on the test part, {}\n", self.name, self.network)?;
        writeln!(f, "bag of words with logistic regression, {}\n", self.baseline)?;
        write!(f, "{}", self.verdict())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(right: usize, of: usize) -> Vec<LabeledPrediction> {
        let judge = |index| LabeledPrediction {
            truth: 0,
            probabilities: if index < right { vec![0.9, 0.1] } else { vec![0.1, 0.9] },
        };
        (0..of).map(judge).collect()
    }

    #[test]
    fn the_better_of_the_two_is_named() {
        let test = |network, baseline| TestTexts {
            labels: vec!["bad".into(), "good".into()],
            texts: vec![String::new(); 4],
            network: judged(network, 4),
            baseline: judged(baseline, 4),
        };
        let verdict = |network, baseline| test(network, baseline).score("LSTM").verdict();
        assert_eq!(verdict(3, 2), "The LSTM beats the bag of words: 75.0 % right against 50.0 %.");
        assert!(verdict(2, 3).starts_with("The bag of words beats the LSTM: 75.0 % right against 50.0 %."));
        assert!(verdict(2, 2).contains("equally often, 50.0 %"));
    }
}
