//! What the way forward leaves for the way back, and in which stretches.

use crate::cpu::memory::Buffer;
use crate::cpu::{Problem, Sizes};

/// Numbers kept for the way back that no cache holds from the way forward to the way back.
const NO_CACHE_HOLDS: usize = 1 << 23;
/// Numbers kept for the way back that stay in a cache until the weights' gradients are made of them.
const KEPT_AT_ONCE: usize = 3 << 19;
/// Rows for each hidden unit that make a part of the weights' gradients worth adding to the other parts.
const ROWS_A_UNIT: usize = 16;

/// What a walk leaves for the way back.
#[derive(Debug)]
pub struct Run {
    /// Whether it is kept for the way back; if not, it is a place for the projected input alone.
    pub(super) keep: bool,
    pub(super) gates: Buffer,
    pub(super) before: Buffer,
    pub(super) cells: Buffer,
}

impl Run {
    /// Room for a stretch of `steps` steps; without `keep`, for its gates alone.
    pub(super) fn new(problem: &Problem, steps: usize, keep: bool) -> Self {
        let Sizes { batch, hidden, .. } = problem.sizes;
        let rows = if keep { batch * steps } else { 0 };
        Self {
            keep,
            gates: Buffer::scratch(batch * steps * problem.equations.parts() * hidden),
            before: Buffer::scratch(rows * hidden),
            cells: Buffer::scratch(if problem.equations.has_cell() { rows * hidden } else { 0 }),
        }
    }
}

/// What a direction keeps for the way back.
#[derive(Debug)]
pub enum Kept {
    /// All of it, stretch by stretch.
    Runs(Vec<Run>),
    /// The states before each stretch.
    Checkpoints(Checkpoints),
}

/// The states before each stretch, one after the other.
#[derive(Debug)]
pub struct Checkpoints {
    pub(super) hidden: Buffer,
    pub(super) cell: Buffer,
}

impl Checkpoints {
    pub(super) fn put(&mut self, index: usize, hidden: &[f32], cell: &[f32]) {
        self.hidden[index * hidden.len()..(index + 1) * hidden.len()].copy_from_slice(hidden);
        self.cell[index * cell.len()..(index + 1) * cell.len()].copy_from_slice(cell);
    }

    pub(super) fn get(&self, index: usize, hidden: &mut [f32], cell: &mut [f32]) {
        let (h, c) = (hidden.len(), cell.len());
        hidden.copy_from_slice(&self.hidden[index * h..(index + 1) * h]);
        cell.copy_from_slice(&self.cell[index * c..(index + 1) * c]);
    }
}

impl Kept {
    /// Where the first of them lies.
    #[cfg(test)]
    pub fn address(&self) -> *const f32 {
        match self {
            Self::Runs(runs) => runs[0].gates.as_ptr(),
            Self::Checkpoints(saved) => saved.hidden.as_ptr(),
        }
    }

    /// Numbers that are kept.
    pub fn numbers(&self) -> usize {
        match self {
            Self::Runs(runs) => runs.iter().map(|run| run.gates.len() + run.before.len() + run.cells.len()).sum(),
            Self::Checkpoints(saved) => saved.hidden.len() + saved.cell.len(),
        }
    }
}

/// The steps that a training pass goes over before it turns to the next ones. A sequence of which more is kept than a
/// cache holds goes in stretches, so that the weights' gradients need not fetch it once more. Large weights take longer
/// ones all the same: to add up their gradients part by part costs too.
pub fn stretch(problem: &Problem) -> usize {
    let Sizes { batch, time, hidden, .. } = problem.sizes;
    let kept = problem.equations.parts() + 1 + usize::from(problem.equations.has_cell());
    let step = batch * kept * hidden;
    if time * step <= NO_CACHE_HOLDS {
        return time;
    }
    let most = (KEPT_AT_ONCE / step).max(ROWS_A_UNIT * hidden / batch).clamp(1, time);
    // All of about the same length.
    time.div_ceil(time.div_ceil(most))
}

/// The steps between two checkpoints: what is kept and what is computed again are then about as large.
pub(super) fn segment(time: usize) -> usize {
    time.isqrt().max(1)
}
