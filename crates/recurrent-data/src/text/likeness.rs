//! Likeness: by what near-copies are found, and by what a text is told its part.

use sha2::{Digest, Sha256};

use crate::Ratios;

/// What near-copies have in common: the letters and digits, in lower case. A text that has neither
/// is like itself alone.
pub(crate) fn likeness(text: &str) -> String {
    let letters = text.chars().filter(|c| c.is_alphanumeric());
    let like: String = letters.flat_map(char::to_lowercase).collect();
    if like.is_empty() { text.to_string() } else { like }
}

/// One of the three parts of a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    Train,
    Valid,
    Test,
}

impl Place {
    /// The part of whatever has this key, each with the share it is due.
    ///
    /// It follows from the key alone: not from a seed, nor from the other rows, nor from their
    /// order. A row that is added moves none of the others.
    pub(crate) fn of(key: &str, ratios: &Ratios) -> Self {
        let sum: [u8; 32] = Sha256::digest(key.as_bytes()).into();
        let head = sum.iter().take(8).fold(0_u64, |head, byte| head << 8 | u64::from(*byte));
        let share = head as f64 / 2_f64.powi(64);
        if share < ratios.train() {
            Self::Train
        } else if share < ratios.train() + ratios.valid() {
            Self::Valid
        } else {
            Self::Test
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_blanks_and_punctuation_do_not_make_another_text() {
        assert_eq!(likeness("Don't  STOP, Жан-1!"), "dontstopжан1");
        assert_eq!(likeness("Don't stop, жан 1"), "dontstopжан1");
        assert_ne!(likeness("?!"), likeness("!!"));
    }

    #[test]
    fn every_part_has_about_its_share_and_a_key_always_the_same_part() {
        let ratios = Ratios::new(0.7, 0.2, 0.1).unwrap();
        let mut counts = [0; 3];
        for key in 0..10_000 {
            counts[Place::of(&key.to_string(), &ratios) as usize] += 1;
        }
        let near = |count: i32, share: i32| (count - share).abs() < 150;
        assert!(near(counts[0], 7000) && near(counts[1], 2000) && near(counts[2], 1000), "{counts:?}");
        assert_eq!(Place::of("the quick brown fox", &ratios), Place::Train);
        assert_eq!(Place::of("", &ratios), Place::Test);
    }
}
