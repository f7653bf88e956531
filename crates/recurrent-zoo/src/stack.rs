//! The weights of a recurrent stack, apart from any framework.

use burn::tensor::Device;
use recurrent_models::{AnyRecurrent, AnyRecurrentConfig, CellKind, CellOptions, Nonlinearity};

use crate::{Error, Result};

/// The kind of cell with what its equations leave open. `None` where a file does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellVariant {
    /// A vanilla RNN. PyTorch's files, and Keras's without a configuration, do not name the activation.
    Rnn {
        /// The activation, tanh or relu.
        nonlinearity: Option<Nonlinearity>,
    },
    /// An LSTM with sigmoid gates and tanh.
    Lstm,
    /// A GRU with sigmoid gates and tanh. Only a file of weights without biases and without a configuration leaves
    /// the placement of its reset gate open.
    Gru {
        /// Whether the reset gate is applied after the recurrent product (PyTorch, cuDNN, Keras) or before it.
        reset_after: Option<bool>,
    },
}

impl CellVariant {
    /// The kind of cell.
    pub fn cell(self) -> CellKind {
        match self {
            Self::Rnn { .. } => CellKind::Rnn,
            Self::Lstm => CellKind::Lstm,
            Self::Gru { .. } => CellKind::Gru,
        }
    }

    /// The number of gates: weight matrices have `gates * hidden` rows.
    pub fn gates(self) -> usize {
        match self {
            Self::Rnn { .. } => 1,
            Self::Lstm => 4,
            Self::Gru { .. } => 3,
        }
    }

    /// The variant that both are, where one of them may leave something open.
    fn agreed(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::Rnn { nonlinearity: a }, Self::Rnn { nonlinearity: b }) => {
                (a.is_none() || b.is_none() || a == b).then_some(Self::Rnn { nonlinearity: a.or(b) })
            }
            (Self::Gru { reset_after: a }, Self::Gru { reset_after: b }) => {
                (a.is_none() || b.is_none() || a == b).then_some(Self::Gru { reset_after: a.or(b) })
            }
            (a, b) => (a == b).then_some(a),
        }
    }

    /// Whether weights of this variant belong into a cell of `layer`'s, which leaves nothing open.
    pub(crate) fn fits(self, layer: Self) -> bool {
        self.agreed(layer).is_some()
    }
}

impl std::fmt::Display for CellVariant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Rnn { nonlinearity: None } => "RNN",
            Self::Rnn { nonlinearity: Some(Nonlinearity::Tanh) } => "RNN (tanh)",
            Self::Rnn { nonlinearity: Some(Nonlinearity::Relu) } => "RNN (relu)",
            Self::Lstm => "LSTM",
            Self::Gru { reset_after: None } => "GRU",
            Self::Gru { reset_after: Some(true) } => "GRU (reset after)",
            Self::Gru { reset_after: Some(false) } => "GRU (reset before)",
        })
    }
}

/// The weights of one layer in one direction, in PyTorch's layout: matrices row by row, gates one above the other, LSTM
/// i, f, g, o and GRU r, z, n.
#[derive(Debug, Clone, PartialEq)]
pub struct CellWeights {
    /// `[gates * hidden, input]`.
    pub w_ih: Vec<f32>,
    /// `[gates * hidden, hidden]`.
    pub w_hh: Vec<f32>,
    /// `b_ih` and `b_hh`, `[gates * hidden]` each.
    pub biases: Option<[Vec<f32>; 2]>,
}

/// The weights of one layer of a stack.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerWeights {
    /// From the first step to the last.
    pub forward: CellWeights,
    /// From the last step to the first; `None` in a unidirectional layer.
    pub reverse: Option<CellWeights>,
}

impl LayerWeights {
    /// The cells of the layer, one per direction.
    pub fn cells(&self) -> impl Iterator<Item = &CellWeights> {
        [&self.forward].into_iter().chain(&self.reverse)
    }
}

/// The weights of a stack of recurrent layers, apart from any framework and with all shapes checked.
///
/// Values are single precision. [`CellWeights`] documents their layout.
///
/// ```
/// use recurrent_zoo::{CellVariant, CellWeights, LayerWeights, StackWeights};
///
/// let forward = CellWeights { w_ih: vec![0.1; 4 * 3 * 2], w_hh: vec![0.2; 4 * 3 * 3], biases: None };
/// let layers = vec![LayerWeights { forward, reverse: None }];
/// let stack = StackWeights::new(CellVariant::Lstm, 2, 3, layers)?;
/// assert_eq!(stack.to_string(), "LSTM(2, 3), no bias");
///
/// let short = CellWeights { w_ih: vec![0.1; 23], w_hh: vec![0.2; 36], biases: None };
/// let layers = vec![LayerWeights { forward: short, reverse: None }];
/// let error = StackWeights::new(CellVariant::Lstm, 2, 3, layers).unwrap_err();
/// assert_eq!(error.to_string(), "w_ih of layer 0: expected 12 * 2 values, found 23");
/// # Ok::<(), recurrent_zoo::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct StackWeights {
    variant: CellVariant,
    input_size: usize,
    hidden_size: usize,
    layers: Vec<LayerWeights>,
}

