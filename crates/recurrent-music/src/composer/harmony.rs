//! The harmonies of a key and what follows them.

use crate::Mode;

/// A chord of a key in one of its inversions, by its Roman numeral in the spelling of a major key.
///
/// The names are those of figured bass: `Ii65` is a seventh chord on the second degree with its third in the bass. A
/// minor key has other triads on the same degrees, and a raised leading tone in the dominants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Harmony {
    /// The tonic.
    I,
    /// The tonic over its third.
    I6,
    /// The tonic over its fifth before a cadence.
    I64,
    /// The supertonic, in major only.
    Ii,
    /// The supertonic over its third.
    Ii6,
    /// The supertonic seventh over its third.
    Ii65,
    /// The mediant; in minor, the relative major.
    Iii,
    /// The subdominant.
    Iv,
    /// The subdominant over its third.
    Iv6,
    /// The dominant.
    V,
    /// The dominant over its third.
    V6,
    /// The dominant seventh.
    V7,
    /// The dominant seventh over its third.
    V65,
    /// The dominant seventh over its seventh.
    V42,
    /// The submediant.
    Vi,
    /// The diminished triad on the leading tone, over its third.
    Vii6,
    /// The dominant seventh of the dominant over its third, in major only.
    Applied65,
    /// The triad on the lowered seventh degree, the dominant of the relative major, in minor only.
    Subtonic,
}

use Harmony::*;

impl Harmony {
    /// How many there are.
    pub(super) const COUNT: usize = 18;

    /// All of them, in the order of their numbers.
    pub(super) const ALL: [Self; Self::COUNT] =
        [I, I6, I64, Ii, Ii6, Ii65, Iii, Iv, Iv6, V, V6, V7, V65, V42, Vi, Vii6, Applied65, Subtonic];

