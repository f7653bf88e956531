//! Ridge regression on the same inputs as the network.

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

/// Linear functions of all values of the window, and of what is known over the horizon, one for each step of the horizon,
/// with an L2 penalty (Hoerl & Kennard 1970). Like the residual network, it forecasts the change from the last value. With a
/// climatology it sees and forecasts what that leaves of the column.
#[derive(Debug, Clone)]
pub struct RidgeRegression {
    climatology: Option<Climatology>,
    inputs: Inputs,
    /// `[input, step]`, those of the constant first.
    coefficients: DMatrix<f64>,
}

/// What a regression reads.
#[derive(Debug, Clone)]
struct Inputs {
    /// Columns, with the mean and the deviation of their training rows.
    features: Vec<(usize, f64, f64)>,
    /// The same of columns that are known over the horizon.
    future: Vec<(usize, f64, f64)>,
    window: usize,
    horizon: usize,
}

impl Inputs {
    fn len(&self) -> usize {
        1 + self.window * self.features.len() + self.horizon * self.future.len()
    }

    /// Writes a constant, the scaled features of the last rows up to the origin, the latest row first, and what is known of
    /// the rows after it. `past` and `known` are `(row, column)` to value.
    fn write(
        &self,
        origin: usize,
        past: impl Fn(usize, usize) -> f64,
        known: impl Fn(usize, usize) -> f64,
        to: &mut [f64],
    ) {
        to[0] = 1.0;
        let (of_past, of_future) = to[1..].split_at_mut(self.window * self.features.len());
        let rows = (0..self.window).map(|back| origin - back);
        let all = rows.flat_map(|row| self.features.iter().map(move |feature| (row, feature)));
        for (to, (row, (column, mean, deviation))) in of_past.iter_mut().zip(all) {
            *to = (past(row, *column) - mean) / deviation;
        }
        let rows = (1..=self.horizon).map(|step| origin + step);
        let all = rows.flat_map(|row| self.future.iter().map(move |column| (row, column)));
        for (to, (row, (column, mean, deviation))) in of_future.iter_mut().zip(all) {
            *to = (known(row, *column) - mean) / deviation;
        }
    }
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
        let Problem { column, features, future, window, horizon, .. } = problem;
        let (column, window, horizon) = (*column, *window, *horizon);
        let series = train.series();
        let see = |row: usize, of: usize| seen(series, row, of, climatology.as_ref(), column);
        let scaled = |of: &usize| {
            let rows = train.segments().iter().flat_map(|segment| segment.rows.clone());
            let values: Vec<f64> = rows.map(|row| see(row, *of)).collect();
            let (mean, deviation) = mean_and_deviation(&values, series.rounding_error(*of));
            (*of, mean, deviation)
        };
        let origins = train
            .segments()
            .iter()
            .flat_map(|segment| segment.rows.start + window - 1..segment.rows.end.saturating_sub(horizon));
        let origins: Vec<usize> = origins.collect();
        let inputs = Inputs {
            features: features.iter().map(scaled).collect(),
            future: future.iter().map(scaled).collect(),
            window,
            horizon,
        };
        if origins.is_empty() || inputs.len() > MAX_INPUTS {
            return Vec::new();
        }
        let fill = |origin: usize, x: &mut [f64], y: &mut [f64]| {
            inputs.write(origin, see, see, x);
            for (step, to) in (1..).zip(y) {
                *to = see(origin + step, column) - see(origin, column);
            }
        };
        let stride = stride(origins.len(), MAX_ROWS, &problem.seasons);
        let equations = NormalEquations::new(origins.into_iter().step_by(stride), (inputs.len(), horizon), fill);
        let model = |penalty: f64| {
            let coefficients = equations.solve(penalty)?;
            Some(Self { climatology: climatology.clone(), inputs: inputs.clone(), coefficients })
        };
        PENALTIES.into_iter().filter_map(model).collect()
    }
}

/// The value of a column in a row; of the forecast column, `target`, without the climatology.
fn seen(series: &Series, row: usize, column: usize, climatology: Option<&Climatology>, target: usize) -> f64 {
    let climatology = climatology.filter(|_| column == target);
    series.value(row, column) - climatology.map_or(0.0, |climatology| mean(climatology, series, row))
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

impl Baseline for RidgeRegression {
    fn name(&self) -> String {
        let climatology = self.climatology.as_ref();
        let climatology = climatology.map(|climatology| format!("climatology ({}) + ", climatology.describe()));
        format!("{}ridge regression ({} rows)", climatology.unwrap_or_default(), self.inputs.window)
    }

    fn forecast(&self, history: &History, horizon: usize) -> Option<Vec<f64>> {
        let (origin, target) = (history.origin, history.column);
        history.row_before(self.inputs.window - 1)?;
        if horizon > self.inputs.horizon {
            return None;
        }
        let mean = |row: usize| self.climatology.as_ref().map_or(0.0, |course| mean(course, history.series, row));
        let past =
            |row: usize, column: usize| history.value_of(row, column) - if column == target { mean(row) } else { 0.0 };
        let mut inputs = vec![0.0; self.inputs.len()];
        self.inputs.write(origin, past, |row, column| history.known(row, column), &mut inputs);
        let last = past(origin, target);
        let forecast = |step: usize| {
            let coefficients = self.coefficients.column(step);
            let change: f64 = inputs.iter().zip(&coefficients).map(|(input, coefficient)| input * coefficient).sum();
            last + change + mean(origin + 1 + step)
        };
        Some((0..horizon).map(forecast).collect())
    }
}
