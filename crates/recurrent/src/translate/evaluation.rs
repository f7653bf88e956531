//! The scores of translations and of the baselines.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ChosenLengthPenalty;
use crate::metrics::{Bleu, corpus_bleu, corpus_chrf, exact_match};
use crate::task::percentage;

/// The metrics of one translator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TranslationMetrics {
    /// The network or a baseline.
    pub name: String,
    /// BLEU, as sacreBLEU computes it.
    pub bleu: Bleu,
    /// chrF, from 0 to 100.
    pub chrf: f64,
    /// The fraction of sentences that equal a reference.
    pub exact: f64,
}

impl TranslationMetrics {
    fn new(name: &str, hypotheses: &[String], references: &[Vec<String>]) -> Self {
        Self {
            name: name.to_string(),
            bleu: corpus_bleu(hypotheses, references),
            chrf: corpus_chrf(hypotheses, references),
            exact: exact_match(hypotheses, references),
        }
    }
}

/// A sentence of the test split with its references and translations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TestTranslation {
    /// The sentence.
    pub source: String,
    /// Its reference translations.
    pub references: Vec<String>,
    /// The translation by the network.
    pub hypothesis: String,
    /// Its probability.
    #[serde(default)]
    pub probability: f64,
    /// The translation of the nearest training sentence.
    pub nearest: String,
    /// Whether the network's translation has no end, since it reached the maximum length.
    #[serde(default)]
    pub cut: bool,
}

/// A quarter of the network's translations: what their probabilities are worth.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProbabilityQuarter {
    /// The least probability of its translations.
    pub least: f64,
    /// BLEU.
    pub bleu: f64,
    /// chrF, from 0 to 100.
    pub chrf: f64,
    /// The fraction that equals a reference.
    pub exact: f64,
}

impl ProbabilityQuarter {
    /// The quarters, the most probable translations first; empty for fewer than four translations.
    fn all(translations: &[TestTranslation]) -> Vec<Self> {
        let mut ordered: Vec<&TestTranslation> = translations.iter().collect();
        ordered.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        let bounds = [0, 1, 2, 3, 4].map(|quarter| quarter * ordered.len() / 4);
        let quarters = bounds.windows(2).map(|bounds| &ordered[bounds[0]..bounds[1]]);
        let score = |quarter: &[&TestTranslation]| {
            let least = quarter.last()?.probability;
            let (hypotheses, references): (Vec<String>, Vec<Vec<String>>) =
                quarter.iter().map(|found| (found.hypothesis.clone(), found.references.clone())).unzip();
            let TranslationMetrics { bleu, chrf, exact, .. } = TranslationMetrics::new("", &hypotheses, &references);
            Some(Self { least, bleu: bleu.score, chrf, exact })
        };
        quarters.map(score).collect::<Option<_>>().unwrap_or_default()
    }
}

/// The mean loss of the references.
#[derive(Debug, Clone, Copy)]
pub(super) struct TokenLoss {
    /// Per token.
    pub nats: f64,
    /// The fraction of the tokens that are `<unk>`.
    pub unknown: f64,
}

/// The evaluation of a translator: scores, and the translations that they are of.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TranslationEvaluation {
    /// The scores of the network and the baselines.
    pub scores: TranslationScores,
    /// The sentences of the test split.
    pub translations: Vec<TestTranslation>,
}

impl TranslationEvaluation {
    pub(super) fn new(
        network: &str,
        loss: TokenLoss,
        chosen: Option<ChosenLengthPenalty>,
        translations: Vec<TestTranslation>,
    ) -> Self {
        let scores = TranslationScores { chosen, ..TranslationScores::new(network, loss, &translations) };
        Self { scores, translations }
    }
}

/// All translators on the test split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TranslationScores {
    /// The number of distinct sentences.
    pub sentences: usize,
    /// The mean loss per token of the references, in nats.
    pub loss: f64,
    /// The fraction of the references' tokens that are `<unk>`. The more there are, the less the loss says.
    #[serde(default)]
    pub unknown: f64,
    /// The number of translations without an end, since they reached the maximum length.
    #[serde(default)]
    pub cut: usize,
    /// The length penalty, if it was chosen on the validation split.
    #[serde(default)]
    pub chosen: Option<ChosenLengthPenalty>,
    /// The network first, then copy and nearest neighbor.
    pub rows: Vec<TranslationMetrics>,
    /// The network's translations in quarters, the most probable first; empty if there are fewer than four.
    #[serde(default)]
    pub quarters: Vec<ProbabilityQuarter>,
}

impl TranslationScores {
    /// Scores the network and the baselines.
    pub(super) fn new(network: &str, loss: TokenLoss, translations: &[TestTranslation]) -> Self {
        let references: Vec<Vec<String>> =
            translations.iter().map(|translation| translation.references.clone()).collect();
        let column = |of: fn(&TestTranslation) -> &String| {
            translations.iter().map(|translation| of(translation).clone()).collect::<Vec<_>>()
        };
        let rows = vec![
            TranslationMetrics::new(network, &column(|translation| &translation.hypothesis), &references),
            TranslationMetrics::new("copy", &column(|translation| &translation.source), &references),
            TranslationMetrics::new("nearest neighbor", &column(|translation| &translation.nearest), &references),
        ];
        let TokenLoss { nats: loss, unknown } = loss;
        let cut = translations.iter().filter(|translation| translation.cut).count();
        let quarters = ProbabilityQuarter::all(translations);
        Self { sentences: translations.len(), loss, unknown, cut, chosen: None, rows, quarters }
    }