impl StackWeights {
    /// A stack of these layers, from the bottom to the top.
    ///
    /// # Errors
    /// If there is no layer, a size is 0, a vector has another length than its shape, the layers differ in directions
    /// or in whether they have biases, or a GRU with biases leaves the placement of its reset gate open.
    pub fn new(variant: CellVariant, input_size: usize, hidden_size: usize, layers: Vec<LayerWeights>) -> Result<Self> {
        let stack = Self { variant, input_size, hidden_size, layers };
        stack.check()?;
        Ok(stack)
    }

    fn check(&self) -> Result<()> {
        let Some(first) = self.layers.first() else {
            return Err(Error::inconsistent("the stack", "at least one layer", "none"));
        };
        if self.input_size == 0 || self.hidden_size == 0 {
            let found = format!("input {} and hidden {}", self.input_size, self.hidden_size);
            return Err(Error::inconsistent("the sizes of the stack", "at least 1", found));
        }
        let (bidirectional, bias) = (first.reverse.is_some(), first.forward.biases.is_some());
        for (depth, layer) in self.layers.iter().enumerate() {
            let at = |what: &str| format!("{what} of layer {depth}");
            if layer.reverse.is_some() != bidirectional {
                let directions = |both| if both { "2" } else { "1" };
                let found = directions(layer.reverse.is_some());
                return Err(Error::inconsistent(at("the directions"), directions(bidirectional), found));
            }
            let input =
                if depth == 0 { Some(self.input_size) } else { self.hidden_size.checked_mul(self.directions()) };
            for (cell, suffix) in layer.cells().zip(["", "_reverse"]) {
                if cell.biases.is_some() != bias {
                    let biases = |has| if has { "biases, as in layer 0" } else { "no biases, as in layer 0" };
                    let found = if bias { "none" } else { "biases" };
                    return Err(Error::inconsistent(at(&format!("the cell{suffix}")), biases(bias), found));
                }
                self.check_values(&at(&format!("w_ih{suffix}")), &cell.w_ih, input)?;
                self.check_values(&at(&format!("w_hh{suffix}")), &cell.w_hh, Some(self.hidden_size))?;
                for (values, name) in cell.biases.iter().flatten().zip(["b_ih", "b_hh"]) {
                    self.check_values(&at(&format!("{name}{suffix}")), values, Some(1))?;
                }
            }
        }
        match self.variant {
            CellVariant::Gru { reset_after: None } if bias => {
                Err(Error::inconsistent("a GRU with biases", "a known placement of its reset gate", "none"))
            }
            _ => Ok(()),
        }
    }

    fn check_values(&self, at: &str, values: &[f32], columns: Option<usize>) -> Result<()> {
        let rows = self.variant.gates().checked_mul(self.hidden_size);
        let expected = rows.zip(columns).and_then(|(rows, columns)| rows.checked_mul(columns));
        if expected == Some(values.len()) {
            return Ok(());
        }
        let size = |size: Option<usize>| size.map_or("too many".into(), |size| size.to_string());
        let expected = format!("{} * {} values", size(rows), size(columns));
        Err(Error::inconsistent(at, expected, values.len().to_string()))
    }

    /// The kind of cell and its equations.
    pub fn variant(&self) -> CellVariant {
        self.variant
    }

    /// Sets what a file has left open, the activation of an RNN or the placement of a GRU's reset gate.
    ///
    /// # Errors
    /// If the weights are of another variant.
    pub fn with_variant(mut self, variant: CellVariant) -> Result<Self> {
        if !self.variant.fits(variant) {
            let (expected, found) = (self.variant.to_string(), variant.to_string());
            return Err(Error::inconsistent("the variant of the weights", expected, found));
        }
        self.variant = variant;
        self.check()?;
        Ok(self)
    }

    /// Features of the input.
    pub fn input_size(&self) -> usize {
        self.input_size
    }

    /// Hidden units per direction.
    pub fn hidden_size(&self) -> usize {
        self.hidden_size
    }

    /// The number of stacked layers.
    pub fn num_layers(&self) -> usize {
        self.layers.len()
    }

    /// The number of directions, 1 or 2.
    pub fn directions(&self) -> usize {
        self.layers.first().map_or(1, |layer| layer.cells().count())
    }

    /// Whether the gates have biases.
    pub fn has_bias(&self) -> bool {
        self.layers.iter().any(|layer| layer.forward.biases.is_some())
    }

    /// The layers, from the bottom to the top.
    pub fn layers(&self) -> &[LayerWeights] {
        &self.layers
    }

    /// Features of the output: hidden units times directions.
    pub fn output_size(&self) -> usize {
        self.hidden_size * self.directions()
    }

