//! The backward pass.
#![allow(unsafe_code, reason = "passes parts of one buffer to tasks that write disjoint rows")]

use std::ops::Range;

use rayon::prelude::*;

use super::cpu_scan::{CpuScan, SharedPtr, StateSlices, initial_states, split_states, split_states_or_empty, view};
use super::forward::PackedDirection;
use super::saved::{Checkpoints, ChunkBuffers, SavedDirection, SavedForBackward, checkpoint_interval, chunk_steps};
use crate::Equations;
use crate::autograd::NeedsGrad;
use crate::cpu::gradients::{DirectionGradients, Gradients, OutputGrads};
use crate::cpu::isa::Isa;
use crate::cpu::layer_args::{DirectionWeights, LayerArgs, Sizes};
use crate::cpu::matmul::{Matrix, Threads, add_row_sum, matmul};
use crate::cpu::memory::{Buffer, uninit_vec};
use crate::cpu::panels::Panels;
use crate::cpu::pointwise::{BackwardStep, SequenceView};
use crate::cpu::time_loop::{self, BackwardLoop, Chunk};

/// Up to so many weights, each task computes gradients of its own, which are added up in the end.
const SMALL_WEIGHTS: usize = 1 << 17;
/// The approximate number of rows of such a task.
const ROWS_PER_PART: usize = 256;
/// The largest number of such tasks.
const MAX_PARTS: usize = 32;
/// Elements per task when the input gradients of two directions are added.
const SUM_ELEMENTS: usize = 1 << 14;

/// [`backward`](crate::cpu::backward) with a given instruction set.
pub fn backward(
    args: &LayerArgs,
    saved: SavedForBackward,
    output_grads: &OutputGrads,
    needs: NeedsGrad,
    isa: Isa,
) -> Gradients {
    let scan = CpuScan::new(args, isa);
    let Sizes { batch, time, input, hidden: h } = args.sizes;
    let has_cell = args.equations.has_cell();
    let directions = args.directions.len();
    let state = batch * h;
    let mut d_hidden = initial_states(output_grads.hidden, directions * state);
    let mut d_cell = if has_cell { initial_states(output_grads.cell, directions * state) } else { Vec::new() };
    let run_direction = |(((direction, weights), saved), (d_hidden, d_cell)): DirectionTask| {
        let d_output = output_grads.output.map(|elements| {
            // The backward pass only reads it.
            let data = elements.as_ptr().cast_mut().wrapping_add(direction * h);
            view(args.layout, data, batch, time, directions * h)
        });
        let pass = BackwardPass {
            scan: &scan,
            weights,
            panels: args.equations.pack_transposed(weights.w_hh, h, scan.lanes),
            d_output: SharedPtr(d_output.map_or(std::ptr::null_mut(), |view| view.data)),
            d_output_strides: d_output.map(|view| (view.time_stride, view.batch_stride)),
            needs,
        };
        let mut gradients = pass.new_gradients();
        let mut dx = needs.x.then(|| uninit_vec(batch * time * input));
        let steps =
            if matches!(saved, SavedDirection::Chunks(_)) { chunk_steps(args) } else { checkpoint_interval(time) };
        let single_chunk = steps == time;
        let mut input_scratch = scan.input_scratch(steps);
        let mut chunk_dx = Buffer::scratch(if needs.x && !single_chunk { batch * steps * input } else { 0 });
        let mut source = ChunkSource::new(&scan, weights, saved, steps);
        for index in (0..time.div_ceil(steps)).rev() {
            let chunk = scan.chunk(weights, index, steps);
            let buffers = source.buffers(&scan, chunk, &mut input_scratch, index);
            pass.run_loop(chunk, buffers, (&mut *d_hidden, &mut *d_cell), needs.initial_state || index > 0);
            let is_first = (index + 1) * steps >= time;
            let to = match &mut dx {
                Some(dx) if single_chunk => &mut dx[..],
                _ => &mut chunk_dx[..],
            };
            let rows = pass.chunk_rows(chunk, buffers, scan.input(chunk, &mut input_scratch));
            pass.add_products(rows, &mut gradients, is_first, to);
            match &mut dx {
                Some(dx) if !single_chunk => pass.scatter(chunk, &chunk_dx, dx),
                _ => {}
            }
        }
        (gradients, dx)
    };
    let d_hidden_slices = split_states(&mut d_hidden, state).into_par_iter();
    let d_cell_slices = split_states_or_empty(&mut d_cell, state, directions);
    let (weight_grads, dx): (Vec<DirectionGradients>, Vec<Option<Vec<f32>>>) = args
        .directions
        .par_iter()
        .enumerate()
        .zip(saved.directions)
        .zip(d_hidden_slices.zip(d_cell_slices))
        .with_max_len(1)
        .map(run_direction)
        .unzip();
    let x = dx.into_iter().flatten().reduce(|mut sum, other| {
        sum.par_chunks_mut(SUM_ELEMENTS).zip(other.par_chunks(SUM_ELEMENTS)).for_each(|(sum, other)| {
            sum.iter_mut().zip(other).for_each(|(sum, other)| *sum += other);
        });
        sum
    });
    Gradients {
        x,
        directions: weight_grads,
        initial_hidden: needs.initial_state.then_some(d_hidden),
        initial_cell: (needs.initial_state && has_cell).then_some(d_cell),
    }
}

