//! Callbacks of training: progress, interruption, and the end of each epoch.

use std::sync::Arc;

use burn::train::Interrupter;
use burn::train::logger::{EvaluationProgressLogger, TrainingProgressLogger};
use burn::train::metric::MetricDefinition;
use burn::train::renderer::{
    EvaluationName, MetricState, MetricsRenderer, MetricsRendererEvaluation, MetricsRendererTraining,
};

use super::History;
use super::ranks::{Alone, Ranks};

/// What a caller attaches to training.
pub struct Callbacks {
    /// Shows progress: burn-train's dashboard, a [`ProgressRenderer`], or another renderer.
    pub renderer: Box<dyn MetricsRenderer>,
    /// Stops training after the current step. The epoch that was under way is repeated when the run is resumed.
    pub interrupter: Interrupter,
    /// Called after each epoch, once its checkpoint is written.
    pub after_epoch: AfterEpoch,
    /// The processes that train the network together.
    pub ranks: Arc<dyn Ranks>,
}

/// A function that is called after each epoch with the history up to it.
pub type AfterEpoch = Box<dyn FnMut(&History) + Send>;

impl Callbacks {
    /// Callbacks that show nothing and never interrupt, of one process.
    pub fn quiet() -> Self {
        Self {
            renderer: Box::new(ProgressRenderer::new(|_| ())),
            interrupter: Interrupter::new(),
            after_epoch: Box::new(|_| ()),
            ranks: Arc::new(Alone),
        }
    }
}

/// The progress within one split of an epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitProgress {
    /// `train` or `valid`.
    pub split: String,
    /// Items processed so far.
    pub done: usize,
    /// Items of the split.
    pub total: usize,
}

/// A renderer that draws nothing and passes the progress to a function.
#[derive(Debug)]
pub struct ProgressRenderer<F> {
    on_progress: F,
    progress: SplitProgress,
}

impl<F: FnMut(&SplitProgress) + Send + Sync> ProgressRenderer<F> {
    /// Calls `on_progress` at the beginning of each split of an epoch and after each batch.
    pub fn new(on_progress: F) -> Self {
        Self { on_progress, progress: SplitProgress { split: String::new(), done: 0, total: 0 } }
    }
}

impl<F: FnMut(&SplitProgress) + Send + Sync> TrainingProgressLogger for ProgressRenderer<F> {
    fn start(&mut self, _epochs: usize, _starting_epoch: usize, _items: Option<usize>, _label: Option<&str>) {}

    fn update_epoch(&mut self, _epoch: usize) {}

    fn start_split(&mut self, split: &str, total_items: usize) {
        self.progress = SplitProgress { split: split.into(), done: 0, total: total_items };
        (self.on_progress)(&self.progress);
    }

    fn update_split(&mut self, items_processed: usize) {
        self.progress.done = items_processed;
        (self.on_progress)(&self.progress);
    }

    fn end_split(&mut self) {}

    fn end(&mut self) {}

    fn log_event_training(&mut self, _event: String) {}
}

impl<F: FnMut(&SplitProgress) + Send + Sync> MetricsRenderer for ProgressRenderer<F> {
    fn manual_close(&mut self) {}

    fn register_metric(&mut self, _definition: MetricDefinition) {}
}

impl<F: Send + Sync> MetricsRendererTraining for ProgressRenderer<F> {
    fn update_train(&mut self, _state: MetricState) {}

    fn update_valid(&mut self, _state: MetricState) {}
}

impl<F: Send + Sync> MetricsRendererEvaluation for ProgressRenderer<F> {
    fn update_test(&mut self, _name: EvaluationName, _state: MetricState) {}
}

impl<F: Send> EvaluationProgressLogger for ProgressRenderer<F> {
    fn start_global_progress(&mut self, _total_tests: usize) {}

    fn start_test(&mut self, _name: &str, _total_items: usize) {}

    fn update_test_progress(&mut self, _items_processed: usize) {}

    fn end_test(&mut self) {}

    fn end_global_progress(&mut self) {}

    fn log_event_evaluation(&mut self, _event: String) {}
}
