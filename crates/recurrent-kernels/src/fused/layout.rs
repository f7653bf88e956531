//! How a sequence lies in memory.

use burn::backend::Backend;
use burn::backend::tensor::FloatTensor;

use crate::pass::Layout;

/// How a sequence `[batch, time, features]` lies in memory, if it lies in one of the two ways; if not, it will have to
/// be copied in any case.
pub fn layout_of<B: Backend>(sequence: &FloatTensor<B>, lies_in_order: fn(&FloatTensor<B>) -> bool) -> Layout {
    let time_first = || lies_in_order(&arranged::<B>(sequence.clone(), Layout::TimeFirst));
    if !lies_in_order(sequence) && time_first() { Layout::TimeFirst } else { Layout::BatchFirst }
}

/// A view of a sequence `[batch, time, features]` with its dimensions in the layout's order; and the way back.
pub fn arranged<B: Backend>(sequence: FloatTensor<B>, layout: Layout) -> FloatTensor<B> {
    match layout {
        Layout::BatchFirst => sequence,
        Layout::TimeFirst => B::float_swap_dims(sequence, 0, 1),
    }
}
