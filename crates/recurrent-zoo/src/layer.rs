//! Between [`StackWeights`] and the layers.

use std::path::Path;

use burn::tensor::{Tensor, TensorData};
use recurrent_models::cells::gru::GruCell;
use recurrent_models::cells::lstm::LstmCell;
use recurrent_models::cells::rnn::RnnCell;
use recurrent_models::torch::{FromTorch, TorchWeights};
use recurrent_models::{AnyRecurrent, Recurrent};

use crate::{CellVariant, CellWeights, Error, LayerWeights, Result, StackWeights, WeightFile};

/// Weights into a layer and out of it: for [`Rnn`](recurrent_models::Rnn), [`Lstm`](recurrent_models::Lstm),
/// [`Gru`](recurrent_models::Gru) and [`AnyRecurrent`].
///
/// ```
/// use burn::tensor::Device;
/// use recurrent_models::{GruConfig, LstmConfig};
/// use recurrent_zoo::ExchangeWeights;
///
/// let device = Device::default();
/// let weights = LstmConfig::new(2, 3).init(&device).to_weights()?;
/// let lstm = LstmConfig::new(2, 3).init(&device).with_weights(&weights)?;
/// assert_eq!(lstm.to_weights()?, weights);
///
/// let error = GruConfig::new(2, 3).init(&device).with_weights(&weights).unwrap_err();
/// assert_eq!(error.to_string(), "the cell: the layer has GRU (reset after), the weights have LSTM");
/// # Ok::<(), recurrent_zoo::Error>(())
/// ```
pub trait ExchangeWeights: Sized {
    /// The layer's weights, in single precision.
    ///
    /// # Errors
    /// If an LSTM clips its cell state, which no other framework does, or the parts of the layer, which are public, do
    /// not fit together.
    fn to_weights(&self) -> Result<StackWeights>;

    /// This layer with all its weights replaced. Precision, device and whether they are trained stay as they are.
    ///
    /// # Errors
    /// If the cell, its activation or reset gate, a size, the number of layers or directions, or the use of biases
    /// differs. What the weights leave open (see [`CellVariant`]) is taken from the layer.
    fn with_weights(self, weights: &StackWeights) -> Result<Self>;

    /// This layer with the weights of one stack in a file: [`WeightFile::open`], [`WeightFile::stack`] and
    /// [`with_weights`](Self::with_weights).
    ///
    /// # Errors
    /// As these three. The errors name the file.
    fn load_weights(self, path: impl AsRef<Path>, stack: &str) -> Result<Self> {
        let path = path.as_ref();
        let weights = WeightFile::open(path)?.stack(stack)?;
        self.with_weights(&weights).map_err(|error| error.in_file(path))
    }
}

/// A cell that other frameworks have, too.
trait PortableCell: FromTorch {
    /// The cell's equations.
    fn variant(&self) -> CellVariant;

    /// What the cell does that no other framework can.
    fn peculiarity(&self) -> Option<String> {
        None
    }
}

impl PortableCell for RnnCell {
    fn variant(&self) -> CellVariant {
        CellVariant::Rnn { nonlinearity: Some(self.nonlinearity()) }
    }
}

impl PortableCell for LstmCell {
    fn variant(&self) -> CellVariant {
        CellVariant::Lstm
    }

    fn peculiarity(&self) -> Option<String> {
        self.cell_clip().map(|clip| format!("the cell state is clipped to ±{clip}, which other frameworks do not have"))
    }
}

impl PortableCell for GruCell {
    fn variant(&self) -> CellVariant {
        CellVariant::Gru { reset_after: Some(self.reset_after()) }
    }
}

impl<C: PortableCell> ExchangeWeights for Recurrent<C> {
    fn to_weights(&self) -> Result<StackWeights> {
        let Some(bottom) = self.layers.first() else {
            return Err(Error::inconsistent("the stack", "at least one layer", "none"));
        };
        let variant = bottom.forward.variant();
        for (depth, layer) in self.layers.iter().enumerate() {
            for cell in [&layer.forward].into_iter().chain(&layer.reverse) {
                if let Some(peculiarity) = cell.peculiarity() {
                    return Err(Error::unsupported(format!("layer {depth}"), peculiarity));
                }
                if cell.variant() != variant {
                    let found = cell.variant().to_string();
                    return Err(Error::inconsistent(format!("layer {depth}"), variant.to_string(), found));
                }
            }
        }
        let layer = |layer: &recurrent_models::RecurrentLayer<C>| LayerWeights {
            forward: cell_weights(&layer.forward),
            reverse: layer.reverse.as_ref().map(cell_weights),
        };
        let layers = self.layers.iter().map(layer).collect();
        StackWeights::new(variant, self.input_size(), self.hidden_size(), layers)
    }

