//! The results as tables and as a page, in English or Russian.
//!
//! [`tables`] gives what fits a terminal. A [`Page`] adds introductions and the data of plots; the program that shows it
//! draws the plots.

mod block;
mod claims;
mod cost;
mod format;
mod gates;
mod gradients;
mod labels;
mod memory;
mod quality;
mod table;
mod words;

pub use block::{Block, GateMap, LinePlot, Section};
pub use table::Table;

use crate::claim::ClaimResult;
use crate::language::Language;
use crate::match_by::MatchBy;
use crate::results::Results;

use labels::index_of;
use words::{fill, words_in};

/// A page with all results.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The language of all texts.
    pub language: Language,
    /// The title.
    pub title: String,
    /// The introduction.
    pub lead: String,
    /// The sections.
    pub sections: Vec<Section>,
}

impl Page {
    /// The page of a study.
    pub fn new(results: &Results, claims: &[ClaimResult], language: Language) -> Self {
        let words = words_in(language);
        let config = &results.config;
        let matched = words.match_by[index_of(&MatchBy::ALL, &config.match_by)];
        let retention = 1.0 / (1.0 + (-config.retention_bias).exp());
        let values = [
            ("device", &*config.device),
            ("match_by", matched),
            ("bias", &config.retention_bias.to_string()),
            ("retention", &format!("{retention:.2}")),
            ("seeds", &config.seeds.to_string()),
        ];
        let lead = fill(words.lead, &values);
        let mut sections = claims::sections(claims, words);
        sections.extend(memory::section(results, words));
        sections.extend(gradients::section(results, words));
        sections.extend(gates::section(results, words));
        sections.extend(cost::section(results, words));
        sections.extend(quality::section(results, words));
        Self { language, title: words.title.into(), lead, sections }
    }
}

/// All tables that have rows, with their titles.
pub fn tables(results: &Results, claims: &[ClaimResult], language: Language) -> Vec<(String, Table)> {
    let words = words_in(language);
    let sections = [
        claims::tables(claims, words),
        memory::tables(results, words),
        gradients::tables(results, words),
        gates::tables(results, words),
        cost::tables(results, words),
        quality::tables(results, words),
    ];
    sections.into_iter().flatten().filter(|(_, table)| !table.rows.is_empty()).collect()
}
