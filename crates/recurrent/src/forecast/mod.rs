//! Forecasting: predicts the next rows of a table from its last rows.
//!
//! The default is the lecture's forecaster: windows of 100 rows go through two LSTM layers of 50 units and a dense layer.
//! The network predicts the change from the last value, on columns that are standardized by the training rows.
//!
//! - [`ForecastConfig`] holds the settings, [`ForecastRun`] trains and evaluates;
//! - [`Forecaster`] predicts;
//! - [`baselines`] has what the network has to beat (feature `fit`).

#[cfg(feature = "fit")]
pub mod baselines;
mod climatology;
mod config;
mod csv;
mod ensemble;
#[cfg(feature = "fit")]
mod evaluation;
mod predictor;
#[cfg(feature = "fit")]
mod training;
mod transform;

pub use climatology::Climatology;
pub use config::ForecastConfig;
pub use ensemble::ForecastEnsemble;
#[cfg(feature = "fit")]
pub use evaluation::{ForecastScore, ScoreTable, ScoredForecaster, TestForecasts};
pub use predictor::{Forecast, Forecaster};
#[cfg(feature = "fit")]
pub use training::{ForecastData, ForecastObjective, ForecastRun, Forecasting};
pub use transform::ForecastTransform;
