//! Transposing instruments.

use std::collections::BTreeMap;

use super::element::Element;
use crate::Result;

/// Semitones by which the staves of a part sound higher than written.
#[derive(Debug, Default)]
pub(super) struct Transposition<'a> {
    semitones: i8,
    /// By number, of staves that differ.
    of_staves: BTreeMap<&'a str, i8>,
}

impl<'a> Transposition<'a> {
    /// The staff of what names none.
    pub(super) const FIRST_STAFF: &'static str = "1";

    /// Takes an element `transpose`, for all staves or for one.
    pub(super) fn set(&mut self, element: Element<'a>) -> Result<()> {
        let semitones = semitones(element)?;
        match element.attribute("number") {
            Some(staff) => drop(self.of_staves.insert(staff.trim(), semitones)),
            None => *self = Self { semitones, of_staves: BTreeMap::new() },
        }
        Ok(())
    }

    pub(super) fn of_staff(&self, staff: &str) -> i8 {
        self.of_staves.get(staff).copied().unwrap_or(self.semitones)
    }
}

fn semitones(element: Element<'_>) -> Result<i8> {
    let chromatic = element.required("chromatic")?.number::<i8>("a whole number of semitones")?;
    let octaves =
        element.child("octave-change").map_or(Ok(0), |octaves| octaves.number::<i8>("a number of octaves"))?;
    let sum = octaves.checked_mul(12).and_then(|octaves| octaves.checked_add(chromatic));
    sum.ok_or_else(|| element.error("a transposition of at most 127 semitones", "more"))
}
