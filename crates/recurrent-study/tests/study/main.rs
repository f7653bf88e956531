//! Gradient decay against closed forms, gate activations on every device, and counted costs against the kernels.

// The macros of Burn's GPU backends nest deeper than the compiler's default.
#![recursion_limit = "256"]

use std::sync::{Mutex, MutexGuard, PoisonError};

#[cfg(any(feature = "ndarray", feature = "wgpu"))]
mod devices;
#[cfg(any(feature = "flex", feature = "ndarray"))]
mod saved_values;
mod theory;

/// Held by each test that draws random numbers: tests are threads, and a device has one generator for all of them, so that
/// the seed of one test would decide numbers of another.
fn random_numbers() -> MutexGuard<'static, ()> {
    static HELD: Mutex<()> = Mutex::new(());
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}
