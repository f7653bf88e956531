//! The transform between a table's values and the network's.

use recurrent_data::{ColumnSelection, DateTime, Missing, Scaler, Series, WindowShape};
use serde::{Deserialize, Serialize};

use super::climatology::Moment;
use super::{Climatology, ForecastConfig};
use crate::{Error, Result};

/// The transform between a table's values and the network's: columns, window, horizon and scaler. The scaler is fitted on
/// the training rows alone. It is saved in the run's folder, so that predictions do not need the data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForecastTransform {
    /// The column of dates, if there was one.
    pub date: Option<String>,
    /// How missing values are treated.
    pub missing: Missing,
    /// The feature columns.
    pub features: Vec<String>,
    /// The target columns.
    pub targets: Vec<String>,
    /// Past rows that a forecast is made from.
    pub window: usize,
    /// Rows that are forecast.
    pub horizon: usize,
    /// The scale of every column, without the climatology of the targets.
    pub scaler: Scaler,
    /// The climatology of each target, which the network does not see; none if it sees the targets as they are.
    #[serde(default)]
    pub climatologies: Vec<Climatology>,
}

impl ForecastTransform {
    /// The file in a run's folder.
    pub(super) const FILE: &'static str = "transform.toml";

    pub(super) fn new(config: &ForecastConfig, scaler: Scaler, climatologies: Vec<Climatology>) -> Self {
        Self {
            date: config.date.clone(),
            missing: config.missing,
            features: config.features.clone(),
            targets: config.target.clone(),
            window: config.window,
            horizon: config.horizon,
            scaler,
            climatologies,
        }
    }

    /// Whether it has as many climatologies as the settings ask for, and each is one.
    pub(super) fn has_climatologies(&self, config: &ForecastConfig) -> bool {
        let expected = if config.deseasonalize { self.targets.len() } else { 0 };
        self.climatologies.len() == expected && self.climatologies.iter().all(Climatology::is_valid)
    }

    /// The mean course of a target on some dates: zeros if the network sees the target as it is.
    ///
    /// # Errors
    /// If there are no dates.
    fn course(&self, target: usize, dates: Option<&[DateTime]>, rows: usize) -> Result<Vec<f64>> {
        let Some(climatology) = self.climatologies.get(target) else { return Ok(vec![0.0; rows]) };
        let mean = |date: &DateTime| climatology.mean(Moment { row: 0, date: Some(*date) }).unwrap_or(f64::NAN);
        let no_dates = || Error::Input {
            what: "the rows to forecast from".into(),
            expected: "a column of dates, of which the mean course of the year is subtracted".into(),
            found: "none".into(),
        };
        Ok(dates.ok_or_else(no_dates)?.iter().map(mean).collect())
    }

    /// A series as the network sees it: without the climatology of the targets.
    ///
    /// # Errors
    /// If it has no dates, which a climatology needs.
    pub(super) fn deseasonalize(&self, series: &Series) -> Result<Series> {
        let mut series = series.clone();
        for (target, name) in self.targets.iter().enumerate().take(self.climatologies.len()) {
            // A series to forecast from has the features alone.
            if series.index_of(name).is_ok() {
                let dates = series.dates().map(|dates| dates.timestamps().to_vec());
                let course = self.course(target, dates.as_deref(), series.len())?;
                series = series.map_column(name, |row, value| value - course[row])?;
            }
        }
        Ok(series)
    }

    /// Adds the climatology to forecasts `[row][target]` of some dates.
    ///
    /// # Errors
    /// If there are no dates, which a climatology needs.
    pub(super) fn reseasonalize(&self, forecasts: &mut [Vec<f64>], dates: Option<&[DateTime]>) -> Result<()> {
        for target in 0..self.climatologies.len() {
            let course = self.course(target, dates, forecasts.len())?;
            forecasts.iter_mut().zip(course).for_each(|(row, mean)| row[target] += mean);
        }
        Ok(())
    }

    /// The columns to read from a table for a prediction: the features, and the dates if there were some.
    pub fn selection(&self) -> ColumnSelection {
        ColumnSelection { date: self.date.clone(), columns: self.features.clone(), missing: self.missing }
    }

    /// The scaled features of the last rows of a series, `[window, features]`.
    ///
    /// # Errors
    /// If the series is too short or lacks a feature.
    pub(super) fn latest(&self, history: &Series) -> Result<Vec<f32>> {
        let features: Vec<usize> = (0..self.features.len()).collect();
        let shape = WindowShape::new(self.window, self.horizon, features, vec![0])?;
        let mut past = Vec::new();
        let history = self.deseasonalize(history)?;
        self.scaler.select(&self.features)?.scale_series(&history)?.latest_into(&shape, &mut past)?;
        Ok(past)
    }

    /// The shape of the windows, in the scaler's columns.
    ///
    /// # Errors
    /// If a column has no scale, because the file was edited.
    pub fn shape(&self) -> Result<WindowShape> {
        let names = self.scaler.names();
        let index = |name: &String| {
            names.iter().position(|known| known == name).ok_or_else(|| Error::Input {
                what: Self::FILE.into(),
                expected: format!("columns that have a scale: {}", names.join(", ")),
                found: name.clone(),
            })
        };
        let features = self.features.iter().map(index).collect::<Result<_>>()?;
        let targets = self.targets.iter().map(index).collect::<Result<_>>()?;
        Ok(WindowShape::new(self.window, self.horizon, features, targets)?)
    }

    /// The outputs of the network `[row, target]`, in the columns' own units but without their climatology:
    /// `[row][target]`.
    ///
    /// # Errors
    /// If a column has no scale, because the file was edited.
    pub(super) fn decode(&self, outputs: &[f32]) -> Result<Vec<Vec<f64>>> {
        let shape = self.shape()?;
        let decode = |(target, output): (&usize, &f32)| self.scaler.inverse_transform(*target, f64::from(*output));
        let rows = outputs.chunks(self.targets.len());
        Ok(rows.map(|row| shape.targets().iter().zip(row).map(decode).collect()).collect())
    }
}
