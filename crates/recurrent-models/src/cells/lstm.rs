//! Long short-term memory (Hochreiter & Schmidhuber 1997; forget gate: Gers et al. 2000).

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use recurrent_kernels::{LstmGates, LstmState, Scanned, Weights, lstm_layer, lstm_step};
use serde::{Deserialize, Serialize};

use crate::cell::{GateParams, chrono_bias};
use crate::{Cell, CellOptions, CellShape, Recurrent, RecurrentConfig};

/// A long short-term memory layer; [`lstm_step`] has the equations.
///
/// [`RecurrentConfig`] documents the initialization: orthogonal recurrent weights, Xavier input weights, and a forget
/// bias of 1.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use recurrent_models::{LstmConfig, State};
///
/// let device = Device::default();
/// let lstm = LstmConfig::new(3, 4).with_num_layers(2).with_bidirectional(true).init(&device);
/// let (output, state) = lstm.forward(Tensor::ones([2, 5, 3], &device), None);
/// assert_eq!(output.dims(), [2, 5, 8]);
/// assert_eq!(state.cell.dims(), [4, 2, 4]);
/// assert_eq!(state.last_layer_bidirectional().dims(), [2, 8]);
/// ```
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

/// The options of an LSTM.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct LstmOptions {
    /// Initial bias of the forget gate. A fresh cell keeps σ(`forget_bias`) of its memory per step, up to its weights:
    /// 0.73 with the default of 1 (Gers et al. 2000; Jozefowicz et al. 2015).
    pub forget_bias: f64,
    /// Clips the cell state to ± this value at every step (Sak et al. 2014); no clipping if `None`.
    pub cell_clip: Option<f64>,
    /// The longest dependency, in steps, of chrono initialization; it takes the place of `forget_bias`.
    pub chrono_init: Option<usize>,
}

impl Default for LstmOptions {
    fn default() -> Self {
        Self { forget_bias: 1.0, cell_clip: None, chrono_init: None }
    }
}

impl From<&CellOptions> for LstmOptions {
    fn from(options: &CellOptions) -> Self {
        let default = Self::default();
        Self {
            forget_bias: options.retention_bias.unwrap_or(default.forget_bias),
            cell_clip: options.cell_clip,
            chrono_init: options.chrono_init,
        }
    }
}

impl RecurrentConfig<LstmCell> {
    /// Sets the initial bias of the forget gate (1 by default, as in Keras; PyTorch has none).
    pub fn with_forget_bias(mut self, forget_bias: f64) -> Self {
        self.options.forget_bias = forget_bias;
        self
    }

    /// Clips the cell state to ± this value at every step (no clipping by default). [`init`](Self::init) panics unless
    /// it is positive.
    pub fn with_cell_clip(mut self, cell_clip: Option<f64>) -> Self {
        self.options.cell_clip = cell_clip;
        self
    }

    /// Chrono initialization (Tallec & Ollivier 2018, "Can recurrent neural networks warp time?"): the forget gate's
    /// biases start at b_f ~ log(U[1, max_length − 1]) and the input gate's at b_i = −b_f, so that the units' memories
    /// last from about 1 to `max_length` steps.
    ///
    /// `max_length` is the longest dependency in the data, in steps; [`init`](Self::init) panics if it is less than 2, or
    /// if the layer has no biases.
    pub fn with_chrono_init(mut self, max_length: impl Into<Option<usize>>) -> Self {
        self.options.chrono_init = max_length.into();
        self
    }
}

impl LstmCell {
    /// The bound of the cell state, if it is clipped.
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
        let gates = match options.chrono_init {
            Some(max_length) => {
                let keep = chrono_bias(max_length, shape, device);
                let zeros = keep.zeros_like();
                GateParams::with_biases(shape, [keep.clone().neg(), keep, zeros.clone(), zeros], device)
            }
            None => GateParams::new(shape, [0.0, options.forget_bias, 0.0, 0.0], device),
        };
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
    fn cell_clip_bounds_the_cell_state() {
        let device = Device::flex();
        let config = LstmConfig::new(2, 3).with_forget_bias(5.0);
        let x = Tensor::<3>::ones([1, 20, 2], &device) * 10;
        let largest = |config: &LstmConfig| -> f32 {
            device.seed(1);
            let (_, state) = config.init(&device).forward(x.clone(), None);
            state.cell.abs().max().into_scalar()
        };
        assert!(largest(&config) > 1.0);
        assert_eq!(largest(&config.clone().with_cell_clip(Some(0.5))), 0.5);
    }

    #[test]
    fn missing_options_have_their_defaults() {
        let options = LstmOptions { forget_bias: 2.0, ..LstmOptions::default() };
        assert_eq!(serde_json::from_str::<LstmOptions>(r#"{"forget_bias": 2.0}"#).unwrap(), options);
    }

    #[test]
    #[should_panic(expected = "cell_clip must be positive, got -1")]
    fn negative_cell_clip_is_refused() {
        let _ = LstmConfig::new(2, 3).with_cell_clip(Some(-1.0)).init(&Device::flex());
    }
}
