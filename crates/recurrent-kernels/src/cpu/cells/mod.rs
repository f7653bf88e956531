//! What each cell does with a finished product: gates and states forward, their gradients back.
//!
//! A function here gets the product of some rows and of one panel's hidden units, in which all gates of those units lie
//! side by side, and goes on to numbers in memory, vector by vector.
//!
//! There is no closure here: the compiler may leave one as a function of its own, which then has no vector instructions.
#![allow(unsafe_code, reason = "vector instructions and pointers without bounds checks, in the inner loop")]

pub mod gru;
pub mod lstm;
pub mod rnn;

use super::lanes::Lanes;
use super::panels::Panel;

/// Rows of numbers, one for each step and each row of the batch.
#[derive(Debug, Clone, Copy)]
pub struct Grid {
    pub numbers: *mut f32,
    /// From step to step.
    pub time: usize,
    /// From row to row of the batch.
    pub batch: usize,
}

impl Grid {
    /// The row of step `t` and batch row `r`.
    pub fn row(self, t: usize, r: usize) -> *mut f32 {
        self.numbers.wrapping_add(t * self.time + r * self.batch)
    }
}

/// The part of a step that one panel makes: some hidden units of the rows that are inside their lengths.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// The step, counted in the grids.
    pub t: usize,
    /// The rows of the batch.
    pub rows: &'a [usize],
    /// Hidden units of the whole layer.
    pub units: usize,
    pub panel: Panel,
    /// The product, a row of the panel's columns for each of the rows; a vector more than the last gate has is readable.
    pub z: *const f32,
}

impl Part<'_> {
    /// The hidden units of a block of the panel.
    #[inline(always)]
    pub fn units<S: Lanes>(&self, block: usize) -> Units {
        let first = self.panel.unit + block * S::L;
        Units { first, n: S::L.min(self.units - first) }
    }

    /// The product of row `m` and a gate of a block.
    ///
    /// # Safety
    /// The machine has the instruction set; the row, the block and the gate are of this part.
    #[inline(always)]
    pub unsafe fn product<S: Lanes>(&self, m: usize, block: usize, gates: usize, gate: usize) -> S::V {
        // SAFETY: z has `width` vectors a row, in which each gate of each block begins at its offset; past the last of them
        // a vector is readable.
        unsafe { S::load(self.z.add(m * self.panel.width * S::L + self.panel.offset(block, gates, gate, S::L))) }
    }
}

/// Neighbouring hidden units, at most as many as a vector has lanes.
#[derive(Debug, Clone, Copy)]
pub struct Units {
    pub first: usize,
    pub n: usize,
}

impl Units {
    /// These units' numbers of a row that has one for each unit.
    ///
    /// # Safety
    /// The machine has the instruction set, and the row has that many numbers.
    #[inline(always)]
    pub unsafe fn load<S: Lanes>(self, row: *const f32) -> S::V {
        // SAFETY: the caller's row has these units.
        unsafe {
            let from = row.add(self.first);
            if self.n == S::L { S::load(from) } else { S::load_first(from, self.n) }
        }
    }

    /// Writes these units' numbers of a row.
    ///
    /// # Safety
    /// As of [`load`](Self::load).
    #[inline(always)]
    pub unsafe fn store<S: Lanes>(self, row: *mut f32, v: S::V) {
        // SAFETY: the caller's row has these units.
        unsafe {
            let to = row.add(self.first);
            if self.n == S::L { S::store(to, v) } else { S::store_first(to, v, self.n) }
        }
    }
}

/// What a forward step reads and writes, besides the product. Rows of `now`, `next`, `cell` and `reset` are counted
/// among a task's own rows, and have one number a hidden unit.
#[derive(Debug, Clone, Copy)]
pub struct Forward {
    /// The projected input on entry; what the backward pass needs on exit.
    pub gates: Grid,
    /// The output.
    pub output: Grid,
    /// The hidden state before each step, for the backward pass; null if nothing is kept.
    pub before: Grid,
    /// The cell state before each step, likewise.
    pub cells: Grid,
    pub keep: bool,
    /// `[gates * hidden]`.
    pub bias: *const f32,
    /// `[hidden]`.
    pub bias_hn: *const f32,
    /// The hidden state before the step.
    pub now: *const f32,
    /// The hidden state after it.
    pub next: *mut f32,
    /// The cell state, before the step and then after it.
    pub cell: *mut f32,
    /// r ⊙ h, of a GRU with the reset gate before the product.
    pub reset: *mut f32,
}

/// What a step back reads and writes, besides the product. Rows of `d_next`, `carry`, `d_cell` and `d_candidate` are
/// counted among a task's own rows.
#[derive(Debug, Clone, Copy)]
pub struct Backward {
    /// What the forward pass kept on entry; the gradients of the pre-activations on exit.
    pub gates: Grid,
    /// The hidden state before each step.
    pub before: Grid,
    /// The cell state before each step.
    pub cells: Grid,
    /// The gradient of the output, if there is one.
    pub d_output: Option<Grid>,
    /// The pre-activations' gradients again, `[rows][gates * hidden]`, for the next product.
    pub d_gates: *mut f32,
    /// The part of the hidden state's gradient that goes back past the product, `[rows][hidden]`.
    pub carry: *mut f32,
    /// The gradient of the cell state, `[rows][hidden]`.
    pub d_cell: *mut f32,
    /// The gradient of the candidate's pre-activation, `[rows][hidden]`, of a GRU with the reset gate before the product.
    pub d_candidate: *mut f32,
}

impl Forward {
    /// The input's part of a gate's pre-activation and the bias.
    ///
    /// # Safety
    /// The machine has the instruction set; `gates` is a row of the gates' grid, `h` the units of a gate.
    #[inline(always)]
    unsafe fn input<S: Lanes>(&self, gates: *const f32, h: usize, gate: usize, units: Units) -> S::V {
        // SAFETY: the row and the bias have `h` numbers for each gate.
        unsafe { S::add(units.load::<S>(gates.add(gate * h)), units.load::<S>(self.bias.add(gate * h))) }
    }
}

impl Backward {
    /// The gradient of the hidden state after the step: through the next step, past its product, and from the output.
    ///
    /// # Safety
    /// The machine has the instruction set; `m` is a row of the part, `units` are of its panel.
    #[inline(always)]
    unsafe fn d_hidden<S: Lanes>(&self, part: &Part, m: usize, block: usize, units: Units) -> S::V {
        // SAFETY: `carry` has a row for each of the part's, the output's gradient one for each step and batch row.
        unsafe {
            let carried = units.load::<S>(self.carry.add(m * part.units));
            let d = S::add(part.product::<S>(m, block, 1, 0), carried);
            match self.d_output {
                Some(grid) => S::add(d, units.load::<S>(grid.row(part.t, part.rows[m]))),
                None => d,
            }
        }
    }
}

/// `d · y · (1 − y)`: back through a sigmoid that gave y.
///
/// # Safety
/// The machine has the instruction set.
#[inline(always)]
unsafe fn through_sigmoid<S: Lanes>(d: S::V, y: S::V) -> S::V {
    // SAFETY: no pointer is touched.
    unsafe { S::mul(d, S::mul(y, S::sub(S::splat(1.0), y))) }
}

/// `d · (1 − y²)`: back through a hyperbolic tangent that gave y.
///
/// # Safety
/// The machine has the instruction set.
#[inline(always)]
unsafe fn through_tanh<S: Lanes>(d: S::V, y: S::V) -> S::V {
    // SAFETY: no pointer is touched.
    unsafe { S::mul(d, S::sub(S::splat(1.0), S::mul(y, y))) }
}
