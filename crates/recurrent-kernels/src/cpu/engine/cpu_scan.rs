//! What the forward and the backward pass of one call share.
#![allow(unsafe_code, reason = "passes parts of one buffer to tasks that write disjoint rows")]

use rayon::prelude::*;

use crate::cpu::isa::Isa;
use crate::cpu::layer_args::{DirectionWeights, LayerArgs, Sizes};
use crate::cpu::matmul::{Matrix, Threads, matmul};
use crate::cpu::memory::Buffer;
use crate::cpu::panels::Panels;
use crate::cpu::pointwise::SequenceView;
use crate::cpu::time_loop::{self, Chunk, Projection, RowGroup};
use crate::{Direction, Layout};

/// Inputs up to this width are projected by the kernels' own product. The product for large matrices packs both sides,
/// which does not pay off for them.
const NARROW_INPUT: usize = 32;
/// Rows that a task projects at a time.
const PROJECTION_ROWS: usize = 64;

/// The hidden state and the cell state of a direction, `[batch, hidden]` each, or their gradients.
pub(super) type StateSlices<'a> = (&'a mut [f32], &'a mut [f32]);

/// The arguments of one call, the instruction set, and the rows of each task.
pub(super) struct CpuScan<'a> {
    pub(super) args: &'a LayerArgs<'a>,
    pub(super) isa: Isa,
    pub(super) lanes: usize,
    /// The batch divided among tasks.
    pub(super) groups: Vec<RowGroup>,
}

impl<'a> CpuScan<'a> {
    pub(super) fn new(args: &'a LayerArgs<'a>, isa: Isa) -> Self {
        let batch = args.sizes.batch;
        let tasks = rayon::current_num_threads().div_ceil(args.directions.len()).clamp(1, batch.max(1));
        let mut rows: Vec<usize> = (0..batch).collect();
        if let Some(lengths) = args.lengths {
            rows.sort_by_key(|row| std::cmp::Reverse(lengths[*row]));
        }
        let group = |task: usize| {
            let rows: Vec<usize> = match args.lengths {
                // Every task gets long and short rows.
                Some(_) => rows.iter().copied().skip(task).step_by(tasks).collect(),
                None => (batch * task / tasks..batch * (task + 1) / tasks).collect(),
            };
            let lengths = args.lengths.map(|lengths| rows.iter().map(|row| lengths[*row]).collect());
            RowGroup { rows, lengths }
        };
        Self { args, isa, lanes: isa.lanes(), groups: (0..tasks).map(group).collect() }
    }

    /// The `index`-th chunk in processing order, if all chunks but the last have `steps` steps.
    pub(super) fn chunk(&self, weights: &DirectionWeights, index: usize, steps: usize) -> Chunk {
        let time = self.args.sizes.time;
        let first = index * steps;
        let steps = steps.min(time - first);
        let start = match weights.direction {
            Direction::Forward => first,
            Direction::Reverse => time - first - steps,
        };
        Chunk { direction: weights.direction, start, steps }
    }

    /// The order of a chunk's rows: that of the arguments if the chunk is the whole sequence, time first otherwise.
    pub(super) fn layout(&self, steps: usize) -> Layout {
        if steps == self.args.sizes.time { self.args.layout } else { Layout::TimeFirst }
    }

    /// The input of a chunk, its rows contiguous; copied to `scratch` if they are not contiguous in x.
    pub(super) fn input<'b>(&self, chunk: Chunk, scratch: &'b mut Buffer) -> &'b [f32]
    where
        'a: 'b,
    {
        let Sizes { batch, time, input, .. } = self.args.sizes;
        let x = self.args.x;
        if chunk.steps == time {
            return x;
        }
        if self.args.layout == Layout::TimeFirst || batch == 1 {
            return &x[chunk.start * batch * input..(chunk.start + chunk.steps) * batch * input];
        }
        for (step, to) in scratch.chunks_exact_mut(batch * input).enumerate().take(chunk.steps) {
            for (row, to) in to.chunks_exact_mut(input).enumerate() {
                let from = (row * time + chunk.start + step) * input;
                to.copy_from_slice(&x[from..from + input]);
            }
        }
        &scratch[..chunk.steps * batch * input]
    }

    /// The scratch buffer that [`input`](Self::input) needs.
    pub(super) fn input_scratch(&self, steps: usize) -> Buffer {
        let Sizes { batch, time, input, .. } = self.args.sizes;
        let needed = steps < time && self.args.layout == Layout::BatchFirst && batch > 1;
        Buffer::scratch(if needed { steps * batch * input } else { 0 })
    }

    /// Whether the kernels' own product projects the input.
    ///
    /// It does for a batch of one row, so that a sequence gives the same bits as single steps.
    pub(super) fn uses_own_projection(&self) -> bool {
        self.args.sizes.input <= NARROW_INPUT || self.args.sizes.batch == 1
    }

    /// Projects `rows` rows of `x` into the gate buffer; by `panels` if there are any.
    pub(super) fn project(
        &self,
        weights: &DirectionWeights,
        panels: Option<&Panels>,
        x: &[f32],
        rows: usize,
        gates: &mut [f32],
    ) {
        let Sizes { input, hidden, .. } = self.args.sizes;
        let columns = self.args.equations.gates() * hidden;
        let width = self.args.equations.gate_blocks() * hidden;
        assert!(rows * input <= x.len() && rows * width <= gates.len());
        let Some(panels) = panels else {
            let to = Matrix::new(gates, rows, columns, width);
            return matmul(
                to,
                Matrix::new(x, rows, input, input),
                Matrix::new(weights.w_ih, input, columns, columns),
                false,
                Threads::All,
            );
        };
        let projection = Projection { x: x.as_ptr(), panels, columns, gates: gates.as_mut_ptr(), width };
        // SAFETY: all rows are inside the slices, and each call has its own rows.
        let project = |first: usize| unsafe {
            time_loop::project(self.isa, &projection, first, PROJECTION_ROWS.min(rows - first));
        };
        (0..rows).into_par_iter().step_by(PROJECTION_ROWS).for_each(project);
    }
}

/// A view of `batch * steps` rows at `data`, `stride` elements from one to the next.
pub(super) fn view(layout: Layout, data: *mut f32, batch: usize, steps: usize, stride: usize) -> SequenceView {
    let (time, row) = layout.row_strides(batch, steps);
    SequenceView { data, time_stride: time * stride, batch_stride: row * stride }
}

/// A pointer that tasks may share.
#[derive(Clone, Copy)]
pub(super) struct SharedPtr(pub(super) *mut f32);

// SAFETY: the tasks that share it access disjoint elements.
unsafe impl Send for SharedPtr {}
// SAFETY: as above.
unsafe impl Sync for SharedPtr {}

impl SharedPtr {
    pub(super) fn at(self, offset: usize) -> *mut f32 {
        self.0.wrapping_add(offset)
    }
}

/// The initial states of all directions: a copy of the given ones, or zeros.
pub(super) fn initial_states(given: Option<&[f32]>, size: usize) -> Vec<f32> {
    given.map_or_else(|| vec![0.0; size], <[f32]>::to_vec)
}

/// Splits the states of all directions.
pub(super) fn split_states(states: &mut [f32], size: usize) -> Vec<&mut [f32]> {
    states.chunks_exact_mut(size.max(1)).collect()
}

/// Splits the states of all directions, or returns as many empty slices.
pub(super) fn split_states_or_empty(states: &mut [f32], size: usize, directions: usize) -> Vec<&mut [f32]> {
    if states.is_empty() { (0..directions).map(|_| &mut [][..]).collect() } else { split_states(states, size) }
}
