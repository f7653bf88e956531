//! The training loop.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use burn::module::{Module, ModuleDisplay};
use burn::tensor::{Device, Tensor};
use burn::train::metric::store::EventStoreClient;
use burn::train::{
    EventProcessorTraining, InferenceStep, Interrupter, Learner, LearnerEvent, LearnerModel, LearningCheckpointer,
    SupervisedLearningStrategy, SupervisedTrainingEventProcessor, TrainLoader, TrainStep, TrainingComponents,
    TrainingItem, ValidLoader,
};

use super::accumulate::Accumulated;
use super::average::Average;
use super::checkpoint::{Checkpoints, Progressed, SavedAverage};
use super::mean::Mean;
use super::objective::{Objective, TrainingModule};
use super::position::{Measured, PartialEpoch};
use super::ranks::{Ranks, Signals, Step, check_weights, on_rank, sum_step};
use super::{
    AfterEpoch, Carried, CheckpointEvery, CurrentEpoch, Epoch, FitConfig, History, Loss, TrainingEpoch,
    clip_global_norm,
};
use crate::run_dir::to_toml;
use crate::{Error, Result, RunDir};

/// Steps between checks that the loss is finite. A check waits for the device; a NaN loss wastes the steps up to the next
/// check.
const CHECK_INTERVAL: usize = 32;

/// What the strategy returns to [`fit`](super::fit()), besides the files it wrote.
#[derive(Debug, Default)]
pub(super) struct FitResult {
    pub history: History,
    pub error: Option<Error>,
}

impl FitResult {
    pub fn new(history: History) -> Self {
        Self { history, error: None }
    }
}

/// What the loop takes from the checkpoint from which training resumes.
#[derive(Debug, Default)]
pub(super) struct Resumed {
    /// The averaged weights and their file.
    pub average: Option<(PathBuf, SavedAverage)>,
    /// The epoch inside which it is.
    pub epoch: Option<PartialEpoch>,
}

/// Trains on one device, with a checkpoint at the end of each epoch and, by choice, inside it.
pub(super) struct EpochStrategy {
    pub device: Device,
    pub config: FitConfig,
    pub epoch: CurrentEpoch,
    pub run_dir: RunDir,
    pub carried: Option<Carried>,
    pub checkpoints: Arc<Checkpoints>,
    pub resumed: Mutex<Resumed>,
    pub result: Arc<Mutex<FitResult>>,
    pub ranks: Arc<dyn Ranks>,
    pub after_epoch: Mutex<AfterEpoch>,
}

impl<N: Module + ModuleDisplay + 'static, O: Objective<N>> SupervisedLearningStrategy<TrainingModule<N, O>>
    for EpochStrategy
{
    fn fit(
        &self,
        components: TrainingComponents<TrainingModule<N, O>>,
        mut learner: Learner<TrainingModule<N, O>>,
        train: TrainLoader<TrainingModule<N, O>>,
        valid: ValidLoader<TrainingModule<N, O>>,
        starting_epoch: usize,
    ) -> (TrainingModule<N, O>, SupervisedTrainingEventProcessor<TrainingModule<N, O>>) {
        learner.fork(&self.device);
        let mut result = self.result.lock().expect("no other thread uses it during training");
        let Resumed { average, epoch: mut begun } =
            std::mem::take(&mut *self.resumed.lock().expect("no other thread uses it"));
        let average = match self.average_of(&learner.model(), average) {
            Ok(average) => average,
            Err(error) => {
                result.error = Some(error);
                return (learner.model(), components.event_processor);
            }
        };
        let mut epochs = Epochs {
            train: train.to_device(&self.device),
            valid: valid.to_device(&self.device.clone().inner()),
            learner,
            average,
            processor: components.event_processor,
            interrupter: components.interrupter,
            checkpointer: components.checkpointer,
            event_store: components.event_store,
            strategy: self,
            saved: Instant::now(),
        };
        for number in starting_epoch..=components.num_epochs {
            let epoch = match epochs.run(number, &result.history, begun.take()) {
                Ok(Some(epoch)) => epoch,
                Ok(None) => break,
                Err(error) => {
                    result.error = Some(error);
                    break;
                }
            };
            result.history.epochs.push(epoch);
            let saved = self.save(&epochs.validated().network, &result.history);
            if let Err(error) = saved.and_then(|()| epochs.checkpoint(&result.history, None)) {
                result.error = Some(error);
                break;
            }
            (self.after_epoch.lock().expect("no other thread calls it"))(&result.history);
            if result.history.stop_reason(&self.config).is_some() {
                break;
            }
        }
        (epochs.learner.model(), epochs.processor)
    }
}

