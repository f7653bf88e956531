//! How a network is trained.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Error;

/// How a network is trained, with Adam (Kingma & Ba 2015).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FitConfig {
    /// Passes over the training part.
    pub epochs: usize,
    /// Items a gradient step: windows, pairs, sentences, or lanes of a text.
    pub batch: usize,
    /// The learning rate at the start.
    pub lr: f64,
    /// How the learning rate goes on.
    pub schedule: Schedule,
    /// The largest norm of all gradients together; larger ones are scaled down to it. 0 leaves them alone.
    pub clip: f64,
    /// After how many epochs without a better validation loss training stops. 0 never does.
    pub patience: usize,
    /// Where weights, order and dropout come from.
    pub seed: u64,
}

/// How the learning rate goes on from its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// It stays.
    #[default]
    Constant,
    /// It falls by a twentieth each epoch, smoothly.
    Exponential,
    /// It falls along half a cosine, to a hundredth at the last of the planned epochs (Loshchilov & Hutter 2017).
    Cosine,
}

impl Schedule {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Constant, Self::Exponential, Self::Cosine];
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Constant => "constant",
            Self::Exponential => "exponential",
            Self::Cosine => "cosine",
        })
    }
}

impl FromStr for Schedule {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|schedule| schedule.to_string() == name);
        known.ok_or_else(|| format!("unknown schedule `{name}`: expected constant, exponential or cosine"))
    }
}

impl Default for FitConfig {
    fn default() -> Self {
        Self { epochs: 40, batch: 32, lr: 1e-3, schedule: Schedule::Constant, clip: 1.0, patience: 10, seed: 0 }
    }
}

impl FitConfig {
    /// Checks the settings.
    ///
    /// # Errors
    /// The first that cannot be, with what was expected.
    pub fn check(&self) -> Result<(), Error> {
        let positive = |number: f64| number.is_finite() && number > 0.0;
        let wrong = [
            ("--epochs", "between 1 and 1000000", !(1..=1_000_000).contains(&self.epochs), self.epochs.to_string()),
            ("--batch", "at least 1", self.batch == 0, self.batch.to_string()),
            ("--lr", "a positive number of at most 1", !positive(self.lr) || self.lr > 1.0, self.lr.to_string()),
            (
                "--clip",
                "a positive number, or 0 for none",
                !positive(self.clip) && self.clip != 0.0,
                self.clip.to_string(),
            ),
        ];
        match wrong.into_iter().find(|(_, _, wrong, _)| *wrong) {
            None => Ok(()),
            Some((setting, expected, _, found)) => Err(Error::Plan { setting, expected: expected.into(), found }),
        }
    }
}
