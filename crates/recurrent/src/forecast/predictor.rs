//! A trained forecaster.

use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use recurrent_data::{Series, Table};
use recurrent_models::networks::ForecastNetwork;
use recurrent_models::{Summarize, Summary};
use serde::Serialize;

use super::{ForecastCodec, ForecastConfig, csv};
use crate::run::Plan;
use crate::{Error, Result, RunDir};

/// How far a forecast can be asked to go on: further than anybody should believe it.
const MOST_STEPS: usize = 10_000;

/// A trained forecaster: load it from a run's folder and ask it what comes next.
///
/// ```no_run
/// use recurrent::data::Table;
/// use recurrent::forecast::Forecaster;
///
/// # fn main() -> recurrent::Result<()> {
/// let forecaster = Forecaster::load("runs/weather".as_ref(), &Default::default())?;
///
/// // Where the training data ended …
/// print!("{}", forecaster.forecast(None)?.to_csv());
///
/// // … or after rows of your own.
/// let history = forecaster.history(&Table::open("today.csv".as_ref(), None)?)?;
/// let next = forecaster.predict(&history)?;
/// for (label, values) in next.labels.iter().zip(&next.values) {
///     println!("{label}: {:.1}", values[0]);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Forecaster {
    network: ForecastNetwork,
    codec: ForecastCodec,
    plan: ForecastConfig,
    latest: Series,
    device: Device,
}

/// What is to come.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Forecast {
    /// The columns foretold.
    pub targets: Vec<String>,
    /// One label a row: the date, or how many rows after the history's last.
    pub labels: Vec<String>,
    /// `[row][target]`, in the columns' own units.
    pub values: Vec<Vec<f64>>,
}

impl Forecaster {
    /// Loads a forecaster from the folder of a run. The data set that it was trained on is not needed.
    ///
    /// # Errors
    /// If the folder is not a run's, is damaged, or has no weights yet.
    pub fn load(folder: &Path, device: &Device) -> Result<Self> {
        let run_dir = RunDir::open(folder)?;
        let plan = <ForecastConfig as Plan>::of(&run_dir)?;
        let codec: ForecastCodec = run_dir.read_toml("codec.toml")?;
        if codec != ForecastCodec::new(&plan, codec.scaler.clone()) || codec.shape().is_err() {
            return Err(Error::RunDir {
                path: run_dir.path("codec.toml"),
                expected: "the columns, window and horizon of this run's plan.toml".into(),
                found: "others".into(),
            });
        }
        let history = run_dir.read("history.csv")?;
        let source = run_dir.path("history.csv").display().to_string();
        let latest = Table::from_bytes(source, history.as_bytes(), Some(','))?.series(&codec.request())?;
        let mut network = plan.network().init(device);
        run_dir.read_weights(&mut network)?;
        Ok(Self { network, codec, plan, latest, device: device.clone() })
    }

    /// The plan that it was trained by.
    pub fn plan(&self) -> &ForecastConfig {
        &self.plan
    }

    /// The layers of its network.
    pub fn summary(&self) -> Summary {
        self.network.summary(&[self.codec.window, self.codec.inputs.len()])
    }

    /// The columns that it needs, out of a table of any columns.
    ///
    /// # Errors
    /// If the table lacks one, or a number in it is wrong.
    pub fn history(&self, table: &Table) -> Result<Series> {
        Ok(table.series(&self.codec.request())?)
    }

    /// The next `horizon` rows after a history, whose last `window` rows it looks at.
    ///
    /// # Errors
    /// If the history is too short or lacks a column.
    pub fn predict(&self, history: &Series) -> Result<Forecast> {
        let shape = self.codec.shape()?;
        let scaled = self.codec.scaler.scale_series(history)?;
        let mut past = Vec::new();
        scaled.latest_into(&shape, &mut past)?;
        let values = self.said(past)?;
        let labels = labels_after(history, self.codec.horizon);
        Ok(Forecast { targets: self.codec.targets.clone(), labels, values })
    }

