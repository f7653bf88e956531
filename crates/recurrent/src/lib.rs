//! Recurrent networks for [Burn](burn), whole: layers, networks, data, training, and trained predictors.
//!
//! This is the one crate to depend on. What it is made of is here under one roof:
//!
//! - [`models`]: `Lstm`, `Gru`, `Rnn` and networks built of them (`recurrent-models`);
//! - [`data`]: tables and texts, splits, scalers and codecs, windows, lanes and pairs (`recurrent-data`);
//! - [`kernels`]: the loops over time underneath (`recurrent-kernels`);
//! - [`fit`]: training with burn-train (feature `fit`, on by default);
//! - [`decoding`]: from what a network says of the next token to a text; [`metrics`]: how good texts and judgements are;
//! - a module a task: [`forecast`], [`generate`], [`translate`], [`classify`];
//! - [`gradient_flow`]: the norm of the gradient at every hidden state, and its decay over time (feature `fit`).
//!
//! # A predictor
//!
//! What `train` has trained is a folder, and one line makes a predictor of it; see
//! [`Forecaster`](forecast::Forecaster). A program that only predicts turns the default features off.
//!
//! # A run
//!
//! ```
//! use burn::tensor::Device;
//! use recurrent::Run;
//! use recurrent::fit::Callbacks;
//! use recurrent::forecast::{ForecastConfig, ForecastRun, Forecaster, Source};
//!
//! # fn main() -> recurrent::Result<()> {
//! # let folder = tempfile::tempdir().expect("a folder").path().join("weather");
//! let device = Device::default();
//! let source = Source::open("weather")?;
//! let mut plan = ForecastConfig::new("weather", &source, None, None)?;
//! (plan.window, plan.hidden, plan.fit.epochs) = (14, vec![8], 1);
//!
//! let run = ForecastRun::create(plan, &source, &folder, false)?;
//! run.fit(&device, Callbacks::quiet())?;
//! println!("{}", run.score(&device)?.score("LSTM")[0]);
//!
//! let forecaster = Forecaster::load(&folder, &device)?;
//! let week = forecaster.forecast(None)?;
//! assert_eq!(week.labels[0], "2016-01-01");
//! assert_eq!(week.values.len(), 7);
//! # Ok(())
//! # }
//! ```

pub mod classify;
pub mod decoding;
mod error;
pub mod fit;
pub mod forecast;
pub mod generate;
#[cfg(feature = "fit")]
pub mod gradient_flow;
pub mod metrics;
mod run;
mod run_dir;
pub mod translate;

pub use error::{Error, Result};
pub use recurrent_data as data;
pub use recurrent_models as models;
pub use recurrent_models::kernels;
#[cfg(feature = "fit")]
pub use run::Run;
pub use run::{Plan, Task, lasting_name};
pub use run_dir::{RunDir, replace};

/// The README's examples, compiled and run with the doc tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
