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
//! - [`decoding`]: sampling and beam search; [`metrics`]: BLEU, chrF, metrics of classification;
//! - [`settings`](mod@settings): settings that are declared once, for files and command lines;
//! - one module per task: [`forecast`], [`generate`], [`translate`], [`classify`], [`transcribe`],
//!   [`compose`];
//! - [`zoo`]: pretrained models that answer at once (feature `zoo`);
//! - [`exchange`]: runs out to PyTorch, Keras and ONNX, and weights of these in as runs, with [`weights`] of layers
//!   underneath (feature `exchange`);
//! - [`gradient_flow`]: the gradient norm at every hidden state, and its decay over time (feature `fit`).
//!
//! # Train and predict
//!
//! A [`Task`] defines data, network, loss and evaluation; a [`Run`] trains and evaluates it in a folder; a [`Predictor`]
//! loads that folder. A program that only predicts can turn off the default features.
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
pub mod compose;
mod config;
pub mod decoding;
mod ensemble;
mod error;
#[cfg(feature = "exchange")]
pub mod exchange;
#[cfg(feature = "fit")]
mod fine_tuning;
pub mod fit;
pub mod forecast;
pub mod generate;
#[cfg(feature = "fit")]
pub mod gradient_flow;
pub mod metrics;
mod partial;
mod predictor;
#[cfg(feature = "fit")]
mod run;
mod run_dir;
mod run_header;
mod seed;
pub mod settings;
mod task;
mod tokenizer;
pub mod transcribe;
pub mod translate;
#[cfg(feature = "zoo")]
pub mod zoo;

/// The names that most programs need: layers with their configurations and states, and the traits of tasks and
/// predictors.
pub mod prelude {
    pub use recurrent_models::{
        Gru, GruConfig, GruState, Lstm, LstmConfig, LstmState, Rnn, RnnConfig, RnnState, State,
    };

    #[cfg(feature = "fit")]
    pub use crate::{FittedParts, Run, Task};
    pub use crate::{Predictor, TaskConfig};
}

pub use config::{MAX_PARAMETERS, TaskConfig};
pub use ensemble::Ensemble;
pub use error::{Error, Result};
#[cfg(feature = "fit")]
pub use fine_tuning::base_settings;
pub use partial::Partial;
pub use predictor::Predictor;
#[doc(inline)]
pub use recurrent_audio as audio;
#[doc(inline)]
pub use recurrent_data as data;
#[doc(inline)]
pub use recurrent_models as models;
#[doc(inline)]
pub use recurrent_models::kernels;
#[doc(inline)]
pub use recurrent_music as music;
#[cfg(feature = "exchange")]
#[doc(inline)]
pub use recurrent_zoo as weights;
#[cfg(feature = "fit")]
pub use run::Run;
pub use run_dir::{RunDir, replace};
pub use run_header::{FORMAT_VERSION, RunHeader};
#[cfg(feature = "fit")]
pub use task::{FittedParts, Task, TrainedRun};
pub use task::{TaskSource, open_data};
pub use tokenizer::TokenizerChoice;

/// How the name of a pretrained model begins where a run's folder is expected, as in `zoo:fables`.
pub const PRETRAINED_PREFIX: &str = "zoo:";

/// The README's examples, compiled as doc tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
