//! The time loop: what one task does with its rows of the batch, from the first step to the last or backward.
//!
//! A task owns its rows, so no synchronization is needed between the steps.
#![allow(unsafe_code, reason = "pointers into memory that several tasks share, each with disjoint rows")]

use super::isa::for_each_isa;
use super::memory::Buffer;
use super::panels::{PANEL_VECTORS, Panel, Panels};
use super::pointwise::{BackwardStep, ForwardStep, PanelProduct, UnitRange, gru, lstm, rnn};
use super::simd::Simd;
use super::tile::{LeftOperand, MAX_LANES, RightOperand, TileMatmul};
use crate::{Direction, Equations};

/// Elements of a panel that are multiplied at once: half of a core's second-level cache.
const PANEL_BLOCK: usize = 1 << 17;

/// A chunk of consecutive steps of a sequence.
#[derive(Debug, Clone, Copy)]
pub struct Chunk {
    pub direction: Direction,
    /// The first step of the chunk in the sequence.
    pub start: usize,
    pub steps: usize,
}

impl Chunk {
    /// The `index`-th step in processing order, counted from the start of the chunk.
    fn step(self, index: usize) -> usize {
        match self.direction {
            Direction::Forward => index,
            Direction::Reverse => self.steps - 1 - index,
        }
    }
}

/// The rows of the batch that one task processes, the longest first.
#[derive(Debug)]
pub struct RowGroup {
    pub rows: Vec<usize>,
    /// The number of valid steps of each row; `None` if all rows are full.
    pub lengths: Option<Vec<usize>>,
}

impl RowGroup {
    /// How many rows, from the first, are within their length at a step of the sequence.
    fn active(&self, step: usize) -> usize {
        match &self.lengths {
            Some(lengths) => lengths.partition_point(|length| step < *length),
            None => self.rows.len(),
        }
    }
}

/// A forward loop over a chunk, the same for all tasks.
#[derive(Debug, Clone, Copy)]
pub struct ForwardLoop<'a> {
    pub equations: Equations,
    /// Hidden units.
    pub units: usize,
    pub chunk: Chunk,
    /// Without the pointers that belong to one task.
    pub step: ForwardStep,
    /// The recurrent weights, one for each product of a step.
    pub panels: &'a [Panels],
    /// The hidden state before, then after the loop, `[batch, hidden]`.
    pub hidden: *mut f32,
    /// The cell state of an LSTM, likewise.
    pub cell: *mut f32,
}

// SAFETY: each task accesses its own rows only.
unsafe impl Sync for ForwardLoop<'_> {}

/// A backward loop over a chunk, the same for all tasks.
#[derive(Debug, Clone, Copy)]
pub struct BackwardLoop<'a> {
    pub equations: Equations,
    /// Hidden units.
    pub units: usize,
    pub chunk: Chunk,
    /// Without the pointers that belong to one task.
    pub step: BackwardStep,
    /// The transposed recurrent weights, one for each product of a step.
    pub panels: &'a [Panels],
    /// The gradient of the hidden state after the chunk, then, if needed, before it, `[batch, hidden]`.
    pub d_hidden: *mut f32,
    /// The gradient of the cell state of an LSTM, likewise.
    pub d_cell: *mut f32,
    /// Whether the gradient of the state before the chunk is needed.
    pub needs_state: bool,
    /// Values in a row of the gate buffer.
    pub width: usize,
}

// SAFETY: each task accesses its own rows only.
unsafe impl Sync for BackwardLoop<'_> {}

/// A projection of input rows: `x [rows, input]` times panels, into rows of `width` values.
#[derive(Debug, Clone, Copy)]
pub struct Projection<'a> {
    pub x: *const f32,
    pub panels: &'a Panels,
    pub columns: usize,
    pub gates: *mut f32,
    pub width: usize,
}

// SAFETY: each call accesses only the rows that it is given.
unsafe impl Sync for Projection<'_> {}

/// One step of a single row, the same for all threads that share it.
#[derive(Debug, Clone, Copy)]
pub struct SingleStep<'a> {
    pub equations: Equations,
    /// Hidden units.
    pub units: usize,
    /// With the pointers to the states.
    pub step: ForwardStep,
    pub x: *const f32,
    /// The input weights, packed like the recurrent ones.
    pub input_panels: &'a [Panels],
    /// The recurrent weights, one for each product of a step.
    pub panels: &'a [Panels],
}

// SAFETY: each part of a step accesses only the units of its own panels.
unsafe impl Sync for SingleStep<'_> {}

