//! Gradients through time, before training and after it, and runs whose gradients explode.

use std::fmt;

use burn::tensor::Device;
use rand::SeedableRng;
use rand::rngs::StdRng;
use recurrent_models::{AnyRecurrent, AnyRecurrentConfig, CellKind, LstmConfig, Nonlinearity, RnnConfig};
use serde::{Deserialize, Serialize};

use super::damage::Damage;
use super::microscope::gradient_trace;
use super::plan::StudyConfig;
use super::reader::{Reader, Rows};
use super::spectrum::{RecurrentWeights, with_recurrent_weights};
use super::task::{Memory, Source};
use super::trial::{Outcome, Recipe, Trial, learn};

/// Rows whose gradients are looked at.
const ROWS: usize = 64;

/// A network under the microscope.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// Which recurrent layer.
    pub cell: CellKind,
    /// How many of them, on top of one another.
    pub layers: usize,
    /// Where the bias of an LSTM's forget gate starts; of no account to other cells.
    pub forget_bias: f64,
    /// Whether recurrent weights are Gaussian in place of orthogonal; their spectral radius is 1 in either case.
    pub gaussian: bool,
    /// The largest norm of all gradients together while it learns; 0 leaves them alone.
    pub clip: f64,
    /// Steps of the recall task.
    pub length: usize,
    /// Where rows and weights come from.
    pub seed: u64,
}

/// What was seen of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Looked {
    /// What was looked at.
    pub look: Look,
    /// Of each layer, from the bottom to the top, with fresh weights.
    pub fresh: Vec<Gradient>,
    /// The same after training on the recall task; none if it diverged.
    pub trained: Option<Vec<Gradient>>,
    /// The outcome of training.
    pub outcome: Outcome,
}

/// A gradient on its way back through time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gradient {
    /// ‖∂L/∂h‖, the last step first.
    pub norms: Vec<f64>,
    /// The exponent of its decay: by the factor `exp(decay)` a step; none if there was too little to measure.
    pub decay: Option<f64>,
}

impl Look {
    /// The networks that are looked at: each cell with orthogonal and with Gaussian weights, the LSTM without the bias
    /// by which a fresh one remembers, and each cell as it is by default, once more without clipping. Where the plan
    /// has no clipping, that one is clipped to 1.
    pub fn all(plan: &StudyConfig) -> Vec<Self> {
        let other_clip = if plan.clip > 0.0 { 0.0 } else { 1.0 };
        let mut looks = Vec::new();
        for seed in 0..plan.seeds as u64 {
            for cell in CellKind::ALL {
                let (layers, length) = (plan.gradient_layers, plan.gradient_length);
                let plain = Self { cell, layers, forget_bias: 1.0, gaussian: false, clip: plan.clip, length, seed };
                looks.extend([plain, Self { gaussian: true, ..plain }]);
                if cell == CellKind::Lstm {
                    looks.push(Self { forget_bias: 0.0, ..plain });
                }
                looks.push(Self { clip: other_clip, ..plain });
            }
        }
        looks
    }

    /// Whether the network starts as it does by default.
    pub fn is_default(&self) -> bool {
        !self.gaussian && self.forget_bias == 1.0
    }

    fn trial(&self) -> Trial {
        Trial { task: Memory::Recall, length: self.length, cell: self.cell, seed: self.seed, damage: Damage::None }
    }

    /// Fresh layers.
    fn fresh(&self, hidden: usize, device: &Device) -> AnyRecurrent {
        let inputs = Memory::Recall.width();
        let layers = match self.cell {
            CellKind::Lstm => {
                let config = LstmConfig::new(inputs, hidden).with_num_layers(self.layers);
                AnyRecurrent::Lstm(config.with_forget_bias(self.forget_bias).init(device))
            }
            other => AnyRecurrentConfig::new(other, inputs, hidden).with_num_layers(self.layers).init(device),
        };
        let weights = if self.gaussian { RecurrentWeights::Gaussian } else { RecurrentWeights::Orthogonal };
        with_recurrent_weights(layers, weights, 1.0)
    }

    /// Looks, trains, and looks again; `None` if `stop` says so first.
    pub fn look(&self, hidden: usize, recipe: &Recipe, device: &Device, stop: &dyn Fn() -> bool) -> Option<Looked> {
        let device = device.clone().autodiff();
        device.seed(self.seed);
        let reader = Reader::of(self.fresh(hidden, &device), Memory::Recall.outputs(), &device);
        let mut random = StdRng::seed_from_u64(self.seed);
        let rows = Memory::Recall.draw(self.length, ROWS, Source::Test, &mut random).on(&device);
        let fresh = seen(&reader, &rows);
        let recipe = Recipe { clip: self.clip, ..recipe.clone() };
        let (reader, outcome) = learn(reader, &self.trial(), &recipe, &device, stop)?;
        let trained = outcome.diverged.is_none().then(|| seen(&reader, &rows));
        Some(Looked { look: *self, fresh, trained, outcome })
    }
}

impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weights = if self.gaussian { "gaussian" } else { "orthogonal" };
        write!(f, "gradient-T{}-{}x{}-{weights}", self.length, self.cell, self.layers)?;
        if self.cell == CellKind::Lstm {
            write!(f, "-bias{}", self.forget_bias)?;
        }
        write!(f, "-clip{}-s{}", self.clip, self.seed)
    }
}

