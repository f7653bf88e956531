//! A whole sequence: packing, the input's projection, the walk over time, and the weights' gradients after it.
//!
//! - `forth.rs`, `back.rs`: the two ways;
//! - `kept.rs`: what the one leaves for the other, and in which stretches.
#![allow(unsafe_code, reason = "hands parts of one buffer to tasks that each have rows of their own")]

mod back;
mod forth;
mod kept;

use rayon::prelude::*;

pub use self::back::backward;
pub use self::forth::forward;
pub use self::kept::Kept;
#[cfg(test)]
pub use self::kept::stretch;
use super::cells::Grid;
use super::isa::Isa;
use super::memory::Buffer;
use super::panels::Panels;
use super::products::{Matrix, Threads, multiply};
use super::walk::{self, Projection, Share, Span};
use super::{Equations, Layer, Layout, Problem, Sizes};
use crate::Direction;

/// Inputs up to this width are multiplied by the kernels' own product; the large ones' way to pack both sides does not
/// pay for them.
const NARROW: usize = 32;
/// Rows that a task projects at a time.
const ROWS_A_TASK: usize = 64;

/// A direction's hidden state and its cell state, `[batch, hidden]` each, or their gradients.
type States<'a> = (&'a mut [f32], &'a mut [f32]);

/// A call's fixed facts.
struct Call<'a> {
    problem: &'a Problem<'a>,
    isa: Isa,
    lanes: usize,
    /// A direction's rows of the batch, one share a task.
    shares: Vec<Share>,
}

impl Equations {
    /// Parts of `hidden` numbers in a row of the gates' grid.
    pub(super) fn parts(self) -> usize {
        match self {
            Self::Gru { .. } => 4,
            _ => self.gates(),
        }
    }

    /// The recurrent weights of each product of a step.
    pub(super) fn panels(self, w_hh: &[f32], hidden: usize, lanes: usize) -> Vec<Panels> {
        let columns = self.gates() * hidden;
        let pack = |gates: &[usize]| Panels::pack(w_hh, columns, hidden, gates, lanes);
        match self {
            Self::Rnn(_) => vec![pack(&[0])],
            Self::Lstm { .. } => vec![pack(&[0, 1, 2, 3])],
            Self::Gru { reset_after: true } => vec![pack(&[0, 1, 2])],
            Self::Gru { reset_after: false } => vec![pack(&[0, 1]), pack(&[2])],
        }
    }

    /// Their transposes, for the way back.
    fn panels_back(self, w_hh: &[f32], hidden: usize, lanes: usize) -> Vec<Panels> {
        let columns = self.gates() * hidden;
        let pack = |from: usize, to: usize| Panels::pack_transposed(w_hh, columns, (from * hidden, to * hidden), lanes);
        match self {
            Self::Gru { reset_after: false } => vec![pack(0, 2), pack(2, 3)],
            _ => vec![pack(0, self.gates())],
        }
    }
}

impl Layout {
    /// A row's place among all rows of `steps` steps: the strides of step and batch row, in rows.
    fn strides(self, batch: usize, steps: usize) -> (usize, usize) {
        match self {
            Self::BatchFirst => (1, steps),
            Self::TimeFirst => (batch, 1),
        }
    }

    /// The rows at `numbers`, `width` numbers each, `apart` numbers from one to the next.
    fn grid(self, numbers: *mut f32, batch: usize, steps: usize, apart: usize) -> Grid {
        let (time, row) = self.strides(batch, steps);
        Grid { numbers, time: time * apart, batch: row * apart }
    }
}

impl<'a> Call<'a> {
    fn new(problem: &'a Problem<'a>, isa: Isa) -> Self {
        let batch = problem.sizes.batch;
        let tasks = rayon::current_num_threads().div_ceil(problem.layers.len()).clamp(1, batch.max(1));
        let mut rows: Vec<usize> = (0..batch).collect();
        if let Some(lengths) = problem.lengths {
            rows.sort_by_key(|row| std::cmp::Reverse(lengths[*row]));
        }
        let share = |task: usize| {
            let rows: Vec<usize> = match problem.lengths {
                // Long rows and short ones for everybody.
                Some(_) => rows.iter().copied().skip(task).step_by(tasks).collect(),
                None => (batch * task / tasks..batch * (task + 1) / tasks).collect(),
            };
            let lengths = problem.lengths.map(|lengths| rows.iter().map(|row| lengths[*row]).collect());
            Share { rows, lengths }
        };
        Self { problem, isa, lanes: walk::lanes(isa), shares: (0..tasks).map(share).collect() }
    }

