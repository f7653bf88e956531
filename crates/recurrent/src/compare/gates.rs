//! The gates of a layer over time.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use recurrent::compare::gates::GateProbe;
//! use recurrent::models::LstmConfig;
//!
//! let device = Device::default();
//! let trace = LstmConfig::new(2, 5).init(&device).gate_trace(Tensor::zeros([1, 7, 2], &device), 0);
//!
//! assert_eq!(trace.names, ["input", "forget", "candidate", "output"]);
//! // One row a unit, one number a step. A fresh LSTM remembers: the bias holds its forget gates open, at σ(1) = 0.73.
//! assert_eq!((trace.values[1].len(), trace.values[1][0].len()), (5, 7));
//! assert!(trace.gate("forget").expect("a forget gate").iter().flatten().all(|f| (f - 0.731).abs() < 1e-3));
//! ```

use burn::tensor::Tensor;
use recurrent_models::{AnyRecurrent, Cell, Recurrent, State};

/// What the gates of one layer came to at every step of one sequence.
#[derive(Debug, Clone, PartialEq)]
pub struct GateTrace {
    /// The gates' names; there are none of a vanilla RNN.
    pub names: &'static [&'static str],
    /// `values[gate][unit][step]`: a candidate lies between −1 and 1, all other gates between 0 (shut) and 1 (open).
    pub values: Vec<Vec<Vec<f32>>>,
    /// `hidden[unit][step]`: the layer's output.
    pub hidden: Vec<Vec<f32>>,
}

impl GateTrace {
    /// A gate by its name, `[unit][step]`.
    pub fn gate(&self, name: &str) -> Option<&[Vec<f32>]> {
        let index = self.names.iter().position(|other| *other == name)?;
        Some(&self.values[index])
    }
}

/// Layers whose gates can be looked at.
pub trait GateProbe {
    /// Follows the gates of a layer, the bottom one being 0, over one sequence `x [1, time, input]`, from a state of
    /// zeros. Of a layer with two directions it is the forward one; dropout is left out.
    ///
    /// # Panics
    /// If there is no such layer, or `x` has more than one row, no step or a wrong width.
    fn gate_trace(&self, x: Tensor<3>, layer: usize) -> GateTrace;
}

impl<C: Cell> GateProbe for Recurrent<C> {
    fn gate_trace(&self, x: Tensor<3>, layer: usize) -> GateTrace {
        let [batch, time, input] = x.dims();
        assert!(layer < self.layers.len(), "there are {} layers, got layer {layer}", self.layers.len());
        assert!(batch == 1 && time > 0, "one sequence of at least one step is followed, got x {:?}", x.dims());
        assert_eq!(input, self.input_size(), "the layer takes {} input features, got {input}", self.input_size());
        let below = &self.layers[..layer];
        let x = below.iter().fold(x.without_autodiff(), |x, layer| layer.scan(x, None, None).output);
        follow(&self.layers[layer].forward, x)
    }
}

impl GateProbe for AnyRecurrent {
    fn gate_trace(&self, x: Tensor<3>, layer: usize) -> GateTrace {
        match self {
            Self::Rnn(layers) => layers.gate_trace(x, layer),
            Self::Lstm(layers) => layers.gate_trace(x, layer),
            Self::Gru(layers) => layers.gate_trace(x, layer),
        }
    }
}

/// One cell over one sequence, `x [1, time, input]`.
fn follow<C: Cell>(cell: &C, x: Tensor<3>) -> GateTrace {
    let cell = cell.valid();
    let weights = cell.weights();
    let mut state = C::State::zeros([1, cell.sizes()[1]], (&x.device(), x.dtype()));
    let mut gates = vec![Vec::new(); C::GATE_NAMES.len()];
    let mut hidden = Vec::new();
    for projected in weights.project_steps(x.without_autodiff()) {
        let values = cell.gate_values(&weights, projected.clone(), state.clone());
        gates.iter_mut().zip(values).for_each(|(steps, value)| steps.push(value));
        state = cell.advance(&weights, projected, state);
        hidden.push(state.hidden());
    }
    GateTrace {
        names: C::GATE_NAMES,
        values: gates.into_iter().map(units_over_time).collect(),
        hidden: units_over_time(hidden),
    }
}

