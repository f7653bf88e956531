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
        assert!(row <= self.origin, "row {row} is after the origin {}", self.origin);
        self.series.value(row, self.column)
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
fn origins(rows: std::ops::Range<usize>, horizon: usize) -> std::ops::Range<usize> {
    rows.start.saturating_sub(1)..rows.end.saturating_sub(horizon)
}

/// A stride that leaves at most `most` of `count` rows, and meets every row of each season.
fn stride(count: usize, most: usize, seasons: &[usize]) -> usize {
    let coprime = |mut a: usize, mut b: usize| {
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a == 1
    };
    let mut strides = count.div_ceil(most).max(1)..;
    strides.find(|stride| seasons.iter().all(|season| coprime(*stride, *season))).unwrap_or(1)
}

/// The mean squared error of a baseline on the validation rows, from at most [`MAX_SELECTION`] origins; infinite if there
/// is none from which it can forecast.
fn validation_error(baseline: &dyn Baseline, valid: &Subset<Valid>, problem: &Problem) -> f64 {
    let origins = origins(valid.rows(), problem.horizon);
    let stride = stride(origins.len(), MAX_SELECTION, &problem.seasons);
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

#[cfg(test)]
mod tests {
    use recurrent_data::{ColumnSelection, Split, SplitFractions, Table};

    use super::*;

    /// Days of a year's course, with an autoregression of order 1 on it, times `unit`.
    fn days(unit: f64) -> Split {
        let mut noise = 0_u64;
        let mut residual = 0.0;
        let mut text = "date,y\n".to_string();
        let mut date = recurrent_data::DateTime::constant(2010, 1, 1, 0, 0, 0, 0);
        for day in 0..1500 {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            residual = 0.8 * residual + (noise >> 40) as f64 / (1_u64 << 24) as f64 - 0.5;
            let course = 10.0 + 5.0 * (std::f64::consts::TAU * f64::from(day) / 365.25).sin();
            text += &format!("{},{}\n", date.date(), unit * (course + residual));
            date = date.tomorrow().unwrap();
        }
        let table = Table::from_bytes("days.csv", text.as_bytes(), None).unwrap();
        table.series(&ColumnSelection::default()).unwrap().split(&SplitFractions::default()).unwrap()
    }

    fn problem() -> Problem {
        Problem { column: 0, features: vec![0], window: 10, horizon: 5, seasons: vec![7] }
    }

    /// The mean squared error of each baseline, by the first word of its name.
    fn errors(split: &Split) -> Vec<(String, f64)> {
        let baselines = fit(&split.train, &split.valid, &problem());
        let error = |baseline: &dyn Baseline| (baseline.name(), validation_error(baseline, &split.valid, &problem()));
        baselines.iter().map(|baseline| error(baseline.as_ref())).collect()
    }

    #[test]
    fn models_of_the_data_beat_the_naive_forecasts_in_any_unit() {
        let found = errors(&days(1.0));
        let of =
            |part: &str| found.iter().find(|(name, _)| name.contains(part)).unwrap_or_else(|| panic!("{found:?}")).1;
        let naive = of("persistence").min(of("seasonal naive (7)")).min(of("drift"));
        assert!(of("AR(") < naive && of("ridge") < naive && of("AR(") < of("climatology"), "{found:?}");
        let tiny = errors(&days(1e-9));
        for ((name, error), (same, tiny)) in found.iter().zip(&tiny) {
            assert!(name == same && (tiny / 1e-18 / error - 1.0).abs() < 1e-3, "{name} {error}, {same} {tiny}");
        }
    }

    #[test]
    fn strides_meet_every_row_of_a_season() {
        assert_eq!(stride(100, 400, &[7]), 1);
        assert_eq!(stride(2500, 400, &[7]), 8);
        assert_eq!(stride(9500, 400, &[24, 168]), 25);
    }
}
