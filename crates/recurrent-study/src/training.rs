//! The training loop that is the same for every cell.

use std::time::Instant;

use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::{Device, Tensor};
use recurrent::fit::clip_global_norm;
use serde::{Deserialize, Serialize};

use crate::examples::Split;
use crate::probe_model::{ExampleBatch, ProbeModel, ProbeModelConfig};
use crate::task::MemoryTask;
use crate::trial::Trial;

/// The number of steps between two reads of losses from the device.
const READ_EVERY: usize = 16;
/// The number of test examples of a synthetic task.
const TEST_ROWS: usize = 500;
/// The maximum number of points of a loss curve.
const CURVE_POINTS: usize = 40;

/// An optimizer with Burn's default settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Optimizer {
    /// Adam (Kingma & Ba 2015).
    Adam,
    /// Gradient descent without momentum.
    Sgd,
}

/// How a model is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainConfig {
    /// The number of gradient steps.
    pub steps: usize,
    /// The time limit in seconds: no step starts after it.
    pub seconds: Option<f64>,
    /// The batch size.
    pub batch_size: usize,
    /// The learning rate.
    pub lr: f64,
    /// The maximum global gradient norm; 0 for no clipping.
    pub clip_norm: f64,
    /// The optimizer.
    pub optimizer: Optimizer,
}

/// The result of a training run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainResult {
    /// The number of hidden units.
    pub hidden_size: usize,
    /// The number of trained parameters.
    pub num_parameters: usize,
    /// The number of gradient steps.
    pub steps: usize,
    /// The training time in seconds.
    pub seconds: f64,
    /// The mean test loss; `None` if training diverged.
    pub loss: Option<f64>,
    /// The test accuracy; `None` if training diverged.
    pub accuracy: Option<f64>,
    /// The step at which the loss became NaN or infinite, if it did.
    pub diverged_at: Option<usize>,
    /// The fraction of steps whose gradients were clipped.
    pub clipped_fraction: f64,
    /// The largest finite gradient norm before clipping.
    pub max_grad_norm: f64,
    /// Training losses, each the mean of consecutive steps.
    pub loss_curve: Vec<f64>,
}

impl TrainResult {
    /// The skill score 1 − loss / `chance_loss`, from 0 to 1: 1 for a perfect model, 0 for one that guesses or diverged.
    pub fn skill(&self, chance_loss: f64) -> f64 {
        self.loss.map_or(0.0, |loss| (1.0 - loss / chance_loss).clamp(0.0, 1.0))
    }
}

/// Trains a freshly initialized model on a trial's task and evaluates it. Weights, examples and their order follow from
/// the trial's seed; examples, loss and optimizer are the same for every cell.
///
/// `None` if `stop` returned true before the end.
pub fn train(
    trial: &Trial,
    model: &ProbeModelConfig,
    config: &TrainConfig,
    device: &Device,
    stop: &dyn Fn() -> bool,
) -> Option<(ProbeModel, TrainResult)> {
    let device = device.clone().autodiff();
    device.seed(trial.seed);
    train_model(model.init(&device), trial, config, &device, stop)
}

/// Trains and evaluates a given model as [`train`] does, on an autodiff device.
///
/// `None` if `stop` returned true before the end.
pub fn train_model(
    mut model: ProbeModel,
    trial: &Trial,
    config: &TrainConfig,
    device: &Device,
    stop: &dyn Fn() -> bool,
) -> Option<(ProbeModel, TrainResult)> {
    let mut random = trial.random(Split::Train);
    let mut optimizer = match config.optimizer {
        Optimizer::Adam => AdamConfig::new().init(),
        Optimizer::Sgd => SgdConfig::new().init(),
    };
    let mut log = StepLog::new(config.clip_norm, MemoryTask::COPIED);
    let start = Instant::now();
    let out_of_time = |start: Instant| config.seconds.is_some_and(|seconds| start.elapsed().as_secs_f64() >= seconds);
    let mut steps = 0;
    while steps < config.steps && !out_of_time(start) && log.diverged_at.is_none() {
        if stop() {
            return None;
        }
        let mut examples = trial.task.sample(trial.length, config.batch_size, Split::Train, &mut random);
        trial.corruption.apply(&mut examples, trial.task.output_size(), &mut random);
        model = train_step(model, &ExampleBatch::new(examples, device), &mut optimizer, config, &mut log);
        steps += 1;
        if steps % READ_EVERY == 0 {
            log.read_pending();
        }
    }
    log.read_pending();
    let seconds = start.elapsed().as_secs_f64();
    let test = trial.task.test_examples(trial.length, TEST_ROWS, &mut trial.random(Split::Test));
    let (loss, accuracy) = evaluate(&model, &ExampleBatch::new(test, &device.clone().inner()));
    let finite = log.diverged_at.is_none() && loss.is_finite();
    let result = TrainResult {
        hidden_size: model.layers.hidden_size(),
        num_parameters: model.num_params(),
        steps,
        seconds,
        loss: finite.then_some(loss),
        accuracy: finite.then_some(accuracy),
        diverged_at: if finite { None } else { log.diverged_at.or(Some(steps)) },
        clipped_fraction: log.clipped as f64 / log.losses.len().max(1) as f64,
        max_grad_norm: log.max_grad_norm,
        loss_curve: log.loss_curve(),
    };
    Some((model, result))
}

