//! The pointwise part of a step: gates and states from a product, and their gradients in the backward pass.
//!
//! A function here takes the product of some rows with one panel, which has all gates of the panel's hidden units, and
//! processes it vector by vector.
//!
//! There are no closures: the compiler may compile one as a separate function without vector instructions.
#![allow(unsafe_code, reason = "vector instructions and unchecked pointers, in the inner loop")]

pub mod gru;
pub mod lstm;
pub mod rnn;

use super::panels::Panel;
use super::simd::Simd;
use crate::Equations;

/// A strided view of a sequence: one row of values for each step and each row of the batch.
#[derive(Debug, Clone, Copy)]
pub struct SequenceView {
    pub data: *mut f32,
    /// From step to step.
    pub time_stride: usize,
    /// From row to row of the batch.
    pub batch_stride: usize,
}

impl SequenceView {
    /// A view that is never accessed.
    pub const NULL: Self = Self { data: std::ptr::null_mut(), time_stride: 0, batch_stride: 0 };

    /// The row of step `t` and batch row `r`.
    pub fn row(self, t: usize, r: usize) -> *mut f32 {
        self.data.wrapping_add(t * self.time_stride + r * self.batch_stride)
    }
}

impl Equations {
    /// Blocks of `hidden` values in a row of the gate buffer: the gates, and for a GRU one more.
    pub(super) fn gate_blocks(self) -> usize {
        match self {
            Self::Gru { .. } => 4,
            _ => self.gates(),
        }
    }
}

/// The product of the active rows of a step with one panel.
#[derive(Debug, Clone, Copy)]
pub struct PanelProduct<'a> {
    /// The step, as the views count it.
    pub t: usize,
    /// The active rows of the batch.
    pub rows: &'a [usize],
    /// Hidden units of the whole layer.
    pub units: usize,
    pub panel: Panel,
    /// The product: one row of the panel's width for each of the rows. One vector past the last gate is readable.
    pub z: *const f32,
}

impl PanelProduct<'_> {
    /// The hidden units of a block of the panel.
    #[inline(always)]
    pub fn units<S: Simd>(&self, block: usize) -> UnitRange {
        let first = self.panel.unit + block * S::LANES;
        UnitRange { first, n: S::LANES.min(self.units - first) }
    }

    /// The values of a gate of a block, for the `m`-th row.
    ///
    /// # Safety
    /// The machine has the instruction set; the row, the block and the gate exist.
    #[inline(always)]
    pub unsafe fn gate<S: Simd>(&self, m: usize, block: usize, gates: usize, gate: usize) -> S::Vector {
        // SAFETY: z has `width` vectors per row, in which each gate of each block begins at its offset; past the last of
        // them one more vector is readable.
        unsafe {
            S::load(self.z.add(m * self.panel.width * S::LANES + self.panel.offset(block, gates, gate, S::LANES)))
        }
    }
}

/// Adjacent hidden units, at most as many as a vector has lanes.
#[derive(Debug, Clone, Copy)]
pub struct UnitRange {
    pub first: usize,
    pub n: usize,
}

impl UnitRange {
    /// Loads these units' values from a row that has one for each unit.
    ///
    /// # Safety
    /// The machine has the instruction set, and the row has these units.
    #[inline(always)]
    pub unsafe fn load<S: Simd>(self, row: *const f32) -> S::Vector {
        // SAFETY: the caller's row has these units.
        unsafe {
            let from = row.add(self.first);
            if self.n == S::LANES { S::load(from) } else { S::load_first(from, self.n) }
        }
    }

    /// Stores these units' values to a row.
    ///
    /// # Safety
    /// As [`load`](Self::load).
    #[inline(always)]
    pub unsafe fn store<S: Simd>(self, row: *mut f32, v: S::Vector) {
        // SAFETY: the caller's row has these units.
        unsafe {
            let to = row.add(self.first);
            if self.n == S::LANES { S::store(to, v) } else { S::store_first(to, v, self.n) }
        }
    }
}

