//! The measures of a part.

use super::LATEST;
use super::barline::bar;
use super::direction::{is_jump, tempo};
use super::element::Element;
use super::note::{Sound, WrittenNote, has_tie};
use super::resolution::{divisions, ticks};
use super::score::Score;
use super::signature::{key, meter};
use super::transposition::Transposition;
use crate::{Key, Pitch, Result};

/// Reads the measures of one part, in order, and adds what they say of all parts to the score.
pub(super) struct PartReader<'a, 's> {
    score: &'s mut Score,
    /// Known from the first `divisions` on.
    ticks_per_division: Option<u32>,
    transposition: Transposition<'a>,
    /// The last key, if there is one yet, as it sounds.
    key: Option<Option<Key>>,
    measure: usize,
    /// Ticks from the beginning of the measure.
    cursor: u32,
    /// Where the last note begins, whose chord the next notes may belong to.
    chord: Option<u32>,
    notes: Vec<WrittenNote>,
}

impl<'a, 's> PartReader<'a, 's> {
    pub(super) fn new(score: &'s mut Score) -> Self {
        Self {
            score,
            ticks_per_division: None,
            transposition: Transposition::default(),
            key: None,
            measure: 0,
            cursor: 0,
            chord: None,
            notes: Vec::new(),
        }
    }

    /// The notes of each measure, in the order of play.
    pub(super) fn read(mut self, part: Element<'a>) -> Result<Vec<Vec<WrittenNote>>> {
        let mut measures = Vec::new();
        for (index, measure) in part.named("measure").enumerate() {
            (self.measure, self.cursor, self.chord) = (index, 0, None);
            // Also if there is nothing in it.
            self.score.measure(index);
            for element in measure.children() {
                self.element(element)?;
            }
            // Of two notes of a pitch, a tie goes to the one that says so.
            self.notes.sort_by_key(|note| (note.start, !note.ends_tie));
            measures.push(std::mem::take(&mut self.notes));
        }
        Ok(measures)
    }

    fn element(&mut self, element: Element<'a>) -> Result<()> {
        match element.name() {
            "note" => self.note(element),
            "attributes" => self.attributes(element),
            "backup" => self.back(element),
            "forward" => self.forward(element).map(drop),
            "direction" => self.direction(element),
            "sound" => {
                self.count_jump(element);
                self.sound(element, element.child("offset"))
            }
            "barline" => self.bar_line(element),
            _ => Ok(()),
        }
    }

    fn note(&mut self, note: Element<'a>) -> Result<()> {
        if note.has("grace") {
            self.score.remarks.grace_notes += usize::from(note.has("pitch") && !note.has("cue"));
            return Ok(());
        }
        let start = if note.has("chord") { self.chord_start(note)? } else { self.forward(note)? };
        self.chord = Some(start);
        let ticks = self.duration(note)?;
        match Sound::of(note)? {
            Sound::Pitch { number, is_rounded } => {
                let staff = note.child("staff").map_or(Transposition::FIRST_STAFF, Element::text);
                let sounding = number + i16::from(self.transposition.of_staff(staff));
                let Some(pitch) = u8::try_from(sounding).ok().and_then(Pitch::new) else {
                    self.score.remarks.out_of_range += 1;
                    return Ok(());
                };
                self.score.remarks.quarter_tones += usize::from(is_rounded);
                self.score.remarks.empty += usize::from(ticks == 0);
                let (ends_tie, begins_tie) = (has_tie(note, "stop"), has_tie(note, "start"));
                self.notes.push(WrittenNote { start, ticks, pitch, ends_tie, begins_tie });
            }
            Sound::Drum => self.score.remarks.drum_notes += 1,
            Sound::Silence => {}
        }
        Ok(())
    }

    fn chord_start(&self, note: Element<'_>) -> Result<u32> {
        self.chord.ok_or_else(|| note.error("a note before, whose chord this belongs to", "none"))
    }

