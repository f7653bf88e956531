//! Long short-term memory (Hochreiter & Schmidhuber 1997; forget gate: Gers et al. 2000).

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use recurrent_kernels::{LstmGates, LstmState, Scanned, Weights, lstm_layer, lstm_step};
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
    #[module(skip)]
    cell_clip: Option<f64>,
}

/// What can be chosen for an LSTM.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LstmOptions {
    /// Where the forget gate's bias starts. At 1 a fresh cell remembers (Gers et al. 2000, Jozefowicz et al. 2015).
    pub forget_bias: f64,
    /// Holds the cell state within ± this number, for long sequences (Sak et al. 2014); free if `None`.
    #[serde(default)]
    pub cell_clip: Option<f64>,
}

impl Default for LstmOptions {
    fn default() -> Self {
        Self { forget_bias: 1.0, cell_clip: None }
    }
}

impl RecurrentConfig<LstmCell> {
    /// Chooses where the forget gate's bias starts (the default is 1).
    pub fn with_forget_bias(mut self, forget_bias: f64) -> Self {
        self.options.forget_bias = forget_bias;
        self
    }

    /// Chooses within which ± number the cell state is held (the default is none).
    pub fn with_cell_clip(mut self, cell_clip: Option<f64>) -> Self {
        self.options.cell_clip = cell_clip;
        self
    }
}

impl LstmCell {
    /// Where the cell state is held, if anywhere.
    pub fn cell_clip(&self) -> Option<f64> {
        self.cell_clip
    }
}

impl Cell for LstmCell {
    type State<const D: usize> = LstmState<D>;
    type Options = LstmOptions;
    const NAME: &'static str = "LSTM";
    const GATES: usize = 4;
    const GATE_NAMES: &'static [&'static str] = &["input", "forget", "candidate", "output"];

    fn new(shape: &CellShape, options: &LstmOptions, device: &Device) -> Self {
        if let Some(clip) = options.cell_clip {
            assert!(clip > 0.0, "cell_clip must be positive, got {clip}");
        }
        let gates = GateParams::new(shape, [0.0, options.forget_bias, 0.0, 0.0], device);
        Self { gates, cell_clip: options.cell_clip }
    }

    fn weights(&self) -> Weights {
        self.gates.weights()
    }

    fn advance(&self, weights: &Weights, projected: Tensor<2>, state: LstmState<2>) -> LstmState<2> {
        lstm_step(projected, state, weights, self.cell_clip)
    }

    fn gate_values(&self, weights: &Weights, projected: Tensor<2>, state: LstmState<2>) -> Vec<Tensor<2>> {
        let LstmGates { input, forget, candidate, output } = LstmGates::new(projected, state.hidden, weights);
        vec![input, forget, candidate, output]
    }

    fn scan(
        cells: &[&Self],
        x: Tensor<3>,
        initial: Option<LstmState>,
        lengths: Option<&[usize]>,
    ) -> Scanned<LstmState> {
        let weights = cells.iter().map(|cell| cell.weights()).collect();
        lstm_layer(x, weights, cells[0].cell_clip, initial, lengths)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_clip_holds_the_cell_state() {
        let device = Device::flex();
        let config = LstmConfig::new(2, 3).with_forget_bias(5.0);
        let x = Tensor::<3>::ones([1, 20, 2], &device) * 10;
        let largest = |config: &LstmConfig| -> f32 {
            device.seed(1);
            let (_, state) = config.init(&device).forward(x.clone(), None, None);
            state.cell.abs().max().into_scalar()
        };
        assert!(largest(&config) > 1.0);
        assert_eq!(largest(&config.clone().with_cell_clip(Some(0.5))), 0.5);
    }

    #[test]
    fn options_from_before_the_cell_clip_are_read() {
        let options = LstmOptions { forget_bias: 2.0, cell_clip: None };
        assert_eq!(serde_json::from_str::<LstmOptions>(r#"{"forget_bias": 2.0}"#).unwrap(), options);
    }

    #[test]
    #[should_panic(expected = "cell_clip must be positive, got -1")]
    fn a_negative_cell_clip_is_refused() {
        LstmConfig::new(2, 3).with_cell_clip(Some(-1.0)).init(&Device::flex());
    }
}
