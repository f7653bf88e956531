//! Keys.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::pitch::letter_and_accidentals;
use crate::{MusicError, Pitch, Result};

/// Major or minor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Major.
    Major,
    /// Minor, with both the natural and the raised sixth and seventh degrees.
    Minor,
}

/// A tonic and a mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Key {
    tonic: u8,
    mode: Mode,
}

impl Key {
    /// How many keys there are.
    pub const COUNT: usize = 24;

    /// The key of a pitch class, 0 for C to 11 for B; a larger number is read modulo 12.
    pub fn new(tonic: u8, mode: Mode) -> Self {
        Self { tonic: tonic % 12, mode }
    }

    /// The key that has so many sharps, or flats if negative, in its signature.
    pub(crate) fn of_signature(sharps: i8, mode: Mode) -> Self {
        // Each sharp moves the tonic up by a fifth.
        let in_major = 7 * i16::from(sharps);
        let tonic = if mode == Mode::Major { in_major } else { in_major + 9 };
        Self { tonic: tonic.rem_euclid(12) as u8, mode }
    }

    /// All keys, in the order of [`index`](Self::index).
    pub fn all() -> impl Iterator<Item = Self> {
        [Mode::Major, Mode::Minor].into_iter().flat_map(|mode| (0..12).map(move |tonic| Self { tonic, mode }))
    }

    /// The number of the key, from 0: the major ones from C up, then the minor ones.
    pub fn index(self) -> usize {
        usize::from(self.tonic) + if self.mode == Mode::Minor { 12 } else { 0 }
    }

    /// The pitch class of the tonic, 0 for C to 11 for B.
    pub fn tonic(self) -> u8 {
        self.tonic
    }

    /// Major or minor.
    pub fn mode(self) -> Mode {
        self.mode
    }

    /// Whether a pitch belongs to the scale; in minor, both forms of the sixth and the seventh degree do.
    pub fn contains(self, pitch: Pitch) -> bool {
        let degree = (pitch.class() + 12 - self.tonic) % 12;
        match self.mode {
            Mode::Major => matches!(degree, 0 | 2 | 4 | 5 | 7 | 9 | 11),
            Mode::Minor => matches!(degree, 0 | 2 | 3 | 5 | 7 | 8 | 9 | 10 | 11),
        }
    }

    /// The key so many semitones higher.
    #[must_use]
    pub fn transposed(self, semitones: i8) -> Self {
        let tonic = (i16::from(self.tonic) + i16::from(semitones)).rem_euclid(12);
        Self { tonic: tonic as u8, ..self }
    }
}

/// The changes of key of a piece, or none of them if a major or minor key changes to one that is neither: a piece cannot
/// say that.
pub(crate) fn known_keys(changes: Vec<(u32, Option<Key>)>) -> Vec<(u32, Key)> {
    let is_lost = changes.windows(2).any(|pair| pair[1].1.is_none());
    let known = |(tick, key): (u32, Option<Key>)| Some((tick, key?));
    if is_lost { Vec::new() } else { changes.into_iter().filter_map(known).collect() }
}

impl fmt::Display for Key {
    /// `C`, `F#m`, `Bb`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The spelling with fewer signs.
        const MAJOR: [&str; 12] = ["C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];
        const MINOR: [&str; 12] = ["Cm", "C#m", "Dm", "Ebm", "Em", "Fm", "F#m", "Gm", "G#m", "Am", "Bbm", "Bm"];
        let names = if self.mode == Mode::Major { MAJOR } else { MINOR };
        f.write_str(names[usize::from(self.tonic)])
    }
}

impl From<Key> for String {
    fn from(key: Key) -> Self {
        key.to_string()
    }
}

impl TryFrom<String> for Key {
    type Error = MusicError;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl FromStr for Key {
    type Err = MusicError;

    /// Reads names such as `C`, `Am`, `F# minor`, `Bb major`.
    fn from_str(text: &str) -> Result<Self> {
        let unknown = || MusicError::unknown("key", "a name such as C, Am, `F# minor` or `Bb major`", text);
        let (class, rest) = letter_and_accidentals(text).ok_or_else(unknown)?;
        let mode = match rest.trim() {
            "" | "M" | "maj" | "major" => Mode::Major,
            "m" | "min" | "minor" => Mode::Minor,
            _ => return Err(unknown()),
        };
        Ok(Self { tonic: class.rem_euclid(12) as u8, mode })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_read_from_its_name() {
        for (index, key) in Key::all().enumerate() {
            assert_eq!(key.to_string().parse::<Key>().unwrap(), key);
            assert_eq!(key.index(), index);
            let json = serde_json::to_string(&key).unwrap();
            assert_eq!(serde_json::from_str::<Key>(&json).unwrap(), key);
        }
        assert_eq!(Key::all().count(), Key::COUNT);
        let same = ["Bb", "A#", "Bb major", "B♭ maj"].map(|text| text.parse::<Key>().unwrap());
        assert!(same.iter().all(|key| *key == same[0]));
        assert_eq!("Cb minor".parse::<Key>().unwrap(), Key::new(11, Mode::Minor));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in ["", "H", "Amm", "X minor", "C dorian"] {
            let error = text.parse::<Key>().unwrap_err().to_string();
            assert!(error.starts_with("key: expected ") && error.contains(&format!("`{text}`")), "{error}");
        }
    }

    #[test]
    fn scales_have_their_pitches() {
        let in_key = |key: &str| {
            let key: Key = key.parse().unwrap();
            (60..72).filter(|number| key.contains(Pitch::new(*number).unwrap())).collect::<Vec<_>>()
        };
        assert_eq!(in_key("G"), [60, 62, 64, 66, 67, 69, 71]);
        assert_eq!(in_key("Am"), [60, 62, 64, 65, 66, 67, 68, 69, 71]);
        assert_eq!("Am".parse::<Key>().unwrap().transposed(-10).to_string(), "Bm");
    }
}
