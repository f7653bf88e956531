//! What music21 10.5.1 reads from a file, and comparisons with it. Times are in quarter notes, compared to 1e-9.

use std::collections::BTreeMap;
use std::path::PathBuf;

use recurrent_music::{Key, Mode, Note, Piece};
use serde::Deserialize;

/// A file as music21 reads it; times are in quarter notes.
#[derive(Debug, Deserialize)]
pub struct Reading {
    /// Pitch, onset and duration.
    pub notes: Vec<(u8, f64, f64)>,
    /// Quarter notes a minute.
    pub tempos: Vec<(f64, f64)>,
    pub meters: Vec<(f64, String)>,
    pub keys: Vec<(f64, (u8, Mode))>,
}

pub fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// All readings of a file of them, by the name of what was read.
pub fn readings(name: &str) -> BTreeMap<String, Reading> {
    let text = std::fs::read_to_string(fixture(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

pub fn quarters(piece: &Piece, ticks: u32) -> f64 {
    f64::from(ticks) / f64::from(piece.ticks_per_quarter)
}

pub fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

pub fn same_note(piece: &Piece, note: &Note, expected: &(u8, f64, f64)) -> bool {
    let (start, duration) = (quarters(piece, note.start), quarters(piece, note.duration));
    note.pitch.number() == expected.0 && close(start, expected.1) && close(duration, expected.2)
}

pub fn assert_same_notes(piece: &Piece, expected: &[(u8, f64, f64)]) {
    assert_eq!(piece.notes.len(), expected.len());
    for (note, expected) in piece.notes.iter().zip(expected) {
        assert!(same_note(piece, note, expected), "{note:?} is not {expected:?}");
    }
}

pub fn assert_same_keys(piece: &Piece, reading: &Reading) {
    assert_eq!(piece.keys.len(), reading.keys.len());
    for ((tick, key), (time, (tonic, mode))) in piece.keys.iter().zip(&reading.keys) {
        assert!(close(quarters(piece, *tick), *time));
        assert_eq!(*key, Key::new(*tonic, *mode));
    }
}
