//! Where training is: what a checkpoint is of.

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::mean::{Mean, SavedMean};

/// The epochs that are done, and the batches of the next one; the later of two positions is the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Position {
    pub epochs: usize,
    pub batches: usize,
}

impl Position {
    /// After whole epochs.
    pub fn after(epochs: usize) -> Self {
        Self { epochs, batches: 0 }
    }

    /// The name of its checkpoint's folder: `epoch-000003` after the third epoch, `epoch-000004-batch-00000500` inside the
    /// fourth.
    pub fn name(self) -> String {
        match self.batches {
            0 => format!("epoch-{:06}", self.epochs),
            batches => format!("epoch-{:06}-batch-{batches:08}", self.epochs + 1),
        }
    }

    pub fn of_name(name: &str) -> Option<Self> {
        let rest = name.strip_prefix("epoch-")?;
        match rest.split_once("-batch-") {
            None => Some(Self::after(rest.parse().ok()?)),
            Some((epoch, batches)) => {
                let position =
                    Self { epochs: epoch.parse::<usize>().ok()?.checked_sub(1)?, batches: batches.parse().ok()? };
                (position.batches > 0).then_some(position)
            }
        }
    }
}

/// What is measured in an epoch's gradient steps.
#[derive(Debug, Default)]
pub(super) struct Measured {
    pub loss: Mean,
    pub gradient_norm: Mean,
    pub clipped: Mean,
}

/// An epoch of which a part is done, in a checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct PartialEpoch {
    /// The batches that are done.
    pub batches: usize,
    /// Its duration up to here.
    pub seconds: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    loss: Option<SavedMean>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gradient_norm: Option<SavedMean>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    clipped: Option<SavedMean>,
}

impl PartialEpoch {
    pub fn new(batches: usize, seconds: f64, measured: &Measured) -> Self {
        let Measured { loss, gradient_norm, clipped } = measured;
        Self { batches, seconds, loss: loss.save(), gradient_norm: gradient_norm.save(), clipped: clipped.save() }
    }

    /// The means, which go on from here.
    pub fn measured(&self, device: &Device) -> Measured {
        let [loss, gradient_norm, clipped] =
            [self.loss, self.gradient_norm, self.clipped].map(|saved| Mean::resume(saved, device));
        Measured { loss, gradient_norm, clipped }
    }

    /// Whether it can be part of an epoch of so many batches.
    pub fn is_valid(&self, batches_per_epoch: usize) -> bool {
        let means = [self.loss, self.gradient_norm, self.clipped];
        (1..=batches_per_epoch).contains(&self.batches)
            && (0.0..f64::INFINITY).contains(&self.seconds)
            && self.loss.is_some()
            && means.into_iter().flatten().all(SavedMean::is_valid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_positions_and_their_order() {
        let ordered = [(0, 1), (0, 999), (1, 0), (1, 20), (2, 0), (2, 3)];
        let positions = ordered.map(|(epochs, batches)| Position { epochs, batches });
        assert!(positions.is_sorted());
        for position in positions {
            assert_eq!(Position::of_name(&position.name()), Some(position));
        }
        assert_eq!(Position { epochs: 3, batches: 500 }.name(), "epoch-000004-batch-00000500");
        for name in ["", "epoch-", "epoch-x", "epoch-000000-batch-00000001", "epoch-1-batch-0", ".epoch-1.partial"] {
            assert_eq!(Position::of_name(name), None, "{name}");
        }
    }
}
