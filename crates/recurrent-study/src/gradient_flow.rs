//! Gradient flow of recurrent layers at initialization and after training on recall.

use std::fmt;

use burn::tensor::Device;
use rand::SeedableRng;
use rand::rngs::StdRng;
use recurrent::gradient_flow::gradient_trace;
use recurrent::models::{AnyRecurrent, AnyRecurrentConfig, CellKind};
use serde::{Deserialize, Serialize};

use crate::config::StudyConfig;
use crate::corruption::Corruption;
use crate::examples::Split;
use crate::probe_model::{ExampleBatch, ProbeModel};
use crate::spectral_radius::{RecurrentInit, with_recurrent_init};
use crate::task::MemoryTask;
use crate::training::{TrainConfig, TrainResult, train_model};
use crate::trial::Trial;

/// The number of examples whose gradients are measured.
const ROWS: usize = 64;

/// A network whose gradient flow is measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GradientFlowConfig {
    /// The cell of the recurrent layers.
    pub cell: CellKind,
    /// The number of recurrent layers.
    pub num_layers: usize,
    /// The initial bias of an LSTM's forget gate or a GRU's update gate; ignored for an RNN.
    pub retention_bias: f64,
    /// The distribution of the initial recurrent weights; their spectral radius is 1.
    pub recurrent_init: RecurrentInit,
    /// The maximum global gradient norm during training; 0 for no clipping.
    pub clip_norm: f64,
    /// The sequence length of recall.
    pub length: usize,
    /// The random seed of examples and weights.
    pub seed: u64,
}

/// The gradient flow of a network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GradientFlowResult {
    /// The network.
    pub config: GradientFlowConfig,
    /// Each layer at initialization, from the bottom to the top.
    pub initial: Vec<LayerGradient>,
    /// Each layer after training on recall; `None` if training diverged.
    pub trained: Option<Vec<LayerGradient>>,
    /// The result of training.
    pub result: TrainResult,
}

/// The gradient of one layer through time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerGradient {
    /// ‖∂L/∂h‖ by lag, the last step first.
    pub norms: Vec<f64>,
    /// The decay rate: the norm changes by the factor `exp(decay)` per step back. `None` if it could not be measured.
    pub decay: Option<f64>,
}

impl GradientFlowConfig {
    /// All networks of a study: each cell with orthogonal and with Gaussian weights, LSTM and GRU with another retention
    /// bias (0, or 1 where the study has 0), and each cell with other clipping (none, or a norm of 1 where the study does
    /// not clip).
    pub fn all(config: &StudyConfig) -> Vec<Self> {
        let other_clip_norm = if config.clip_norm > 0.0 { 0.0 } else { 1.0 };
        let other_retention_bias = if config.retention_bias == 0.0 { 1.0 } else { 0.0 };
        let mut all = Vec::new();
        for seed in 0..config.seeds as u64 {
            for cell in CellKind::ALL {
                let default = Self {
                    cell,
                    num_layers: config.gradient_layers,
                    retention_bias: config.retention_bias,
                    recurrent_init: RecurrentInit::Orthogonal,
                    clip_norm: config.clip_norm,
                    length: config.gradient_length,
                    seed,
                };
                all.extend([default, Self { recurrent_init: RecurrentInit::Gaussian, ..default }]);
                if cell != CellKind::Rnn {
                    all.push(Self { retention_bias: other_retention_bias, ..default });
                }
                all.push(Self { clip_norm: other_clip_norm, ..default });
            }
        }
        all
    }

    /// Whether the weights are initialized as in the trials of a study.
    pub fn has_default_init(&self, config: &StudyConfig) -> bool {
        self.recurrent_init == RecurrentInit::Orthogonal && self.retention_bias == config.retention_bias
    }

    fn trial(&self) -> Trial {
        Trial {
            task: MemoryTask::Recall,
            length: self.length,
            cell: self.cell,
            seed: self.seed,
            corruption: Corruption::None,
        }
    }

    /// The freshly initialized layers.
    fn init(&self, hidden_size: usize, device: &Device) -> AnyRecurrent {
        let input_size = MemoryTask::Recall.input_size();
        let config = AnyRecurrentConfig::new(self.cell, input_size, hidden_size).with_num_layers(self.num_layers);
        let layers = config.with_retention_bias(self.retention_bias).init(device);
        with_recurrent_init(layers, self.recurrent_init, 1.0)
    }

