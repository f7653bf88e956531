//! Tensors as they lie in a file.

use std::cell::Cell;

use half::{bf16, f16};

use crate::{Error, Result};

/// A tensor in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TensorInfo {
    /// Its name in the file.
    pub name: String,
    /// The type of its elements, as the file's format calls it.
    pub dtype: String,
    /// Its shape.
    pub shape: Vec<usize>,
}

impl std::fmt::Display for TensorInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {:?}", self.name, self.dtype, self.shape)
    }
}

/// Tensors that can be read by their place in a list.
pub(crate) trait TensorSource {
    /// All tensors of the file.
    fn tensors(&self) -> &[TensorInfo];

    /// The values of a tensor, row by row, as many as its shape says.
    fn values(&self, index: usize) -> Result<Vec<f32>>;
}

/// How many bytes may be made of a file. Weights hardly compress and are at most shared a few times, so a file whose
/// tensors claim far more than it holds is broken or hostile.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: u64,
    left: Cell<u64>,
}

impl Budget {
    /// For a file of `bytes` bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        let limit = (bytes as u64).saturating_mul(64).saturating_add(1 << 20);
        Self { limit, left: Cell::new(limit) }
    }

    /// Takes the bytes of `count` elements that will be in memory.
    pub(crate) fn take(&self, at: &str, count: u64, element: u64) -> Result<()> {
        let left = count.checked_mul(element).and_then(|bytes| self.left.get().checked_sub(bytes));
        self.left.set(left.ok_or_else(|| Error::TooLarge { at: at.into(), limit: self.limit })?);
        Ok(())
    }
}

/// The number of elements, unless it is past what can be counted.
pub(crate) fn num_elements(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size))
}

/// The types of weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Float {
    F16,
    Bf16,
    F32,
    F64,
}

impl Float {
    /// Bytes of an element.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::F16 | Self::Bf16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// An element of [`size`](Self::size) little-endian bytes.
    ///
    /// # Errors
    /// If a finite value is too large for single precision.
    fn value(self, tensor: &str, bytes: &[u8]) -> Result<f32> {
        fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
            std::array::from_fn(|byte| bytes.get(byte).copied().unwrap_or_default())
        }
        Ok(match self {
            Self::F16 => f16::from_le_bytes(array(bytes)).to_f32(),
            Self::Bf16 => bf16::from_le_bytes(array(bytes)).to_f32(),
            Self::F32 => f32::from_le_bytes(array(bytes)),
            Self::F64 => single(tensor, f64::from_le_bytes(array(bytes)))?,
        })
    }

    /// All elements of little-endian bytes.
    pub(crate) fn values(self, tensor: &str, bytes: &[u8]) -> Result<Vec<f32>> {
        bytes.chunks_exact(self.size()).map(|element| self.value(tensor, element)).collect()
    }
}

/// Rounds to single precision.
///
/// # Errors
/// If a finite value becomes infinite.
pub(crate) fn single(tensor: &str, value: f64) -> Result<f32> {
    let rounded = value as f32;
    if value.is_finite() && rounded.is_infinite() {
        return Err(Error::tensor(tensor, "values of single precision", format!("{value:e}")));
    }
    Ok(rounded)
}

/// The transpose of `values [rows, columns]`.
pub(crate) fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|column| (0..rows).map(move |row| values[row * columns + column])).collect()
}

/// Reorders blocks of `block` values: block `k` of the result is block `order[k]` of `values`.
#[cfg(any(feature = "keras", feature = "onnx"))]
pub(crate) fn reordered(values: &[f32], block: usize, order: &[usize]) -> Vec<f32> {
    order.iter().flat_map(|&gate| &values[gate * block..(gate + 1) * block]).copied().collect()
}

/// The order that undoes `order`.
#[cfg(any(feature = "keras", feature = "onnx"))]
pub(crate) fn inverse(order: &[usize]) -> Vec<usize> {
    let mut inverse = vec![0; order.len()];
    for (to, &from) in order.iter().enumerate() {
        inverse[from] = to;
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_of_every_type_are_read() {
        assert_eq!(Float::F16.values("x", &[0x00, 0x3e, 0x00, 0xbc]).unwrap(), [1.5, -1.0]);
        assert_eq!(Float::Bf16.values("x", &[0xc0, 0x3f]).unwrap(), [1.5]);
        assert_eq!(Float::F32.values("x", &1.5f32.to_le_bytes()).unwrap(), [1.5]);
        assert_eq!(Float::F64.values("x", &1.5f64.to_le_bytes()).unwrap(), [1.5]);
    }

    #[test]
    fn value_beyond_single_precision_is_refused_and_infinity_is_kept() {
        let error = Float::F64.values("w", &1e300f64.to_le_bytes()).unwrap_err();
        assert_eq!(error.to_string(), "tensor `w`: expected values of single precision, found 1e300");
        assert_eq!(Float::F64.values("w", &f64::INFINITY.to_le_bytes()).unwrap(), [f32::INFINITY]);
    }

    #[test]
    fn budget_ends() {
        let budget = Budget::new(0);
        budget.take("x", 1 << 18, 4).unwrap();
        assert!(matches!(budget.take("x", 1, 4), Err(Error::TooLarge { .. })));
        assert!(budget.take("x", u64::MAX, 4).is_err());
    }
}