impl EpochStrategy {
    /// The average of a network's weights, which may go on from a checkpoint.
    fn average_of<M: Module>(&self, module: &M, saved: Option<(PathBuf, SavedAverage)>) -> Result<Option<Average<M>>> {
        match (Average::new(module, self.config.average), saved) {
            (Some(average), Some((path, saved))) => average.resume(&path, &saved).map(Some),
            (average, _) => Ok(average),
        }
    }

    /// Writes the metrics, and the weights if they are the best so far.
    fn save(&self, network: &impl Module, history: &History) -> Result<()> {
        check_weights(network, &*self.ranks)?;
        if !self.ranks.is_first() {
            return Ok(());
        }
        if history.best().map(|best| best.epoch) == Some(history.epochs.len()) {
            self.run_dir.write_weights(network)?;
        }
        self.run_dir.write("metrics.jsonl", history.to_json_lines())
    }
}

/// The state of the loop.
struct Epochs<'a, M: LearnerModel> {
    train: TrainLoader<M>,
    valid: ValidLoader<M>,
    learner: Learner<M>,
    average: Option<Average<M>>,
    processor: SupervisedTrainingEventProcessor<M>,
    interrupter: Interrupter,
    checkpointer: Option<LearningCheckpointer<M>>,
    event_store: Arc<EventStoreClient>,
    strategy: &'a EpochStrategy,
    /// When the last checkpoint was written.
    saved: Instant,
}

