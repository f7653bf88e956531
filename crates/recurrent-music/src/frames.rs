//! A piece on a grid of time.

use crate::piece::NOTATED_VELOCITY;
use crate::{Meter, MusicError, Note, Piece, Pitch, Result};

/// The most frames of a piece.
const MAX_FRAMES: u32 = 1 << 20;

/// A note that sounds in a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FrameNote {
    /// The pitch.
    pub pitch: Pitch,
    /// Whether the note begins here; else it is held from the frame before.
    pub attack: bool,
}

/// The notes that sound in a frame, from the top.
pub type Frame = Vec<FrameNote>;

/// A piece as frames of equal length.
///
/// Notes begin and end at the nearest frame, and last one frame at least. Voices in unison are two notes of one pitch.
/// Velocities and programs are not kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frames {
    /// Frames of a quarter note, at least 1.
    pub per_quarter: u16,
    /// The frames.
    pub frames: Vec<Frame>,
}

impl Frames {
    /// The frames of a piece, up to the end of its last note.
    ///
    /// # Errors
    /// If there are more than a million.
    pub fn of(piece: &Piece, per_quarter: u16) -> Result<Self> {
        let frame = |tick: u32| piece.step(tick, per_quarter);
        let spans = piece.notes.iter().map(|note| {
            let start = frame(note.start);
            (note.pitch, start, frame(note.end()).max(start + 1))
        });
        let spans: Vec<_> = spans.collect();
        let end = spans.iter().map(|(_, _, end)| *end).max().unwrap_or(0);
        if end > MAX_FRAMES {
            let expected = format!("a piece of at most {MAX_FRAMES} frames of 1/{per_quarter} quarter note");
            return Err(MusicError::invalid(&piece.name, "", expected, format!("{end} frames")));
        }
        let mut frames = vec![Frame::new(); end as usize];
        for (pitch, start, end) in spans {
            for (at, frame) in (start..end).zip(&mut frames[start as usize..]) {
                frame.push(FrameNote { pitch, attack: at == start });
            }
        }
        frames.iter_mut().for_each(|frame| frame.sort_by_key(|note| (std::cmp::Reverse(note.pitch), !note.attack)));
        Ok(Self { per_quarter, frames })
    }

    /// The frames of pitches whose beginnings are not known: what sounds on is held.
    pub fn of_pitches(per_quarter: u16, pitches: Vec<Vec<Pitch>>) -> Self {
        let frame = |pitches: Vec<Pitch>| pitches.into_iter().map(|pitch| FrameNote { pitch, attack: true }).collect();
        Self { per_quarter, frames: pitches.into_iter().map(frame).collect() }.tied()
    }

    /// The notes, with a tick for each frame. A note that is held where none sounds begins there.
    pub fn notes(&self) -> Vec<Note> {
        let mut notes: Vec<Note> = Vec::new();
        // The notes of the frame before, by their place among all.
        let mut sounding: Vec<usize> = Vec::new();
        for (start, frame) in (0..).zip(&self.frames) {
            let mut next = Vec::with_capacity(frame.len());
            for FrameNote { pitch, attack } in frame {
                let held = sounding.iter().position(|index| !attack && notes[*index].pitch == *pitch);
                match held {
                    Some(position) => {
                        let index = sounding.remove(position);
                        notes[index].duration += 1;
                        next.push(index);
                    }
                    None => {
                        next.push(notes.len());
                        notes.push(Note { start, pitch: *pitch, duration: 1, velocity: NOTATED_VELOCITY, program: 0 });
                    }
                }
            }
            sounding = next;
        }
        notes.sort_unstable();
        notes
    }

    /// The piece, with so many ticks for each frame.
    pub fn piece(&self, ticks: u32) -> Piece {
        let ticks = ticks.max(1);
        let stretched = |note: Note| Note { start: note.start * ticks, duration: note.duration * ticks, ..note };
        let ticks_per_quarter = u16::try_from(ticks * u32::from(self.per_quarter.max(1))).unwrap_or(u16::MAX);
        Piece { ticks_per_quarter, notes: self.notes().into_iter().map(stretched).collect(), ..Piece::default() }
    }

