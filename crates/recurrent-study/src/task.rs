//! Memory tasks, and a forecast.

use std::fmt;
use std::str::FromStr;

use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};

use crate::choice::parse_choice;
use crate::digits::{DigitOrder, Digits};
use crate::examples::{Examples, Split};
use crate::signal::Signal;
use crate::synthetic::{self, COPIED, SYMBOLS};

/// A sequence task. All but [`Forecast`](Self::Forecast) need information from early steps at the end of the sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemoryTask {
    /// Classify a sequence of `T` random symbols out of [`SYMBOLS`](Self::SYMBOLS) by its first symbol.
    Recall,
    /// The adding problem (Hochreiter & Schmidhuber 1997, as in Arjovsky et al. 2016): the sum of two marked values among
    /// `T`. A step has a value in `[0, 1)` and a marker, which is 1 at one step of each half.
    Adding,
    /// The copy task (Hochreiter & Schmidhuber 1997, as in Arjovsky et al. 2016): reproduce ten symbols out of eight
    /// after a delay of `T` steps. A sequence has `T + 20` steps; a start signal precedes the last ten.
    Copy,
    /// Classify an 8×8 digit read row by row: 8 steps of 8 pixels.
    DigitsRows,
    /// Classify an 8×8 digit read pixel by pixel: 64 steps.
    DigitsPixels,
    /// The same with the pixels in one fixed random order.
    DigitsPermuted,
    /// Forecast the next day's maximum temperature in Seattle from the 14 days before ([`Signal::weather`]).
    Forecast,
}

impl MemoryTask {
    /// All tasks, the synthetic ones first.
    pub const ALL: [Self; 7] = [
        Self::Recall,
        Self::Adding,
        Self::Copy,
        Self::DigitsRows,
        Self::DigitsPixels,
        Self::DigitsPermuted,
        Self::Forecast,
    ];
    /// The number of symbols in [`Recall`](Self::Recall) and [`Copy`](Self::Copy).
    pub const SYMBOLS: usize = SYMBOLS;
    /// The number of symbols to copy in [`Copy`](Self::Copy).
    pub const COPIED: usize = COPIED;

    /// Whether its examples are generated, at any length.
    pub fn is_synthetic(self) -> bool {
        matches!(self, Self::Recall | Self::Adding | Self::Copy)
    }

    /// The number of time steps of a sequence with the nominal length `length`, which applies to synthetic tasks only.
    pub fn num_steps(self, length: usize) -> usize {
        match self {
            Self::Recall | Self::Adding => length,
            Self::Copy => length + 2 * COPIED,
            Self::DigitsRows => 8,
            Self::DigitsPixels | Self::DigitsPermuted => 64,
            Self::Forecast => Signal::WINDOW,
        }
    }

    /// The number of input features per step.
    pub fn input_size(self) -> usize {
        match self {
            Self::Recall | Self::DigitsRows => 8,
            Self::Adding => 2,
            Self::Copy => SYMBOLS + 2,
            Self::DigitsPixels | Self::DigitsPermuted | Self::Forecast => 1,
        }
    }

    /// The number of outputs: 1 for regression, otherwise the number of classes.
    pub fn output_size(self) -> usize {
        match self {
            Self::Recall => SYMBOLS,
            Self::Adding | Self::Forecast => 1,
            Self::Copy => SYMBOLS + 1,
            Self::DigitsRows | Self::DigitsPixels | Self::DigitsPermuted => 10,
        }
    }

    /// The loss of the best predictor without memory.
    ///
    /// `ln 8` for recall; `1/6 ≈ 0.1667` for adding, the mean squared error of the constant 1; `10 · ln 8 / (T + 20)` for
    /// copy, where blanks are predicted perfectly; `ln 10` for digits; 1 for the forecast, the variance of the training
    /// data.
    pub fn chance_loss(self, length: usize) -> f64 {
        let symbols = (SYMBOLS as f64).ln();
        match self {
            Self::Recall => symbols,
            Self::Adding => 1.0 / 6.0,
            Self::Copy => COPIED as f64 * symbols / self.num_steps(length) as f64,
            Self::DigitsRows | Self::DigitsPixels | Self::DigitsPermuted => 10.0_f64.ln(),
            Self::Forecast => 1.0,
        }
    }

    /// Draws `rows` examples: new ones of a synthetic task, otherwise a sample with replacement from a split of the data.
    pub fn sample(self, length: usize, rows: usize, split: Split, random: &mut StdRng) -> Examples {
        match self {
            Self::Recall => synthetic::recall(length, rows, random),
            Self::Adding => synthetic::adding(length, rows, random),
            Self::Copy => synthetic::copy(length, rows, random),
            Self::DigitsRows | Self::DigitsPixels | Self::DigitsPermuted => {
                Digits::split(split).sample(self.digit_order(), rows, random)
            }
            Self::Forecast => Signal::weather().sample(split, rows, random),
        }
    }

    /// The test examples: `rows` new ones of a synthetic task, otherwise the whole test split of the data.
    pub fn test_examples(self, length: usize, rows: usize, random: &mut StdRng) -> Examples {
        match self {
            Self::Recall | Self::Adding | Self::Copy => self.sample(length, rows, Split::Test, random),
            Self::DigitsRows | Self::DigitsPixels | Self::DigitsPermuted => {
                Digits::split(Split::Test).all(self.digit_order())
            }
            Self::Forecast => Signal::weather().all(Split::Test),
        }
    }

    fn digit_order(self) -> DigitOrder {
        match self {
            Self::DigitsRows => DigitOrder::Rows,
            Self::DigitsPermuted => DigitOrder::Permuted,
            _ => DigitOrder::Pixels,
        }
    }
}

impl fmt::Display for MemoryTask {
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

impl FromStr for MemoryTask {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        parse_choice("task", &Self::ALL, name)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;
    use crate::examples::Targets;

    #[test]
    fn constant_one_has_the_chance_loss_of_adding() {
        let examples = MemoryTask::Adding.sample(20, 20_000, Split::Train, &mut StdRng::seed_from_u64(7));
        let Targets::Values(sums) = examples.targets else { panic!("values") };
        let error = sums.iter().map(|sum| f64::from(sum - 1.0).powi(2)).sum::<f64>() / sums.len() as f64;
        assert!((error - MemoryTask::Adding.chance_loss(20)).abs() < 0.005, "{error}");
    }

    #[test]
    fn chance_losses_of_recall_and_copy_are_entropies() {
        let guessed = 10.0 * 8.0_f64.ln() / 50.0;
        assert!((MemoryTask::Copy.chance_loss(30) - guessed).abs() < 1e-12);
        assert!((MemoryTask::Recall.chance_loss(30) - 8.0_f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn shapes_of_examples_follow_from_the_task() {
        for task in MemoryTask::ALL {
            let examples = task.sample(12, 3, Split::Train, &mut StdRng::seed_from_u64(0));
            assert_eq!(examples.shape, [3, task.num_steps(12), task.input_size()], "{task}");
        }
    }
}
