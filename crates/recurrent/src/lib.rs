//! Recurrent networks for [Burn](burn): layers, networks, data, training, and trained predictors.
//!
//! A layer is a Burn module like any other:
//!
//! ```
//! use burn::tensor::{Device, Distribution, Tensor};
//! use recurrent::models::LstmConfig;
//!
//! let device = Device::default();
//! let lstm = LstmConfig::new(8, 64).with_num_layers(2).init(&device);
//! let x = Tensor::<3>::random([4, 10, 8], Distribution::Default, &device);
//! let (output, _state) = lstm.forward(x, None);
//! assert_eq!(output.dims(), [4, 10, 64]);
//! ```
//!
//! - [`models`]: layers (`Lstm`, `Gru`, `Rnn`), attention, and whole networks;
//! - [`data`]: tables and texts, splits, scalers and tokenizers, windows and batches;
//! - [`kernels`]: the whole-sequence operations underneath;
//! - [`fit`]: training with burn-train (feature `fit`, on by default);
//! - [`decoding`]: sampling and beam search; [`metrics`]: scores of texts and classifications;
//! - a module for each task: [`forecast`], [`generate`], [`translate`], [`classify`];
//! - [`gradient_flow`]: the gradient norm at every hidden state, and its decay over time (feature `fit`).
//!
//! # Train and predict
//!
//! A [`Task`] says how a data set is opened, prepared, trained on and evaluated; a [`Run`] does it in a folder; a
//! [`Predictor`] loads that folder. A program that only predicts turns the default features off.
//!
//! ```
//! use burn::tensor::Device;
//! use recurrent::fit::Callbacks;
//! use recurrent::forecast::{ForecastConfig, ForecastRun};
//! use recurrent::prelude::*;
//!
//! # fn main() -> recurrent::Result<()> {
//! # let folder = tempfile::tempdir().expect("a folder").path().join("weather");
//! let device = Device::default();
//! let source = recurrent::open_data("weather")?;
//! let mut config = ForecastConfig::new(&source)?;
//! (config.window, config.hidden_size, config.fit.epochs) = (14, vec![8], 1);
//!
//! let run = ForecastRun::create(config, source, &folder, false)?;
//! run.fit(&device, Callbacks::quiet())?;
//! println!("{}", run.evaluate(&device)?.scores("LSTM")[0]);
//!
//! let week = run.predictor(&device)?.forecast(None)?;
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
mod predictor;
#[cfg(feature = "fit")]
mod run;
mod run_dir;
pub mod settings;
mod task;
mod tokenizer;
pub mod translate;

/// The names that most programs need: layers with their configurations and states, and the traits of tasks and
/// predictors.
pub mod prelude {
    pub use recurrent_models::{
        Gru, GruConfig, GruState, Lstm, LstmConfig, LstmState, Rnn, RnnConfig, RnnState, State,
    };

    #[cfg(feature = "fit")]
    pub use crate::{Run, Task};
    pub use crate::{Predictor, TaskConfig};
}

pub use error::{Error, Result};
pub use predictor::Predictor;
#[doc(inline)]
pub use recurrent_data as data;
#[doc(inline)]
pub use recurrent_models as models;
#[doc(inline)]
pub use recurrent_models::kernels;
#[cfg(feature = "fit")]
pub use run::Run;
pub use run_dir::{FORMAT_VERSION, RunDir, RunHeader, replace};
#[cfg(feature = "fit")]
pub use task::{LoadersOf, Task};
pub use task::{TaskConfig, TaskSource, open_data};
pub use tokenizer::TokenizerChoice;

/// The README's examples, compiled as doc tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
