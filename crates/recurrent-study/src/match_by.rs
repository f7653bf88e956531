//! What is equal for all cells.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::choice::parse_choice;

/// What is equal for all cells in a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum MatchBy {
    /// The hidden size.
    #[default]
    HiddenSize,
    /// The number of parameters: RNN and GRU get the hidden size whose number of parameters is closest to the LSTM's.
    Parameters,
    /// The hidden size and the training time.
    Time,
}

impl MatchBy {
    /// All choices.
    pub const ALL: [Self; 3] = [Self::HiddenSize, Self::Parameters, Self::Time];
}

impl fmt::Display for MatchBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HiddenSize => "hidden-size",
            Self::Parameters => "parameters",
            Self::Time => "time",
        })
    }
}

impl FromStr for MatchBy {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        parse_choice("quantity", &Self::ALL, name)
    }
}
