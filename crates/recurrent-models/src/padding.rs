//! Steps past the ends of the rows of a batch.

use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use recurrent_kernels::check_lengths;

/// The score of a masked step: its softmax is exactly zero, and it is never a maximum.
pub(crate) const MASKED: f32 = -1e9;

/// True past each row's end, `[batch, time]`; `None` if every row is full.
pub(crate) fn padding_mask(lengths: &[usize], time: usize, device: &Device) -> Option<Tensor<2, Bool>> {
    if lengths.iter().all(|length| *length == time) {
        return None;
    }
    let past: Vec<bool> = lengths.iter().flat_map(|length| (0..time).map(move |t| t >= *length)).collect();
    Some(Tensor::from_data(TensorData::new(past, [lengths.len(), time]), device))
}

/// Sets the padding to zero, so that not even a NaN there can reach a gradient.
pub(crate) fn clear_padding(x: Tensor<3>, lengths: &[usize]) -> Tensor<3> {
    fill_padding(x, lengths, 0.0)
}

/// Sets the padding of `x [batch, time, features]` to `value`.
pub(crate) fn fill_padding(x: Tensor<3>, lengths: &[usize], value: f32) -> Tensor<3> {
    let [batch, time, features] = x.dims();
    match padding_mask(lengths, time, &x.device()) {
        Some(past) => x.mask_fill(past.unsqueeze_dim::<3>(2).expand([batch, time, features]), value),
        None => x,
    }
}

/// Panics unless there is one length per row, none greater than `time` and none zero: a mean, a maximum or a softmax
/// over a row needs at least one step.
pub(crate) fn check_nonempty(lengths: &[usize], batch: usize, time: usize) {
    check_lengths(lengths, batch, time);
    if let Some(row) = lengths.iter().position(|length| *length == 0) {
        panic!("every row needs at least one step, but the length of row {row} is 0");
    }
}

/// The indices that repeat each of `batch` rows `times` times: `0, 0, 1, 1, ..`.
pub(crate) fn repeated_rows(batch: usize, times: usize, device: &Device) -> Tensor<1, Int> {
    let rows = (0..batch as i64).flat_map(|row| std::iter::repeat_n(row, times));
    Tensor::from_data(TensorData::new(rows.collect::<Vec<i64>>(), [batch * times]), device)
}
