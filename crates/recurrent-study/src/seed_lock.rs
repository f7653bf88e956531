//! A lock for tests that depend on a device's random number generator, which the whole process shares.

use std::sync::{Mutex, MutexGuard, PoisonError};

static SEED: Mutex<()> = Mutex::new(());

/// Waits until no other test uses the random number generator.
pub fn lock_seed() -> MutexGuard<'static, ()> {
    SEED.lock().unwrap_or_else(PoisonError::into_inner)
}
