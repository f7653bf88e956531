//! The CPU's path: one call for a whole sequence, forward and backward, on plain slices.
//!
//! Nothing here knows Burn. A call takes a [`Problem`], which borrows everything that the equations need, and gives
//! vectors back; what a backward pass needs stays in a [`Tape`].

mod cells;
mod engine;
mod isa;
mod lanes;
mod memory;
mod panels;
mod products;
mod stepper;
mod team;
#[cfg(test)]
mod tests;
mod tile;
mod walk;

use crate::Direction;
pub use crate::pass::{Equations, Keep, Layout, Need};
use isa::Isa;
pub use memory::release_buffers;
pub use stepper::Stepper;

/// The sizes of a sequence and of the layer that runs over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Rows.
    pub batch: usize,
    /// Steps.
    pub time: usize,
    /// Input features.
    pub input: usize,
    /// Hidden units.
    pub hidden: usize,
}

/// One direction of a layer; the gates lie side by side in PyTorch's order.
#[derive(Debug, Clone, Copy)]
pub struct Layer<'a> {
    /// Which way time runs.
    pub direction: Direction,
    /// `[input, gates * hidden]`.
    pub w_ih: &'a [f32],
    /// `[hidden, gates * hidden]`.
    pub w_hh: &'a [f32],
    /// `[gates * hidden]`.
    pub bias: Option<&'a [f32]>,
    /// `[hidden]`: the candidate's recurrent bias, of a GRU with the reset gate after the product.
    pub bias_hn: Option<&'a [f32]>,
}

/// All that a scan depends on.
#[derive(Debug, Clone, Copy)]
pub struct Problem<'a> {
    /// What a step computes.
    pub equations: Equations,
    /// How much of it there is.
    pub sizes: Sizes,
    /// Of the input, the output and the gradients of both.
    pub layout: Layout,
    /// `batch * time * input` numbers.
    pub x: &'a [f32],
    /// One direction or two; the output has their hidden units side by side.
    pub layers: &'a [Layer<'a>],
    /// The hidden state before the first step, `[directions, batch, hidden]`; zeros if `None`.
    pub hidden: Option<&'a [f32]>,
    /// The cell state before the first step, of the same shape, of an LSTM; zeros if `None`.
    pub cell: Option<&'a [f32]>,
    /// How many steps of each row are real, `[batch]`; all of them if `None`.
    pub lengths: Option<&'a [usize]>,
}

/// What a forward pass gives.
#[derive(Debug)]
pub struct Outcome {
    /// `batch * time * directions * hidden` numbers in the problem's layout.
    pub output: Vec<f32>,
    /// The hidden state after the last step, `[directions, batch, hidden]`.
    pub hidden: Vec<f32>,
    /// The cell state after the last step, of the same shape; empty but for an LSTM.
    pub cell: Vec<f32>,
    /// What the backward pass needs, unless nothing was to be kept.
    pub tape: Option<Tape>,
}

/// The gradients that come into a backward pass.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cotangents<'a> {
    /// Of the output, in the problem's layout.
    pub output: Option<&'a [f32]>,
    /// Of the final hidden state, `[directions, batch, hidden]`.
    pub hidden: Option<&'a [f32]>,
    /// Of the final cell state.
    pub cell: Option<&'a [f32]>,
}

/// The gradients of one direction's weights, as the weights lie.
#[derive(Debug, Default)]
pub struct LayerGradients {
    /// `[input, gates * hidden]`.
    pub w_ih: Option<Vec<f32>>,
    /// `[hidden, gates * hidden]`.
    pub w_hh: Option<Vec<f32>>,
    /// `[gates * hidden]`.
    pub bias: Option<Vec<f32>>,
    /// `[hidden]`.
    pub bias_hn: Option<Vec<f32>>,
}

/// What a backward pass gives: what was wanted.
#[derive(Debug)]
pub struct Gradients {
    /// In the problem's layout.
    pub x: Option<Vec<f32>>,
    /// One a direction.
    pub layers: Vec<LayerGradients>,
    /// `[directions, batch, hidden]`.
    pub hidden: Option<Vec<f32>>,
    /// `[directions, batch, hidden]`, of an LSTM.
    pub cell: Option<Vec<f32>>,
}

/// What a forward pass kept.
#[derive(Debug)]
pub struct Tape {
    directions: Vec<engine::Kept>,
}

impl Tape {
    /// How many numbers are kept.
    pub fn numbers(&self) -> usize {
        self.directions.iter().map(engine::Kept::numbers).sum()
    }
}

/// Runs a layer over a sequence.
///
/// # Panics
/// If the instruction set that `RECURRENT_ISA` names is not there.
pub fn forward(problem: &Problem, keep: Keep) -> Outcome {
    engine::forward(problem, keep, Isa::chosen())
}

/// Runs back over a sequence that [`forward`] ran over, with the same problem.
///
/// # Panics
/// As [`forward`].
pub fn backward(problem: &Problem, tape: Tape, cotangents: &Cotangents, need: Need) -> Gradients {
    engine::backward(problem, tape, cotangents, need, Isa::chosen())
}
