//! A trained forecaster.

use std::path::Path;

use burn::tensor::{Device, Int, Tensor, TensorData};
use recurrent_data::{DateTime, Segment, Series, Table};
use recurrent_models::networks::{ForecastInput, ForecastNetwork};
use recurrent_models::{Summarize, Summary};
use serde::{Deserialize, Serialize};

use super::config::REPORTED_LEVELS;
use super::outputs::{OutputReader, ReadForecasts};
use super::{Calibration, DistributionHead, Forecast, ForecastConfig, ForecastTransform};
use crate::settings::Bound;
use crate::{Ensemble, Error, Predictor, Result, RunDir};

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
    network: Ensemble<ForecastNetwork>,
    transform: ForecastTransform,
    head: DistributionHead,
    /// Of each target; none if the run is not evaluated yet.
    calibrations: Vec<Calibration>,
    config: ForecastConfig,
    latest: Series,
    device: Device,
}

/// The calibrations in a run's folder.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedCalibrations {
    targets: Vec<Calibration>,
}

impl Predictor for Forecaster {
    type Config = ForecastConfig;
    type Input = Series;
    type Output = Forecast;

    fn load(folder: impl AsRef<Path>, device: &Device) -> Result<Self> {
        let run_dir = RunDir::open(folder)?;
        let config: ForecastConfig = run_dir.config()?;
        let transform = ForecastTransform::read(&run_dir, &config)?;
        let history = run_dir.read(Self::HISTORY)?;
        let source = run_dir.path(Self::HISTORY).display().to_string();
        let latest = Table::from_bytes(source, history.as_bytes(), Some(','))?.series(&transform.selection())?;
        let network = transform.network(&config);
        run_dir.check_size(network.num_parameters().saturating_mul(config.ensemble))?;
        let mut network = Ensemble::new(config.ensemble, || network.init(device));
        run_dir.read_weights(&mut network)?;
        let calibrations = Self::read_calibrations(&run_dir, &transform)?;
        let head = config.head()?;
        Ok(Self { network, transform, head, calibrations, config, latest, device: device.clone() })
    }

    /// The next `horizon` rows after each history, from its last `window` rows.
    ///
    /// # Errors
    /// If a history is too short, lacks a column, or has several series; or the run needs known-future covariates:
    /// [`forecast_each`](Self::forecast_each) takes them.
    fn predict(&self, histories: &[&Series]) -> Result<Vec<Forecast>> {
        histories.iter().map(|history| self.forecast_after(history, None)).collect()
    }

    fn config(&self) -> &ForecastConfig {
        &self.config
    }
}

/// What a forecast of one series is made from.
struct Origin<'a> {
    /// The history as the network sees it, scaled: `[window, features]`.
    past: Vec<f32>,
    /// The number of the series.
    series: usize,
    /// The dates of the rows to forecast, if there are dates.
    dates: Option<Vec<DateTime>>,
    /// The known-future covariates of these rows, `[row][column]`, as they are in the table.
    future: Vec<Vec<f64>>,
    history: &'a Series,
    segment: &'a Segment,
}

impl Forecaster {
    /// Its network.
    #[cfg(feature = "exchange")]
    pub(crate) fn network(&self) -> &Ensemble<ForecastNetwork> {
        &self.network
    }

    /// The file of the last rows in a run's folder.
    pub(super) const HISTORY: &'static str = "history.csv";
    /// The file of the calibrations in a run's folder.
    const CALIBRATION: &'static str = "calibration.toml";

    /// Saves the calibration of each target's intervals.
    #[cfg(feature = "fit")]
    pub(super) fn write_calibrations(run_dir: &RunDir, calibrations: &[Calibration]) -> Result<()> {
        let saved = SavedCalibrations { targets: calibrations.to_vec() };
        run_dir.write(Self::CALIBRATION, crate::run_dir::to_toml(&saved))
    }

