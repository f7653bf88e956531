//! The options of all cells in one place.

use burn::module::Initializer;
use recurrent_kernels::Nonlinearity;
use serde::{Deserialize, Serialize};

use crate::{Cell, RecurrentConfig};

/// The options of the cells, for programs that choose the cell at run time ([`CellKind`](crate::CellKind)). An option
/// that the chosen cell does not have is ignored, so that one set of options can serve all of them.
///
/// The defaults are those of [`RecurrentConfig`], which documents the initialization.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[must_use = "options do nothing until a configuration takes them"]
#[non_exhaustive]
pub struct CellOptions {
    /// Whether the gates have biases.
    pub bias: bool,
    /// RNN: the activation, tanh or relu.
    pub nonlinearity: Nonlinearity,
    /// GRU: whether the reset gate is applied after the recurrent product (PyTorch, cuDNN, Keras) or before it (as
    /// published).
    pub reset_after: bool,
    /// LSTM: clips the cell state to ± this value at every step.
    pub cell_clip: Option<f64>,
    /// LSTM and GRU: initial bias of the gate that keeps the memory, an LSTM's forget gate or a GRU's update gate (in
    /// PyTorch's convention). `None` is the cell's own default, 1 for an LSTM and 0 for a GRU.
    pub retention_bias: Option<f64>,
    /// LSTM and GRU: the longest dependency, in steps, of chrono initialization (Tallec & Ollivier 2018); it takes the
    /// place of `retention_bias`.
    pub chrono_init: Option<usize>,
    /// Initializer of each gate's input matrix.
    pub input_initializer: Initializer,
    /// Initializer of each gate's recurrent matrix.
    pub recurrent_initializer: Initializer,
}

impl Default for CellOptions {
    fn default() -> Self {
        Self {
            bias: true,
            nonlinearity: Nonlinearity::Tanh,
            reset_after: true,
            cell_clip: None,
            retention_bias: None,
            chrono_init: None,
            input_initializer: Initializer::XavierUniform { gain: 1.0 },
            recurrent_initializer: Initializer::Orthogonal { gain: 1.0 },
        }
    }
}

impl CellOptions {
    /// The default options of every cell.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets whether the gates have biases.
    pub fn with_bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }

    /// Sets the activation of an RNN.
    pub fn with_nonlinearity(mut self, nonlinearity: Nonlinearity) -> Self {
        self.nonlinearity = nonlinearity;
        self
    }

    /// Sets whether a GRU's reset gate is applied after the recurrent product or before it.
    pub fn with_reset_after(mut self, reset_after: bool) -> Self {
        self.reset_after = reset_after;
        self
    }

    /// Clips an LSTM's cell state to ± this value.
    pub fn with_cell_clip(mut self, cell_clip: Option<f64>) -> Self {
        self.cell_clip = cell_clip;
        self
    }

    /// Sets the initial bias of the gate that keeps the memory: an LSTM's forget gate, a GRU's update gate. With the same
    /// value, fresh LSTM and GRU cells start with the same retention, σ(`retention_bias`) per step.
    pub fn with_retention_bias(mut self, retention_bias: impl Into<Option<f64>>) -> Self {
        self.retention_bias = retention_bias.into();
        self
    }

    /// Sets chrono initialization (Tallec & Ollivier 2018) for dependencies of up to `max_length` steps.
    pub fn with_chrono_init(mut self, max_length: impl Into<Option<usize>>) -> Self {
        self.chrono_init = max_length.into();
        self
    }

    /// Sets the initializer of input matrices.
    pub fn with_input_initializer(mut self, initializer: Initializer) -> Self {
        self.input_initializer = initializer;
        self
    }

    /// Sets the initializer of recurrent matrices.
    pub fn with_recurrent_initializer(mut self, initializer: Initializer) -> Self {
        self.recurrent_initializer = initializer;
        self
    }

    /// The configuration of one layer of `C` with these options.
    pub(crate) fn config<C: Cell>(&self, input_size: usize, hidden_size: usize) -> RecurrentConfig<C>
    where
        C::Options: for<'a> From<&'a Self>,
    {
        let mut config = RecurrentConfig::new(input_size, hidden_size)
            .with_bias(self.bias)
            .with_input_initializer(self.input_initializer.clone())
            .with_recurrent_initializer(self.recurrent_initializer.clone());
        config.options = self.into();
        config
    }
}
