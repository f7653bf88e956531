//! The learning rate schedule, and the random seed of every epoch.

use burn::lr_scheduler::LrSchedulerConfig;
use burn::lr_scheduler::cosine::CosineAnnealingLrSchedulerConfig;
use burn::lr_scheduler::exponential::ExponentialLrSchedulerConfig;
use burn::lr_scheduler::linear::LinearLrSchedulerConfig;
use burn::lr_scheduler::module_lr_scheduler::{ModuleLrScheduler, ModuleLrSchedulerConfig};
use burn::lr_scheduler::sequential::SequentialLrSchedulerConfig;
use burn::module::ParamGroup;

use super::{FitConfig, Schedule};
use crate::{Error, Result};

/// The factor by which [`Schedule::Exponential`] reduces the learning rate per epoch.
const DECAY_PER_EPOCH: f64 = 0.95;
/// The final learning rate of [`Schedule::Cosine`], as a fraction of the initial one.
const FINAL_FRACTION: f64 = 0.01;
/// The end of the path of the biases of recurrent layers.
const BIASES: &str = "gates.bias";

impl FitConfig {
    /// The learning rate scheduler, which is stepped `steps_per_epoch` times per epoch.
    pub(super) fn scheduler(&self, steps_per_epoch: usize) -> Result<ModuleLrScheduler> {
        let steps = steps_per_epoch.saturating_mul(self.epochs);
        if self.warmup > 0 && self.warmup >= steps {
            let expected = format!("fewer than the {steps} gradient steps of all epochs");
            return Err(Error::setting("warmup", expected, self.warmup.to_string()));
        }
        let bias_lr = self.lr * self.bias_factor;
        if bias_lr > 1.0 {
            let expected = format!("at most 1 / lr, {}", 1.0 / self.lr);
            return Err(Error::setting("bias_factor", expected, self.bias_factor.to_string()));
        }
        let schedule = |lr| self.schedule_from(lr, steps_per_epoch, steps - self.warmup);
        let mut config = ModuleLrSchedulerConfig::new(schedule(self.lr));
        if bias_lr != self.lr {
            config = config.with_group(ParamGroup::from_predicate(BIASES), schedule(bias_lr));
        }
        config.init().map_err(|found| Error::Setting {
            setting: "lr".into(),
            expected: "a learning rate that the schedule can start from".into(),
            found,
        })
    }

    /// The schedule of a learning rate: of the warm-up, and of `steps` steps after it.
    fn schedule_from(&self, lr: f64, steps_per_epoch: usize, steps: usize) -> LrSchedulerConfig {
        let schedule = match self.schedule {
            Schedule::Constant => LrSchedulerConfig::Constant(lr),
            Schedule::Exponential => {
                let gamma = DECAY_PER_EPOCH.powf(1.0 / steps_per_epoch as f64);
                ExponentialLrSchedulerConfig::new(lr, gamma).into()
            }
            Schedule::Cosine => {
                CosineAnnealingLrSchedulerConfig::new(lr, steps).with_min_lr(lr * FINAL_FRACTION).into()
            }
        };
        let rise = match self.warmup {
            0 => return schedule,
            1 => LrSchedulerConfig::Constant(lr),
            steps => LinearLrSchedulerConfig::new(lr / steps as f64, lr, steps - 1).into(),
        };
        SequentialLrSchedulerConfig::new(vec![rise, schedule], vec![self.warmup]).into()
    }

    /// The random seed of an epoch's order and dropout, a function of the run's seed and the epoch's number.
    pub(super) fn epoch_seed(&self, epoch: usize) -> u64 {
        self.seed ^ (epoch as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    /// The random seed of a batch's dropout: a hash (Steele et al. 2014, `mix64`) of the epoch's seed and the place in it.
    pub(super) fn batch_seed(&self, epoch: usize, batch: usize) -> u64 {
        let mut hash = self.epoch_seed(epoch).wrapping_add((batch as u64).wrapping_mul(0xD1B5_4A32_D192_ED03));
        for factor in [0xBF58_476D_1CE4_E5B9, 0x94D0_49BB_1331_11EB] {
            hash = (hash ^ (hash >> 30)).wrapping_mul(factor);
        }
        hash ^ (hash >> 31)
    }
}

#[cfg(test)]
mod tests {
    use burn::lr_scheduler::LrSchedulerRecord;

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
    fn warm_up_comes_before_the_schedule() {
        let config = FitConfig { warmup: 4, epochs: 2, lr: 0.1, ..FitConfig::default() };
        let rates = |schedule, steps: usize| -> Vec<f64> {
            let mut scheduler = FitConfig { schedule, ..config.clone() }.scheduler(steps / 2).unwrap();
            (0..steps).map(|_| scheduler.step().base()).collect()
        };
        let constant = rates(Schedule::Constant, 6);
        let expected = [0.025, 0.05, 0.075, 0.1, 0.1, 0.1];
        assert!(constant.iter().zip(expected).all(|(rate, expected)| (rate - expected).abs() < 1e-12), "{constant:?}");
        // The cosine of all of 16 steps, after 4 of 20.
        let alone = FitConfig { warmup: 0, schedule: Schedule::Cosine, ..config.clone() };
        let mut alone = alone.scheduler(8).unwrap();
        let alone: Vec<f64> = (0..16).map(|_| alone.step().base()).collect();
        assert_eq!(rates(Schedule::Cosine, 20)[4..], alone);
        let error = config.scheduler(2).err().unwrap();
        assert_eq!(error.to_string(), "warmup: expected fewer than the 4 gradient steps of all epochs, found 4");
    }

    #[test]
    fn warm_up_resumes_where_it_stopped() {
        for schedule in Schedule::ALL {
            let config = FitConfig { schedule, warmup: 4, epochs: 2, ..FitConfig::default() };
            for stop in 0..10 {
                let mut whole = config.scheduler(5).unwrap();
                (0..stop).for_each(|_| drop(whole.step()));
                let saved = whole.to_record().into_bytes().unwrap();
                let saved = LrSchedulerRecord::from_bytes(saved).unwrap();
                let mut resumed = config.scheduler(5).unwrap().load_record(saved);
                for _ in stop..10 {
                    assert_eq!(resumed.step().base(), whole.step().base(), "{schedule} after {stop} steps");
                }
            }
        }
    }

    #[test]
    fn a_factor_of_biases_keeps_the_learning_rate_in_bounds() {
        let config = FitConfig { lr: 0.3, bias_factor: 2.0, ..FitConfig::default() };
        assert!(config.scheduler(5).is_ok());
        let error = FitConfig { lr: 0.5, bias_factor: 4.0, ..config }.scheduler(5).err().unwrap();
        assert_eq!(error.to_string(), "bias_factor: expected at most 1 / lr, 2, found 4");
    }

    #[test]
    fn epochs_have_distinct_seeds() {
        let config = FitConfig::default();
        let mut seeds: Vec<u64> = (0..1000).map(|epoch| config.epoch_seed(epoch)).collect();
        seeds.sort_unstable();
        seeds.dedup();
        assert_eq!(seeds.len(), 1000);
    }

    #[test]
    fn batches_have_distinct_seeds() {
        let config = FitConfig::default();
        let seeds = (0..100).flat_map(|epoch| (0..100).map(move |batch| (epoch, batch)));
        let mut seeds: Vec<u64> = seeds.map(|(epoch, batch)| config.batch_seed(epoch, batch)).collect();
        seeds.sort_unstable();
        seeds.dedup();
        assert_eq!(seeds.len(), 10_000);
    }
}