    /// The tones in semitones above the tonic: root, third, fifth and perhaps seventh. Empty if the mode lacks the
    /// harmony.
    pub(super) fn tones(self, mode: Mode) -> &'static [u8] {
        match (self, mode) {
            (I | I6 | I64, Mode::Major) => &[0, 4, 7],
            (I | I6 | I64, Mode::Minor) => &[0, 3, 7],
            (Ii, Mode::Major) | (Ii6, Mode::Major) => &[2, 5, 9],
            (Ii6, Mode::Minor) => &[2, 5, 8],
            (Ii65, Mode::Major) => &[2, 5, 9, 0],
            (Ii65, Mode::Minor) => &[2, 5, 8, 0],
            (Iii, Mode::Major) => &[4, 7, 11],
            (Iii, Mode::Minor) => &[3, 7, 10],
            (Iv | Iv6, Mode::Major) => &[5, 9, 0],
            (Iv | Iv6, Mode::Minor) => &[5, 8, 0],
            (V | V6, _) => &[7, 11, 2],
            (V7 | V65 | V42, _) => &[7, 11, 2, 5],
            (Vi, Mode::Major) => &[9, 0, 4],
            (Vi, Mode::Minor) => &[8, 0, 3],
            (Vii6, _) => &[11, 2, 5],
            (Applied65, Mode::Major) => &[2, 6, 9, 0],
            (Subtonic, Mode::Minor) => &[10, 2, 5],
            (Ii | Applied65, Mode::Minor) | (Subtonic, Mode::Major) => &[],
        }
    }

    /// Which tone is in the bass: 0 for the root, 1 for the third, and so on.
    pub(super) fn inversion(self) -> usize {
        match self {
            I | Ii | Iii | Iv | V | V7 | Vi | Subtonic => 0,
            I6 | Ii6 | Ii65 | Iv6 | V6 | V65 | Vii6 | Applied65 => 1,
            I64 => 2,
            V42 => 3,
        }
    }

    /// The leading tone, in semitones above the tonic, if it must rise out of this harmony.
    pub(super) fn leading_tone(self) -> Option<u8> {
        match self {
            V | V6 | V7 | V65 | V42 | Vii6 => Some(11),
            Applied65 => Some(6),
            _ => None,
        }
    }

    /// The harmonies that may follow, with their weights.
    pub(super) fn followers(self, mode: Mode) -> &'static [(Self, u64)] {
        match mode {
            Mode::Major => self.followers_in_major(),
            Mode::Minor => self.followers_in_minor(),
        }
    }

    fn followers_in_major(self) -> &'static [(Self, u64)] {
        match self {
            I => &[(Iv, 6), (V, 6), (Vi, 5), (I6, 4), (Ii6, 3), (V6, 3), (Ii, 2), (Vii6, 2), (V65, 1), (Iii, 1)],
            I6 => &[(Iv, 6), (Ii6, 4), (I, 3), (V, 3), (Vii6, 2), (Ii65, 1), (Ii, 1)],
            I64 => &[(V, 1), (V7, 1)],
            Ii => &[(V, 6), (V7, 3), (V6, 2), (I64, 2), (Vii6, 1)],
            Ii6 => &[(V, 6), (V7, 4), (I64, 4)],
            Ii65 => &[(V, 5), (I64, 2)],
            Iii => &[(Vi, 4), (Iv, 4)],
            Iv => &[(V, 6), (I, 4), (I64, 3), (Ii6, 2), (Ii, 2), (I6, 2), (V42, 1), (V7, 1), (Iv6, 1)],
            Iv6 => &[(V6, 3), (Iv, 2), (V65, 1), (V, 1)],
            V => &[(I, 8), (Vi, 4), (I6, 2), (V42, 1), (V6, 1), (Iv6, 1)],
            V6 => &[(I, 1)],
            V7 => &[(I, 8), (Vi, 3)],
            V65 => &[(I, 1)],
            V42 => &[(I6, 1)],
            Vi => &[(Iv, 5), (Ii6, 3), (Ii, 3), (V, 2), (Iii, 1), (Ii65, 1), (Applied65, 1)],
            Vii6 => &[(I6, 5), (I, 4)],
            Applied65 => &[(V, 1)],
            Subtonic => &[],
        }
    }

    fn followers_in_minor(self) -> &'static [(Self, u64)] {
        match self {
            I => &[(Iv, 6), (V, 6), (Vi, 4), (I6, 4), (Ii6, 3), (V6, 3), (Vii6, 2), (Subtonic, 2), (V65, 1), (Iii, 1)],
            I6 => &[(Iv, 6), (Ii6, 4), (I, 3), (V, 3), (Vii6, 2), (Ii65, 1)],
            I64 => &[(V, 1), (V7, 1)],
            Ii6 => &[(V, 6), (V7, 4), (I64, 4)],
            Ii65 => &[(V, 5), (I64, 2)],
            Iii => &[(Vi, 5), (Iv, 4)],
            Iv => &[(V, 6), (I, 4), (I64, 3), (Ii6, 2), (I6, 2), (Subtonic, 1), (V7, 1), (Iv6, 1)],
            Iv6 => &[(V, 1)],
            V => &[(I, 8), (Vi, 4), (I6, 2), (V42, 1), (V6, 1)],
            V6 => &[(I, 1)],
            V7 => &[(I, 8), (Vi, 3)],
            V65 => &[(I, 1)],
            V42 => &[(I6, 1)],
            Vi => &[(Iv, 5), (Ii6, 4), (Ii65, 1), (Iii, 1)],
            Vii6 => &[(I6, 5), (I, 4)],
            Subtonic => &[(Iii, 1)],
            Ii | Applied65 => &[],
        }
    }

    /// Whether a phrase may end with it.
    pub(super) fn ends_phrases(self) -> bool {
        matches!(self, I | V)
    }

    /// The harmonies that may open a phrase after the first one, with their weights.
    pub(super) fn openings(mode: Mode) -> &'static [(Self, u64)] {
        match mode {
            Mode::Major => &[(I, 6), (I6, 2), (Vi, 1), (V, 1), (Iv, 1)],
            Mode::Minor => &[(I, 6), (I6, 2), (Vi, 1), (Iv, 1)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODES: [Mode; 2] = [Mode::Major, Mode::Minor];

    #[test]
    fn the_numbers_are_in_order() {
        assert!(Harmony::ALL.iter().enumerate().all(|(number, harmony)| *harmony as usize == number));
    }

    #[test]
    fn what_follows_exists_once_and_has_followers() {
        for mode in MODES {
            for harmony in Harmony::ALL {
                let followers = harmony.followers(mode);
                assert_eq!(followers.is_empty(), harmony.tones(mode).is_empty(), "{harmony:?}");
                for (position, (follower, weight)) in followers.iter().enumerate() {
                    assert!(!follower.tones(mode).is_empty() && *weight > 0, "{harmony:?} {follower:?}");
                    assert!(followers[..position].iter().all(|(other, _)| other != follower), "{follower:?}");
                }
            }
        }
    }

    #[test]
    fn no_two_harmonies_have_the_same_tones_over_the_same_bass() {
        let content = |harmony: Harmony, mode| {
            let mut tones = harmony.tones(mode).to_vec();
            let bass = tones.get(harmony.inversion()).copied()?;
            tones.sort_unstable();
            Some((bass, tones))
        };
        for mode in MODES {
            let mut contents: Vec<_> = Harmony::ALL.iter().filter_map(|harmony| content(*harmony, mode)).collect();
            let count = contents.len();
            contents.sort();
            contents.dedup();
            assert_eq!(contents.len(), count);
        }
    }

    #[test]
    fn a_leading_tone_is_a_tone_of_its_harmony() {
        for harmony in Harmony::ALL {
            let Some(tone) = harmony.leading_tone() else { continue };
            assert!(MODES.iter().any(|mode| harmony.tones(*mode).contains(&tone)), "{harmony:?}");
        }
    }
}
