//! The cards of pretrained models.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a pretrained model is, and how well it does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Card {
    /// Its name.
    pub name: String,
    /// Its title.
    pub title: String,
    /// The name of its task.
    pub task: String,
    /// What it does.
    pub description: String,
    /// What it is not made for.
    pub limits: String,
    /// The license of its weights.
    pub license: String,
    /// The data set that it was trained on.
    pub data: String,
    /// The checksum of this data set.
    pub data_sha256: String,
    /// The command that trained it.
    pub command: String,
    /// The program that trained it, with its version.
    pub made_by: String,
    /// When it was made, such as `2026-11-29`.
    pub made_on: String,
    /// The size of its files.
    pub num_bytes: usize,
    /// Inputs to try.
    pub examples: Vec<String>,
    /// The time of a prediction, one of many in a call, on `machine`.
    pub milliseconds: Option<f64>,
    /// The machine of `milliseconds`.
    pub machine: Option<String>,
    /// Its scores on the test split, then those of the baselines.
    pub scores: Vec<Score>,
}

/// The scores of a model on the test split of its data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Score {
    /// The model: the network, or a baseline.
    pub model: String,
    /// By the name of the metric.
    #[serde(flatten)]
    pub metrics: BTreeMap<String, f64>,
}

impl Card {
    /// Parses a card that is part of the program.
    pub(super) fn parse(text: &str) -> Self {
        toml::from_str(text).unwrap_or_else(|error| panic!("an embedded card is damaged: {error}"))
    }
}
