//! The key of a piece.

use crate::{Key, Mode, Note, Piece};

/// How well each degree of the chromatic scale from the tonic fits a key, times 2.
///
/// The profiles of Temperley (1999), "What's key for key? The Krumhansl-Schmuckler key-finding algorithm reconsidered",
/// Music Perception 17(1).
const MAJOR: [u128; 12] = [10, 4, 7, 4, 9, 8, 4, 9, 4, 7, 3, 8];
const MINOR: [u128; 12] = [10, 4, 7, 9, 4, 8, 4, 9, 7, 4, 3, 8];

/// The key that the pitches of a piece suggest, whatever keys its file names.
///
/// It is the key whose profile has the largest correlation with the durations of the twelve pitch classes, which is the
/// method of Krumhansl and Schmuckler with the profiles of Temperley (1999). A transposed piece gives the transposed
/// key. `None` if several keys fit equally well, such as for no notes, for a single pitch class, or for the whole-tone
/// scale.
pub fn recognize_key(piece: &Piece) -> Option<Key> {
    let durations = class_durations(&piece.notes);
    let best = Key::all().map(|key| fit(&durations, key)).max()?;
    let mut fitting = Key::all().filter(|key| fit(&durations, *key) == best);
    fitting.next().filter(|_| fitting.next().is_none())
}

/// The key at the beginning: as the file says, or else as it is [recognized](recognize_key).
pub fn key_of(piece: &Piece) -> Option<Key> {
    piece.keys.first().map(|(_, key)| *key).or_else(|| recognize_key(piece))
}

/// The share of the notes, by duration, whose pitches belong to a key; `None` if there are no notes.
///
/// In minor, both forms of the sixth and the seventh degree belong to the key, as [`Key::contains`] says.
pub fn in_key_share(notes: &[Note], key: Key) -> Option<f64> {
    let duration = |notes: &mut dyn Iterator<Item = &Note>| notes.map(|note| u64::from(note.duration)).sum::<u64>();
    let all = duration(&mut notes.iter());
    let within = duration(&mut notes.iter().filter(|note| key.contains(note.pitch)));
    (all > 0).then(|| within as f64 / all as f64)
}

/// For how many ticks each pitch class sounds.
fn class_durations(notes: &[Note]) -> [u64; 12] {
    let mut durations = [0; 12];
    for note in notes {
        durations[usize::from(note.pitch.class())] += u64::from(note.duration);
    }
    durations
}

/// The sum of durations times profile.
///
/// Both profiles hold the same values in another order. So they have the same mean and variance, and of all keys the one
/// with the largest sum also has the largest correlation. The sum is of integers, so that ties are exact.
fn fit(durations: &[u64; 12], key: Key) -> u128 {
    let profile = if key.mode() == Mode::Major { MAJOR } else { MINOR };
    let degrees = durations.iter().cycle().skip(usize::from(key.tonic()));
    profile.iter().zip(degrees).map(|(weight, duration)| weight * u128::from(*duration)).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Pitch;

    fn notes(numbers: &[u8]) -> Vec<Note> {
        let note = |(index, number): (usize, &u8)| Note {
            start: index as u32 * 4,
            pitch: Pitch::new(*number).unwrap(),
            duration: 4,
            velocity: 80,
            program: 0,
        };
        numbers.iter().enumerate().map(note).collect()
    }

    fn piece(numbers: &[u8]) -> Piece {
        Piece { ticks_per_quarter: 4, notes: notes(numbers), ..Piece::default() }
    }

    const MAJOR_SCALE: [u8; 8] = [60, 62, 64, 65, 67, 69, 71, 72];
    const HARMONIC_MINOR_SCALE: [u8; 8] = [60, 62, 63, 65, 67, 68, 71, 72];
    /// I IV V I and i iv V i.
    const MAJOR_CADENCE: [u8; 12] = [60, 64, 67, 60, 65, 69, 59, 62, 67, 60, 64, 67];
    const MINOR_CADENCE: [u8; 12] = [60, 63, 67, 60, 65, 68, 59, 62, 67, 60, 63, 67];

    #[test]
    fn scales_and_cadences_have_their_key_in_all_24_keys() {
        let cases = [
            (Mode::Major, &MAJOR_SCALE[..]),
            (Mode::Minor, &HARMONIC_MINOR_SCALE),
            (Mode::Major, &MAJOR_CADENCE),
            (Mode::Minor, &MINOR_CADENCE),
        ];
        for (mode, numbers) in cases {
            for semitones in 0..12 {
                let piece = piece(numbers).transposed(semitones).unwrap();
                assert_eq!(recognize_key(&piece), Some(Key::new(semitones as u8, mode)));
            }
        }
    }

    #[test]
    fn long_notes_count_more_than_short_ones() {
        let mut piece = piece(&[60, 62, 64, 65, 67, 69, 71]);
        assert_eq!(recognize_key(&piece).unwrap().to_string(), "C");
        for note in &mut piece.notes {
            note.duration *= if matches!(note.pitch.class(), 9 | 4) { 8 } else { 1 };
        }
        assert_eq!(recognize_key(&piece).unwrap().to_string(), "Am");
    }

    #[test]
    fn what_has_no_single_key_gives_none() {
        for numbers in [&[][..], &[60], &[60, 62, 64, 66, 68, 70], &[60, 63, 66, 69], &[60, 67]] {
            assert_eq!(recognize_key(&piece(numbers)), None, "{numbers:?}");
        }
    }

    #[test]
    fn the_profiles_hold_the_same_values() {
        let [mut major, mut minor] = [MAJOR, MINOR];
        major.sort_unstable();
        minor.sort_unstable();
        assert_eq!(major, minor);
    }

    #[test]
    fn the_share_in_key_is_by_duration() {
        let key: Key = "C".parse().unwrap();
        assert_eq!(in_key_share(&[], key), None);
        assert_eq!(in_key_share(&notes(&MAJOR_SCALE), key), Some(1.0));
        let mut notes = notes(&[60, 61]);
        notes[1].duration = 12;
        assert_eq!(in_key_share(&notes, key), Some(0.25));
    }

    proptest! {
        #[test]
        fn a_transposed_piece_has_the_transposed_key(
            numbers in prop::collection::vec(48u8..72, 0..20),
            semitones in -12i8..=12,
        ) {
            let original = piece(&numbers);
            let transposed = original.transposed(semitones).unwrap();
            let key = recognize_key(&original);
            prop_assert_eq!(recognize_key(&transposed), key.map(|key| key.transposed(semitones)));
        }
    }
}