    fn read_calibrations(run_dir: &RunDir, transform: &ForecastTransform) -> Result<Vec<Calibration>> {
        if !run_dir.path(Self::CALIBRATION).exists() {
            return Ok(Vec::new());
        }
        let saved: SavedCalibrations = run_dir.read_toml(Self::CALIBRATION)?;
        let fits = |calibration: &Calibration| {
            calibration.levels() == REPORTED_LEVELS && calibration.horizon() == transform.horizon
        };
        if saved.targets.len() != transform.targets.len() || !saved.targets.iter().all(fits) {
            return Err(Error::RunDir {
                path: run_dir.path(Self::CALIBRATION),
                expected: "a calibration of each target of this run (evaluate the run to make it again)".into(),
                found: "others".into(),
            });
        }
        Ok(saved.targets)
    }

    /// The layers of its network, with shapes and parameters.
    pub fn summary(&self) -> Summary {
        self.network.summary(&[self.transform.window, self.transform.inputs().len()])
    }

    /// The columns that a forecast needs, the features, dates and ids, from a table with any columns.
    ///
    /// # Errors
    /// If the table lacks one, or a value is not a number.
    pub fn history(&self, table: &Table) -> Result<Series> {
        Ok(table.series(&self.transform.selection())?)
    }

    /// The known-future covariates that a forecast needs, from a table with any columns; `None` if it needs none.
    ///
    /// # Errors
    /// If the table lacks one, or a value is not a number.
    pub fn future(&self, table: &Table) -> Result<Option<Series>> {
        let selection = self.transform.future_selection();
        selection.map(|selection| Ok(table.series(&selection)?)).transpose()
    }

    /// The last rows of the run's data.
    pub fn latest(&self) -> &Series {
        &self.latest
    }

    /// The next `steps` rows (`horizon` if `None`) after the last row of the run's data.
    ///
    /// # Errors
    /// As [`forecast_after`](Self::forecast_after).
    pub fn forecast(&self, steps: Option<usize>) -> Result<Forecast> {
        self.forecast_after(&self.latest, steps)
    }

    /// The next `steps` rows (`horizon` if `None`) after the last row of a history with one series.
    ///
    /// # Errors
    /// As [`forecast_each`](Self::forecast_each), and if the history has several series.
    pub fn forecast_after(&self, history: &Series, steps: Option<usize>) -> Result<Forecast> {
        if history.ids().len() > 1 {
            return Err(Error::Input {
                what: "the rows to forecast from".into(),
                expected: "one series".into(),
                found: format!("{}", history.ids().len()),
            });
        }
        Ok(self.forecast_each(history, None, steps)?.swap_remove(0))
    }

    /// The next `steps` rows (`horizon` if `None`) after the last row of each series of a history. `future` has the
    /// known-future covariates of these rows, and may have others.
    ///
    /// Beyond the horizon, forecasts are fed back as inputs (an autoregressive forecast), which requires that all other
    /// features are known there; such a forecast has no intervals.
    ///
    /// # Errors
    /// If a history is too short, `future` does not reach far enough, or `steps` is out of bounds, or beyond the horizon of a
    /// network that does not forecast all its features.
    pub fn forecast_each(
        &self,
        history: &Series,
        future: Option<&Series>,
        steps: Option<usize>,
    ) -> Result<Vec<Forecast>> {
        let steps = steps.unwrap_or(self.transform.horizon);
        Bound::Range(1, MAX_STEPS).check("steps", steps.try_into().unwrap_or(i64::MAX))?;
        let seen = self.transform.see(history)?;
        let scaled = self.transform.fitted.scaler.select(&self.transform.inputs())?.scale_series(&seen)?;
        let indices = (0..self.transform.inputs().len()).collect();
        let shape = recurrent_data::WindowShape::new(self.transform.window, self.transform.horizon, indices, vec![0])?;
        let forecast = |index: usize| {
            let mut past = Vec::new();
            let last = scaled.latest_of_into(index, &shape, &mut past)?;
            let segment = &history.segments()[index];
            let id = segment.id.map(|id| &*history.ids()[id]);
            let rows = steps.div_ceil(self.transform.horizon) * self.transform.horizon;
            let origin = Origin {
                past,
                series: self.transform.series_number(id),
                dates: history.dates().map(|dates| dates.following(last, rows)),
                future: self.known_rows(history, last, id, future, rows)?,
                history,
                segment,
            };
            self.forecast_from(origin, steps)
        };
        history.last_segments().into_iter().map(forecast).collect()
    }

