//! A trained layer on a live signal: one row, one step at a time, on the CPU.

use burn::tensor::{Device, Tensor, TensorData};
use recurrent_kernels::cpu::{DirectionWeights, Equations, Stepper};

use crate::cells::gru::GruCell;
use crate::cells::lstm::LstmCell;
use crate::cells::rnn::RnnCell;
use crate::{Cell, Direction, Recurrent, State};

/// A cell with a CPU kernel.
pub trait StreamingCell: Cell {
    /// The equations of a step.
    fn equations(&self) -> Equations;

    /// The candidate's recurrent bias `[hidden]`, of a GRU whose reset gate is applied after the product.
    fn bias_hn(&self) -> Option<Tensor<1>> {
        None
    }
}

impl StreamingCell for RnnCell {
    fn equations(&self) -> Equations {
        Equations::Rnn(self.nonlinearity())
    }
}

impl StreamingCell for LstmCell {
    #[allow(clippy::cast_possible_truncation, reason = "the kernels compute in single precision")]
    fn equations(&self) -> Equations {
        Equations::Lstm { clip: self.cell_clip().map(|clip| clip as f32) }
    }
}

impl StreamingCell for GruCell {
    fn equations(&self) -> Equations {
        Equations::Gru { reset_after: self.reset_after() }
    }

    fn bias_hn(&self) -> Option<Tensor<1>> {
        self.bias_hn.as_ref().map(|bias| bias.val())
    }
}

/// A stack of layers for low-latency inference on one row, step by step, with its own copy of the weights in single
/// precision.
///
/// [`step`](Self::step) takes and returns plain `f32` slices; it makes no tensor and allocates no memory. Its outputs are
/// bit for bit those of [`Recurrent::forward`] for a batch of one row on a CPU. Made by [`Recurrent::streaming`] from a
/// layer on any device.
///
/// ```
/// use burn::tensor::Device;
/// use recurrent_models::LstmConfig;
///
/// let layer = LstmConfig::new(3, 8).with_num_layers(2).init(&Device::default());
/// let mut streaming = layer.streaming(None);
/// for sample in [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]] {
///     let output = streaming.step(&sample);
///     assert_eq!(output.len(), 8);
/// }
/// ```
#[derive(Debug)]
#[must_use = "it does nothing until it is stepped"]
pub struct StreamingLayer {
    /// From the bottom to the top.
    layers: Vec<Stepper>,
}

impl<C: StreamingCell> Recurrent<C> {
    /// Copies the weights into a [`StreamingLayer`] that starts from `state`, `[num_layers, 1, hidden]`; from zeros if
    /// `None`.
    ///
    /// # Panics
    /// If the layer is bidirectional (the reverse direction starts at the end of a sequence), or the state has another
    /// shape.
    pub fn streaming(&self, state: Option<C::State<3>>) -> StreamingLayer {
        self.check_unidirectional();
        let mut layers: Vec<Stepper> = self.layers.iter().map(|layer| stepper(&layer.forward)).collect();
        if let Some(state) = state {
            let expected = [layers.len(), 1, self.hidden_size()];
            for (index, part) in state.into_parts().into_iter().enumerate() {
                let shape = part.dims();
                assert_eq!(shape, expected, "the state is [num_layers, 1, hidden] = {expected:?}, got {shape:?}");
                let values = values(part);
                for (layer, row) in layers.iter_mut().zip(values.chunks_exact(self.hidden_size())) {
                    let into = if index == 0 { layer.hidden_mut() } else { layer.cell_mut() };
                    into.copy_from_slice(row);
                }
            }
        }
        StreamingLayer { layers }
    }
}

impl StreamingLayer {
    /// Advances by one step with the input `x [input]` and returns the top layer's output `[hidden]`.
    ///
    /// # Panics
    /// If `x` has not `input` features.
    pub fn step(&mut self, x: &[f32]) -> &[f32] {
        for index in 0..self.layers.len() {
            let (below, layer) = self.layers.split_at_mut(index);
            layer[0].step(below.last().map_or(x, Stepper::hidden));
        }
        self.layers.last().map_or(&[], Stepper::hidden)
    }

    /// The state after the last step, `[num_layers, 1, hidden]`, for the layer it was made from.
    #[must_use]
    pub fn state<S: State<3>>(&self, device: &Device) -> S {
        let part = |of: fn(&Stepper) -> &[f32]| {
            let values: Vec<f32> = self.layers.iter().flat_map(of).copied().collect();
            let hidden = values.len() / self.layers.len();
            Tensor::from_data(TensorData::new(values, [self.layers.len(), 1, hidden]), device)
        };
        S::from_parts([part(Stepper::hidden), part(Stepper::cell)].into_iter().take(S::PARTS).collect())
    }

    /// The number of values of a state, as [`copy_state`](Self::copy_state) and [`set_state`](Self::set_state) take it.
    #[must_use]
    pub fn state_size(&self) -> usize {
        self.layers.iter().map(|layer| layer.hidden().len() + layer.cell().len()).sum()
    }

    /// Copies the state after the last step: of each layer the hidden state and, if there is one, the cell state.
    ///
    /// # Panics
    /// If `state` has not [`state_size`](Self::state_size) values.
    pub fn copy_state(&self, state: &mut [f32]) {
        assert_eq!(state.len(), self.state_size(), "a state has {} values", self.state_size());
        let mut rest = state;
        for part in self.layers.iter().flat_map(|layer| [layer.hidden(), layer.cell()]) {
            let (values, next) = rest.split_at_mut(part.len());
            values.copy_from_slice(part);
            rest = next;
        }
    }

