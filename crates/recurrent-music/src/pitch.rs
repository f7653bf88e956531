//! Pitches by number and by name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{MusicError, Result};

/// The names of the pitch classes, with sharps.
const NAMES: [&str; 12] = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];

/// A pitch by its MIDI number: 60 is C4, middle C.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Pitch(u8);

impl Pitch {
    /// The lowest pitch of a piano, A0.
    pub const LOWEST: Self = Self(21);
    /// The highest pitch of a piano, C8.
    pub const HIGHEST: Self = Self(108);
    /// How many pitches a piano has.
    pub const COUNT: usize = (Self::HIGHEST.0 - Self::LOWEST.0) as usize + 1;

    /// The pitch of a MIDI number; `None` if a piano does not have it.
    pub fn new(number: u8) -> Option<Self> {
        (Self::LOWEST.0..=Self::HIGHEST.0).contains(&number).then_some(Self(number))
    }

    /// The MIDI number, from 21 to 108.
    pub fn number(self) -> u8 {
        self.0
    }

    /// The pitch class: 0 for C to 11 for B.
    pub fn class(self) -> u8 {
        self.0 % 12
    }

    /// The pitch so many semitones higher; `None` if a piano does not have it.
    pub fn transposed(self, semitones: i8) -> Option<Self> {
        self.0.checked_add_signed(semitones).and_then(Self::new)
    }
}

impl From<Pitch> for u8 {
    fn from(pitch: Pitch) -> Self {
        pitch.0
    }
}

impl TryFrom<u8> for Pitch {
    type Error = MusicError;

    fn try_from(number: u8) -> Result<Self> {
        Self::new(number)
            .ok_or_else(|| MusicError::unknown("pitch", "a MIDI number from 21 to 108", number.to_string()))
    }
}

impl fmt::Display for Pitch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", NAMES[usize::from(self.class())], i16::from(self.0) / 12 - 1)
    }
}

impl FromStr for Pitch {
    type Err = MusicError;

    /// Reads names such as `C4`, `F#3`, `Bb4`, `E♭5`.
    fn from_str(text: &str) -> Result<Self> {
        let unknown = || MusicError::unknown("pitch", "a name from A0 to C8, such as C4, F#3 or Bb4", text);
        let (class, rest) = letter_and_accidentals(text).ok_or_else(unknown)?;
        let octave: i16 = rest.parse().map_err(|_| unknown())?;
        let number =
            octave.checked_add(1).and_then(|octave| octave.checked_mul(12)?.checked_add(class)).ok_or_else(unknown)?;
        u8::try_from(number).ok().and_then(Self::new).ok_or_else(unknown)
    }
}

/// Semitones above C of the letter and the accidentals that a text begins with (-1 for `Cb`), and the rest.
pub(crate) fn letter_and_accidentals(text: &str) -> Option<(i16, &str)> {
    let letter = text.chars().next()?;
    let mut semitones = match letter.to_ascii_uppercase() {
        'C' => 0,
        'D' => 2,
        'E' => 4,
        'F' => 5,
        'G' => 7,
        'A' => 9,
        'B' => 11,
        _ => return None,
    };
    let mut rest = &text[letter.len_utf8()..];
    // Two accidentals at most.
    for _ in 0..2 {
        let Some(sign) = rest.chars().next() else { break };
        semitones += match sign {
            '#' | '♯' => 1,
            'b' | '♭' => -1,
            _ => break,
        };
        rest = &rest[sign.len_utf8()..];
    }
    Some((semitones, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pitch_is_read_from_its_name() {
        for number in Pitch::LOWEST.number()..=Pitch::HIGHEST.number() {
            let pitch = Pitch::new(number).unwrap();
            assert_eq!(pitch.to_string().parse::<Pitch>().unwrap(), pitch);
        }
        assert_eq!(Pitch::new(60).unwrap().to_string(), "C4");
        assert_eq!(serde_json::from_str::<Pitch>("60").unwrap(), Pitch::new(60).unwrap());
        assert!(serde_json::from_str::<Pitch>("109").is_err());
    }

    #[test]
    fn accidentals_cross_octaves() {
        let number = |text: &str| text.parse::<Pitch>().unwrap().number();
        assert_eq!([number("Cb4"), number("B#3"), number("bb3"), number("F##4"), number("E♭5")], [59, 60, 58, 67, 75]);
    }

    #[test]
    fn what_is_no_pitch_is_refused() {
        for text in ["", "H4", "C", "C9", "A-1", "C4 ", "c#x", "é4", "C99999", "B##2729"] {
            let error = text.parse::<Pitch>().unwrap_err().to_string();
            assert!(error.starts_with("pitch: expected ") && error.contains(&format!("`{text}`")), "{error}");
        }
        assert_eq!(Pitch::HIGHEST.transposed(1), None);
        assert_eq!(Pitch::LOWEST.transposed(-1), None);
    }
}
