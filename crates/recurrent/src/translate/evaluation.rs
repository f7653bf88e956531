//! The scores of translations and of the baselines.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::metrics::{Bleu, corpus_bleu, corpus_chrf, exact_match};

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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TestTranslation {
    /// The sentence.
    pub source: String,
    /// Its reference translations.
    pub references: Vec<String>,
    /// The translation by the network.
    pub hypothesis: String,
    /// The translation of the nearest training sentence.
    pub nearest: String,
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
    pub(super) fn new(network: &str, loss: f64, translations: Vec<TestTranslation>) -> Self {
        Self { scores: TranslationScores::new(network, loss, &translations), translations }
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
    /// The network first, then copy and nearest neighbor.
    pub rows: Vec<TranslationMetrics>,
}

impl TranslationScores {
    /// Scores the network and the baselines.
    pub(super) fn new(network: &str, loss: f64, translations: &[TestTranslation]) -> Self {
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
        Self { sentences: translations.len(), loss, rows }
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
        writeln!(
            f,
            "{} sentences of the test split: {:.4} nats per token, perplexity {perplexity:.2}",
            self.sentences, self.loss
        )?;
        let width = self.rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
        writeln!(f, "{:width$}  {:>6} {:>6} {:>8}", "", "BLEU", "chrF", "exact %")?;
        for TranslationMetrics { name, bleu, chrf, exact } in &self.rows {
            writeln!(f, "{name:width$}  {:>6.2} {chrf:>6.2} {:>8.1}", bleu.score, 100.0 * exact)?;
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
            nearest: nearest.into(),
        }
    }

    #[test]
    fn the_verdict_names_the_baselines_that_win() {
        let reference = "Мой дом стоит у реки.";
        let won = TranslationScores::new("GRU", 1.0, &[translation(reference, "Мой дом")]);
        assert_eq!(won.rows[0].exact, 1.0);
        assert!(won.verdict().contains("beats both"), "{}", won.verdict());
        let lost = TranslationScores::new("GRU", 1.0, &[translation("Мой дом стоит у моря.", reference)]);
        assert!(lost.verdict().contains("does NOT beat nearest neighbor"), "{}", lost.verdict());
        let short =
            TestTranslation { references: vec!["Мой дом.".into()], ..translation("Мой дом.", "Дом.") };
        let short = TranslationScores::new("GRU", 1.0, &[short]);
        assert_eq!(short.verdict(), "The network beats both (chrF).");
        let text = won.to_string();
        assert!(text.starts_with("1 sentences of the test split: 1.0000 nats per token, perplexity 2.72"), "{text}");
    }
}
