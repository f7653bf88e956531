//! The learning rate of every step, and the seed of every epoch.

use burn::lr_scheduler::constant::ConstantLr;
use burn::lr_scheduler::cosine::CosineAnnealingLrSchedulerConfig;
use burn::lr_scheduler::exponential::ExponentialLrSchedulerConfig;
use burn::lr_scheduler::module_lr_scheduler::ModuleLrScheduler;

use super::{FitConfig, Schedule};
use crate::{Error, Result};

/// What [`Schedule::Exponential`] leaves of the learning rate after an epoch.
const KEPT_PER_EPOCH: f64 = 0.95;
/// What [`Schedule::Cosine`] leaves of the learning rate at the end.
const KEPT_AT_THE_END: f64 = 0.01;

impl FitConfig {
    /// The learning rate of every step, where an epoch has `steps`.
    pub(super) fn scheduler(&self, steps: usize) -> Result<ModuleLrScheduler> {
        let scheduler = match self.schedule {
            Schedule::Constant => Ok(ConstantLr::new(self.lr).into()),
            Schedule::Exponential => {
                let kept_per_step = KEPT_PER_EPOCH.powf(1.0 / steps as f64);
                ExponentialLrSchedulerConfig::new(self.lr, kept_per_step).init()
            }
            Schedule::Cosine => CosineAnnealingLrSchedulerConfig::new(self.lr, steps * self.epochs)
                .with_min_lr(self.lr * KEPT_AT_THE_END)
                .init(),
        };
        scheduler.map_err(|found| Error::Setting {
            setting: "lr".into(),
            expected: "a learning rate that the schedule can start from".into(),
            found,
        })
    }

    /// The seed of an epoch's order and dropout: far from its neighbours', and the same whenever it is asked for.
    pub(super) fn seed_of(&self, epoch: usize) -> u64 {
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
    fn schedules_go_where_they_say() {
        assert_eq!(rates(Schedule::Constant, 4), [0.1; 4]);
        let exponential = rates(Schedule::Exponential, 20);
        assert!((exponential[10] / exponential[0] - KEPT_PER_EPOCH).abs() < 1e-9, "{exponential:?}");
        let cosine = rates(Schedule::Cosine, 20);
        assert!(cosine.is_sorted_by(|a, b| a >= b) && cosine[0] > 0.09 && cosine[19] < 0.003, "{cosine:?}");
    }

    #[test]
    fn epochs_have_seeds_of_their_own() {
        let config = FitConfig::default();
        let mut seeds: Vec<u64> = (0..1000).map(|epoch| config.seed_of(epoch)).collect();
        seeds.sort_unstable();
        seeds.dedup();
        assert_eq!(seeds.len(), 1000);
    }
}
