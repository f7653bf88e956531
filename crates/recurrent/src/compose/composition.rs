//! A piece that was composed.

use std::fmt;

use recurrent_music::{Frame, Frames, Key, Piece};
use serde_json::json;

/// A piece that was composed.
///
/// As text it has a line for each bar, with its frames: the notes that begin, from the top, and a dot for each that is held.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Composition {
    /// The piece.
    pub piece: Piece,
    /// Its frames.
    pub frames: Frames,
    /// The natural logarithm of its probability, with the primer, at a temperature of 1.
    pub log_probability: f64,
}

impl Composition {
    /// Its key, meter, tempo and length: `G, 3/4, 84 quarter notes a minute, 16 bars`.
    pub fn title(&self) -> String {
        let key = self.key().map_or_else(String::new, |key| format!("{key}, "));
        let (meter, tempo) = (self.piece.meter(), self.piece.tempo());
        let bars = self.bars().len();
        format!("{key}{meter}, {tempo:.0} quarter notes a minute, {bars} bars")
    }

    /// Its notes as JSON, with times in quarter notes.
    pub fn to_json(&self) -> String {
        let quarters = |ticks: u32| f64::from(ticks) / f64::from(self.piece.ticks_per_quarter.max(1));
        let notes: Vec<_> = (self.piece.notes.iter())
            .map(|note| {
                json!({
                    "pitch": note.pitch.number(),
                    "name": note.pitch.to_string(),
                    "start": quarters(note.start),
                    "duration": quarters(note.duration),
                    "velocity": note.velocity,
                    "program": note.program,
                })
            })
            .collect();
        json!({
            "key": self.key().map(|key| key.to_string()),
            "meter": self.piece.meter().to_string(),
            "tempo": self.piece.tempo(),
            "bars": self.bars().len(),
            "log_probability": self.log_probability,
            "notes": notes,
        })
        .to_string()
    }

    /// Its frames, with the beginnings of its bars.
    #[cfg(feature = "fit")]
    pub(super) fn frame_piece(&self) -> recurrent_music::FramePiece {
        let bars = self.bars();
        recurrent_music::FramePiece {
            labels: recurrent_music::Labels::of(&self.piece),
            frames: self.frames.clone(),
            bars,
        }
    }

    fn key(&self) -> Option<Key> {
        self.piece.keys.first().map(|(_, key)| *key)
    }

    /// The first frame of each bar.
    fn bars(&self) -> Vec<u32> {
        recurrent_music::bars(&self.piece, self.frames.per_quarter)
    }
}

impl fmt::Display for Composition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.title())?;
        let bars = self.bars();
        for (number, start) in bars.iter().enumerate() {
            let end = bars.get(number + 1).map_or(self.frames.frames.len(), |end| *end as usize);
            let frames = self.frames.frames.get(*start as usize..end).unwrap_or_default();
            let frames: Vec<String> = frames.iter().map(described).collect();
            writeln!(f, "{:3}  {}", number + 1, frames.join(" | "))?;
        }
        Ok(())
    }
}

/// The notes of a frame that begin, and a dot for each that is held.
fn described(frame: &Frame) -> String {
    let notes = frame.iter().map(|note| if note.attack { note.pitch.to_string() } else { ".".into() });
    notes.collect::<Vec<_>>().join(" ")
}
