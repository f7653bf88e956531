//! The losses of every epoch, and when training stops.

use serde::{Deserialize, Serialize};

use super::FitConfig;

/// Why training stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// All epochs are done.
    Finished,
    /// The validation loss has not improved for [`FitConfig::patience`] epochs.
    Patience,
    /// It was interrupted, and can be resumed.
    Interrupted,
}

/// The epochs that are done.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct History {
    /// From the first epoch to the last.
    #[serde(default)]
    pub epochs: Vec<Epoch>,
}

/// The results of one epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Its number, from 1.
    pub epoch: usize,
    /// The mean training loss per item, over the epoch's steps.
    pub train_loss: f64,
    /// The mean validation loss per item, after the epoch's last step.
    pub valid_loss: f64,
    /// The learning rate of the last step.
    pub learning_rate: f64,
    /// The mean global norm of the gradients, before clipping.
    pub gradient_norm: f64,
    /// The fraction of steps whose gradients were clipped.
    pub clipped: f64,
    /// Its duration in seconds, validation included.
    pub seconds: f64,
    /// The ranks that trained it together, at its end.
    #[serde(default = "super::config::one", skip_serializing_if = "is_one")]
    pub ranks: usize,
}

fn is_one(ranks: &usize) -> bool {
    *ranks == 1
}

impl History {
    /// The epoch with the lowest validation loss; the first of several.
    pub fn best(&self) -> Option<&Epoch> {
        self.epochs.iter().reduce(|best, epoch| if epoch.valid_loss < best.valid_loss { epoch } else { best })
    }

    /// JSON Lines: one object per epoch, with the fields of [`Epoch`].
    pub fn to_json_lines(&self) -> String {
        let line = |epoch| serde_json::to_string(epoch).expect("an epoch can be written as JSON") + "\n";
        self.epochs.iter().map(line).collect()
    }

    /// Why training with this configuration is over; `None` if it is not.
    pub fn stop_reason(&self, config: &FitConfig) -> Option<StopReason> {
        let done = self.epochs.len();
        let without_improvement = done - self.best().map_or(0, |best| best.epoch);
        if done >= config.epochs {
            Some(StopReason::Finished)
        } else if config.patience > 0 && without_improvement >= config.patience {
            Some(StopReason::Patience)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(valid: &[f64]) -> History {
        let epoch = |(index, loss): (usize, &f64)| Epoch {
            epoch: index + 1,
            train_loss: 1.0,
            valid_loss: *loss,
            learning_rate: 0.1,
            gradient_norm: 2.0,
            clipped: 0.5,
            seconds: 0.25,
            ranks: 1,
        };
        History { epochs: valid.iter().enumerate().map(epoch).collect() }
    }

    #[test]
    fn the_best_epoch_is_the_first_with_the_lowest_loss() {
        assert_eq!(history(&[3.0, 1.0, 2.0, 1.0]).best().unwrap().epoch, 2);
        assert!(history(&[]).best().is_none());
    }

    #[test]
    fn training_stops_after_all_epochs_or_by_patience() {
        let config = FitConfig { epochs: 5, patience: 2, ..FitConfig::default() };
        assert_eq!(history(&[]).stop_reason(&config), None);
        assert_eq!(history(&[3.0, 1.0, 2.0]).stop_reason(&config), None);
        assert_eq!(history(&[3.0, 1.0, 2.0, 2.0]).stop_reason(&config), Some(StopReason::Patience));
        assert_eq!(history(&[5.0, 4.0, 3.0, 2.0, 1.0]).stop_reason(&config), Some(StopReason::Finished));
        let patient = FitConfig { patience: 0, ..config };
        assert_eq!(history(&[1.0, 2.0, 2.0, 2.0]).stop_reason(&patient), None);
    }

    #[test]
    fn a_json_line_has_all_fields() {
        let line = history(&[3.0]).to_json_lines();
        assert_eq!(
            line,
            "{\"epoch\":1,\"train_loss\":1.0,\"valid_loss\":3.0,\"learning_rate\":0.1,\"gradient_norm\":2.0,\
             \"clipped\":0.5,\"seconds\":0.25}\n"
        );
    }
}
