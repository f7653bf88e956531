//! The errors of forecasts and of the baselines, in the columns' units.

use std::fmt;
use std::sync::Arc;

use recurrent_data::{Series, Subset, SubsetSegment, Test, Train, Windows};
use serde::{Deserialize, Serialize};

use super::baselines::{Baseline, History};
use super::config::REPORTED_LEVELS;
use super::intervals::IntervalScores;
use super::outputs::ReadForecasts;
use crate::metrics::{diebold_mariano, significant};

/// The p-value below which a difference counts.
const SIGNIFICANCE: f64 = 0.05;

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
    /// The root mean squared error of each step of the horizon.
    pub rmse_by_step: Vec<f64>,
    /// The p-value of the hypothesis that it is as accurate as the network, of squared errors
    /// ([`diebold_mariano`]); `None` for the network itself.
    pub p_value: Option<f64>,
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
    /// The scores of the network's intervals; `None` in files without.
    #[serde(default)]
    pub intervals: Option<IntervalScores>,
}

impl ScoreTable {
    /// The network's errors.
    pub fn network(&self) -> Option<&ForecastScore> {
        self.rows.first()?.score.as_ref()
    }

    /// The baseline with the smallest root mean squared error.
    pub fn best_baseline(&self) -> Option<&ScoredForecaster> {
        let scored = self.rows[1..].iter().filter_map(|row| Some((row.score?.rmse, row)));
        scored.min_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, row)| row)
    }

    /// A sentence that says whether the network beats the best baseline, by the root mean squared error and a
    /// Diebold–Mariano test at the level of 5 %.
    pub fn verdict(&self) -> String {
        let Some(network) = self.network() else {
            return "The network was not scored.".into();
        };
        let target = &self.target;
        let Some((best, score)) = self.best_baseline().and_then(|best| Some((best, best.score?))) else {
            return format!("On `{target}` no baseline reaches back far enough.");
        };
        let numbers = |first: f64, second: f64| {
            let p = match best.p_value {
                None => "too few forecasts for a test".into(),
                Some(p) if p < 0.001 => "p < 0.001".into(),
                Some(p) => format!("p = {p:.3}"),
            };
            format!("RMSE {} against {} ({p})", significant(first, 3), significant(second, 3))
        };
        let name = &best.name;
        // A network whose forecasts are NaN loses.
        let wins = network.rmse < score.rmse;
        if wins && best.p_value.is_some_and(|p| p < SIGNIFICANCE) {
            return format!(
                "On `{target}` the network beats every baseline; the best is {name}: {}.",
                numbers(network.rmse, score.rmse)
            );
        }
        let persistence = self.rows[1..].iter().find(|row| row.name == "persistence");
        let beats_persistence = persistence.is_some_and(|row| {
            row.score.is_some_and(|score| network.rmse < score.rmse) && row.p_value.is_some_and(|p| p < SIGNIFICANCE)
        });
        let advice = if beats_persistence {
            "It is simpler: prefer it."
        } else {
            "The network does NOT beat persistence, as far as a test can tell: do not rely on its forecasts."
        };
        if wins {
            let numbers = numbers(network.rmse, score.rmse);
            format!("On `{target}` the network is not distinguishably better than {name}: {numbers}. {advice}")
        } else {
            let numbers = numbers(score.rmse, network.rmse);
            let is_better = best.p_value.is_some_and(|p| p < SIGNIFICANCE);
            let is = if is_better { "is better than" } else { "is not distinguishably worse than" };
            format!("On `{target}` {name} {is} the network: {numbers}. {advice}")
        }
    }
}

