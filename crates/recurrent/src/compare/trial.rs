//! One cell on one task: the loop that all go through.

use std::fmt;
use std::time::Instant;

use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::{Device, Tensor};
use rand::SeedableRng;
use rand::rngs::StdRng;
use recurrent_models::CellKind;
use serde::{Deserialize, Serialize};

use super::damage::Damage;
use super::reader::{Reader, ReaderShape, Rows};
use super::task::{Memory, Source};
use crate::fit::clip_global_norm;

/// After how many steps the losses are read back from the device.
const LOOK_EVERY: usize = 16;
/// Rows that a generated task is scored by.
const SCORED: usize = 500;
/// Numbers in the curve of a trial's losses.
const CURVE: usize = 40;

/// What is tried: one cell of the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Trial {
    /// The task.
    pub task: Memory,
    /// Its length.
    pub length: usize,
    /// Which recurrent layer.
    pub cell: CellKind,
    /// Where rows and weights come from.
    pub seed: u64,
    /// What is done to the rows that are learned from.
    pub damage: Damage,
}

impl Trial {
    /// The sizes of the network, with so many hidden units.
    pub fn shape(&self, hidden: usize) -> ReaderShape {
        ReaderShape { cell: self.cell, inputs: self.task.width(), hidden, outputs: self.task.outputs() }
    }

    /// Where its rows come from: the same for every cell.
    fn random(&self, source: Source) -> StdRng {
        let source = match source {
            Source::Train => 0,
            Source::Test => 1,
        };
        StdRng::seed_from_u64(self.seed << 32 | (self.length as u64) << 8 | (self.task as u64) << 1 | source)
    }
}

impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-T{}-{}-s{}", self.task, self.task.steps(self.length), self.cell, self.seed)?;
        match self.damage {
            Damage::None => Ok(()),
            damage => write!(f, "-{damage}"),
        }
    }
}

/// How a network is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// Gradient steps.
    pub steps: usize,
    /// After how many seconds no further step begins, if the cells are to have the same time.
    pub seconds: Option<f64>,
    /// Rows a step.
    pub batch: usize,
    /// The learning rate.
    pub lr: f64,
    /// The largest norm of all gradients together; 0 leaves them alone.
    pub clip: f64,
    /// Whether steps are plain gradient descent in place of Adam (Kingma & Ba 2015).
    pub plain: bool,
}

/// What became of a trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Hidden units.
    pub hidden: usize,
    /// Numbers that were learned.
    pub parameters: usize,
    /// Steps that were taken.
    pub steps: usize,
    /// How long they took.
    pub seconds: f64,
    /// The mean loss on rows that were not learned from; none if it was no number.
    pub loss: Option<f64>,
    /// The share of right answers there; none if the loss was no number.
    pub right: Option<f64>,
    /// The step at which the loss was no number any more, if it came to that.
    pub diverged: Option<usize>,
    /// The share of steps whose gradients were clipped.
    pub clipped: f64,
    /// The largest norm of the gradients before clipping, as far as it was a number.
    pub largest_norm: f64,
    /// Training losses, each the mean of a stretch of steps.
    pub curve: Vec<f64>,
}

impl Outcome {
    /// The share of chance's loss that is gone: 1 for who knows, 0 for who guesses or diverged.
    pub fn skill(&self, chance: f64) -> f64 {
        self.loss.map_or(0.0, |loss| (1.0 - loss / chance).clamp(0.0, 1.0))
    }
}

/// Trains a network with fresh weights that follow from the trial's seed, and scores it; `None` if `stop` says so first.
///
/// All cells see the same rows in the same order, have the same loss and the same optimiser.
pub fn train(
    trial: &Trial,
    hidden: usize,
    recipe: &Recipe,
    device: &Device,
    stop: &dyn Fn() -> bool,
) -> Option<(Reader, Outcome)> {
    let device = device.clone().autodiff();
    device.seed(trial.seed);
    let reader = Reader::new(&trial.shape(hidden), &device);
    learn(reader, trial, recipe, &device, stop)
}

/// As [`train`], with a network that is there, on an autodiff device.
pub fn learn(
    mut reader: Reader,
    trial: &Trial,
    recipe: &Recipe,
    device: &Device,
    stop: &dyn Fn() -> bool,
) -> Option<(Reader, Outcome)> {
    let mut random = trial.random(Source::Train);
    let mut optimiser = if recipe.plain { SgdConfig::new().init() } else { AdamConfig::new().init() };
    let mut watch = Watch::new(recipe.clip, Memory::COPIED);
    let start = Instant::now();
    let late = |start: Instant| recipe.seconds.is_some_and(|seconds| start.elapsed().as_secs_f64() >= seconds);
    let mut steps = 0;
    while steps < recipe.steps && !late(start) && watch.diverged.is_none() {
        if stop() {
            return None;
        }
        let mut rows = trial.task.draw(trial.length, recipe.batch, Source::Train, &mut random);
        trial.damage.spoil(&mut rows, trial.task.outputs(), &mut random);
        reader = step(reader, &rows.on(device), &mut optimiser, recipe, &mut watch);
        steps += 1;
        if steps % LOOK_EVERY == 0 {
            watch.look();
        }
    }
    watch.look();
    let seconds = start.elapsed().as_secs_f64();
    let test = trial.task.test(trial.length, SCORED, &mut trial.random(Source::Test));
    let (loss, right) = score(&reader, test.on(&device.clone().inner()));
    let whole = watch.diverged.is_none() && loss.is_finite();
    let outcome = Outcome {
        hidden: reader.layer.hidden_size(),
        parameters: reader.num_params(),
        steps,
        seconds,
        loss: whole.then_some(loss),
        right: whole.then_some(right),
        diverged: if whole { None } else { watch.diverged.or(Some(steps)) },
        clipped: watch.clipped as f64 / watch.losses.len().max(1) as f64,
        largest_norm: watch.largest_norm,
        curve: watch.curve(),
    };
    Some((reader, outcome))
}

