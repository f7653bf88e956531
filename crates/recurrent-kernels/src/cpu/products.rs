//! The large products: the input of all steps at once, and the weights' gradients.
#![allow(unsafe_code, reason = "the `gemm` crate takes pointers")]

use gemm::{Parallelism, gemm};
use rayon::prelude::*;

/// Multiply-adds below which a product is not worth a second thread.
const WORTH_SHARING: usize = 1 << 18;

/// Who works on a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threads {
    /// The thread that asks for it.
    One,
    /// All of them, if it is worth it.
    All,
}

/// A matrix in a slice; its transpose has the strides the other way round.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<T> {
    pub numbers: T,
    pub rows: usize,
    pub columns: usize,
    /// From row to row.
    pub row: usize,
    /// From column to column.
    pub column: usize,
}

impl<T> Matrix<T> {
    /// Rows of `columns` numbers, a row every `stride` numbers.
    pub fn new(numbers: T, rows: usize, columns: usize, stride: usize) -> Self {
        Self { numbers, rows, columns, row: stride, column: 1 }
    }

    /// The transpose.
    pub fn t(self) -> Self {
        Self { rows: self.columns, columns: self.rows, row: self.column, column: self.row, ..self }
    }

    /// How many numbers there are from the first to the last.
    fn extent(&self) -> usize {
        if self.rows == 0 || self.columns == 0 {
            return 0;
        }
        (self.rows - 1) * self.row + (self.columns - 1) * self.column + 1
    }
}

/// `to = a · b`, or with `add`, `to += a · b`.
pub fn multiply(to: Matrix<&mut [f32]>, a: Matrix<&[f32]>, b: Matrix<&[f32]>, add: bool, threads: Threads) {
    assert_eq!((to.rows, to.columns, a.columns), (a.rows, b.columns, b.rows), "a product's sizes");
    assert!(to.extent() <= to.numbers.len() && a.extent() <= a.numbers.len() && b.extent() <= b.numbers.len());
    let parallelism = match rayon::current_num_threads() {
        count @ 2.. if threads == Threads::All && to.rows * to.columns * a.columns >= WORTH_SHARING => {
            Parallelism::Rayon(count)
        }
        _ => Parallelism::None,
    };
    let stride = |stride: usize| isize::try_from(stride).expect("a stride of a slice");
    // SAFETY: every number of the three matrices is inside its slice, as the assertions say, and `to` is borrowed alone.
    unsafe {
        gemm(
            to.rows,
            to.columns,
            a.columns,
            to.numbers.as_mut_ptr(),
            stride(to.column),
            stride(to.row),
            add,
            a.numbers.as_ptr(),
            stride(a.column),
            stride(a.row),
            b.numbers.as_ptr(),
            stride(b.column),
            stride(b.row),
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
/// The rows are summed in chunks of a fixed length, so that the sum does not depend on the number of threads.
pub fn add_rows(rows: &[f32], width: usize, sums: &mut [f32], threads: Threads) {
    const ROWS_AT_ONCE: usize = 256;
    let add = |sums: &mut [f32], row: &[f32]| {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += value;
        }
    };
    let part = |rows: &[f32]| {
        let mut sums = vec![0.0; width];
        rows.chunks_exact(width).for_each(|row| add(&mut sums, row));
        sums
    };
    let parts: Vec<Vec<f32>> = match threads {
        Threads::One => rows.chunks(width * ROWS_AT_ONCE).map(part).collect(),
        Threads::All => rows.par_chunks(width * ROWS_AT_ONCE).map(part).collect(),
    };
    parts.iter().for_each(|part| add(sums, part));
}
