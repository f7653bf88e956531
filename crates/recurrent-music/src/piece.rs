//! A piece of music.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::{Key, MusicError, Pitch, Result};

/// The velocity of notes from a notation that does not tell how hard they are struck.
pub(crate) const NOTATED_VELOCITY: u8 = 80;

/// A note of a piece. Times are in ticks from the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Note {
    /// When it begins.
    pub start: u32,
    /// The pitch.
    pub pitch: Pitch,
    /// How long it sounds, at least 1.
    pub duration: u32,
    /// How hard it is struck, from 1 to 127.
    pub velocity: u8,
    /// The instrument, a General MIDI program from 0 to 127; 0 is a grand piano.
    pub program: u8,
}

impl Note {
    /// When it ends.
    pub fn end(&self) -> u32 {
        self.start.saturating_add(self.duration)
    }
}

/// A time signature, such as 3/4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Meter {
    /// Beats of a bar, at least 1.
    pub beats: u8,
    /// What one of them is, a power of two: 4 for a quarter note.
    pub unit: u8,
}

impl Meter {
    /// 4/4.
    pub const COMMON: Self = Self { beats: 4, unit: 4 };

    /// The length of a bar in ticks.
    pub fn bar(self, ticks_per_quarter: u16) -> u32 {
        (u32::from(self.beats) * 4 * u32::from(ticks_per_quarter) / u32::from(self.unit.max(1))).max(1)
    }
}

impl fmt::Display for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.beats, self.unit)
    }
}

impl FromStr for Meter {
    type Err = MusicError;

    /// Reads `3/4` and the like.
    fn from_str(text: &str) -> Result<Self> {
        let unknown = || MusicError::unknown("meter", "beats and their unit, such as 3/4 or 6/8", text);
        let (beats, unit) = text.split_once('/').ok_or_else(unknown)?;
        let (beats, unit): (u8, u8) = (beats.parse().map_err(|_| unknown())?, unit.parse().map_err(|_| unknown())?);
        let is_meter = (1..=64).contains(&beats) && unit.is_power_of_two() && unit <= 64;
        is_meter.then_some(Self { beats, unit }).ok_or_else(unknown)
    }
}

/// A piece: notes of any number of parts, in time.
///
/// Changes of tempo, meter and key are pairs of a tick and what holds from there; before the first one, the defaults of
/// MIDI hold: 120 quarter notes a minute, 4/4, and no known key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Piece {
    /// The title, the name of the file, or empty.
    pub name: String,
    /// Ticks of a quarter note, at least 1.
    pub ticks_per_quarter: u16,
    /// The notes, sorted.
    pub notes: Vec<Note>,
    /// Changes of tempo, in microseconds of a quarter note.
    pub tempos: Vec<(u32, u32)>,
    /// Changes of meter.
    pub meters: Vec<(u32, Meter)>,
    /// Changes of key, as the file says.
    pub keys: Vec<(u32, Key)>,
}

impl Piece {
    /// The tempo at the beginning, in quarter notes a minute.
    pub fn tempo(&self) -> f64 {
        60e6 / f64::from(at_start(&self.tempos).unwrap_or(500_000).max(1))
    }

    /// The meter at the beginning.
    pub fn meter(&self) -> Meter {
        at_start(&self.meters).unwrap_or(Meter::COMMON)
    }

    /// When the last note ends.
    pub fn end(&self) -> u32 {
        self.notes.iter().map(Note::end).max().unwrap_or(0)
    }

    /// When a tick is, in seconds from the beginning.
    pub fn seconds(&self, tick: u32) -> f64 {
        Clock::new(self).seconds(tick)
    }

    /// The step that is nearest to a tick, where a quarter note has so many; halfway between two, the later one.
    pub(crate) fn step(&self, tick: u32, per_quarter: u16) -> u32 {
        let ticks = u64::from(self.ticks_per_quarter.max(1));
        let step = (2 * u64::from(tick) * u64::from(per_quarter) + ticks) / (2 * ticks);
        u32::try_from(step).unwrap_or(u32::MAX - 1)
    }

    /// The piece so many semitones higher; `None` if a piano does not have all of its pitches.
    pub fn transposed(&self, semitones: i8) -> Option<Self> {
        let higher = |note: &Note| note.pitch.transposed(semitones).map(|pitch| Note { pitch, ..*note });
        let mut notes = self.notes.iter().map(higher).collect::<Option<Vec<_>>>()?;
        notes.sort_unstable();
        let keys = self.keys.iter().map(|(tick, key)| (*tick, key.transposed(semitones))).collect();
        Some(Self { notes, keys, ..self.clone() })
    }
}

/// What holds at the beginning by some changes.
fn at_start<T: Copy>(changes: &[(u32, T)]) -> Option<T> {
    changes.iter().take_while(|(tick, _)| *tick == 0).last().map(|(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_follow_every_change_of_tempo() {
        let piece =
            Piece { ticks_per_quarter: 480, tempos: vec![(480, 1_000_000), (960, 250_000)], ..Piece::default() };
        let seconds = [0, 240, 480, 960, 1440].map(|tick| piece.seconds(tick));
        assert_eq!(seconds, [0.0, 0.25, 0.5, 1.5, 1.75]);
    }

    #[test]
    fn a_later_change_does_not_hold_at_the_beginning() {
        let three = Meter { beats: 3, unit: 4 };
        let piece = Piece { tempos: vec![(480, 250_000)], meters: vec![(480, three)], ..Piece::default() };
        assert_eq!((piece.tempo(), piece.meter()), (120.0, Meter::COMMON));
        let piece = Piece { tempos: vec![(0, 250_000)], meters: vec![(0, three)], ..Piece::default() };
        assert_eq!((piece.tempo(), piece.meter()), (240.0, three));
    }

    #[test]
    fn meters_are_read_as_they_are_written() {
        for text in ["4/4", "3/8", "12/8", "1/1"] {
            assert_eq!(text.parse::<Meter>().unwrap().to_string(), text);
        }
        for text in ["", "4", "0/4", "3/5", "3/128", "300/4", "-3/4", "3/4/4"] {
            let error = text.parse::<Meter>().unwrap_err().to_string();
            assert!(error.starts_with("meter: expected ") && error.contains(&format!("`{text}`")), "{error}");
        }
    }

    #[test]
    fn bars_have_their_length() {
        assert_eq!(Meter::COMMON.bar(480), 1920);
        assert_eq!(Meter { beats: 6, unit: 8 }.bar(480), 1440);
    }

    #[test]
    fn a_transposed_piece_keeps_everything_else() {
        let note = Note { start: 0, pitch: Pitch::HIGHEST, duration: 4, velocity: 64, program: 0 };
        let key = "C".parse().unwrap();
        let piece = Piece { ticks_per_quarter: 4, notes: vec![note], keys: vec![(0, key)], ..Piece::default() };
        assert_eq!(piece.transposed(1), None);
        let lower = piece.transposed(-2).unwrap();
        assert_eq!((lower.notes[0].pitch.number(), lower.notes[0].duration), (106, 4));
        assert_eq!(lower.keys[0].1.to_string(), "Bb");
        assert_eq!(lower.transposed(2).unwrap(), piece);
    }
}