    /// The same function with one bias per gate, as the layers here and Keras have it: the two biases of a gate only
    /// ever appear as a sum, which `b_ih` now holds, and `b_hh` is zero. The exception is the recurrent bias of a
    /// reset-after GRU's candidate, which is inside the reset product and stays where it is.
    #[must_use]
    pub fn with_summed_biases(mut self) -> Self {
        let separate = match self.variant {
            CellVariant::Gru { reset_after: Some(true) } => 2 * self.hidden_size,
            variant => variant.gates() * self.hidden_size,
        };
        for layer in &mut self.layers {
            for cell in [&mut layer.forward].into_iter().chain(&mut layer.reverse) {
                let Some([ih, hh]) = &mut cell.biases else { continue };
                for (ih, hh) in ih.iter_mut().zip(hh).take(separate) {
                    *ih += std::mem::take(hh);
                }
            }
        }
        self
    }

    /// One stack of several, from the bottom to the top: Keras and ONNX know single layers only.
    ///
    /// # Errors
    /// If there is none, or one cannot follow the one below: it has another variant, hidden size, number of directions
    /// or use of biases, or its input is not as wide as the output below.
    pub fn stacked(stacks: impl IntoIterator<Item = Self>) -> Result<Self> {
        let mut stacks = stacks.into_iter();
        let Some(mut joined) = stacks.next() else {
            return Err(Error::inconsistent("the stack", "at least one layer", "none"));
        };
        for above in stacks {
            let at = format!("layer {} of the stack", joined.num_layers());
            let Some(variant) = joined.variant.agreed(above.variant) else {
                return Err(Error::inconsistent(at, joined.variant.to_string(), above.variant.to_string()));
            };
            if (above.input_size, above.hidden_size) != (joined.output_size(), joined.hidden_size) {
                let expected = format!("input {} and hidden {}", joined.output_size(), joined.hidden_size);
                let found = format!("input {} and hidden {}", above.input_size, above.hidden_size);
                return Err(Error::inconsistent(at, expected, found));
            }
            joined.variant = variant;
            joined.layers.extend(above.layers);
            joined.check()?;
        }
        Ok(joined)
    }

    /// How exports to Keras and ONNX, which have no stacks, name a layer of the stack `name`: `{name}_l{depth}`, or `name`
    /// itself if it is the only one.
    #[cfg(any(feature = "keras", feature = "onnx"))]
    pub(crate) fn layer_name(&self, name: &str, depth: usize) -> String {
        if self.num_layers() == 1 { name.into() } else { format!("{name}_l{depth}") }
    }

    /// Each layer as a stack of its own, from the bottom to the top.
    #[must_use]
    pub fn split_layers(&self) -> Vec<Self> {
        let stack = |(depth, layer): (usize, &LayerWeights)| Self {
            variant: self.variant,
            input_size: if depth == 0 { self.input_size } else { self.output_size() },
            hidden_size: self.hidden_size,
            layers: vec![layer.clone()],
        };
        self.layers.iter().enumerate().map(stack).collect()
    }

    /// The configuration of a layer for these weights.
    ///
    /// # Errors
    /// If the weights leave the activation of an RNN or the placement of a GRU's reset gate open.
    pub fn config(&self) -> Result<AnyRecurrentConfig> {
        let mut options = CellOptions::new().with_bias(self.has_bias());
        match self.variant {
            CellVariant::Rnn { nonlinearity: None } => {
                return Err(Error::Unknown { what: "whether the RNN's activation is tanh or relu" });
            }
            CellVariant::Gru { reset_after: None } => {
                return Err(Error::Unknown {
                    what: "whether the GRU's reset gate is applied before the product or after",
                });
            }
            CellVariant::Rnn { nonlinearity: Some(nonlinearity) } => options = options.with_nonlinearity(nonlinearity),
            CellVariant::Gru { reset_after: Some(reset_after) } => options = options.with_reset_after(reset_after),
            CellVariant::Lstm => {}
        }
        Ok(AnyRecurrentConfig::new(self.variant.cell(), self.input_size, self.hidden_size)
            .with_num_layers(self.num_layers())
            .with_bidirectional(self.directions() == 2)
            .with_cell_options(options))
    }

    /// A new layer with these weights.
    ///
    /// # Errors
    /// As [`config`](Self::config).
    pub fn init(&self, device: &Device) -> Result<AnyRecurrent> {
        use crate::ExchangeWeights as _;
        self.config()?.init(device).with_weights(self)
    }
}

/// Such as `LSTM(2, 3), 2 layers, bidirectional, no bias`.
impl std::fmt::Display for StackWeights {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}({}, {})", self.variant, self.input_size, self.hidden_size)?;
        if self.num_layers() > 1 {
            write!(f, ", {} layers", self.num_layers())?;
        }
        f.write_str(if self.directions() == 2 { ", bidirectional" } else { "" })?;
        f.write_str(if self.has_bias() { "" } else { ", no bias" })
    }
}
