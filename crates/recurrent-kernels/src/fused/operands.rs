//! The inputs and outputs of a fused scan.

use std::sync::Arc;

use burn::backend::Backend;
use burn::backend::tensor::FloatTensor;

use crate::{Direction, Equations};

/// The largest number of input tensors of a scan: x, four for each of two directions, and two of the initial state.
pub const INPUT_SLOTS: usize = 11;

/// The input tensors of a scan on one backend.
pub type Inputs<B> = Operands<FloatTensor<B>>;

/// One value for each input of a scan: a tensor, its gradient, its node in the autodiff graph.
#[derive(Debug, Clone)]
pub struct Operands<T> {
    /// The sequence, `[batch, time, input]`.
    pub x: T,
    /// One or two directions.
    pub directions: Vec<DirectionOperands<T>>,
    /// The hidden state before the first step, `[directions, batch, hidden]`; zeros if `None`.
    pub initial_hidden: Option<T>,
    /// The cell state of an LSTM before the first step, of the same shape.
    pub initial_cell: Option<T>,
}

/// One value for each weight of one direction.
#[derive(Debug, Clone)]
pub struct DirectionOperands<T> {
    pub direction: Direction,
    /// `[input, gates * hidden]`.
    pub w_ih: T,
    /// `[hidden, gates * hidden]`.
    pub w_hh: T,
    /// `[gates * hidden]`.
    pub bias: Option<T>,
    /// `[hidden]`, of a reset-after GRU.
    pub bias_hn: Option<T>,
}

impl<T> Operands<T> {
    pub fn map<U>(self, mut f: impl FnMut(T) -> U) -> Operands<U> {
        Operands {
            x: f(self.x),
            directions: self.directions.into_iter().map(|direction| direction.map(&mut f)).collect(),
            initial_hidden: self.initial_hidden.map(&mut f),
            initial_cell: self.initial_cell.map(f),
        }
    }

    pub fn as_ref(&self) -> Operands<&T> {
        Operands {
            x: &self.x,
            directions: self.directions.iter().map(DirectionOperands::as_ref).collect(),
            initial_hidden: self.initial_hidden.as_ref(),
            initial_cell: self.initial_cell.as_ref(),
        }
    }

    /// The values in a fixed order.
    pub fn into_slots(self) -> [Option<T>; INPUT_SLOTS] {
        let mut directions = self.directions.into_iter().map(|direction| {
            let DirectionOperands { w_ih, w_hh, bias, bias_hn, .. } = direction;
            [Some(w_ih), Some(w_hh), bias, bias_hn]
        });
        let mut next = || directions.next().unwrap_or_default();
        let ([a, b, c, d], [e, f, g, h]) = (next(), next());
        [Some(self.x), a, b, c, d, e, f, g, h, self.initial_hidden, self.initial_cell]
    }
}

impl<T> DirectionOperands<T> {
    fn map<U>(self, mut f: impl FnMut(T) -> U) -> DirectionOperands<U> {
        DirectionOperands {
            direction: self.direction,
            w_ih: f(self.w_ih),
            w_hh: f(self.w_hh),
            bias: self.bias.map(&mut f),
            bias_hn: self.bias_hn.map(f),
        }
    }

    fn as_ref(&self) -> DirectionOperands<&T> {
        DirectionOperands {
            direction: self.direction,
            w_ih: &self.w_ih,
            w_hh: &self.w_hh,
            bias: self.bias.as_ref(),
            bias_hn: self.bias_hn.as_ref(),
        }
    }
}

/// The arguments of a scan that are not tensors.
#[derive(Debug, Clone)]
pub struct ScanConfig {
    pub equations: Equations,
    /// The number of valid steps of each row, `[batch]`; `None` if all rows are full.
    pub lengths: Option<Arc<[usize]>>,
    /// The schedule on a GPU, if one is forced.
    #[cfg(feature = "gpu")]
    pub schedule: Option<crate::gpu::Schedule>,
}

/// The outputs of a scan: the output `[batch, time, directions * hidden]`, the final hidden state and the final cell state
/// `[directions, batch, hidden]`. Without a cell state there is a placeholder of one element in its place.
pub type Outputs<B> = [FloatTensor<B>; 3];

/// The sizes of a scan, taken from its tensors.
pub struct ScanShape {
    pub batch: usize,
    pub time: usize,
    #[cfg_attr(not(feature = "cpu"), allow(dead_code, reason = "only the CPU kernels read it"))]
    pub input: usize,
    pub hidden: usize,
    pub directions: usize,
}

impl ScanShape {
    pub fn of<B: Backend>(inputs: &Inputs<B>) -> Self {
        use burn::backend::TensorMetadata;
        let (x, w_hh) = (inputs.x.shape(), inputs.directions[0].w_hh.shape());
        Self { batch: x[0], time: x[1], input: x[2], hidden: w_hh[0], directions: inputs.directions.len() }
    }
}
