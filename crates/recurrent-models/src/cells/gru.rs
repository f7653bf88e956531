//! The gated recurrent unit (Cho et al. 2014).

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use recurrent_kernels::{GruGates, GruState, Reset, Scanned, Weights, gru_layer, gru_step};
use serde::{Deserialize, Serialize};

use crate::cell::GateParams;
use crate::{Cell, CellShape, Recurrent, RecurrentConfig};

/// A gated recurrent layer; [`gru_step`] has the equations.
pub type Gru = Recurrent<GruCell>;
/// The configuration of [`Gru`].
pub type GruConfig = RecurrentConfig<GruCell>;

/// One layer of a GRU in one direction.
#[derive(Module, Debug)]
pub struct GruCell {
    /// Weights and biases of the gates `r, z, n`.
    pub gates: GateParams,
    /// The candidate's recurrent bias `[hidden]`, which lies inside the reset: there with reset-after and biases.
    pub bias_hn: Option<Param<Tensor<1>>>,
    #[module(skip)]
    reset_after: bool,
}

/// What can be chosen for a GRU.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GruOptions {
    /// Whether the reset gate works after the recurrent product (PyTorch, cuDNN, Keras) or before it (as published).
    pub reset_after: bool,
}

impl Default for GruOptions {
    fn default() -> Self {
        Self { reset_after: true }
    }
}

impl RecurrentConfig<GruCell> {
    /// Chooses whether the reset gate works after the recurrent product (the default) or before it.
    pub fn with_reset_after(mut self, reset_after: bool) -> Self {
        self.options.reset_after = reset_after;
        self
    }
}

impl GruCell {
    /// Whether the reset gate works after the recurrent product.
    pub fn reset_after(&self) -> bool {
        self.reset_after
    }

    fn reset(&self) -> Reset {
        if self.reset_after { Reset::After { bias_hn: self.bias_hn.as_ref().map(Param::val) } } else { Reset::Before }
    }
}

impl Cell for GruCell {
    type State<const D: usize> = GruState<D>;
    type Options = GruOptions;
    const NAME: &'static str = "GRU";
    const GATES: usize = 3;
    const GATE_NAMES: &'static [&'static str] = &["reset", "update", "candidate"];

    fn new(shape: &CellShape, options: &GruOptions, device: &Device) -> Self {
        let bias_hn =
            (options.reset_after && shape.bias).then(|| Param::from_tensor(Tensor::zeros([shape.hidden], device)));
        Self { gates: GateParams::new(shape, [0.0; 3], device), bias_hn, reset_after: options.reset_after }
    }

    fn weights(&self) -> Weights {
        self.gates.weights()
    }

    fn advance(&self, weights: &Weights, projected: Tensor<2>, state: GruState<2>) -> GruState<2> {
        gru_step(projected, state, weights, &self.reset())
    }

    fn gate_values(&self, weights: &Weights, projected: Tensor<2>, state: GruState<2>) -> Vec<Tensor<2>> {
        let GruGates { reset, update, candidate } = GruGates::new(projected, state.hidden, weights, &self.reset());
        vec![reset, update, candidate]
    }

    fn scan(cells: &[&Self], x: Tensor<3>, initial: Option<GruState>, lengths: Option<&[usize]>) -> Scanned<GruState> {
        let directions = cells.iter().map(|cell| (cell.weights(), cell.reset())).collect();
        gru_layer(x, directions, initial, lengths)
    }
}
