//! Runs out to PyTorch, Keras and ONNX, and weights of these in as runs.
//!
//! ```no_run
//! use burn::tensor::Device;
//! use recurrent::exchange::{ExportFormat, ImportConfig, export, import_classifier};
//!
//! # fn main() -> recurrent::Result<()> {
//! // A folder with the weights, and a script that runs them in the other framework.
//! export("runs/reviews", ExportFormat::Onnx, "exported", &Device::default())?;
//!
//! // A run that predicts, and that training goes on from.
//! let config = ImportConfig::new("sentiment.pt").with_tokenizer("tokenizer.json").with_labels(["bad", "good"]);
//! import_classifier(&config, "runs/imported", &Device::default())?;
//! # Ok(())
//! # }
//! ```
//!
//! The layers alone are exchanged by [`weights`](crate::weights).

mod export;
mod import;
mod network;
mod seq2seq;

pub use export::{ExportFormat, export};
pub use import::{ImportConfig, import_classifier, import_forecaster, import_generator};
pub use seq2seq::import_translator;
