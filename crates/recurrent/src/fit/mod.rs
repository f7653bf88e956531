//! Training: burn-train underneath, with what recurrent networks need on top.
//!
//! burn-train brings the dashboard, the metrics and the optimisers. Its own strategies cannot clip the global norm of
//! the gradients, cannot be stopped and resumed to the bit, and do not notice a loss that is no number; `fit` drives
//! it with a strategy that does. One epoch is the unit: its order of windows and its dropout depend on the seed and the
//! epoch's number alone, and a checkpoint is written whole at its end. A run that is killed at any moment goes on from
//! the last checkpoint and comes to the same weights.

mod config;
mod history;

#[cfg(feature = "fit")]
mod callbacks;
#[cfg(feature = "fit")]
mod checkpoint;
#[cfg(feature = "fit")]
mod clip;
#[cfg(feature = "fit")]
mod loader;
#[cfg(feature = "fit")]
mod loss;
#[cfg(feature = "fit")]
mod objective;
#[cfg(feature = "fit")]
mod schedule;
#[cfg(feature = "fit")]
mod strategy;
#[cfg(feature = "fit")]
mod train;

pub use config::{FitConfig, Schedule};
pub use history::{Epoch, History, StopReason};

#[cfg(feature = "fit")]
pub use callbacks::{Advance, AfterEpoch, Callbacks, Tell};
#[cfg(feature = "fit")]
pub use clip::clip_global_norm;
#[cfg(feature = "fit")]
pub use loader::{BatchSource, EpochCounter, Loader, Order};
#[cfg(feature = "fit")]
pub use loss::{Loss, token_loss};
#[cfg(feature = "fit")]
pub use objective::{Mode, Objective};

#[cfg(feature = "fit")]
pub use train::{Loaders, epochs_done, fit};