    /// The frames with every note that sounds on held, so that only those notes begin anew that did not sound before.
    #[must_use]
    pub fn tied(&self) -> Self {
        let before = |index: usize| index.checked_sub(1).map_or(&[][..], |before| &self.frames[before]);
        let tie = |(index, frame): (usize, &Frame)| {
            let sounds = |pitch: Pitch| before(index).iter().any(|note| note.pitch == pitch);
            frame.iter().map(|note| FrameNote { pitch: note.pitch, attack: !sounds(note.pitch) }).collect()
        };
        Self { per_quarter: self.per_quarter, frames: self.frames.iter().enumerate().map(tie).collect() }
    }
}

/// Where the bars of a piece begin, as frames, up to its end.
pub fn bars(piece: &Piece, per_quarter: u16) -> Vec<u32> {
    let end = piece.end();
    let mut meters = piece.meters.iter().peekable();
    let mut meter = Meter::COMMON;
    let (mut tick, mut bars) = (0, Vec::new());
    while tick < end.max(1) && bars.len() <= MAX_FRAMES as usize {
        while let Some((_, next)) = meters.next_if(|(start, _)| *start <= tick) {
            meter = *next;
        }
        bars.push(piece.step(tick, per_quarter));
        // A change of meter begins a bar.
        let bar = tick.saturating_add(meter.bar(piece.ticks_per_quarter));
        tick = meters.peek().map_or(bar, |(start, _)| bar.min(*start));
    }
    bars.dedup();
    bars
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn note(start: u32, pitch: u8, duration: u32) -> Note {
        Note { start, pitch: Pitch::new(pitch).unwrap(), duration, velocity: NOTATED_VELOCITY, program: 0 }
    }

    fn piece(ticks_per_quarter: u16, mut notes: Vec<Note>) -> Piece {
        notes.sort_unstable();
        Piece { ticks_per_quarter, notes, ..Piece::default() }
    }

    #[test]
    fn notes_begin_and_end_at_the_nearest_frame() {
        // Four frames of a quarter note are 120 ticks each; the short note is 1 frame long.
        let frames = Frames::of(&piece(480, vec![note(130, 60, 230), note(470, 64, 3)]), 4).unwrap();
        let shown: Vec<Vec<(u8, bool)>> =
            frames.frames.iter().map(|f| f.iter().map(|n| (n.pitch.number(), n.attack)).collect()).collect();
        assert_eq!(shown, [vec![], vec![(60, true)], vec![(60, false)], vec![], vec![(64, true)]]);
    }

    #[test]
    fn repeated_notes_are_told_from_held_ones_until_they_are_tied() {
        let repeated = Frames::of(&piece(1, vec![note(0, 60, 1), note(1, 60, 1), note(0, 48, 2)]), 1).unwrap();
        assert_eq!(repeated.notes().len(), 3);
        assert_eq!(repeated.tied().notes(), [note(0, 48, 2), note(0, 60, 2)]);
    }

    #[test]
    fn voices_in_unison_are_two_notes() {
        let unison = piece(1, vec![note(0, 60, 4), note(2, 60, 2)]);
        let frames = Frames::of(&unison, 1).unwrap();
        assert_eq!(frames.frames.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 2, 2]);
        assert_eq!(frames.notes(), unison.notes);
    }

    #[test]
    fn a_piece_of_too_many_frames_is_refused() {
        let error = Frames::of(&piece(1, vec![note(u32::MAX - 9, 60, 8)]), 24).unwrap_err().to_string();
        assert!(error.contains("expected a piece of at most 1048576 frames"), "{error}");
    }

    #[test]
    fn bars_follow_the_changes_of_meter() {
        let mut piece = piece(2, vec![note(0, 60, 30)]);
        assert_eq!(bars(&piece, 1), [0, 4, 8, 12]);
        let three = Meter { beats: 3, unit: 4 };
        piece.meters = vec![(0, three), (12, Meter { beats: 6, unit: 8 }), (24, Meter::COMMON)];
        assert_eq!(bars(&piece, 2), [0, 6, 12, 18, 24]);
        // A bar that is cut short by a change.
        piece.meters = vec![(0, Meter::COMMON), (10, three)];
        assert_eq!(bars(&piece, 2), [0, 8, 10, 16, 22, 28]);
    }

    proptest! {
        #[test]
        fn notes_on_the_grid_are_kept(
            notes in prop::collection::btree_map((0_u32..40, 40_u8..44), 1_u32..5, 1..20)
        ) {
            let notes: Vec<Note> = notes.into_iter().map(|((start, pitch), length)| note(start * 5, pitch, length)).collect();
            let piece = piece(1, notes);
            prop_assert_eq!(Frames::of(&piece, 1).unwrap().notes(), piece.notes);
        }
    }
}