for_each_isa! {
    /// Runs a group of rows forward through all steps of a chunk.
    ///
    /// # Safety
    /// The pointers are valid as [`ForwardLoop`] describes, and no other task has a row of this group.
    forward => forward_rows(args: &ForwardLoop, group: &RowGroup)
}

for_each_isa! {
    /// Runs a group of rows backward through all steps of a chunk.
    ///
    /// # Safety
    /// As [`forward`].
    backward => backward_rows(args: &BackwardLoop, group: &RowGroup)
}

for_each_isa! {
    /// Projects `rows` rows from `first` on.
    ///
    /// # Safety
    /// The pointers are valid as [`Projection`] describes, and no other task has one of these rows.
    project => project_rows(projection: &Projection, first: usize, rows: usize)
}

for_each_isa! {
    /// Computes the hidden units of the panels `from..to` of one product (`stage`) of a step.
    ///
    /// # Safety
    /// The pointers are valid as [`SingleStep`] describes, and no other task has these panels.
    step => step_panels(args: &SingleStep, stage: usize, from: usize, to: usize)
}

/// Multiplies `left` by the panel `index`, into `z`.
///
/// # Safety
/// The machine has the instruction set; `left` is as wide as the panels are deep; `z` has room for `left.rows` rows of a
/// panel.
#[inline(always)]
unsafe fn matmul_panel<S: TileMatmul>(left: LeftOperand, panels: &Panels, index: usize, z: *mut f32) -> Panel {
    let panel = panels.panel(index);
    let row = panel.width * S::LANES;
    let next = panels.panel(index + 1).data;
    // A single row of tiles reads the panel once, so it gains nothing from keeping a block of it in the cache.
    let depth = if left.rows > S::TILE_ROWS { PANEL_BLOCK / row } else { left.k };
    let mut from = 0;
    while from < left.k {
        let k = depth.min(left.k - from);
        // SAFETY: `from + k` is at most the depth of the product.
        unsafe {
            let left = LeftOperand { data: left.data.add(from), k, ..left };
            let right = RightOperand {
                data: panel.data.add(from * row),
                next: next.wrapping_add(from * row),
                width: panel.width,
            };
            S::matmul(left, right, z, from == 0);
        }
        from += k;
    }
    panel
}

/// The pointwise part of a forward step after the product of a stage.
///
/// # Safety
/// The machine has the instruction set; all pointers are valid as [`ForwardStep`] and [`PanelProduct`] describe.
#[inline(always)]
unsafe fn pointwise_forward<S: Simd>(equations: Equations, stage: usize, step: &ForwardStep, product: &PanelProduct) {
    // SAFETY: the caller guarantees the pointers.
    unsafe {
        match equations {
            Equations::Rnn(nonlinearity) => rnn::forward::<S>(step, product, nonlinearity),
            Equations::Lstm { clip } => lstm::forward::<S>(step, product, clip),
            Equations::Gru { reset_after: true } => gru::forward_after::<S>(step, product),
            Equations::Gru { reset_after: false } if stage == 0 => gru::forward_reset::<S>(step, product),
            Equations::Gru { reset_after: false } => gru::forward_candidate::<S>(step, product),
        }
    }
}

/// The pointwise part of a backward step after the product of a stage.
///
/// # Safety
/// The machine has the instruction set; all pointers are valid as [`BackwardStep`] and [`PanelProduct`] describe.
#[inline(always)]
unsafe fn pointwise_backward<S: Simd>(equations: Equations, stage: usize, step: &BackwardStep, product: &PanelProduct) {
    // SAFETY: the caller guarantees the pointers.
    unsafe {
        match equations {
            Equations::Rnn(nonlinearity) => rnn::backward::<S>(step, product, nonlinearity),
            Equations::Lstm { clip } => lstm::backward::<S>(step, product, clip),
            Equations::Gru { reset_after: true } => gru::backward_after::<S>(step, product),
            Equations::Gru { reset_after: false } if stage == 0 => gru::backward_candidate::<S>(step, product),
            Equations::Gru { reset_after: false } => gru::backward_reset::<S>(step, product),
        }
    }
}

