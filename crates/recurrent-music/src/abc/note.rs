//! Notes, chords and rests.

use super::cursor::Cursor;
use super::fraction::Fraction;
use super::place::Place;
use super::signature::{LETTERS, SEMITONES, accidental};
use super::voice::{Head, Voice, Written};
use crate::{Pitch, Result};

/// The most notes of a chord.
const MAX_CHORD: usize = 32;

/// A note whose length is not yet final.
struct Draft {
    written: Written,
    pitch: Pitch,
    length: Fraction,
    is_tied: bool,
}

/// Reads a single note.
pub(super) fn note<'a>(cursor: &mut Cursor<'a>, voice: &mut Voice<'a>) -> Result<()> {
    let place = cursor.place();
    let draft = draft(cursor, voice)?;
    sound(cursor, voice, place, Fraction::ONE, vec![draft])
}

/// Reads notes between brackets that begin together. The first one tells how long the chord is.
pub(super) fn chord<'a>(cursor: &mut Cursor<'a>, voice: &mut Voice<'a>) -> Result<()> {
    let (open, place) = (cursor.clone(), cursor.place());
    cursor.skip();
    let mut drafts = Vec::new();
    while !cursor.eat("]") {
        match cursor.peek() {
            None | Some('|' | '(' | '[') => {
                return Err(place.error_at_text("a chord such as [CEG], closed", open.rest()));
            }
            Some('"') => drop(cursor.enclosed('"')?),
            Some('!' | '+') => decoration(cursor),
            Some(next) if is_ignored(next) => cursor.skip(),
            Some(_) if drafts.len() == MAX_CHORD => {
                return Err(place.error(format!("a chord of at most {MAX_CHORD} notes"), "more"));
            }
            Some(_) => drafts.push(draft(cursor, voice)?),
        }
    }
    if drafts.is_empty() {
        return Err(place.error("a chord with at least 1 note", "`[]`"));
    }
    let length = cursor.length()?;
    sound(cursor, voice, place, length, drafts)
}

/// Reads a rest, `z` or `x`.
pub(super) fn rest<'a>(cursor: &mut Cursor<'a>, voice: &mut Voice<'a>) -> Result<()> {
    let place = cursor.place();
    cursor.skip();
    let length = cursor.length()?;
    sound(cursor, voice, place, length, Vec::new())
}

/// Reads a rest of whole bars, `Z4` or `X4`.
pub(super) fn bars_rest<'a>(cursor: &mut Cursor<'a>, voice: &mut Voice<'a>) -> Result<()> {
    let place = cursor.place();
    cursor.skip();
    let count = cursor.number()?.unwrap_or(1);
    let expected = "a rest of at least 1 bar, in a meter that is not free";
    let ticks = voice.bars(count).filter(|ticks| *ticks > 0);
    let ticks = ticks.ok_or_else(|| place.error(expected, format!("{count} bars of {}", voice.meter_name())))?;
    voice.tied.clear();
    voice.push_sound(ticks, Vec::new());
    Ok(())
}

/// Whether a character has no meaning for what sounds: a space, a slur's end, a decoration, or one that is reserved.
pub(super) fn is_ignored(next: char) -> bool {
    matches!(next, ' ' | '\t' | '`' | '$' | ')' | '.' | '~' | 'H'..='W' | 'h'..='w' | '#' | '*' | ';' | '?' | '@')
}

/// Goes past a decoration such as `!trill!` or `+fermata+`. A sign alone is the line break of old programs.
pub(super) fn decoration(cursor: &mut Cursor<'_>) {
    let Some(sign) = cursor.peek() else { return };
    cursor.skip();
    let mut ahead = cursor.clone();
    ahead.take_while(|next| next != sign && !next.is_whitespace() && !"|[]\"".contains(next));
    if ahead.peek() == Some(sign) {
        ahead.skip();
        *cursor = ahead;
    }
}

/// Reads a note with its accidental, octave, length and tie.
fn draft(cursor: &mut Cursor<'_>, voice: &mut Voice<'_>) -> Result<Draft> {
    let place = cursor.place();
    let sign = accidental(cursor.rest());
    cursor.take_while(|next| "^_=".contains(next));
    let written = written(cursor)?;
    if let Some((alteration, rest)) = sign {
        if !rest.starts_with(|next: char| next.is_ascii_alphabetic()) {
            return Err(place.error_at_text("an accidental: ^, ^^, _, __ or =", rest));
        }
        voice.accidentals[written.letter] = Some(alteration);
    }
    let carried = voice.tied.iter().find(|(tied, _)| *tied == written && sign.is_none());
    let pitch = match carried {
        Some((_, pitch)) => *pitch,
        None => pitch(written, voice, place)?,
    };
    Ok(Draft { written, pitch, length: cursor.length()?, is_tied: tie(cursor) })
}

