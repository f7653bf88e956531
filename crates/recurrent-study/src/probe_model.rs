//! The network around every cell: a recurrent layer and a linear layer.

use burn::config::Config;
use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Int, Tensor, TensorData};
use recurrent::models::{AnyRecurrent, AnyRecurrentConfig, CellKind};

use crate::cost::closest_hidden_size;
use crate::examples::{Examples, Targets};

/// The configuration of a [`ProbeModel`].
#[derive(Config, Debug, Copy, PartialEq)]
pub struct ProbeModelConfig {
    /// The cell of the recurrent layer.
    pub cell: CellKind,
    /// The number of input features.
    pub input_size: usize,
    /// The number of hidden units.
    pub hidden_size: usize,
    /// The number of outputs.
    pub output_size: usize,
    /// The initial bias of an LSTM's forget gate and a GRU's update gate.
    #[config(default = 1.0)]
    pub retention_bias: f64,
}

impl ProbeModelConfig {
    /// A model with freshly initialized weights.
    pub fn init(&self, device: &Device) -> ProbeModel {
        let layers = AnyRecurrentConfig::new(self.cell, self.input_size, self.hidden_size);
        let layers = layers.with_retention_bias(self.retention_bias).init(device);
        ProbeModel::from_layers(layers, self.output_size, device)
    }

    /// The number of parameters.
    ///
    /// A gate has input weights, recurrent weights and a bias; an RNN has one such block, a GRU three and one more bias,
    /// an LSTM four.
    pub fn num_parameters(&self) -> usize {
        let gate = self.hidden_size * (self.input_size + self.hidden_size + 1);
        let recurrent = match self.cell {
            CellKind::Rnn => gate,
            CellKind::Gru => 3 * gate + self.hidden_size,
            CellKind::Lstm => 4 * gate,
        };
        recurrent + (self.hidden_size + 1) * self.output_size
    }

    /// The same model with another cell, with the hidden size whose number of parameters is closest to this one's.
    pub fn with_cell_of_equal_parameters(&self, cell: CellKind) -> Self {
        let sized = |hidden_size| Self { cell, hidden_size, ..*self };
        sized(closest_hidden_size(self.num_parameters(), |hidden_size| sized(hidden_size).num_parameters()))
    }
}

/// Recurrent layers, and a linear layer on the last step or on every step.
#[derive(Module, Debug)]
pub struct ProbeModel {
    /// The recurrent layers.
    pub layers: AnyRecurrent,
    linear: Linear,
}

impl ProbeModel {
    /// A model of existing recurrent layers and a freshly initialized linear layer.
    pub fn from_layers(layers: AnyRecurrent, output_size: usize, device: &Device) -> Self {
        let linear = LinearConfig::new(layers.output_size(), output_size).init(device);
        Self { layers, linear }
    }

    /// The mean loss `[1]` and the accuracy `[1]` of a batch: cross-entropy for classes, squared error for values.
    ///
    /// With a class at every step, the loss is over all steps and the accuracy over the last `scored_steps`. A value is
    /// correct within 0.04 of its target (Hochreiter & Schmidhuber 1997).
    pub fn loss_and_accuracy(&self, batch: &ExampleBatch, scored_steps: usize) -> (Tensor<1>, Tensor<1>) {
        let (output, _) = self.layers.forward(batch.inputs.clone(), None);
        self.loss_and_accuracy_of(output, batch, scored_steps)
    }

