//! Fields: a letter, a colon and a value.

use super::cursor::Cursor;
use super::fraction::Fraction;
use super::place::Place;
use crate::{Meter, Result};

/// A field, such as `M:6/8`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field<'a> {
    pub(super) letter: char,
    /// What is after the colon, without spaces around it.
    pub(super) value: &'a str,
    pub(super) place: Place<'a>,
}

impl<'a> Field<'a> {
    /// The field that a line is; `None` if the line is music. In `c:|` the colon belongs to a bar line.
    pub(super) fn of_line(path: &'a str, line: usize, text: &'a str) -> Option<Self> {
        let letter = text.chars().next().filter(|letter| letter.is_ascii_alphabetic() || *letter == '+')?;
        let value = text[1..].strip_prefix(':')?;
        let is_bar_line = value.starts_with(['|', ':']);
        (!is_bar_line).then(|| Self { letter, value: value.trim(), place: Place { path, line, column: 1 } })
    }

    /// Whether a field between brackets is next, such as `[M:3/4]`.
    pub(super) fn is_inline(cursor: &Cursor<'_>) -> bool {
        let mut characters = cursor.rest().chars().skip(1);
        characters.next().is_some_and(|letter| letter.is_ascii_alphabetic()) && characters.next() == Some(':')
    }

    /// Reads a field between brackets; only after [`is_inline`](Self::is_inline).
    pub(super) fn inline(cursor: &mut Cursor<'a>) -> Result<Self> {
        let place = cursor.place();
        let inside = cursor.enclosed(']')?;
        let (letter, value) = inside.split_once(':').unwrap_or((inside, ""));
        Ok(Self { letter: letter.chars().next().unwrap_or(' '), value: value.trim(), place })
    }

    /// The meter of a field M; `None` if the meter is free.
    pub(super) fn meter(&self) -> Result<Option<Meter>> {
        match self.value {
            "C" => Ok(Some(Meter::COMMON)),
            "C|" => Ok(Some(Meter { beats: 2, unit: 2 })),
            "none" | "" => Ok(None),
            value => match meter(value) {
                Some(meter) => Ok(Some(meter)),
                None => Err(self.place.error_at_text("a meter such as 6/8, C, C| or none", value)),
            },
        }
    }

    /// The length of a field L, in whole notes.
    pub(super) fn unit(&self) -> Result<Fraction> {
        let expected = "a unit note length such as 1/8";
        Fraction::parse(self.value).ok_or_else(|| self.place.error_at_text(expected, self.value))
    }

    /// The tempo of a field Q, in microseconds of a quarter note; `None` if it is only a word.
    ///
    /// A number alone counts unit note lengths, as in ABC 1.
    pub(super) fn tempo(&self, unit: Fraction) -> Result<Option<u32>> {
        let value: String = self.value.split('"').step_by(2).collect();
        let value = value.trim();
        if value.is_empty() {
            return Ok(None);
        }
        let expected = "a tempo such as 1/4=120, from 4 quarter notes a minute";
        let tempo = tempo(value, unit).ok_or_else(|| self.place.error_at_text(expected, self.value))?;
        Ok(Some(tempo))
    }
}

/// The unit note length where no field L gives it: a sixteenth if the meter is below 3/4, else an eighth.
pub(super) fn default_unit(meter: Option<Meter>) -> Fraction {
    let is_short = meter.is_some_and(|meter| u32::from(meter.beats) * 4 < u32::from(meter.unit) * 3);
    if is_short { Fraction::SIXTEENTH } else { Fraction::EIGHTH }
}

/// A meter such as `6/8` or `(2+3)/8`.
fn meter(value: &str) -> Option<Meter> {
    let (beats, unit) = value.split_once('/')?;
    let beats = beats.trim().trim_start_matches('(').trim_end_matches(')');
    let add = |sum: u8, term: &str| sum.checked_add(term.trim().parse::<u8>().ok()?);
    let beats = beats.split('+').try_fold(0, add)?;
    let unit = unit.trim().parse::<u8>().ok()?;
    (beats > 0 && unit.is_power_of_two()).then_some(Meter { beats, unit })
}

fn tempo(value: &str, unit: Fraction) -> Option<u32> {
    let Some((lengths, count)) = value.split_once('=') else {
        return unit.microseconds_per_quarter(value.parse::<u16>().ok()?.into());
    };
    let mut lengths = lengths.split_whitespace().map(|length| match length.strip_prefix('C') {
        Some("") => Some(unit),
        Some(times) => unit.times(Fraction::parse(times)?),
        None => Fraction::parse(length),
    });
    let first = lengths.next()??;
    let beat = lengths.try_fold(first, |sum, length| sum.plus(length?))?;
    beat.microseconds_per_quarter(count.trim().parse::<u16>().ok()?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(line: &str) -> Field<'_> {
        Field::of_line("a.abc", 3, line).unwrap()
    }

    #[test]
    fn a_colon_of_a_bar_line_makes_no_field() {
        for line in ["c:|", "Z::", "abc", "|:a", ""] {
            assert!(Field::of_line("a.abc", 1, line).is_none(), "{line}");
        }
        assert_eq!((field("M: 6/8 ").letter, field("M: 6/8 ").value), ('M', "6/8"));
    }

    #[test]
    fn meters_are_read() {
        let meter = |line: &str| field(line).meter().unwrap().map(|meter| (meter.beats, meter.unit));
        assert_eq!(meter("M:C"), Some((4, 4)));
        assert_eq!(meter("M:C|"), Some((2, 2)));
        assert_eq!(meter("M:12/8"), Some((12, 8)));
        assert_eq!(meter("M:(2+3+2)/8"), Some((7, 8)));
        assert_eq!(meter("M:none"), None);
        for line in ["M:4", "M:4/3", "M:0/4", "M:300/4", "M:3/4x"] {
            let error = field(line).meter().unwrap_err().to_string();
            assert!(error.starts_with("a.abc, line 3, column 1: expected a meter such as"), "{error}");
        }
    }

    #[test]
    fn the_unit_follows_the_meter() {
        let unit = |line: &str| default_unit(field(line).meter().unwrap());
        assert_eq!(
            [unit("M:2/4"), unit("M:3/4"), unit("M:6/8")],
            [Fraction::SIXTEENTH, Fraction::EIGHTH, Fraction::EIGHTH]
        );
        assert_eq!(unit("M:none"), Fraction::EIGHTH);
        assert!(field("L:1/0").unit().unwrap_err().to_string().contains("a unit note length such as 1/8, found `1/0`"));
    }

    #[test]
    fn tempos_are_read() {
        let tempo = |line: &str| field(line).tempo(Fraction::EIGHTH).unwrap();
        assert_eq!(tempo("Q:1/4=120"), Some(500_000));
        assert_eq!(tempo("Q: \"Presto\" 3/8 = 120"), Some(333_333));
        assert_eq!(tempo("Q:1/4 1/8=40 \"slow\""), Some(1_000_000));
        assert_eq!(
            [tempo("Q:120"), tempo("Q:C=120"), tempo("Q:C3=120")],
            [Some(1_000_000), Some(1_000_000), Some(333_333)]
        );
        assert_eq!(tempo("Q:\"Andante\""), None);
        for line in ["Q:fast", "Q:1/4=0", "Q:=120", "Q:1/4=", "Q:0/4=120"] {
            assert!(field(line).tempo(Fraction::EIGHTH).is_err(), "{line}");
        }
    }
}
