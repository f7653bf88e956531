//! The scores of classifications and of the baseline.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::metrics::classification::{ClassificationScore, LabeledPrediction, score};

/// The sentences of the test split, as the network and the baseline classify them.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ClassifyEvaluation {
    /// The labels, in the order of their indices.
    pub labels: Vec<String>,
    /// The sentences.
    pub texts: Vec<String>,
    /// The predictions of the network.
    pub network: Vec<LabeledPrediction>,
    /// The predictions of the baseline.
    pub baseline: Vec<LabeledPrediction>,
}

impl ClassifyEvaluation {
    /// The scores of both.
    pub fn scores(&self, network: &str) -> ClassifyScores {
        ClassifyScores {
            name: network.to_string(),
            network: score(&self.labels, &self.network),
            baseline: score(&self.labels, &self.baseline),
        }
    }
}

/// The scores of the network and the bag of words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClassifyScores {
    /// The name of the network.
    pub name: String,
    /// Its scores.
    pub network: ClassificationScore,
    /// The scores of the bag of words with logistic regression.
    pub baseline: ClassificationScore,
}

impl ClassifyScores {
    /// A sentence that says which of the two is better.
    pub fn verdict(&self) -> String {
        let Self { name, network, baseline } = self;
        let [ours, theirs] = [network.accuracy, baseline.accuracy].map(|fraction| 100.0 * fraction);
        if network.accuracy > baseline.accuracy {
            format!("The {name} beats the bag of words: accuracy {ours:.1} % against {theirs:.1} %.")
        } else if network.accuracy < baseline.accuracy {
            format!(
                "The bag of words beats the {name}: accuracy {theirs:.1} % against {ours:.1} %. It is also \
                 smaller and faster: prefer it."
            )
        } else {
            format!("The {name} and the bag of words have the same accuracy, {ours:.1} %: prefer the bag of words.")
        }
    }
}

impl fmt::Display for ClassifyScores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} on the test split, {}\n", self.name, self.network)?;
        writeln!(f, "bag of words with logistic regression, {}\n", self.baseline)?;
        write!(f, "{}", self.verdict())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn predictions(correct: usize, of: usize) -> Vec<LabeledPrediction> {
        let predict = |index| LabeledPrediction {
            label: 0,
            probabilities: if index < correct { vec![0.9, 0.1] } else { vec![0.1, 0.9] },
        };
        (0..of).map(predict).collect()
    }

    #[test]
    fn the_verdict_names_the_better_model() {
        let test = |network, baseline| ClassifyEvaluation {
            labels: vec!["bad".into(), "good".into()],
            texts: vec![String::new(); 4],
            network: predictions(network, 4),
            baseline: predictions(baseline, 4),
        };
        let verdict = |network, baseline| test(network, baseline).scores("LSTM").verdict();
        assert_eq!(verdict(3, 2), "The LSTM beats the bag of words: accuracy 75.0 % against 50.0 %.");
        assert!(verdict(2, 3).starts_with("The bag of words beats the LSTM: accuracy 75.0 % against 50.0 %."));
        assert!(verdict(2, 2).contains("the same accuracy, 50.0 %"));
    }
}
