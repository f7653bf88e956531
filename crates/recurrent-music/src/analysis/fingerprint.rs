//! Values that are equal for copies of a piece.

use std::fmt;

use crate::divisor::greatest_common_divisor;
use crate::{Note, Piece, Pitch};

/// A value of 128 bits that is equal for copies, by FNV-1a.
///
/// Different pieces have different fingerprints unless chance or intent makes them collide; chance does so for two of a
/// million pieces with a probability below 1e-26.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(u128);

impl fmt::Display for Fingerprint {
    /// 32 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// The fingerprint of a piece. It is the same for two pieces exactly if, apart from collisions, they have the same set of
/// onsets, pitch classes and durations after
///
/// - shifting one of them in time, so that both begin with their first note,
/// - scaling all times by one factor, as for another resolution or for notation in halved durations,
/// - transposing it by any number of semitones, up or down.
///
/// So octaves and doubles do not matter, nor do the name, the resolution, tempo, meter, key, velocities, instruments and
/// the order of the notes. Other articulation, ornaments or a performance in free time give another fingerprint.
pub fn fingerprint(piece: &Piece) -> Fingerprint {
    let first = piece.notes.iter().map(|note| note.start).min().unwrap_or(0);
    let times = |note: &Note| [note.start - first, note.duration];
    let unit = piece.notes.iter().flat_map(times).fold(0, greatest_common_divisor).max(1);
    let event =
        |note: &Note, shift: u8| ((note.start - first) / unit, (note.pitch.class() + shift) % 12, note.duration / unit);
    smallest(|shift| {
        let mut events: Vec<_> = piece.notes.iter().map(|note| event(note, shift)).collect();
        events.sort_unstable();
        events.dedup();
        let hash = Hash::new(b"notes");
        events.iter().fold(hash, |hash, (start, class, duration)| {
            hash.add(&start.to_le_bytes()).add(&[*class]).add(&duration.to_le_bytes())
        })
    })
}

/// The fingerprint of a sequence of frames, each of which has the pitches that sound at a time. It is the same for two
/// sequences exactly if, apart from collisions, they have the same sets of pitch classes after
///
/// - removing empty frames from the beginning and the end,
/// - scaling the lengths of the runs of equal frames by one factor, as for another length of the frames,
/// - transposing one of them by any number of semitones, up or down.
///
/// It never equals the fingerprint of a [`Piece`].
pub fn fingerprint_of_frames(frames: &[Vec<Pitch>]) -> Fingerprint {
    let runs = runs(frames);
    let unit = runs.iter().fold(0, |unit, run| greatest_common_divisor(unit, run.1)).max(1);
    smallest(|shift| {
        runs.iter().fold(Hash::new(b"frames"), |hash, (classes, length)| {
            let classes = (classes << shift | classes >> (12 - shift)) & 0xfff;
            hash.add(&classes.to_le_bytes()).add(&(length / unit).to_le_bytes())
        })
    })
}

/// The pitch classes of each run of frames, a bit for each class, and how long it is.
fn runs(frames: &[Vec<Pitch>]) -> Vec<(u16, u64)> {
    let mut runs: Vec<(u16, u64)> = Vec::new();
    for frame in frames {
        let classes = frame.iter().fold(0, |classes, pitch| classes | 1 << pitch.class());
        match runs.last_mut() {
            Some((last, length)) if *last == classes => *length += 1,
            None if classes == 0 => {}
            _ => runs.push((classes, 1)),
        }
    }
    runs.pop_if(|last| last.0 == 0);
    runs
}

/// The smallest of the hashes of the twelve transpositions, which is the same for all of them.
fn smallest(hash: impl Fn(u8) -> Hash) -> Fingerprint {
    Fingerprint((0..12).map(|shift| hash(shift).0).min().unwrap_or(0))
}

/// FNV-1a with 128 bits.
#[derive(Clone, Copy)]
struct Hash(u128);

impl Hash {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0100_0000_0000_0000_0000_013b;

    fn new(domain: &[u8]) -> Self {
        Self(Self::OFFSET).add(domain)
    }

