//! The baselines of forecasts: what a network has to beat.
//!
//! Naive ones need no fit. The others are fitted on the training rows; what they leave open, such as the number of
//! harmonics, is chosen by the error on the validation rows.

mod autoregression;
mod climatology;
mod least_squares;
mod naive;
mod ridge;

use std::fmt::Debug;

use recurrent_data::{Series, Subset, Train, Valid};

pub use autoregression::HarmonicAutoregression;
pub use naive::{Drift, Persistence, SeasonalNaive};
pub use ridge::RidgeRegression;

use super::Climatology;

/// Forecasts from which a choice is made on the validation rows, at most.
const MAX_SELECTION: usize = 400;

/// The rows of a series up to a forecast origin.
#[derive(Debug, Clone, Copy)]
pub struct History<'a> {
    series: &'a Series,
    column: usize,
    origin: usize,
}

impl<'a> History<'a> {
    /// The rows of a series up to and with the row `origin`, of which the column `column` is forecast.
    pub fn new(series: &'a Series, column: usize, origin: usize) -> Self {
        Self { series, column, origin }
    }

    /// The last row.
    pub fn origin(&self) -> usize {
        self.origin
    }

    /// The value of the forecast column in a row.
    ///
    /// # Panics
    /// If the row is after the origin.
    pub fn value(&self, row: usize) -> f64 {
        self.value_of(row, self.column)
    }

    /// The value of any column in a row.
    ///
    /// # Panics
    /// If the row is after the origin.
    pub fn value_of(&self, row: usize, column: usize) -> f64 {
        assert!(row <= self.origin, "row {row} is after the origin {}", self.origin);
        self.series.value(row, column)
    }
}

/// A forecast that a network has to beat.
pub trait Baseline: Debug + Send + Sync {
    /// Its name in a table.
    fn name(&self) -> String;

    /// The values of the next `horizon` rows, in the column's unit; `None` if the history does not reach back far enough.
    fn forecast(&self, history: &History, horizon: usize) -> Option<Vec<f64>>;
}

/// The column that is forecast, and how.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The forecast column.
    pub column: usize,
    /// The columns that it is forecast from.
    pub features: Vec<usize>,
    /// Past rows that a forecast is made from.
    pub window: usize,
    /// Rows that are forecast.
    pub horizon: usize,
    /// Rows of each known season.
    pub seasons: Vec<usize>,
}

/// All baselines for a column, fitted on the training rows and chosen on the validation rows.
pub fn fit(train: &Subset<Train>, valid: &Subset<Valid>, problem: &Problem) -> Vec<Box<dyn Baseline>> {
    let mut baselines: Vec<Box<dyn Baseline>> = vec![Box::new(Persistence)];
    for rows in &problem.seasons {
        baselines.push(Box::new(SeasonalNaive { rows: *rows }));
    }
    baselines.push(Box::new(Drift));
    if let Some(climatology) = Climatology::fit(train, valid, problem) {
        baselines.push(Box::new(climatology));
    }
    let autoregression = HarmonicAutoregression::fit(train, valid, problem);
    let climatology = autoregression.clone().map(HarmonicAutoregression::into_climatology);
    let climatology = climatology.filter(|climatology| !climatology.is_constant());
    if let Some(ridge) = RidgeRegression::fit(train, valid, problem, climatology.as_ref()) {
        baselines.push(Box::new(ridge));
    }
    if let Some(autoregression) = autoregression {
        baselines.push(Box::new(autoregression));
    }
    baselines
}

/// The origins whose targets all lie in `rows`, which follow earlier rows.
pub(super) fn origins(rows: std::ops::Range<usize>, horizon: usize) -> std::ops::Range<usize> {
    rows.start.saturating_sub(1)..rows.end.saturating_sub(horizon)
}

/// The mean squared error of a baseline on the validation rows, from at most [`MAX_SELECTION`] origins; infinite if there
/// is none from which it can forecast.
fn validation_error(baseline: &dyn Baseline, valid: &Subset<Valid>, problem: &Problem) -> f64 {
    let origins = origins(valid.rows(), problem.horizon);
    let stride = origins.len().div_ceil(MAX_SELECTION).max(1);
    let (mut sum, mut count) = (0.0, 0.0);
    for origin in origins.step_by(stride) {
        let history = History::new(valid.series(), problem.column, origin);
        let Some(forecast) = baseline.forecast(&history, problem.horizon) else { continue };
        for (row, forecast) in (origin + 1..).zip(forecast) {
            sum += (valid.series().value(row, problem.column) - forecast).powi(2);
            count += 1.0;
        }
    }
    let mean = sum / count;
    if mean.is_finite() { mean } else { f64::INFINITY }
}

/// The candidate with the smallest error on the validation rows.
fn best<B: Baseline>(candidates: impl IntoIterator<Item = B>, valid: &Subset<Valid>, problem: &Problem) -> Option<B> {
    let scored = candidates.into_iter().map(|candidate| (validation_error(&candidate, valid, problem), candidate));
    scored.filter(|(error, _)| error.is_finite()).min_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, best)| best)
}
