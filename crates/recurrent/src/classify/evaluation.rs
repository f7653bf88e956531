//! The scores of classifications and of the baseline.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::metrics::classification::{ClassificationScore, LabeledPrediction, mcnemar, score, widest};

/// The p-value below which a difference counts.
const SIGNIFICANCE: f64 = 0.05;

/// The sentences of the test split, as the network and the baseline classify them.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ClassifyEvaluation {
    /// The labels, in the order of their indices.
    pub labels: Vec<String>,
    /// The sentences.
    pub texts: Vec<String>,
    /// What kind each sentence is, if the table says so.
    pub kinds: Vec<Option<String>>,
    /// The predictions of the network.
    pub network: Vec<LabeledPrediction>,
    /// The baselines that could be fitted.
    pub baselines: Vec<BaselineEvaluation>,
    /// The reasons why others could not.
    pub missing: Vec<String>,
}

/// A baseline on the test split.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BaselineEvaluation {
    /// Such as `bag of words`.
    pub name: String,
    /// Its predictions.
    pub predictions: Vec<LabeledPrediction>,
}

impl ClassifyEvaluation {
    /// The scores of all.
    pub fn scores(&self, network: &str) -> ClassifyScores {
        let baseline = |baseline: &BaselineEvaluation| BaselineScore {
            name: baseline.name.clone(),
            p_value: mcnemar(&disagreements(&self.network, &baseline.predictions)),
            score: score(&self.labels, &baseline.predictions),
        };
        ClassifyScores {
            name: network.to_string(),
            network: score(&self.labels, &self.network),
            baselines: self.baselines.iter().map(baseline).collect(),
            missing: self.missing.clone(),
            kinds: self.kind_scores(),
        }
    }

    /// The accuracies of each kind of sentences, the most frequent first.
    fn kind_scores(&self) -> Vec<KindScore> {
        let mut of_kind: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, kind) in self.kinds.iter().enumerate() {
            kind.iter().for_each(|kind| of_kind.entry(kind).or_default().push(index));
        }
        let score = |(kind, sentences): (&str, Vec<usize>)| {
            let accuracy = |predictions: &[LabeledPrediction]| {
                let correct = sentences.iter().filter(|index| predictions[**index].is_correct()).count();
                correct as f64 / sentences.len() as f64
            };
            KindScore {
                kind: kind.to_string(),
                support: sentences.len(),
                network: accuracy(&self.network),
                baselines: self.baselines.iter().map(|baseline| accuracy(&baseline.predictions)).collect(),
            }
        };
        let mut scores: Vec<KindScore> = of_kind.into_iter().map(score).collect();
        scores.sort_by_key(|score| std::cmp::Reverse(score.support));
        scores
    }
}

/// The numbers of examples that the first alone, and the second alone, classifies correctly.
fn disagreements(first: &[LabeledPrediction], second: &[LabeledPrediction]) -> [usize; 2] {
    first.iter().zip(second).fold([0, 0], |[ours, theirs], (first, second)| {
        let (first, second) = (first.is_correct(), second.is_correct());
        [ours + usize::from(first && !second), theirs + usize::from(second && !first)]
    })
}

/// The scores of a baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BaselineScore {
    /// Such as `bag of words`.
    pub name: String,
    /// The p-value of the hypothesis that it is as accurate as the network, by McNemar's test ([`mcnemar`]).
    pub p_value: f64,
    /// Its scores.
    #[serde(flatten)]
    pub score: ClassificationScore,
}

/// The accuracies on the sentences of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KindScore {
    /// Such as `negation`.
    pub kind: String,
    /// The number of sentences.
    pub support: usize,
    /// The accuracy of the network.
    pub network: f64,
    /// The accuracy of each baseline.
    pub baselines: Vec<f64>,
}

/// The scores of the network and the baselines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClassifyScores {
    /// The name of the network.
    pub name: String,
    /// Its scores.
    pub network: ClassificationScore,
    /// The scores of the baselines that could be fitted.
    pub baselines: Vec<BaselineScore>,
    /// The reasons why others could not.
    pub missing: Vec<String>,
    /// The accuracies by kind, if the table says what kind each sentence is.
    pub kinds: Vec<KindScore>,
}

impl ClassifyScores {
    /// The labels that no sentence of the test split has: the scores say nothing about them.
    pub fn untested(&self) -> Vec<&str> {
        let untested = self.network.classes.iter().filter(|class| class.support == 0);
        untested.map(|class| &*class.label).collect()
    }

    /// A table of the accuracies by kind.
    fn by_kind(&self) -> String {
        let names: Vec<&str> = [&*self.name].into_iter().chain(self.baselines.iter().map(|each| &*each.name)).collect();
        let kind = widest(self.kinds.iter().map(|score| &*score.kind).chain(["accuracy"]));
        let mut text = format!("{:kind$}  sentences", "accuracy");
        names.iter().for_each(|name| text += &format!("  {name:>5}"));
        for score in &self.kinds {
            text += &format!("\n{:kind$}  {:>9}", score.kind, score.support);
            for (name, accuracy) in names.iter().zip([score.network].iter().chain(&score.baselines)) {
                text += &format!("  {accuracy:>width$.3}", width = name.chars().count().max(5));
            }
        }
        text
    }

    /// The most accurate baseline.
    pub fn best_baseline(&self) -> Option<&BaselineScore> {
        // The first of equals, which is the simplest.
        self.baselines.iter().rev().max_by(|a, b| a.score.accuracy.total_cmp(&b.score.accuracy))
    }

