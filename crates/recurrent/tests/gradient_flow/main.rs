//! Gradient traces against PyTorch, finite differences and closed forms, and the metric during training.

// The macros of Burn's GPU backends nest deeper than the compiler's default.
#![recursion_limit = "256"]

#[cfg(any(feature = "ndarray", feature = "wgpu"))]
mod devices;
mod differences;
mod golden;
#[path = "../goldens/mod.rs"]
mod goldens;
mod metric;
mod probe;
mod tolerances;