    /// Measures the gradients at initialization, trains with the settings of a study, and measures them again.
    ///
    /// `None` if `stop` returned true before the end.
    pub fn run(&self, study: &StudyConfig, device: &Device, stop: &dyn Fn() -> bool) -> Option<GradientFlowResult> {
        let device = device.clone().autodiff();
        device.seed(self.seed);
        let model =
            ProbeModel::from_layers(self.init(study.hidden_size, &device), MemoryTask::Recall.output_size(), &device);
        let mut random = StdRng::seed_from_u64(self.seed);
        let examples = MemoryTask::Recall.sample(self.length, ROWS, Split::Test, &mut random);
        let batch = ExampleBatch::new(examples, &device);
        let initial = layer_gradients(&model, &batch);
        let config = TrainConfig { clip_norm: self.clip_norm, ..study.untimed_train_config() };
        let (model, result) = train_model(model, &self.trial(), &config, &device, stop)?;
        let trained = result.diverged_at.is_none().then(|| layer_gradients(&model, &batch));
        Some(GradientFlowResult { config: *self, initial, trained, result })
    }
}

impl fmt::Display for GradientFlowConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let init = match self.recurrent_init {
            RecurrentInit::Orthogonal => "orthogonal",
            RecurrentInit::Gaussian => "gaussian",
        };
        write!(f, "gradient-T{}-{}x{}-{init}", self.length, self.cell, self.num_layers)?;
        if self.cell != CellKind::Rnn {
            write!(f, "-bias{}", self.retention_bias)?;
        }
        write!(f, "-clip{}-s{}", self.clip_norm, self.seed)
    }
}

/// The gradient of each layer.
fn layer_gradients(model: &ProbeModel, batch: &ExampleBatch) -> Vec<LayerGradient> {
    let loss = |output| model.loss_and_accuracy_of(output, batch, MemoryTask::COPIED).0;
    let trace = gradient_trace(&model.layers, batch.inputs.clone(), loss);
    let layers = 0..trace.norms.len();
    layers.map(|layer| LayerGradient { norms: trace.by_lag(layer), decay: trace.decay(layer) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed_lock::lock_seed;

    fn study(hidden_size: usize) -> StudyConfig {
        StudyConfig { hidden_size, steps: 60, lr: 0.01, ..StudyConfig::quick() }
    }

    fn network(cell: CellKind) -> GradientFlowConfig {
        GradientFlowConfig {
            cell,
            num_layers: 2,
            retention_bias: 1.0,
            recurrent_init: RecurrentInit::Orthogonal,
            clip_norm: 1.0,
            length: 30,
            seed: 1,
        }
    }

    #[test]
    fn retention_bias_slows_the_decay_in_every_layer() {
        let _seed = lock_seed();
        for cell in [CellKind::Lstm, CellKind::Gru] {
            let decays = |retention_bias| {
                let network = GradientFlowConfig { retention_bias, ..network(cell) };
                let result = network.run(&study(16), &Device::flex(), &|| false).unwrap();
                assert!(result.initial.len() == 2 && result.initial.iter().all(|layer| layer.norms.len() == 30));
                assert_eq!(result.trained.map(|layers| layers.len()), Some(2));
                result.initial.into_iter().map(|layer| layer.decay.unwrap()).collect::<Vec<_>>()
            };
            assert!(decays(0.0).iter().zip(decays(1.0)).all(|(without, with)| *without < with), "{cell}");
        }
    }

    #[test]
    fn clip_norm_of_the_network_applies() {
        let _seed = lock_seed();
        let clipped = |clip_norm| {
            let network = GradientFlowConfig { clip_norm, ..network(CellKind::Gru) };
            network.run(&study(8), &Device::flex(), &|| false).unwrap().result.clipped_fraction
        };
        assert_eq!([1e-3, 0.0].map(clipped), [1.0, 0.0]);
    }

    #[test]
    fn every_cell_runs_with_and_without_clipping() {
        for clip_norm in [0.0, 2.0] {
            let study = StudyConfig { clip_norm, seeds: 1, ..StudyConfig::quick() };
            let networks = GradientFlowConfig::all(&study);
            let names: std::collections::HashSet<String> = networks.iter().map(ToString::to_string).collect();
            assert_eq!((networks.len(), names.len()), (11, 11));
            for cell in CellKind::ALL {
                let is_default =
                    |network: &&GradientFlowConfig| network.cell == cell && network.has_default_init(&study);
                let clips: Vec<bool> =
                    networks.iter().filter(is_default).map(|network| network.clip_norm > 0.0).collect();
                assert!(clips.contains(&true) && clips.contains(&false), "{cell}");
            }
        }
    }
}
