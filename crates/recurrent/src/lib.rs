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
//! let (output, _state) = lstm.forward(x, None, None);
//! assert_eq!(output.dims(), [4, 10, 64]);
//! ```
//!
//! - [`models`]: layers (`Lstm`, `Gru`, `Rnn`), attention, and whole networks;
//! - [`data`]: tables and texts, splits, scalers and tokenizers, windows and batches;
//! - [`kernels`]: the whole-sequence operations underneath;
//! - [`fit`]: training with burn-train (feature `fit`, on by default);
//! - [`decoding`]: sampling and beam search; [`metrics`]: BLEU, chrF, metrics of classification;
//! - [`settings`]: settings that are declared once, for files and command lines;
//! - one module per task: [`forecast`], [`generate`], [`translate`], [`classify`];
//! - [`compare`]: gradients, gates and costs of cells.
//!
//! # Train and predict
//!
//! A [`Task`] defines data, network, loss and evaluation; a [`Run`] trains and evaluates it in a folder; a [`Predictor`]
//! loads that folder. A program that only predicts can turn off the default features.
//!
//! ```
//! use burn::tensor::Device;
//! use recurrent::fit::Callbacks;
//! use recurrent::forecast::{ForecastConfig, ForecastRun, ForecastSource};
//! use recurrent::prelude::*;
//!
//! # fn main() -> recurrent::Result<()> {
//! # let folder = tempfile::tempdir().expect("a folder").path().join("weather");
//! let device = Device::default();
//! let source = ForecastSource::open("weather")?;
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
pub mod compare;
pub mod decoding;
mod error;
pub mod fit;
pub mod forecast;
pub mod generate;
pub mod metrics;
mod predictor;
#[cfg(feature = "fit")]
mod run;
mod run_dir;
pub mod settings;
mod task;
mod tokenizer;
pub mod translate;

/// The traits and types that most programs need.
pub mod prelude {
    pub use crate::{Predictor, TaskConfig};
    #[cfg(feature = "fit")]
    pub use crate::{Run, Task};
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
pub use task::Task;
pub use task::TaskConfig;
pub use tokenizer::TokenizerChoice;
