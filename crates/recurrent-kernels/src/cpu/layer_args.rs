//! The arguments of a pass over a sequence.

use crate::{Direction, Equations, Layout};

/// The sizes of a sequence and of the layer that runs over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Rows of the batch, at least one.
    pub batch: usize,
    /// Steps, at least one.
    pub time: usize,
    /// Input features.
    pub input: usize,
    /// Hidden units.
    pub hidden: usize,
}

/// The weights of one direction of a layer, the gates side by side in PyTorch's order.
#[derive(Debug, Clone, Copy)]
pub struct DirectionWeights<'a> {
    /// The direction of time.
    pub direction: Direction,
    /// `[input, gates * hidden]`.
    pub w_ih: &'a [f32],
    /// `[hidden, gates * hidden]`.
    pub w_hh: &'a [f32],
    /// `[gates * hidden]`.
    pub bias: Option<&'a [f32]>,
    /// The candidate's recurrent bias `[hidden]` of a reset-after GRU.
    pub bias_hn: Option<&'a [f32]>,
}

/// The arguments of a layer: equations, sizes, inputs and weights.
#[derive(Debug, Clone, Copy)]
pub struct LayerArgs<'a> {
    /// The cell.
    pub equations: Equations,
    /// The sizes of all slices.
    pub sizes: Sizes,
    /// The layout of the input, the output and the gradients of both.
    pub layout: Layout,
    /// The input sequence: `batch * time * input` elements in the given layout.
    pub x: &'a [f32],
    /// One or two directions. The output has their hidden units side by side.
    pub directions: &'a [DirectionWeights<'a>],
    /// The hidden state before the first step, `[directions, batch, hidden]`; zeros if `None`.
    pub initial_hidden: Option<&'a [f32]>,
    /// The cell state of an LSTM before the first step, of the same shape; zeros if `None`.
    pub initial_cell: Option<&'a [f32]>,
    /// The number of valid steps of each row, `[batch]`; `None` if all rows are full.
    pub lengths: Option<&'a [usize]>,
}