/// # Safety
/// As [`forward`]; the machine has the instruction set.
#[inline(always)]
unsafe fn forward_rows<S: TileMatmul>(args: &ForwardLoop, group: &RowGroup) {
    let (h, n) = (args.units, group.rows.len());
    let state = n * h;
    let mut scratch = Buffer::scratch(4 * state + n * PANEL_VECTORS * S::LANES);
    let [mut hidden, mut next_hidden, cell, reset_hidden, z] =
        [0, 1, 2, 3, 4].map(|at| scratch[at * state..].as_mut_ptr());
    let has_cell = matches!(args.equations, Equations::Lstm { .. });
    // SAFETY: each part of the scratch has a row of `h` values for each row of the group; the states have one for each row
    // of the batch, and the views one for each step and row. The left operand of the product is in the scratch, and its
    // panels are `h` deep. A dense panel leaves a vector or more of each row of `z` readable past its last gate.
    unsafe {
        for (m, row) in group.rows.iter().enumerate() {
            args.hidden.add(row * h).copy_to_nonoverlapping(hidden.add(m * h), h);
            if has_cell {
                args.cell.add(row * h).copy_to_nonoverlapping(cell.add(m * h), h);
            }
        }
        for index in 0..args.chunk.steps {
            let t = args.chunk.step(index);
            let active = group.active(args.chunk.start + t);
            let rows = &group.rows[..active];
            let step = ForwardStep { hidden, next_hidden, cell, reset_hidden, ..args.step };
            let left = LeftOperand { data: hidden, stride: h, rows: active, k: h };
            for (stage, panels) in args.panels.iter().enumerate() {
                let left = if stage == 0 { left } else { LeftOperand { data: reset_hidden, ..left } };
                for index in 0..panels.len() {
                    let panel = matmul_panel::<S>(left, panels, index, z);
                    pointwise_forward::<S>(args.equations, stage, &step, &PanelProduct { t, rows, units: h, panel, z });
                }
            }
            for (m, row) in group.rows.iter().enumerate().skip(active) {
                hidden.add(m * h).copy_to_nonoverlapping(next_hidden.add(m * h), h);
                step.output.row(t, *row).write_bytes(0, h);
                if step.save {
                    step.saved_hidden.row(t, *row).write_bytes(0, h);
                }
            }
            std::mem::swap(&mut hidden, &mut next_hidden);
        }
        for (m, row) in group.rows.iter().enumerate() {
            hidden.add(m * h).copy_to_nonoverlapping(args.hidden.add(row * h), h);
            if has_cell {
                cell.add(m * h).copy_to_nonoverlapping(args.cell.add(row * h), h);
            }
        }
    }
}

/// # Safety
/// As [`backward`]; the machine has the instruction set.
#[inline(always)]
unsafe fn backward_rows<S: TileMatmul>(args: &BackwardLoop, group: &RowGroup) {
    let (h, n) = (args.units, group.rows.len());
    let state = n * h;
    // The depth of a step's product.
    let k = args.panels[0].k;
    let mut scratch = Buffer::scratch(2 * n * k + 3 * state + n * PANEL_VECTORS * S::LANES);
    let [mut d_gates, mut next_d_gates] = [0, 1].map(|at| scratch[at * n * k..].as_mut_ptr());
    let [carry, d_cell, d_candidate, z] = [0, 1, 2, 3].map(|at| scratch[2 * n * k + at * state..].as_mut_ptr());
    let has_cell = matches!(args.equations, Equations::Lstm { .. });
    // SAFETY: as in `forward_rows`; the rows of `d_gates` and `next_d_gates` are as long as the panels.
    unsafe {
        d_gates.write_bytes(0, n * k);
        for (m, row) in group.rows.iter().enumerate() {
            args.d_hidden.add(row * h).copy_to_nonoverlapping(carry.add(m * h), h);
            if has_cell {
                args.d_cell.add(row * h).copy_to_nonoverlapping(d_cell.add(m * h), h);
            }
        }
        for index in (0..args.chunk.steps).rev() {
            let t = args.chunk.step(index);
            let active = group.active(args.chunk.start + t);
            let rows = &group.rows[..active];
            let step = BackwardStep { d_gates: next_d_gates, carry, d_cell, d_candidate, ..args.step };
            for (stage, panels) in args.panels.iter().enumerate() {
                let left = if stage == 0 {
                    // No step follows the last one, so its product is zero.
                    let k = if index + 1 == args.chunk.steps { 0 } else { k };
                    LeftOperand { data: d_gates, stride: panels.k, rows: active, k }
                } else {
                    LeftOperand { data: d_candidate, stride: h, rows: active, k: h }
                };
                if left.k == 0 {
                    z.write_bytes(0, active * PANEL_VECTORS * S::LANES);
                }
                for index in 0..panels.len() {
                    let panel = matmul_panel::<S>(left, panels, index, z);
                    pointwise_backward::<S>(
                        args.equations,
                        stage,
                        &step,
                        &PanelProduct { t, rows, units: h, panel, z },
                    );
                }
            }
            for (m, row) in group.rows.iter().enumerate().skip(active) {
                d_gates.add(m * k).copy_to_nonoverlapping(next_d_gates.add(m * k), k);
                step.gates.row(t, *row).write_bytes(0, args.width);
            }
            std::mem::swap(&mut d_gates, &mut next_d_gates);
        }
        if args.needs_state {
            let left = LeftOperand { data: d_gates, stride: k, rows: n, k };
            for index in 0..args.panels[0].len() {
                let panel = matmul_panel::<S>(left, &args.panels[0], index, z);
                let product = PanelProduct { t: 0, rows: &group.rows, units: h, panel, z };
                for block in 0..panel.blocks {
                    let units = product.units::<S>(block);
                    for (m, row) in group.rows.iter().enumerate() {
                        let carried = units.load::<S>(carry.add(m * h));
                        let d = S::add(product.gate::<S>(m, block, 1, 0), carried);
                        units.store::<S>(args.d_hidden.add(row * h), d);
                    }
                }
            }
            if has_cell {
                for (m, row) in group.rows.iter().enumerate() {
                    d_cell.add(m * h).copy_to_nonoverlapping(args.d_cell.add(row * h), h);
                }
            }
        }
    }
}