    /// The known-future covariates of the `rows` rows after row `last`, `[row][column]`.
    fn known_rows(
        &self,
        history: &Series,
        last: usize,
        id: Option<&str>,
        future: Option<&Series>,
        rows: usize,
    ) -> Result<Vec<Vec<f64>>> {
        let columns = &self.transform.future;
        if columns.is_empty() {
            return Ok(vec![Vec::new(); rows]);
        }
        let labels = history.dates().map(|dates| dates.labels_after(last, rows));
        let missing = |row: usize| {
            let of = id.map_or_else(String::new, |id| format!(" of `{id}`"));
            let row =
                labels.as_ref().map_or_else(|| format!("row {} after the history", row + 1), |all| all[row].clone());
            Error::Input {
                what: format!("the known-future covariates{of}"),
                expected: format!("{} on the {rows} rows to forecast", columns.join(", ")),
                found: format!("nothing for {row}"),
            }
        };
        let future = future.ok_or_else(|| missing(0))?;
        let of_series = |segment: &&Segment| segment.id.map(|id| &*future.ids()[id]) == id;
        let candidates = future.segments().iter().filter(of_series).flat_map(|segment| segment.rows.clone());
        let found: Vec<Option<usize>> = match (history.dates(), future.dates()) {
            (Some(dates), Some(known)) => {
                let rows_of: std::collections::HashMap<DateTime, usize> =
                    candidates.map(|row| (known.timestamps()[row], row)).collect();
                dates.following(last, rows).iter().map(|date| rows_of.get(date).copied()).collect()
            }
            _ => candidates.map(Some).chain(std::iter::repeat(None)).take(rows).collect(),
        };
        let indices = columns.iter().map(|name| future.index_of(name)).collect::<recurrent_data::Result<Vec<_>>>()?;
        let values = |(row, found): (usize, Option<usize>)| {
            let found = found.ok_or_else(|| missing(row))?;
            Ok(indices.iter().map(|column| future.value(found, *column)).collect())
        };
        found.into_iter().enumerate().map(values).collect()
    }

    fn forecast_from(&self, mut origin: Origin, steps: usize) -> Result<Forecast> {
        let horizon = self.transform.horizon;
        let (targets, levels) = (self.transform.targets.len(), self.levels());
        let mut found = self.read(&origin, 0)?;
        if steps > horizon {
            found.quantiles.clear();
        }
        while found.points.len() < steps * targets {
            let done = found.points.len() / targets;
            self.push_forecast(&mut origin, &found.points[(done - horizon) * targets..], done - horizon, steps)?;
            found.points.extend(self.read(&origin, done)?.points);
        }
        let rows = |values: &[f64], width: usize| values.chunks(width).take(steps).map(<[f64]>::to_vec).collect();
        let quantiles: Vec<Vec<f64>> = match levels.len() {
            0 => Vec::new(),
            count => rows(&found.quantiles, targets * count),
        };
        let of_target = |row: Vec<f64>| row.chunks(levels.len()).map(<[f64]>::to_vec).collect();
        let last = origin.segment.rows.end - 1;
        Ok(Forecast {
            series: origin.segment.id.map(|id| origin.history.ids()[id].clone()),
            targets: self.transform.targets.clone(),
            labels: match origin.history.dates() {
                Some(dates) => dates.labels_after(last, steps),
                None => (1..=steps).map(|step| format!("+{step}")).collect(),
            },
            values: rows(&found.points, targets),
            levels: if quantiles.is_empty() { Vec::new() } else { levels.to_vec() },
            quantiles: quantiles.into_iter().map(of_target).collect(),
        })
    }

