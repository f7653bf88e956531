//! A trained forecaster.

use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use recurrent_data::{Series, Table};
use recurrent_models::{Summarize, Summary};
use serde::Serialize;

use super::{ForecastConfig, ForecastEnsemble, ForecastTransform, csv};
use crate::settings::Bound;
use crate::{Error, Predictor, Result, RunDir};

/// The maximum number of steps.
const MAX_STEPS: i64 = 10_000;

/// A trained forecaster, loaded from the folder of a run.
///
/// ```no_run
/// use recurrent::data::Table;
/// use recurrent::forecast::Forecaster;
/// use recurrent::prelude::*;
///
/// # fn main() -> recurrent::Result<()> {
/// let forecaster = Forecaster::load("runs/weather", &Default::default())?;
///
/// // From the end of the training data ...
/// print!("{}", forecaster.forecast(None)?.to_csv());
///
/// // ... or from other rows.
/// let history = forecaster.history(&Table::open("today.csv", None)?)?;
/// let next = forecaster.predict(&[&history])?.swap_remove(0);
/// for (label, values) in next.labels.iter().zip(&next.values) {
///     println!("{label}: {:.1}", values[0]);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Forecaster {
    network: ForecastEnsemble,
    transform: ForecastTransform,
    config: ForecastConfig,
    latest: Series,
    device: Device,
}

/// A forecast of several rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Forecast {
    /// The target columns.
    pub targets: Vec<String>,
    /// A label for each row: its date, or its distance from the last row of the history, as `+1`.
    pub labels: Vec<String>,
    /// `[row][target]`, in the columns' own units.
    pub values: Vec<Vec<f64>>,
}

impl Predictor for Forecaster {
    type Config = ForecastConfig;
    type Input = Series;
    type Output = Forecast;

    fn load(folder: impl AsRef<Path>, device: &Device) -> Result<Self> {
        let run_dir = RunDir::open(folder)?;
        let config: ForecastConfig = run_dir.config()?;
        let transform: ForecastTransform = run_dir.read_toml(ForecastTransform::FILE)?;
        let expected = ForecastTransform::new(&config, transform.scaler.clone(), transform.climatologies.clone());
        if transform != expected || !transform.has_climatologies(&config) || transform.shape().is_err() {
            return Err(Error::RunDir {
                path: run_dir.path(ForecastTransform::FILE),
                expected: "the columns, window, horizon and climatologies of this run's config.toml".into(),
                found: "others".into(),
            });
        }
        let history = run_dir.read("history.csv")?;
        let source = run_dir.path("history.csv").display().to_string();
        let latest = Table::from_bytes(source, history.as_bytes(), Some(','))?.series(&transform.selection())?;
        let network = config.network();
        run_dir.check_size(network.num_parameters().saturating_mul(config.ensemble))?;
        let mut network = ForecastEnsemble::new(&network, config.ensemble, device);
        run_dir.read_weights(&mut network)?;
        Ok(Self { network, transform, config, latest, device: device.clone() })
    }

    /// The next `horizon` rows after each history, from its last `window` rows.
    ///
    /// # Errors
    /// If a history is too short or lacks a column.
    fn predict(&self, histories: &[&Series]) -> Result<Vec<Forecast>> {
        histories.iter().map(|history| self.forecast_after(history, None)).collect()
    }

    fn config(&self) -> &ForecastConfig {
        &self.config
    }
}

impl Forecaster {
    /// The layers of its network, with shapes and parameters.
    pub fn summary(&self) -> Summary {
        self.network.summary(&[self.transform.window, self.transform.features.len()])
    }

    /// The columns that a forecast needs, the features and the dates, from a table with any columns.
    ///
    /// # Errors
    /// If the table lacks one, or a value is not a number.
    pub fn history(&self, table: &Table) -> Result<Series> {
        Ok(table.series(&self.transform.selection())?)
    }