/// # Safety
/// As [`project`]; the machine has the instruction set.
#[inline(always)]
unsafe fn project_rows<S: TileMatmul>(projection: &Projection, first: usize, rows: usize) {
    let k = projection.panels.k;
    let mut scratch = Buffer::scratch(rows * PANEL_VECTORS * S::LANES);
    let z = scratch.as_mut_ptr();
    // SAFETY: the rows from `first` on have `k` inputs and `width` gate values.
    unsafe {
        let left = LeftOperand { data: projection.x.add(first * k), stride: k, rows, k };
        let gates = projection.gates.add(first * projection.width);
        for index in 0..projection.panels.len() {
            let panel = matmul_panel::<S>(left, projection.panels, index, z);
            for block in 0..panel.blocks {
                let unit = panel.unit + block * S::LANES;
                let units = UnitRange { first: unit, n: S::LANES.min(projection.columns - unit) };
                for m in 0..rows {
                    let v = S::load(z.add((m * panel.width + block) * S::LANES));
                    units.store::<S>(gates.add(m * projection.width), v);
                }
            }
        }
    }
}

/// # Safety
/// As [`step`]; the machine has the instruction set.
#[inline(always)]
unsafe fn step_panels<S: TileMatmul>(args: &SingleStep, stage: usize, from: usize, to: usize) {
    let h = args.units;
    let step = &args.step;
    let (input_panels, panels) = (&args.input_panels[stage], &args.panels[stage]);
    let gates = step.gates.row(0, 0);
    let mut z = [0.0f32; PANEL_VECTORS * MAX_LANES];
    let z = z.as_mut_ptr();
    // SAFETY: the product of one row fits into z; the gates have a block of `h` values for each gate.
    unsafe {
        for index in from..to {
            let (input, panel) = (input_panels.panel(index), panels.panel(index));
            let right = RightOperand { data: input.data, next: panel.data, width: panel.width };
            let k = input_panels.k;
            S::matmul(LeftOperand { data: args.x, stride: k, rows: 1, k }, right, z, true);
            let gate_count = panels.gates();
            let first = if stage == 0 { 0 } else { 2 };
            for block in 0..panel.blocks {
                let unit = panel.unit + block * S::LANES;
                let units = UnitRange { first: unit, n: S::LANES.min(h - unit) };
                for gate in 0..gate_count {
                    let v = S::load(z.add(panel.offset(block, gate_count, gate, S::LANES)));
                    units.store::<S>(gates.add((first + gate) * h), v);
                }
            }
            let right = RightOperand { data: panel.data, next: input_panels.panel(index + 1).data, width: panel.width };
            let hidden = if stage == 0 { step.hidden } else { step.reset_hidden.cast_const() };
            S::matmul(LeftOperand { data: hidden, stride: h, rows: 1, k: h }, right, z, true);
            pointwise_forward::<S>(args.equations, stage, step, &PanelProduct { t: 0, rows: &[0], units: h, panel, z });
        }
    }
}