/// A direction with its index, its weights, what was saved of it and the gradients of its final states.
type DirectionTask<'a> = (((usize, &'a DirectionWeights<'a>), SavedDirection), StateSlices<'a>);

/// Where the backward pass gets the buffers of a chunk.
enum ChunkSource<'a> {
    /// They were saved.
    Saved(Vec<ChunkBuffers>),
    /// They are recomputed from checkpoints.
    Recomputed(Box<Recompute<'a>>),
}

/// The recomputation of a chunk from its checkpoint.
struct Recompute<'a> {
    packed: PackedDirection<'a>,
    checkpoints: Checkpoints,
    /// Of the chunk that was recomputed last.
    buffers: ChunkBuffers,
    hidden: Vec<f32>,
    cell: Vec<f32>,
}

impl<'a> ChunkSource<'a> {
    fn new(scan: &CpuScan, weights: &'a DirectionWeights<'a>, saved: SavedDirection, steps: usize) -> Self {
        match saved {
            SavedDirection::Chunks(chunks) => Self::Saved(chunks),
            SavedDirection::Checkpoints(checkpoints) => {
                let state = scan.args.sizes.batch * scan.args.sizes.hidden;
                let has_cell = scan.args.equations.has_cell();
                Self::Recomputed(Box::new(Recompute {
                    packed: PackedDirection::new(scan, weights),
                    checkpoints,
                    buffers: ChunkBuffers::new(scan.args, steps, true),
                    hidden: uninit_vec(state),
                    cell: uninit_vec(if has_cell { state } else { 0 }),
                }))
            }
        }
    }

    /// The buffers of the `index`-th chunk.
    fn buffers(&mut self, scan: &CpuScan, chunk: Chunk, input_scratch: &mut Buffer, index: usize) -> &mut ChunkBuffers {
        match self {
            Self::Saved(chunks) => &mut chunks[index],
            Self::Recomputed(recompute) => {
                let Recompute { packed, checkpoints, buffers, hidden, cell } = &mut **recompute;
                checkpoints.get(index, hidden, cell);
                packed.run(scan, chunk, input_scratch, buffers, (hidden, cell), None);
                buffers
            }
        }
    }
}

/// The gradients of `w_ih`, `w_hh`, `bias` and `bias_hn`, each empty if it is not needed.
type WeightGradSlices<'a> = [&'a mut [f32]; 4];

impl DirectionGradients {
    fn slices(&mut self) -> WeightGradSlices<'_> {
        [&mut self.w_ih, &mut self.w_hh, &mut self.bias, &mut self.bias_hn]
            .map(|gradient| gradient.as_deref_mut().unwrap_or_default())
    }
}

/// Splits one buffer into gradients of the given sizes.
fn split(mut buffer: &mut [f32], sizes: [usize; 4]) -> WeightGradSlices<'_> {
    sizes.map(|size| buffer.split_off_mut(..size).expect("the buffer has the sum of the sizes"))
}

/// Rows after the backward time loop, as matrices.
#[derive(Clone, Copy)]
struct ChunkRows<'a> {
    rows: usize,
    /// The gradients of the pre-activations; of a reset-before GRU r ⊙ h after them.
    gates: &'a [f32],
    /// The hidden state before each step.
    saved_hidden: &'a [f32],
    /// The input.
    x: &'a [f32],
}

impl<'a> ChunkRows<'a> {
    /// A range of the rows.
    fn range(self, rows: Range<usize>) -> Self {
        let of = |data: &'a [f32]| {
            let width = data.len() / self.rows;
            &data[rows.start * width..rows.end * width]
        };
        Self { rows: rows.len(), gates: of(self.gates), saved_hidden: of(self.saved_hidden), x: of(self.x) }
    }
}

/// The backward pass of one direction.
struct BackwardPass<'a> {
    scan: &'a CpuScan<'a>,
    weights: &'a DirectionWeights<'a>,
    panels: Vec<Panels>,
    d_output: SharedPtr,
    /// The strides of step and batch row, if there is a gradient of the output.
    d_output_strides: Option<(usize, usize)>,
    needs: NeedsGrad,
}

