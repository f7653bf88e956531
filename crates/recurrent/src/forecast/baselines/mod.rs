//! The baselines of forecasts: what a network has to beat.
//!
//! Naive ones need no fit. The others are fitted on the training rows; what they leave open, such as the number of
//! harmonics, is chosen by the error on the validation rows.

mod autoregression;
mod climatology;
mod ets;
mod least_squares;
mod naive;
mod ridge;

use std::fmt::Debug;
use std::ops::Range;

use recurrent_data::{Role, Series, Subset, SubsetSegment, Train, Valid};

pub use autoregression::HarmonicAutoregression;
pub use ets::Ets;
pub use naive::{Drift, Persistence, SeasonalNaive};
pub use ridge::RidgeRegression;

use super::Climatology;

/// Forecasts from which a choice is made on the validation rows, at most.
const MAX_SELECTION: usize = 400;

/// The rows of a series up to a forecast origin, as far as they go back without a gap.
#[derive(Debug, Clone, Copy)]
pub struct History<'a> {
    series: &'a Series,
    column: usize,
    start: usize,
    origin: usize,
}

impl<'a> History<'a> {
    /// These rows of a series, of which the column `column` is forecast; the last one is the origin.
    ///
    /// # Panics
    /// If there are none.
    pub fn new(series: &'a Series, column: usize, rows: Range<usize>) -> Self {
        assert!(!rows.is_empty(), "a history has rows");
        Self { series, column, start: rows.start, origin: rows.end - 1 }
    }

    /// The first row.
    pub fn start(&self) -> usize {
        self.start
    }

    /// The last row.
    pub fn origin(&self) -> usize {
        self.origin
    }

    /// The row `back` rows before the origin; `None` before the first one.
    fn row_before(&self, back: usize) -> Option<usize> {
        self.origin.checked_sub(back).filter(|row| *row >= self.start)
    }

    /// The value of the forecast column in a row.
    ///
    /// # Panics
    /// If the row is not one of the history.
    pub fn value(&self, row: usize) -> f64 {
        self.value_of(row, self.column)
    }

    /// The value of any column in a row.
    ///
    /// # Panics
    /// If the row is not one of the history.
    fn value_of(&self, row: usize, column: usize) -> f64 {
        assert!((self.start..=self.origin).contains(&row), "row {row} is not in {}..={}", self.start, self.origin);
        self.series.value(row, column)
    }

    /// The value of a known-future covariate in a row after the origin.
    fn known(&self, row: usize, column: usize) -> f64 {
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
    /// The columns whose values are known over the horizon.
    pub future: Vec<usize>,
    /// Past rows that a forecast is made from.
    pub window: usize,
    /// Rows that are forecast.
    pub horizon: usize,
    /// Rows of each known season.
    pub seasons: Vec<usize>,
}

/// All baselines for a column, fitted on the training rows and chosen on the validation rows. Models of a single course in
/// time are left out where there are several series.
pub fn fit(train: &Subset<Train>, valid: &Subset<Valid>, problem: &Problem) -> Vec<Box<dyn Baseline>> {
    let mut baselines: Vec<Box<dyn Baseline>> = vec![Box::new(Persistence)];
    for rows in &problem.seasons {
        baselines.push(Box::new(SeasonalNaive { rows: *rows }));
    }
    baselines.push(Box::new(Drift));
    let is_single = train.series().ids().len() <= 1;
    if let Some(climatology) = is_single.then(|| Climatology::fit(train, valid, problem)).flatten() {
        baselines.push(Box::new(climatology));
    }
    let autoregression = is_single.then(|| HarmonicAutoregression::fit(train, valid, problem)).flatten();
    let climatology = autoregression.clone().map(HarmonicAutoregression::into_climatology);
    let climatology = climatology.filter(|climatology| !climatology.is_constant());
    if let Some(ridge) = RidgeRegression::fit(train, valid, problem, climatology.as_ref()) {
        baselines.push(Box::new(ridge));
    }
    if let Some(autoregression) = autoregression {
        baselines.push(Box::new(autoregression));
    }
    let is_whole = train.series().segments().len() == 1;
    if let Some(ets) = is_whole.then(|| Ets::fit(train, problem)).flatten() {
        baselines.push(Box::new(ets));
    }
    baselines
}

/// The histories whose horizons lie in a subset, from one row on, in order.
fn histories<'a, R: Role>(subset: &'a Subset<R>, problem: &Problem) -> Vec<History<'a>> {
    let series = subset.series();
    let of_segment = |segment: &SubsetSegment| {
        let start = series.segments()[segment.segment].rows.start;
        // The row before the first target is the origin.
        let first = segment.rows.start.max(start + 1);
        let ends = first..(segment.rows.end + 1).saturating_sub(problem.horizon);
        ends.map(move |end| History::new(series, problem.column, start..end))
    };
    subset.segments().iter().flat_map(of_segment).collect()
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
    let histories = histories(valid, problem);
    let stride = stride(histories.len(), MAX_SELECTION, &problem.seasons);
    let (mut sum, mut count) = (0.0, 0.0);
    for history in histories.into_iter().step_by(stride) {
        let Some(forecast) = baseline.forecast(&history, problem.horizon) else { continue };
        for (row, forecast) in (history.origin + 1..).zip(forecast) {
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
        Problem { column: 0, features: vec![0], future: Vec::new(), window: 10, horizon: 5, seasons: vec![7] }
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
