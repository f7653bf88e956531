//! The forward pass.
#![allow(unsafe_code, reason = "passes parts of one buffer to tasks that write disjoint rows")]

use rayon::prelude::*;

use super::cpu_scan::{CpuScan, SharedPtr, StateSlices, initial_states, split_states, split_states_or_empty, view};
use super::saved::{Checkpoints, ChunkBuffers, SavedDirection, SavedForBackward, checkpoint_interval, chunk_steps};
use crate::autograd::SavePolicy;
use crate::cpu::isa::Isa;
use crate::cpu::layer_args::{DirectionWeights, LayerArgs, Sizes};
use crate::cpu::memory::{Buffer, uninit_vec};
use crate::cpu::panels::Panels;
use crate::cpu::pointwise::{ForwardStep, SequenceView};
use crate::cpu::time_loop::{self, Chunk, ForwardLoop};

/// Elements of projected input that stay in a processor's last-level cache until the time loop reads them.
const PROJECTED_ELEMENTS: usize = 1 << 21;
/// Rows from which a large product is worth packing its operands.
const MIN_PROJECTED_ROWS: usize = 256;

/// The result of a forward pass.
#[derive(Debug)]
pub struct ForwardOutput {
    /// The hidden state of every step: `batch * time * directions * hidden` elements in the layout of the arguments.
    pub output: Vec<f32>,
    /// The final hidden state, `[directions, batch, hidden]`.
    pub hidden: Vec<f32>,
    /// The final cell state of an LSTM, of the same shape; empty for other cells.
    pub cell: Vec<f32>,
    /// What the backward pass needs; `None` with [`SavePolicy::Nothing`].
    pub saved: Option<SavedForBackward>,
}

/// The packed weights of one direction.
pub(super) struct PackedDirection<'a> {
    weights: &'a DirectionWeights<'a>,
    input_panels: Option<Panels>,
    panels: Vec<Panels>,
    bias: Buffer,
    bias_hn: Buffer,
}

impl<'a> PackedDirection<'a> {
    pub(super) fn new(scan: &CpuScan, weights: &'a DirectionWeights<'a>) -> Self {
        let Sizes { hidden, .. } = scan.args.sizes;
        let equations = scan.args.equations;
        let columns = equations.gates() * hidden;
        let pack_input = || Panels::pack(weights.w_ih, columns, columns, &[0], scan.lanes);
        Self {
            weights,
            input_panels: scan.uses_own_projection().then(pack_input),
            panels: equations.pack(weights.w_hh, hidden, scan.lanes),
            bias: Buffer::copy(weights.bias, columns),
            bias_hn: Buffer::copy(weights.bias_hn, hidden),
        }
    }

    /// Runs the time loop over a chunk. `hidden` and `cell` are the states before, then after it; the output is written to
    /// `output`, if given.
    pub(super) fn run(
        &self,
        scan: &CpuScan,
        chunk: Chunk,
        input_scratch: &mut Buffer,
        buffers: &mut ChunkBuffers,
        (hidden, cell): StateSlices,
        output: Option<SequenceView>,
    ) {
        let Sizes { batch, hidden: h, .. } = scan.args.sizes;
        let equations = scan.args.equations;
        let layout = scan.layout(chunk.steps);
        let x = scan.input(chunk, input_scratch);
        scan.project(self.weights, self.input_panels.as_ref(), x, batch * chunk.steps, &mut buffers.gates);
        let buffer_view = |buffer: &mut Buffer, width: usize| match buffer.is_empty() {
            true => SequenceView::NULL,
            false => view(layout, buffer.as_mut_ptr(), batch, chunk.steps, width),
        };
        let mut discarded = Buffer::scratch(if output.is_none() { batch * h } else { 0 });
        let step = ForwardStep {
            gates: buffer_view(&mut buffers.gates, equations.gate_blocks() * h),
            output: output.unwrap_or(SequenceView { data: discarded.as_mut_ptr(), time_stride: 0, batch_stride: h }),
            saved_hidden: buffer_view(&mut buffers.saved_hidden, h),
            saved_cell: buffer_view(&mut buffers.saved_cell, h),
            save: buffers.save,
            bias: self.bias.as_ptr(),
            bias_hn: self.bias_hn.as_ptr(),
            hidden: std::ptr::null(),
            next_hidden: std::ptr::null_mut(),
            cell: std::ptr::null_mut(),
            reset_hidden: std::ptr::null_mut(),
        };
        let forward_loop = ForwardLoop {
            equations,
            units: h,
            chunk,
            step,
            panels: &self.panels,
            hidden: hidden.as_mut_ptr(),
            cell: cell.as_mut_ptr(),
        };
        let isa = scan.isa;
        // SAFETY: the views have a row for each step of the chunk and each row of the batch, the states have one for each
        // row of the batch, and the groups have disjoint rows.
        let run_group = |group| unsafe { time_loop::forward(isa, &forward_loop, group) };
        scan.groups.par_iter().with_max_len(1).for_each(run_group);
    }
}

