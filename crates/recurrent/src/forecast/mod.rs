//! Forecasting: predicts the next rows of a table from its last rows.
//!
//! The default is the lecture's forecaster: windows of 100 rows go through two LSTM layers of 50 units and a dense layer.
//! The network predicts the change from the last value, on columns that are standardized by the training rows.
//!
//! - [`ForecastConfig`] holds the settings, [`ForecastRun`] trains and evaluates;
//! - [`Backtest`] trains and evaluates over several folds of the past (feature `fit`);
//! - [`Forecaster`] predicts;
//! - [`baselines`] has what the network has to beat (feature `fit`).

#[cfg(feature = "fit")]
mod backtest;
#[cfg(feature = "fit")]
pub mod baselines;
mod climatology;
mod config;
mod conformal;
mod csv;
mod distribution;
#[cfg(feature = "fit")]
mod evaluation;
mod instance_norm;
#[cfg(feature = "fit")]
mod intervals;
mod outputs;
mod power_transform;
mod prediction;
mod predictor;
#[cfg(feature = "fit")]
mod training;
mod transform;

#[cfg(feature = "fit")]
pub use backtest::{Backtest, BacktestConfig, BacktestScores, BacktestTable, Fold, FoldScore, MeanStd};
pub use climatology::Climatology;
pub use config::{ForecastConfig, Residual};
pub use conformal::Calibration;
pub use distribution::{DistributionHead, ForecastLoss, OutputKind, check_counts};
#[cfg(feature = "fit")]
pub use evaluation::{ForecastScore, ScoreTable, ScoredForecaster, TestForecasts};
#[cfg(feature = "fit")]
pub use intervals::{IntervalScore, IntervalScores, PinballScore};
pub use power_transform::{PowerScale, PowerTransform};
pub use prediction::Forecast;
pub use predictor::Forecaster;
#[cfg(feature = "fit")]
pub use training::{ForecastData, ForecastObjective, ForecastRun, Forecasting};
pub use transform::{Fitted, ForecastTransform};
