//! A score as written.

use std::collections::BTreeMap;

use super::barline::merged;
use super::changes::Changes;
use super::element::Element;
use super::note::WrittenNote;
use super::part::PartReader;
use super::resolution::ticks_per_quarter;
use crate::error::quoted;
use crate::repeats::Bar;
use crate::{Key, Meter, Remarks, Result};

/// What the parts of a score say, together.
#[derive(Debug, Default)]
pub(super) struct Score {
    pub(super) title: Option<String>,
    pub(super) ticks_per_quarter: u16,
    pub(super) measures: Vec<Measure>,
    pub(super) parts: Vec<Part>,
    pub(super) tempos: Changes<u32>,
    pub(super) meters: Changes<Meter>,
    /// `None` is a key that is neither major nor minor.
    pub(super) keys: Changes<Option<Key>>,
    pub(super) remarks: Remarks,
}

/// A measure of all parts.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Measure {
    /// How far the part goes that goes furthest.
    pub(super) ticks: u32,
    pub(super) left: Bar,
    pub(super) right: Bar,
}

impl Measure {
    pub(super) fn merge_left(&mut self, bar: Bar) {
        self.left = merged(self.left, bar);
    }

    pub(super) fn merge_right(&mut self, bar: Bar) {
        self.right = merged(self.right, bar);
    }
}

/// The notes of a part.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) program: u8,
    /// Of each measure, in the order of play.
    pub(super) measures: Vec<Vec<WrittenNote>>,
}

impl Score {
    pub(super) fn read(root: Element<'_>) -> Result<Self> {
        if root.name() != "score-partwise" {
            return Err(root.error("a root element `score-partwise`", quoted(root.name())));
        }
        let mut score = Self { title: title(root), ticks_per_quarter: ticks_per_quarter(root)?, ..Self::default() };
        let programs = programs(root)?;
        for part in root.named("part") {
            let program = part.attribute("id").and_then(|id| programs.get(id)).copied().unwrap_or(0);
            let measures = PartReader::new(&mut score).read(part)?;
            score.parts.push(Part { program, measures });
        }
        Ok(score)
    }

    /// A measure, which is there from now on.
    pub(super) fn measure(&mut self, index: usize) -> &mut Measure {
        if index >= self.measures.len() {
            self.measures.resize_with(index + 1, Measure::default);
        }
        &mut self.measures[index]
    }
}

fn title(root: Element<'_>) -> Option<String> {
    let work = root.child("work").and_then(|work| work.child("work-title"));
    let titles = [work, root.child("movement-title")].into_iter().flatten().map(Element::text);
    titles.filter(|title| !title.is_empty()).map(String::from).next()
}

/// The program of each part by its id, from 0.
fn programs<'a>(root: Element<'a>) -> Result<BTreeMap<&'a str, u8>> {
    let parts = root.named("part-list").flat_map(|list| list.named("score-part"));
    let with_id = parts.filter_map(|part| Some((part.attribute("id")?, part)));
    with_id.map(|(id, part)| Ok((id, program(part)?))).collect()
}

fn program(part: Element<'_>) -> Result<u8> {
    let instrument = part.child("midi-instrument");
    let Some(element) = instrument.and_then(|instrument| instrument.child("midi-program")) else { return Ok(0) };
    let expected = "a MIDI program from 1 to 128";
    // Some writers say 0 where they know none.
    let program = element.number::<u8>(expected)?.saturating_sub(1);
    if program < 128 { Ok(program) } else { Err(element.error_at_text(expected)) }
}
