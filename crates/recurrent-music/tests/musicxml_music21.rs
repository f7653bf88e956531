//! Our reading of small MusicXML files against that of music21 10.5.1.
//!
//! `golden_musicxml.py` writes the files and `music21_xml.json`. Times are compared in quarter notes, to 1e-9. What music21
//! reads otherwise on purpose or by mistake is left to the tests in `musicxml.rs`.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use recurrent_music::{Key, Mode, MusicXmlFile, Piece, read_musicxml};
use serde::Deserialize;

/// A file as music21 reads it; times are in quarter notes.
#[derive(Debug, Deserialize)]
struct Reading {
    /// Pitch, onset and duration.
    notes: Vec<(u8, f64, f64)>,
    /// Quarter notes a minute.
    tempos: Vec<(f64, f64)>,
    meters: Vec<(f64, String)>,
    keys: Vec<(f64, (u8, Mode))>,
}

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn quarters(piece: &Piece, ticks: u32) -> f64 {
    f64::from(ticks) / f64::from(piece.ticks_per_quarter)
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

fn assert_same_notes(piece: &Piece, expected: &[(u8, f64, f64)]) {
    assert_eq!(piece.notes.len(), expected.len());
    for (note, (pitch, start, duration)) in piece.notes.iter().zip(expected) {
        let is_same = note.pitch.number() == *pitch
            && close(quarters(piece, note.start), *start)
            && close(quarters(piece, note.duration), *duration);
        assert!(is_same, "{note:?} is not {pitch} from {start} for {duration}");
    }
}

/// Microseconds are whole numbers.
fn assert_same_tempos(piece: &Piece, expected: &[(f64, f64)]) {
    assert_eq!(piece.tempos.len(), expected.len());
    for ((tick, tempo), (time, a_minute)) in piece.tempos.iter().zip(expected) {
        assert!(close(quarters(piece, *tick), *time));
        assert_eq!(*tempo, (60e6 / a_minute).round() as u32);
    }
}

fn assert_same_signatures(piece: &Piece, reading: &Reading) {
    assert_eq!((piece.meters.len(), piece.keys.len()), (reading.meters.len(), reading.keys.len()));
    for ((tick, meter), (time, expected)) in piece.meters.iter().zip(&reading.meters) {
        assert!(close(quarters(piece, *tick), *time));
        assert_eq!(meter.to_string(), *expected);
    }
    for ((tick, key), (time, (tonic, mode))) in piece.keys.iter().zip(&reading.keys) {
        assert!(close(quarters(piece, *tick), *time));
        assert_eq!(*key, Key::new(*tonic, *mode));
    }
}

#[test]
fn scores_are_read_as_music21_reads_them() {
    let text = std::fs::read_to_string(fixture("music21_xml.json")).unwrap();
    let readings: BTreeMap<String, Reading> = serde_json::from_str(&text).unwrap();
    assert_eq!(readings.len(), 11);
    for (name, reading) in readings {
        let MusicXmlFile { piece, remarks } = read_musicxml(fixture(&name)).unwrap();
        assert_same_notes(&piece, &reading.notes);
        assert_same_tempos(&piece, &reading.tempos);
        assert_same_signatures(&piece, &reading);
        let grace_notes = if name == "grace_notes.musicxml" { "6 grace notes left out" } else { "" };
        assert_eq!(remarks.to_string(), grace_notes, "{name}");
    }
}

#[test]
fn titles_and_programs_are_read() {
    let piece = read_musicxml(fixture("transposing.musicxml")).unwrap().piece;
    assert_eq!(piece.name, "Quintet");
    let mut programs: Vec<_> = piece.notes.iter().map(|note| note.program).collect();
    programs.sort_unstable();
    programs.dedup();
    assert_eq!(programs, [43, 60, 71, 72, 73]);
    assert_eq!(read_musicxml(fixture("compressed.mxl")).unwrap().piece.name, "Trio");
    assert_eq!(read_musicxml(fixture("triplets.musicxml")).unwrap().piece.name, "triplets");
}