    /// Continues from a state that [`copy_state`](Self::copy_state) gave.
    ///
    /// # Panics
    /// If `state` has not [`state_size`](Self::state_size) values.
    pub fn set_state(&mut self, state: &[f32]) {
        assert_eq!(state.len(), self.state_size(), "a state has {} values", self.state_size());
        let mut rest = state;
        for layer in &mut self.layers {
            for part in [Stepper::hidden_mut, Stepper::cell_mut] {
                let part = part(layer);
                let (values, next) = rest.split_at(part.len());
                part.copy_from_slice(values);
                rest = next;
            }
        }
    }
}

/// A dense layer on one row on the CPU, with its own copy of the weights in single precision.
#[derive(Debug, Clone)]
pub struct StreamingDense {
    /// `[input, output]`.
    weight: Vec<f32>,
    /// `[output]`.
    bias: Vec<f32>,
}

impl StreamingDense {
    /// A layer with the weights `[input, output]` and a bias `[output]`, which is zero if `None`.
    ///
    /// # Panics
    /// If the sizes differ.
    #[must_use]
    pub fn new(weight: Tensor<2>, bias: Option<Tensor<1>>) -> Self {
        let [_, output] = weight.dims();
        let bias = bias.map_or_else(|| vec![0.0; output], values);
        assert_eq!(bias.len(), output, "the bias has as many values as the output");
        Self { weight: values(weight), bias }
    }

    /// The number of outputs.
    #[must_use]
    pub fn output_size(&self) -> usize {
        self.bias.len()
    }

    /// Replaces the values of `output` by x W + b.
    pub fn forward(&self, x: &[f32], output: &mut Vec<f32>) {
        output.clear();
        output.extend(&self.bias);
        for (x, row) in x.iter().zip(self.weight.chunks_exact(self.bias.len())) {
            output.iter_mut().zip(row).for_each(|(sum, weight)| *sum += x * weight);
        }
    }
}

fn stepper<C: StreamingCell>(cell: &C) -> Stepper {
    let weights = cell.weights();
    let [_, hidden] = cell.sizes();
    let [w_ih, w_hh] = [weights.w_ih, weights.w_hh].map(values);
    let [bias, bias_hn] = [weights.bias, cell.bias_hn()].map(|bias| bias.map(values));
    let layer = DirectionWeights {
        direction: Direction::Forward,
        w_ih: &w_ih,
        w_hh: &w_hh,
        bias: bias.as_deref(),
        bias_hn: bias_hn.as_deref(),
    };
    Stepper::new(cell.equations(), &layer, hidden)
}

pub(crate) fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().convert::<f32>().try_into_vec().expect("single precision")
}

#[cfg(test)]
mod tests {
    use burn::tensor::Distribution;

    use super::*;
    use crate::{GruConfig, GruState, LstmConfig, LstmState, RecurrentConfig, RnnConfig, RnnState};

    fn streamed<C: StreamingCell>(config: RecurrentConfig<C>) -> Vec<f32> {
        let device = Device::flex();
        let layer = config.with_num_layers(3).init(&device);
        let x = Tensor::<3>::random([1, 20, 4], Distribution::Normal(0.0, 1.0), &device);
        let (_, middle) = layer.forward(x.clone().narrow(1, 0, 9), None);
        let (expected, last) = layer.forward(x.clone().narrow(1, 9, 11), Some(middle.clone()));

        let mut streaming = layer.streaming(Some(middle));
        let steps = values(x.narrow(1, 9, 11));
        let outputs: Vec<f32> = steps.chunks_exact(4).flat_map(|x| streaming.step(x).to_vec()).collect();
        assert_eq!(outputs, values(expected));
        let mut copied = vec![0.0; streaming.state_size()];
        streaming.copy_state(&mut copied);
        let mut restored = layer.streaming(None);
        restored.set_state(&copied);
        assert_eq!(restored.step(&[0.5; 4]), streaming.step(&[0.5; 4]));
        streaming.set_state(&copied);
        let state: C::State<3> = streaming.state(&device);
        for (part, expected) in state.into_parts().into_iter().zip(last.into_parts()) {
            assert_eq!(values(part), values(expected));
        }
        outputs
    }

    #[test]
    fn streaming_equals_the_sequence_bit_for_bit() {
        for outputs in [
            streamed(RnnConfig::new(4, 17)),
            streamed(LstmConfig::new(4, 17)),
            streamed(LstmConfig::new(4, 17).with_cell_clip(Some(0.2))),
            streamed(GruConfig::new(4, 17)),
            streamed(GruConfig::new(4, 17).with_reset_after(false)),
        ] {
            assert!(outputs.iter().any(|value| value.abs() > 0.01));
        }
    }

    #[test]
    fn state_is_of_the_layers_own_type() {
        let device = Device::flex();
        let zeros = |streaming: &StreamingLayer| streaming.state::<RnnState>(&device).hidden.dims();
        assert_eq!(zeros(&RnnConfig::new(2, 3).init(&device).streaming(None)), [1, 1, 3]);
        let lstm: LstmState = LstmConfig::new(2, 3).init(&device).streaming(None).state(&device);
        assert_eq!(lstm.cell.dims(), [1, 1, 3]);
        let gru: GruState = GruConfig::new(2, 3).init(&device).streaming(None).state(&device);
        assert_eq!(gru.hidden.dims(), [1, 1, 3]);
    }

    #[test]
    #[should_panic(expected = "a bidirectional layer cannot run step by step")]
    fn bidirectional_layer_is_refused() {
        let _ = GruConfig::new(2, 3).with_bidirectional(true).init(&Device::flex()).streaming(None);
    }
}
