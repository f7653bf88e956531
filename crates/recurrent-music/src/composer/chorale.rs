//! A chorale in frames.

use super::{ChoralesByRule, FRAMES_PER_BEAT, VOICES};
use crate::{FrameNote, FramePiece, Frames, Key, Labels, Meter, MeterClass, Note, Piece, Pitch, TempoClass};

/// What the four voices do in an eighth note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChoraleFrame {
    /// The pitches of the soprano, alto, tenor and bass.
    pub pitches: [Pitch; VOICES],
    /// Whether each voice begins its note here; otherwise it holds the note of the frame before.
    pub attacks: [bool; VOICES],
}

impl ChoraleFrame {
    /// A frame of MIDI numbers and attacks.
    ///
    /// # Panics
    /// If a piano does not have a pitch.
    pub(super) fn from_numbers(sounds: [(u8, bool); VOICES]) -> Self {
        let pitches =
            sounds.map(|(number, _)| Pitch::new(number).expect("the ranges of the voices lie within a piano"));
        Self { pitches, attacks: sounds.map(|(_, attack)| attack) }
    }

    /// The frame so many semitones higher; `None` if a piano does not have all of its pitches.
    pub(super) fn transposed(&self, semitones: i8) -> Option<Self> {
        let [soprano, alto, tenor, bass] = self.pitches.map(|pitch| pitch.transposed(semitones));
        Some(Self { pitches: [soprano?, alto?, tenor?, bass?], attacks: self.attacks })
    }
}

/// A piece for soprano, alto, tenor and bass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chorale {
    /// The key.
    pub key: Key,
    /// 4/4 or 3/4.
    pub meter: Meter,
    /// How many bars it has.
    pub bars: usize,
    /// The frames, two to a quarter note.
    pub frames: Vec<ChoraleFrame>,
}

impl Chorale {
    /// Ticks of a quarter note in a [`piece`](Self::piece).
    pub const TICKS_PER_QUARTER: u16 = 480;
    /// Quarter notes a minute in a [`piece`](Self::piece).
    pub const TEMPO: u32 = 84;
    /// The General MIDI program in a [`piece`](Self::piece): a church organ.
    pub const PROGRAM: u8 = 19;
    /// The velocity in a [`piece`](Self::piece).
    pub const VELOCITY: u8 = 80;

    /// The natural logarithm of the probability of the frames given the key, the meter and the number of bars; negative
    /// infinity if the composer never writes them.
    pub fn log_probability(&self) -> f64 {
        ChoralesByRule::log_probability(self.key, self.meter, self.bars, &self.frames).unwrap_or(f64::NEG_INFINITY)
    }

    /// [`log_probability`](Self::log_probability), and that of the key, the meter and the number of bars; `None` if there
    /// are no such chorales.
    pub fn log_probability_with_labels(&self) -> Option<f64> {
        let labels = ChoralesByRule::log_probability_of_labels(self.key, self.meter, self.bars)?;
        Some(labels + self.log_probability())
    }

    /// The piece in notes. A voice that holds from the beginning is taken to begin there.
    pub fn piece(&self) -> Piece {
        let mut notes: Vec<_> = (0..VOICES).flat_map(|voice| self.notes(voice)).collect();
        notes.sort_unstable();
        Piece {
            name: format!("Chorale in {}", self.key),
            ticks_per_quarter: Self::TICKS_PER_QUARTER,
            notes,
            tempos: vec![(0, 60_000_000 / Self::TEMPO)],
            meters: vec![(0, self.meter)],
            keys: vec![(0, self.key)],
        }
    }

    /// The piece in frames, voice by voice.
    pub fn frame_piece(&self) -> FramePiece {
        let note = |(pitch, attack): (&Pitch, &bool)| FrameNote { pitch: *pitch, attack: *attack };
        let frame = |frame: &ChoraleFrame| frame.pitches.iter().zip(&frame.attacks).map(note).collect();
        let frames = self.frames.iter().map(frame).collect();
        let per_bar = self.frames.len() / self.bars.max(1);
        FramePiece {
            labels: Labels {
                key: Some(self.key),
                meter: MeterClass::of(self.meter),
                tempo: TempoClass::of(f64::from(Self::TEMPO)),
            },
            frames: Frames { per_quarter: FRAMES_PER_BEAT as u16, frames },
            bars: (0..self.frames.len() as u32).step_by(per_bar.max(1)).collect(),
        }
    }

    /// The notes of a voice, in time.
    fn notes(&self, voice: usize) -> Vec<Note> {
        let ticks = u32::from(Self::TICKS_PER_QUARTER) / FRAMES_PER_BEAT as u32;
        let mut notes: Vec<Note> = Vec::new();
        for (start, frame) in (0..).step_by(ticks as usize).zip(&self.frames) {
            let pitch = frame.pitches[voice];
            match notes.last_mut().filter(|note| note.pitch == pitch && !frame.attacks[voice]) {
                Some(held) => held.duration += ticks,
                None => {
                    notes.push(Note { start, pitch, duration: ticks, velocity: Self::VELOCITY, program: Self::PROGRAM })
                }
            }
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_has_the_notes_of_the_frames() {
        let chorale = ChoralesByRule::new(3).chorale(4);
        let piece = chorale.piece();
        assert!(piece.notes.is_sorted());
        let attacks = chorale.frames.iter().flat_map(|frame| frame.attacks).filter(|attack| *attack).count();
        assert_eq!(piece.notes.len(), attacks);
        for (frame, tick) in chorale.frames.iter().zip((0..).step_by(240)) {
            let sounding = piece.notes.iter().filter(|note| note.start <= tick && tick < note.end());
            let mut sounding: Vec<_> = sounding.map(|note| note.pitch).collect();
            sounding.sort_by(|one, other| other.cmp(one));
            assert_eq!(sounding, frame.pitches);
        }
        assert_eq!(piece.end(), chorale.bars as u32 * chorale.meter.bar(piece.ticks_per_quarter));
        assert_eq!((piece.meter(), piece.keys[0].1), (chorale.meter, chorale.key));
        assert!((piece.tempo() - 84.0).abs() < 0.01);
    }

    #[test]
    fn frames_are_those_of_the_piece() {
        let chorale = ChoralesByRule::new(3).chorale(4);
        let (voices, notes) = (chorale.frame_piece(), FramePiece::of(&chorale.piece(), 2).unwrap());
        assert_eq!((voices.labels, &voices.bars), (notes.labels, &notes.bars));
        let pitches = |piece: &FramePiece| -> Vec<Vec<Pitch>> {
            piece.frames.frames.iter().map(|frame| frame.iter().map(|note| note.pitch).collect()).collect()
        };
        assert_eq!(pitches(&voices), pitches(&notes));
    }

    #[test]
    fn a_held_pitch_is_one_note() {
        let frame = |attack| ChoraleFrame::from_numbers([72, 64, 60, 48].map(|number| (number, attack)));
        let frames = vec![frame(true), frame(false), frame(true)];
        let chorale = Chorale { key: Key::new(0, crate::Mode::Major), meter: Meter::COMMON, bars: 1, frames };
        let lengths: Vec<_> = chorale.notes(0).iter().map(|note| (note.start, note.duration)).collect();
        assert_eq!(lengths, [(0, 480), (480, 240)]);
        assert_eq!(chorale.log_probability(), f64::NEG_INFINITY);
    }
}
