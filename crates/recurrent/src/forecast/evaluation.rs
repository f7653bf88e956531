//! The errors of forecasts and of the naive baselines, in the columns' units.

use std::fmt;

use recurrent_data::{Series, Test, Windows};
use serde::{Deserialize, Serialize};

use super::Baseline;
use crate::metrics::significant;

/// The errors of one forecaster on one target.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ForecastScore {
    /// The mean absolute error, in the column's unit.
    pub mae: f64,
    /// The root mean squared error, in the column's unit.
    pub rmse: f64,
    /// The symmetric mean absolute percentage error, in percent: 200 · |y − ŷ| / (|y| + |ŷ|), 0 where both are 0
    /// (Makridakis 1993).
    pub smape: f64,
    /// The mean absolute scaled error: the MAE divided by that of the seasonal naive forecast (persistence, if there is no
    /// season) one season ahead on the training rows (Hyndman & Koehler 2006). `None` if that is 0, but for rounding.
    pub mase: Option<f64>,
    /// 1 − RMSE / RMSE of persistence: positive if better than persistence. `None` if persistence has no error, but for
    /// rounding.
    pub skill: Option<f64>,
}

/// A forecaster and its errors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ScoredForecaster {
    /// The network or a baseline.
    pub name: String,
    /// Its errors; `None` if the series does not reach back far enough for it.
    pub score: Option<ForecastScore>,
}

/// The errors of all forecasters on one target, on the same rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ScoreTable {
    /// The column.
    pub target: String,
    /// The number of forecasts, each of `horizon` steps.
    pub forecasts: usize,
    /// Steps of each forecast.
    pub horizon: usize,
    /// The network first.
    pub rows: Vec<ScoredForecaster>,
}

impl ScoreTable {
    /// The network's errors.
    pub fn network(&self) -> Option<&ForecastScore> {
        self.rows.first()?.score.as_ref()
    }

    /// A sentence that says whether the network beats the baselines.
    pub fn verdict(&self) -> String {
        let Some(network) = self.network() else {
            return "The network was not scored.".into();
        };
        // Every baseline beats a network whose forecasts are NaN.
        let better = |row: &&ScoredForecaster| {
            row.score.is_some_and(|score| score.rmse <= network.rmse || network.rmse.is_nan())
        };
        let ahead: Vec<&str> = self.rows[1..].iter().filter(better).map(|row| row.name.as_str()).collect();
        let target = &self.target;
        match ahead[..] {
            [] => format!("On `{target}` the network beats every naive forecast (RMSE)."),
            _ if ahead.contains(&"persistence") => format!(
                "On `{target}` the network does NOT beat persistence: repeating the last value is at least as good. \
                 Do not use this forecast."
            ),
            _ => format!("On `{target}` the network beats persistence, but not {}.", ahead.join(" and ")),
        }
    }
}

impl fmt::Display for ScoreTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} on the test split: {} forecasts of {} step(s)", self.target, self.forecasts, self.horizon)?;
        let width = self.rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
        writeln!(f, "{:width$}  {:>10} {:>10} {:>9} {:>8} {:>8}", "", "MAE", "RMSE", "sMAPE %", "MASE", "skill")?;
        for ScoredForecaster { name, score } in &self.rows {
            match score {
                Some(s) => writeln!(
                    f,
                    "{name:width$}  {:>10} {:>10} {:>9} {:>8} {:>8}",
                    significant(s.mae, 4),
                    significant(s.rmse, 4),
                    significant(s.smape, 2),
                    or_dash(s.mase),
                    or_dash(s.skill)
                )?,
                None => writeln!(f, "{name:width$}  {:>10}", "the series does not reach back far enough")?,
            }
        }
        write!(f, "{}", self.verdict())
    }
}

/// A value, or a dash if there is none.
fn or_dash(value: Option<f64>) -> String {
    value.map_or_else(|| "–".into(), |value| significant(value, 3))
}

/// The forecasts of the test split, and the actual values.
#[derive(Debug, Clone)]
pub struct TestForecasts {
    windows: Windows<Test>,
    /// `[window, step, target]`, in the columns' own units.
    forecasts: Vec<f64>,
    training_rows: usize,
    season: Option<usize>,
}

impl TestForecasts {
    /// `forecasts` has a value for each window, step and target, in the columns' own units.
    pub(crate) fn new(
        windows: Windows<Test>,
        forecasts: Vec<f64>,
        training_rows: usize,
        season: Option<usize>,
    ) -> Self {
        Self { windows, forecasts, training_rows, season }
    }

    /// The number of forecasts.
    pub fn len(&self) -> usize {
        self.windows.len()
    }

    /// Whether there are no forecasts, which does not happen.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The series with the actual values.
    pub fn series(&self) -> &Series {
        self.windows.series()
    }

    /// The row of step `step` (from 1) of forecast `window`.
    pub fn row(&self, window: usize, step: usize) -> usize {
        self.windows.origin(window) + step
    }

    /// The forecast of a target, `step` (from 1) rows after the window.
    pub fn forecast(&self, window: usize, step: usize, target: usize) -> f64 {
        let shape = self.windows.shape();
        self.forecasts[(window * shape.horizon() + step - 1) * shape.targets().len() + target]
    }

    /// The naive baselines for this series.
    pub fn baselines(&self) -> Vec<Baseline> {
        let seasonal = self.season.map(|rows| Baseline::Seasonal { rows });
        [Some(Baseline::Persistence), seasonal, Some(Baseline::Drift)].into_iter().flatten().collect()
    }

    /// The errors of the network and the baselines, one table per target.
    pub fn scores(&self, network: &str) -> Vec<ScoreTable> {
        let shape = self.windows.shape();
        let targets = shape.targets().iter().enumerate();
        targets.map(|(target, column)| self.score_target(network, target, *column)).collect()
    }

