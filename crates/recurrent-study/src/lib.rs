//! A study of recurrent cells: what a lecture claims of RNN, LSTM and GRU, measured and tested.
//!
//! [`Comparison`] runs a [`StudyConfig`] in a folder of its own. It measures five [parts](StudyPart):
//!
//! - **memory**: test loss and accuracy of every cell on [`MemoryTask`]s, against the sequence length;
//! - **gradients**: gradient flow through time before and after training ([`GradientFlowConfig`], on top of
//!   [`recurrent::gradient_flow`]), and runs with exploding gradients ([`ExplosionConfig`]);
//! - **gates**: [`GateTrace`]s of networks that read a text and a time series;
//! - **cost**: parameters, operations and memory, [counted](cost), and [`Speed`];
//! - **quality**: the loss of accuracy by training on data with a [`Corruption`].
//!
//! All cells share one training loop ([`train`]), one model ([`ProbeModel`]), the same examples in the same order and the
//! same hyperparameters; [`MatchBy`] says what else is equal. Every trial is repeated with several seeds, and
//! [`evaluate_claims`] turns the [`Results`] into a [`Verdict`] for each [`Claim`], by a fixed rule or by Welch's t-test.
//! [`page`] renders tables and a page in English and Russian.
//!
//! ```
//! use burn::tensor::Device;
//! use recurrent_study::{Comparison, Language, MemoryTask, StudyConfig, StudyPart, page};
//!
//! # fn main() -> recurrent::Result<()> {
//! # let folder = tempfile::tempdir().expect("a folder").path().join("study");
//! let mut config = StudyConfig::quick();
//! (config.parts, config.tasks) = (vec![StudyPart::Memory], vec![MemoryTask::Recall]);
//! (config.lengths, config.seeds, config.steps) = (vec![5], 2, 20);
//!
//! let study = Comparison::create_or_open(config, &folder)?;
//! let results = study.run(&Device::flex(), &|| false, &mut |_| ())?.expect("not stopped");
//! let claims = study.write_results(&results)?;
//! for (title, table) in page::tables(&results, &claims, Language::English) {
//!     println!("{title}\n\n{}", table.to_markdown());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Every measurement is written to a file when it is done, so that an interrupted study resumes where it stopped.
//!
//! Some pieces are useful for a cell of your own: [`gates`] for gate activations, [`spectral_radius`] for recurrent
//! weights with a given spectral radius, [`cost::closest_hidden_size`] for models of equal size.

mod choice;
mod claim;
mod comparison;
mod config;
mod corruption;
pub mod cost;
mod digits;
mod examples;
mod explosion;
mod gate_trace;
pub mod gates;
mod gradient_flow;
mod language;
mod match_by;
pub mod page;
mod part;
mod probe_model;
mod results;
#[cfg(test)]
mod seed_lock;
mod signal;
mod significance;
pub mod spectral_radius;
mod speed;
mod synthetic;
mod task;
mod training;
mod trial;

pub use claim::{CellTest, Claim, ClaimResult, Verdict, evaluate_claims};
pub use comparison::{Comparison, Progress};
pub use config::StudyConfig;
pub use corruption::Corruption;
pub use digits::{DigitOrder, Digits};
pub use examples::{Examples, Split, Targets};
pub use explosion::{ExplosionConfig, ExplosionResult};
pub use gate_trace::{GateInput, GateTrace};
pub use gradient_flow::{GradientFlowConfig, GradientFlowResult, LayerGradient};
pub use language::Language;
pub use match_by::MatchBy;
pub use part::StudyPart;
pub use probe_model::{ExampleBatch, ProbeModel, ProbeModelConfig};
pub use results::{Condition, FAILURE_THRESHOLD, Results, TrialResult};
pub use signal::Signal;
pub use significance::{MeanStd, WelchTest};
pub use speed::{Speed, measure_speed};
pub use task::MemoryTask;
pub use training::{Optimizer, TrainConfig, TrainResult, train, train_model};
pub use trial::Trial;

/// The README's examples, compiled as doc tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
