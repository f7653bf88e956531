//! Gradient decay against closed forms, gate activations on every device, and counted costs against the kernels.

// The macros of Burn's GPU backends nest deeper than the compiler's default.
#![recursion_limit = "256"]

#[cfg(any(feature = "ndarray", feature = "wgpu"))]
mod devices;
#[cfg(any(feature = "flex", feature = "ndarray"))]
mod saved_values;
mod theory;
