//! The assignment of texts to training, validation and test.

use sha2::{Digest, Sha256};

use crate::delimited::Row;
use crate::error::{DataError, Result};
use crate::fractions::SplitFractions;
use crate::role::{Role, Test, Train, Valid};
use crate::table::{Table, shortened};

/// What a text, a recording or a piece is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SplitAssignment {
    /// Training.
    Train,
    /// Validation.
    Valid,
    /// Test.
    Test,
}

impl SplitAssignment {
    /// Assigns a text by a hash of its key, in these fractions.
    ///
    /// The assignment depends on the key alone, not on a seed, the other texts or their order: adding a text moves no
    /// other.
    pub fn of(key: &str, fractions: &SplitFractions) -> Self {
        let position = hash_position(key);
        if position < fractions.train() {
            Self::Train
        } else if position < fractions.train() + fractions.valid() {
            Self::Valid
        } else {
            Self::Test
        }
    }

    /// The assignment of a text that `assigned` says, or else a hash of its key. If no text is assigned to validation though
    /// others are (`lacks_valid`), it is taken from training.
    pub fn resolved(assigned: Option<Self>, key: &str, fractions: &SplitFractions, lacks_valid: bool) -> Self {
        match assigned {
            None => Self::of(key, fractions),
            Some(Self::Train) if lacks_valid => Self::without_test(key, fractions),
            Some(assignment) => assignment,
        }
    }

    /// The assignments by their names in a column.
    const NAMED: [(Self, &'static str); 3] =
        [(Self::Train, Train::NAME), (Self::Valid, Valid::NAME), (Self::Test, Test::NAME)];
    /// Another name of validation, by which many published tables call it.
    const VALIDATION: &'static str = "validation";

    /// The assignment of this name.
    pub fn named(name: &str) -> Option<Self> {
        let name = if name == Self::VALIDATION { Valid::NAME } else { name };
        Self::NAMED.into_iter().find_map(|(assignment, own)| (own == name).then_some(assignment))
    }

    /// The assignment that a cell of a table names.
    pub(crate) fn in_column(table: &Table, row: &Row, column: usize) -> Result<Self> {
        let found = row.cell(column);
        Self::named(found).ok_or_else(|| DataError::UnknownSplit {
            path: table.source().to_string(),
            line: row.line(),
            column: table.headers()[column].clone(),
            found: shortened(found),
        })
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::NAMED[self as usize].1
    }

    /// The same among training and validation only, where the test texts are given.
    fn without_test(key: &str, fractions: &SplitFractions) -> Self {
        let train = fractions.train() / (fractions.train() + fractions.valid());
        if hash_position(key) < train { Self::Train } else { Self::Valid }
    }
}

/// A hash of a key as a number from 0 to 1, uniformly distributed.
fn hash_position(key: &str) -> f64 {
    let hash: [u8; 32] = Sha256::digest(key.as_bytes()).into();
    let head = hash.iter().take(8).fold(0_u64, |head, byte| head << 8 | u64::from(*byte));
    head as f64 / 2_f64.powi(64)
}

/// The indices of the texts of each subset.
pub(crate) struct Assigned {
    pub(crate) train: Vec<usize>,
    pub(crate) valid: Vec<usize>,
    pub(crate) test: Vec<usize>,
    /// How many held-out texts are in none, because a training text is nearly equal.
    pub(crate) near_duplicates: usize,
}

impl Assigned {
    /// Collects the indices of each subset, without the held-out texts for which `is_in_training` holds.
    pub(crate) fn new(assignments: &[SplitAssignment], is_in_training: impl Fn(usize) -> bool) -> Self {
        let mut assigned = Self { train: vec![], valid: vec![], test: vec![], near_duplicates: 0 };
        for (index, assignment) in assignments.iter().enumerate() {
            match assignment {
                SplitAssignment::Train => assigned.train.push(index),
                _ if is_in_training(index) => assigned.near_duplicates += 1,
                SplitAssignment::Valid => assigned.valid.push(index),
                SplitAssignment::Test => assigned.test.push(index),
            }
        }
        assigned
    }
}

/// Rejects a subset without texts. `near_duplicates` were dropped for being nearly equal in what is `compared`.
pub(crate) fn check_not_empty<R: Role>(
    path: &str,
    indices: &[usize],
    near_duplicates: usize,
    compared: &'static str,
) -> Result<()> {
    if !indices.is_empty() {
        return Ok(());
    }
    if near_duplicates > 0 {
        return Err(DataError::OnlyNearDuplicates {
            path: path.to_string(),
            subset: R::NAME,
            near_duplicates,
            compared,
        });
    }
    Err(DataError::TooFewRows {
        path: path.to_string(),
        subset: R::NAME,
        purpose: "each subset of the split".to_string(),
        needed: 1,
        found: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subsets_have_about_their_fractions() {
        let fractions = SplitFractions::new(0.7, 0.2, 0.1).unwrap();
        let mut counts = [0; 5];
        for key in 0..10_000 {
            counts[SplitAssignment::of(&key.to_string(), &fractions) as usize] += 1;
            counts[3 + SplitAssignment::without_test(&key.to_string(), &fractions) as usize] += 1;
        }
        for (count, expected) in counts.into_iter().zip([7000, 2000, 1000, 7778, 2222]) {
            assert!(i32::abs(count - expected) < 150, "{counts:?}");
        }
        // The hash must never change: a model trained on a text must not be tested on it later.
        assert_eq!(SplitAssignment::of("the quick brown fox", &fractions), SplitAssignment::Train);
        assert_eq!(SplitAssignment::of("", &fractions), SplitAssignment::Valid);
    }
}
