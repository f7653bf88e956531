//! From voices to a piece in time.

use super::fraction::TICKS_PER_QUARTER;
use super::place::Place;
use super::voice::{Context, Head, Item, MAX_ITEMS, Voice};
use crate::key::known_keys;
use crate::piece::NOTATED_VELOCITY;
use crate::repeats::play_order;
use crate::{Note, Piece, Result};

/// The latest tick at which a note may begin or end, about 106,000 quarter notes.
const LATEST: u32 = i32::MAX as u32;

/// Changes of something, with the tick from which each holds.
type Changes<T> = Vec<(u32, T)>;

/// Plays all voices from tick 0. `most_notes` is how many notes may still be made; they are taken off.
pub(super) fn render(name: &str, voices: &[Voice<'_>], place: Place<'_>, most_notes: &mut usize) -> Result<Piece> {
    let mut player = Player { place, most_items: MAX_ITEMS, notes: Vec::new(), contexts: Vec::new() };
    for voice in voices {
        player.play(voice)?;
    }
    let too_many = || place.error("fewer notes in all tunes of the file", "more");
    *most_notes = most_notes.checked_sub(player.notes.len()).ok_or_else(too_many)?;
    Ok(player.piece(name))
}

struct Player<'a> {
    /// Where the tune begins.
    place: Place<'a>,
    most_items: usize,
    notes: Vec<Note>,
    contexts: Changes<Context>,
}

impl Player<'_> {
    fn play(&mut self, voice: &Voice<'_>) -> Result<()> {
        let bar = |index: usize| match voice.items.get(index) {
            Some(Item::Bar(bar)) => Some(*bar),
            _ => None,
        };
        let (mut now, mut last_context, mut tied) = (0, None, Vec::new());
        for item in play_order(voice.items.len(), bar).into_iter().flat_map(|range| &voice.items[range]) {
            let Item::Sound { ticks, heads, context } = item else {
                self.count(1)?;
                continue;
            };
            self.count(heads.len().max(1))?;
            if last_context.replace(*context) != Some(*context) {
                self.contexts.push((now, voice.contexts[*context]));
            }
            tied = self.chord(now, heads, &tied)?;
            now = self.later(now, *ticks)?;
        }
        Ok(())
    }

    /// Adds the notes of a chord, and gives the places of those that are tied to what follows.
    fn chord(&mut self, now: u32, heads: &[Head], tied: &[usize]) -> Result<Vec<usize>> {
        let mut still_tied = Vec::new();
        for head in heads {
            let end = self.later(now, head.ticks)?;
            let continues = |index: &&usize| {
                let note = self.notes[**index];
                note.pitch == head.pitch && note.end() == now
            };
            let index = tied.iter().find(continues).copied().unwrap_or(self.notes.len());
            match self.notes.get_mut(index) {
                Some(note) => note.duration = end - note.start,
                None => self.notes.push(note(now, *head)),
            }
            if head.is_tied {
                still_tied.push(index);
            }
        }
        Ok(still_tied)
    }

    fn later(&self, now: u32, ticks: u32) -> Result<u32> {
        let end = now.checked_add(ticks).filter(|end| *end <= LATEST);
        end.ok_or_else(|| self.place.error("a tune of at most 106000 quarter notes with its repeats", "more"))
    }

    fn count(&mut self, items: usize) -> Result<()> {
        let expected = || format!("a tune of at most {MAX_ITEMS} notes, rests and bar lines with its repeats");
        let left = self.most_items.checked_sub(items);
        self.most_items = left.ok_or_else(|| self.place.error(expected(), "more"))?;
        Ok(())
    }

    fn piece(mut self, name: &str) -> Piece {
        self.notes.sort_unstable();
        // The sort is stable: of voices that differ, the first one decides.
        self.contexts.sort_by_key(|(tick, _)| *tick);
        self.contexts.dedup_by_key(|(tick, _)| *tick);
        Piece {
            name: name.into(),
            ticks_per_quarter: TICKS_PER_QUARTER,
            notes: self.notes,
            tempos: known(changes(&self.contexts, |context| context.tempo)),
            meters: known(changes(&self.contexts, |context| context.meter)),
            keys: known_keys(changes(&self.contexts, |context| context.key)),
        }
    }
}

fn note(start: u32, head: Head) -> Note {
    Note { start, pitch: head.pitch, duration: head.ticks, velocity: NOTATED_VELOCITY, program: 0 }
}

/// Where something of the contexts changes.
fn changes<T: PartialEq>(contexts: &[(u32, Context)], of: impl Fn(&Context) -> T) -> Changes<T> {
    let mut changes: Changes<T> = contexts.iter().map(|(tick, context)| (*tick, of(context))).collect();
    changes.dedup_by(|next, last| next.1 == last.1);
    changes
}

fn known<T>(changes: Changes<Option<T>>) -> Changes<T> {
    changes.into_iter().filter_map(|(tick, value)| Some((tick, value?))).collect()
}
