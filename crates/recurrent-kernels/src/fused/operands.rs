//! What goes into a scan.

use std::sync::Arc;

use burn::backend::Backend;
use burn::backend::tensor::FloatTensor;

use crate::Direction;
use crate::pass::Equations;

/// How many tensors a scan takes at most: x, four for each of two directions, and two of the state.
pub const SLOTS: usize = 11;

/// The tensors of a scan on one backend.
pub type Inputs<B> = Operands<FloatTensor<B>>;

/// What belongs to each input of a scan: a tensor, its gradient, its node in the autodiff graph.
#[derive(Debug, Clone)]
pub struct Operands<T> {
    /// The sequence, `[batch, time, input]`.
    pub x: T,
    /// One a direction; there are one or two.
    pub layers: Vec<LayerOperands<T>>,
    /// The hidden state before the first step, `[directions, batch, hidden]`; zeros if `None`.
    pub hidden: Option<T>,
    /// The cell state before the first step, of the same shape, of an LSTM.
    pub cell: Option<T>,
}

/// The same for one direction of the layer.
#[derive(Debug, Clone)]
pub struct LayerOperands<T> {
    pub direction: Direction,
    /// `[input, gates * hidden]`.
    pub w_ih: T,
    /// `[hidden, gates * hidden]`.
    pub w_hh: T,
    /// `[gates * hidden]`.
    pub bias: Option<T>,
    /// `[hidden]`, of a GRU with the reset gate after the product.
    pub bias_hn: Option<T>,
}

impl<T> Operands<T> {
    pub fn map<U>(self, mut f: impl FnMut(T) -> U) -> Operands<U> {
        Operands {
            x: f(self.x),
            layers: self.layers.into_iter().map(|layer| layer.map(&mut f)).collect(),
            hidden: self.hidden.map(&mut f),
            cell: self.cell.map(f),
        }
    }

    pub fn as_ref(&self) -> Operands<&T> {
        Operands {
            x: &self.x,
            layers: self.layers.iter().map(LayerOperands::as_ref).collect(),
            hidden: self.hidden.as_ref(),
            cell: self.cell.as_ref(),
        }
    }

    /// One after the other, in an order that never changes.
    pub fn into_slots(self) -> [Option<T>; SLOTS] {
        let mut layers = self.layers.into_iter().map(|layer| {
            let LayerOperands { w_ih, w_hh, bias, bias_hn, .. } = layer;
            [Some(w_ih), Some(w_hh), bias, bias_hn]
        });
        let mut layer = || layers.next().unwrap_or_default();
        let ([a, b, c, d], [e, f, g, h]) = (layer(), layer());
        [Some(self.x), a, b, c, d, e, f, g, h, self.hidden, self.cell]
    }
}

impl<T> LayerOperands<T> {
    fn map<U>(self, mut f: impl FnMut(T) -> U) -> LayerOperands<U> {
        LayerOperands {
            direction: self.direction,
            w_ih: f(self.w_ih),
            w_hh: f(self.w_hh),
            bias: self.bias.map(&mut f),
            bias_hn: self.bias_hn.map(f),
        }
    }

    fn as_ref(&self) -> LayerOperands<&T> {
        LayerOperands {
            direction: self.direction,
            w_ih: &self.w_ih,
            w_hh: &self.w_hh,
            bias: self.bias.as_ref(),
            bias_hn: self.bias_hn.as_ref(),
        }
    }
}

/// What a scan takes that is no tensor.
#[derive(Debug, Clone)]
pub struct Plan {
    pub equations: Equations,
    /// How many steps of each row are real, `[batch]`; all of them if `None`.
    pub lengths: Option<Arc<[usize]>>,
    /// The schedule that is asked for, if one is, on a GPU.
    #[cfg(feature = "gpu")]
    pub schedule: Option<crate::gpu::Schedule>,
}

/// What a scan gives: the output `[batch, time, directions * hidden]`, and the hidden state and the cell state after
/// the last step, `[directions, batch, hidden]`. Without a cell state there is a single number in its place.
pub type Outputs<B> = [FloatTensor<B>; 3];

/// The sizes that follow from a scan's tensors.
pub struct Shapes {
    pub batch: usize,
    pub time: usize,
    pub input: usize,
    pub hidden: usize,
    pub directions: usize,
}

impl Shapes {
    pub fn of<B: Backend>(inputs: &Inputs<B>) -> Self {
        use burn::backend::TensorMetadata;
        let (x, w_hh) = (inputs.x.shape(), inputs.layers[0].w_hh.shape());
        Self { batch: x[0], time: x[1], input: x[2], hidden: w_hh[0], directions: inputs.layers.len() }
    }
}
