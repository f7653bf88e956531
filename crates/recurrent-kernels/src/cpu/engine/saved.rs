//! What the forward pass saves for the backward pass, and in which chunks of time.

use crate::cpu::checks::Problem;
use crate::cpu::layer_args::{LayerArgs, Sizes};
use crate::cpu::memory::Buffer;

/// Saved elements that no cache holds until the backward pass.
const CACHE_ELEMENTS: usize = 1 << 23;
/// Saved elements of a chunk, which stay in a cache until the gradients of the weights are computed from them.
const CHUNK_ELEMENTS: usize = 3 << 19;
/// Rows per hidden unit that make it worthwhile to add up the gradients of the weights chunk by chunk.
const ROWS_PER_UNIT: usize = 16;

/// What a forward pass saves for the backward pass.
#[derive(Debug)]
pub struct SavedForBackward {
    problem: Problem,
    pub(super) directions: Vec<SavedDirection>,
}

impl SavedForBackward {
    pub(super) fn new(args: &LayerArgs, directions: Vec<SavedDirection>) -> Self {
        Self { problem: args.problem(), directions }
    }

    /// Whether a forward pass with such arguments saved the values.
    pub(in crate::cpu) fn is_of(&self, args: &LayerArgs) -> bool {
        self.problem == args.problem()
    }

    /// The number of saved elements, 4 bytes each.
    pub fn elements(&self) -> usize {
        self.directions.iter().map(SavedDirection::elements).sum()
    }

    /// The addresses of the first buffer of each direction.
    #[cfg(test)]
    pub fn addresses(&self) -> Vec<*const f32> {
        self.directions.iter().map(SavedDirection::address).collect()
    }
}

/// What is saved of one direction.
#[derive(Debug)]
pub enum SavedDirection {
    /// Everything, chunk by chunk.
    Chunks(Vec<ChunkBuffers>),
    /// The states before each chunk.
    Checkpoints(Checkpoints),
}

impl SavedDirection {
    #[cfg(test)]
    fn address(&self) -> *const f32 {
        match self {
            Self::Chunks(chunks) => chunks[0].gates.as_ptr(),
            Self::Checkpoints(checkpoints) => checkpoints.hidden.as_ptr(),
        }
    }

    fn elements(&self) -> usize {
        match self {
            Self::Chunks(chunks) => {
                chunks.iter().map(|chunk| chunk.gates.len() + chunk.saved_hidden.len() + chunk.saved_cell.len()).sum()
            }
            Self::Checkpoints(checkpoints) => checkpoints.hidden.len() + checkpoints.cell.len(),
        }
    }
}

/// The buffers that a time loop writes over one chunk.
#[derive(Debug)]
pub struct ChunkBuffers {
    /// Whether they are saved for the backward pass; if not, there is room for the projected input only.
    pub(super) save: bool,
    pub(super) gates: Buffer,
    pub(super) saved_hidden: Buffer,
    pub(super) saved_cell: Buffer,
}

impl ChunkBuffers {
    /// Buffers for a chunk of `steps` steps.
    pub(super) fn new(args: &LayerArgs, steps: usize, save: bool) -> Self {
        let Sizes { batch, hidden, .. } = args.sizes;
        let rows = if save { batch * steps } else { 0 };
        Self {
            save,
            gates: Buffer::scratch(batch * steps * args.equations.gate_blocks() * hidden),
            saved_hidden: Buffer::scratch(rows * hidden),
            saved_cell: Buffer::scratch(if args.equations.has_cell() { rows * hidden } else { 0 }),
        }
    }
}

/// The states before each chunk, consecutively.
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

/// The number of steps in a chunk of a training pass. A sequence whose saved values exceed a cache is processed in
/// chunks, so that the gradients of the weights read them from the cache. Large weights take longer chunks, since adding
/// up their gradients chunk by chunk costs time too.
pub fn chunk_steps(args: &LayerArgs) -> usize {
    let Sizes { batch, time, hidden, .. } = args.sizes;
    let blocks = args.equations.gate_blocks() + 1 + usize::from(args.equations.has_cell());
    let step = batch * blocks * hidden;
    if time * step <= CACHE_ELEMENTS {
        return time;
    }
    let max_steps = (CHUNK_ELEMENTS / step).max(ROWS_PER_UNIT * hidden / batch).clamp(1, time);
    // Chunks of about equal length.
    time.div_ceil(time.div_ceil(max_steps))
}

/// The number of steps between two checkpoints: √time makes what is saved and what is recomputed about equal in size.
pub(super) fn checkpoint_interval(time: usize) -> usize {
    time.isqrt().max(1)
}
