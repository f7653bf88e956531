//! Ranks by MPI.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use mpi::Threading;
use mpi::collective::{CommunicatorCollectives, Root, SystemOperation};
use mpi::environment::Universe;
use mpi::request::{Request, Scope, scope};
use mpi::topology::{Communicator, SimpleCommunicator};

use super::{Ranks, on_rank};
use crate::{Error, Result};

/// How long a rank polls before it sleeps between two polls: an answer is often a few microseconds away.
const BUSY: Duration = Duration::from_millis(2);
/// How long it sleeps.
const NAP: Duration = Duration::from_micros(50);
/// The most that the time between two polls counts.
const LONGEST_POLL: Duration = Duration::from_millis(100);
/// The most bytes of a message.
const MAX_MESSAGE: usize = 1 << 28;

/// The ranks of a job that `mpirun` or another launcher of MPI has started.
pub struct Mpi {
    timeout: Duration,
    give_up: fn(Error) -> !,
    /// MPI ends when it is dropped.
    universe: Mutex<Option<Universe>>,
}

impl Mpi {
    /// Starts MPI in this process. A rank that has waited longer than `timeout` for another one calls `give_up`, which ends the
    /// process or, by [`abort`](Self::abort), the whole job.
    ///
    /// # Errors
    /// If MPI is started already, or cannot be used from a thread.
    pub fn start(timeout: Duration, give_up: fn(Error) -> !) -> Result<Self> {
        // The thread that trains need not be the one that starts.
        let (universe, threading) = mpi::initialize_with_threading(Threading::Serialized)
            .ok_or_else(|| Error::Training("MPI has been started in this process before".into()))?;
        if threading < Threading::Serialized {
            return Err(Error::Training(format!("this MPI library has no support for threads ({threading:?})")));
        }
        Ok(Self { timeout, give_up, universe: Mutex::new(Some(universe)) })
    }

    /// Ends the whole job with this exit code.
    pub fn abort(&self, code: u8) -> ! {
        SimpleCommunicator::world().abort(code.into())
    }

    /// Ends MPI in this process, once all ranks are here, however long that takes; a rank that waits keeps no core busy.
    pub fn finish(&self) {
        let Some(universe) = self.universe.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        let mut request = SimpleCommunicator::world().immediate_barrier();
        while let Err(unfinished) = request.test() {
            request = unfinished;
            thread::sleep(BUSY);
        }
        drop(universe);
    }

    fn wait<'a, D: ?Sized, S: Scope<'a>>(&self, mut request: Request<'a, D, S>) -> Result<()> {
        let mut waited = Duration::ZERO;
        let mut last = Instant::now();
        loop {
            match request.test() {
                Ok(_) => return Ok(()),
                Err(unfinished) => request = unfinished,
            }
            let now = Instant::now();
            // A rank that was stopped itself does not blame another one.
            waited += (now - last).min(LONGEST_POLL);
            last = now;
            if waited > self.timeout {
                let seconds = self.timeout.as_secs();
                let cause =
                    format!("it has waited {seconds} s for another rank, which has stopped or cannot be reached");
                // MPI still writes into the buffer, so this process cannot go on.
                (self.give_up)(on_rank(self, cause));
            }
            if waited < BUSY { thread::yield_now() } else { thread::sleep(NAP) }
        }
    }
}

impl fmt::Debug for Mpi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mpi({} of {})", self.rank(), self.size())
    }
}

impl Ranks for Mpi {
    fn rank(&self) -> usize {
        usize::try_from(SimpleCommunicator::world().rank()).expect("ranks are counted from 0")
    }

    fn size(&self) -> usize {
        usize::try_from(SimpleCommunicator::world().size()).expect("at least one rank")
    }

    fn sum(&self, values: &mut [f32]) -> Result<()> {
        for values in values.chunks_mut(MAX_MESSAGE / size_of::<f32>()) {
            let own = values.to_vec();
            scope(|scope| {
                let sum = SystemOperation::sum();
                self.wait(SimpleCommunicator::world().immediate_all_reduce_into(scope, &own[..], values, sum))
            })?;
        }
        Ok(())
    }

    fn broadcast(&self, bytes: &mut Vec<u8>) -> Result<()> {
        let world = SimpleCommunicator::world();
        let first = world.process_at_rank(0);
        let mut length = bytes.len() as u64;
        scope(|scope| self.wait(first.immediate_broadcast_into(scope, &mut length)))?;
        bytes.resize(usize::try_from(length).expect("as much memory as the first rank has"), 0);
        for bytes in bytes.chunks_mut(MAX_MESSAGE) {
            scope(|scope| self.wait(first.immediate_broadcast_into(scope, bytes)))?;
        }
        Ok(())
    }
}
