//! Forecasting: from the last rows of a table to the next.
//!
//! The recipe is the lecture's: windows of 100 rows, two LSTM layers of 50 units, a dense layer; and what the lecture
//! leaves out: several columns in and out, several steps at once, and the naive forecasts that one has to beat.
//!
//! - [`ForecastPlan`] says what to do; [`Source`] is the data it is done with;
//! - [`ForecastRun`] does it: [`create`](ForecastRun::create), [`fit`](crate::Run::fit),
//!   [`score`](ForecastRun::score);
//! - [`Forecaster`] is what remains: load it from the run's folder and ask it.

mod baseline;
mod codec;
mod csv;
mod plan;
mod predictor;
#[cfg(feature = "fit")]
mod recipe;
#[cfg(feature = "fit")]
mod score;

pub use baseline::Baseline;
pub use codec::ForecastCodec;
pub use plan::{ForecastPlan, Source};
pub use predictor::{Forecast, Forecaster};
#[cfg(feature = "fit")]
pub use recipe::{ForecastRun, ForecastTask};
#[cfg(feature = "fit")]
pub use score::{Score, ScoreTable, Scored, TestRows};