    /// A sentence that says whether the network beats the baselines.
    pub fn verdict(&self) -> String {
        let [network, baselines @ ..] = &self.rows[..] else {
            return "Nothing was translated.".into();
        };
        // BLEU is 0 if all sentences have fewer than four words.
        let metric = if self.rows.iter().all(|row| row.bleu.score == 0.0) { "chrF" } else { "BLEU" };
        let score = |row: &TranslationMetrics| if metric == "BLEU" { row.bleu.score } else { row.chrf };
        let ahead: Vec<&str> =
            baselines.iter().filter(|row| score(row) >= score(network)).map(|row| &*row.name).collect();
        match ahead[..] {
            [] => format!("The network beats both ({metric})."),
            _ => format!("The network does NOT beat {}.", ahead.join(" and ")),
        }
    }
}

impl fmt::Display for TranslationScores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let perplexity = self.loss.exp();
        write!(
            f,
            "{} sentences of the test split: {:.4} nats per token, perplexity {perplexity:.2}",
            self.sentences, self.loss
        )?;
        if self.unknown > 0.0 {
            write!(f, " with {} of the tokens <unk>", percentage(self.unknown))?;
        }
        writeln!(f)?;
        let width = self.rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
        writeln!(f, "{:width$}  {:>6} {:>6} {:>8}", "", "BLEU", "chrF", "exact %")?;
        for TranslationMetrics { name, bleu, chrf, exact } in &self.rows {
            writeln!(f, "{name:width$}  {:>6.2} {chrf:>6.2} {:>8.1}", bleu.score, 100.0 * exact)?;
        }
        if !self.quarters.is_empty() {
            writeln!(f, "{:width$}  {:>6} {:>6} {:>8}", "by probability", "BLEU", "chrF", "exact %")?;
        }
        for (name, quarter) in
            ["first quarter", "second quarter", "third quarter", "last quarter"].iter().zip(&self.quarters)
        {
            let ProbabilityQuarter { least, bleu, chrf, exact } = quarter;
            let exact = 100.0 * exact;
            writeln!(f, "{name:width$}  {bleu:>6.2} {chrf:>6.2} {exact:>8.1}  at least {least:.2e}")?;
        }
        if self.cut > 0 {
            writeln!(f, "{} of the network's translations were cut at the maximum length.", self.cut)?;
        }
        if let Some(ChosenLengthPenalty { length_penalty, sentences, candidates }) = &self.chosen {
            let tried = candidates.len();
            writeln!(
                f,
                "Length penalty {length_penalty}, the best of {tried} by BLEU on {sentences} validation sentences."
            )?;
        }
        write!(f, "{}", self.verdict())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translation(hypothesis: &str, nearest: &str) -> TestTranslation {
        let reference = "Мой дом стоит у реки.".to_string();
        TestTranslation {
            source: "My house".into(),
            references: vec![reference],
            hypothesis: hypothesis.into(),
            probability: 0.5,
            nearest: nearest.into(),
            cut: false,
        }
    }

    const LOSS: TokenLoss = TokenLoss { nats: 1.0, unknown: 0.0 };

    #[test]
    fn the_verdict_names_the_baselines_that_win() {
        let reference = "Мой дом стоит у реки.";
        let won = TranslationScores::new("GRU", LOSS, &[translation(reference, "Мой дом")]);
        assert_eq!(won.rows[0].exact, 1.0);
        assert!(won.verdict().contains("beats both"), "{}", won.verdict());
        let lost = TranslationScores::new("GRU", LOSS, &[translation("Мой дом стоит у моря.", reference)]);
        assert!(lost.verdict().contains("does NOT beat nearest neighbor"), "{}", lost.verdict());
        let short =
            TestTranslation { references: vec!["Мой дом.".into()], ..translation("Мой дом.", "Дом.") };
        let short = TranslationScores::new("GRU", LOSS, &[short]);
        assert_eq!(short.verdict(), "The network beats both (chrF).");
        let text = won.to_string();
        assert!(text.starts_with("1 sentences of the test split: 1.0000 nats per token, perplexity 2.72"), "{text}");
    }

    #[test]
    fn the_most_probable_translations_are_scored_apart() {
        let reference = "Мой дом стоит у реки.";
        let translations: Vec<TestTranslation> = (0..8u8)
            .map(|number| {
                let hypothesis = if number < 2 { reference } else { "Мой дом" };
                TestTranslation { probability: f64::from(8 - number) / 10.0, ..translation(hypothesis, "") }
            })
            .rev()
            .collect();
        let scores = TranslationScores::new("GRU", LOSS, &translations);
        let found: Vec<(f64, f64)> = scores.quarters.iter().map(|quarter| (quarter.least, quarter.exact)).collect();
        assert_eq!(found, [(0.7, 1.0), (0.5, 0.0), (0.3, 0.0), (0.1, 0.0)]);
        assert!(scores.quarters[0].bleu > 99.9 && scores.quarters[1].bleu < 50.0, "{:?}", scores.quarters);
        assert!(TranslationScores::new("GRU", LOSS, &translations[..3]).quarters.is_empty());
    }

    #[test]
    fn cut_translations_and_unknown_tokens_are_told() {
        let cut = TestTranslation { cut: true, ..translation("Мой", "Дом") };
        let loss = TokenLoss { nats: 1.0, unknown: 0.25 };
        let text = TranslationScores::new("GRU", loss, &[cut, translation("Мой", "Дом")]).to_string();
        assert!(text.contains("perplexity 2.72 with 25.0 % of the tokens <unk>\n"), "{text}");
        assert!(text.contains("\n1 of the network's translations were cut at the maximum length.\n"), "{text}");
    }
}
