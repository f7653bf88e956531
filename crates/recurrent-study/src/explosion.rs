//! Training runs with exploding gradients.

use std::fmt;

use burn::tensor::Device;
use recurrent::models::{AnyRecurrent, AnyRecurrentConfig, CellKind, Nonlinearity, RnnConfig};
use serde::{Deserialize, Serialize};

use crate::config::StudyConfig;
use crate::corruption::Corruption;
use crate::probe_model::ProbeModel;
use crate::spectral_radius::{RecurrentInit, with_recurrent_init};
use crate::task::MemoryTask;
use crate::training::{Optimizer, TrainConfig, TrainResult, train_model};
use crate::trial::Trial;

/// A run whose recurrent weights are large enough for gradients to explode: plain gradient descent on the adding problem
/// from Gaussian recurrent weights with a spectral radius of [`RADIUS`](Self::RADIUS).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExplosionConfig {
    /// The cell of the recurrent layer.
    pub cell: CellKind,
    /// Whether an RNN uses ReLU in place of tanh, so that its state is unbounded.
    pub relu: bool,
}

/// The result of an [`ExplosionConfig`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExplosionResult {
    /// The run.
    pub config: ExplosionConfig,
    /// The result without gradient clipping.
    pub unclipped: TrainResult,
    /// The result of the same run with the global gradient norm clipped to 1.
    pub clipped: TrainResult,
}

impl ExplosionConfig {
    /// All runs: the RNN with ReLU, then every cell.
    pub const ALL: [Self; 4] = [
        Self { cell: CellKind::Rnn, relu: true },
        Self { cell: CellKind::Rnn, relu: false },
        Self { cell: CellKind::Lstm, relu: false },
        Self { cell: CellKind::Gru, relu: false },
    ];
    /// The spectral radius of the recurrent weights.
    pub const RADIUS: f64 = 1.7;
    /// The sequence length of the adding problem.
    pub const LENGTH: usize = 60;
    /// The maximum number of gradient steps: an explosion happens within a few.
    pub const STEPS: usize = 100;
    /// The learning rate.
    pub const LR: f64 = 0.01;

    /// Trains without and with clipping, with the model size, the batch size and at most the number of steps of a study.
    ///
    /// `None` if `stop` returned true before the end.
    pub fn run(&self, study: &StudyConfig, device: &Device, stop: &dyn Fn() -> bool) -> Option<ExplosionResult> {
        let run = |clip_norm| {
            let device = device.clone().autodiff();
            device.seed(0);
            let (input_size, hidden_size) = (MemoryTask::Adding.input_size(), study.hidden_size);
            let layer = match self.relu {
                true => {
                    let config = RnnConfig::new(input_size, hidden_size).with_nonlinearity(Nonlinearity::Relu);
                    AnyRecurrent::Rnn(config.init(&device))
                }
                false => {
                    let config = AnyRecurrentConfig::new(self.cell, input_size, hidden_size);
                    config.with_retention_bias(study.retention_bias).init(&device)
                }
            };
            let layer = with_recurrent_init(layer, RecurrentInit::Gaussian, Self::RADIUS);
            let model = ProbeModel::from_layers(layer, MemoryTask::Adding.output_size(), &device);
            let trial = Trial {
                task: MemoryTask::Adding,
                length: Self::LENGTH,
                cell: self.cell,
                seed: 0,
                corruption: Corruption::None,
            };
            let config = TrainConfig {
                steps: study.steps.min(Self::STEPS),
                seconds: None,
                batch_size: study.batch_size,
                lr: Self::LR,
                clip_norm,
                optimizer: Optimizer::Sgd,
            };
            train_model(model, &trial, &config, &device, stop).map(|(_, result)| result)
        };
        Some(ExplosionResult { config: *self, unclipped: run(0.0)?, clipped: run(1.0)? })
    }
}

impl fmt::Display for ExplosionConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "explosion-{}{}", self.cell, if self.relu { "-relu" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed_lock::lock_seed;

    #[test]
    fn unclipped_run_diverges_and_clipped_run_does_not() {
        let _seed = lock_seed();
        let study = StudyConfig { hidden_size: 16, steps: 60, ..StudyConfig::quick() };
        let result = ExplosionConfig::ALL[0].run(&study, &Device::flex(), &|| false).unwrap();
        assert!(result.unclipped.diverged_at.is_some() && result.unclipped.loss.is_none(), "{:?}", result.unclipped);
        assert!(result.clipped.loss.is_some() && result.clipped.clipped_fraction > 0.5, "{:?}", result.clipped);
    }
}
