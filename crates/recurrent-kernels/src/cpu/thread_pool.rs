//! A thread pool for tasks of a few microseconds.
//!
//! A step of a single row is over before a parked thread has woken up. So the threads spin for a while between tasks and
//! park only when no task comes. The caller never waits for a parked thread: it runs the parts that no thread has started.
#![allow(unsafe_code, reason = "passes a borrowed task to threads that outlive the borrow, but not the call")]

use std::cell::UnsafeCell;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

/// Polls before a thread parks: about 50 microseconds.
const SPIN_LIMIT: u32 = 1 << 13;
/// Rounds between two attempts to wake a parked thread: waking it costs more than a round.
const WAKE_INTERVAL: u64 = 64;

/// The work of a round, called with the index of each part.
type Task<'a> = &'a (dyn Fn(usize) + Sync);

/// The status of one part of the task, which belongs to one thread.
struct PartStatus {
    /// The last round in which the part was started.
    started: AtomicU64,
    /// The last round in which it was finished.
    finished: AtomicU64,
    /// Whether its thread is parked.
    parked: AtomicBool,
}

impl PartStatus {
    /// Runs the part if no thread has started it in this round.
    fn run_if_unclaimed(&self, round: u64, part: usize, task: &UnsafeCell<Task<'static>>) {
        if self.started.compare_exchange(round - 1, round, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            // SAFETY: the task of a round stays in place until all of its parts are finished, and this one just started.
            let task = unsafe { *task.get() };
            task(part);
            self.finished.store(round, Ordering::Release);
        }
    }
}

/// What the caller and the threads share.
struct Shared {
    round: AtomicU64,
    task: UnsafeCell<Task<'static>>,
    parts: Vec<PartStatus>,
    shutdown: AtomicBool,
}

// SAFETY: the task is written only between two rounds, when no thread reads it.
unsafe impl Sync for Shared {}
// SAFETY: the task may be called from any thread.
unsafe impl Send for Shared {}

/// The calling thread and a few more.
pub struct ThreadPool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    round: u64,
}

impl fmt::Debug for ThreadPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ThreadPool({})", self.threads.len() + 1)
    }
}

impl ThreadPool {
    /// A pool of `size` threads, including the caller.
    pub fn new(size: usize) -> Self {
        let part =
            || PartStatus { started: AtomicU64::new(0), finished: AtomicU64::new(0), parked: AtomicBool::new(false) };
        let shared = Arc::new(Shared {
            round: AtomicU64::new(0),
            task: UnsafeCell::new(&|_| ()),
            parts: (1..size).map(|_| part()).collect(),
            shutdown: AtomicBool::new(false),
        });
        let threads = (0..shared.parts.len()).map(|index| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.worker_loop(index))
        });
        let threads = threads.collect();
        Self { shared, threads, round: 0 }
    }

    /// The number of parts of a task.
    pub fn size(&self) -> usize {
        self.threads.len() + 1
    }

    /// Runs all parts of a task and returns when they are finished.
    pub fn run(&mut self, task: Task) {
        self.round += 1;
        let round = self.round;
        // SAFETY: all parts of earlier rounds are finished, so no thread reads the task; and this call does not return
        // before all parts of this round are finished, so the borrow is long enough.
        unsafe { *self.shared.task.get() = std::mem::transmute::<Task<'_>, Task<'static>>(task) };
        self.shared.round.store(round, Ordering::Release);
        for (part, thread) in self.shared.parts.iter().zip(&self.threads) {
            if round.is_multiple_of(WAKE_INTERVAL) && part.parked.load(Ordering::Relaxed) {
                thread.thread().unpark();
            }
        }
        task(0);
        for (index, part) in self.shared.parts.iter().enumerate() {
            part.run_if_unclaimed(round, index + 1, &self.shared.task);
        }
        for part in &self.shared.parts {
            let mut polls = 0;
            while part.finished.load(Ordering::Acquire) != round {
                polls += 1;
                // A thread may have been preempted in the middle of its part.
                if polls < SPIN_LIMIT { std::hint::spin_loop() } else { thread::yield_now() }
            }
        }
    }
}

impl Shared {
    fn worker_loop(&self, index: usize) {
        let part = &self.parts[index];
        let mut last_round = 0;
        let mut polls = 0;
        while !self.shutdown.load(Ordering::Relaxed) {
            let round = self.round.load(Ordering::Acquire);
            if round != last_round {
                last_round = round;
                polls = 0;
                part.run_if_unclaimed(round, index + 1, &self.task);
            } else if polls < SPIN_LIMIT {
                polls += 1;
                std::hint::spin_loop();
            } else {
                polls = 0;
                part.parked.store(true, Ordering::Relaxed);
                thread::park();
                part.parked.store(false, Ordering::Relaxed);
            }
        }
    }
}

impl Drop for ThreadPool {
    fn drop(&mut self) {
        self.shared.shutdown.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.thread().unpark();
            // The threads do not panic: a part is arithmetic on valid memory.
            let _ = thread.join();
        }
    }
}