impl fmt::Display for ScoreTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} on the test split: {} forecasts of {} step(s)", self.target, self.forecasts, self.horizon)?;
        let width = self.rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
        writeln!(
            f,
            "{:width$}  {:>10} {:>10} {:>9} {:>8} {:>8} {:>6}",
            "", "MAE", "RMSE", "sMAPE %", "MASE", "skill", "p"
        )?;
        for ScoredForecaster { name, score, p_value, .. } in &self.rows {
            match score {
                Some(s) => writeln!(
                    f,
                    "{name:width$}  {:>10} {:>10} {:>9} {:>8} {:>8} {:>6}",
                    significant(s.mae, 4),
                    significant(s.rmse, 4),
                    significant(s.smape, 2),
                    or_dash(s.mase),
                    or_dash(s.skill),
                    p_value.map_or_else(String::new, |p| format!("{p:.3}"))
                )?,
                None => writeln!(f, "{name:width$}  {:>10}", "the series does not reach back far enough")?,
            }
        }
        if let Some(intervals) = &self.intervals {
            writeln!(f, "{intervals}")?;
        }
        write!(f, "{}", self.verdict())
    }
}

/// A value, or a dash if there is none.
fn or_dash(value: Option<f64>) -> String {
    value.map_or_else(|| "–".into(), |value| significant(value, 3))
}

/// The forecasts of the test split, and the actual values.
#[derive(Debug)]
pub struct TestForecasts {
    /// The rows as they are in the table, with the columns of the windows.
    series: Arc<Series>,
    windows: Windows<Test>,
    forecasts: ReadForecasts,
    /// Of each target.
    baselines: Vec<Vec<BaselineForecasts>>,
    /// The training rows of each segment.
    training: Vec<SubsetSegment>,
    season: Option<usize>,
}

/// The forecasts of a baseline.
#[derive(Debug, Clone)]
struct BaselineForecasts {
    name: String,
    /// `[window, step]`; `None` if the series does not reach back far enough.
    values: Option<Vec<f64>>,
}

impl TestForecasts {
    /// `forecasts` are those of each window, with the reported quantiles; `baselines` are those of each target.
    pub(super) fn new(
        (series, windows): (Arc<Series>, Windows<Test>),
        forecasts: ReadForecasts,
        baselines: &[Vec<Box<dyn Baseline>>],
        train: &Subset<Train>,
        season: Option<usize>,
    ) -> Self {
        let targets = target_columns(&series, &windows).into_iter().zip(baselines);
        let baselines = targets.map(|(column, baselines)| {
            let horizon = windows.shape().horizon();
            let forecast = |baseline: &dyn Baseline| {
                let from = |window| {
                    let rows = windows.segment_start(window)..windows.origin(window) + 1;
                    History::new(&series, column, rows)
                };
                let values = (0..windows.len()).map(|window| baseline.forecast(&from(window), horizon));
                let values = values.collect::<Option<Vec<Vec<f64>>>>().map(|values| values.concat());
                BaselineForecasts { name: baseline.name(), values }
            };
            baselines.iter().map(|baseline| forecast(baseline.as_ref())).collect()
        });
        let baselines = baselines.collect();
        Self { series, windows, forecasts, baselines, training: train.segments().to_vec(), season }
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
        &self.series
    }

    /// The row of step `step` (from 1) of forecast `window`.
    pub fn row(&self, window: usize, step: usize) -> usize {
        self.windows.origin(window) + step
    }

    /// The forecast of a target, `step` (from 1) rows after the window.
    pub fn forecast(&self, window: usize, step: usize, target: usize) -> f64 {
        self.forecasts.points[self.item(window, step, target)]
    }

    /// The quantiles of a target at the [reported levels](Self::levels), `step` (from 1) rows after the window.
    pub fn quantiles(&self, window: usize, step: usize, target: usize) -> &[f64] {
        let levels = self.levels().len();
        &self.forecasts.quantiles[self.item(window, step, target) * levels..][..levels]
    }

