//! When each note sounds, in samples.

use crate::clock::Clock;
use crate::{MusicError, Note, Piece, Result};

/// How long a piece may last, in seconds.
const LONGEST: f64 = 30.0 * 60.0;
/// How long the notes of a piece may sound in all, in seconds: what bounds the time of rendering.
const MOST_SOUND: f64 = 16.0 * 3600.0;
/// What each note costs in addition, in seconds, for its release.
const RELEASE: f64 = 0.5;

/// A note with its place in the sound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sounding {
    /// The note.
    pub(crate) note: Note,
    /// The sample at which it begins.
    pub(crate) start: usize,
    /// For how many samples it is held.
    pub(crate) length: usize,
}

/// The notes of a piece in the order of their beginning, or an error if they last too long.
pub(crate) fn schedule(piece: &Piece, sample_rate: u32) -> Result<Vec<Sounding>> {
    let clock = Clock::new(piece);
    let times = |note: &Note| (clock.seconds(note.start), clock.seconds(note.start.saturating_add(note.duration)));
    check(piece, piece.notes.iter().map(times))?;
    let sounding = |note: &Note| {
        let (start, end) = times(note);
        let sample = |seconds: f64| (seconds * f64::from(sample_rate)).round() as usize;
        Sounding { note: *note, start: sample(start), length: sample(end).saturating_sub(sample(start)) }
    };
    let mut soundings: Vec<_> = piece.notes.iter().map(sounding).collect();
    soundings.sort_by_key(|sounding| sounding.start);
    Ok(soundings)
}

fn check(piece: &Piece, times: impl Iterator<Item = (f64, f64)>) -> Result<()> {
    let (mut last, mut sound) = (0f64, 0.0);
    for (start, end) in times {
        last = last.max(end);
        sound += end - start + RELEASE;
    }
    let name = if piece.name.is_empty() { "piece" } else { &piece.name };
    if last > LONGEST {
        let found = format!("{:.2} minutes", last / 60.0);
        return Err(MusicError::invalid(name, "", "at most 30 minutes of music", found));
    }
    if sound > MOST_SOUND {
        let found = format!("{:.1} hours", sound / 3600.0);
        return Err(MusicError::invalid(name, "", "notes that sound for at most 16 hours in all", found));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Pitch;

    #[test]
    fn notes_are_placed_by_time_and_sorted() {
        let note = |start, duration| Note { start, pitch: Pitch::LOWEST, duration, velocity: 64, program: 0 };
        let piece = Piece {
            ticks_per_quarter: 2,
            tempos: vec![(4, 1_000_000)],
            notes: vec![note(6, 1), note(3, 2)],
            ..Piece::default()
        };
        let places: Vec<_> = schedule(&piece, 8000).unwrap().iter().map(|s| (s.start, s.length)).collect();
        assert_eq!(places, [(6000, 6000), (16_000, 4000)]);
    }
}
