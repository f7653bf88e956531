//! What lies past the ends of the rows of a batch.

use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use recurrent_kernels::check_lengths;

/// Takes the place of a number that must never win: what a softmax turns into an exact zero, and no maximum is.
pub(crate) const NEVER: f32 = -1e9;

/// True past each row's end, `[batch, time]`; `None` if every row is full.
pub(crate) fn past_the_end(lengths: &[usize], time: usize, device: &Device) -> Option<Tensor<2, Bool>> {
    if lengths.iter().all(|length| *length == time) {
        return None;
    }
    let past: Vec<bool> = lengths.iter().flat_map(|length| (0..time).map(move |t| t >= *length)).collect();
    Some(Tensor::from_data(TensorData::new(past, [lengths.len(), time]), device))
}

/// Sets what lies past each row's end to zero, so that not even a NaN there can reach a gradient.
pub(crate) fn clear_padding(x: Tensor<3>, lengths: &[usize]) -> Tensor<3> {
    fill_padding(x, lengths, 0.0)
}

/// Sets what lies past each row's end to `value`, `x [batch, time, features]`.
pub(crate) fn fill_padding(x: Tensor<3>, lengths: &[usize], value: f32) -> Tensor<3> {
    let [batch, time, features] = x.dims();
    match past_the_end(lengths, time, &x.device()) {
        Some(past) => x.mask_fill(past.unsqueeze_dim::<3>(2).expand([batch, time, features]), value),
        None => x,
    }
}

/// Panics unless there is one length a row, none beyond the sequence and none zero: what is summed up over a row needs
/// a step to look at.
pub(crate) fn check_filled(lengths: &[usize], batch: usize, time: usize) {
    check_lengths(lengths, batch, time);
    if let Some(row) = lengths.iter().position(|length| *length == 0) {
        panic!("a row has at least one step, but the length of row {row} is 0");
    }
}

/// Where each of `batch` rows is taken from if it is to stand `times` times in a row: `0, 0, 1, 1, ..`.
pub(crate) fn repeated_rows(batch: usize, times: usize, device: &Device) -> Tensor<1, Int> {
    let rows = (0..batch as i64).flat_map(|row| std::iter::repeat_n(row, times));
    Tensor::from_data(TensorData::new(rows.collect::<Vec<i64>>(), [batch * times]), device)
}
