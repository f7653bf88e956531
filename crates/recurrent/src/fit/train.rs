//! The one way in: [`fit`].

use std::sync::{Arc, Mutex};

use burn::data::dataloader::DataLoader;
use burn::optim::AdamConfig;
use burn::tensor::Device;
use burn::train::logger::InMemoryMetricLogger;
use burn::train::metric::{LearningRateMetric, LossMetric};
use burn::train::{InferenceStep, Learner, SupervisedTraining, TrainStep, TrainingStrategy};

use super::checkpoint::{Checkpoints, EveryEpoch};
use super::strategy::{EpochStrategy, Outcome};
use super::{BatchSource, Callbacks, EpochCounter, FitConfig, History, Loader, Objective, Order, StopReason};
use crate::{Error, Result, RunDir};

/// The folder of the checkpoints in a run's.
const CHECKPOINTS: &str = "checkpoints";

/// The batches of both parts that training sees.
pub struct Loaders<T, V> {
    /// For the gradient steps.
    pub train: Arc<dyn DataLoader<T>>,
    /// For the validation loss after each epoch.
    pub valid: Arc<dyn DataLoader<V>>,
    /// Gradient steps an epoch.
    pub steps: usize,
    /// Tells the training loader which epoch it is.
    pub epoch: EpochCounter,
}

impl<T: 'static, V: 'static> Loaders<T, V> {
    /// Training items shuffled anew in each epoch, validation items as they lie; so many of either at a time.
    pub fn shuffled(
        (train, valid): (impl BatchSource<Batch = T>, impl BatchSource<Batch = V>),
        [batch, scoring_batch]: [usize; 2],
        device: &Device,
    ) -> Self {
        let epoch = EpochCounter::default();
        let steps = train.len().div_ceil(batch);
        let train = Loader::new(train, batch, Order::Shuffled(epoch.clone()), device);
        let valid = Loader::new(valid, scoring_batch, Order::InTime, device);
        Self { train: Arc::new(train), valid: Arc::new(valid), steps, epoch }
    }
}

/// How many epochs of a run are done.
///
/// # Errors
/// If the last checkpoint is damaged.
pub fn epochs_done(run_dir: &RunDir) -> Result<usize> {
    let history = Checkpoints::new(&run_dir.path(CHECKPOINTS))?.latest()?;
    Ok(history.map_or(0, |history| history.epochs.len()))
}

/// Trains a model, or goes on training it, and leaves weights, metrics and checkpoints in the run's folder.
///
/// `model` comes with fresh weights on an autodiff device; where the folder has a checkpoint, training goes on from
/// there.
///
/// # Errors
/// If the loss is no number any more, a file cannot be written, the checkpoint is damaged, or another process trains
/// the same run.
pub fn fit<M: Objective>(
    model: M,
    loaders: Loaders<<M as TrainStep>::Input, <M as InferenceStep>::Input>,
    config: &FitConfig,
    run_dir: &RunDir,
    device: &Device,
    session: Callbacks,
) -> Result<(History, StopReason)> {
    let _lock = run_dir.lock()?;
    let checkpoints = Arc::new(Checkpoints::new(&run_dir.path(CHECKPOINTS))?);
    let history = checkpoints.latest()?.unwrap_or_default();
    if let Some(stop_reason) = history.stop_reason(config) {
        return Ok((history, stop_reason));
    }
    let start = history.epochs.len();
    if start > 0 && run_dir.has_weights() {
        // A checkpoint of another network would end in a panic; the weights beside it say the same in words.
        run_dir.read_weights(&mut model.network().clone())?;
    }
    let optimiser = AdamConfig::new().init();
    let learner = Learner::new(model, optimiser, config.scheduler(loaders.steps.max(1))?);

    let outcome = Arc::new(Mutex::new(Outcome::new(history)));
    let strategy = EpochStrategy {
        device: device.clone().autodiff(),
        config: config.clone(),
        epoch: loaders.epoch,
        run_dir: run_dir.clone(),
        checkpoints: checkpoints.clone(),
        outcome: outcome.clone(),
        after_epoch: Mutex::new(session.after_epoch),
    };
    let [model_part, optimiser_part, scheduler_part] = Checkpoints::parts(&checkpoints);
    let mut training = SupervisedTraining::<M>::new(run_dir.root(), loaders.train, loaders.valid)
        .with_application_logger(None)
        .with_metric_logger(InMemoryMetricLogger::new())
        .with_custom_checkpointers(model_part, optimiser_part, scheduler_part)
        .with_checkpointing_strategy(EveryEpoch)
        .with_training_strategy(TrainingStrategy::Custom(Arc::new(strategy)))
        .with_interrupter(session.interrupter)
        .renderer(session.renderer)
        .metric_train_numeric(LossMetric::new())
        .metric_valid_numeric(LossMetric::new())
        .metric_train_numeric(LearningRateMetric::new())
        .num_epochs(config.epochs);
    if start > 0 {
        training = training.checkpoint(start);
    }
    let result = training.launch(learner);

    let outcome = std::mem::take(&mut *outcome.lock().expect("the strategy has ended"));
    if let Some(error) = outcome.error {
        return Err(error);
    }
    if let Some(error) = result.error {
        return Err(Error::Training(error.to_string()));
    }
    let stop_reason = outcome.history.stop_reason(config).unwrap_or(StopReason::Interrupted);
    Ok((outcome.history, stop_reason))
}
