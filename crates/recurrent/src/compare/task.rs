//! Tasks that ask for memory, and a forecast.

use std::fmt;
use std::str::FromStr;

use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};

use super::digits::Digits;
use super::generated;
use super::signal::Signal;

/// What a network is asked to do. All but the forecast can be done only by one that remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Memory {
    /// Which of [`SYMBOLS`](Self::SYMBOLS) symbols came first, asked after `T` steps of which all but the first are
    /// drawn to mislead.
    Recall,
    /// The sum of two marked numbers among `T` (Hochreiter & Schmidhuber 1997, as in Arjovsky et al. 2016): each step
    /// brings a number from `[0, 1)` and a mark, which is 1 at one place of the first half and one of the second.
    Adding,
    /// Ten symbols out of eight, to be said again after `T` blank steps (Hochreiter & Schmidhuber 1997, as in Arjovsky
    /// et al. 2016): a sequence has `T + 20` steps, the last ten of which begin after a sign.
    Copy,
    /// Which digit it is, read row by row: eight steps of eight shades.
    DigitsRows,
    /// Which digit it is, read point by point: 64 steps of one shade.
    DigitsPixels,
    /// The same, with the points in an order that was drawn once and is the same for all digits.
    DigitsPermuted,
    /// How warm Seattle's next day will be, from the days before ([`Signal::weather`]).
    Forecast,
}

/// Rows of a task, as plain numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Examples {
    /// `[rows, time, width]`.
    pub shape: [usize; 3],
    /// What is shown, row after row.
    pub inputs: Vec<f32>,
    /// What is asked.
    pub answers: Answers,
}

/// What is asked of a network.
#[derive(Debug, Clone, PartialEq)]
pub enum Answers {
    /// A number at the last step, `[rows]`.
    Numbers(Vec<f32>),
    /// A class at the last step, `[rows]`.
    Classes(Vec<i64>),
    /// A class at each step, `[rows, time]`.
    Sequences(Vec<i64>),
}

/// Which rows of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Those to learn from.
    Train,
    /// Those that are scored.
    Test,
}

impl Memory {
    /// All of them, those that are generated first.
    pub const ALL: [Self; 7] = [
        Self::Recall,
        Self::Adding,
        Self::Copy,
        Self::DigitsRows,
        Self::DigitsPixels,
        Self::DigitsPermuted,
        Self::Forecast,
    ];
    /// Of [`Recall`](Self::Recall) and [`Copy`](Self::Copy), those that are to be remembered.
    pub const SYMBOLS: usize = 8;
    /// How many are to be copied.
    pub const COPIED: usize = 10;

    /// Whether its rows are drawn, at any length; otherwise they are the digits.
    pub fn is_generated(self) -> bool {
        matches!(self, Self::Recall | Self::Adding | Self::Copy)
    }

    /// The steps of a sequence whose length is called `length`; those of digits are what they are.
    pub fn steps(self, length: usize) -> usize {
        match self {
            Self::Recall | Self::Adding => length,
            Self::Copy => length + 2 * Self::COPIED,
            Self::DigitsRows => 8,
            Self::DigitsPixels | Self::DigitsPermuted => 64,
            Self::Forecast => Signal::WINDOW,
        }
    }

    /// Features of a step.
    pub fn width(self) -> usize {
        match self {
            Self::Recall | Self::DigitsRows => 8,
            Self::Adding => 2,
            Self::Copy => Self::SYMBOLS + 2,
            Self::DigitsPixels | Self::DigitsPermuted | Self::Forecast => 1,
        }
    }

    /// Features of an answer: one number, or a logit a class.
    pub fn outputs(self) -> usize {
        match self {
            Self::Recall => Self::SYMBOLS,
            Self::Adding | Self::Forecast => 1,
            Self::Copy => Self::SYMBOLS + 1,
            Self::DigitsRows | Self::DigitsPixels | Self::DigitsPermuted => 10,
        }
    }

    /// The loss of who remembers nothing and otherwise does the best that can be done.
    ///
    /// `ln 8` for recall; `1/6 ≈ 0.1667`, the mean squared error of always saying 1, for adding; `10 · ln 8 / (T + 20)`
    /// for copying, where the blanks cost nothing; `ln 10` for digits; 1 for the forecast, the variance of what is learned
    /// from.
    pub fn chance(self, length: usize) -> f64 {
        let symbols = (Self::SYMBOLS as f64).ln();
        match self {
            Self::Recall => symbols,
            Self::Adding => 1.0 / 6.0,
            Self::Copy => Self::COPIED as f64 * symbols / self.steps(length) as f64,
            Self::DigitsRows | Self::DigitsPixels | Self::DigitsPermuted => 10.0_f64.ln(),
            Self::Forecast => 1.0,
        }
    }

    /// The share of right answers of who guesses; none for numbers.
    pub fn guessed(self) -> Option<f64> {
        match self {
            Self::Adding | Self::Forecast => None,
            Self::Recall | Self::Copy => Some(1.0 / Self::SYMBOLS as f64),
            Self::DigitsRows | Self::DigitsPixels | Self::DigitsPermuted => Some(0.1),
        }
    }

    /// So many rows, drawn: fresh ones if the task is generated, and otherwise those of a part of the data.
    pub fn draw(self, length: usize, rows: usize, source: Source, random: &mut StdRng) -> Examples {
        match self {
            Self::Recall => generated::recall(length, rows, random),
            Self::Adding => generated::adding(length, rows, random),
            Self::Copy => generated::copy(length, rows, random),
            Self::DigitsRows | Self::DigitsPixels | Self::DigitsPermuted => {
                Digits::part(source).draw(self, rows, random)
            }
            Self::Forecast => Signal::weather().draw(source, rows, random),
        }
    }

    /// Rows to score by: so many fresh ones if the task is generated, and otherwise all of the data's test part.
    pub fn test(self, length: usize, rows: usize, random: &mut StdRng) -> Examples {
        match self {
            Self::Recall | Self::Adding | Self::Copy => self.draw(length, rows, Source::Test, random),
            Self::DigitsRows | Self::DigitsPixels | Self::DigitsPermuted => Digits::part(Source::Test).all(self),
            Self::Forecast => Signal::weather().all(Source::Test),
        }
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Recall => "recall",
            Self::Adding => "adding",
            Self::Copy => "copy",
            Self::DigitsRows => "digits-rows",
            Self::DigitsPixels => "digits-pixels",
            Self::DigitsPermuted => "digits-permuted",
            Self::Forecast => "forecast",
        })
    }
}

impl FromStr for Memory {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|task| task.to_string() == name).ok_or_else(|| {
            format!(
                "unknown task `{name}`: expected recall, adding, copy, digits-rows, digits-pixels, digits-permuted or \
                 forecast"
            )
        })
    }
}