impl<M: LearnerModel + TrainStep<Output = Loss> + InferenceStep<Output = Loss>> Epochs<'_, M> {
    /// Trains and validates one epoch, of which a part may be done; `None` if it was interrupted.
    fn run(&mut self, number: usize, history: &History, begun: Option<PartialEpoch>) -> Result<Option<Epoch>> {
        let before = begun.as_ref().map_or(0.0, |begun| begun.seconds);
        let start = Instant::now();
        let seconds = || before + start.elapsed().as_secs_f64();
        let Some(trained) = self.train(number, history, begun, &seconds)? else {
            return Ok(None);
        };
        let validated = self.validate(number);
        if let Some(valid_loss) = validated {
            self.check("validation", number, valid_loss)?;
            self.report(LearnerEvent::EndEpoch(number));
            self.interrupter.fail_on_error(self.processor.flush());
        }
        let validated = validated.filter(|_| !self.interrupter.should_stop());
        let epoch = validated.map(|valid_loss| Epoch { valid_loss, seconds: seconds(), ..trained });
        self.agreed(epoch)
    }

    /// What the first rank says of an epoch; `None` if it was interrupted.
    fn agreed(&self, epoch: Option<Epoch>) -> Result<Option<Epoch>> {
        let ranks = &*self.strategy.ranks;
        if ranks.is_alone() {
            return Ok(epoch);
        }
        let mut text = to_toml(&History { epochs: epoch.into_iter().collect() }).into_bytes();
        ranks.broadcast(&mut text)?;
        let agreed: History =
            toml::from_slice(&text).map_err(|cause| on_rank(ranks, format!("cannot read an epoch: {cause}")))?;
        Ok(agreed.epochs.into_iter().next())
    }

    /// The gradient steps of an epoch that has taken so many `seconds` up to now.
    fn train(
        &mut self,
        epoch: usize,
        history: &History,
        begun: Option<PartialEpoch>,
        seconds: &dyn Fn() -> f64,
    ) -> Result<Option<Epoch>> {
        let EpochStrategy { config, device, ranks, .. } = self.strategy;
        let done = begun.as_ref().map_or(0, |begun| begun.batches);
        let mut measured = begun.map_or_else(Measured::default, |begun| begun.measured(device));
        let training = TrainingEpoch { number: epoch, seed: config.epoch_seed(epoch) };
        self.strategy.epoch.set(training, done, ranks.share());
        let train = self.train.clone();
        self.report(LearnerEvent::StartSplit { epoch_number: epoch, total_items: train.num_items() });
        let mut accumulated = Accumulated::default();
        // The loss of this rank in the batches of a step, if there are others.
        let mut own_loss = Mean::default();
        let mut batches = train.iter();
        let (mut step, mut lr) = (done, None);
        loop {
            // All randomness of a batch derives from this seed and that of its epoch, so resuming needs no random state.
            device.seed(config.batch_seed(epoch, step).wrapping_add(ranks.rank() as u64));
            let Some(batch) = batches.next() else { break };
            let batch = batch.map_err(|error| Error::Training(error.to_string()))?;
            step += 1;
            let output = self.learner.train_step(batch);
            if ranks.is_alone() || ranks.rank() < self.strategy.epoch.rows() {
                let loss = if ranks.is_alone() { &mut measured.loss } else { &mut own_loss };
                loss.add(&output.item);
                accumulated.add(|| self.learner.model(), output.grads, output.item.items);
            } else {
                accumulated.add_nothing();
            }
            let is_update = accumulated.batches() == config.accumulate;
            let mut signals = Signals {
                stop: self.interrupter.should_stop(),
                checkpoint: is_update && self.is_checkpoint_due(step / config.accumulate),
            };
            if is_update {
                signals = self.update(&mut accumulated, &mut own_loss, &mut measured, signals)?;
                lr = Some(self.learner.lr_current());
            }
            if step % CHECK_INTERVAL == 0 {
                self.check("training", epoch, measured.loss.value())?;
            }
            let progress = batches.progress();
            self.report(LearnerEvent::ProcessedItem(TrainingItem::new(output.item, progress, Some(step), lr.clone())));
            if signals.checkpoint {
                self.check("training", epoch, measured.loss.value())?;
                self.checkpoint(history, Some(PartialEpoch::new(step, seconds(), &measured)))?;
            }
            // All ranks stop after the same step.
            if signals.stop && (is_update || ranks.is_alone()) {
                return Ok(None);
            }
        }
        self.update(&mut accumulated, &mut own_loss, &mut measured, Signals::default())?;
        self.report(LearnerEvent::EndSplit(epoch));
        let train_loss = measured.loss.value();
        self.check("training", epoch, train_loss)?;
        Ok(Some(Epoch {
            epoch,
            train_loss,
            valid_loss: f64::NAN,
            learning_rate: self.learner.lr_current().base(),
            gradient_norm: measured.gradient_norm.value(),
            clipped: measured.clipped.value(),
            seconds: 0.0,
            ranks: ranks.size(),
        }))
    }

    /// A gradient step, if there are batches; measures the norm of the gradients, and whether it was clipped (1 or 0).
    /// Returns what all ranks say, of which this one says `signals`.
    fn update(
        &mut self,
        accumulated: &mut Accumulated,
        own_loss: &mut Mean,
        measured: &mut Measured,
        mut signals: Signals,
    ) -> Result<Signals> {
        let Some((mut grads, items)) = accumulated.take() else { return Ok(signals) };
        let EpochStrategy { ranks, device, .. } = self.strategy;
        if !ranks.is_alone() {
            let device = device.clone().inner();
            let own = Step { grads, loss: std::mem::take(own_loss).value() as f32, items };
            let (step, of_all) = sum_step(&**ranks, &self.learner.model(), own, signals, &device)?;
            measured.loss.add(&Loss { mean: Tensor::from_floats([step.loss], &device), items: step.items });
            (grads, signals) = (step.grads, of_all);
        }
        let limit = match self.strategy.config.clip_norm {
            0.0 => f64::INFINITY,
            limit => limit,
        };
        if let Some(norm) = clip_global_norm(&mut grads, &self.learner.model(), limit) {
            measured.clipped.add(&Loss { mean: norm.clone().greater_elem(limit).float(), items: 1 });
            measured.gradient_norm.add(&Loss { mean: norm, items: 1 });
        }
        self.learner.lr_step();
        self.learner.optimizer_step(grads);
        if let Some(average) = &mut self.average {
            average.update(&self.learner.model());
        }
        Ok(signals)
    }

    /// Whether a checkpoint is due after so many gradient steps of an epoch.
    fn is_checkpoint_due(&self, steps: usize) -> bool {
        match self.strategy.config.checkpoint_every {
            Some(CheckpointEvery::Steps(every)) => steps.is_multiple_of(every),
            Some(CheckpointEvery::Time(every)) => self.saved.elapsed() >= every,
            None => false,
        }
    }

    /// Writes a checkpoint at the end of the last epoch of `history`, or inside the next one.
    fn checkpoint(&mut self, history: &History, epoch: Option<PartialEpoch>) -> Result<()> {
        let EpochStrategy { checkpoints, carried, ranks, .. } = self.strategy;
        let carried = carried.as_ref().filter(|_| epoch.is_some());
        let carried = carried.map(|carried| carried.of_all(self.strategy.epoch.rows(), &**ranks)).transpose()?;
        self.saved = Instant::now();
        if !ranks.is_first() {
            return Ok(());
        }
        let average = self.average.as_ref().map(Average::to_record);
        checkpoints.begin(Progressed { history: history.clone(), epoch, average, carried: carried.as_ref() })?;
        if let Some(checkpointer) = &mut self.checkpointer {
            checkpointer.checkpoint(&self.learner, history.epochs.len(), &self.event_store);
            checkpoints.wait();
        }
        self.saved = Instant::now();
        Ok(())
    }

    /// The network that is validated and saved: that of the averaged weights, if there are any.
    fn validated(&self) -> M {
        match &self.average {
            Some(average) => average.module.clone(),
            None => self.learner.model().valid(),
        }
    }

    fn validate(&mut self, epoch: usize) -> Option<f64> {
        let total_items = self.valid.num_items();
        self.report_valid(LearnerEvent::StartSplit { epoch_number: epoch, total_items });
        let model = self.validated();
        let mut loss = Mean::default();
        let valid = self.valid.clone();
        let mut batches = valid.iter();
        let mut step = 0;
        while let Some(batch) = batches.next() {
            step += 1;
            let batch = match batch {
                Ok(batch) => batch,
                Err(error) => {
                    self.interrupter.fail(error);
                    return None;
                }
            };
            let output = InferenceStep::step(&model, batch);
            loss.add(&output);
            let item = TrainingItem::new(output, batches.progress(), Some(step), None);
            self.report_valid(LearnerEvent::ProcessedItem(item));
            if self.interrupter.should_stop() {
                return None;
            }
        }
        self.report_valid(LearnerEvent::EndSplit(epoch));
        Some(loss.value())
    }

    fn check(&self, split: &'static str, epoch: usize, loss: f64) -> Result<()> {
        if loss.is_finite() {
            return Ok(());
        }
        Err(Error::Diverged { split, loss, epoch, learning_rate: self.strategy.config.lr })
    }

    fn report(&mut self, event: LearnerEvent<Loss>) {
        self.interrupter.fail_on_error(self.processor.process_train(event));
    }

    fn report_valid(&mut self, event: LearnerEvent<Loss>) {
        self.interrupter.fail_on_error(self.processor.process_valid(event));
    }
}
