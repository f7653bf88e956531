//! What happened in each epoch.

use serde::{Deserialize, Serialize};

use super::FitConfig;

/// Why training ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// All epochs are done.
    Finished,
    /// The validation loss had not improved for as many epochs as the plan's patience.
    Patience,
    /// Somebody asked it to stop; it can be resumed.
    Interrupted,
}

/// What happened in each epoch so far.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct History {
    /// From the first epoch to the last.
    #[serde(default)]
    pub epochs: Vec<Epoch>,
}

/// What happened in one epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// From 1.
    pub epoch: usize,
    /// The mean loss of the training part, while its weights were changing.
    pub train_loss: f64,
    /// The mean loss of the validation part, at the end.
    pub valid_loss: f64,
    /// The learning rate of the last step.
    pub learning_rate: f64,
    /// The mean norm of all gradients together, before clipping.
    pub gradient_norm: f64,
    /// The share of steps that were clipped.
    pub clipped: f64,
    /// How long it took.
    pub seconds: f64,
}

impl History {
    /// The epoch with the lowest validation loss, the first of equals.
    pub fn best(&self) -> Option<&Epoch> {
        self.epochs.iter().reduce(|best, epoch| if epoch.valid_loss < best.valid_loss { epoch } else { best })
    }

    /// One line of JSON an epoch.
    pub fn to_json_lines(&self) -> String {
        let line = |epoch| serde_json::to_string(epoch).expect("numbers have a form in JSON") + "\n";
        self.epochs.iter().map(line).collect()
    }

    /// Why training by this plan is over, if it is.
    pub fn stop_reason(&self, config: &FitConfig) -> Option<StopReason> {
        let done = self.epochs.len();
        let without_better = done - self.best().map_or(0, |best| best.epoch);
        if done >= config.epochs {
            Some(StopReason::Finished)
        } else if config.patience > 0 && without_better >= config.patience {
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
        };
        History { epochs: valid.iter().enumerate().map(epoch).collect() }
    }

    #[test]
    fn the_best_epoch_is_the_first_of_the_lowest() {
        assert_eq!(history(&[3.0, 1.0, 2.0, 1.0]).best().unwrap().epoch, 2);
        assert!(history(&[]).best().is_none());
    }

    #[test]
    fn training_ends_when_patience_or_epochs_do() {
        let config = FitConfig { epochs: 5, patience: 2, ..FitConfig::default() };
        assert_eq!(history(&[]).stop_reason(&config), None);
        assert_eq!(history(&[3.0, 1.0, 2.0]).stop_reason(&config), None);
        assert_eq!(history(&[3.0, 1.0, 2.0, 2.0]).stop_reason(&config), Some(StopReason::Patience));
        assert_eq!(history(&[5.0, 4.0, 3.0, 2.0, 1.0]).stop_reason(&config), Some(StopReason::Finished));
        let patient = FitConfig { patience: 0, ..config };
        assert_eq!(history(&[1.0, 2.0, 2.0, 2.0]).stop_reason(&patient), None);
    }

    #[test]
    fn a_line_of_json_has_all_that_happened() {
        let line = history(&[3.0]).to_json_lines();
        assert_eq!(
            line,
            "{\"epoch\":1,\"train_loss\":1.0,\"valid_loss\":3.0,\"learning_rate\":0.1,\"gradient_norm\":2.0,\
             \"clipped\":0.5,\"seconds\":0.25}\n"
        );
    }
}
