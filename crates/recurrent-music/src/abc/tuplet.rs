//! Tuplets, such as three notes in the time of two.

use super::cursor::Cursor;
use super::fraction::Fraction;
use super::place::Place;
use crate::{Meter, Result};

/// A tuplet whose notes are not yet all read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tuplet<'a> {
    pub(super) place: Place<'a>,
    /// What the lengths of its notes are multiplied by.
    pub(super) factor: Fraction,
    /// How many of its notes are still to come.
    pub(super) left: u16,
}

impl<'a> Tuplet<'a> {
    /// Reads `(p`, `(p:q` or `(p:q:r`: the next r notes (p if not given) are played, p in the time of q.
    pub(super) fn parse(cursor: &mut Cursor<'a>, meter: Option<Meter>) -> Result<Self> {
        let start = cursor.clone();
        cursor.skip();
        let notes = cursor.number()?;
        let time = if cursor.eat(":") { cursor.number()? } else { None };
        let count = if cursor.eat(":") { cursor.number()? } else { None };
        let place = start.place();
        let time = time.or(notes.and_then(|notes| usual_time(notes, meter)));
        let factor = notes.zip(time).and_then(|(notes, time)| Fraction::new(time.into(), notes.into()));
        match (factor, count.or(notes)) {
            (Some(factor), Some(left)) if left > 0 => Ok(Self { place, factor, left }),
            _ => Err(place
                .error_at_text("a tuplet such as (3 or (5:4:5, of 2 to 9 notes if it has one number", start.rest())),
        }
    }
}

/// The time of a tuplet of so many notes, in notes.
fn usual_time(notes: u16, meter: Option<Meter>) -> Option<u16> {
    let is_compound = meter.is_some_and(|meter| meter.beats >= 6 && meter.beats.is_multiple_of(3));
    match notes {
        3 | 6 => Some(2),
        2 | 4 | 8 => Some(3),
        5 | 7 | 9 => Some(if is_compound { 3 } else { 2 }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factor(text: &str, meter: Meter) -> (String, u16) {
        let tuplet = Tuplet::parse(&mut Cursor::new("a.abc", 1, text), Some(meter)).unwrap();
        (format!("{:?}", tuplet.factor), tuplet.left)
    }

    #[test]
    fn tuplets_have_the_time_of_the_standard() {
        let compound = Meter { beats: 6, unit: 8 };
        let pairs = [
            ("(3", "(3:2:3"),
            ("(2", "(2:3:2"),
            ("(4::", "(4:3:4"),
            ("(6::6", "(6:2"),
            ("(8", "(8:3"),
            ("(5", "(5:2"),
            ("(3::2", "(3:2:2"),
        ];
        for (short, long) in pairs {
            assert_eq!(factor(short, Meter::COMMON), factor(long, Meter::COMMON), "{short}");
        }
        assert_eq!(factor("(9", compound), factor("(9:3:9", compound));
    }

    #[test]
    fn what_is_no_tuplet_is_refused() {
        for text in ["(0", "(1", "(10", "(3:0", "(3:2:0"] {
            let error = Tuplet::parse(&mut Cursor::new("a.abc", 1, text), None).unwrap_err().to_string();
            assert!(error.starts_with("a.abc, line 1, column 1: expected a tuplet") && error.contains(text), "{error}");
        }
    }
}
