//! Threads that share a task of a few microseconds.
//!
//! A step of a single row is over before a sleeping thread has woken up. So the threads of a team wait with their eyes
//! open for a while, and fall asleep only when no task comes. Nobody waits for a sleeper: a part that no thread has begun
//! is done by the one who wants it done.
#![allow(unsafe_code, reason = "passes a borrowed task to threads that outlive the borrow, but not the call")]

use std::cell::UnsafeCell;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

/// Glances at the board before a thread falls asleep: some fifty microseconds.
const GLANCES: u32 = 1 << 13;
/// Rounds between two calls to a sleeper: waking it costs more than a round.
const ROUNDS_A_CALL: u64 = 64;

/// What is done in a round, with the number of a part.
type Task<'a> = &'a (dyn Fn(usize) + Sync);

/// One part of the task, which one thread prefers.
struct Place {
    /// The last round in which somebody began it.
    begun: AtomicU64,
    /// The last round in which it was finished.
    finished: AtomicU64,
    asleep: AtomicBool,
}

impl Place {
    /// Does the part if nobody has begun it in this round.
    fn take(&self, round: u64, part: usize, task: &UnsafeCell<Task<'static>>) {
        if self.begun.compare_exchange(round - 1, round, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            // SAFETY: the task of a round stays until all of its parts are finished, and this one has just begun.
            let task = unsafe { *task.get() };
            task(part);
            self.finished.store(round, Ordering::Release);
        }
    }
}

struct Board {
    round: AtomicU64,
    task: UnsafeCell<Task<'static>>,
    places: Vec<Place>,
    over: AtomicBool,
}

// SAFETY: the task is written between two rounds alone, when no thread looks at it.
unsafe impl Sync for Board {}
// SAFETY: the task may be called from any thread.
unsafe impl Send for Board {}

/// A few threads beside the caller's.
pub struct Team {
    board: Arc<Board>,
    threads: Vec<JoinHandle<()>>,
    round: u64,
}

impl fmt::Debug for Team {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Team of {}", self.threads.len() + 1)
    }
}

impl Team {
    /// A team of `size`, the caller among them.
    pub fn new(size: usize) -> Self {
        let place = || Place { begun: AtomicU64::new(0), finished: AtomicU64::new(0), asleep: AtomicBool::new(false) };
        let board = Arc::new(Board {
            round: AtomicU64::new(0),
            task: UnsafeCell::new(&|_| ()),
            places: (1..size).map(|_| place()).collect(),
            over: AtomicBool::new(false),
        });
        let threads = (0..board.places.len()).map(|at| {
            let board = Arc::clone(&board);
            thread::spawn(move || board.serve(at))
        });
        let threads = threads.collect();
        Self { board, threads, round: 0 }
    }

    /// How many parts a task has.
    pub fn size(&self) -> usize {
        self.threads.len() + 1
    }

    /// Does all parts of a task, and comes back when they are done.
    pub fn run(&mut self, task: Task) {
        self.round += 1;
        let round = self.round;
        // SAFETY: all parts of the rounds before are finished, so no thread looks at the task; and this call does not
        // return before all parts of this round are, so the borrow lasts.
        unsafe { *self.board.task.get() = std::mem::transmute::<Task<'_>, Task<'static>>(task) };
        self.board.round.store(round, Ordering::Release);
        for (place, thread) in self.board.places.iter().zip(&self.threads) {
            if round.is_multiple_of(ROUNDS_A_CALL) && place.asleep.load(Ordering::Relaxed) {
                thread.thread().unpark();
            }
        }
        task(0);
        for (at, place) in self.board.places.iter().enumerate() {
            place.take(round, at + 1, &self.board.task);
        }
        for place in &self.board.places {
            let mut glances = 0;
            while place.finished.load(Ordering::Acquire) != round {
                glances += 1;
                // A thread in the middle of its part may have lost its core.
                if glances < GLANCES { std::hint::spin_loop() } else { thread::yield_now() }
            }
        }
    }
}

impl Board {
    /// What a thread does all its life.
    fn serve(&self, at: usize) {
        let place = &self.places[at];
        let mut seen = 0;
        let mut glances = 0;
        while !self.over.load(Ordering::Relaxed) {
            let round = self.round.load(Ordering::Acquire);
            if round != seen {
                seen = round;
                glances = 0;
                place.take(round, at + 1, &self.task);
            } else if glances < GLANCES {
                glances += 1;
                std::hint::spin_loop();
            } else {
                glances = 0;
                place.asleep.store(true, Ordering::Relaxed);
                thread::park();
                place.asleep.store(false, Ordering::Relaxed);
            }
        }
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.board.over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.thread().unpark();
            // A thread of the team does not panic: a part is arithmetic on memory that is there.
            let _ = thread.join();
        }
    }
}
