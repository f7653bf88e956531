//! From a score to a piece in time.

use std::collections::BTreeMap;

use super::LATEST;
use super::note::WrittenNote;
use super::score::{Measure, Part, Score};
use crate::key::known_keys;
use crate::piece::NOTATED_VELOCITY;
use crate::repeats::play_order;
use crate::{MusicError, Note, Piece, Pitch, Result, file};

/// The most notes and measures of a score, measures counted in every part, as played.
const MAX_ITEMS: usize = 1_000_000;

/// Plays all parts from tick 0, with their repeats.
pub(super) fn piece(name: &str, score: &Score) -> Result<Piece> {
    let mut player = Player { name, most_items: MAX_ITEMS, notes: Vec::new() };
    let order = player.order(&score.measures)?;
    score.parts.iter().try_for_each(|part| player.play(part, &order))?;
    player.notes.sort_unstable();
    Ok(Piece {
        name: score.title.clone().unwrap_or_else(|| file::stem(name)),
        ticks_per_quarter: score.ticks_per_quarter,
        notes: player.notes,
        tempos: score.tempos.played(&order),
        meters: score.meters.played(&order),
        keys: known_keys(score.keys.played(&order)),
    })
}

/// Notes of a part that are tied to a next one, by their pitch and end.
type Tied = BTreeMap<(Pitch, u32), Vec<usize>>;

struct Player<'a> {
    name: &'a str,
    most_items: usize,
    notes: Vec<Note>,
}

impl Player<'_> {
    /// The measures in the order of play, each with the tick at which it begins.
    fn order(&mut self, measures: &[Measure]) -> Result<Vec<(usize, u32)>> {
        // Each measure has a bar line on its left and one on its right.
        let bar = |index: usize| match index % 3 {
            0 => Some(measures[index / 3].left),
            1 => None,
            _ => Some(measures[index / 3].right),
        };
        let (mut order, mut now) = (Vec::new(), 0);
        let indices = play_order(3 * measures.len(), bar).into_iter().flatten();
        for measure in indices.filter(|index| index % 3 == 1).map(|index| index / 3) {
            self.count(1)?;
            order.push((measure, now));
            now = self.later(now, measures[measure].ticks)?;
        }
        Ok(order)
    }

    fn play(&mut self, part: &Part, order: &[(usize, u32)]) -> Result<()> {
        let mut tied = Tied::new();
        for (measure, start) in order {
            let notes = part.measures.get(*measure).map_or(&[][..], Vec::as_slice);
            self.count(1 + notes.len())?;
            notes.iter().try_for_each(|note| self.note(*start, note, part.program, &mut tied))?;
        }
        Ok(())
    }

    /// Adds a note of a measure that begins at a tick, or makes the note longer that is tied to it.
    fn note(&mut self, measure: u32, written: &WrittenNote, program: u8, tied: &mut Tied) -> Result<()> {
        let WrittenNote { pitch, ticks, .. } = *written;
        let start = self.later(measure, written.start)?;
        let end = self.later(start, ticks)?;
        let before = tied.get_mut(&(pitch, start)).and_then(Vec::pop);
        let index = before.unwrap_or(self.notes.len());
        match self.notes.get_mut(index) {
            Some(note) => note.duration = (end - note.start).max(1),
            None => self.notes.push(Note { start, pitch, duration: ticks.max(1), velocity: NOTATED_VELOCITY, program }),
        }
        if written.begins_tie {
            tied.entry((pitch, end)).or_default().push(index);
        }
        Ok(())
    }

    fn later(&self, now: u32, ticks: u32) -> Result<u32> {
        let end = now.checked_add(ticks).filter(|end| *end <= LATEST);
        let expected = || format!("a score of at most {LATEST} ticks with its repeats");
        end.ok_or_else(|| MusicError::invalid(self.name, "", expected(), "more"))
    }

    fn count(&mut self, items: usize) -> Result<()> {
        let expected = || format!("a score of at most {MAX_ITEMS} notes and measures with its repeats");
        let left = self.most_items.checked_sub(items);
        self.most_items = left.ok_or_else(|| MusicError::invalid(self.name, "", expected(), "more"))?;
        Ok(())
    }
}
