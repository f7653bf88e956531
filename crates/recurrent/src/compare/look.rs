//! Gradients through time, before training and after it, and runs whose gradients explode.

use std::fmt;

use burn::tensor::Device;
use rand::SeedableRng;
use rand::rngs::StdRng;
use recurrent_models::{AnyRecurrent, CellKind, LstmConfig, Nonlinearity, RnnConfig};
use serde::{Deserialize, Serialize};

use super::damage::Damage;
use super::microscope::gradient_trace;
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
    /// Where the bias of an LSTM's forget gate starts; of no account to other cells.
    pub forget_bias: f64,
    /// Whether recurrent weights are Gaussian in place of orthogonal; their spectral radius is 1 in either case.
    pub gaussian: bool,
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
    /// With fresh weights.
    pub fresh: Gradient,
    /// After training on the recall task; none if it diverged.
    pub trained: Option<Gradient>,
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
    /// The networks that are looked at: each cell with orthogonal and with Gaussian weights, and the LSTM without the
    /// bias by which a fresh one remembers.
    pub fn all(length: usize, seeds: usize) -> Vec<Self> {
        let mut looks = Vec::new();
        for seed in 0..seeds as u64 {
            for cell in CellKind::ALL {
                let plain = Self { cell, forget_bias: 1.0, gaussian: false, length, seed };
                looks.extend([plain, Self { gaussian: true, ..plain }]);
                if cell == CellKind::Lstm {
                    looks.push(Self { forget_bias: 0.0, ..plain });
                }
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

    /// Looks, trains, and looks again; `None` if `stop` says so first.
    pub fn look(&self, hidden: usize, recipe: &Recipe, device: &Device, stop: &dyn Fn() -> bool) -> Option<Looked> {
        let device = device.clone().autodiff();
        device.seed(self.seed);
        let inputs = Memory::Recall.width();
        let layer = match self.cell {
            CellKind::Lstm => {
                AnyRecurrent::Lstm(LstmConfig::new(inputs, hidden).with_forget_bias(self.forget_bias).init(&device))
            }
            other => other.init(inputs, hidden, &device),
        };
        let weights = if self.gaussian { RecurrentWeights::Gaussian } else { RecurrentWeights::Orthogonal };
        let layer = with_recurrent_weights(layer, weights, 1.0);
        let reader = Reader::of(layer, Memory::Recall.outputs(), &device);
        let mut random = StdRng::seed_from_u64(self.seed);
        let rows = Memory::Recall.draw(self.length, ROWS, Source::Test, &mut random).on(&device);
        let fresh = seen(&reader, &rows);
        let (reader, outcome) = learn(reader, &self.trial(), recipe, &device, stop)?;
        let trained = outcome.diverged.is_none().then(|| seen(&reader, &rows));
        Some(Looked { look: *self, fresh, trained, outcome })
    }
}

impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weights = if self.gaussian { "gaussian" } else { "orthogonal" };
        write!(f, "gradient-T{}-{}-{weights}", self.length, self.cell)?;
        if self.cell == CellKind::Lstm {
            write!(f, "-bias{}", self.forget_bias)?;
        }
        write!(f, "-s{}", self.seed)
    }
}

fn seen(reader: &Reader, rows: &Rows) -> Gradient {
    let loss = |output| reader.answered(output, rows, Memory::COPIED).0;
    let trace = gradient_trace(&reader.layer, rows.inputs.clone(), loss);
    Gradient { norms: trace.back(0), decay: trace.decay(0) }
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

    #[test]
    fn an_open_forget_gate_lets_gradients_further_back() {
        let look = |forget_bias| {
            let look = Look { cell: CellKind::Lstm, forget_bias, gaussian: false, length: 30, seed: 1 };
            let looked = look.look(16, &recipe(), &Device::flex(), &|| false).unwrap();
            assert!(looked.fresh.norms.len() == 30 && looked.trained.is_some());
            looked.fresh.decay.unwrap()
        };
        assert!(look(0.0) < look(1.0));
    }

    #[test]
    fn an_explosion_diverges_and_clipping_saves_it() {
        let exploded = Explosion::ALL[0].run(16, &recipe(), &Device::flex(), &|| false).unwrap();
        assert!(exploded.free.diverged.is_some() && exploded.free.loss.is_none(), "{:?}", exploded.free);
        assert!(exploded.clipped.loss.is_some() && exploded.clipped.clipped > 0.5, "{:?}", exploded.clipped);
    }
}