    fn add(self, bytes: &[u8]) -> Self {
        Self(bytes.iter().fold(self.0, |hash, byte| (hash ^ u128::from(*byte)).wrapping_mul(Self::PRIME)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn piece(notes: &[(u32, u8, u32)]) -> Piece {
        let note = |&(start, number, duration): &(u32, u8, u32)| Note {
            start,
            pitch: Pitch::new(number).unwrap(),
            duration,
            velocity: 80,
            program: 0,
        };
        Piece { ticks_per_quarter: 4, notes: notes.iter().map(note).collect(), ..Piece::default() }
    }

    const THEME: [(u32, u8, u32); 4] = [(0, 60, 4), (4, 62, 2), (6, 64, 2), (6, 48, 4)];

    #[test]
    fn the_hash_is_fnv_1a() {
        assert_eq!(Hash(Hash::OFFSET).add(b"a").0, 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
        assert_eq!(Fingerprint(0xab).to_string(), "000000000000000000000000000000ab");
    }

    #[test]
    fn what_does_not_matter_does_not_change_the_fingerprint() {
        let theme = fingerprint(&piece(&THEME));
        let mut other = Piece { name: "other".into(), tempos: vec![(0, 1)], ..piece(&THEME) };
        other.notes.iter_mut().for_each(|note| (note.velocity, note.program) = (1, 40));
        other.notes.reverse();
        assert_eq!(fingerprint(&other), theme);
        let octaves = piece(&[(0, 72, 4), (4, 50, 2), (6, 64, 2), (6, 60, 4), (6, 36, 4)]);
        assert_eq!(fingerprint(&octaves), theme);
    }

    #[test]
    fn what_matters_changes_the_fingerprint() {
        let theme = fingerprint(&piece(&THEME));
        for (index, note) in [(1, (4, 63, 2)), (1, (5, 62, 2)), (1, (4, 62, 1)), (3, (6, 49, 4))] {
            let mut notes = THEME;
            notes[index] = note;
            assert_ne!(fingerprint(&piece(&notes)), theme, "{note:?}");
        }
        assert_ne!(fingerprint(&piece(&THEME[..3])), theme);
        assert_ne!(fingerprint(&piece(&[])), fingerprint_of_frames(&[]));
    }

    fn frames(numbers: &[&[u8]]) -> Vec<Vec<Pitch>> {
        numbers.iter().map(|frame| frame.iter().map(|number| Pitch::new(*number).unwrap()).collect()).collect()
    }

    #[test]
    fn frames_are_equal_up_to_scale_octaves_and_silence_around() {
        let theme = fingerprint_of_frames(&frames(&[&[60, 64], &[62], &[62]]));
        for same in [
            &[&[][..], &[60, 64], &[62], &[62], &[]][..],
            &[&[64, 60], &[64, 60], &[62], &[62], &[62], &[62]],
            &[&[65, 61, 73], &[63], &[51]],
        ] {
            assert_eq!(fingerprint_of_frames(&frames(same)), theme, "{same:?}");
        }
        for different in [&[&[60, 64][..], &[62]][..], &[&[60, 64], &[], &[62], &[62]], &[&[60, 63], &[62], &[62]]] {
            assert_ne!(fingerprint_of_frames(&frames(different)), theme, "{different:?}");
        }
    }

    proptest! {
        #[test]
        fn transposed_shifted_and_scaled_copies_have_one_fingerprint(
            notes in prop::collection::vec((0u32..50, 40u8..80, 1u32..20), 0..20),
            semitones in -12i8..=12,
            shift in 0u32..100,
            factor in 1u32..6,
        ) {
            let original = piece(&notes);
            let mut copy = original.transposed(semitones).unwrap();
            for note in &mut copy.notes {
                (note.start, note.duration) = (note.start * factor + shift, note.duration * factor);
            }
            prop_assert_eq!(fingerprint(&copy), fingerprint(&original));
            let changed = notes.iter().enumerate().map(|(i, n)| if i == 0 { (n.0, n.1, n.2 + 20) } else { *n });
            let changed = piece(&changed.collect::<Vec<_>>());
            prop_assert!(notes.len() < 2 || fingerprint(&changed) != fingerprint(&original));
        }
    }
}
