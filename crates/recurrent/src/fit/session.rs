//! How training shows itself, and how it is stopped from outside.

use burn::train::Interrupter;
use burn::train::logger::{EvaluationProgressLogger, TrainingProgressLogger};
use burn::train::metric::MetricDefinition;
use burn::train::renderer::{
    EvaluationName, MetricState, MetricsRenderer, MetricsRendererEvaluation, MetricsRendererTraining,
};

use super::History;

/// How training shows itself, and how it is stopped from outside.
pub struct Session {
    /// Draws progress.
    pub renderer: Box<dyn MetricsRenderer>,
    /// Stops training at the next step: the epoch that was begun is begun again on resuming.
    pub interrupter: Interrupter,
    /// Is told after each epoch, once its checkpoint is written.
    pub after_epoch: Box<dyn FnMut(&History) + Send>,
}

impl Session {
    /// Nothing to see, nobody to stop it.
    pub fn quiet() -> Self {
        Self { renderer: Box::new(Quiet), interrupter: Interrupter::new(), after_epoch: Box::new(|_| ()) }
    }
}

/// Draws nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl MetricsRenderer for Quiet {
    fn manual_close(&mut self) {}

    fn register_metric(&mut self, _definition: MetricDefinition) {}
}

impl MetricsRendererTraining for Quiet {
    fn update_train(&mut self, _state: MetricState) {}

    fn update_valid(&mut self, _state: MetricState) {}
}

impl MetricsRendererEvaluation for Quiet {
    fn update_test(&mut self, _name: EvaluationName, _state: MetricState) {}
}

impl TrainingProgressLogger for Quiet {
    fn start(&mut self, _epochs: usize, _starting_epoch: usize, _items: Option<usize>, _label: Option<&str>) {}

    fn update_epoch(&mut self, _epoch: usize) {}

    fn start_split(&mut self, _split: &str, _total_items: usize) {}

    fn update_split(&mut self, _items_processed: usize) {}

    fn end_split(&mut self) {}

    fn end(&mut self) {}

    fn log_event_training(&mut self, _event: String) {}
}

impl EvaluationProgressLogger for Quiet {
    fn start_global_progress(&mut self, _total_tests: usize) {}

    fn start_test(&mut self, _name: &str, _total_items: usize) {}

    fn update_test_progress(&mut self, _items_processed: usize) {}

    fn end_test(&mut self) {}

    fn end_global_progress(&mut self) {}

    fn log_event_evaluation(&mut self, _event: String) {}
}