/// [`forward`](crate::cpu::forward) with a given instruction set.
pub fn forward(args: &LayerArgs, policy: SavePolicy, isa: Isa) -> ForwardOutput {
    let scan = CpuScan::new(args, isa);
    let Sizes { batch, time, hidden: h, .. } = args.sizes;
    let equations = args.equations;
    let directions = args.directions.len();
    let state = batch * h;
    let steps = match policy {
        SavePolicy::Everything => chunk_steps(args),
        SavePolicy::Checkpoints => checkpoint_interval(time),
        SavePolicy::Nothing => {
            let row = equations.gate_blocks() * h;
            (PROJECTED_ELEMENTS / (batch * row).max(1)).max(MIN_PROJECTED_ROWS / batch.max(1)).clamp(1, time)
        }
    };
    let chunks = time.div_ceil(steps);
    let mut hidden = initial_states(args.initial_hidden, directions * state);
    let mut cell =
        if equations.has_cell() { initial_states(args.initial_cell, directions * state) } else { Vec::new() };
    let mut output = uninit_vec(batch * time * directions * h);
    let output_ptr = SharedPtr(output.as_mut_ptr());
    let checkpoint_elements = if policy == SavePolicy::Checkpoints { chunks * state } else { 0 };
    let run_direction = |((direction, weights), (hidden, cell)): ((usize, &DirectionWeights), StateSlices)| {
        let packed = PackedDirection::new(&scan, weights);
        let mut input_scratch = scan.input_scratch(steps);
        let mut checkpoints = Checkpoints {
            hidden: Buffer::scratch(checkpoint_elements),
            cell: Buffer::scratch(if equations.has_cell() { checkpoint_elements } else { 0 }),
        };
        let mut run_chunk = |index: usize, buffers: &mut ChunkBuffers| {
            if policy == SavePolicy::Checkpoints {
                checkpoints.put(index, hidden, cell);
            }
            let chunk = scan.chunk(weights, index, steps);
            let output = view(args.layout, output_ptr.at(direction * h), batch, time, directions * h);
            let output = SequenceView { data: output.row(chunk.start, 0), ..output };
            packed.run(&scan, chunk, &mut input_scratch, buffers, (&mut *hidden, &mut *cell), Some(output));
        };
        if policy == SavePolicy::Everything {
            let saved = (0..chunks).map(|index| {
                let mut buffers = ChunkBuffers::new(args, scan.chunk(weights, index, steps).steps, true);
                run_chunk(index, &mut buffers);
                buffers
            });
            return Some(SavedDirection::Chunks(saved.collect()));
        }
        let mut buffers = ChunkBuffers::new(args, steps, false);
        (0..chunks).for_each(|index| run_chunk(index, &mut buffers));
        (policy == SavePolicy::Checkpoints).then_some(SavedDirection::Checkpoints(checkpoints))
    };
    let hidden_states = split_states(&mut hidden, state).into_par_iter();
    let cell_states = split_states_or_empty(&mut cell, state, directions);
    let saved: Vec<Option<SavedDirection>> = args
        .directions
        .par_iter()
        .enumerate()
        .zip(hidden_states.zip(cell_states))
        .with_max_len(1)
        .map(run_direction)
        .collect();
    let saved = saved.into_iter().collect::<Option<Vec<SavedDirection>>>();
    ForwardOutput { output, hidden, cell, saved: saved.map(|directions| SavedForBackward::new(args, directions)) }
}
