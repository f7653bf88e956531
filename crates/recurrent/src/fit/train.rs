//! The entry point of training: [`fit`].

use std::sync::{Arc, Mutex};

use burn::data::dataloader::DataLoader;
use burn::module::{Module, ModuleDisplay};
use burn::store::ModuleRecord;
use burn::tensor::Device;
use burn::train::logger::InMemoryMetricLogger;
use burn::train::metric::{LearningRateMetric, LossMetric};
use burn::train::{Learner, SupervisedTraining, TrainingStrategy};

use super::adam::Adam;
use super::checkpoint::{AVERAGE, Always, CARRIED, Checkpoints, Latest, MAX_RECORD_BYTES, RECORDS, damaged};
use super::objective::{Objective, TrainingModule};
use super::ranks::first_weights;
use super::records;
use super::strategy::{EpochStrategy, FitResult, Resumed};
use super::{BatchSource, Callbacks, Carried, CurrentEpoch, FitConfig, History, Loader, Order, StopReason};
use crate::{Error, Result, RunDir};

/// The data loaders of the training and the validation split.
pub struct Loaders<B> {
    /// The training split; on several [ranks](super::ranks) it has to be a [`Loader`], which shares the batches.
    pub train: Arc<dyn DataLoader<B>>,
    /// The validation split.
    pub valid: Arc<dyn DataLoader<B>>,
    /// Training batches per epoch: the gradient steps, unless gradients are accumulated.
    pub steps_per_epoch: usize,
    /// The epoch by whose seed the training loader shuffles; the training loop sets it.
    pub epoch: CurrentEpoch,
    /// The state that training batches carry to the next, if they do.
    pub carried: Option<Carried>,
}

impl<B: 'static> Loaders<B> {
    /// Loaders that shuffle the training items anew in each epoch and leave the validation items in their order.
    ///
    /// The batch sizes are those of training and of validation.
    pub fn shuffled(
        (train, valid): (impl BatchSource<Batch = B>, impl BatchSource<Batch = B>),
        [batch_size, valid_batch_size]: [usize; 2],
        device: &Device,
    ) -> Self {
        let epoch = CurrentEpoch::default();
        let steps_per_epoch = train.num_batches(batch_size);
        let train = Loader::new(train, batch_size, Order::Shuffled(epoch.clone()), device);
        let valid = Loader::new(valid, valid_batch_size, Order::Sequential, device);
        Self { train: Arc::new(train), valid: Arc::new(valid), steps_per_epoch, epoch, carried: None }
    }

    /// The same, for batches that carry a state.
    #[must_use]
    pub fn with_carried(self, carried: Carried) -> Self {
        Self { carried: Some(carried), ..self }
    }
}

/// The number of epochs that a run has finished.
///
/// # Errors
/// If the last checkpoint is damaged.
pub fn epochs_done(run_dir: &RunDir) -> Result<usize> {
    let latest = Checkpoints::new(run_dir)?.latest(MAX_RECORD_BYTES)?;
    Ok(latest.map_or(0, |latest| latest.history.epochs.len()))
}

/// Makes the weights of the last epoch those of a run, in place of the best epoch's, and returns its number.
///
/// `network` has the run's shape.
///
/// # Errors
/// If the run has no checkpoint or it is damaged, or the weights cannot be written.
pub fn keep_last_epoch<N: Module + ModuleDisplay + 'static, O: Objective<N>>(
    network: N,
    objective: O,
    run_dir: &RunDir,
) -> Result<usize> {
    let _lock = run_dir.lock()?;
    let checkpoints = Checkpoints::new(run_dir)?;
    let Some(Latest { folder, history, average, .. }) = checkpoints.latest_epoch(MAX_RECORD_BYTES)? else {
        return Err(damaged(&run_dir.path("checkpoints"), "none at the end of an epoch"));
    };
    let epoch = history.epochs.len();
    let module = TrainingModule { network, objective };
    records::check(&folder, &module)?;
    if average.is_some() {
        records::check_average(&folder, &module)?;
    }
    let path = folder.join(if average.is_some() { AVERAGE } else { RECORDS[0] });
    let record = ModuleRecord::load(&path).map_err(|cause| damaged(&path, cause))?;
    run_dir.write_weights(&module.load_record(record).network)?;
    Ok(epoch)
}

