//! Gate activations of recurrent layers over time.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use recurrent::models::LstmConfig;
//! use recurrent_study::gates::GateProbe;
//!
//! let device = Device::default();
//! let lstm = LstmConfig::new(2, 5).init(&device);
//! let activations = lstm.gate_activations(Tensor::zeros([1, 7, 2], &device), 0);
//!
//! assert_eq!(activations.names, ["input", "forget", "candidate", "output"]);
//! // [unit][step]. The forget bias of 1 opens the forget gates of a new LSTM: σ(1) = 0.73.
//! let forget = activations.gate("forget").expect("a forget gate");
//! assert_eq!((forget.len(), forget[0].len()), (5, 7));
//! assert!(forget.iter().flatten().all(|f| (f - 0.731).abs() < 1e-3));
//! ```

use burn::tensor::Tensor;
use recurrent::models::{AnyRecurrent, Cell, Recurrent, State};

/// The gate activations of one layer for one sequence.
#[derive(Debug, Clone, PartialEq)]
pub struct GateActivations {
    /// The names of the gates; empty for a vanilla RNN.
    pub names: &'static [&'static str],
    /// `values[gate][unit][step]`: from −1 to 1 for the candidate, from 0 (closed) to 1 (open) for other gates.
    pub values: Vec<Vec<Vec<f32>>>,
    /// `hidden[unit][step]`: the hidden states.
    pub hidden: Vec<Vec<f32>>,
}

impl GateActivations {
    /// The activations of a gate, `[unit][step]`.
    pub fn gate(&self, name: &str) -> Option<&[Vec<f32>]> {
        let index = self.names.iter().position(|other| *other == name)?;
        Some(&self.values[index])
    }
}

/// Layers whose gate activations can be observed.
pub trait GateProbe {
    /// The gate activations of layer `layer`, the bottom one being 0, for one sequence `x [1, time, input]` from a zero
    /// state. Of a bidirectional layer, the forward direction is observed; dropout is not applied.
    ///
    /// # Panics
    /// If there is no such layer, or `x` has more than one row, no step or another number of features than the layers
    /// take.
    fn gate_activations(&self, x: Tensor<3>, layer: usize) -> GateActivations;
}

impl<C: Cell> GateProbe for Recurrent<C> {
    fn gate_activations(&self, x: Tensor<3>, layer: usize) -> GateActivations {
        let [batch, time, input] = x.dims();
        assert!(layer < self.layers.len(), "expected a layer below {}, got {layer}", self.layers.len());
        assert!(batch == 1 && time > 0, "expected one sequence of at least one time step, got x {:?}", x.dims());
        assert_eq!(input, self.input_size(), "expected {} input features, got {input}", self.input_size());
        let lower = &self.layers[..layer];
        let x = lower.iter().fold(x.without_autodiff(), |x, layer| layer.scan(x, None, None).output);
        activations(&self.layers[layer].forward, x)
    }
}

impl GateProbe for AnyRecurrent {
    fn gate_activations(&self, x: Tensor<3>, layer: usize) -> GateActivations {
        match self {
            Self::Rnn(layers) => layers.gate_activations(x, layer),
            Self::Lstm(layers) => layers.gate_activations(x, layer),
            Self::Gru(layers) => layers.gate_activations(x, layer),
        }
    }
}

/// The gate activations of one cell over one sequence, `x [1, time, input]`.
fn activations<C: Cell>(cell: &C, x: Tensor<3>) -> GateActivations {
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
    GateActivations {
        names: C::GATE_NAMES,
        values: gates.into_iter().map(units_over_time).collect(),
        hidden: units_over_time(hidden),
    }
}

/// Steps `[1, hidden]` as `[unit][step]`.
fn units_over_time(steps: Vec<Tensor<2>>) -> Vec<Vec<f32>> {
    let time = steps.len();
    let values: Vec<f32> = Tensor::cat(steps, 0).transpose().into_data().iter().collect();
    values.chunks_exact(time).map(<[f32]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Distribution};
    use recurrent::models::{AnyRecurrentConfig, CellKind, GruConfig, LstmConfig, RecurrentConfig};

    use super::*;
    use crate::seed_lock::lock_seed;

    /// The activations of the second of two layers, and the output of the layers, `[unit][step]`.
    fn activations_and_output<C: Cell>(config: RecurrentConfig<C>) -> (GateActivations, Vec<Vec<f32>>) {
        let device = Device::flex();
        device.seed(3);
        let layers = config.with_num_layers(2).init(&device);
        let x = Tensor::<3>::random([1, 9, 2], Distribution::Normal(0.0, 2.0), &device);
        let (output, _) = layers.forward(x.clone(), None);
        let steps = (0..9).map(|t| output.clone().narrow(1, t, 1).squeeze_dim(1)).collect();
        (layers.gate_activations(x, 1), units_over_time(steps))
    }

    fn assert_close(ours: f32, theirs: f32) {
        assert!((ours - theirs).abs() < 1e-5, "{ours} is not {theirs}");
    }

    #[test]
    fn lstm_output_follows_from_its_gates() {
        let _seed = lock_seed();
        let (activations, output) = activations_and_output(LstmConfig::new(2, 4));
        let gate = |name| activations.gate(name).expect("a gate");
        let (i, f, g, o) = (gate("input"), gate("forget"), gate("candidate"), gate("output"));
        for unit in 0..4 {
            let mut cell = 0.0;
            for step in 0..9 {
                cell = f[unit][step] * cell + i[unit][step] * g[unit][step];
                assert_close(o[unit][step] * cell.tanh(), output[unit][step]);
                assert_close(activations.hidden[unit][step], output[unit][step]);
            }
        }
    }

    #[test]
    fn gru_output_follows_from_its_gates() {
        let _seed = lock_seed();
        for reset_after in [true, false] {
            let (activations, output) = activations_and_output(GruConfig::new(2, 4).with_reset_after(reset_after));
            let gate = |name| activations.gate(name).expect("a gate");
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
    fn every_cell_has_activations_when_bidirectional_and_under_autodiff() {
        let _seed = lock_seed();
        for (cell, gates) in CellKind::ALL.into_iter().zip([0, 4, 3]) {
            let device = Device::flex().autodiff();
            let layers = AnyRecurrentConfig::new(cell, 2, 3).with_num_layers(2).with_bidirectional(true).init(&device);
            let activations = layers.gate_activations(Tensor::ones([1, 5, 2], &device), 1);
            assert_eq!((activations.names.len(), activations.values.len()), (gates, gates), "{cell:?}");
            assert_eq!((activations.hidden.len(), activations.hidden[0].len()), (3, 5), "{cell:?}");
        }
    }

    #[test]
    #[should_panic(expected = "expected one sequence of at least one time step, got x [2, 5, 2]")]
    fn two_sequences_panic() {
        let _seed = lock_seed();
        let device = Device::flex();
        CellKind::Lstm.init(2, 3, &device).gate_activations(Tensor::ones([2, 5, 2], &device), 0);
    }
}
