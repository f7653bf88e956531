//! Climatology with an autoregression of what it leaves.

use recurrent_data::{Series, Subset, Train, Valid};

use super::climatology::choices;
use super::least_squares::{NormalEquations, TINY_PENALTY};
use super::{Baseline, History, Problem, best};
use crate::forecast::climatology::{Climatology, Moment};

/// The orders to choose from.
const ORDERS: [usize; 9] = [1, 2, 3, 5, 7, 10, 14, 21, 28];
/// The largest number of harmonics of a cycle.
const MAX_HARMONICS: usize = 3;

/// A dynamic harmonic regression: a [`Climatology`], and an autoregression of order p of its residuals, r(t) = c + Σ φₖ
/// r(t − k), fitted by least squares and iterated over the horizon (Hyndman & Athanasopoulos, "Forecasting: principles
/// and practice", 10.5).
#[derive(Debug, Clone)]
pub struct HarmonicAutoregression {
    climatology: Climatology,
    /// The constant, then the coefficient of the last residual, of the one before it, and so on.
    coefficients: Vec<f64>,
}

impl HarmonicAutoregression {
    /// The model of the training rows, with the harmonics and the order that are best on the validation rows; `None` if no
    /// autoregression can be fitted.
    pub fn fit(train: &Subset<Train>, valid: &Subset<Valid>, problem: &Problem) -> Option<Self> {
        let climatologies = choices(train, problem, MAX_HARMONICS)
            .into_iter()
            .filter_map(|choice| Climatology::with(choice, train, problem.column));
        let candidates = climatologies.flat_map(|climatology| {
            let parts = residuals(&climatology, train, problem.column);
            ORDERS.into_iter().filter_map(move |order| Self::of(&climatology, &parts, order))
        });
        best(candidates, valid, problem)
    }

    /// `parts` are the residuals of each segment.
    fn of(climatology: &Climatology, parts: &[Vec<f64>], order: usize) -> Option<Self> {
        let count: usize = parts.iter().map(|part| part.len().saturating_sub(order)).sum();
        if count < 3 * order + 4 {
            return None;
        }
        // The penalty is for residuals of size 1.
        let all = || parts.iter().flatten();
        let size = (all().map(|residual| residual * residual).sum::<f64>() / all().count() as f64).sqrt();
        let size = if size > 0.0 { size } else { 1.0 };
        let rows = parts.iter().enumerate().flat_map(|(part, all)| (order..all.len()).map(move |row| (part, row)));
        let rows: Vec<(usize, usize)> = rows.collect();
        let fill = |index: usize, x: &mut [f64], y: &mut [f64]| {
            let (part, row) = rows[index];
            x[0] = 1.0;
            x[1..].iter_mut().zip(parts[part][..row].iter().rev()).for_each(|(to, from)| *to = from / size);
            y[0] = parts[part][row] / size;
        };
        let equations = NormalEquations::new(0..rows.len(), (order + 1, 1), fill);
        let mut coefficients: Vec<f64> = equations.solve(TINY_PENALTY)?.column(0).iter().copied().collect();
        coefficients[0] *= size;
        Some(Self { climatology: climatology.clone(), coefficients })
    }

    /// The climatology of which it models the residuals.
    pub fn into_climatology(self) -> Climatology {
        self.climatology
    }

    fn order(&self) -> usize {
        self.coefficients.len() - 1
    }
}

/// What a climatology leaves of the training rows, for each segment.
fn residuals(climatology: &Climatology, train: &Subset<Train>, column: usize) -> Vec<Vec<f64>> {
    let series: &Series = train.series();
    let residual = |row| series.value(row, column) - climatology.mean(Moment::of(series, row)).unwrap_or(f64::NAN);
    train.segments().iter().map(|segment| segment.rows.clone().map(residual).collect()).collect()
}

impl Baseline for HarmonicAutoregression {
    fn name(&self) -> String {
        let harmonics = self.climatology.describe();
        let separator = if harmonics.is_empty() { "" } else { " + " };
        let climatology = if harmonics.is_empty() { String::new() } else { format!("climatology ({harmonics})") };
        format!("{climatology}{separator}AR({})", self.order())
    }

    fn forecast(&self, history: &History, horizon: usize) -> Option<Vec<f64>> {
        let first = history.row_before(self.order() - 1)?;
        let mean = |row: usize| self.climatology.mean(Moment::of(history.series, row));
        let residual = |row: usize| Some(history.value(row) - mean(row)?);
        let mut residuals = (first..=history.origin).map(residual).collect::<Option<Vec<f64>>>()?;
        let (constant, coefficients) = self.coefficients.split_first()?;
        let mut forecast = Vec::with_capacity(horizon);
        for step in 1..=horizon {
            let terms = residuals.iter().rev().zip(coefficients).map(|(residual, coefficient)| residual * coefficient);
            let next = constant + terms.sum::<f64>();
            residuals.push(next);
            forecast.push(mean(history.origin + step)? + next);
        }
        Some(forecast)
    }
}
