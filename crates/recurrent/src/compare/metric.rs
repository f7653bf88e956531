//! The exponent of a gradient's decay as a metric of burn-train.

use std::sync::Arc;

use burn::tensor::TensorReadError;
use burn::train::metric::state::{FormatOptions, NumericMetricState};
use burn::train::metric::{
    Metric, MetricAttributes, MetricMetadata, MetricName, Numeric, NumericAttributes, NumericEntry, SerializedEntry,
};

use super::microscope::GradientTrace;

/// Shows the [decay](GradientTrace::decay) of a layer's gradient in each batch, and its mean in an epoch: the nearer to
/// zero, the further back the layer learns. A batch without a gradient is left out.
///
/// A training step that shows it runs its layers by [`Probe`](super::microscope::Probe) and gives the
/// [trace](super::microscope::Probed::trace) of its gradients along with its loss; its output implements
/// `Adaptor<GradientTrace>`. To take a trace costs what a walk step by step costs, and waits for the device, so it is
/// for looking and not for the fastest training.
#[derive(Clone)]
pub struct GradientDecayMetric {
    name: MetricName,
    row: usize,
    state: NumericMetricState,
}

impl GradientDecayMetric {
    /// The metric of one of the trace's rows: with one direction, of a layer, from the bottom to the top.
    pub fn new(row: usize) -> Self {
        Self { name: Arc::new(format!("Gradient Decay {row}")), row, state: NumericMetricState::new() }
    }

    fn format(&self) -> FormatOptions {
        FormatOptions::new(self.name()).precision(3)
    }
}

impl Metric for GradientDecayMetric {
    type Input = GradientTrace;

    fn name(&self) -> MetricName {
        self.name.clone()
    }

    fn description(&self) -> Option<String> {
        Some("How the logarithm of a gradient's norm changes with each step back in time".into())
    }

    fn attributes(&self) -> MetricAttributes {
        NumericAttributes { unit: None, higher_is_better: true }.into()
    }

    fn update(&mut self, trace: &GradientTrace, _: &MetricMetadata) -> Result<SerializedEntry, TensorReadError> {
        match trace.decay(self.row) {
            Some(decay) => self.state.update(decay, 1),
            None => self.state.update(f64::NAN, 0),
        }
        Ok(self.state.compute_update(self.format()))
    }

    fn compute(&mut self) -> Result<SerializedEntry, TensorReadError> {
        Ok(self.state.compute_final(self.format()))
    }

    fn clear(&mut self) {
        self.state.reset();
    }
}

impl Numeric for GradientDecayMetric {
    fn value(&self) -> Option<NumericEntry> {
        Some(self.state.current_value())
    }

    fn running_value(&self) -> Option<NumericEntry> {
        Some(self.state.running_value())
    }

    fn final_value(&self) -> NumericEntry {
        self.state.final_value()
    }
}