    /// The next `steps` rows (or `horizon`, if `None`) after the last row that the run has seen.
    ///
    /// Beyond the horizon each forecast is taken for the truth and the next is made from it, which works only where
    /// all that is looked at is also foretold.
    ///
    /// # Errors
    /// If `steps` is 0, or too far to go.
    pub fn forecast(&self, steps: Option<usize>) -> Result<Forecast> {
        self.forecast_after(&self.latest, steps)
    }

    /// [`forecast`](Self::forecast) after a history of your own.
    ///
    /// # Errors
    /// As [`predict`](Self::predict) and [`forecast`](Self::forecast).
    pub fn forecast_after(&self, history: &Series, steps: Option<usize>) -> Result<Forecast> {
        let horizon = self.codec.horizon;
        let steps = steps.unwrap_or(horizon);
        if !(1..=MOST_STEPS).contains(&steps) {
            return Err(Error::Plan {
                setting: "--steps",
                expected: format!("between 1 and {MOST_STEPS}"),
                found: steps.to_string(),
            });
        }
        let mut forecast = self.predict(history)?;
        if steps > horizon {
            self.go_on(history, steps, &mut forecast)?;
        }
        forecast.values.truncate(steps);
        forecast.labels.truncate(steps);
        Ok(forecast)
    }

    /// Takes each forecast for the truth and goes on from it.
    fn go_on(&self, history: &Series, steps: usize, forecast: &mut Forecast) -> Result<()> {
        let unforetold: Vec<&String> =
            self.codec.inputs.iter().filter(|name| !self.codec.targets.contains(name)).collect();
        if let Some(missing) = unforetold.first() {
            return Err(Error::TooFar { horizon: self.codec.horizon, steps, missing: format!("`{missing}`") });
        }
        let shape = self.codec.shape()?;
        let mut past = Vec::new();
        self.codec.scaler.scale_series(history)?.latest_into(&shape, &mut past)?;
        let width = self.codec.inputs.len();
        while forecast.values.len() < steps {
            let fresh = forecast.values.len() - self.codec.horizon;
            for row in &forecast.values[fresh..] {
                for name in &self.codec.inputs {
                    let target = self.codec.targets.iter().position(|known| known == name);
                    let target = target.expect("all that is looked at is foretold");
                    past.push(self.codec.scaler.transform(shape.targets()[target], row[target]) as f32);
                }
            }
            past.drain(..past.len() - self.codec.window * width);
            forecast.values.extend(self.said(past.clone())?);
        }
        forecast.labels = labels_after(history, steps);
        Ok(())
    }

    /// What the network says after one window `[window, inputs]`: `[horizon][targets]`.
    fn said(&self, past: Vec<f32>) -> Result<Vec<Vec<f64>>> {
        let shape = self.codec.shape()?;
        let data = TensorData::new(past, [1, self.codec.window, self.codec.inputs.len()]);
        let said = self.network.forward(Tensor::from_data(data, &self.device));
        let said: Vec<f32> = said.into_data().iter::<f32>().collect();
        let decode = |(target, said): (usize, &f32)| self.codec.decode(&shape, target, *said);
        let rows = said.chunks(self.codec.targets.len());
        Ok(rows.map(|row| row.iter().enumerate().map(decode).collect()).collect())
    }
}

/// What the next `steps` rows after a history are called: their dates, or how far away they are.
fn labels_after(history: &Series, steps: usize) -> Vec<String> {
    match history.dates() {
        Some(dates) => dates.continue_from(history.len() - 1, steps),
        None => (1..=steps).map(|step| format!("+{step}")).collect(),
    }
}

impl Forecast {
    /// As CSV, with a header.
    pub fn to_csv(&self) -> String {
        let head = std::iter::once("row").chain(self.targets.iter().map(String::as_str));
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