    /// A sentence that says whether the network is better than the best baseline, with the p-value of a test.
    pub fn verdict(&self) -> String {
        let Self { name, network, missing, .. } = self;
        if self.untested().len() + 1 >= network.classes.len() {
            return "The test split has sentences of one label only: accuracy says nothing.".into();
        }
        let Some(BaselineScore { name: other, score: baseline, p_value }) = self.best_baseline() else {
            return format!("There is no baseline to compare the {name} with: {}.", missing.join("; "));
        };
        let [ours, theirs] = [network.accuracy, baseline.accuracy].map(|fraction| 100.0 * fraction);
        let p = if *p_value < 0.001 { "p < 0.001".into() } else { format!("p = {p_value:.3}") };
        let is_clear = *p_value < SIGNIFICANCE;
        if network.accuracy > baseline.accuracy {
            let is = if is_clear { "is better than" } else { "is not distinguishably better than" };
            format!("The {name} {is} the best baseline, {other}: accuracy {ours:.1} % against {theirs:.1} % ({p}).")
        } else if network.accuracy < baseline.accuracy {
            let is = if is_clear { "is better than" } else { "is not distinguishably worse than" };
            format!(
                "The best baseline, {other}, {is} the {name}: accuracy {theirs:.1} % against {ours:.1} % ({p}). It is \
                 also simpler: prefer it."
            )
        } else {
            format!(
                "The {name} and the best baseline, {other}, have the same accuracy, {ours:.1} %: prefer the latter."
            )
        }
    }
}

impl fmt::Display for ClassifyScores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} on the test split, {}\n", self.name, self.network)?;
        for BaselineScore { name, score, .. } in &self.baselines {
            writeln!(f, "{name} with logistic regression, {score}\n")?;
        }
        if !self.baselines.is_empty() {
            self.missing.iter().try_for_each(|reason| writeln!(f, "A baseline is missing: {reason}."))?;
        }
        let untested = self.untested();
        if !untested.is_empty() {
            let untested: Vec<String> = untested.iter().map(|label| format!("`{label}`")).collect();
            writeln!(f, "The test split has no sentence with the label {}.", untested.join(" or "))?;
        }
        if !self.kinds.is_empty() {
            writeln!(f, "{}\n", self.by_kind())?;
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

    fn scores(network: Vec<LabeledPrediction>, baselines: &[(&str, usize)], labels: usize) -> ClassifyScores {
        let texts = vec![String::new(); network.len()];
        let kind = |index: usize| {
            (!index.is_multiple_of(3)).then(|| ["plain", "negation"][usize::from(index % 3 == 2)].to_string())
        };
        let kinds = (0..network.len()).map(kind).collect();
        let baseline = |(name, correct): &(&str, usize)| BaselineEvaluation {
            name: name.to_string(),
            predictions: predictions(*correct, texts.len(), labels),
        };
        let baselines: Vec<BaselineEvaluation> = baselines.iter().map(baseline).collect();
        let missing = if baselines.is_empty() { vec!["nothing in common".into()] } else { Vec::new() };
        let labels = vec!["bad".into(), "good".into()];
        ClassifyEvaluation { labels, texts, kinds, network, baselines, missing }.scores("LSTM")
    }

    #[test]
    fn the_verdict_names_the_better_model_and_the_test() {
        let verdict =
            |network, baselines: &[(&str, usize)]| scores(predictions(network, 20, 2), baselines, 2).verdict();
        assert_eq!(
            verdict(18, &[("bag of words", 8), ("n-grams", 10)]),
            "The LSTM is better than the best baseline, n-grams: accuracy 90.0 % against 50.0 % (p = 0.008)."
        );
        assert_eq!(
            verdict(12, &[("bag of words", 8), ("n-grams", 10)]),
            "The LSTM is not distinguishably better than the best baseline, n-grams: accuracy 60.0 % against 50.0 % \
             (p = 0.500)."
        );
        assert_eq!(
            verdict(10, &[("bag of words", 20)]),
            "The best baseline, bag of words, is better than the LSTM: accuracy 100.0 % against 50.0 % (p = 0.002). It \
             is also simpler: prefer it."
        );
        assert!(verdict(9, &[("bag of words", 10)]).contains("is not distinguishably worse than the LSTM"));
        let same = verdict(10, &[("bag of words", 10), ("n-grams", 10)]);
        assert!(same.contains("best baseline, bag of words, have the same accuracy, 50.0 %"), "{same}");
    }

    #[test]
    fn accuracies_are_told_by_kind() {
        // Of each three sentences the first has no kind.
        let scores = scores(predictions(3, 8, 2), &[("bag of words", 8)], 2);
        let found: Vec<_> = scores.kinds.iter().map(|score| (&*score.kind, score.support, score.network)).collect();
        assert_eq!(found, [("plain", 3, 1.0 / 3.0), ("negation", 2, 0.5)]);
        let table = "accuracy  sentences   LSTM  bag of words\n\
                     plain             3  0.333         1.000\n\
                     negation          2  0.500         1.000\n\n";
        assert!(scores.to_string().contains(table), "{scores}");
    }

    #[test]
    fn a_missing_baseline_is_told() {
        let scores = scores(predictions(3, 4, 2), &[], 2);
        assert!(scores.to_string().ends_with("There is no baseline to compare the LSTM with: nothing in common."));
        assert_eq!(scores.network.accuracy, 0.75);
        let again: ClassifyScores = serde_json::from_str(&serde_json::to_string(&scores).unwrap()).unwrap();
        assert_eq!(again, scores);
    }

    #[test]
    fn a_label_without_test_sentences_is_told() {
        let text = scores(predictions(4, 4, 1), &[("bag of words", 4)], 1).to_string();
        assert!(text.contains("\nThe test split has no sentence with the label `good`.\n"), "{text}");
        assert!(text.ends_with("of one label only: accuracy says nothing.") && !text.contains("100.0 %"), "{text}");
    }
}
