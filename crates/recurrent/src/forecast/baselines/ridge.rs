//! Ridge regression on the same window as the network.

use recurrent_data::{Subset, Train, Valid};

use super::least_squares::NormalEquations;
use super::{Baseline, History, Problem, best};

/// The penalties to choose from, for inputs of mean 0 and deviation 1.
const PENALTIES: [f64; 8] = [1e-4, 1e-3, 1e-2, 0.03, 0.1, 0.3, 1.0, 10.0];
/// Windows beyond which every n-th is used.
const MAX_ROWS: usize = 20_000;
/// A larger window than this is not inverted.
const MAX_INPUTS: usize = 2048;

/// Linear functions of all values of the window, one for each step of the horizon, with an L2 penalty (Hoerl & Kennard
/// 1970). Like the residual network, it forecasts the change from the last value.
#[derive(Debug, Clone)]
pub struct RidgeRegression {
    features: Vec<usize>,
    window: usize,
    penalty: f64,
    /// The mean and the deviation of each feature in the training rows.
    scales: Vec<(f64, f64)>,
    /// `[input][step]`, after the constant.
    coefficients: nalgebra::DMatrix<f64>,
}

impl RidgeRegression {
    /// The regression on the training rows, with the penalty that is best on the validation rows; `None` if the training
    /// rows are too few or the window too large.
    pub fn fit(train: &Subset<Train>, valid: &Subset<Valid>, problem: &Problem) -> Option<Self> {
        let Problem { column, features, window, horizon, .. } = problem;
        let (window, horizon) = (*window, *horizon);
        let inputs = 1 + window * features.len();
        let rows = train.rows();
        let origins = rows.start + window - 1..rows.end.saturating_sub(horizon);
        if origins.is_empty() || inputs > MAX_INPUTS {
            return None;
        }
        let series = train.series();
        let scale = |feature: &usize| mean_and_deviation(rows.clone().map(|row| series.value(row, *feature)));
        let scales: Vec<(f64, f64)> = features.iter().map(scale).collect();
        let fill = |origin: usize, x: &mut [f64], y: &mut [f64]| {
            write_inputs(&History::new(series, *column, origin), features, &scales, x);
            for (row, to) in (origin + 1..).zip(y) {
                *to = series.value(row, *column) - series.value(origin, *column);
            }
        };
        let stride = origins.len().div_ceil(MAX_ROWS);
        let equations = NormalEquations::new(origins.step_by(stride), (inputs, horizon), fill);
        let candidate = |penalty: f64| {
            let coefficients = equations.solve(penalty)?;
            Some(Self { features: features.clone(), window, penalty, scales: scales.clone(), coefficients })
        };
        best(PENALTIES.into_iter().filter_map(candidate), valid, problem)
    }
}

/// The mean and the deviation of some values; the deviation of a constant is 1.
fn mean_and_deviation(values: impl ExactSizeIterator<Item = f64> + Clone) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.clone().sum::<f64>() / count;
    let deviation = (values.map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
    (mean, if deviation > 0.0 { deviation } else { 1.0 })
}

/// Writes a constant and the scaled features of the last rows, the latest row first.
fn write_inputs(history: &History, features: &[usize], scales: &[(f64, f64)], to: &mut [f64]) {
    to[0] = 1.0;
    for (row, to) in to[1..].chunks_exact_mut(features.len()).enumerate() {
        for ((feature, (mean, deviation)), to) in features.iter().zip(scales).zip(to) {
            *to = (history.value_of(history.origin() - row, *feature) - mean) / deviation;
        }
    }
}

impl Baseline for RidgeRegression {
    fn name(&self) -> String {
        format!("ridge regression ({} rows, penalty {})", self.window, self.penalty)
    }

    fn forecast(&self, history: &History, horizon: usize) -> Option<Vec<f64>> {
        if history.origin() + 1 < self.window || horizon > self.coefficients.ncols() {
            return None;
        }
        let mut inputs = vec![0.0; self.coefficients.nrows()];
        write_inputs(history, &self.features, &self.scales, &mut inputs);
        let last = history.value(history.origin());
        let change = |step: usize| {
            let coefficients = self.coefficients.column(step);
            inputs.iter().zip(&coefficients).map(|(input, coefficient)| input * coefficient).sum::<f64>()
        };
        Some((0..horizon).map(|step| last + change(step)).collect())
    }
}