    fn with_weights(mut self, weights: &StackWeights) -> Result<Self> {
        check_match(&self, weights)?;
        // Summed in single precision, before a layer of lower precision rounds them.
        let summed = weights.clone().with_summed_biases();
        for (layer, weights) in self.layers.iter_mut().zip(summed.layers()) {
            layer.forward = with_cell_weights(layer.forward.clone(), &weights.forward);
            layer.reverse =
                layer.reverse.take().zip(weights.reverse.as_ref()).map(|(cell, of)| with_cell_weights(cell, of));
        }
        Ok(self)
    }
}

fn check_match<C: PortableCell>(stack: &Recurrent<C>, weights: &StackWeights) -> Result<()> {
    let mismatch = |what, layer: String, weights: String| Err(Error::Mismatch { what, layer, weights });
    if stack.layers.len() != weights.num_layers() {
        return mismatch("the number of layers", stack.layers.len().to_string(), weights.num_layers().to_string());
    }
    for (depth, layer) in stack.layers.iter().enumerate() {
        if layer.directions() != weights.directions() {
            let directions = weights.directions().to_string();
            return mismatch("the number of directions", layer.directions().to_string(), directions);
        }
        let input = if depth == 0 { weights.input_size() } else { weights.output_size() };
        for cell in [&layer.forward].into_iter().chain(&layer.reverse) {
            if !weights.variant().fits(cell.variant()) {
                return mismatch("the cell", cell.variant().to_string(), weights.variant().to_string());
            }
            let sizes = cell.sizes();
            if sizes != [input, weights.hidden_size()] {
                let text = |[input, hidden]: [usize; 2]| format!("input {input} and hidden {hidden}");
                return mismatch("the sizes", text(sizes), text([input, weights.hidden_size()]));
            }
            if cell.gates().bias.is_some() != weights.has_bias() {
                let biases = |has| if has { "biases" } else { "no biases" }.to_string();
                return mismatch("the biases", biases(cell.gates().bias.is_some()), biases(weights.has_bias()));
            }
        }
    }
    Ok(())
}

fn cell_weights<C: PortableCell>(cell: &C) -> CellWeights {
    let TorchWeights { weight_ih, weight_hh, biases } = cell.to_torch();
    CellWeights { w_ih: values(weight_ih), w_hh: values(weight_hh), biases: biases.map(|pair| pair.map(values)) }
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

/// `weights` have passed [`check_match`], so that the import cannot panic.
fn with_cell_weights<C: PortableCell>(cell: C, weights: &CellWeights) -> C {
    let own = cell.gates().w_ih.val();
    let (device, dtype) = (own.device(), own.dtype());
    let [input, hidden] = cell.sizes();
    let rows = C::GATES * hidden;
    let matrix = |values: &[f32], columns: usize| {
        Tensor::<2>::from_data(TensorData::new(values.to_vec(), [rows, columns]), (&device, dtype))
    };
    let vector = |values: &Vec<f32>| Tensor::<1>::from_data(TensorData::new(values.clone(), [rows]), (&device, dtype));
    cell.with_torch(TorchWeights {
        weight_ih: matrix(&weights.w_ih, input),
        weight_hh: matrix(&weights.w_hh, hidden),
        biases: weights.biases.as_ref().map(|[ih, hh]| [vector(ih), vector(hh)]),
    })
}

impl ExchangeWeights for AnyRecurrent {
    fn to_weights(&self) -> Result<StackWeights> {
        match self {
            Self::Rnn(layer) => layer.to_weights(),
            Self::Lstm(layer) => layer.to_weights(),
            Self::Gru(layer) => layer.to_weights(),
        }
    }

    fn with_weights(self, weights: &StackWeights) -> Result<Self> {
        Ok(match self {
            Self::Rnn(layer) => Self::Rnn(layer.with_weights(weights)?),
            Self::Lstm(layer) => Self::Lstm(layer.with_weights(weights)?),
            Self::Gru(layer) => Self::Gru(layer.with_weights(weights)?),
        })
    }
}
