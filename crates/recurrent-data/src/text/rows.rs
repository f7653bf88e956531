//! Rows: numbers of several texts side by side, on the device.

use burn::tensor::{Device, Int, Tensor, TensorData};

/// Rows of numbers as a tensor, `[rows, width]`, each filled up with `pad`.
pub(crate) fn rows<'a>(
    rows: impl Iterator<Item = &'a [u32]>,
    width: usize,
    pad: u32,
    device: &Device,
) -> Tensor<2, Int> {
    let mut numbers: Vec<i32> = Vec::new();
    let mut count = 0;
    for row in rows {
        count += 1;
        numbers.extend(row.iter().map(|id| *id as i32));
        numbers.resize(count * width, pad as i32);
    }
    Tensor::from_data(TensorData::new(numbers, [count, width]), device)
}

/// As many numbers as the longest row has.
pub(crate) fn longest<'a>(rows: impl Iterator<Item = &'a [u32]>) -> usize {
    rows.map(<[u32]>::len).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_filled_up() {
        let ids: [&[u32]; 3] = [&[7, 8], &[], &[9]];
        let width = longest(ids.into_iter());
        let tensor = rows(ids.into_iter(), width, 1, &Device::default());
        assert_eq!(tensor.dims(), [3, 2]);
        let numbers: Vec<i64> = tensor.into_data().iter::<i64>().collect();
        assert_eq!(numbers, [7, 8, 1, 1, 9, 1]);
    }
}
