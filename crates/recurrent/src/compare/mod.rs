//! What tells one cell from another, measured: how far a gradient reaches, what the gates do, and what it costs.
//!
//! - [`microscope`]: ‖∂L/∂hₜ‖ for every step of a sequence and every layer, and the exponent of its decay; [`metric`]
//!   shows it in training (both with the feature `fit`);
//! - [`spectrum`]: recurrent weights of a given spectral radius, which decides how a gradient begins;
//! - [`gates`]: what the gates of a layer let through, step by step;
//! - [`cost`]: parameters, operations and memory of a token, counted, and hidden sizes of equal parameters.
//!
//! They take any stack of layers, one whose cell is your own included; what has no gates to show shows none, and the
//! costs are known of the three cells of the house.

pub mod cost;
pub mod gates;
#[cfg(feature = "fit")]
pub mod metric;
#[cfg(feature = "fit")]
pub mod microscope;
pub mod spectrum;
