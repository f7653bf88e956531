//! Logistic regression on sparse features.

use argmin::core::{CostFunction, Executor, Gradient, IterState};
use argmin::solver::{linesearch::MoreThuenteLineSearch, quasinewton::LBFGS};
use serde::{Deserialize, Serialize};

/// The features of a sentence that are not 0: `(feature, value)`.
pub(super) type SparseRow = Vec<(u32, f64)>;

/// Gradients kept by L-BFGS, as in scikit-learn.
const HISTORY: usize = 10;
/// The gradient's norm at which the fit ends.
const TOLERANCE: f64 = 1e-5;

/// Multinomial logistic regression; of two labels binomial, which has one linear function instead of two.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct LogisticRegression {
    num_labels: usize,
    /// For each linear function its weights, then its intercept.
    functions: Vec<Vec<f64>>,
}

impl LogisticRegression {
    /// Whether a saved model has this many labels and features, and numbers alone.
    pub(super) fn fits(&self, num_labels: usize, num_features: usize) -> bool {
        let is_valid =
            |function: &Vec<f64>| function.len() == num_features + 1 && function.iter().all(|w| w.is_finite());
        self.num_labels == num_labels
            && self.functions.len() == num_functions(num_labels)
            && self.functions.iter().all(is_valid)
    }

    /// The weights of the only function, of the second of two labels.
    pub(super) fn weights(&self) -> &[f64] {
        self.functions[0].split_last().map_or(&[], |(_, weights)| weights)
    }

    /// The probability of each label.
    pub(super) fn probabilities(&self, row: &[(u32, f64)]) -> Vec<f64> {
        let logits = self.functions.iter().map(|function| logit(function, row));
        let mut probabilities: Vec<f64> = if self.num_labels == 2 { vec![0.0] } else { Vec::new() };
        probabilities.extend(logits);
        softmax(&mut probabilities);
        probabilities
    }
}

/// The number of linear functions of a model.
fn num_functions(num_labels: usize) -> usize {
    if num_labels == 2 { 1 } else { num_labels }
}

/// The value of a linear function: its weights, then its intercept.
fn logit(function: &[f64], row: &[(u32, f64)]) -> f64 {
    let (intercept, weights) = function.split_last().expect("a function has an intercept");
    intercept + row.iter().map(|(feature, value)| weights[*feature as usize] * value).sum::<f64>()
}

/// Turns logits into probabilities; returns the logarithm of the sum of their exponentials.
fn softmax(values: &mut [f64]) -> f64 {
    let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = values.iter().map(|value| (value - largest).exp()).sum();
    let log_sum = largest + sum.ln();
    values.iter_mut().for_each(|value| *value = (*value - log_sum).exp());
    log_sum
}

/// The sum of the cross-entropies of all rows, plus the penalty, as scikit-learn's `LogisticRegression` has it: half the
/// squared norm of the weights, but not of the intercepts, divided by `c`.
struct PenalizedLoss<'a> {
    rows: &'a [SparseRow],
    /// The label of each row.
    labels: &'a [usize],
    num_labels: usize,
    num_features: usize,
    c: f64,
}

impl PenalizedLoss<'_> {
    /// The loss of all parameters, and adds its gradient to `gradient`, if there is one.
    fn evaluate(&self, parameters: &[f64], mut gradient: Option<&mut [f64]>) -> f64 {
        let width = self.num_features + 1;
        let mut loss = 0.0;
        // Of two labels the first has the logit 0.
        let fixed = usize::from(self.num_labels == 2);
        let mut logits = vec![0.0; self.num_labels];
        for (row, label) in self.rows.iter().zip(self.labels) {
            logits[..fixed].fill(0.0);
            for (value, function) in logits[fixed..].iter_mut().zip(parameters.chunks_exact(width)) {
                *value = logit(function, row);
            }
            let own = logits[*label];
            loss += softmax(&mut logits) - own;
            let Some(gradient) = &mut gradient else { continue };
            logits[*label] -= 1.0;
            for (error, function) in logits[fixed..].iter().zip(gradient.chunks_exact_mut(width)) {
                for (feature, value) in row {
                    function[*feature as usize] += error * value;
                }
                function[self.num_features] += error;
            }
        }
        for (function, from) in parameters.chunks_exact(width).zip((0..).step_by(width)) {
            let weights = &function[..self.num_features];
            loss += weights.iter().map(|weight| weight * weight).sum::<f64>() / (2.0 * self.c);
            if let Some(gradient) = &mut gradient {
                gradient[from..].iter_mut().zip(weights).for_each(|(gradient, weight)| *gradient += weight / self.c);
            }
        }
        loss
    }
}

