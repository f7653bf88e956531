//! Log-mel features of a stream.

mod config;
mod features;
mod filterbank;
mod frames;
mod normalization;

pub use config::LogMelConfig;
pub use features::Features;
pub use frames::LogMel;
pub use normalization::Normalization;
