//! A trained layer on a live signal: one row, one step at a time, on a CPU.

use burn::tensor::{Device, Tensor, TensorData};
use recurrent_kernels::cpu::{DirectionWeights, Equations, Stepper};

use crate::cells::gru::GruCell;
use crate::cells::lstm::LstmCell;
use crate::cells::rnn::RnnCell;
use crate::{Cell, Direction, Recurrent, State};

/// A cell that the CPU's kernels know.
pub trait StreamCell: Cell {
    /// What a step computes.
    fn equations(&self) -> Equations;

    /// The candidate's recurrent bias `[hidden]`, of a GRU with the reset gate after the product.
    fn bias_hn(&self) -> Option<Tensor<1>> {
        None
    }
}

impl StreamCell for RnnCell {
    fn equations(&self) -> Equations {
        Equations::Rnn(self.nonlinearity())
    }
}

impl StreamCell for LstmCell {
    #[allow(clippy::cast_possible_truncation, reason = "a bound needs no more digits than what it bounds")]
    fn equations(&self) -> Equations {
        Equations::Lstm { clip: self.cell_clip().map(|clip| clip as f32) }
    }
}

impl StreamCell for GruCell {
    fn equations(&self) -> Equations {
        Equations::Gru { reset_after: self.reset_after() }
    }

    fn bias_hn(&self) -> Option<Tensor<1>> {
        self.bias_hn.as_ref().map(|bias| bias.val())
    }
}

/// A stack of layers that goes over a single row step by step, with its own copy of the weights in single precision.
///
/// A step takes numbers and gives numbers: no tensor is made, and no memory is taken. It gives, bit for bit, what
/// [`Recurrent::forward`] gives for a batch of one row on a CPU. Made by [`Recurrent::stream`], from a layer on any device.
///
/// ```
/// use burn::tensor::Device;
/// use recurrent_models::LstmConfig;
///
/// let layer = LstmConfig::new(3, 8).with_num_layers(2).init(&Device::default());
/// let mut stream = layer.stream(None);
/// for sample in [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]] {
///     let output = stream.step(&sample);
///     assert_eq!(output.len(), 8);
/// }
/// ```
#[derive(Debug)]
pub struct Stream {
    /// From the bottom to the top.
    layers: Vec<Stepper>,
}

impl<C: StreamCell> Recurrent<C> {
    /// Takes the weights into a [`Stream`] that goes on from `state`, `[layers, 1, hidden]`; from zeros if `None`.
    ///
    /// # Panics
    /// If the layer is bidirectional (the reverse direction has to see the end first), or the state has another shape.
    pub fn stream(&self, state: Option<C::State<3>>) -> Stream {
        assert_eq!(
            self.directions(),
            1,
            "a bidirectional layer cannot go step by step: the reverse direction starts at the end"
        );
        let mut layers: Vec<Stepper> = self.layers.iter().map(|layer| stepper(&layer.forward)).collect();
        if let Some(state) = state {
            let expected = [layers.len(), 1, self.hidden_size()];
            for (index, part) in state.into_parts().into_iter().enumerate() {
                let shape = part.dims();
                assert_eq!(shape, expected, "the state is [layers, 1, hidden] = {expected:?}, got {shape:?}");
                let numbers = numbers(part);
                for (layer, row) in layers.iter_mut().zip(numbers.chunks_exact(self.hidden_size())) {
                    let to = if index == 0 { layer.hidden_mut() } else { layer.cell_mut() };
                    to.copy_from_slice(row);
                }
            }
        }
        Stream { layers }
    }
}

impl Stream {
    /// Takes one step with the input `x [input]`, and gives the top layer's output `[hidden]`.
    ///
    /// # Panics
    /// If `x` has another size.
    pub fn step(&mut self, x: &[f32]) -> &[f32] {
        for index in 0..self.layers.len() {
            let (below, layer) = self.layers.split_at_mut(index);
            layer[0].step(below.last().map_or(x, Stepper::hidden));
        }
        self.layers.last().map_or(&[], Stepper::hidden)
    }

