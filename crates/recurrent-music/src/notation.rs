//! Notes typed as text.

use crate::piece::NOTATED_VELOCITY;
use crate::{MusicError, Note, Piece, Pitch, Result};

/// Ticks of a quarter note in a piece that was typed.
const TICKS: u16 = 480;
/// The longest note, in quarter notes.
const LONGEST: f64 = 64.0;
/// The most notes and chords.
const MAX_ITEMS: usize = 10_000;

/// Reads notes such as `C4 E4 G4:2 r Bb3+D4:0.5`: names of pitches with spaces between, a quarter note each or as many
/// quarters as a number after a colon says; `+` joins the pitches of a chord, and `r` is a rest.
///
/// # Errors
/// If a name or a length cannot be read, or there are no notes.
pub fn parse_notes(text: &str) -> Result<Piece> {
    let mut piece = Piece { ticks_per_quarter: TICKS, ..Piece::default() };
    let mut start = 0;
    for item in text.split_whitespace().take(MAX_ITEMS) {
        let (pitches, duration) = match item.split_once(':') {
            Some((pitches, quarters)) => (pitches, duration(item, quarters)?),
            None => (item, u32::from(TICKS)),
        };
        if pitches != "r" {
            for pitch in pitches.split('+') {
                let pitch: Pitch = pitch.parse()?;
                piece.notes.push(Note { start, pitch, duration, velocity: NOTATED_VELOCITY, program: 0 });
            }
        }
        start += duration;
    }
    if piece.notes.is_empty() {
        return Err(MusicError::NoNotes { path: "notes".into() });
    }
    piece.notes.sort_unstable();
    Ok(piece)
}

/// A number of quarter notes in ticks.
fn duration(item: &str, quarters: &str) -> Result<u32> {
    let quarters =
        quarters.parse::<f64>().ok().filter(|quarters| (1.0 / f64::from(TICKS)..=LONGEST).contains(quarters));
    let expected = format!("a length of up to {LONGEST} quarter notes after the colon");
    let quarters = quarters.ok_or_else(|| MusicError::unknown("note", expected, item))?;
    Ok((quarters * f64::from(TICKS)).round() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_chords_and_rests_follow_each_other() {
        let piece = parse_notes(" C4 r:0.5  Bb3+D4:1.5 ").unwrap();
        let notes: Vec<_> =
            piece.notes.iter().map(|note| (note.start, note.pitch.to_string(), note.duration)).collect();
        assert_eq!(notes, [(0, "C4".into(), 480), (720, "A#3".into(), 720), (720, "D4".into(), 720)]);
    }

    #[test]
    fn what_is_no_note_is_refused() {
        for text in ["", "r r", "C4 X", "C4:", "C4:0", "C4:-1", "C4:nan", "C4:65", "C4++E4", "C4:1:2"] {
            assert!(parse_notes(text).is_err(), "{text}");
        }
        let error = parse_notes("C4 E4:x").unwrap_err().to_string();
        assert_eq!(error, "note: expected a length of up to 64 quarter notes after the colon, found `E4:x`");
    }
}
