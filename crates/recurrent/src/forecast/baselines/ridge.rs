//! Ridge regression on the same window as the network.

use std::ops::Range;

use nalgebra::DMatrix;
use recurrent_data::{Series, Subset, Train, Valid};

use super::least_squares::NormalEquations;
use super::{Baseline, History, Problem, best, stride};
use crate::forecast::climatology::{Climatology, Moment};

/// The penalties to choose from, for inputs of mean 0 and deviation 1.
const PENALTIES: [f64; 8] = [1e-4, 1e-3, 1e-2, 0.03, 0.1, 0.3, 1.0, 10.0];
/// Windows beyond which every n-th is used.
const MAX_ROWS: usize = 20_000;
/// A larger window than this is not inverted.
const MAX_INPUTS: usize = 2048;

/// Linear functions of all values of the window, one for each step of the horizon, with an L2 penalty (Hoerl & Kennard
/// 1970). Like the residual network, it forecasts the change from the last value. With a climatology it sees and forecasts
/// what that leaves of the column.
#[derive(Debug, Clone)]
pub struct RidgeRegression {
    climatology: Option<Climatology>,
    features: Vec<usize>,
    window: usize,
    /// The mean and the deviation of each feature in the training rows.
    scales: Vec<(f64, f64)>,
    /// `[input, step]`, those of the constant first.
    coefficients: DMatrix<f64>,
}

impl RidgeRegression {
    /// The regression on the training rows, with the penalty that is best on the validation rows, and with this climatology
    /// if it is better so; `None` if the training rows are too few or the window too large.
    pub fn fit(
        train: &Subset<Train>,
        valid: &Subset<Valid>,
        problem: &Problem,
        climatology: Option<&Climatology>,
    ) -> Option<Self> {
        let choices = std::iter::once(None).chain(climatology.cloned().map(Some));
        best(choices.flat_map(|climatology| Self::candidates(train, problem, climatology)), valid, problem)
    }

    /// The regressions of all penalties.
    fn candidates(train: &Subset<Train>, problem: &Problem, climatology: Option<Climatology>) -> Vec<Self> {
        let Problem { column, features, window, horizon, .. } = problem;
        let (window, horizon) = (*window, *horizon);
        let inputs = 1 + window * features.len();
        let rows = train.rows();
        let origins = window - 1..rows.len().saturating_sub(horizon);
        if origins.is_empty() || inputs > MAX_INPUTS {
            return Vec::new();
        }
        let see = |feature: usize| seen(train.series(), rows.clone(), feature, climatology.as_ref(), *column);
        let target = see(*column);
        let columns: Vec<Vec<f64>> = features.iter().map(|feature| see(*feature)).collect();
        let rounding = features.iter().map(|feature| train.series().rounding_error(*feature));
        let scales = columns.iter().zip(rounding).map(|(column, rounding)| mean_and_deviation(column, rounding));
        let scales: Vec<(f64, f64)> = scales.collect();
        let fill = |origin: usize, x: &mut [f64], y: &mut [f64]| {
            write_inputs(&columns, &scales, origin, x);
            for (step, to) in (1..).zip(y) {
                *to = target[origin + step] - target[origin];
            }
        };
        let stride = stride(origins.len(), MAX_ROWS, &problem.seasons);
        let equations = NormalEquations::new(origins.step_by(stride), (inputs, horizon), fill);
        let model = |penalty: f64| {
            let coefficients = equations.solve(penalty)?;
            let (climatology, features) = (climatology.clone(), features.clone());
            Some(Self { climatology, features, window, scales: scales.clone(), coefficients })
        };
        PENALTIES.into_iter().filter_map(model).collect()
    }
}

/// The values of a column in some rows; of the forecast column, `target`, without the climatology.
fn seen(
    series: &Series,
    rows: Range<usize>,
    column: usize,
    climatology: Option<&Climatology>,
    target: usize,
) -> Vec<f64> {
    let climatology = climatology.filter(|_| column == target);
    let mean = |row| climatology.map_or(0.0, |climatology| mean(climatology, series, row));
    rows.map(|row| series.value(row, column) - mean(row)).collect()
}

fn mean(climatology: &Climatology, series: &Series, row: usize) -> f64 {
    climatology.mean(Moment::of(series, row)).unwrap_or(f64::NAN)
}

/// The mean and the deviation of some values; the deviation of a constant, but for `rounding`, is 1.
fn mean_and_deviation(values: &[f64], rounding: f64) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let deviation = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
    (mean, if deviation > rounding { deviation } else { 1.0 })
}

/// Writes a constant and the scaled columns of the last rows up to `last`, the latest row first.
fn write_inputs(columns: &[Vec<f64>], scales: &[(f64, f64)], last: usize, to: &mut [f64]) {
    to[0] = 1.0;
    for (row, to) in to[1..].chunks_exact_mut(columns.len()).enumerate() {
        for ((column, (mean, deviation)), to) in columns.iter().zip(scales).zip(to) {
            *to = (column[last - row] - mean) / deviation;
        }
    }
}

impl Baseline for RidgeRegression {
    fn name(&self) -> String {
        let climatology = self.climatology.as_ref();
        let climatology = climatology.map(|climatology| format!("climatology ({}) + ", climatology.describe()));
        format!("{}ridge regression ({} rows)", climatology.unwrap_or_default(), self.window)
    }

    fn forecast(&self, history: &History, horizon: usize) -> Option<Vec<f64>> {
        let History { series, column: target, origin } = *history;
        let first = (origin + 1).checked_sub(self.window)?;
        if horizon > self.coefficients.ncols() {
            return None;
        }
        let see = |column: usize| seen(series, first..origin + 1, column, self.climatology.as_ref(), target);
        let columns: Vec<Vec<f64>> = self.features.iter().map(|feature| see(*feature)).collect();
        let mut inputs = vec![0.0; self.coefficients.nrows()];
        write_inputs(&columns, &self.scales, self.window - 1, &mut inputs);
        let last = *see(target).last()?;
        let forecast = |step: usize| {
            let coefficients = self.coefficients.column(step);
            let change: f64 = inputs.iter().zip(&coefficients).map(|(input, coefficient)| input * coefficient).sum();
            let mean =
                self.climatology.as_ref().map_or(0.0, |climatology| mean(climatology, series, origin + 1 + step));
            last + change + mean
        };
        Some((0..horizon).map(forecast).collect())
    }
}
