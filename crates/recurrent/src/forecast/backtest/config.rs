//! The settings of a backtest.

use serde::{Deserialize, Serialize};

use crate::forecast::ForecastConfig;
use crate::settings::Bound;
use crate::{Result, TaskConfig};

/// The largest number of folds.
const MAX_FOLDS: i64 = 1000;

/// The settings of a backtest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct BacktestConfig {
    /// The number of folds.
    pub folds: usize,
    /// Whether a network is trained for each fold. If not, that of the first fold forecasts all of them, with the later
    /// rows as its history.
    pub refit: bool,
    /// Whether each fold has as many training and validation rows as the first, and not all that are before it.
    pub sliding: bool,
    /// Whether a network is trained on all rows at the end.
    pub train_final: bool,
    /// The settings of all runs. The test rows are those that are cut into folds; the fractions of training and
    /// validation apply to the rows before each fold.
    pub forecast: ForecastConfig,
}

impl BacktestConfig {
    /// One network for so many folds, with an expanding training part for the baselines.
    pub fn new(folds: usize, forecast: ForecastConfig) -> Self {
        Self { folds, refit: false, sliding: false, train_final: false, forecast }
    }

    /// Checks all settings without opening the data.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) for the first that is not allowed.
    pub fn check(&self) -> Result<()> {
        Bound::Range(1, MAX_FOLDS).check("folds", i64::try_from(self.folds).unwrap_or(i64::MAX))?;
        self.forecast.check()
    }
}
