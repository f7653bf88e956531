//! The learning rate schedule, and the random seed of every epoch.

use burn::lr_scheduler::constant::ConstantLr;
use burn::lr_scheduler::cosine::CosineAnnealingLrSchedulerConfig;
use burn::lr_scheduler::exponential::ExponentialLrSchedulerConfig;
use burn::lr_scheduler::module_lr_scheduler::ModuleLrScheduler;

use super::{FitConfig, Schedule};
use crate::{Error, Result};

/// The factor by which [`Schedule::Exponential`] reduces the learning rate per epoch.
const DECAY_PER_EPOCH: f64 = 0.95;
/// The final learning rate of [`Schedule::Cosine`], as a fraction of the initial one.
const FINAL_FRACTION: f64 = 0.01;

impl FitConfig {
    /// The learning rate scheduler, which is stepped `steps_per_epoch` times per epoch.
    pub(super) fn scheduler(&self, steps_per_epoch: usize) -> Result<ModuleLrScheduler> {
        let scheduler = match self.schedule {
            Schedule::Constant => Ok(ConstantLr::new(self.lr).into()),
            Schedule::Exponential => {
                let gamma = DECAY_PER_EPOCH.powf(1.0 / steps_per_epoch as f64);
                ExponentialLrSchedulerConfig::new(self.lr, gamma).init()
            }
            Schedule::Cosine => CosineAnnealingLrSchedulerConfig::new(self.lr, steps_per_epoch * self.epochs)
                .with_min_lr(self.lr * FINAL_FRACTION)
                .init(),
        };
        scheduler.map_err(|found| Error::Setting {
            setting: "lr".into(),
            expected: "a learning rate that the schedule can start from".into(),
            found,
        })
    }

    /// The random seed of an epoch's order and dropout, a function of the run's seed and the epoch's number.
    pub(super) fn epoch_seed(&self, epoch: usize) -> u64 {
        self.seed ^ (epoch as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(schedule: Schedule, steps: usize) -> Vec<f64> {
        let config = FitConfig { schedule, epochs: 2, lr: 0.1, ..FitConfig::default() };
        let mut scheduler = config.scheduler(steps / 2).unwrap();
        (0..steps).map(|_| scheduler.step().base()).collect()
    }

    #[test]
    fn schedules_have_their_shape() {
        assert_eq!(rates(Schedule::Constant, 4), [0.1; 4]);
        let exponential = rates(Schedule::Exponential, 20);
        assert!((exponential[10] / exponential[0] - DECAY_PER_EPOCH).abs() < 1e-9, "{exponential:?}");
        let cosine = rates(Schedule::Cosine, 20);
        assert!(cosine.is_sorted_by(|a, b| a >= b) && cosine[0] > 0.09 && cosine[19] < 0.003, "{cosine:?}");
    }

    #[test]
    fn epochs_have_distinct_seeds() {
        let config = FitConfig::default();
        let mut seeds: Vec<u64> = (0..1000).map(|epoch| config.epoch_seed(epoch)).collect();
        seeds.sort_unstable();
        seeds.dedup();
        assert_eq!(seeds.len(), 1000);
    }
}
