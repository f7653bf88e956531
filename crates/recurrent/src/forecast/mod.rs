//! Forecasting: from the last rows of a table to the next.
//!
//! The recipe is the lecture's: windows of 100 rows, two LSTM layers of 50 units, a dense layer; and what the lecture
//! leaves out: several columns in and out, several steps at once, and the naive forecasts that one has to beat.
//!
//! - [`ForecastConfig`] says what to do; [`Source`] is the data it is done with;
//! - [`ForecastRun`] does it: [`create`](ForecastRun::create), [`fit`](crate::Run::fit),
//!   [`score`](ForecastRun::score);
//! - [`Forecaster`] is what remains: load it from the run's folder and ask it.

mod baseline;
mod codec;
mod config;
mod csv;
#[cfg(feature = "fit")]
mod evaluation;
mod predictor;
#[cfg(feature = "fit")]
mod training;

pub use baseline::Baseline;
pub use codec::ForecastCodec;
pub use config::{ForecastConfig, Source};
#[cfg(feature = "fit")]
pub use evaluation::{Score, ScoreTable, Scored, TestRows};
pub use predictor::{Forecast, Forecaster};
#[cfg(feature = "fit")]
pub use training::{ForecastObjective, ForecastRun};