    /// The stretch that is walked as the `index`-th when all of them but the last have `steps` steps.
    fn span(&self, layer: &Layer, index: usize, steps: usize) -> Span {
        let time = self.problem.sizes.time;
        let first = index * steps;
        let steps = steps.min(time - first);
        let start = match layer.direction {
            Direction::Forward => first,
            Direction::Reverse => time - first - steps,
        };
        Span { direction: layer.direction, start, steps }
    }

    /// In which order a stretch's rows lie: as in the problem if it is all of it, by time otherwise.
    fn layout(&self, steps: usize) -> Layout {
        if steps == self.problem.sizes.time { self.problem.layout } else { Layout::TimeFirst }
    }

    /// The input of a stretch, its rows one after the other; put together in `scratch` where they are not neighbours.
    fn input<'b>(&self, span: Span, scratch: &'b mut Buffer) -> &'b [f32]
    where
        'a: 'b,
    {
        let Sizes { batch, time, input, .. } = self.problem.sizes;
        let x = self.problem.x;
        if span.steps == time {
            return x;
        }
        if self.problem.layout == Layout::TimeFirst || batch == 1 {
            return &x[span.start * batch * input..(span.start + span.steps) * batch * input];
        }
        for (step, to) in scratch.chunks_exact_mut(batch * input).enumerate().take(span.steps) {
            for (row, to) in to.chunks_exact_mut(input).enumerate() {
                let from = (row * time + span.start + step) * input;
                to.copy_from_slice(&x[from..from + input]);
            }
        }
        &scratch[..span.steps * batch * input]
    }

    /// Room for [`input`](Self::input) to put rows together.
    fn input_scratch(&self, steps: usize) -> Buffer {
        let Sizes { batch, time, input, .. } = self.problem.sizes;
        let needed = steps < time && self.problem.layout == Layout::BatchFirst && batch > 1;
        Buffer::scratch(if needed { steps * batch * input } else { 0 })
    }

    /// Whether the kernels' own product projects the input.
    ///
    /// With a single row it does so that one step gives the very bits that a sequence gives.
    fn projects_itself(&self) -> bool {
        self.problem.sizes.input <= NARROW || self.problem.sizes.batch == 1
    }

    /// The input's part of the gates for `rows` rows of `x`.
    fn project(&self, layer: &Layer, panels: Option<&Panels>, x: &[f32], rows: usize, gates: &mut [f32]) {
        let Sizes { input, hidden, .. } = self.problem.sizes;
        let columns = self.problem.equations.gates() * hidden;
        let width = self.problem.equations.parts() * hidden;
        assert!(rows * input <= x.len() && rows * width <= gates.len());
        let Some(panels) = panels else {
            let to = Matrix::new(gates, rows, columns, width);
            return multiply(
                to,
                Matrix::new(x, rows, input, input),
                Matrix::new(layer.w_ih, input, columns, columns),
                false,
                Threads::All,
            );
        };
        let projection = Projection { x: x.as_ptr(), panels, columns, gates: gates.as_mut_ptr(), width };
        // SAFETY: all rows are inside the slices, and each call has rows of its own.
        let project = |first: usize| unsafe {
            walk::project(self.isa, &projection, first, ROWS_A_TASK.min(rows - first));
        };
        (0..rows).into_par_iter().step_by(ROWS_A_TASK).for_each(project);
    }
}

/// Lets tasks write to a grid each.
#[derive(Clone, Copy)]
struct Shared(*mut f32);

// SAFETY: the tasks that it is given to write to places of their own.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    fn at(self, offset: usize) -> *mut f32 {
        self.0.wrapping_add(offset)
    }
}

/// The states of all directions to go on from: those that are given, or zeros.
fn states_from(given: Option<&[f32]>, size: usize) -> Vec<f32> {
    given.map_or_else(|| vec![0.0; size], <[f32]>::to_vec)
}

/// A state a direction.
fn states(numbers: &mut [f32], size: usize) -> Vec<&mut [f32]> {
    numbers.chunks_exact_mut(size.max(1)).collect()
}

/// A state a direction, or as many empty slices.
fn states_or_none(numbers: &mut [f32], size: usize, directions: usize) -> Vec<&mut [f32]> {
    if numbers.is_empty() { (0..directions).map(|_| &mut [][..]).collect() } else { states(numbers, size) }
}