/// One gradient step.
pub(super) fn step(
    reader: Reader,
    rows: &Rows,
    optimiser: &mut ModuleOptimizer,
    recipe: &Recipe,
    watch: &mut Watch,
) -> Reader {
    let (loss, _) = reader.score(rows, watch.asked);
    let mut grads = GradientsParams::from_grads(loss.backward(), &reader);
    let limit = if recipe.clip > 0.0 { recipe.clip } else { f64::INFINITY };
    let norm = clip_global_norm(&mut grads, &reader, limit).expect("a network has gradients");
    watch.pending.push(Tensor::cat(vec![loss.without_autodiff(), norm.without_autodiff()], 0));
    optimiser.step(recipe.lr, reader, grads)
}

/// The mean loss and the share of right answers, on rows without autodiff.
fn score(reader: &Reader, rows: Rows) -> (f64, f64) {
    let (loss, right) = reader.valid().score(&rows, Memory::COPIED);
    let numbers: Vec<f64> = Tensor::cat(vec![loss, right], 0).into_data().iter::<f64>().collect();
    (numbers[0], numbers[1])
}

/// What is seen of the steps, read back now and then.
pub(super) struct Watch {
    clip: f64,
    /// How many of a sequence's last steps are asked, where each has an answer.
    asked: usize,
    /// Loss and norm of the gradients of each step that was not read back yet, `[2]`.
    pending: Vec<Tensor<1>>,
    losses: Vec<f64>,
    clipped: usize,
    largest_norm: f64,
    diverged: Option<usize>,
}

impl Watch {
    pub fn new(clip: f64, asked: usize) -> Self {
        Self { clip, asked, pending: Vec::new(), losses: Vec::new(), clipped: 0, largest_norm: 0.0, diverged: None }
    }

    fn look(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let numbers: Vec<f64> = Tensor::cat(std::mem::take(&mut self.pending), 0).into_data().iter::<f64>().collect();
        for pair in numbers.chunks_exact(2) {
            let [loss, norm] = [pair[0], pair[1]];
            if !loss.is_finite() {
                self.diverged = self.diverged.or(Some(self.losses.len() + 1));
                return;
            }
            self.losses.push(loss);
            self.clipped += usize::from(self.clip > 0.0 && norm > self.clip);
            if norm.is_finite() {
                self.largest_norm = self.largest_norm.max(norm);
            }
        }
    }

    fn curve(&self) -> Vec<f64> {
        let stretch = self.losses.len().div_ceil(CURVE).max(1);
        self.losses.chunks(stretch).map(|losses| losses.iter().sum::<f64>() / losses.len() as f64).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(cell: CellKind) -> Trial {
        Trial { task: Memory::Recall, length: 5, cell, seed: 1, damage: Damage::None }
    }

    fn recipe() -> Recipe {
        Recipe { steps: 150, seconds: None, batch: 32, lr: 0.01, clip: 1.0, plain: false }
    }

    #[test]
    fn every_cell_learns_which_of_five_symbols_came_first() {
        for cell in CellKind::ALL {
            let (_, outcome) = train(&trial(cell), 24, &recipe(), &Device::flex(), &|| false).unwrap();
            let skill = outcome.skill(Memory::Recall.chance(5));
            assert!(skill > 0.6 && outcome.right.unwrap() > 0.7, "{cell}: {skill}");
            assert!(outcome.steps == 150 && outcome.diverged.is_none() && outcome.curve.len() <= CURVE);
        }
    }

    #[test]
    fn all_cells_see_the_same_rows_and_seeds_see_others() {
        let rows = |trial: Trial| trial.task.draw(5, 4, Source::Train, &mut trial.random(Source::Train));
        assert_eq!(rows(trial(CellKind::Rnn)), rows(trial(CellKind::Gru)));
        assert_ne!(rows(trial(CellKind::Rnn)), rows(Trial { seed: 2, ..trial(CellKind::Rnn) }));
        let test = trial(CellKind::Rnn).random(Source::Test);
        assert_ne!(test, trial(CellKind::Rnn).random(Source::Train));
    }

    #[test]
    fn a_loss_that_is_no_number_is_no_number_in_the_outcome() {
        let wild = Recipe { lr: 1e30, clip: 0.0, plain: true, ..recipe() };
        let adding = Trial { task: Memory::Adding, ..trial(CellKind::Rnn) };
        let (_, outcome) = train(&adding, 8, &wild, &Device::flex(), &|| false).unwrap();
        assert_eq!((outcome.loss, outcome.right), (None, None));
        assert!(outcome.diverged.is_some_and(|step| step < 10), "{:?}", outcome.diverged);
        assert_eq!(outcome.skill(1.0), 0.0);
    }

    #[test]
    fn training_stops_when_it_is_asked_to() {
        assert!(train(&trial(CellKind::Gru), 8, &recipe(), &Device::flex(), &|| true).is_none());
    }

    #[test]
    fn equal_time_ends_by_the_clock() {
        let timed = Recipe { steps: usize::MAX, seconds: Some(0.2), ..recipe() };
        let (_, outcome) = train(&trial(CellKind::Gru), 8, &timed, &Device::flex(), &|| false).unwrap();
        assert!(outcome.steps > 0 && (0.2..2.0).contains(&outcome.seconds), "{}", outcome.seconds);
    }
}
