//! The threads that compute on a CPU.

use std::num::NonZero;
use std::thread::available_parallelism;

use anyhow::{Context, Result};

/// Makes the main thread, which trains, one of those that share an operation: from outside it would wake another for each
/// operation, and sleep until it is woken by it.
///
/// Where there is to be one thread alone, it stays apart: what computes beside the main thread may need it while the main
/// thread waits.
///
/// # Errors
/// If a thread cannot be started.
pub fn join_in() -> Result<()> {
    let asked = std::env::var("RAYON_NUM_THREADS").ok().and_then(|count| count.parse().ok()).filter(|count| *count > 0);
    let threads = asked.or_else(|| available_parallelism().ok().map(NonZero::get)).unwrap_or(1);
    if threads > 1 {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).use_current_thread();
        pool.build_global().context("the threads that compute")?;
    }
    Ok(())
}
