//! Where the voices lie.

use super::VOICES;
use super::voicing::Voicing;
use crate::Key;

/// The ranges of the voices relative to the tonic.
///
/// Every piece is composed in C major or C minor and then moved to its key by at most half an octave. Pieces that move
/// down have their voices higher before, so that they lie well afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Register {
    /// For the keys from C to F, which lie up to five semitones higher.
    Low,
    /// For the keys from F# to B, which lie up to six semitones lower.
    High,
}

impl Register {
    /// Both.
    #[cfg(test)]
    pub(super) const ALL: [Self; 2] = [Self::Low, Self::High];

    /// The register of a key, and the semitones from C to its tonic.
    pub(super) fn of_key(key: Key) -> (Self, i8) {
        match key.tonic() as i8 {
            tonic @ ..=5 => (Self::Low, tonic),
            tonic => (Self::High, tonic - 12),
        }
    }

    /// The lowest and the highest note of each voice, from the top, with C as the tonic.
    ///
    /// In every key, the soprano is within C4–A5, the alto within G3–D5, the tenor within C3–A4, the bass within E2–D4.
    pub(super) fn ranges(self) -> [(u8, u8); VOICES] {
        match self {
            Self::Low => [(60, 76), (55, 69), (48, 64), (40, 57)],
            Self::High => [(66, 82), (61, 75), (54, 70), (46, 63)],
        }
    }

    /// The middle of each voice, from the top, with C as the tonic.
    pub(super) fn middles(self) -> Voicing {
        match self {
            Self::Low => [68, 62, 55, 47],
            Self::High => [74, 67, 61, 53],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_voices_can_be_sung_in_every_key() {
        const SINGERS: [(i8, i8); VOICES] = [(60, 81), (55, 74), (48, 69), (40, 62)];
        for key in Key::all() {
            let (register, shift) = Register::of_key(key);
            assert_eq!(shift.rem_euclid(12) as u8, key.tonic());
            for ((low, high), (lowest, highest)) in register.ranges().into_iter().zip(SINGERS) {
                assert!(low as i8 + shift >= lowest && high as i8 + shift <= highest, "{key}");
            }
        }
    }
}
