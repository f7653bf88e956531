//! The decay of gradients over time as a burn-train metric.

use std::sync::Arc;

use burn::tensor::TensorReadError;
use burn::train::metric::state::{FormatOptions, NumericMetricState};
use burn::train::metric::{
    Metric, MetricAttributes, MetricMetadata, MetricName, Numeric, NumericAttributes, NumericEntry, SerializedEntry,
};

use super::trace::GradientTrace;

/// The [decay rate](GradientTrace::decay) of one layer's gradient, per batch and averaged over the epoch: the closer to
/// zero, the further back in time the layer learns. Batches without a gradient are left out.
///
/// The training step runs its layers through [`GradientProbe`](super::GradientProbe) and returns the
/// [trace](super::ProbedOutput::trace) of its gradients along with the loss; its output implements
/// `Adaptor<GradientTrace>`. A probed step runs step by step instead of through the fused operation and waits for the
/// device, so the metric is for diagnosis and not for the fastest training.
#[derive(Clone)]
pub struct GradientDecayMetric {
    name: MetricName,
    index: usize,
    state: NumericMetricState,
}

impl GradientDecayMetric {
    /// The metric of `GradientTrace::norms[index]`: of layer `index`, the bottom one being 0, if the layers are
    /// unidirectional.
    pub fn new(index: usize) -> Self {
        Self { name: Arc::new(format!("Gradient Decay {index}")), index, state: NumericMetricState::new() }
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
        Some("Change of the logarithm of the gradient norm per step back in time".into())
    }

    fn attributes(&self) -> MetricAttributes {
        NumericAttributes { unit: None, higher_is_better: true }.into()
    }

    fn update(&mut self, trace: &GradientTrace, _: &MetricMetadata) -> Result<SerializedEntry, TensorReadError> {
        match trace.decay(self.index) {
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
