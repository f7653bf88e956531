//! How training shows itself, and how it is stopped from outside.

use burn::train::Interrupter;
use burn::train::logger::{EvaluationProgressLogger, TrainingProgressLogger};
use burn::train::metric::MetricDefinition;
use burn::train::renderer::{
    EvaluationName, MetricState, MetricsRenderer, MetricsRendererEvaluation, MetricsRendererTraining,
};

use super::History;

/// How training shows itself, and how it is stopped from outside.
pub struct Callbacks {
    /// Draws progress.
    pub renderer: Box<dyn MetricsRenderer>,
    /// Stops training at the next step: the epoch that was begun is begun again on resuming.
    pub interrupter: Interrupter,
    /// Is told after each epoch, once its checkpoint is written.
    pub after_epoch: AfterEpoch,
}

/// What is told after each epoch.
pub type AfterEpoch = Box<dyn FnMut(&History) + Send>;

impl Callbacks {
    /// Nothing to see, nobody to stop it.
    pub fn quiet() -> Self {
        Self { renderer: Box::new(Tell::new(|_| ())), interrupter: Interrupter::new(), after_epoch: Box::new(|_| ()) }
    }
}

/// How far a part of an epoch has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advance {
    /// `train` or `valid`.
    pub part: String,
    /// Items done.
    pub done: usize,
    /// Items in all.
    pub total: usize,
}

/// A renderer that draws nothing itself, and tells a function how far training has come.
#[derive(Debug)]
pub struct Tell<F> {
    tell: F,
    now: Advance,
}

impl<F: FnMut(&Advance) + Send + Sync> Tell<F> {
    /// Tells `tell` when a part of an epoch begins, and after each batch.
    pub fn new(tell: F) -> Self {
        Self { tell, now: Advance { part: String::new(), done: 0, total: 0 } }
    }
}

impl<F: FnMut(&Advance) + Send + Sync> TrainingProgressLogger for Tell<F> {
    fn start(&mut self, _epochs: usize, _starting_epoch: usize, _items: Option<usize>, _label: Option<&str>) {}

    fn update_epoch(&mut self, _epoch: usize) {}

    fn start_split(&mut self, split: &str, total_items: usize) {
        self.now = Advance { part: split.into(), done: 0, total: total_items };
        (self.tell)(&self.now);
    }

    fn update_split(&mut self, items_processed: usize) {
        self.now.done = items_processed;
        (self.tell)(&self.now);
    }

    fn end_split(&mut self) {}

    fn end(&mut self) {}

    fn log_event_training(&mut self, _event: String) {}
}

impl<F: FnMut(&Advance) + Send + Sync> MetricsRenderer for Tell<F> {
    fn manual_close(&mut self) {}

    fn register_metric(&mut self, _definition: MetricDefinition) {}
}

impl<F: Send + Sync> MetricsRendererTraining for Tell<F> {
    fn update_train(&mut self, _state: MetricState) {}

    fn update_valid(&mut self, _state: MetricState) {}
}

impl<F: Send + Sync> MetricsRendererEvaluation for Tell<F> {
    fn update_test(&mut self, _name: EvaluationName, _state: MetricState) {}
}

impl<F: Send> EvaluationProgressLogger for Tell<F> {
    fn start_global_progress(&mut self, _total_tests: usize) {}

    fn start_test(&mut self, _name: &str, _total_items: usize) {}

    fn update_test_progress(&mut self, _items_processed: usize) {}

    fn end_test(&mut self) {}

    fn end_global_progress(&mut self) {}

    fn log_event_evaluation(&mut self, _event: String) {}
}