/// The memory of a forward step. The rows of `hidden`, `next_hidden`, `cell` and `reset_hidden` are a task's own rows, one
/// value per hidden unit.
#[derive(Debug, Clone, Copy)]
pub struct ForwardStep {
    /// The projected input before the step; after it what the backward pass needs.
    pub gates: SequenceView,
    /// The output.
    pub output: SequenceView,
    /// The hidden state before each step, saved for the backward pass; null without `save`.
    pub saved_hidden: SequenceView,
    /// The cell state before each step, likewise.
    pub saved_cell: SequenceView,
    /// Whether values are saved for the backward pass.
    pub save: bool,
    /// `[gates * hidden]`.
    pub bias: *const f32,
    /// `[hidden]`.
    pub bias_hn: *const f32,
    /// The hidden state before the step.
    pub hidden: *const f32,
    /// The hidden state after the step.
    pub next_hidden: *mut f32,
    /// The cell state before, then after the step.
    pub cell: *mut f32,
    /// r ⊙ h of a reset-before GRU.
    pub reset_hidden: *mut f32,
}

/// The memory of a backward step. The rows of `d_gates`, `carry`, `d_cell` and `d_candidate` are a task's own rows.
#[derive(Debug, Clone, Copy)]
pub struct BackwardStep {
    /// What the forward pass saved; after the step the gradients of the pre-activations.
    pub gates: SequenceView,
    /// The hidden state before each step.
    pub saved_hidden: SequenceView,
    /// The cell state before each step.
    pub saved_cell: SequenceView,
    /// The gradient of the output, if there is one.
    pub d_output: Option<SequenceView>,
    /// The gradients of the pre-activations, `[rows][gates * hidden]`, for the next product.
    pub d_gates: *mut f32,
    /// The part of the hidden state's gradient that bypasses the product, `[rows][hidden]`.
    pub carry: *mut f32,
    /// The gradient of the cell state, `[rows][hidden]`.
    pub d_cell: *mut f32,
    /// The gradient of the candidate's pre-activation, `[rows][hidden]`, of a reset-before GRU.
    pub d_candidate: *mut f32,
}

impl ForwardStep {
    /// The contribution of the input and the bias to a gate's pre-activation.
    ///
    /// # Safety
    /// The machine has the instruction set; `gates` is a row of the gate buffer with `h` units per gate.
    #[inline(always)]
    unsafe fn input<S: Simd>(&self, gates: *const f32, h: usize, gate: usize, units: UnitRange) -> S::Vector {
        // SAFETY: the row and the bias have `h` values for each gate.
        unsafe { S::add(units.load::<S>(gates.add(gate * h)), units.load::<S>(self.bias.add(gate * h))) }
    }
}

impl BackwardStep {
    /// The gradient of the hidden state after the step: through the next step's product, past it, and from the output.
    ///
    /// # Safety
    /// The machine has the instruction set; `m` is a row of the product, `units` are of its panel.
    #[inline(always)]
    unsafe fn d_hidden<S: Simd>(&self, product: &PanelProduct, m: usize, block: usize, units: UnitRange) -> S::Vector {
        // SAFETY: `carry` has one row for each row of the product, the output's gradient one for each step and batch row.
        unsafe {
            let carried = units.load::<S>(self.carry.add(m * product.units));
            let d = S::add(product.gate::<S>(m, block, 1, 0), carried);
            match self.d_output {
                Some(d_output) => S::add(d, units.load::<S>(d_output.row(product.t, product.rows[m]))),
                None => d,
            }
        }
    }
}

/// The backward pass of a sigmoid with the result y: `d · y · (1 − y)`.
///
/// # Safety
/// The machine has the instruction set.
#[inline(always)]
unsafe fn sigmoid_backward<S: Simd>(d: S::Vector, y: S::Vector) -> S::Vector {
    // SAFETY: no pointer is accessed.
    unsafe { S::mul(d, S::mul(y, S::sub(S::splat(1.0), y))) }
}

/// The backward pass of a hyperbolic tangent with the result y: `d · (1 − y²)`.
///
/// # Safety
/// The machine has the instruction set.
#[inline(always)]
unsafe fn tanh_backward<S: Simd>(d: S::Vector, y: S::Vector) -> S::Vector {
    // SAFETY: no pointer is accessed.
    unsafe { S::mul(d, S::sub(S::splat(1.0), S::mul(y, y))) }
}
