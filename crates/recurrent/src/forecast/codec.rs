//! Between a table's numbers and the network's.

use recurrent_data::{ColumnSelection, Missing, Scaler, WindowShape};
use serde::{Deserialize, Serialize};

use super::ForecastConfig;
use crate::Result;

/// Between a table's numbers and the network's: which columns, which rows, on which scale. Fitted on the training rows
/// alone, saved in the run's folder, and all that a prediction needs to know of the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForecastCodec {
    /// The column of dates, if there was one.
    pub date: Option<String>,
    /// What is done about missing values.
    pub missing: Missing,
    /// The columns looked at.
    pub inputs: Vec<String>,
    /// The columns foretold.
    pub targets: Vec<String>,
    /// Rows seen.
    pub window: usize,
    /// Rows foretold.
    pub horizon: usize,
    /// The scale of every column.
    pub scaler: Scaler,
}

impl ForecastCodec {
    /// The codec of a plan.
    pub(crate) fn new(plan: &ForecastConfig, scaler: Scaler) -> Self {
        Self {
            date: plan.date.clone(),
            missing: plan.missing,
            inputs: plan.inputs.clone(),
            targets: plan.target.clone(),
            window: plan.window,
            horizon: plan.horizon,
            scaler,
        }
    }

    /// What to ask of a table.
    pub fn request(&self) -> ColumnSelection {
        ColumnSelection { date: self.date.clone(), columns: self.scaler.names(), missing: self.missing }
    }

    /// The windows' shape, in the scaler's columns.
    ///
    /// # Errors
    /// If a column is not among the scaler's: the codec was changed by hand.
    pub fn shape(&self) -> Result<WindowShape> {
        let names = self.scaler.names();
        let index = |name: &String| {
            names.iter().position(|known| known == name).ok_or_else(|| crate::Error::Plan {
                setting: "codec.toml",
                expected: format!("columns that have a scale: {}", names.join(", ")),
                found: name.clone(),
            })
        };
        let inputs = self.inputs.iter().map(index).collect::<Result<_>>()?;
        let targets = self.targets.iter().map(index).collect::<Result<_>>()?;
        Ok(WindowShape::new(self.window, self.horizon, inputs, targets)?)
    }

    /// What the network said of target `target`, in the column's own unit.
    pub(crate) fn decode(&self, shape: &WindowShape, target: usize, said: f32) -> f64 {
        self.scaler.inverse(shape.targets()[target], f64::from(said))
    }
}