/// The gradient of each layer.
fn seen(reader: &Reader, rows: &Rows) -> Vec<Gradient> {
    let loss = |output| reader.answered(output, rows, Memory::COPIED).0;
    let trace = gradient_trace(&reader.layer, rows.inputs.clone(), loss);
    let layers = 0..trace.norms.len();
    layers.map(|layer| Gradient { norms: trace.back(layer), decay: trace.decay(layer) }).collect()
}

/// A run with recurrent weights so large that gradients explode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explosion {
    /// Which recurrent layer.
    pub cell: CellKind,
    /// Whether an RNN's state is bounded by nothing: relu in place of tanh.
    pub relu: bool,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exploded {
    /// Which run.
    pub explosion: Explosion,
    /// Without clipping.
    pub free: Outcome,
    /// The same run with the global norm of the gradients clipped to 1.
    pub clipped: Outcome,
}

impl Explosion {
    /// The runs: every cell, and first the RNN that nothing bounds.
    pub const ALL: [Self; 4] = [
        Self { cell: CellKind::Rnn, relu: true },
        Self { cell: CellKind::Rnn, relu: false },
        Self { cell: CellKind::Lstm, relu: false },
        Self { cell: CellKind::Gru, relu: false },
    ];
    /// The spectral radius of the recurrent weights, which are Gaussian.
    pub const RADIUS: f64 = 1.7;
    /// Steps of the adding problem.
    pub const LENGTH: usize = 60;
    /// The most gradient steps of a run: what explodes does so at once.
    pub const STEPS: usize = 100;
    /// The learning rate of plain gradient descent.
    pub const LR: f64 = 0.01;

    /// Runs it twice, without clipping and with it; `None` if `stop` says so first.
    pub fn run(&self, hidden: usize, recipe: &Recipe, device: &Device, stop: &dyn Fn() -> bool) -> Option<Exploded> {
        let with = |clip| {
            let device = device.clone().autodiff();
            device.seed(0);
            let inputs = Memory::Adding.width();
            let layer = match self.relu {
                true => {
                    let config = RnnConfig::new(inputs, hidden).with_nonlinearity(Nonlinearity::Relu);
                    AnyRecurrent::Rnn(config.init(&device))
                }
                false => self.cell.init(inputs, hidden, &device),
            };
            let layer = with_recurrent_weights(layer, RecurrentWeights::Gaussian, Self::RADIUS);
            let reader = Reader::of(layer, Memory::Adding.outputs(), &device);
            let trial =
                Trial { task: Memory::Adding, length: Self::LENGTH, cell: self.cell, seed: 0, damage: Damage::None };
            let recipe = Recipe {
                steps: recipe.steps.min(Self::STEPS),
                plain: true,
                lr: Self::LR,
                clip,
                seconds: None,
                ..recipe.clone()
            };
            learn(reader, &trial, &recipe, &device, stop).map(|(_, outcome)| outcome)
        };
        Some(Exploded { explosion: *self, free: with(0.0)?, clipped: with(1.0)? })
    }
}

impl fmt::Display for Explosion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "explosion-{}{}", self.cell, if self.relu { "-relu" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe() -> Recipe {
        Recipe { steps: 60, seconds: None, batch: 16, lr: 0.01, clip: 1.0, plain: false }
    }

    fn look(cell: CellKind) -> Look {
        Look { cell, layers: 2, forget_bias: 1.0, gaussian: false, clip: 1.0, length: 30, seed: 1 }
    }

    #[test]
    fn an_open_forget_gate_lets_gradients_of_every_layer_further_back() {
        let decays = |forget_bias| {
            let look = Look { forget_bias, ..look(CellKind::Lstm) };
            let looked = look.look(16, &recipe(), &Device::flex(), &|| false).unwrap();
            assert!(looked.fresh.len() == 2 && looked.fresh.iter().all(|layer| layer.norms.len() == 30));
            assert_eq!(looked.trained.map(|layers| layers.len()), Some(2));
            looked.fresh.into_iter().map(|layer| layer.decay.unwrap()).collect::<Vec<_>>()
        };
        assert!(decays(0.0).iter().zip(decays(1.0)).all(|(shut, open)| *shut < open));
    }

    #[test]
    fn a_network_is_clipped_as_its_look_says() {
        let clipped = |clip| {
            let look = Look { clip, ..look(CellKind::Gru) };
            look.look(8, &recipe(), &Device::flex(), &|| false).unwrap().outcome.clipped
        };
        assert_eq!([1e-3, 0.0].map(clipped), [1.0, 0.0]);
    }

    #[test]
    fn every_cell_is_looked_at_with_clipping_and_without() {
        for clip in [0.0, 2.0] {
            let looks = Look::all(&StudyConfig { clip, seeds: 1, ..StudyConfig::quick() });
            let names: std::collections::HashSet<String> = looks.iter().map(ToString::to_string).collect();
            assert_eq!((looks.len(), names.len()), (10, 10));
            for cell in CellKind::ALL {
                let mine = looks.iter().filter(|look| look.cell == cell && look.is_default());
                let clips: Vec<bool> = mine.map(|look| look.clip > 0.0).collect();
                assert!(clips.contains(&true) && clips.contains(&false), "{cell}");
            }
        }
    }

    #[test]
    fn an_explosion_diverges_and_clipping_saves_it() {
        let exploded = Explosion::ALL[0].run(16, &recipe(), &Device::flex(), &|| false).unwrap();
        assert!(exploded.free.diverged.is_some() && exploded.free.loss.is_none(), "{:?}", exploded.free);
        assert!(exploded.clipped.loss.is_some() && exploded.clipped.clipped > 0.5, "{:?}", exploded.clipped);
    }
}
