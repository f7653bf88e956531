//! Repeated bars.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Meter, Piece, Pitch};

/// What begins in a bar: the onset within the bar, the pitch and the duration of each note.
type Bar = BTreeSet<(u32, Pitch, u32)>;

/// The share of the bars that equal an earlier bar of the piece, from 0 to 1; `None` if there are no notes.
///
/// Two bars are equal if notes of the same pitches and durations begin at the same places in them. Velocities and
/// instruments do not matter. The meter holds from tick 0 to the end, whatever changes the file names. Bars in which no
/// note begins do not count.
pub fn repeated_bars(piece: &Piece, meter: Meter) -> Option<f64> {
    let length = meter.bar(piece.ticks_per_quarter);
    let mut bars: BTreeMap<u32, Bar> = BTreeMap::new();
    for note in &piece.notes {
        let bar = bars.entry(note.start / length).or_default();
        bar.insert((note.start % length, note.pitch, note.duration));
    }
    let count = bars.len();
    let different: BTreeSet<Bar> = bars.into_values().collect();
    (count > 0).then(|| (count - different.len()) as f64 / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Note;

    /// Notes of start, number and duration; a quarter note has 4 ticks.
    fn piece(notes: &[(u32, u8, u32)]) -> Piece {
        let note = |&(start, number, duration): &(u32, u8, u32)| Note {
            start,
            pitch: Pitch::new(number).unwrap(),
            duration,
            velocity: start as u8 + 1,
            program: 0,
        };
        Piece { ticks_per_quarter: 4, notes: notes.iter().map(note).collect(), ..Piece::default() }
    }

    #[test]
    fn bars_repeat_if_onsets_pitches_and_durations_do() {
        let first = [(0, 60, 4), (4, 64, 8)];
        for (second, share) in [
            ([(16, 60, 4), (20, 64, 8)], 0.5),
            ([(16, 60, 4), (20, 65, 8)], 0.0),
            ([(16, 60, 4), (21, 64, 8)], 0.0),
            ([(16, 60, 4), (20, 64, 7)], 0.0),
            ([(32, 60, 4), (36, 64, 8)], 0.5),
        ] {
            let notes: Vec<_> = first.into_iter().chain(second).collect();
            assert_eq!(repeated_bars(&piece(&notes), Meter::COMMON), Some(share), "{second:?}");
        }
    }

    #[test]
    fn the_meter_decides_what_repeats() {
        let waltz: Vec<_> = (0..4).flat_map(|bar| [(bar * 12, 48, 4), (bar * 12 + 4, 64, 8)]).collect();
        assert_eq!(repeated_bars(&piece(&waltz), Meter { beats: 3, unit: 4 }), Some(0.75));
        assert_eq!(repeated_bars(&piece(&waltz), Meter::COMMON), Some(0.0));
    }

    #[test]
    fn no_notes_have_no_bars() {
        assert_eq!(repeated_bars(&piece(&[]), Meter::COMMON), None);
    }
}
