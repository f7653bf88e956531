//! Training with burn-train, and what recurrent networks need in addition.
//!
//! burn-train provides the dashboard and the metrics. Its own strategies do not clip by the global
//! gradient norm, do not resume bit for bit, and do not stop at a NaN loss; [`fit`](fn@fit) adds a strategy that does.
//! The order of an epoch's batches depends on the seed and the epoch's number alone, the dropout of a batch on these and its
//! place in the epoch. A checkpoint is written atomically at the end of each epoch, and inside it as
//! [`FitConfig::checkpoint_every`] says. A run that is killed at any moment resumes from its last checkpoint and ends with
//! the same weights.

mod checkpoint_every;
mod config;
mod history;

#[cfg(feature = "fit")]
mod accumulate;
#[cfg(feature = "fit")]
mod adam;
#[cfg(feature = "fit")]
mod average;
#[cfg(feature = "fit")]
mod callbacks;
#[cfg(feature = "fit")]
mod carried;
#[cfg(feature = "fit")]
mod checkpoint;
#[cfg(feature = "fit")]
mod clip;
#[cfg(feature = "fit")]
mod loader;
#[cfg(feature = "fit")]
mod loss;
#[cfg(feature = "fit")]
mod mean;
#[cfg(feature = "fit")]
mod objective;
#[cfg(feature = "fit")]
mod position;
#[cfg(feature = "fit")]
pub mod ranks;
#[cfg(feature = "fit")]
mod records;
#[cfg(feature = "fit")]
mod schedule;
#[cfg(feature = "fit")]
mod strategy;
#[cfg(feature = "fit")]
mod train;

pub use checkpoint_every::CheckpointEvery;
pub use config::{FitConfig, Schedule};
pub use history::{Epoch, History, StopReason};

#[cfg(feature = "fit")]
pub use callbacks::{AfterEpoch, Callbacks, ProgressRenderer, SplitProgress};
#[cfg(feature = "fit")]
pub use carried::{Carried, CarriedState};
#[cfg(feature = "fit")]
pub(crate) use checkpoint::copy_last_checkpoint;
#[cfg(feature = "fit")]
pub use clip::clip_global_norm;
#[cfg(feature = "fit")]
pub use loader::{BatchSource, CurrentEpoch, Loader, Order, TrainingEpoch};
#[cfg(feature = "fit")]
pub(crate) use loader::{batches_by_length, similar_batches};
#[cfg(feature = "fit")]
pub use loss::{Loss, smoothed_token_loss, token_loss};
#[cfg(feature = "fit")]
pub use objective::Objective;
#[cfg(feature = "fit")]
pub use train::{Loaders, epochs_done, fit, keep_last_epoch};
