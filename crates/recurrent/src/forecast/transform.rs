//! The transform between a table's values and the network's.

use recurrent_data::{ColumnSelection, Missing, Scaler, Series, WindowShape};
use serde::{Deserialize, Serialize};

use super::ForecastConfig;
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
    /// The scale of every column.
    pub scaler: Scaler,
}

impl ForecastTransform {
    /// The file in a run's folder.
    pub(super) const FILE: &'static str = "transform.toml";

    pub(super) fn new(config: &ForecastConfig, scaler: Scaler) -> Self {
        Self {
            date: config.date.clone(),
            missing: config.missing,
            features: config.features.clone(),
            targets: config.target.clone(),
            window: config.window,
            horizon: config.horizon,
            scaler,
        }
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
        self.scaler.select(&self.features)?.scale_series(history)?.latest_into(&shape, &mut past)?;
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

    /// An output of the network for target `target`, in the column's own unit.
    pub(super) fn decode(&self, shape: &WindowShape, target: usize, output: f32) -> f64 {
        self.scaler.inverse_transform(shape.targets()[target], f64::from(output))
    }
}