    /// The levels of the quantiles.
    pub fn levels(&self) -> &'static [f64] {
        &REPORTED_LEVELS
    }

    /// The index of a forecast value.
    fn item(&self, window: usize, step: usize, target: usize) -> usize {
        let shape = self.windows.shape();
        (window * shape.horizon() + step - 1) * shape.targets().len() + target
    }

    /// The forecast of a target by the baseline of this name; `None` if there is none, or the series does not reach back
    /// far enough.
    pub fn baseline_forecast(&self, name: &str, window: usize, step: usize, target: usize) -> Option<f64> {
        let baseline = self.baselines[target].iter().find(|baseline| baseline.name == name)?;
        Some(baseline.values.as_ref()?[window * self.windows.shape().horizon() + step - 1])
    }

    /// The errors of the network and the baselines, one table per target.
    pub fn scores(&self, network: &str) -> Vec<ScoreTable> {
        let targets = target_columns(&self.series, &self.windows).into_iter().enumerate();
        targets.map(|(target, column)| self.score_target(network, target, column)).collect()
    }

    fn score_target(&self, network: &str, target: usize, column: usize) -> ScoreTable {
        let series = &self.series;
        let horizon = self.windows.shape().horizon();
        let all = || (0..self.len()).flat_map(|window| (1..=horizon).map(move |step| (window, step)));
        let actual: Vec<f64> = all().map(|(window, step)| series.value(self.row(window, step), column)).collect();
        let ours: Vec<f64> = all().map(|(window, step)| self.forecast(window, step, target)).collect();
        let baselines = &self.baselines[target];
        let persistence = baselines.iter().find(|baseline| baseline.name == "persistence");
        let persistence = persistence.and_then(|baseline| baseline.values.as_ref());
        let persistence = persistence.map_or(0.0, |values| Errors::of(&actual, values).rmse());
        let scale = beyond_rounding(self.naive_error(column), series, column);
        let persistence = beyond_rounding(persistence, series, column);
        let losses = |values: &[f64]| mean_squared_errors(&actual, values, horizon);
        let our_losses = losses(&ours);
        let p_value = |values: &[f64]| {
            let differences: Vec<f64> = our_losses.iter().zip(losses(values)).map(|(a, b)| a - b).collect();
            diebold_mariano(&differences, horizon)
        };
        let scored = |name: &str, values: &[f64], p_value: Option<f64>| ScoredForecaster {
            name: name.into(),
            score: Some(Errors::of(&actual, values).score(scale, persistence)),
            rmse_by_step: rmse_by_step(&actual, values, horizon),
            p_value,
        };
        let baselines = baselines.iter().map(|baseline| match &baseline.values {
            Some(values) => scored(&baseline.name, values, p_value(values)),
            None => {
                ScoredForecaster { name: baseline.name.clone(), score: None, rmse_by_step: Vec::new(), p_value: None }
            }
        });
        ScoreTable {
            target: series.names()[column].clone(),
            forecasts: self.len(),
            horizon,
            rows: std::iter::once(scored(network, &ours, None)).chain(baselines).collect(),
            intervals: Some(self.score_intervals(target, &actual)),
        }
    }

    /// The scores of a target's intervals against the actual values `[window, step]`.
    fn score_intervals(&self, target: usize, actual: &[f64]) -> IntervalScores {
        let horizon = self.windows.shape().horizon();
        let all = (0..self.len()).flat_map(|window| (1..=horizon).map(move |step| (window, step)));
        let quantiles: Vec<&[f64]> = all.map(|(window, step)| self.quantiles(window, step, target)).collect();
        IntervalScores::new(self.levels(), &quantiles, actual)
    }

    /// The MAE of the seasonal naive forecast one season ahead on the training rows.
    fn naive_error(&self, column: usize) -> f64 {
        let season = self.season.unwrap_or(1);
        let series = &self.series;
        let difference = |row: usize| (series.value(row, column) - series.value(row - season, column)).abs();
        let rows = self.training.iter().flat_map(|segment| {
            let start = segment.rows.start + season;
            start..segment.rows.end.max(start)
        });
        let (sum, count) = rows.fold((0.0, 0), |(sum, count), row| (sum + difference(row), count + 1));
        sum / f64::from(count)
    }
}

