//! From what a network says of the next token to a text: one token after the other.
//!
//! - [`SamplingConfig`] draws each token: temperature, the likeliest `k`, the likeliest share `p`, fewer repetitions;
//! - [`beam_search`] looks for the likeliest sequences, many sentences at once; with a width of 1 it is greedy.
//!
//! Both know numbers alone. A network comes in as [`StepDecoder`]: sequences side by side that advance by a token each.

mod beam;
mod sampling;

use burn::tensor::{Device, Int, Tensor, TensorData};

pub use beam::{BeamSearch, Hypothesis, StepDecoder, beam_search};
pub use sampling::{Sampler, SamplingConfig};

/// Numbers on a device, `[rows]`.
pub(crate) fn id_tensor(ids: &[u32], device: &Device) -> Tensor<1, Int> {
    let ids: Vec<i32> = ids.iter().map(|id| *id as i32).collect();
    let rows = ids.len();
    Tensor::from_data(TensorData::new(ids, [rows]), device)
}

/// StepDecoder of numbers side by side, `[rows, longest]`, filled up with padding; and how long each is.
pub(crate) fn padded_ids(rows: &[&[u32]], padding: u32, device: &Device) -> (Tensor<2, Int>, Vec<usize>) {
    let lengths: Vec<usize> = rows.iter().map(|row| row.len()).collect();
    let longest = lengths.iter().max().copied().unwrap_or(0);
    let filled = rows.iter().flat_map(|row| row.iter().copied().chain(std::iter::repeat(padding)).take(longest));
    let ids: Vec<i32> = filled.map(|id| id as i32).collect();
    (Tensor::from_data(TensorData::new(ids, [rows.len(), longest]), device), lengths)
}