/// Trains a network with Adam, and writes weights, metrics and checkpoints into the run's folder.
///
/// `network` has fresh weights on an autodiff device. If the folder has a checkpoint, training resumes from it. With
/// [`FitConfig::average`], the validation losses and the weights in the folder are those of the averaged network.
/// Returns the history of all epochs and why training stopped.
///
/// Of several [ranks](Callbacks::ranks), the first one writes and reports. The others need a folder of their own, with what the
/// first has found in its.
///
/// # Errors
/// If the loss becomes NaN or infinite, a file cannot be written, the checkpoint is damaged, or another process trains
/// the same run.
pub fn fit<N: Module + ModuleDisplay + 'static, O: Objective<N>>(
    network: N,
    objective: O,
    loaders: Loaders<O::Batch>,
    config: &FitConfig,
    run_dir: &RunDir,
    device: &Device,
    callbacks: Callbacks,
) -> Result<(History, StopReason)> {
    let _lock = run_dir.lock()?;
    let checkpoints = Arc::new(Checkpoints::new(run_dir)?.with_keep(config.keep));
    checkpoints.sweep()?;
    // Adam keeps two numbers of up to 8 bytes per parameter, and each tensor has a name.
    let max_record_bytes = (1 << 24) + 16 * Module::num_params(&network) as u64;
    let latest = checkpoints.latest(max_record_bytes)?;
    if let Some(stop_reason) = latest.as_ref().and_then(|latest| latest.history.stop_reason(config)) {
        return Ok((latest.expect("it has a history").history, stop_reason));
    }
    let optimizer = Adam { weight_decay: config.weight_decay }.into();
    let ranks = callbacks.ranks;
    let module = TrainingModule { network: first_weights(network, &*ranks)?, objective };
    if let Some(latest) = &latest {
        check_latest(latest, &module, &loaders, config, run_dir)?;
    }
    let steps_per_epoch = loaders.steps_per_epoch.div_ceil(config.accumulate.max(1)).max(1);
    let learner = Learner::new(module, optimizer, config.scheduler(steps_per_epoch)?);

    let device = device.clone().autodiff();
    if let (Some(carried), Some(Latest { folder, epoch: Some(_), carried: rows, .. })) = (&loaders.carried, &latest) {
        carried.resume(&folder.join(CARRIED), *rows, ranks.share(), &device)?;
    }
    let start = latest.as_ref().map(|latest| latest.history.epochs.len());
    let (history, resumed) = match latest {
        Some(Latest { folder, history, average, epoch, .. }) => {
            (history, Resumed { average: average.map(|saved| (folder.join(AVERAGE), saved)), epoch })
        }
        None => Default::default(),
    };
    let result = Arc::new(Mutex::new(FitResult::new(history)));
    let strategy = EpochStrategy {
        device,
        config: config.clone(),
        epoch: loaders.epoch,
        carried: loaders.carried,
        run_dir: run_dir.clone(),
        checkpoints: checkpoints.clone(),
        resumed: Mutex::new(resumed),
        result: result.clone(),
        ranks,
        after_epoch: Mutex::new(callbacks.after_epoch),
    };
    let [of_model, of_optimizer, of_scheduler] = Checkpoints::checkpointers(&checkpoints);
    let mut training = SupervisedTraining::<TrainingModule<N, O>>::new(run_dir.root(), loaders.train, loaders.valid)
        .with_application_logger(None)
        .with_metric_logger(InMemoryMetricLogger::new())
        .with_custom_checkpointers(of_model, of_optimizer, of_scheduler)
        .with_checkpointing_strategy(Always)
        .with_training_strategy(TrainingStrategy::Custom(Arc::new(strategy)))
        .with_interrupter(callbacks.interrupter)
        .renderer(callbacks.renderer)
        .metric_train_numeric(LossMetric::new())
        .metric_valid_numeric(LossMetric::new())
        .metric_train_numeric(LearningRateMetric::new())
        .num_epochs(config.epochs);
    if let Some(epochs) = start {
        training = training.checkpoint(epochs);
    }
    let launched = training.launch(learner);

    let FitResult { history, error } = std::mem::take(&mut *result.lock().expect("the strategy has ended"));
    if let Some(error) = error {
        return Err(error);
    }
    if let Some(error) = launched.error {
        return Err(Error::Training(error.to_string()));
    }
    let stop_reason = history.stop_reason(config).unwrap_or(StopReason::Interrupted);
    Ok((history, stop_reason))
}

/// Checks that a checkpoint is of this network and these batches.
fn check_latest<N: Module + ModuleDisplay + 'static, O: Objective<N>>(
    latest: &Latest,
    module: &TrainingModule<N, O>,
    loaders: &Loaders<O::Batch>,
    config: &FitConfig,
    run_dir: &RunDir,
) -> Result<()> {
    let Latest { folder, average, carried, epoch, .. } = latest;
    if run_dir.has_weights() {
        // burn panics on a checkpoint of another network; reading the weights first gives an error instead.
        run_dir.read_weights(&mut module.network.clone())?;
    }
    records::check(folder, module)?;
    if config.average > 0.0 {
        if average.is_none() {
            return Err(damaged(folder, "none of the averaged weights (`average`)"));
        }
        records::check_average(folder, module)?;
    }
    if let Some(epoch) = epoch {
        if !epoch.is_valid(loaders.steps_per_epoch) {
            return Err(damaged(folder, "means or a place that no epoch of this run has"));
        }
        if loaders.carried.is_some() && carried.is_none() {
            return Err(damaged(folder, "none of the state that is carried from batch to batch"));
        }
    }
    Ok(())
}
