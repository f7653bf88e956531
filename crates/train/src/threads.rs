//! The thread pool of CPU computations.

use std::num::NonZero;
use std::thread::available_parallelism;

use anyhow::{Context, Result};

/// Makes the main thread, which trains, a member of rayon's global pool. Otherwise it would wake another thread for each
/// operation, and sleep until it is done.
///
/// A pool of one thread is separate from the main thread: code beside the main thread may need it while the main thread
/// waits.
///
/// # Errors
/// If a thread cannot be started.
pub fn join_pool() -> Result<()> {
    let requested =
        std::env::var("RAYON_NUM_THREADS").ok().and_then(|count| count.parse().ok()).filter(|count| *count > 0);
    let threads = requested.or_else(|| available_parallelism().ok().map(NonZero::get)).unwrap_or(1);
    if threads > 1 {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).use_current_thread();
        pool.build_global().context("cannot start the thread pool")?;
    }
    Ok(())
}
