//! The parts of the study.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::choice::parse_choice;

/// A part of the study, which can be run without the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum StudyPart {
    /// Memory tasks against the sequence length.
    Memory,
    /// Gradient flow through time, and runs with exploding gradients.
    Gradients,
    /// Gate activations while a text and a time series are read.
    Gates,
    /// Parameters, operations, memory and speed of a training step.
    Cost,
    /// Accuracy after training on corrupted data.
    Quality,
}

impl StudyPart {
    /// All parts.
    pub const ALL: [Self; 5] = [Self::Memory, Self::Gradients, Self::Gates, Self::Cost, Self::Quality];
}

impl fmt::Display for StudyPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "memory",
            Self::Gradients => "gradients",
            Self::Gates => "gates",
            Self::Cost => "cost",
            Self::Quality => "quality",
        })
    }
}

impl FromStr for StudyPart {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        parse_choice("part", &Self::ALL, name)
    }
}