impl BackwardPass<'_> {
    fn equations(&self) -> Equations {
        self.scan.args.equations
    }

    /// Values in a row of the gate buffer.
    fn width(&self) -> usize {
        self.equations().gate_blocks() * self.scan.args.sizes.hidden
    }

    /// The sizes of the gradients, 0 for those that are not needed.
    fn gradient_sizes(&self) -> [usize; 4] {
        let Sizes { input, hidden, .. } = self.scan.args.sizes;
        let (columns, needs) = (self.equations().gates() * hidden, self.needs);
        let if_needed = |needed: bool, size: usize| if needed { size } else { 0 };
        [
            if_needed(needs.w_ih, input * columns),
            if_needed(needs.w_hh, hidden * columns),
            if_needed(needs.biases && self.weights.bias.is_some(), columns),
            if_needed(needs.biases && self.weights.bias_hn.is_some(), hidden),
        ]
    }

    /// Gradients to add to. Those of the matrices are uninitialized: the first chunk overwrites them.
    fn new_gradients(&self) -> DirectionGradients {
        let [w_ih, w_hh, bias, bias_hn] = self.gradient_sizes();
        let matrix = |size: usize| (size > 0).then(|| uninit_vec(size));
        let vector = |size: usize| (size > 0).then(|| vec![0.0; size]);
        DirectionGradients { w_ih: matrix(w_ih), w_hh: matrix(w_hh), bias: vector(bias), bias_hn: vector(bias_hn) }
    }

    /// Runs the backward time loop over a chunk: the gate buffer then has the gradients of the pre-activations.
    fn run_loop(&self, chunk: Chunk, buffers: &mut ChunkBuffers, (d_hidden, d_cell): StateSlices, needs_state: bool) {
        let Sizes { batch, hidden: h, .. } = self.scan.args.sizes;
        let layout = self.scan.layout(chunk.steps);
        let buffer_view =
            |buffer: &mut Buffer, width: usize| view(layout, buffer.as_mut_ptr(), batch, chunk.steps, width);
        let step = BackwardStep {
            gates: buffer_view(&mut buffers.gates, self.width()),
            saved_hidden: buffer_view(&mut buffers.saved_hidden, h),
            saved_cell: buffer_view(&mut buffers.saved_cell, h),
            d_output: self.d_output_strides.map(|(time_stride, batch_stride)| SequenceView {
                data: self.d_output.at(chunk.start * time_stride),
                time_stride,
                batch_stride,
            }),
            d_gates: std::ptr::null_mut(),
            carry: std::ptr::null_mut(),
            d_cell: std::ptr::null_mut(),
            d_candidate: std::ptr::null_mut(),
        };
        let backward_loop = BackwardLoop {
            equations: self.equations(),
            units: h,
            chunk,
            step,
            panels: &self.panels,
            d_hidden: d_hidden.as_mut_ptr(),
            d_cell: d_cell.as_mut_ptr(),
            needs_state,
            width: self.width(),
        };
        let isa = self.scan.isa;
        // SAFETY: as in `PackedDirection::run`.
        let run_group = |group| unsafe { time_loop::backward(isa, &backward_loop, group) };
        self.scan.groups.par_iter().with_max_len(1).for_each(run_group);
    }

    /// The rows of a chunk after the backward time loop, with their input.
    fn chunk_rows<'b>(&self, chunk: Chunk, buffers: &'b ChunkBuffers, x: &'b [f32]) -> ChunkRows<'b> {
        let Sizes { batch, input, hidden, .. } = self.scan.args.sizes;
        let rows = batch * chunk.steps;
        ChunkRows {
            rows,
            gates: &buffers.gates[..rows * self.width()],
            saved_hidden: &buffers.saved_hidden[..rows * hidden],
            x: &x[..rows * input],
        }
    }

    /// The matrix products of a chunk: adds its contribution to the gradients of the weights (the first chunk overwrites
    /// them) and writes the gradient of its input, if needed, to `dx`.
    ///
    /// The rows of small weights are divided into parts, each with its own gradients, so that all threads work in one
    /// round. The parts do not depend on the number of threads, so neither do the sums.
    fn add_products(&self, rows: ChunkRows, gradients: &mut DirectionGradients, is_first: bool, dx: &mut [f32]) {
        let Sizes { input, hidden, .. } = self.scan.args.sizes;
        if (input + hidden) * self.equations().gates() * hidden > SMALL_WEIGHTS {
            self.add_weight_grads(rows, gradients.slices(), is_first, Threads::All);
            if self.needs.x {
                self.input_grad(rows, dx, Threads::All);
            }
            return;
        }
        let parts = (rows.rows / ROWS_PER_PART).clamp(1, MAX_PARTS).next_power_of_two();
        let part_rows = rows.rows.div_ceil(parts);
        let sizes = self.gradient_sizes();
        let run_part = |first_row: usize, dx: &mut [f32]| {
            let mut sums = Buffer::scratch(sizes.iter().sum());
            sums[sizes[0] + sizes[1]..].fill(0.0);
            let end = rows.rows.min(first_row + part_rows);
            for from in (first_row..end).step_by(2 * ROWS_PER_PART) {
                let block = rows.range(from..end.min(from + 2 * ROWS_PER_PART));
                self.add_weight_grads(block, split(&mut sums, sizes), from == first_row, Threads::One);
                if self.needs.x {
                    self.input_grad(block, &mut dx[(from - first_row) * input..], Threads::One);
                }
            }
            sums
        };
        let first_rows = (0..rows.rows).into_par_iter().step_by(part_rows);
        let parts: Vec<Buffer> = if self.needs.x {
            let dx = dx[..rows.rows * input].par_chunks_mut(part_rows * input);
            first_rows.zip(dx).with_max_len(1).map(|(row, dx)| run_part(row, dx)).collect()
        } else {
            first_rows.with_max_len(1).map(|row| run_part(row, &mut [])).collect()
        };
        for (index, mut part) in parts.into_iter().enumerate() {
            for (sum, part) in gradients.slices().into_iter().zip(split(&mut part, sizes)) {
                if is_first && index == 0 {
                    sum.copy_from_slice(part);
                } else {
                    sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += *part);
                }
            }
        }
    }

    /// Adds the contribution of some rows to the gradients of the weights; the first rows overwrite those of the matrices.
    fn add_weight_grads(
        &self,
        rows: ChunkRows,
        [w_ih, w_hh, bias, bias_hn]: WeightGradSlices,
        is_first: bool,
        threads: Threads,
    ) {
        let Sizes { input, hidden: h, .. } = self.scan.args.sizes;
        let ChunkRows { rows, gates, saved_hidden, x } = rows;
        let width = self.width();
        let columns = self.equations().gates() * h;
        let block = |from: usize, columns: usize| Matrix::new(&gates[from * h..], rows, columns, width);
        if !w_ih.is_empty() {
            let to = Matrix::new(w_ih, input, columns, columns);
            matmul(to, Matrix::new(x, rows, input, input).t(), block(0, columns), !is_first, threads);
        }
        if !w_hh.is_empty() {
            let saved_hidden = Matrix::new(saved_hidden, rows, h, h).t();
            let products = match self.equations() {
                Equations::Gru { reset_after } => {
                    let candidate =
                        if reset_after { (saved_hidden, block(3, h)) } else { (block(3, h).t(), block(2, h)) };
                    vec![(0, saved_hidden, block(0, 2 * h)), (2 * h, candidate.0, candidate.1)]
                }
                _ => vec![(0, saved_hidden, block(0, columns))],
            };
            for (column, left, right) in products {
                let to = Matrix::new(&mut w_hh[column..], h, right.columns, columns);
                matmul(to, left, right, !is_first, threads);
            }
        }
        if !bias.is_empty() || !bias_hn.is_empty() {
            let mut sums = vec![0.0; width];
            add_row_sum(gates, width, &mut sums, threads);
            bias.iter_mut().zip(&sums).for_each(|(to, sum)| *to += sum);
            bias_hn.iter_mut().zip(&sums[width - h..]).for_each(|(to, sum)| *to += sum);
        }
    }

    /// The gradient of some rows' input, in the order of the rows.
    fn input_grad(&self, ChunkRows { rows, gates, .. }: ChunkRows, dx: &mut [f32], threads: Threads) {
        let Sizes { input, hidden, .. } = self.scan.args.sizes;
        let columns = self.equations().gates() * hidden;
        let d_gates = Matrix::new(gates, rows, columns, self.width());
        let w_ih = Matrix::new(self.weights.w_ih, input, columns, columns).t();
        matmul(Matrix::new(dx, rows, input, input), d_gates, w_ih, false, threads);
    }

    /// Copies the input gradient of a chunk, which is time first, into that of the whole sequence.
    fn scatter(&self, chunk: Chunk, chunk_dx: &[f32], dx: &mut [f32]) {
        let Sizes { batch, time, input, .. } = self.scan.args.sizes;
        let layout = self.scan.args.layout;
        let (step, row) = layout.row_strides(batch, time);
        let (chunk_step, chunk_row) = self.scan.layout(chunk.steps).row_strides(batch, chunk.steps);
        for t in 0..chunk.steps {
            for r in 0..batch {
                let from = (t * chunk_step + r * chunk_row) * input;
                let to = ((chunk.start + t) * step + r * row) * input;
                dx[to..to + input].copy_from_slice(&chunk_dx[from..from + input]);
            }
        }
    }
}