    fn score_target(&self, network: &str, target: usize, column: usize) -> ScoreTable {
        let series = self.windows.series();
        let scale = beyond_rounding(self.naive_error(column), series, column);
        let errors = |forecast: &dyn Fn(usize, usize) -> Option<f64>| {
            let mut errors = Errors::default();
            for window in 0..self.len() {
                for step in 1..=self.windows.shape().horizon() {
                    let actual = series.value(self.row(window, step), column);
                    errors.add(actual, forecast(window, step)?);
                }
            }
            Some(errors)
        };
        let baseline = |baseline: Baseline| {
            errors(&|window, step| baseline.forecast(series, column, self.windows.origin(window), step))
        };
        let persistence = baseline(Baseline::Persistence).unwrap_or_default().rmse();
        let persistence = beyond_rounding(persistence, series, column);
        let scored = |name: String, errors: Option<Errors>| ScoredForecaster {
            name,
            score: errors.map(|errors| errors.score(scale, persistence)),
        };
        let ours = errors(&|window, step| Some(self.forecast(window, step, target)));
        let naive = self.baselines().into_iter().map(|naive| scored(naive.name(), baseline(naive)));
        ScoreTable {
            target: series.names()[column].clone(),
            forecasts: self.len(),
            horizon: self.windows.shape().horizon(),
            rows: std::iter::once(scored(network.into(), ours)).chain(naive).collect(),
        }
    }

    /// The MAE of the seasonal naive forecast one season ahead on the training rows.
    fn naive_error(&self, column: usize) -> f64 {
        let season = self.season.unwrap_or(1);
        let series = self.windows.series();
        let difference = |row: usize| (series.value(row, column) - series.value(row - season, column)).abs();
        let rows = season..self.training_rows;
        rows.clone().map(difference).sum::<f64>() / rows.len() as f64
    }
}

/// An error of the naive forecasts, or `None` if it is 0 but for rounding, so that nothing can be divided by it.
fn beyond_rounding(error: f64, series: &Series, column: usize) -> Option<f64> {
    (error > series.rounding_error(column)).then_some(error)
}

#[derive(Debug, Default)]
struct Errors {
    count: f64,
    absolute: f64,
    squared: f64,
    symmetric: f64,
}

impl Errors {
    fn add(&mut self, actual: f64, forecast: f64) {
        let error = (actual - forecast).abs();
        let size = actual.abs() + forecast.abs();
        self.count += 1.0;
        self.absolute += error;
        self.squared += error * error;
        self.symmetric += if size > 0.0 { 200.0 * error / size } else { 0.0 };
    }

    fn rmse(&self) -> f64 {
        (self.squared / self.count).sqrt()
    }

    /// `scale` and `persistence` are the naive errors that MASE and skill divide by.
    fn score(&self, scale: Option<f64>, persistence: Option<f64>) -> ForecastScore {
        let mae = self.absolute / self.count;
        ForecastScore {
            mae,
            rmse: self.rmse(),
            smape: self.symmetric / self.count,
            mase: scale.map(|scale| mae / scale),
            skill: persistence.map(|persistence| 1.0 - self.rmse() / persistence),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_agree_with_a_calculation_by_hand() {
        let mut errors = Errors::default();
        errors.add(10.0, 12.0);
        errors.add(0.0, 0.0);
        errors.add(-4.0, 0.0);
        let score = errors.score(Some(0.5), Some(4.0));
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} is not {b}");
        close(score.mae, 2.0);
        close(score.rmse, (20.0_f64 / 3.0).sqrt());
        close(score.smape, (400.0 / 22.0 + 0.0 + 200.0) / 3.0);
        close(score.mase.unwrap(), 4.0);
        close(score.skill.unwrap(), 1.0 - (20.0_f64 / 3.0).sqrt() / 4.0);
    }

    #[test]
    fn errors_within_rounding_are_none() {
        let table = recurrent_data::Table::from_bytes("t", b"y\n0.3\n0.30000000000000004\n0.3\n", None).unwrap();
        let series = table.series(&Default::default()).unwrap();
        assert_eq!(beyond_rounding(0.30000000000000004 - 0.3, &series, 0), None);
        assert_eq!(beyond_rounding(1e-9, &series, 0), Some(1e-9));
    }

    fn table(network: f64, others: &[(&str, f64)]) -> ScoreTable {
        let scored = |name: &str, rmse: f64| ScoredForecaster {
            name: name.into(),
            score: Some(ForecastScore { mae: rmse, rmse, smape: 1.0, mase: None, skill: None }),
        };
        let others = others.iter().map(|(name, rmse)| scored(name, *rmse));
        ScoreTable {
            target: "y".into(),
            forecasts: 1,
            horizon: 1,
            rows: std::iter::once(scored("LSTM", network)).chain(others).collect(),
        }
    }

    #[test]
    fn the_verdict_names_the_baselines_that_win() {
        let won = table(1.0, &[("persistence", 2.0), ("drift", 2.0)]);
        assert_eq!(won.verdict(), "On `y` the network beats every naive forecast (RMSE).");
        let lost = table(2.0, &[("persistence", 2.0), ("drift", 3.0)]);
        assert!(lost.verdict().contains("does NOT beat persistence"), "{}", lost.verdict());
        assert!(table(f64::NAN, &[("persistence", 2.0)]).verdict().contains("does NOT beat persistence"));
        let seasonal = table(2.0, &[("persistence", 3.0), ("seasonal naive (7)", 1.0)]);
        assert_eq!(seasonal.verdict(), "On `y` the network beats persistence, but not seasonal naive (7).");
    }
}
