//! Training on several ranks: processes, each with a device of its own, that train one network together.
//!
//! All ranks make the same plan of batches. Each computes the gradients of its [`Share`] of a batch's rows; they are added
//! up, weighted by their items, so that the sum is the gradient of the whole batch, and all ranks take the same step. The
//! first rank has the run's folder: it alone writes, and the others get what it found there.
//!
//! The engine is MPI, behind the feature `mpi`: launch, hosts and transport are its business. Another one is another
//! implementation of [`Ranks`].

mod copy;
mod gradients;
#[cfg(feature = "mpi")]
mod mpi;
mod weights;

use std::fmt::Debug;
use std::ops::Range;

use burn::tensor::{Device, Int, Tensor};

pub(crate) use self::copy::{receive_run, send_run};
pub(super) use self::gradients::{Signals, Step, sum_step};
#[cfg(feature = "mpi")]
pub use self::mpi::Mpi;
pub(super) use self::weights::{check_weights, first_weights};
use crate::{Error, Result};

/// The processes that train one network together, as one of them sees them.
///
/// All ranks call the same methods in the same order.
pub trait Ranks: Debug + Send + Sync {
    /// The number of this rank, from 0.
    fn rank(&self) -> usize;

    /// The number of ranks.
    fn size(&self) -> usize;

    /// Adds up the values of all ranks, in place. All get the same bits.
    ///
    /// # Errors
    /// If a rank does not answer in time.
    fn sum(&self, values: &mut [f32]) -> Result<()>;

    /// Gives all ranks the bytes of the first one.
    ///
    /// # Errors
    /// If a rank does not answer in time.
    fn broadcast(&self, bytes: &mut Vec<u8>) -> Result<()>;

    /// Whether this is the rank that has the run's folder.
    fn is_first(&self) -> bool {
        self.rank() == 0
    }

    /// Whether there is no other.
    fn is_alone(&self) -> bool {
        self.size() == 1
    }

    /// The share of this rank.
    fn share(&self) -> Share {
        Share { rank: self.rank(), size: self.size() }
    }
}

/// One rank, which has nobody to talk to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Alone;

impl Ranks for Alone {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    fn sum(&self, _values: &mut [f32]) -> Result<()> {
        Ok(())
    }

    fn broadcast(&self, _bytes: &mut Vec<u8>) -> Result<()> {
        Ok(())
    }
}

/// The rows of a batch that a rank takes: every n-th of n ranks, so that rows sorted by length are shared evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    rank: usize,
    size: usize,
}

impl Share {
    /// All rows.
    pub const WHOLE: Self = Self { rank: 0, size: 1 };

    /// The rows of a batch of so many.
    pub fn rows(self, of: usize) -> std::iter::StepBy<Range<usize>> {
        (self.rank.min(of)..of).step_by(self.size)
    }

    /// The rows to compute: a rank without a row computes the first one, whose gradients then have no weight. So it needs no
    /// way around a step.
    pub fn computed_rows(self, of: usize) -> Vec<usize> {
        if self.rank < of { self.rows(of).collect() } else { vec![0] }
    }
}

/// Rows as the indices of a selection, `[rows]`.
pub(crate) fn row_indices(rows: &[usize], device: &Device) -> Tensor<1, Int> {
    let rows: Vec<i64> = rows.iter().map(|row| *row as i64).collect();
    Tensor::from_data(rows.as_slice(), device)
}

/// An error of this rank.
pub(super) fn on_rank(ranks: &dyn Ranks, cause: impl Into<String>) -> Error {
    Error::OnRank { rank: ranks.rank(), cause: Box::new(Error::Training(cause.into())) }
}

/// Parameters of any shape as single-precision numbers, one after the other.
pub(super) fn append<const D: usize>(values: &mut Vec<f32>, tensor: Tensor<D>) {
    values.extend(tensor.into_data().iter::<f32>());
}

#[cfg(test)]
pub(crate) mod testing {
    //! Ranks that are threads.

    use std::sync::{Arc, Barrier, Mutex};

    use super::*;

    /// A rank that is a thread.
    #[derive(Debug)]
    pub struct Thread {
        rank: usize,
        shared: Arc<Shared>,
    }

    #[derive(Debug)]
    struct Shared {
        barrier: Barrier,
        values: Mutex<Vec<Vec<f32>>>,
        bytes: Mutex<Vec<u8>>,
    }

    impl Ranks for Thread {
        fn rank(&self) -> usize {
            self.rank
        }

        fn size(&self) -> usize {
            self.shared.values.lock().unwrap().len()
        }

        fn sum(&self, values: &mut [f32]) -> Result<()> {
            self.shared.values.lock().unwrap()[self.rank] = values.to_vec();
            self.shared.barrier.wait();
            let all = self.shared.values.lock().unwrap().clone();
            for (at, value) in values.iter_mut().enumerate() {
                *value = all.iter().map(|values| values[at]).sum();
            }
            self.shared.barrier.wait();
            Ok(())
        }

        fn broadcast(&self, bytes: &mut Vec<u8>) -> Result<()> {
            if self.is_first() {
                *self.shared.bytes.lock().unwrap() = bytes.clone();
            }
            self.shared.barrier.wait();
            *bytes = self.shared.bytes.lock().unwrap().clone();
            self.shared.barrier.wait();
            Ok(())
        }
    }

    /// Runs `work` on ranks that are threads, and returns what each of them returns.
    pub fn on_threads<T: Send>(size: usize, work: impl Fn(&Thread) -> T + Sync) -> Vec<T> {
        let barrier = Barrier::new(size);
        let shared = Arc::new(Shared { barrier, values: vec![vec![]; size].into(), bytes: Mutex::default() });
        let work = &work;
        std::thread::scope(|scope| {
            let start = |rank| {
                let thread = Thread { rank, shared: shared.clone() };
                scope.spawn(move || work(&thread))
            };
            let threads: Vec<_> = (0..size).map(start).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_a_partition_of_the_rows() {
        for size in 1..=5 {
            for of in 0..12 {
                let mut rows: Vec<usize> = (0..size).flat_map(|rank| Share { rank, size }.rows(of)).collect();
                rows.sort_unstable();
                assert_eq!(rows, (0..of).collect::<Vec<_>>(), "{size} ranks");
            }
        }
        assert_eq!(Share { rank: 3, size: 4 }.computed_rows(2), [0]);
        assert_eq!(Share { rank: 1, size: 4 }.computed_rows(6), [1, 5]);
    }
}
