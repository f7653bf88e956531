//! Memory that goes round: what a step of training took, the next step takes again.
//!
//! A training loop asks for the same few large buffers in every step. Given back to the system in between, each of their
//! pages would be fetched and cleared anew.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The buffers that nobody holds now.
#[derive(Default)]
struct Shelf {
    free: Vec<Vec<f32>>,
    /// Numbers in `free`.
    kept: usize,
    /// Numbers that somebody holds.
    held: usize,
    /// The most that was ever held at once: as much as is worth keeping.
    most: usize,
}

static SHELF: Mutex<Shelf> = Mutex::new(Shelf { free: Vec::new(), kept: 0, held: 0, most: 0 });

/// A panic elsewhere leaves the lists whole.
fn shelf() -> MutexGuard<'static, Shelf> {
    SHELF.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives the buffers that the CPU's kernels keep for their next call back to the system.
pub fn release_buffers() {
    let mut shelf = shelf();
    *shelf = Shelf { held: shelf.held, most: shelf.held, ..Shelf::default() };
}

/// Numbers to work with, given back when dropped.
#[derive(Debug)]
pub struct Buffer {
    numbers: Vec<f32>,
    len: usize,
}

impl Buffer {
    /// `len` numbers of any value.
    pub fn scratch(len: usize) -> Self {
        let mut shelf = shelf();
        let fits = |buffer: &Vec<f32>| buffer.len() >= len && buffer.len() <= 2 * len;
        let best = (0..shelf.free.len()).filter(|at| fits(&shelf.free[*at])).min_by_key(|at| shelf.free[*at].len());
        let numbers = best.map(|at| {
            let numbers = shelf.free.swap_remove(at);
            shelf.kept -= numbers.len();
            numbers
        });
        let size = numbers.as_ref().map_or(len, Vec::len);
        shelf.held += size;
        shelf.most = shelf.most.max(shelf.held);
        drop(shelf);
        #[allow(unused_mut, reason = "in a debug build")]
        let mut numbers = numbers.unwrap_or_else(|| vec![0.0; len]);
        // What is read before it was written shows.
        #[cfg(debug_assertions)]
        numbers.fill(f32::NAN);
        Self { numbers, len }
    }

    /// The numbers of `from`, or zeros.
    pub fn copy(from: Option<&[f32]>, len: usize) -> Self {
        let mut buffer = Self::scratch(len);
        match from {
            Some(from) => buffer.copy_from_slice(from),
            None => buffer.fill(0.0),
        }
        buffer
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let numbers = std::mem::take(&mut self.numbers);
        let mut shelf = shelf();
        shelf.held -= numbers.len();
        shelf.kept += numbers.len();
        shelf.free.push(numbers);
        // The one that came first has waited longest.
        while shelf.kept + shelf.held > shelf.most {
            let oldest = shelf.free.remove(0);
            shelf.kept -= oldest.len();
        }
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.numbers[..self.len]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.numbers[..self.len]
    }
}

/// A vector of `len` numbers that the caller writes, each of them, before anybody reads it.
#[allow(unsafe_code, reason = "clearing what is written over at once costs as much as writing it")]
pub fn unwritten(len: usize) -> Vec<f32> {
    if cfg!(debug_assertions) {
        return vec![f32::NAN; len];
    }
    let mut numbers = Vec::with_capacity(len);
    #[allow(clippy::uninit_vec, reason = "all callers hand it to a kernel or a product that writes every number")]
    // SAFETY: the capacity is there, every bit pattern is an `f32`, and nobody reads a number before it is written.
    unsafe {
        numbers.set_len(len);
    }
    numbers
}
