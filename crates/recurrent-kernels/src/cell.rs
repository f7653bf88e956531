//! A cell's equations together with the weights of one direction.

use burn::tensor::Tensor;

#[cfg(any(feature = "cpu", feature = "gpu"))]
use crate::Equations;
use crate::{GruState, LstmState, Nonlinearity, Reset, RnnState, State, Weights, gru_step, lstm_step, rnn_step};

/// A cell with the weights of one direction.
pub(crate) trait Cell {
    /// The recurrent state.
    type State<const D: usize>: State<D>;

    /// Number of gates: the weight matrices have `GATES * hidden` columns.
    const GATES: usize;

    /// The equations, for the fused implementations.
    #[cfg(any(feature = "cpu", feature = "gpu"))]
    fn equations(&self) -> Equations;

    /// The weights.
    fn weights(&self) -> &Weights;

    /// The candidate's recurrent bias `[hidden]` of a reset-after GRU.
    fn bias_hn(&self) -> Option<&Tensor<1>> {
        None
    }

    /// One step from the projected input `[batch, gates * hidden]`.
    fn step(&self, projected: Tensor<2>, state: Self::State<2>) -> Self::State<2>;
}

/// A vanilla RNN.
pub(crate) struct RnnCell {
    pub(crate) weights: Weights,
    pub(crate) nonlinearity: Nonlinearity,
}

impl Cell for RnnCell {
    type State<const D: usize> = RnnState<D>;
    const GATES: usize = 1;

    #[cfg(any(feature = "cpu", feature = "gpu"))]
    fn equations(&self) -> Equations {
        Equations::Rnn(self.nonlinearity)
    }

    fn weights(&self) -> &Weights {
        &self.weights
    }

    fn step(&self, projected: Tensor<2>, state: RnnState<2>) -> RnnState<2> {
        rnn_step(projected, state, &self.weights, self.nonlinearity)
    }
}

/// An LSTM.
pub(crate) struct LstmCell {
    weights: Weights,
    cell_clip: Option<f64>,
}

impl LstmCell {
    pub(crate) fn new(weights: Weights, cell_clip: Option<f64>) -> Self {
        if let Some(clip) = cell_clip {
            assert!(clip > 0.0, "cell_clip must be positive, got {clip}");
        }
        Self { weights, cell_clip }
    }
}

impl Cell for LstmCell {
    type State<const D: usize> = LstmState<D>;
    const GATES: usize = 4;

    #[cfg(any(feature = "cpu", feature = "gpu"))]
    fn equations(&self) -> Equations {
        Equations::Lstm { clip: self.cell_clip.map(|clip| clip as f32) }
    }

    fn weights(&self) -> &Weights {
        &self.weights
    }

    fn step(&self, projected: Tensor<2>, state: LstmState<2>) -> LstmState<2> {
        lstm_step(projected, state, &self.weights, self.cell_clip)
    }
}

/// A GRU.
pub(crate) struct GruCell {
    pub(crate) weights: Weights,
    pub(crate) reset: Reset,
}

impl Cell for GruCell {
    type State<const D: usize> = GruState<D>;
    const GATES: usize = 3;

    #[cfg(any(feature = "cpu", feature = "gpu"))]
    fn equations(&self) -> Equations {
        Equations::Gru { reset_after: matches!(self.reset, Reset::After { .. }) }
    }

    fn weights(&self) -> &Weights {
        &self.weights
    }

    fn bias_hn(&self) -> Option<&Tensor<1>> {
        self.reset.bias_hn()
    }

    fn step(&self, projected: Tensor<2>, state: GruState<2>) -> GruState<2> {
        gru_step(projected, state, &self.weights, &self.reset)
    }
}
