//! The configuration of a recurrent layer.

use burn::module::Initializer;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use crate::{Bidirectional, Cell, CellShape, Recurrent};

/// The configuration of a recurrent layer. What one cell alone offers is in that cell's file, e.g.
/// [`with_forget_bias`](RecurrentConfig::with_forget_bias).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct RecurrentConfig<C: Cell> {
    /// Input features.
    pub input_size: usize,
    /// Hidden units a direction.
    pub hidden_size: usize,
    /// Layers, each on top of the one before.
    pub num_layers: usize,
    /// Whether each layer also runs from the end to the start; its output is then twice as wide.
    pub bidirectional: bool,
    /// The probability with which an output of a layer below the top is set to zero in training.
    pub dropout: f64,
    /// Whether the gates have biases.
    pub bias: bool,
    /// How each gate's input weights start: Xavier (Glorot & Bengio 2010).
    pub input_initializer: Initializer,
    /// How each gate's recurrent weights start: orthogonal (Saxe et al. 2013).
    pub recurrent_initializer: Initializer,
    /// What the cell offers.
    pub options: C::Options,
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

    /// Sets the number of layers.
    pub fn with_num_layers(mut self, num_layers: usize) -> Self {
        self.num_layers = num_layers;
        self
    }

    /// Sets whether layers run in both directions.
    pub fn with_bidirectional(mut self, bidirectional: bool) -> Self {
        self.bidirectional = bidirectional;
        self
    }

    /// Sets the dropout between layers.
    pub fn with_dropout(mut self, dropout: f64) -> Self {
        self.dropout = dropout;
        self
    }

    /// Sets whether the gates have biases.
    pub fn with_bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }

    /// Sets how input weights start.
    pub fn with_input_initializer(mut self, initializer: Initializer) -> Self {
        self.input_initializer = initializer;
        self
    }

    /// Sets how recurrent weights start.
    pub fn with_recurrent_initializer(mut self, initializer: Initializer) -> Self {
        self.recurrent_initializer = initializer;
        self
    }

    /// Makes the layer with fresh weights.
    ///
    /// # Panics
    /// If a size or the number of layers is zero, or the dropout is not in `[0, 1)`.
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
            .map(|layer| Bidirectional { forward: cell(layer), reverse: self.bidirectional.then(|| cell(layer)) })
            .collect();
        Recurrent::new(layers, self.dropout)
    }
}