    /// The duration that an element has, in ticks.
    fn duration(&self, element: Element<'_>) -> Result<u32> {
        let duration = element.required("duration")?;
        let ticks_per_division = self.ticks_per_division;
        let missing = || duration.error("`divisions` before the first duration", "none");
        ticks(duration, ticks_per_division.ok_or_else(missing)?)
    }

    /// Goes ahead by a duration, and tells where the cursor was.
    fn forward(&mut self, element: Element<'_>) -> Result<u32> {
        let start = self.cursor;
        let end = start.checked_add(self.duration(element)?).filter(|end| *end <= LATEST);
        self.cursor = end.ok_or_else(|| element.error(format!("a measure of at most {LATEST} ticks"), "more"))?;
        self.chord = None;
        let measure = self.score.measure(self.measure);
        measure.ticks = measure.ticks.max(self.cursor);
        Ok(start)
    }

    fn back(&mut self, element: Element<'_>) -> Result<()> {
        let (before, ticks) = (self.cursor, self.duration(element)?);
        let back = before.checked_sub(ticks);
        let expected = || format!("to go back by at most {before} ticks, to the beginning of the measure");
        self.cursor = back.ok_or_else(|| element.error(expected(), ticks.to_string()))?;
        self.chord = None;
        Ok(())
    }

    fn attributes(&mut self, element: Element<'a>) -> Result<()> {
        if let Some(element) = element.child("divisions") {
            self.ticks_per_division = Some(u32::from(self.score.ticks_per_quarter) / divisions(element)?);
        }
        element.named("transpose").try_for_each(|element| self.transposition.set(element))?;
        if let Some(element) = element.child("key") {
            self.key(key(element)?);
        }
        if let Some(meter) = element.child("time").map(meter).transpose()?.flatten() {
            self.score.meters.add((self.measure, self.cursor), meter);
        }
        Ok(())
    }

    /// Takes a key as written. One that was only written again is no change that another part might disagree with.
    fn key(&mut self, written: Option<Key>) {
        let semitones = self.transposition.of_staff(Transposition::FIRST_STAFF);
        let sounding = written.map(|key| key.transposed(semitones));
        if self.key.replace(sounding) != Some(sounding) {
            self.score.keys.add((self.measure, self.cursor), sounding);
        }
    }

    fn direction(&mut self, direction: Element<'_>) -> Result<()> {
        self.count_jump(direction);
        let offset = direction.child("offset").filter(|offset| offset.attribute("sound") == Some("yes"));
        direction.named("sound").try_for_each(|sound| self.sound(sound, sound.child("offset").or(offset)))
    }

    fn sound(&mut self, sound: Element<'_>, offset: Option<Element<'_>>) -> Result<()> {
        if let Some(tempo) = tempo(sound)? {
            let tick = offset.map_or(Ok(self.cursor), |offset| self.offset(offset))?;
            self.score.tempos.add((self.measure, tick), tempo);
        }
        Ok(())
    }

    /// The tick that is so far from the cursor, in this measure.
    fn offset(&self, offset: Element<'_>) -> Result<u32> {
        let divisions = offset.number::<f64>("an offset in divisions")?;
        let ticks = (divisions * f64::from(self.ticks_per_division.unwrap_or(1))).round();
        Ok((f64::from(self.cursor) + ticks).clamp(0.0, f64::from(LATEST)) as u32)
    }

    fn bar_line(&mut self, element: Element<'_>) -> Result<()> {
        self.count_jump(element);
        let bar = bar(element)?;
        match element.attribute("location") {
            Some("middle") => self.score.remarks.jumps += usize::from(bar != Default::default()),
            Some("left") => self.score.measure(self.measure).merge_left(bar),
            _ => self.score.measure(self.measure).merge_right(bar),
        }
        Ok(())
    }

    fn count_jump(&mut self, element: Element<'_>) {
        self.score.remarks.jumps += usize::from(is_jump(element));
    }
}