/// Reads a letter and octave marks.
fn written(cursor: &mut Cursor<'_>) -> Result<Written> {
    let next = cursor.peek().filter(|next| matches!(next, 'A'..='G' | 'a'..='g'));
    let letter = next.and_then(|next| LETTERS.find(next.to_ascii_uppercase()));
    let (Some(next), Some(letter)) = (next, letter) else {
        return Err(cursor.error("a note, a rest or a bar line"));
    };
    cursor.skip();
    let marks = cursor.take_while(|next| next == '\'' || next == ',');
    let above = |sum: i32, mark: char| sum.saturating_add(if mark == ',' { -1 } else { 1 });
    Ok(Written { letter, octave: marks.chars().fold(i32::from(next.is_ascii_lowercase()), above) })
}

fn pitch(written: Written, voice: &Voice<'_>, place: Place<'_>) -> Result<Pitch> {
    let in_octave = SEMITONES[written.letter] + voice.alteration(written.letter);
    let number = written.octave.saturating_mul(12).saturating_add(60 + i32::from(in_octave));
    let number = number.saturating_add(voice.setting.shift.into());
    let pitch = u8::try_from(number).ok().and_then(Pitch::new);
    pitch.ok_or_else(|| place.error("a note from A0 to C8 (MIDI 21 to 108)", number.to_string()))
}

/// Reads a tie, dotted or not, if one is next; spaces may be before it.
fn tie(cursor: &mut Cursor<'_>) -> bool {
    let mut ahead = cursor.clone();
    ahead.skip_spaces();
    let found = ahead.eat("-") || ahead.eat(".-");
    if found {
        *cursor = ahead;
    }
    found
}

/// Reads what is after a note, a chord or a rest, and adds it to the voice.
fn sound<'a>(
    cursor: &mut Cursor<'a>,
    voice: &mut Voice<'a>,
    place: Place<'a>,
    length: Fraction,
    drafts: Vec<Draft>,
) -> Result<()> {
    let all_tied = tie(cursor);
    let before = voice.take_factor();
    let own = broken_rhythm(cursor, voice)?;
    let factor = before.and_then(|before| before.times(own)?.times(length)?.times(voice.setting.unit));
    let ticks = |length: Fraction| {
        let ticks = factor.and_then(|factor| factor.times(length)?.ticks());
        let expected = "a length of a whole number of 20160ths of a quarter note, at most 50000 quarter notes";
        ticks.filter(|ticks| *ticks <= 50_000 * 20_160).ok_or_else(|| place.error(expected, "a finer or a longer one"))
    };
    let head = |draft: &Draft| {
        Ok(Head { pitch: draft.pitch, ticks: ticks(draft.length)?, is_tied: draft.is_tied || all_tied })
    };
    let heads = drafts.iter().map(head).collect::<Result<Vec<_>>>()?;
    let ticks = heads.first().map_or_else(|| ticks(Fraction::ONE), |head| Ok(head.ticks))?;
    let is_tied = |draft: &&Draft| draft.is_tied || all_tied;
    voice.tied = drafts.iter().filter(is_tied).map(|draft| (draft.written, draft.pitch)).collect();
    voice.push_sound(ticks, heads);
    Ok(())
}

/// Reads `>` or `<`, up to three of them, if one is next: what it makes of the note before. The rest of the time of two
/// notes is for the next one.
fn broken_rhythm<'a>(cursor: &mut Cursor<'a>, voice: &mut Voice<'a>) -> Result<Fraction> {
    let mut ahead = cursor.clone();
    ahead.skip_spaces();
    let (start, place) = (ahead.clone(), ahead.place());
    let longer = ahead.take_while(|next| next == '>').len();
    let shorter = ahead.take_while(|next| next == '<').len();
    let parts = match (longer, shorter) {
        (0, 0) => return Ok(Fraction::ONE),
        (1..=3, 0) => [(1 << (longer + 1)) - 1, 1],
        (0, 1..=3) => [1, (1 << (shorter + 1)) - 1],
        _ => return Err(place.error_at_text("one to three `>` or `<`", start.rest())),
    };
    *cursor = ahead;
    let [own, next] = parts.map(|part| Fraction::new(part, 1 << (longer + shorter)).unwrap_or(Fraction::ONE));
    voice.broken = Some((next, place));
    Ok(own)
}
