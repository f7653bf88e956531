//! All measurements of a study.

use recurrent::models::CellKind;
use serde::{Deserialize, Serialize};

use crate::config::StudyConfig;
use crate::corruption::Corruption;
use crate::explosion::ExplosionResult;
use crate::gate_trace::GateTrace;
use crate::gradient_flow::GradientFlowResult;
use crate::significance::MeanStd;
use crate::speed::Speed;
use crate::task::MemoryTask;
use crate::training::TrainResult;
use crate::trial::Trial;

/// The result of one trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialResult {
    /// The trial.
    pub trial: Trial,
    /// The result of training.
    pub result: TrainResult,
}

impl TrialResult {
    /// The [skill score](TrainResult::skill).
    pub fn skill(&self) -> f64 {
        self.result.skill(self.trial.task.chance_loss(self.trial.length))
    }

    /// A score from 0 to 1: the accuracy of a classifier; for a forecast 1 − RMSE in standard deviations, so that the
    /// forecast of the mean has the score 0. 0 if training diverged.
    pub fn score(&self) -> f64 {
        match self.trial.task {
            MemoryTask::Forecast => self.result.loss.map_or(0.0, |loss| (1.0 - loss.sqrt()).max(0.0)),
            _ => self.result.accuracy.unwrap_or(0.0),
        }
    }
}

/// The condition of a trial without its cell and seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Condition {
    /// The task.
    pub task: MemoryTask,
    /// The nominal sequence length.
    pub length: usize,
    /// The corruption of the training examples.
    pub corruption: Corruption,
}

impl Condition {
    /// The condition of a trial.
    pub fn of(trial: &Trial) -> Self {
        Self { task: trial.task, length: trial.length, corruption: trial.corruption }
    }
}

/// All measurements of a study.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Results {
    /// The settings.
    pub config: StudyConfig,
    /// The trials, in the order of [`StudyConfig::trials`].
    pub trials: Vec<TrialResult>,
    /// Gradient flow.
    pub gradient_flow: Vec<GradientFlowResult>,
    /// Runs with exploding gradients.
    pub explosions: Vec<ExplosionResult>,
    /// Gate activations.
    pub gate_traces: Vec<GateTrace>,
    /// Times.
    pub speeds: Vec<Speed>,
}

/// A cell fails a task at a length if its skill score is below this.
pub const FAILURE_THRESHOLD: f64 = 0.5;

impl Results {
    /// Results without measurements.
    pub fn new(config: StudyConfig) -> Self {
        Self {
            config,
            trials: Vec::new(),
            gradient_flow: Vec::new(),
            explosions: Vec::new(),
            gate_traces: Vec::new(),
            speeds: Vec::new(),
        }
    }

    /// The conditions of all trials, in order.
    pub fn conditions(&self) -> Vec<Condition> {
        let mut conditions: Vec<Condition> = Vec::new();
        for TrialResult { trial, .. } in &self.trials {
            let condition = Condition::of(trial);
            if !conditions.contains(&condition) {
                conditions.push(condition);
            }
        }
        conditions
    }

    /// The trials of a cell under a condition, one per seed.
    pub fn trials_of(&self, condition: Condition, cell: CellKind) -> Vec<&TrialResult> {
        let matches = |trial: &Trial| Condition::of(trial) == condition && trial.cell == cell;
        self.trials.iter().filter(|result| matches(&result.trial)).collect()
    }

    /// For each seed, the mean of `metric` over the trials of a cell that `filter` selects.
    pub fn by_seed(
        &self,
        cell: CellKind,
        filter: impl Fn(&Trial) -> bool,
        metric: impl Fn(&TrialResult) -> f64,
    ) -> Vec<f64> {
        let mean = |seed: u64| {
            let selected = |trial: &Trial| trial.cell == cell && trial.seed == seed && filter(trial);
            let values: Vec<f64> = self.trials.iter().filter(|result| selected(&result.trial)).map(&metric).collect();
            Some(MeanStd::of(&values)?.mean)
        };
        (0..self.config.seeds as u64).filter_map(mean).collect()
    }

    /// The shortest length of a synthetic task at which the mean skill score of a cell is below [`FAILURE_THRESHOLD`];
    /// `None` if there is none.
    pub fn failure_length(&self, task: MemoryTask, cell: CellKind) -> Option<usize> {
        let of_task = |condition: &Condition| condition.task == task && condition.corruption == Corruption::None;
        let mut lengths: Vec<usize> =
            self.conditions().into_iter().filter(of_task).map(|condition| condition.length).collect();
        lengths.sort_unstable();
        lengths.into_iter().find(|length| {
            let condition = Condition { task, length: *length, corruption: Corruption::None };
            let skills: Vec<f64> = self.trials_of(condition, cell).iter().map(|result| result.skill()).collect();
            MeanStd::of(&skills).is_some_and(|skill| skill.mean < FAILURE_THRESHOLD)
        })
    }

    /// The speed of a cell at the largest measured hidden size and length.
    pub fn largest_speed(&self, cell: CellKind) -> Option<&Speed> {
        self.speeds.iter().filter(|speed| speed.cell == cell).max_by_key(|speed| (speed.hidden_size, speed.length))
    }
}
