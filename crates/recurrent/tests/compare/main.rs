//! What is measured of cells, against PyTorch, finite differences, theory, and the engine.

// The macros of Burn's GPU backends nest deeper than the compiler's default.
#![recursion_limit = "256"]

#[cfg(any(feature = "ndarray", feature = "wgpu"))]
mod devices;
mod differences;
mod golden;
#[cfg(any(feature = "flex", feature = "ndarray"))]
mod kept;
mod metric;
mod theory;
mod tolerances;
