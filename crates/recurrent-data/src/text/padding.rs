//! Rows of token ids as padded tensors.

use burn::tensor::{Device, Int, Tensor, TensorData};

/// Rows of ids, each padded to `width`: `[rows, width]`.
pub(crate) fn padded_rows<'a>(
    rows: impl Iterator<Item = &'a [u32]>,
    width: usize,
    pad: u32,
    device: &Device,
) -> Tensor<2, Int> {
    let mut ids: Vec<i32> = Vec::new();
    let mut count = 0;
    for row in rows {
        count += 1;
        ids.extend(row.iter().map(|id| *id as i32));
        ids.resize(count * width, pad as i32);
    }
    Tensor::from_data(TensorData::new(ids, [count, width]), device)
}

/// The length of the longest row.
pub(crate) fn max_length<'a>(rows: impl Iterator<Item = &'a [u32]>) -> usize {
    rows.map(<[u32]>::len).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_padded() {
        let rows: [&[u32]; 3] = [&[7, 8], &[], &[9]];
        let width = max_length(rows.into_iter());
        let tensor = padded_rows(rows.into_iter(), width, 1, &Device::default());
        assert_eq!(tensor.dims(), [3, 2]);
        let ids: Vec<i64> = tensor.into_data().iter::<i64>().collect();
        assert_eq!(ids, [7, 8, 1, 1, 9, 1]);
    }
}