    /// The levels of the quantiles that a forecast has: none if they are not known.
    fn levels(&self) -> &'static [f64] {
        if self.calibrations.is_empty() { &[] } else { &REPORTED_LEVELS }
    }

    /// Moves the window over a forecast that begins `done` rows after the history, to forecast beyond the horizon.
    fn push_forecast(&self, origin: &mut Origin, forecast: &[f64], done: usize, steps: usize) -> Result<()> {
        let Self { transform, .. } = self;
        let targets = &transform.targets;
        let scaler = transform.fitted.scaler.select(&transform.inputs())?;
        for (row, values) in (done..).zip(forecast.chunks(targets.len())) {
            let known = self.known_row(origin, row);
            for (column, name) in transform.inputs().iter().enumerate() {
                let known = transform.known().iter().position(|one| one == name).map(|index| known[index]);
                let target = targets.iter().position(|target| target == name);
                let scaled = match (known, target) {
                    (Some(value), _) => scaler.transform(column, value),
                    (None, Some(target)) => {
                        let date = origin.dates.as_ref().map(|dates| &dates[row..=row]);
                        transform.encode(target, values[target], transform.course(target, date, 1)?[0])
                    }
                    (None, None) => {
                        let missing = format!("`{name}`");
                        return Err(Error::BeyondHorizon { horizon: transform.horizon, steps, missing });
                    }
                };
                origin.past.push(scaled as f32);
            }
        }
        origin.past.drain(..origin.past.len() - transform.window * transform.inputs().len());
        Ok(())
    }

    /// What is known of a row to forecast, as it is in the table: the covariates, and the calendar.
    fn known_row(&self, origin: &Origin, row: usize) -> Vec<f64> {
        let calendar = origin.dates.as_ref().map(|dates| self.transform.fitted.calendar.values(dates[row]));
        [origin.future[row].clone(), calendar.unwrap_or_default()].concat()
    }

    /// The forecast of the horizon that begins `done` rows after the history.
    fn read(&self, origin: &Origin, done: usize) -> Result<ReadForecasts> {
        let Self { transform, device, .. } = self;
        let (window, horizon, known) = (transform.window, transform.horizon, transform.known());
        let past = TensorData::new(origin.past.clone(), [1, window, transform.inputs().len()]);
        let scaler = transform.fitted.scaler.select(&transform.inputs())?;
        let inputs = transform.inputs();
        let columns: Vec<usize> =
            known.iter().filter_map(|name| inputs.iter().position(|input| input == name)).collect();
        let scaled = |row: usize| {
            let values = self.known_row(origin, row).into_iter().zip(&columns);
            values.map(|(value, column)| scaler.transform(*column, value) as f32).collect::<Vec<f32>>()
        };
        let future = (!known.is_empty()).then(|| {
            let values: Vec<f32> = (done..done + horizon).flat_map(scaled).collect();
            Tensor::from_data(TensorData::new(values, [1, horizon, known.len()]), device)
        });
        let series = (!transform.fitted.ids.is_empty())
            .then(|| Tensor::<1, Int>::from_data(TensorData::new(vec![origin.series as i64], [1]), device));
        let reader = OutputReader {
            network: &self.network,
            head: &self.head,
            transform,
            instance_norm: self.config.instance_norm,
            levels: self.levels(),
        };
        let input = ForecastInput { past: Tensor::from_data(past, device), future, series };
        let dates = origin.dates.as_ref().map(|dates| dates[done..done + horizon].to_vec());
        let mut found = ReadForecasts::default();
        reader.read(input, &[dates], &mut found)?;
        if !self.calibrations.is_empty() {
            reader.calibrate(&self.calibrations, &mut found);
        }
        Ok(found)
    }
}
