//! The gated recurrent unit (Cho et al. 2014).

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use recurrent_kernels::{GruGates, GruState, Reset, Scanned, Weights, gru_layer, gru_step};
use serde::{Deserialize, Serialize};

use crate::cell::{GateParams, chrono_bias};
use crate::{Cell, CellOptions, CellShape, Recurrent, RecurrentConfig};

/// A gated recurrent layer; [`gru_step`] has the equations.
///
/// z is the update gate in PyTorch's convention: h' = (1 − z) ⊙ n + z ⊙ h, so a larger z keeps more of the memory.
/// [`RecurrentConfig`] documents the initialization.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use recurrent_models::{GruConfig, State};
///
/// let device = Device::default();
/// let gru = GruConfig::new(3, 4).with_update_bias(1.0).init(&device);
/// let (output, state) = gru.forward(Tensor::ones([2, 5, 3], &device), None);
/// assert_eq!(output.dims(), [2, 5, 4]);
/// assert_eq!(state.last_layer().dims(), [2, 4]);
/// ```
pub type Gru = Recurrent<GruCell>;
/// The configuration of [`Gru`].
pub type GruConfig = RecurrentConfig<GruCell>;

/// One layer of a GRU in one direction.
#[derive(Module, Debug)]
pub struct GruCell {
    /// Weights and biases of the gates `r, z, n`.
    pub gates: GateParams,
    /// The candidate's recurrent bias `[hidden]`, inside the reset product: with reset-after and biases only.
    pub bias_hn: Option<Param<Tensor<1>>>,
    #[module(skip)]
    reset_after: bool,
}

/// The options of a GRU.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct GruOptions {
    /// Whether the reset gate is applied after the recurrent product (PyTorch, cuDNN, Keras) or before it (as
    /// published).
    pub reset_after: bool,
    /// Initial bias of the update gate. A fresh cell keeps σ(`update_bias`) of its state per step, up to its weights:
    /// 0.5 with the default of 0, 0.73 with 1, as an LSTM does with its default forget bias.
    pub update_bias: f64,
    /// The longest dependency, in steps, of chrono initialization; it takes the place of `update_bias`.
    pub chrono_init: Option<usize>,
}

impl Default for GruOptions {
    fn default() -> Self {
        Self { reset_after: true, update_bias: 0.0, chrono_init: None }
    }
}

impl From<&CellOptions> for GruOptions {
    fn from(options: &CellOptions) -> Self {
        let default = Self::default();
        Self {
            reset_after: options.reset_after,
            update_bias: options.retention_bias.unwrap_or(default.update_bias),
            chrono_init: options.chrono_init,
        }
    }
}

impl RecurrentConfig<GruCell> {
    /// Sets whether the reset gate is applied after the recurrent product (the default) or before it.
    pub fn with_reset_after(mut self, reset_after: bool) -> Self {
        self.options.reset_after = reset_after;
        self
    }

    /// Sets the initial bias of the update gate (0 by default). A positive one keeps the memory, as a positive forget
    /// bias does in an LSTM: in PyTorch's convention h' = (1 − z) ⊙ n + z ⊙ h.
    pub fn with_update_bias(mut self, update_bias: f64) -> Self {
        self.options.update_bias = update_bias;
        self
    }

    /// Chrono initialization (Tallec & Ollivier 2018, "Can recurrent neural networks warp time?"): the update gate's
    /// biases start at b_z ~ log(U[1, max_length − 1]), so that the units' memories last from about 1 to `max_length`
    /// steps. (Where z lets the candidate in, as in the paper, the sign is the opposite.)
    ///
    /// `max_length` is the longest dependency in the data, in steps; [`init`](Self::init) panics if it is less than 2, or
    /// if the layer has no biases.
    pub fn with_chrono_init(mut self, max_length: impl Into<Option<usize>>) -> Self {
        self.options.chrono_init = max_length.into();
        self
    }
}

impl GruCell {
    /// Whether the reset gate is applied after the recurrent product.
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
        let gates = match options.chrono_init {
            Some(max_length) => {
                let keep = chrono_bias(max_length, shape, device);
                let zeros = keep.zeros_like();
                GateParams::with_biases(shape, [zeros.clone(), keep, zeros], device)
            }
            None => GateParams::new(shape, [0.0, options.update_bias, 0.0], device),
        };
        let bias_hn =
            (options.reset_after && shape.bias).then(|| Param::from_tensor(Tensor::zeros([shape.hidden], device)));
        Self { gates, bias_hn, reset_after: options.reset_after }
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