/// Steps `[1, hidden]` as one row of numbers a unit.
fn units_over_time(steps: Vec<Tensor<2>>) -> Vec<Vec<f32>> {
    let time = steps.len();
    let numbers: Vec<f32> = Tensor::cat(steps, 0).transpose().into_data().iter().collect();
    numbers.chunks_exact(time).map(<[f32]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Distribution};
    use recurrent_models::{AnyRecurrentConfig, CellKind, GruConfig, LstmConfig, RecurrentConfig};

    use super::*;

    /// A trace of the second of two layers beside the layer's own output, `[unit][step]`.
    fn traced<C: Cell>(config: RecurrentConfig<C>) -> (GateTrace, Vec<Vec<f32>>) {
        let device = Device::flex();
        device.seed(3);
        let layers = config.with_num_layers(2).init(&device);
        let x = Tensor::<3>::random([1, 9, 2], Distribution::Normal(0.0, 2.0), &device);
        let (output, _) = layers.forward(x.clone(), None);
        let steps = (0..9).map(|t| output.clone().narrow(1, t, 1).squeeze_dim(1)).collect();
        (layers.gate_trace(x, 1), units_over_time(steps))
    }

    fn assert_close(ours: f32, theirs: f32) {
        assert!((ours - theirs).abs() < 1e-5, "{ours} is not {theirs}");
    }

    #[test]
    fn the_gates_of_an_lstm_make_its_output() {
        let (trace, output) = traced(LstmConfig::new(2, 4));
        let gate = |name| trace.gate(name).expect("a gate");
        let (i, f, g, o) = (gate("input"), gate("forget"), gate("candidate"), gate("output"));
        for unit in 0..4 {
            let mut cell = 0.0;
            for step in 0..9 {
                cell = f[unit][step] * cell + i[unit][step] * g[unit][step];
                assert_close(o[unit][step] * cell.tanh(), output[unit][step]);
                assert_close(trace.hidden[unit][step], output[unit][step]);
            }
        }
    }

    #[test]
    fn the_gates_of_a_gru_make_its_output() {
        for reset_after in [true, false] {
            let (trace, output) = traced(GruConfig::new(2, 4).with_reset_after(reset_after));
            let gate = |name| trace.gate(name).expect("a gate");
            let (z, n) = (gate("update"), gate("candidate"));
            for unit in 0..4 {
                let mut hidden = 0.0;
                for step in 0..9 {
                    hidden = (1.0 - z[unit][step]) * n[unit][step] + z[unit][step] * hidden;
                    assert_close(hidden, output[unit][step]);
                }
            }
            assert!(gate("reset").iter().flatten().all(|r| (0.0..=1.0).contains(r)));
        }
    }

    #[test]
    fn every_kind_of_layer_has_a_trace_in_both_directions_and_under_autodiff() {
        for (kind, gates) in CellKind::ALL.into_iter().zip([0, 4, 3]) {
            let device = Device::flex().autodiff();
            let layers = AnyRecurrentConfig::new(kind, 2, 3).with_num_layers(2).with_bidirectional(true).init(&device);
            let trace = layers.gate_trace(Tensor::ones([1, 5, 2], &device), 1);
            assert_eq!((trace.names.len(), trace.values.len()), (gates, gates), "{kind:?}");
            assert_eq!((trace.hidden.len(), trace.hidden[0].len()), (3, 5), "{kind:?}");
        }
    }

    #[test]
    #[should_panic(expected = "one sequence of at least one step is followed, got x [2, 5, 2]")]
    fn two_sequences_are_refused() {
        let device = Device::flex();
        CellKind::Lstm.init(2, 3, &device).gate_trace(Tensor::ones([2, 5, 2], &device), 0);
    }
}