    /// The state after the last step, `[layers, 1, hidden]`, for the layer that the stream was made from.
    pub fn state<S: State<3>>(&self, device: &Device) -> S {
        let part = |of: fn(&Stepper) -> &[f32]| {
            let numbers: Vec<f32> = self.layers.iter().flat_map(of).copied().collect();
            let hidden = numbers.len() / self.layers.len();
            Tensor::from_data(TensorData::new(numbers, [self.layers.len(), 1, hidden]), device)
        };
        S::from_parts([part(Stepper::hidden), part(Stepper::cell)].into_iter().take(S::PARTS).collect())
    }
}

fn stepper<C: StreamCell>(cell: &C) -> Stepper {
    let weights = cell.weights();
    let [_, hidden] = cell.sizes();
    let [w_ih, w_hh] = [weights.w_ih, weights.w_hh].map(numbers);
    let [bias, bias_hn] = [weights.bias, cell.bias_hn()].map(|bias| bias.map(numbers));
    let layer = DirectionWeights {
        direction: Direction::Forward,
        w_ih: &w_ih,
        w_hh: &w_hh,
        bias: bias.as_deref(),
        bias_hn: bias_hn.as_deref(),
    };
    Stepper::new(cell.equations(), &layer, hidden)
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().convert::<f32>().try_into_vec().expect("numbers of single precision")
}

#[cfg(test)]
mod tests {
    use burn::tensor::Distribution;

    use super::*;
    use crate::{GruConfig, GruState, LstmConfig, LstmState, RecurrentConfig, RnnConfig, RnnState};

    fn goes_on_as_the_sequence_does<C: StreamCell>(config: RecurrentConfig<C>) -> Vec<f32> {
        let device = Device::flex();
        let layer = config.with_num_layers(3).init(&device);
        let x = Tensor::<3>::random([1, 20, 4], Distribution::Normal(0.0, 1.0), &device);
        let (_, middle) = layer.forward(x.clone().narrow(1, 0, 9), None, None);
        let (expected, last) = layer.forward(x.clone().narrow(1, 9, 11), Some(middle.clone()), None);

        let mut stream = layer.stream(Some(middle));
        let steps = numbers(x.narrow(1, 9, 11));
        let got: Vec<f32> = steps.chunks_exact(4).flat_map(|x| stream.step(x).to_vec()).collect();
        assert_eq!(got, numbers(expected));
        let state: C::State<3> = stream.state(&device);
        for (got, expected) in state.into_parts().into_iter().zip(last.into_parts()) {
            assert_eq!(numbers(got), numbers(expected));
        }
        got
    }

    #[test]
    fn a_stream_gives_the_bits_of_the_sequence() {
        for outputs in [
            goes_on_as_the_sequence_does(RnnConfig::new(4, 17)),
            goes_on_as_the_sequence_does(LstmConfig::new(4, 17)),
            goes_on_as_the_sequence_does(LstmConfig::new(4, 17).with_cell_clip(Some(0.2))),
            goes_on_as_the_sequence_does(GruConfig::new(4, 17)),
            goes_on_as_the_sequence_does(GruConfig::new(4, 17).with_reset_after(false)),
        ] {
            assert!(outputs.iter().any(|value| value.abs() > 0.01));
        }
    }

    #[test]
    fn a_state_is_of_the_layers_own_kind() {
        let device = Device::flex();
        let zeros = |stream: &Stream| stream.state::<RnnState>(&device).hidden.dims();
        assert_eq!(zeros(&RnnConfig::new(2, 3).init(&device).stream(None)), [1, 1, 3]);
        let lstm: LstmState = LstmConfig::new(2, 3).init(&device).stream(None).state(&device);
        assert_eq!(lstm.cell.dims(), [1, 1, 3]);
        let gru: GruState = GruConfig::new(2, 3).init(&device).stream(None).state(&device);
        assert_eq!(gru.hidden.dims(), [1, 1, 3]);
    }

    #[test]
    #[should_panic(expected = "a bidirectional layer cannot go step by step")]
    fn two_directions_are_refused() {
        GruConfig::new(2, 3).with_bidirectional(true).init(&Device::flex()).stream(None);
    }
}
