//! How often a GPU is asked to do something.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use burn_cubecl::cubecl::logging::{LaunchObservation, LaunchObserver};

#[derive(Default)]
struct Count(AtomicUsize);

impl LaunchObserver for Count {
    fn launched(&self, _kernel: &'static str) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Runs `f`, and counts the kernels that CubeCL launches meanwhile, in the whole process and whoever asks for them.
///
/// Burn puts launches off until somebody needs a number: let `f` end with one that is read, or with a `sync`.
pub fn count_launches<T>(f: impl FnOnce() -> T) -> (T, usize) {
    let count = Arc::new(Count::default());
    let watching = LaunchObservation::new(count.clone());
    let result = f();
    drop(watching);
    (result, count.0.load(Ordering::Relaxed))
}