/// One gradient step.
pub(crate) fn train_step(
    model: ProbeModel,
    batch: &ExampleBatch,
    optimizer: &mut ModuleOptimizer,
    config: &TrainConfig,
    log: &mut StepLog,
) -> ProbeModel {
    let (loss, _) = model.loss_and_accuracy(batch, log.scored_steps);
    let mut grads = GradientsParams::from_grads(loss.backward(), &model);
    let limit = if config.clip_norm > 0.0 { config.clip_norm } else { f64::INFINITY };
    let norm = clip_global_norm(&mut grads, &model, limit).expect("a model has gradients");
    log.pending.push(Tensor::cat(vec![loss.without_autodiff(), norm.without_autodiff()], 0));
    optimizer.step(config.lr, model, grads)
}

/// The mean loss and the accuracy of a batch on a device without autodiff.
fn evaluate(model: &ProbeModel, batch: &ExampleBatch) -> (f64, f64) {
    let (loss, accuracy) = model.valid().loss_and_accuracy(batch, MemoryTask::COPIED);
    let values: Vec<f64> = Tensor::cat(vec![loss, accuracy], 0).into_data().iter::<f64>().collect();
    (values[0], values[1])
}

/// Losses and gradient norms of the steps, which are read from the device now and then.
pub(crate) struct StepLog {
    clip_norm: f64,
    /// The number of last steps whose accuracy counts, where every step has a target.
    scored_steps: usize,
    /// Loss and gradient norm of each step that was not read yet, `[2]`.
    pending: Vec<Tensor<1>>,
    losses: Vec<f64>,
    clipped: usize,
    max_grad_norm: f64,
    diverged_at: Option<usize>,
}

impl StepLog {
    pub(crate) fn new(clip_norm: f64, scored_steps: usize) -> Self {
        Self {
            clip_norm,
            scored_steps,
            pending: Vec::new(),
            losses: Vec::new(),
            clipped: 0,
            max_grad_norm: 0.0,
            diverged_at: None,
        }
    }

    fn read_pending(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let values: Vec<f64> = Tensor::cat(std::mem::take(&mut self.pending), 0).into_data().iter::<f64>().collect();
        for pair in values.chunks_exact(2) {
            let [loss, norm] = [pair[0], pair[1]];
            if !loss.is_finite() {
                self.diverged_at = self.diverged_at.or(Some(self.losses.len() + 1));
                return;
            }
            self.losses.push(loss);
            self.clipped += usize::from(self.clip_norm > 0.0 && norm > self.clip_norm);
            if norm.is_finite() {
                self.max_grad_norm = self.max_grad_norm.max(norm);
            }
        }
    }

    fn loss_curve(&self) -> Vec<f64> {
        let steps = self.losses.len().div_ceil(CURVE_POINTS).max(1);
        self.losses.chunks(steps).map(|losses| losses.iter().sum::<f64>() / losses.len() as f64).collect()
    }
}

#[cfg(test)]
mod tests {
    use recurrent::models::CellKind;

    use super::*;
    use crate::corruption::Corruption;
    use crate::seed_lock::lock_seed;

    fn trial(cell: CellKind) -> Trial {
        Trial { task: MemoryTask::Recall, length: 5, cell, seed: 1, corruption: Corruption::None }
    }

    fn config() -> TrainConfig {
        TrainConfig { steps: 150, seconds: None, batch_size: 32, lr: 0.01, clip_norm: 1.0, optimizer: Optimizer::Adam }
    }

    #[test]
    fn every_cell_learns_recall_over_five_steps() {
        let _seed = lock_seed();
        for cell in CellKind::ALL {
            let (_, result) =
                train(&trial(cell), &trial(cell).model(24), &config(), &Device::flex(), &|| false).unwrap();
            let skill = result.skill(MemoryTask::Recall.chance_loss(5));
            assert!(skill > 0.6 && result.accuracy.unwrap() > 0.7, "{cell}: {skill}");
            assert!(result.steps == 150 && result.diverged_at.is_none() && result.loss_curve.len() <= CURVE_POINTS);
        }
    }

    #[test]
    fn diverged_training_has_no_loss() {
        let _seed = lock_seed();
        let config = TrainConfig { lr: 1e30, clip_norm: 0.0, optimizer: Optimizer::Sgd, ..config() };
        let adding = Trial { task: MemoryTask::Adding, ..trial(CellKind::Rnn) };
        let (_, result) = train(&adding, &adding.model(8), &config, &Device::flex(), &|| false).unwrap();
        assert_eq!((result.loss, result.accuracy), (None, None));
        assert!(result.diverged_at.is_some_and(|step| step < 10), "{:?}", result.diverged_at);
        assert_eq!(result.skill(1.0), 0.0);
    }

    #[test]
    fn training_stops_on_request() {
        let _seed = lock_seed();
        let trial = trial(CellKind::Gru);
        assert!(train(&trial, &trial.model(8), &config(), &Device::flex(), &|| true).is_none());
    }

    #[test]
    fn time_limit_ends_training() {
        let _seed = lock_seed();
        let config = TrainConfig { steps: usize::MAX, seconds: Some(0.2), ..config() };
        let trial = trial(CellKind::Gru);
        let (_, result) = train(&trial, &trial.model(8), &config, &Device::flex(), &|| false).unwrap();
        assert!(result.steps > 0 && (0.2..2.0).contains(&result.seconds), "{}", result.seconds);
    }
}
