//! The thread pool of CPU computations.

use std::num::NonZero;
use std::thread::available_parallelism;

use anyhow::{Context, Result};

use crate::ranks::Place;

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
    let available = available_parallelism().map_or(1, NonZero::get);
    let threads = requested.unwrap_or_else(|| share_of(available));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    let pool = if threads > 1 { pool.use_current_thread() } else { pool };
    pool.build_global().context("cannot start the thread pool")
}

/// The cores of this process, shared with the other ranks of its machine. A launcher may bind a rank to fewer than all
/// (Open MPI does; `mpirun --bind-to none` leaves them free).
fn share_of(available: usize) -> usize {
    (available / Place::of_process().map_or(1, |place| place.local_size)).max(1)
}
