//! The memory layout of a sequence.

use burn::backend::Backend;
use burn::backend::tensor::FloatTensor;

/// The order of a sequence's dimensions in memory; features are always contiguous.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// `[batch, time, features]`.
    BatchFirst,
    /// `[time, batch, features]`.
    TimeFirst,
}

impl Layout {
    /// The strides of a step and of a batch row, counted in rows, in a sequence of `steps` steps.
    #[cfg(feature = "cpu")]
    pub(crate) fn row_strides(self, batch: usize, steps: usize) -> (usize, usize) {
        match self {
            Self::BatchFirst => (1, steps),
            Self::TimeFirst => (batch, 1),
        }
    }
}

/// The layout of a sequence `[batch, time, features]` in memory. One that is contiguous in neither order counts as batch
/// first, since it has to be copied anyway.
pub(crate) fn layout_of<B: Backend>(sequence: &FloatTensor<B>, is_contiguous: fn(&FloatTensor<B>) -> bool) -> Layout {
    let time_first = || is_contiguous(&in_layout::<B>(sequence.clone(), Layout::TimeFirst));
    if !is_contiguous(sequence) && time_first() { Layout::TimeFirst } else { Layout::BatchFirst }
}

/// A view of a sequence `[batch, time, features]` with the dimensions in the layout's order. It is its own inverse.
pub(crate) fn in_layout<B: Backend>(sequence: FloatTensor<B>, layout: Layout) -> FloatTensor<B> {
    match layout {
        Layout::BatchFirst => sequence,
        Layout::TimeFirst => B::float_swap_dims(sequence, 0, 1),
    }
}
