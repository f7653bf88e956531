//! The learning rate schedule, and the random seed of every epoch.

use burn::lr_scheduler::constant::ConstantLr;
use burn::lr_scheduler::cosine::CosineAnnealingLrSchedulerConfig;
use burn::lr_scheduler::exponential::ExponentialLrSchedulerConfig;
use burn::lr_scheduler::module_lr_scheduler::ModuleLrScheduler;
use burn::lr_scheduler::{LrScheduler, LrSchedulerRecord};

use super::{FitConfig, Schedule};
use crate::{Error, Result};

/// The factor by which [`Schedule::Exponential`] reduces the learning rate per epoch.
const DECAY_PER_EPOCH: f64 = 0.95;
/// The final learning rate of [`Schedule::Cosine`], as a fraction of the initial one.
const FINAL_FRACTION: f64 = 0.01;

impl FitConfig {
    /// The learning rate scheduler, which is stepped `steps_per_epoch` times per epoch.
    pub(super) fn scheduler(&self, steps_per_epoch: usize) -> Result<ModuleLrScheduler> {
        let steps = steps_per_epoch.saturating_mul(self.epochs);
        if self.warmup > 0 && self.warmup >= steps {
            let expected = format!("fewer than the {steps} gradient steps of all epochs");
            return Err(Error::setting("warmup", expected, self.warmup.to_string()));
        }
        let schedule = self.schedule_of(steps_per_epoch, steps - self.warmup)?;
        if self.warmup == 0 {
            return Ok(schedule);
        }
        Ok(WarmUp { lr: self.lr, steps: self.warmup, done: 0, schedule }.into())
    }

    /// The scheduler of `steps` steps after the warm-up.
    fn schedule_of(&self, steps_per_epoch: usize, steps: usize) -> Result<ModuleLrScheduler> {
        let scheduler = match self.schedule {
            Schedule::Constant => Ok(ConstantLr::new(self.lr).into()),
            Schedule::Exponential => {
                let gamma = DECAY_PER_EPOCH.powf(1.0 / steps_per_epoch as f64);
                ExponentialLrSchedulerConfig::new(self.lr, gamma).init()
            }
            Schedule::Cosine => {
                CosineAnnealingLrSchedulerConfig::new(self.lr, steps).with_min_lr(self.lr * FINAL_FRACTION).init()
            }
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

/// A learning rate that rises linearly to `lr` over some steps, and then follows a schedule.
#[derive(Clone)]
struct WarmUp {
    lr: f64,
    steps: usize,
    /// Steps of the warm-up that are done.
    done: usize,
    schedule: ModuleLrScheduler,
}

impl WarmUp {
    /// The names of `done` and of the schedule in a record.
    const DONE: &str = "warm_up";
    const SCHEDULE: &str = "schedule";
}

impl LrScheduler for WarmUp {
    fn step(&mut self) -> f64 {
        if self.done == self.steps {
            return self.schedule.step().base();
        }
        self.done += 1;
        self.lr * self.done as f64 / self.steps as f64
    }

    /// A schedule that has not begun has no state to save.
    fn to_record(&self) -> LrSchedulerRecord {
        let record = LrSchedulerRecord::new().with_scalar(Self::DONE, self.done as u64);
        match self.done == self.steps {
            true => record.with_record(Self::SCHEDULE, self.schedule.to_record()),
            false => record,
        }
    }

    fn load_record(&mut self, record: LrSchedulerRecord) {
        let done = record.scalar::<u64>(Self::DONE).and_then(|done| usize::try_from(done).ok());
        self.done = done.unwrap_or(0).min(self.steps);
        if self.done == self.steps {
            self.schedule = self.schedule.clone().load_record(record.record(Self::SCHEDULE));
        }
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
    fn epochs_have_distinct_seeds() {
        let config = FitConfig::default();
        let mut seeds: Vec<u64> = (0..1000).map(|epoch| config.epoch_seed(epoch)).collect();
        seeds.sort_unstable();
        seeds.dedup();
        assert_eq!(seeds.len(), 1000);
    }
}
