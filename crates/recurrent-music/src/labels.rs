//! What is said of a piece before its first note: key, meter and tempo.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Key, Meter, MusicError, Piece, Result};

/// The meters that have a name of their own.
const METERS: [(u8, u8); 9] = [(2, 2), (3, 2), (2, 4), (3, 4), (4, 4), (5, 4), (3, 8), (6, 8), (12, 8)];
/// The least quarter notes a minute of each class of tempo but the first.
const TEMPOS: [f64; 7] = [60.0, 76.0, 92.0, 108.0, 128.0, 152.0, 180.0];

/// A meter, if it is one of the common ones: of 2/2, 3/2, 2/4 to 5/4, 3/8, 6/8 and 12/8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct MeterClass(u8);

impl MeterClass {
    /// How many classes there are; the last one is that of all other meters.
    pub const COUNT: usize = METERS.len() + 1;

    /// The class of a meter.
    pub fn of(meter: Meter) -> Self {
        let found = METERS.iter().position(|known| *known == (meter.beats, meter.unit));
        Self(found.unwrap_or(METERS.len()) as u8)
    }

    /// The meter; `None` for the class of all others.
    pub fn meter(self) -> Option<Meter> {
        METERS.get(usize::from(self.0)).map(|(beats, unit)| Meter { beats: *beats, unit: *unit })
    }

    /// All classes.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT as u8).map(Self)
    }
}

/// A class of tempos.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct TempoClass(u8);

impl TempoClass {
    /// How many classes there are.
    pub const COUNT: usize = TEMPOS.len() + 1;

    /// The class of a tempo in quarter notes a minute.
    pub fn of(tempo: f64) -> Self {
        Self(TEMPOS.iter().filter(|least| tempo >= **least).count() as u8)
    }

    /// All classes, from the slowest.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT as u8).map(Self)
    }
}

impl fmt::Display for TempoClass {
    /// The range in quarter notes a minute: `92 to 108`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let index = usize::from(self.0);
        match (index.checked_sub(1).and_then(|before| TEMPOS.get(before)), TEMPOS.get(index)) {
            (Some(least), Some(below)) => write!(f, "{least} to {below}"),
            (None, Some(below)) => write!(f, "below {below}"),
            (Some(least), None) => write!(f, "from {least}"),
            (None, None) => Ok(()),
        }
    }
}

/// Conversions of a class from and to its number.
macro_rules! impl_number {
    ($($class:ident: $what:literal),+) => { $(
        impl From<$class> for u8 {
            fn from(class: $class) -> Self {
                class.0
            }
        }

        impl TryFrom<u8> for $class {
            type Error = MusicError;

            fn try_from(number: u8) -> Result<Self> {
                let unknown = || MusicError::unknown($what, format!("a number below {}", Self::COUNT), number.to_string());
                (usize::from(number) < Self::COUNT).then_some(Self(number)).ok_or_else(unknown)
            }
        }
    )+ };
}

impl_number!(MeterClass: "class of meter", TempoClass: "class of tempo");

/// Key, meter and tempo of a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Labels {
    /// The key, if it is known.
    pub key: Option<Key>,
    /// The meter at the beginning.
    pub meter: MeterClass,
    /// The tempo at the beginning.
    pub tempo: TempoClass,
}

impl Labels {
    /// The labels of a piece: its key as the file says.
    pub fn of(piece: &Piece) -> Self {
        Self {
            key: piece.keys.first().map(|(_, key)| *key),
            meter: MeterClass::of(piece.meter()),
            tempo: TempoClass::of(piece.tempo()),
        }
    }

    /// The labels of a piece that is so many semitones higher.
    #[must_use]
    pub fn transposed(self, semitones: i8) -> Self {
        Self { key: self.key.map(|key| key.transposed(semitones)), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_meter_has_a_class() {
        for class in MeterClass::all() {
            assert!(class.meter().is_none_or(|meter| MeterClass::of(meter) == class));
        }
        assert_eq!(MeterClass::all().filter(|class| class.meter().is_none()).count(), 1);
        assert_eq!(MeterClass::of(Meter { beats: 7, unit: 8 }).meter(), None);
    }

    #[test]
    fn numbers_of_classes_are_checked() {
        assert!(TempoClass::try_from(8).is_err() && MeterClass::try_from(10).is_err());
        assert_eq!(MeterClass::try_from(3).map(u8::from).unwrap(), 3);
    }

    #[test]
    fn classes_of_tempo_have_their_ranges() {
        let shown = [30.0, 60.0, 107.9, 108.0, 400.0].map(|tempo| TempoClass::of(tempo).to_string());
        assert_eq!(shown, ["below 60", "60 to 76", "92 to 108", "108 to 128", "from 180"]);
        assert_eq!(TempoClass::all().last(), Some(TempoClass::of(f64::INFINITY)));
    }
}
