//! The training loop.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use burn::module::{Module, ModuleDisplay};
use burn::tensor::{Device, Tensor};
use burn::train::{
    EventProcessorTraining, InferenceStep, Interrupter, Learner, LearnerEvent, LearnerModel,
    SupervisedLearningStrategy, SupervisedTrainingEventProcessor, TrainLoader, TrainStep, TrainingComponents,
    TrainingItem, ValidLoader,
};

use super::accumulate::Accumulated;
use super::average::Average;
use super::checkpoint::{AVERAGE, Checkpoints, SavedAverage};
use super::objective::{Objective, TrainingModule};
use super::{AfterEpoch, CurrentEpoch, Epoch, FitConfig, History, Loss, clip_global_norm};
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

/// Trains on one device, with a checkpoint at the end of each epoch.
pub(super) struct EpochStrategy {
    pub device: Device,
    pub config: FitConfig,
    pub epoch: CurrentEpoch,
    pub run_dir: RunDir,
    pub checkpoints: Arc<Checkpoints>,
    /// The averaged weights of the checkpoint from which training resumes.
    pub average: Option<SavedAverage>,
    pub result: Arc<Mutex<FitResult>>,
    pub after_epoch: Mutex<AfterEpoch>,
}

impl<N: Module + ModuleDisplay + 'static, O: Objective<N>> SupervisedLearningStrategy<TrainingModule<N, O>>
    for EpochStrategy
{
    fn fit(
        &self,
        mut components: TrainingComponents<TrainingModule<N, O>>,
        mut learner: Learner<TrainingModule<N, O>>,
        train: TrainLoader<TrainingModule<N, O>>,
        valid: ValidLoader<TrainingModule<N, O>>,
        starting_epoch: usize,
    ) -> (TrainingModule<N, O>, SupervisedTrainingEventProcessor<TrainingModule<N, O>>) {
        learner.fork(&self.device);
        let mut result = self.result.lock().expect("no other thread uses it during training");
        let average = match self.average_of(&learner.model(), starting_epoch) {
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
            config: &self.config,
        };
        for number in starting_epoch..=components.num_epochs {
            // All randomness of an epoch derives from this seed, so resuming needs no random state.
            let seed = self.config.epoch_seed(number);
            self.device.seed(seed);
            self.epoch.set(number, seed);
            let epoch = match epochs.run(number) {
                Ok(Some(epoch)) => epoch,
                Ok(None) => break,
                Err(error) => {
                    result.error = Some(error);
                    break;
                }
            };
            result.history.epochs.push(epoch);
            let average = epochs.average.as_ref().map(Average::to_record);
            let saved = self.save(&epochs.validated().network, &result.history);
            if let Err(error) = saved.and_then(|()| self.checkpoints.begin(number, result.history.clone(), average)) {
                result.error = Some(error);
                break;
            }
            if let Some(checkpointer) = &mut components.checkpointer {
                checkpointer.checkpoint(&epochs.learner, number, &components.event_store);
                self.checkpoints.wait();
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
    /// The average of a network's weights, as it is at the beginning of an epoch.
    fn average_of<M: Module>(&self, module: &M, epoch: usize) -> Result<Option<Average<M>>> {
        let average = Average::new(module, self.config.average);
        match (average, &self.average) {
            (Some(average), Some(saved)) => {
                average.resume(&self.checkpoints.folder(epoch - 1).join(AVERAGE), saved).map(Some)
            }
            (average, _) => Ok(average),
        }
    }

    /// Writes the metrics, and the weights if they are the best so far.
    fn save(&self, network: &impl Module, history: &History) -> Result<()> {
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
    config: &'a FitConfig,
}

impl<M: LearnerModel + TrainStep<Output = Loss> + InferenceStep<Output = Loss>> Epochs<'_, M> {
    /// Trains and validates one epoch; `None` if it was interrupted.
    fn run(&mut self, epoch: usize) -> Result<Option<Epoch>> {
        let start = Instant::now();
        let Some(trained) = self.train(epoch)? else {
            return Ok(None);
        };
        let Some(valid_loss) = self.validate(epoch) else {
            return Ok(None);
        };
        self.check("validation", epoch, valid_loss)?;
        self.report(LearnerEvent::EndEpoch(epoch));
        self.interrupter.fail_on_error(self.processor.flush());
        if self.interrupter.should_stop() {
            return Ok(None);
        }
        Ok(Some(Epoch { valid_loss, seconds: start.elapsed().as_secs_f64(), ..trained }))
    }

    fn train(&mut self, epoch: usize) -> Result<Option<Epoch>> {
        let train = self.train.clone();
        self.report(LearnerEvent::StartSplit { epoch_number: epoch, total_items: train.num_items() });
        let mut loss = Mean::default();
        let mut norm = Mean::default();
        let mut clipped = Mean::default();
        let mut accumulated = Accumulated::default();
        let mut batches = train.iter();
        let (mut step, mut lr) = (0, None);
        while let Some(batch) = batches.next() {
            let batch = batch.map_err(|error| Error::Training(error.to_string()))?;
            step += 1;
            let output = self.learner.train_step(batch);
            loss.add(&output.item);
            accumulated.add(|| self.learner.model(), output.grads, output.item.items);
            if accumulated.batches() == self.config.accumulate {
                self.update(&mut accumulated, [&mut norm, &mut clipped]);
                lr = Some(self.learner.lr_current());
            }
            if step % CHECK_INTERVAL == 0 {
                self.check("training", epoch, loss.value())?;
            }
            let progress = batches.progress();
            self.report(LearnerEvent::ProcessedItem(TrainingItem::new(output.item, progress, Some(step), lr.clone())));
            if self.interrupter.should_stop() {
                return Ok(None);
            }
        }
        self.update(&mut accumulated, [&mut norm, &mut clipped]);
        self.report(LearnerEvent::EndSplit(epoch));
        let train_loss = loss.value();
        self.check("training", epoch, train_loss)?;
        Ok(Some(Epoch {
            epoch,
            train_loss,
            valid_loss: f64::NAN,
            learning_rate: self.learner.lr_current().base(),
            gradient_norm: norm.value(),
            clipped: clipped.value(),
            seconds: 0.0,
        }))
    }

    /// A gradient step, if there are gradients; adds their norm, and whether it was clipped (1 or 0).
    fn update(&mut self, accumulated: &mut Accumulated, [norms, clipped]: [&mut Mean; 2]) {
        let Some(mut grads) = accumulated.take() else { return };
        let limit = if self.config.clip_norm > 0.0 { self.config.clip_norm } else { f64::INFINITY };
        if let Some(norm) = clip_global_norm(&mut grads, &self.learner.model(), limit) {
            clipped.add(&Loss { mean: norm.clone().greater_elem(limit).float(), items: 1 });
            norms.add(&Loss { mean: norm, items: 1 });
        }
        self.learner.lr_step();
        self.learner.optimizer_step(grads);
        if let Some(average) = &mut self.average {
            average.update(&self.learner.model());
        }
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
        Err(Error::Diverged { split, loss, epoch, learning_rate: self.config.lr })
    }

    fn report(&mut self, event: LearnerEvent<Loss>) {
        self.interrupter.fail_on_error(self.processor.process_train(event));
    }

    fn report_valid(&mut self, event: LearnerEvent<Loss>) {
        self.interrupter.fail_on_error(self.processor.process_valid(event));
    }
}

/// A weighted mean that stays on the device until its value is read.
#[derive(Default)]
struct Mean {
    sum: Option<Tensor<1>>,
    items: usize,
}

impl Mean {
    fn add(&mut self, loss: &Loss) {
        let weighted = loss.mean.clone().without_autodiff() * loss.items as f32;
        self.items += loss.items;
        self.sum = Some(match self.sum.take() {
            Some(sum) => sum + weighted,
            None => weighted,
        });
    }

    fn value(&self) -> f64 {
        match &self.sum {
            Some(sum) => f64::from(sum.clone().into_scalar::<f32>()) / self.items as f64,
            None => 0.0,
        }
    }
}
