//! How good translations are, beside those that cost nothing.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::metrics::{Bleu, corpus_bleu, corpus_chrf, exact_match};

/// How good the translations of one translator are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TranslationMetrics {
    /// The network or a baseline.
    pub name: String,
    /// BLEU, as sacreBLEU counts it.
    pub bleu: Bleu,
    /// chrF, from 0 to 100.
    pub chrf: f64,
    /// The share of sentences that are a right answer to the letter.
    pub exact: f64,
}

impl TranslationMetrics {
    fn new(name: &str, said: &[String], references: &[Vec<String>]) -> Self {
        Self {
            name: name.to_string(),
            bleu: corpus_bleu(said, references),
            chrf: corpus_chrf(said, references),
            exact: exact_match(said, references),
        }
    }
}

/// A sentence of the test part, its right answers, and what was said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// The sentence.
    pub source: String,
    /// Its right translations.
    pub references: Vec<String>,
    /// What the network said.
    pub said: String,
    /// The translation of the nearest sentence in training.
    pub nearest: String,
}

/// All translators on the test part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TranslationScores {
    /// How many different sentences were translated.
    pub sentences: usize,
    /// The mean loss of a token of the right answers, in nats.
    pub loss: f64,
    /// The network first, then copy and nearest neighbour.
    pub rows: Vec<TranslationMetrics>,
}

impl TranslationScores {
    /// Judges the network and the baselines.
    pub(super) fn new(network: &str, loss: f64, answered: &[Answered]) -> Self {
        let references: Vec<Vec<String>> = answered.iter().map(|answer| answer.references.clone()).collect();
        let column =
            |of: fn(&Answered) -> &String| answered.iter().map(|answer| of(answer).clone()).collect::<Vec<_>>();
        let rows = vec![
            TranslationMetrics::new(network, &column(|answer| &answer.said), &references),
            TranslationMetrics::new("copy", &column(|answer| &answer.source), &references),
            TranslationMetrics::new("nearest neighbour", &column(|answer| &answer.nearest), &references),
        ];
        Self { sentences: answered.len(), loss, rows }
    }

    /// In words: whether the network is worth its while.
    pub fn verdict(&self) -> String {
        let [network, baselines @ ..] = &self.rows[..] else {
            return "Nothing was translated.".into();
        };
        // Of sentences with fewer than four words BLEU says 0, whatever they say.
        let measure = if self.rows.iter().all(|row| row.bleu.score == 0.0) { "chrF" } else { "BLEU" };
        let score = |row: &TranslationMetrics| if measure == "BLEU" { row.bleu.score } else { row.chrf };
        let ahead: Vec<&str> =
            baselines.iter().filter(|row| score(row) >= score(network)).map(|row| &*row.name).collect();
        match ahead[..] {
            [] => format!("The network beats both ({measure})."),
            _ => format!("The network does NOT beat {}: it is not worth its while.", ahead.join(" and ")),
        }
    }
}

impl fmt::Display for TranslationScores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let perplexity = self.loss.exp();
        writeln!(
            f,
            "{} sentences of the test part: {:.4} nats a token, perplexity {perplexity:.2}",
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

    fn answered(said: &str, nearest: &str) -> Answered {
        let reference = "Мой дом стоит у реки.".to_string();
        Answered { source: "My house".into(), references: vec![reference], said: said.into(), nearest: nearest.into() }
    }

    #[test]
    fn a_network_that_is_no_better_than_looking_up_is_told_so() {
        let right = "Мой дом стоит у реки.";
        let won = TranslationScores::new("GRU", 1.0, &[answered(right, "Мой дом")]);
        assert_eq!(won.rows[0].exact, 1.0);
        assert!(won.verdict().contains("beats both"), "{}", won.verdict());
        let lost = TranslationScores::new("GRU", 1.0, &[answered("Мой дом стоит у моря.", right)]);
        assert!(lost.verdict().contains("does NOT beat nearest neighbour"), "{}", lost.verdict());
        let short = Answered { references: vec!["Мой дом.".into()], ..answered("Мой дом.", "Дом.") };
        let short = TranslationScores::new("GRU", 1.0, &[short]);
        assert_eq!(short.verdict(), "The network beats both (chrF).");
        let text = won.to_string();
        assert!(text.starts_with("1 sentences of the test part: 1.0000 nats a token, perplexity 2.72"), "{text}");
    }
}
