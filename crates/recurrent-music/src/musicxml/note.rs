//! Notes.

use super::element::Element;
use crate::pitch::letter_and_accidentals;
use crate::{Pitch, Result};

/// A note as written, whose start is counted from the beginning of its measure.
#[derive(Debug, Clone, Copy)]
pub(super) struct WrittenNote {
    pub(super) start: u32,
    pub(super) ticks: u32,
    /// As it sounds.
    pub(super) pitch: Pitch,
    /// Whether it is marked as the end of a tie; many writers only mark beginnings.
    pub(super) ends_tie: bool,
    /// Whether it is tied to the next note of its pitch.
    pub(super) begins_tie: bool,
}

/// What an element `note` sounds like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sound {
    /// As written: the number of MIDI, and whether it was rounded to a semitone.
    Pitch { number: i16, is_rounded: bool },
    /// A drum, which has no pitch.
    Drum,
    /// A rest, or a cue, which another part plays.
    Silence,
}

impl Sound {
    pub(super) fn of(note: Element<'_>) -> Result<Self> {
        if note.has("cue") || note.has("rest") {
            return Ok(Self::Silence);
        }
        match note.child("pitch") {
            Some(pitch) => written_pitch(pitch),
            None if note.has("unpitched") => Ok(Self::Drum),
            None => Err(note.error("`pitch`, `unpitched` or `rest` in `note`", "none")),
        }
    }
}

/// Whether a note has a tie of a type, `start` or `stop`.
pub(super) fn has_tie(note: Element<'_>, kind: &str) -> bool {
    note.named("tie").any(|tie| tie.attribute("type") == Some(kind))
}

fn written_pitch(pitch: Element<'_>) -> Result<Sound> {
    let step = pitch.required("step")?;
    let letter = letter_and_accidentals(step.text()).filter(|_| step.text().len() == 1);
    let (class, _) = letter.ok_or_else(|| step.error_at_text("a step from A to G"))?;
    let octave = pitch.required("octave")?.number::<i8>("an octave, such as 4")?;
    let (alter, is_rounded) = pitch.child("alter").map_or(Ok((0, false)), alteration)?;
    Ok(Sound::Pitch { number: 12 * (i16::from(octave) + 1) + class + alter, is_rounded })
}

/// Semitones of an element `alter`, halfway between two the higher one, and whether it was rounded.
fn alteration(element: Element<'_>) -> Result<(i16, bool)> {
    let expected = "an alteration of at most 12 semitones, such as -1 or 0.5";
    let exact = element.number::<f64>(expected)?;
    if !(-12.0..=12.0).contains(&exact) {
        return Err(element.error_at_text(expected));
    }
    let rounded = (exact + 0.5).floor();
    Ok((rounded as i16, rounded != exact))
}
