//! Large matrix products: the projection of all inputs and the gradients of the weights.
#![allow(unsafe_code, reason = "the `gemm` crate takes pointers")]

use gemm::{Parallelism, gemm};
use rayon::prelude::*;

/// Multiply-adds below which a product runs on one thread.
const MIN_PARALLEL_WORK: usize = 1 << 18;
/// Rows summed by one task of [`add_row_sum`].
const ROWS_PER_SUM: usize = 256;

/// The threads that work on a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threads {
    /// The calling thread.
    One,
    /// All threads of rayon's pool, if the product is large enough.
    All,
}

/// A strided matrix in a slice.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<T> {
    pub data: T,
    pub rows: usize,
    pub columns: usize,
    pub row_stride: usize,
    pub column_stride: usize,
}

impl<T> Matrix<T> {
    /// A row-major matrix whose rows are `stride` elements apart.
    pub fn new(data: T, rows: usize, columns: usize, stride: usize) -> Self {
        Self { data, rows, columns, row_stride: stride, column_stride: 1 }
    }

    /// The transpose.
    pub fn t(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }

    /// Elements of the slice from the first to the last element of the matrix.
    fn extent(&self) -> usize {
        if self.rows == 0 || self.columns == 0 {
            return 0;
        }
        (self.rows - 1) * self.row_stride + (self.columns - 1) * self.column_stride + 1
    }
}

/// `to = a · b`, or with `add`, `to += a · b`.
///
/// # Panics
/// If the sizes do not fit each other or a slice is too short.
pub fn matmul(to: Matrix<&mut [f32]>, a: Matrix<&[f32]>, b: Matrix<&[f32]>, add: bool, threads: Threads) {
    assert_eq!((to.rows, to.columns, a.columns), (a.rows, b.columns, b.rows), "sizes of a matrix product");
    assert!(to.extent() <= to.data.len() && a.extent() <= a.data.len() && b.extent() <= b.data.len());
    let parallelism = match rayon::current_num_threads() {
        count @ 2.. if threads == Threads::All && to.rows * to.columns * a.columns >= MIN_PARALLEL_WORK => {
            Parallelism::Rayon(count)
        }
        _ => Parallelism::None,
    };
    let stride = |stride: usize| isize::try_from(stride).expect("a stride within a slice");
    // SAFETY: the assertions above keep all elements within their slices, and `to` is borrowed exclusively.
    unsafe {
        gemm(
            to.rows,
            to.columns,
            a.columns,
            to.data.as_mut_ptr(),
            stride(to.column_stride),
            stride(to.row_stride),
            add,
            a.data.as_ptr(),
            stride(a.column_stride),
            stride(a.row_stride),
            b.data.as_ptr(),
            stride(b.column_stride),
            stride(b.row_stride),
            1.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
}

/// Adds the sum of all rows to `sums`: the gradient of a bias.
///
/// The rows are summed in chunks of a fixed length, so the result does not depend on the number of threads.
pub fn add_row_sum(rows: &[f32], width: usize, sums: &mut [f32], threads: Threads) {
    let add = |sums: &mut [f32], row: &[f32]| {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += value;
        }
    };
    let sum_chunk = |rows: &[f32]| {
        let mut sums = vec![0.0; width];
        rows.chunks_exact(width).for_each(|row| add(&mut sums, row));
        sums
    };
    let partial: Vec<Vec<f32>> = match threads {
        Threads::One => rows.chunks(width * ROWS_PER_SUM).map(sum_chunk).collect(),
        Threads::All => rows.par_chunks(width * ROWS_PER_SUM).map(sum_chunk).collect(),
    };
    partial.iter().for_each(|partial| add(sums, partial));
}
