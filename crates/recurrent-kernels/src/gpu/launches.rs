//! A count of kernel launches.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use burn_cubecl::cubecl::logging::{LaunchObservation, LaunchObserver};

#[derive(Default)]
struct LaunchCounter(AtomicUsize);

impl LaunchObserver for LaunchCounter {
    fn launched(&self, _kernel: &'static str) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Runs `f` and counts the kernels that CubeCL launches in the meantime, in all threads of the process.
///
/// Burn launches kernels lazily: `f` should end by reading a result or with `Device::sync`.
pub fn count_launches<T>(f: impl FnOnce() -> T) -> (T, usize) {
    let counter = Arc::new(LaunchCounter::default());
    let observation = LaunchObservation::new(counter.clone());
    let result = f();
    drop(observation);
    (result, counter.0.load(Ordering::Relaxed))
}
