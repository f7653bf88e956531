//! Long short-term memory (Hochreiter & Schmidhuber 1997; forget gate: Gers et al. 2000).

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use recurrent_kernels::{LstmState, Scan, Scanned, Weights, lstm_scan, lstm_step};
use serde::{Deserialize, Serialize};

use crate::cell::GateParams;
use crate::{Cell, CellShape, Recurrent, RecurrentConfig};

/// A long short-term memory layer; [`lstm_step`] has the equations.
pub type Lstm = Recurrent<LstmCell>;
/// The configuration of [`Lstm`].
pub type LstmConfig = RecurrentConfig<LstmCell>;

/// One layer of an LSTM in one direction.
#[derive(Module, Debug)]
pub struct LstmCell {
    /// Weights and biases of the gates `i, f, g, o`.
    pub gates: GateParams,
}

/// What can be chosen for an LSTM.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LstmOptions {
    /// Where the forget gate's bias starts. At 1 a fresh cell remembers (Gers et al. 2000, Jozefowicz et al. 2015).
    pub forget_bias: f64,
}

impl Default for LstmOptions {
    fn default() -> Self {
        Self { forget_bias: 1.0 }
    }
}

impl RecurrentConfig<LstmCell> {
    /// Chooses where the forget gate's bias starts (the default is 1).
    pub fn with_forget_bias(mut self, forget_bias: f64) -> Self {
        self.options.forget_bias = forget_bias;
        self
    }
}

impl Cell for LstmCell {
    type State<const D: usize> = LstmState<D>;
    type Options = LstmOptions;
    const NAME: &'static str = "LSTM";
    const GATES: usize = 4;

    fn new(shape: &CellShape, options: &LstmOptions, device: &Device) -> Self {
        Self { gates: GateParams::new(shape, [0.0, options.forget_bias, 0.0, 0.0], device) }
    }

    fn weights(&self) -> Weights {
        self.gates.weights()
    }

    fn advance(&self, weights: &Weights, projected: Tensor<2>, state: LstmState<2>) -> LstmState<2> {
        lstm_step(projected, state, weights)
    }

    fn scan(&self, x: Tensor<3>, initial: LstmState<2>, scan: &Scan) -> Scanned<LstmState<2>> {
        lstm_scan(x, self.weights(), initial, scan)
    }
}
