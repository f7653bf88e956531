//! Linear least squares with an L2 penalty, from sums over rows, so that memory does not grow with the rows.

use nalgebra::{Cholesky, DMatrix, Dyn};

/// Rows whose products are added up at a time.
const BLOCK: usize = 512;

/// For inputs of size 1: matters only if inputs are collinear.
pub(super) const TINY_PENALTY: f64 = 1e-9;

/// The sums that a linear regression needs: XᵀX and XᵀY.
#[derive(Debug, Clone)]
pub(super) struct NormalEquations {
    gram: DMatrix<f64>,
    moments: DMatrix<f64>,
    rows: usize,
}

impl NormalEquations {
    /// Adds up `rows` rows of `inputs` inputs and `outputs` outputs each; `fill(row, x, y)` writes one.
    pub(super) fn new(
        rows: impl ExactSizeIterator<Item = usize>,
        (inputs, outputs): (usize, usize),
        mut fill: impl FnMut(usize, &mut [f64], &mut [f64]),
    ) -> Self {
        let count = rows.len();
        let (mut gram, mut moments) = (DMatrix::zeros(inputs, inputs), DMatrix::zeros(inputs, outputs));
        // Columns are rows of the data: each is contiguous.
        let (mut x, mut y) = (DMatrix::zeros(inputs, BLOCK), DMatrix::zeros(outputs, BLOCK));
        let mut rows = rows.peekable();
        while rows.peek().is_some() {
            let mut filled = 0;
            for row in rows.by_ref().take(BLOCK) {
                let (to_x, to_y) = (filled * inputs, filled * outputs);
                fill(row, &mut x.as_mut_slice()[to_x..][..inputs], &mut y.as_mut_slice()[to_y..][..outputs]);
                filled += 1;
            }
            let (x, y) = (x.columns(0, filled), y.columns(0, filled));
            gram += x * x.transpose();
            moments += x * y.transpose();
        }
        Self { gram, moments, rows: count }
    }

    /// The coefficients `[input][output]` that minimize the squared error plus `penalty` per row times the squared norm
    /// of the coefficients, but for those of the first input, the constant; `None` if the inputs are collinear.
    pub(super) fn solve(&self, penalty: f64) -> Option<DMatrix<f64>> {
        let mut gram = self.gram.clone();
        for input in 1..gram.nrows() {
            gram[(input, input)] += penalty * self.rows as f64;
        }
        let factor: Cholesky<f64, Dyn> = gram.cholesky()?;
        let solution = factor.solve(&self.moments);
        solution.iter().all(|value| value.is_finite()).then_some(solution)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recovers_the_coefficients_of_exact_data() {
        let input = |row: usize| [1.0, (row as f64).sin(), (row as f64 * 1.7).cos()];
        let fill = |row: usize, x: &mut [f64], y: &mut [f64]| {
            x.copy_from_slice(&input(row));
            y[0] = 2.0 + 3.0 * x[1] - x[2];
            y[1] = x[2];
        };
        // More rows than a block has.
        let equations = NormalEquations::new(0..1100, (3, 2), fill);
        let solution = equations.solve(0.0).unwrap();
        for (found, expected) in solution.iter().zip([2.0, 3.0, -1.0, 0.0, 0.0, 1.0]) {
            assert!((found - expected).abs() < 1e-10, "{solution}");
        }
        let shrunk = equations.solve(10.0).unwrap();
        assert!(shrunk[(1, 0)].abs() < 0.5 && (shrunk[(0, 0)] - 2.0).abs() < 0.5, "{shrunk}");
    }

    #[test]
    fn collinear_inputs_need_a_penalty() {
        let fill = |row: usize, x: &mut [f64], y: &mut [f64]| {
            x.copy_from_slice(&[1.0, 0.0, row as f64]);
            y[0] = 1.0;
        };
        let equations = NormalEquations::new(0..8, (3, 1), fill);
        assert!(equations.solve(0.0).is_none());
        assert!(equations.solve(0.1).is_some());
    }
}