    /// The next `steps` rows (`horizon` if `None`) after the last row of the run's data.
    ///
    /// Beyond the horizon, forecasts are fed back as inputs (an autoregressive forecast), which requires that all features
    /// are also targets.
    ///
    /// # Errors
    /// If `steps` is out of bounds, or beyond the horizon of a network that does not forecast all its features.
    pub fn forecast(&self, steps: Option<usize>) -> Result<Forecast> {
        self.forecast_after(&self.latest, steps)
    }

    /// [`forecast`](Self::forecast) after another history.
    ///
    /// # Errors
    /// As [`predict`](Predictor::predict) and [`forecast`](Self::forecast).
    pub fn forecast_after(&self, history: &Series, steps: Option<usize>) -> Result<Forecast> {
        let horizon = self.transform.horizon;
        let steps = steps.unwrap_or(horizon);
        Bound::Range(1, MAX_STEPS).check("steps", steps.try_into().unwrap_or(i64::MAX))?;
        let mut past = self.transform.latest(history)?;
        let mut values = self.outputs(past.clone())?;
        while values.len() < steps {
            self.push_forecast(&mut past, &values[values.len() - horizon..], steps)?;
            values.extend(self.outputs(past.clone())?);
        }
        values.truncate(steps);
        let dates = history.dates().map(|dates| dates.following(history.len() - 1, steps));
        self.transform.reseasonalize(&mut values, dates.as_deref())?;
        Ok(Forecast { targets: self.transform.targets.clone(), labels: labels_after(history, steps), values })
    }

    /// Moves the window of scaled features `[window, features]` over a forecast, to forecast beyond the horizon.
    fn push_forecast(&self, past: &mut Vec<f32>, forecast: &[Vec<f64>], steps: usize) -> Result<()> {
        let Self { transform, .. } = self;
        let shape = transform.shape()?;
        for row in forecast {
            for name in &transform.features {
                let Some(target) = transform.targets.iter().position(|known| known == name) else {
                    let missing = format!("`{name}`");
                    return Err(Error::BeyondHorizon { horizon: transform.horizon, steps, missing });
                };
                past.push(transform.scaler.transform(shape.targets()[target], row[target]) as f32);
            }
        }
        past.drain(..past.len() - transform.window * transform.features.len());
        Ok(())
    }

    /// The forecast from one window of scaled features `[window, features]`, without the climatology: `[horizon][target]`.
    fn outputs(&self, past: Vec<f32>) -> Result<Vec<Vec<f64>>> {
        let data = TensorData::new(past, [1, self.transform.window, self.transform.features.len()]);
        let outputs: Vec<f32> =
            self.network.forward(Tensor::from_data(data, &self.device)).into_data().iter::<f32>().collect();
        self.transform.decode(&outputs)
    }
}

/// The labels of the next `steps` rows after a history: their dates, or their distance.
fn labels_after(history: &Series, steps: usize) -> Vec<String> {
    match history.dates() {
        Some(dates) => dates.labels_after(history.len() - 1, steps),
        None => (1..=steps).map(|step| format!("+{step}")).collect(),
    }
}

impl Forecast {
    /// As CSV, with a header: `row` (with underscores before it if a target has that name) and the targets.
    pub fn to_csv(&self) -> String {
        let row = csv::row_header(&self.targets);
        let head = std::iter::once(row.as_str()).chain(self.targets.iter().map(String::as_str));
        let rows = self.labels.iter().zip(&self.values).map(|(label, values)| {
            std::iter::once(label.clone()).chain(values.iter().map(f64::to_string)).collect::<Vec<_>>()
        });
        csv::text(head, rows)
    }

    /// As JSON: `{"targets": [..], "rows": [{"row": .., "values": [..]}]}`.
    pub fn to_json(&self) -> String {
        let rows = self.labels.iter().zip(&self.values);
        let rows: Vec<_> = rows.map(|(row, values)| serde_json::json!({ "row": row, "values": values })).collect();
        serde_json::json!({ "targets": self.targets, "rows": rows }).to_string()
    }
}
