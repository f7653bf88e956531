//! A line of music.

use super::cursor::Cursor;
use super::field::Field;
use super::note::{bars_rest, chord, decoration, is_ignored, note, rest};
use super::tune::Body;
use super::tuplet::Tuplet;
use crate::Result;
use crate::repeats::{Bar, MAX_PASSES, passes};

/// Reads a line of music into the current voice.
pub(super) fn music<'a>(cursor: &mut Cursor<'a>, body: &mut Body<'a>) -> Result<()> {
    while let Some(next) = cursor.peek() {
        body.check_size(cursor.place())?;
        element(cursor, body, next)?;
    }
    Ok(())
}

fn element<'a>(cursor: &mut Cursor<'a>, body: &mut Body<'a>, next: char) -> Result<()> {
    match next {
        '"' => drop(cursor.enclosed('"')?),
        '{' => drop(cursor.enclosed('}')?),
        '!' | '+' => decoration(cursor),
        'z' | 'x' => rest(cursor, body.voice())?,
        'Z' | 'X' => bars_rest(cursor, body.voice())?,
        'y' => space(cursor)?,
        '(' => parenthesis(cursor, body)?,
        '[' if Field::is_inline(cursor) => body.field(Field::inline(cursor)?)?,
        '[' if cursor.peek_second().is_some_and(|second| second.is_ascii_digit()) => lone_ending(cursor, body)?,
        '[' if cursor.peek_second() != Some('|') => chord(cursor, body.voice())?,
        '|' | ':' | '[' => bar_line(cursor, body)?,
        '\\' if cursor.rest()[1..].trim().is_empty() => cursor.skip(),
        '-' | '<' | '>' => return Err(cursor.error("a note before")),
        '&' => return Err(cursor.error("no second voice in a bar, for which V: is read")),
        next if is_ignored(next) => cursor.skip(),
        _ => note(cursor, body.voice())?,
    }
    Ok(())
}

/// Goes past `y`, which is a space in the print, and its width.
fn space(cursor: &mut Cursor<'_>) -> Result<()> {
    cursor.skip();
    cursor.length().map(drop)
}

/// Reads a tuplet, or goes past the beginning of a slur.
fn parenthesis<'a>(cursor: &mut Cursor<'a>, body: &mut Body<'a>) -> Result<()> {
    if !cursor.peek_second().is_some_and(|second| second.is_ascii_digit()) {
        cursor.skip();
        return Ok(());
    }
    let voice = body.voice();
    if let Some(open) = voice.tuplet {
        return Err(cursor.error(format!("{} more notes of the tuplet before", open.left)));
    }
    voice.tuplet = Some(Tuplet::parse(cursor, voice.setting.meter)?);
    Ok(())
}

/// Reads a bar line with its repeats and its ending: `|`, `||`, `|]`, `[|`, `|:`, `:|`, `::`, `|1`, `:|2`.
fn bar_line<'a>(cursor: &mut Cursor<'a>, body: &mut Body<'a>) -> Result<()> {
    let start = cursor.clone();
    let before = colons(cursor);
    let lines = lines(cursor);
    let (ends, begins) = match (before, lines) {
        (0 | 1, 0) => return Err(start.error("a bar line such as |:, :| or ::")),
        (_, 0) => (before / 2, before / 2),
        _ => (before, colons(cursor)),
    };
    let ends = u8::try_from(ends).ok().filter(|ends| *ends < MAX_PASSES);
    let expected = format!("a repeat of at most {MAX_PASSES} times");
    let ends = ends.ok_or_else(|| start.place().error_at_text(expected, start.rest()))?;
    let passes = if ends == 0 { 0 } else { ends + 1 };
    let ending = if cursor.peek().is_some_and(|next| next.is_ascii_digit()) { ending(cursor)? } else { 0 };
    let bar = Bar { ends: passes, begins: begins > 0, is_double: lines > 1, ending, begins_part: false };
    body.voice().push_bar(bar)
}

fn colons(cursor: &mut Cursor<'_>) -> usize {
    cursor.take_while(|next| next == ':').len()
}

/// Goes past the lines of a bar line and counts them; a thick one is one more, and an invisible bar line is one.
fn lines(cursor: &mut Cursor<'_>) -> usize {
    let mut lines = 0;
    loop {
        lines += match cursor.peek() {
            Some('[') if cursor.eat("[|]") => 1,
            Some('[') if cursor.eat("[|") => 2,
            Some('|') if cursor.eat("|") => 1,
            Some(']') if lines > 0 && cursor.eat("]") => 1,
            _ => return lines,
        };
    }
}

/// Reads an ending that stands apart from a bar line, such as `[1` or `[1,3`.
fn lone_ending<'a>(cursor: &mut Cursor<'a>, body: &mut Body<'a>) -> Result<()> {
    cursor.skip();
    let ending = ending(cursor)?;
    body.voice().push_bar(Bar { ending, ..Bar::default() })
}

/// Reads the passes of an ending, such as `1`, `1,3` or `1-3`.
fn ending(cursor: &mut Cursor<'_>) -> Result<u32> {
    let start = cursor.clone();
    let text = cursor.take_while(|next| next.is_ascii_digit() || next == ',' || next == '-');
    let expected = format!("an ending such as 1 or 1,3, from 1 to {MAX_PASSES}");
    passes(text).ok_or_else(|| start.place().error_at_text(expected, text))
}
