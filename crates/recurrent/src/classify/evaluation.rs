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
    /// The baseline, or the reason why there is none.
    pub baseline: Result<BaselineEvaluation, String>,
}

/// The baseline on the test split.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BaselineEvaluation {
    /// `bag of words`, or `bag of characters`.
    pub name: String,
    /// Its predictions.
    pub predictions: Vec<LabeledPrediction>,
}

impl ClassifyEvaluation {
    /// The scores of both.
    pub fn scores(&self, network: &str) -> ClassifyScores {
        ClassifyScores {
            name: network.to_string(),
            network: score(&self.labels, &self.network),
            baseline: self.baseline.as_ref().ok().map(|baseline| BaselineScore {
                name: baseline.name.clone(),
                score: score(&self.labels, &baseline.predictions),
            }),
            no_baseline: self.baseline.as_ref().err().cloned(),
        }
    }
}

/// The scores of the baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BaselineScore {
    /// `bag of words`, or `bag of characters`.
    pub name: String,
    /// Its scores, with logistic regression.
    #[serde(flatten)]
    pub score: ClassificationScore,
}

/// The scores of the network and the baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClassifyScores {
    /// The name of the network.
    pub name: String,
    /// Its scores.
    pub network: ClassificationScore,
    /// The scores of the baseline, if there is one.
    pub baseline: Option<BaselineScore>,
    /// The reason why there is none.
    pub no_baseline: Option<String>,
}

impl ClassifyScores {
    /// The labels that no sentence of the test split has: the scores say nothing about them.
    pub fn untested(&self) -> Vec<&str> {
        let untested = self.network.classes.iter().filter(|class| class.support == 0);
        untested.map(|class| &*class.label).collect()
    }

    /// A sentence that says which of the two is better.
    pub fn verdict(&self) -> String {
        let Self { name, network, baseline, .. } = self;
        if self.untested().len() + 1 >= network.classes.len() {
            return "The test split has sentences of one label only: accuracy says nothing.".into();
        }
        let Some(BaselineScore { name: other, score: baseline }) = baseline else {
            let reason = self.no_baseline.as_deref().unwrap_or_default();
            return format!("There is no baseline to compare the {name} with: {reason}.");
        };
        let [ours, theirs] = [network.accuracy, baseline.accuracy].map(|fraction| 100.0 * fraction);
        if network.accuracy > baseline.accuracy {
            format!("The {name} beats the {other}: accuracy {ours:.1} % against {theirs:.1} %.")
        } else if network.accuracy < baseline.accuracy {
            format!(
                "The {other} beats the {name}: accuracy {theirs:.1} % against {ours:.1} %. It is also smaller and \
                 faster: prefer it."
            )
        } else {
            format!("The {name} and the {other} have the same accuracy, {ours:.1} %: prefer the {other}.")
        }
    }
}

impl fmt::Display for ClassifyScores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} on the test split, {}\n", self.name, self.network)?;
        if let Some(BaselineScore { name, score }) = &self.baseline {
            writeln!(f, "{name} with logistic regression, {score}\n")?;
        }
        let untested = self.untested();
        if !untested.is_empty() {
            let untested: Vec<String> = untested.iter().map(|label| format!("`{label}`")).collect();
            writeln!(f, "The test split has no sentence with the label {}.", untested.join(" or "))?;
        }
        write!(f, "{}", self.verdict())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Predictions of two labels in turn, or of the first alone.
    fn predictions(correct: usize, of: usize, labels: usize) -> Vec<LabeledPrediction> {
        let predict = |index| {
            let label = index % labels;
            let likely = if index < correct { label } else { 1 - label };
            LabeledPrediction { label, probabilities: if likely == 0 { vec![0.9, 0.1] } else { vec![0.1, 0.9] } }
        };
        (0..of).map(predict).collect()
    }

    fn scores(network: Vec<LabeledPrediction>, baseline: Result<Vec<LabeledPrediction>, String>) -> ClassifyScores {
        let baseline = baseline.map(|predictions| BaselineEvaluation { name: "bag of words".into(), predictions });
        let labels = vec!["bad".into(), "good".into()];
        ClassifyEvaluation { labels, texts: vec![String::new(); 4], network, baseline }.scores("LSTM")
    }

    #[test]
    fn the_verdict_names_the_better_model() {
        let verdict = |network, baseline| scores(predictions(network, 4, 2), Ok(predictions(baseline, 4, 2))).verdict();
        assert_eq!(verdict(3, 2), "The LSTM beats the bag of words: accuracy 75.0 % against 50.0 %.");
        assert!(verdict(2, 3).starts_with("The bag of words beats the LSTM: accuracy 75.0 % against 50.0 %."));
        assert!(verdict(2, 2).contains("the same accuracy, 50.0 %"));
    }

    #[test]
    fn a_missing_baseline_is_told() {
        let scores = scores(predictions(3, 4, 2), Err("nothing in common".into()));
        assert!(scores.to_string().ends_with("There is no baseline to compare the LSTM with: nothing in common."));
        assert_eq!(scores.network.accuracy, 0.75);
        let again: ClassifyScores = serde_json::from_str(&serde_json::to_string(&scores).unwrap()).unwrap();
        assert_eq!(again, scores);
    }

    #[test]
    fn a_label_without_test_sentences_is_told() {
        let text = scores(predictions(4, 4, 1), Ok(predictions(4, 4, 1))).to_string();
        assert!(text.contains("\nThe test split has no sentence with the label `good`.\n"), "{text}");
        assert!(text.ends_with("of one label only: accuracy says nothing.") && !text.contains("100.0 %"), "{text}");
    }
}
