//! The vanilla recurrent layer (Elman 1990).

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use recurrent_kernels::{Nonlinearity, RnnState, Scanned, Weights, rnn_layer, rnn_step};
use serde::{Deserialize, Serialize};

use crate::cell::GateParams;
use crate::{Cell, CellOptions, CellShape, Recurrent, RecurrentConfig};

/// A vanilla recurrent layer: h' = φ(W_ih x + b + W_hh h), with φ = tanh or relu.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use recurrent_models::{Nonlinearity, RnnConfig};
///
/// let device = Device::default();
/// let rnn = RnnConfig::new(3, 4).with_nonlinearity(Nonlinearity::Relu).init(&device);
/// let (output, _state) = rnn.forward(Tensor::ones([2, 5, 3], &device), None);
/// assert_eq!(output.dims(), [2, 5, 4]);
/// ```
pub type Rnn = Recurrent<RnnCell>;
/// The configuration of [`Rnn`].
pub type RnnConfig = RecurrentConfig<RnnCell>;

/// One layer of a vanilla RNN in one direction.
#[derive(Module, Debug)]
pub struct RnnCell {
    /// Weights and bias.
    pub gates: GateParams,
    #[module(skip)]
    nonlinearity: Nonlinearity,
}

/// The options of a vanilla RNN.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct RnnOptions {
    /// The activation φ.
    pub nonlinearity: Nonlinearity,
}

impl From<&CellOptions> for RnnOptions {
    fn from(options: &CellOptions) -> Self {
        Self { nonlinearity: options.nonlinearity }
    }
}

impl RecurrentConfig<RnnCell> {
    /// Sets the activation φ, tanh (the default) or relu.
    pub fn with_nonlinearity(mut self, nonlinearity: Nonlinearity) -> Self {
        self.options.nonlinearity = nonlinearity;
        self
    }
}

impl RnnCell {
    /// The activation φ.
    pub fn nonlinearity(&self) -> Nonlinearity {
        self.nonlinearity
    }
}

impl Cell for RnnCell {
    type State<const D: usize> = RnnState<D>;
    type Options = RnnOptions;
    const NAME: &'static str = "RNN";
    const GATES: usize = 1;

    fn new(shape: &CellShape, options: &RnnOptions, device: &Device) -> Self {
        Self { gates: GateParams::new(shape, [0.0], device), nonlinearity: options.nonlinearity }
    }

    fn weights(&self) -> Weights {
        self.gates.weights()
    }

    fn advance(&self, weights: &Weights, projected: Tensor<2>, state: RnnState<2>) -> RnnState<2> {
        rnn_step(projected, state, weights, self.nonlinearity)
    }

    fn scan(cells: &[&Self], x: Tensor<3>, initial: Option<RnnState>, lengths: Option<&[usize]>) -> Scanned<RnnState> {
        let weights = cells.iter().map(|cell| cell.weights()).collect();
        rnn_layer(x, weights, cells[0].nonlinearity, initial, lengths)
    }
}
