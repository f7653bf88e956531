//! The configuration of a recurrent layer.

use burn::config::Config;
use burn::module::Initializer;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use crate::{Cell, CellShape, Recurrent, RecurrentLayer};

/// The configuration of a recurrent layer: `LstmConfig::new(input_size, hidden_size)`, or the same with
/// [`GruConfig`](crate::GruConfig) and [`RnnConfig`](crate::RnnConfig).
///
/// The options of a single cell have their setters in that cell's file:
/// [`with_forget_bias`](RecurrentConfig::with_forget_bias) (LSTM), [`with_update_bias`](RecurrentConfig::with_update_bias)
/// (GRU), [`with_nonlinearity`](RecurrentConfig::with_nonlinearity) (RNN), and so on.
///
/// # Initialization
/// Each gate's input matrix is Xavier uniform (Glorot & Bengio 2010) and each gate's recurrent matrix orthogonal (Saxe et
/// al. 2013), gate by gate. Biases are 0, except that an LSTM's forget gate starts at 1 (Gers et al. 2000; Jozefowicz et
/// al. 2015).
///
/// This is Keras's default (`glorot_uniform`, `orthogonal`, `unit_forget_bias=True`), except that Keras draws the
/// matrices of all gates together. PyTorch draws every weight and bias from U(−1/√hidden, 1/√hidden) and has no forget
/// bias; for weights like those, pass `Initializer::Uniform` to both `with_*_initializer`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound = "")]
#[must_use = "a configuration makes no layer until `init` is called"]
#[non_exhaustive]
pub struct RecurrentConfig<C: Cell> {
    /// Features of the input.
    pub input_size: usize,
    /// Hidden units per direction.
    pub hidden_size: usize,
    /// Stacked layers; each reads the output of the one below.
    pub num_layers: usize,
    /// Whether each layer also runs from the last step to the first; its output is then `2 * hidden_size` wide.
    pub bidirectional: bool,
    /// Dropout probability on the output of every layer except the last.
    pub dropout: f64,
    /// Whether the gates have biases.
    pub bias: bool,
    /// Initializer of each gate's input matrix, `[input, hidden]`. Default: Xavier uniform.
    pub input_initializer: Initializer,
    /// Initializer of each gate's recurrent matrix, `[hidden, hidden]`. Default: orthogonal.
    pub recurrent_initializer: Initializer,
    /// The options of this cell.
    pub options: C::Options,
}

impl<C: Cell> Config for RecurrentConfig<C> {}

// Derived, this would ask for `C: PartialEq`, which no module has.
impl<C: Cell> PartialEq for RecurrentConfig<C> {
    fn eq(&self, other: &Self) -> bool {
        let Self {
            input_size,
            hidden_size,
            num_layers,
            bidirectional,
            dropout,
            bias,
            input_initializer,
            recurrent_initializer,
            options,
        } = self;
        *input_size == other.input_size
            && *hidden_size == other.hidden_size
            && *num_layers == other.num_layers
            && *bidirectional == other.bidirectional
            && *dropout == other.dropout
            && *bias == other.bias
            && *input_initializer == other.input_initializer
            && *recurrent_initializer == other.recurrent_initializer
            && *options == other.options
    }
}

impl<C: Cell> RecurrentConfig<C> {
    /// One layer in one direction, with biases and without dropout.
    pub fn new(input_size: usize, hidden_size: usize) -> Self {
        Self {
            input_size,
            hidden_size,
            num_layers: 1,
            bidirectional: false,
            dropout: 0.0,
            bias: true,
            input_initializer: Initializer::XavierUniform { gain: 1.0 },
            recurrent_initializer: Initializer::Orthogonal { gain: 1.0 },
            options: C::Options::default(),
        }
    }

    /// Sets the number of stacked layers.
    pub fn with_num_layers(mut self, num_layers: usize) -> Self {
        self.num_layers = num_layers;
        self
    }

    /// Sets whether each layer runs in both directions.
    pub fn with_bidirectional(mut self, bidirectional: bool) -> Self {
        self.bidirectional = bidirectional;
        self
    }

    /// Sets the dropout probability between layers.
    pub fn with_dropout(mut self, dropout: f64) -> Self {
        self.dropout = dropout;
        self
    }

    /// Sets whether the gates have biases.
    pub fn with_bias(mut self, bias: bool) -> Self {
        self.bias = bias;
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

    /// Makes the layer with fresh weights.
    ///
    /// # Panics
    /// If `input_size`, `hidden_size` or `num_layers` is 0, `dropout` is not in `[0, 1)`, or an option of the cell is
    /// invalid (see its setter).
    pub fn init(&self, device: &Device) -> Recurrent<C> {
        assert!(self.input_size > 0, "input_size must be at least 1");
        assert!(self.hidden_size > 0, "hidden_size must be at least 1");
        assert!(self.num_layers > 0, "num_layers must be at least 1");
        assert!((0.0..1.0).contains(&self.dropout), "dropout must be in [0, 1), got {}", self.dropout);
        let directions = if self.bidirectional { 2 } else { 1 };
        let cell = |layer: usize| {
            let shape = CellShape {
                input: if layer == 0 { self.input_size } else { directions * self.hidden_size },
                hidden: self.hidden_size,
                bias: self.bias,
                input_initializer: &self.input_initializer,
                recurrent_initializer: &self.recurrent_initializer,
            };
            C::new(&shape, &self.options, device)
        };
        let layers = (0..self.num_layers)
            .map(|layer| RecurrentLayer { forward: cell(layer), reverse: self.bidirectional.then(|| cell(layer)) })
            .collect();
        Recurrent::new(layers, self.dropout)
    }
}

#[cfg(test)]
mod tests {
    use crate::{GruConfig, LstmConfig, RnnConfig};

    #[test]
    fn configs_compare_by_value() {
        assert_eq!(LstmConfig::new(2, 3), LstmConfig::new(2, 3));
        assert_ne!(LstmConfig::new(2, 3), LstmConfig::new(2, 3).with_forget_bias(0.0));
        assert_ne!(GruConfig::new(2, 3), GruConfig::new(2, 3).with_num_layers(2));
        assert!(RnnConfig::new(2, 3) != RnnConfig::new(2, 4));
    }

    #[test]
    fn config_round_trips_through_json() {
        let config = GruConfig::new(2, 3).with_update_bias(1.0).with_bidirectional(true);
        let json = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<GruConfig>(&json).unwrap(), config);
    }
}