impl CostFunction for PenalizedLoss<'_> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, parameters: &Vec<f64>) -> Result<f64, argmin::core::Error> {
        Ok(self.evaluate(parameters, None))
    }
}

impl Gradient for PenalizedLoss<'_> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, parameters: &Vec<f64>) -> Result<Vec<f64>, argmin::core::Error> {
        let mut gradient = vec![0.0; parameters.len()];
        self.evaluate(parameters, Some(&mut gradient));
        Ok(gradient)
    }
}

impl LogisticRegression {
    /// Fits rows and their labels, which are below `num_labels`, by L-BFGS (Liu & Nocedal 1989). `c` is scikit-learn's
    /// inverse strength of the L2 penalty.
    ///
    /// # Errors
    /// If the search for a minimum fails.
    pub(super) fn fit(
        rows: &[SparseRow],
        labels: &[usize],
        shape: (usize, usize),
        c: f64,
        iterations: u64,
    ) -> Result<Self, argmin::core::Error> {
        Self::fit_from(None, rows, labels, shape, c, iterations)
    }

    /// [`fit`](Self::fit), starting from a model of this shape, such as one with another penalty.
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    pub(super) fn fit_from(
        start: Option<&Self>,
        rows: &[SparseRow],
        labels: &[usize],
        (num_labels, num_features): (usize, usize),
        c: f64,
        iterations: u64,
    ) -> Result<Self, argmin::core::Error> {
        let width = num_features + 1;
        let zeros = || vec![0.0; width * num_functions(num_labels)];
        let start = start.map_or_else(zeros, |start| start.functions.concat());
        let loss = PenalizedLoss { rows, labels, num_labels, num_features, c };
        let solver = LBFGS::new(MoreThuenteLineSearch::new(), HISTORY).with_tolerance_grad(TOLERANCE)?;
        let configure =
            |state: IterState<Vec<f64>, Vec<f64>, (), (), (), f64>| state.param(start.clone()).max_iters(iterations);
        let mut result = Executor::new(loss, solver).configure(configure).run()?;
        let best = result.state.take_best_param().unwrap_or(start);
        Ok(Self { num_labels, functions: best.chunks_exact(width).map(<[f64]>::to_vec).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradient_is_the_slope_of_the_loss() {
        let rows: Vec<SparseRow> = vec![vec![(0, 1.0), (2, -0.5)], vec![(1, 2.0)], vec![], vec![(0, 0.3), (1, 0.7)]];
        for (num_labels, labels) in [(2, [0, 1, 1, 0]), (3, [2, 0, 1, 1])] {
            let loss = PenalizedLoss { rows: &rows, labels: &labels, num_labels, num_features: 3, c: 0.7 };
            let at: Vec<f64> = (0..4 * num_functions(num_labels)).map(|index| (index as f64 * 0.37).sin()).collect();
            let gradient = loss.gradient(&at).unwrap();
            for index in 0..at.len() {
                let moved = |step: f64| {
                    let mut at = at.clone();
                    at[index] += step;
                    loss.cost(&at).unwrap()
                };
                let slope = (moved(1e-6) - moved(-1e-6)) / 2e-6;
                assert!((gradient[index] - slope).abs() < 1e-8, "{index}: {} and {slope}", gradient[index]);
            }
        }
    }
}