    /// [`loss_and_accuracy`](Self::loss_and_accuracy) from the output of the recurrent layers, `[batch, time, hidden]`.
    pub fn loss_and_accuracy_of(
        &self,
        output: Tensor<3>,
        batch: &ExampleBatch,
        scored_steps: usize,
    ) -> (Tensor<1>, Tensor<1>) {
        let [rows, time, hidden] = output.dims();
        let last = || output.clone().narrow(1, time - 1, 1).reshape([rows, hidden]);
        match &batch.targets {
            TargetTensor::Values(targets) => {
                let error = self.linear.forward(last()) - targets.clone().unsqueeze_dim(1);
                let accuracy = error.clone().abs().lower_elem(VALUE_TOLERANCE).float().mean();
                (error.powi_scalar(2).mean(), accuracy)
            }
            TargetTensor::Classes(targets) => {
                let logits = self.linear.forward(last());
                (cross_entropy(logits.clone(), targets.clone()), accuracy(logits, targets.clone()))
            }
            TargetTensor::ClassesPerStep(targets) => {
                let logits = self.linear.forward(output);
                let classes = logits.dims()[2];
                let all = logits.clone().reshape([rows * time, classes]);
                let loss = cross_entropy(all, targets.clone().reshape([rows * time]));
                let scored_logits = logits.narrow(1, time - scored_steps, scored_steps);
                let scored_targets = targets.clone().narrow(1, time - scored_steps, scored_steps);
                let scored = rows * scored_steps;
                (loss, accuracy(scored_logits.reshape([scored, classes]), scored_targets.reshape([scored])))
            }
        }
    }
}

/// The largest absolute error of a value that counts as correct.
const VALUE_TOLERANCE: f64 = 0.04;

fn cross_entropy(logits: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<1> {
    CrossEntropyLossConfig::new().init(&logits.device()).forward(logits, targets)
}

fn accuracy(logits: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<1> {
    let predictions = logits.argmax(1).squeeze_dim::<1>(1);
    predictions.equal(targets).float().mean()
}

/// [`Examples`] on a device.
#[derive(Debug, Clone)]
pub struct ExampleBatch {
    /// `[batch, time, features]`.
    pub inputs: Tensor<3>,
    targets: TargetTensor,
}

#[derive(Debug, Clone)]
enum TargetTensor {
    Values(Tensor<1>),
    Classes(Tensor<1, Int>),
    ClassesPerStep(Tensor<2, Int>),
}

impl ExampleBatch {
    /// Copies examples to a device.
    pub fn new(examples: Examples, device: &Device) -> Self {
        let [rows, time, _] = examples.shape;
        Self {
            inputs: Tensor::from_data(TensorData::new(examples.inputs, examples.shape), device),
            targets: match examples.targets {
                Targets::Values(values) => {
                    TargetTensor::Values(Tensor::from_data(TensorData::new(values, [rows]), device))
                }
                Targets::Classes(classes) => {
                    TargetTensor::Classes(Tensor::from_data(TensorData::new(classes, [rows]), device))
                }
                Targets::ClassesPerStep(classes) => {
                    TargetTensor::ClassesPerStep(Tensor::from_data(TensorData::new(classes, [rows, time]), device))
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gates::GateProbe;
    use crate::seed_lock::lock_seed;

    #[test]
    fn counted_parameters_are_those_of_the_module() {
        let _seed = lock_seed();
        for cell in CellKind::ALL {
            let config = ProbeModelConfig::new(cell, 3, 7, 5);
            assert_eq!(config.init(&Device::flex()).num_params(), config.num_parameters(), "{cell}");
        }
    }

    #[test]
    fn lstm_and_gru_start_with_equal_retention() {
        let _seed = lock_seed();
        let device = Device::flex();
        for (cell, gate) in [(CellKind::Lstm, "forget"), (CellKind::Gru, "update")] {
            let model = ProbeModelConfig::new(cell, 3, 7, 5).init(&device);
            let activations = model.layers.gate_activations(Tensor::zeros([1, 1, 3], &device), 0);
            let retention = activations.gate(gate).expect("a gate").iter().flatten();
            assert!(retention.clone().all(|kept| (kept - 0.731).abs() < 1e-3), "{cell}: {:?}", activations.values);
        }
    }

    #[test]
    fn models_of_equal_parameters_are_within_two_percent() {
        let lstm = ProbeModelConfig::new(CellKind::Lstm, 8, 32, 8);
        assert_eq!(lstm.with_cell_of_equal_parameters(CellKind::Lstm), lstm);
        for cell in [CellKind::Rnn, CellKind::Gru] {
            let other = lstm.with_cell_of_equal_parameters(cell);
            let off = other.num_parameters().abs_diff(lstm.num_parameters()) as f64 / lstm.num_parameters() as f64;
            assert!(other.hidden_size > 32 && off < 0.02, "{cell}: {}", other.hidden_size);
        }
    }
}
