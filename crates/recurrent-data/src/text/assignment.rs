//! The part of a split that a text is put into, whatever the other texts are.

use sha2::{Digest, Sha256};

use crate::{DataError, Ratios, Result, Role};

/// One of the three parts of a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Train,
    Valid,
    Test,
}

impl Place {
    /// The part of whatever has this key, each with the share it is due.
    ///
    /// It follows from the key alone: not from a seed, nor from the other texts, nor from their
    /// order. A text that is added moves none of the others.
    pub(crate) fn of(key: &str, ratios: &Ratios) -> Self {
        let at = position(key);
        if at < ratios.train() {
            Self::Train
        } else if at < ratios.train() + ratios.valid() {
            Self::Valid
        } else {
            Self::Test
        }
    }

    /// The same of two parts, for a test that was put aside by somebody else.
    pub(crate) fn before_test(key: &str, ratios: &Ratios) -> Self {
        let share = ratios.train() / (ratios.train() + ratios.valid());
        if position(key) < share { Self::Train } else { Self::Valid }
    }
}

/// A number from 0 to 1 for a key, spread evenly.
fn position(key: &str) -> f64 {
    let sum: [u8; 32] = Sha256::digest(key.as_bytes()).into();
    let head = sum.iter().take(8).fold(0_u64, |head, byte| head << 8 | u64::from(*byte));
    head as f64 / 2_f64.powi(64)
}

/// The indices of texts, part by part, and how many are in none of them.
pub(crate) struct Placed {
    pub(crate) train: Vec<usize>,
    pub(crate) valid: Vec<usize>,
    pub(crate) test: Vec<usize>,
    pub(crate) crossed: usize,
}

impl Placed {
    /// Puts each text into its place, save held-out ones that training knows.
    pub(crate) fn new(places: &[Place], is_known: impl Fn(usize) -> bool) -> Self {
        let mut placed = Self { train: vec![], valid: vec![], test: vec![], crossed: 0 };
        for (index, place) in places.iter().enumerate() {
            match place {
                Place::Train => placed.train.push(index),
                _ if is_known(index) => placed.crossed += 1,
                Place::Valid => placed.valid.push(index),
                Place::Test => placed.test.push(index),
            }
        }
        placed
    }
}

/// Refuses a part without texts.
pub(crate) fn check_part<R: Role>(path: &str, indices: &[usize]) -> Result<()> {
    if !indices.is_empty() {
        return Ok(());
    }
    Err(DataError::TooFewRows {
        path: path.to_string(),
        part: R::NAME,
        purpose: "each part of a split".to_string(),
        needed: 1,
        there: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_has_about_its_share_and_a_key_always_the_same_part() {
        let ratios = Ratios::new(0.7, 0.2, 0.1).unwrap();
        let mut counts = [0; 5];
        for key in 0..10_000 {
            counts[Place::of(&key.to_string(), &ratios) as usize] += 1;
            counts[3 + Place::before_test(&key.to_string(), &ratios) as usize] += 1;
        }
        for (count, share) in counts.into_iter().zip([7000, 2000, 1000, 7778, 2222]) {
            assert!(i32::abs(count - share) < 150, "{counts:?}");
        }
        // Whoever trained on a text yesterday must not be judged on it tomorrow.
        assert_eq!(Place::of("the quick brown fox", &ratios), Place::Train);
        assert_eq!(Place::of("", &ratios), Place::Valid);
    }
}