/// The columns of the targets in a series that may have others than the windows.
fn target_columns(series: &Series, windows: &Windows<Test>) -> Vec<usize> {
    let names = windows.series().names();
    let column = |index: &usize| series.index_of(&names[*index]).expect("the windows' columns are the series'");
    windows.shape().targets().iter().map(column).collect()
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

/// The mean squared error of each forecast of `horizon` steps.
fn mean_squared_errors(actual: &[f64], forecast: &[f64], horizon: usize) -> Vec<f64> {
    let chunks = actual.chunks(horizon).zip(forecast.chunks(horizon));
    let mean = |(a, b): (&[f64], &[f64])| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / horizon as f64;
    chunks.map(mean).collect()
}

/// The root mean squared error of each step.
fn rmse_by_step(actual: &[f64], forecast: &[f64], horizon: usize) -> Vec<f64> {
    let at = |step: usize| {
        let pairs = actual.iter().zip(forecast).skip(step).step_by(horizon);
        let squares: Vec<f64> = pairs.map(|(a, b)| (a - b).powi(2)).collect();
        (squares.iter().sum::<f64>() / squares.len() as f64).sqrt()
    };
    (0..horizon).map(at).collect()
}

impl Errors {
    fn of(actual: &[f64], forecast: &[f64]) -> Self {
        let mut errors = Self::default();
        actual.iter().zip(forecast).for_each(|(actual, forecast)| errors.add(*actual, *forecast));
        errors
    }

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

    fn table(network: f64, others: &[(&str, f64, f64)]) -> ScoreTable {
        let scored = |name: &str, rmse: f64, p_value: Option<f64>| ScoredForecaster {
            name: name.into(),
            score: Some(ForecastScore { mae: rmse, rmse, smape: 1.0, mase: None, skill: None }),
            rmse_by_step: vec![rmse],
            p_value,
        };
        let others = others.iter().map(|(name, rmse, p)| scored(name, *rmse, Some(*p)));
        ScoreTable {
            target: "y".into(),
            forecasts: 1,
            horizon: 1,
            rows: std::iter::once(scored("LSTM", network, None)).chain(others).collect(),
            intervals: None,
        }
    }

    #[test]
    fn the_verdict_names_the_best_baseline_and_the_test() {
        let verdict = |network, others: &[(&str, f64, f64)]| table(network, others).verdict();
        assert_eq!(
            verdict(1.0, &[("persistence", 3.0, 0.001), ("AR(2)", 2.0, 0.01)]),
            "On `y` the network beats every baseline; the best is AR(2): RMSE 1.000 against 2.000 (p = 0.010)."
        );
        assert_eq!(
            verdict(1.9, &[("persistence", 3.0, 0.001), ("AR(2)", 2.0, 0.4)]),
            "On `y` the network is not distinguishably better than AR(2): RMSE 1.900 against 2.000 (p = 0.400). It is \
             simpler: prefer it."
        );
        assert_eq!(
            verdict(2.1, &[("persistence", 3.0, 0.001), ("AR(2)", 2.0, 0.4)]),
            "On `y` AR(2) is not distinguishably worse than the network: RMSE 2.000 against 2.100 (p = 0.400). It is \
             simpler: prefer it."
        );
        assert_eq!(
            verdict(2.1, &[("persistence", 3.0, 0.0001), ("AR(2)", 2.0, 0.0001)]),
            "On `y` AR(2) is better than the network: RMSE 2.000 against 2.100 (p < 0.001). It is simpler: prefer it."
        );
        for (network, p) in [(1.9, 0.4), (2.1, 0.01), (f64::NAN, 0.5)] {
            let verdict = verdict(network, &[("persistence", 2.0, p), ("drift", 3.0, 0.01)]);
            assert!(verdict.contains("does NOT beat persistence"), "{verdict}");
        }
    }

    #[test]
    fn errors_by_step_and_forecast() {
        let (actual, forecast) = ([1.0, 2.0, 3.0, 4.0], [1.0, 4.0, 6.0, 4.0]);
        assert_eq!(mean_squared_errors(&actual, &forecast, 2), [2.0, 4.5]);
        assert_eq!(rmse_by_step(&actual, &forecast, 2), [4.5_f64.sqrt(), 2.0_f64.sqrt()]);
    }
}
