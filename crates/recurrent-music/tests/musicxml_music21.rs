//! Our reading of small MusicXML files against that of music21 10.5.1.
//!
//! `golden_musicxml.py` writes the files and `music21_xml.json`. Times are compared in quarter notes, to 1e-9. What music21
//! reads otherwise on purpose or by mistake is left to the tests in `musicxml.rs`.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod music21;

use music21::{Reading, assert_same_keys, assert_same_notes, close, fixture, quarters, readings};
use recurrent_music::{MusicXmlFile, Piece, read_musicxml};

/// Microseconds are whole numbers.
fn assert_same_tempos(piece: &Piece, expected: &[(f64, f64)]) {
    assert_eq!(piece.tempos.len(), expected.len());
    for ((tick, tempo), (time, a_minute)) in piece.tempos.iter().zip(expected) {
        assert!(close(quarters(piece, *tick), *time));
        assert_eq!(*tempo, (60e6 / a_minute).round() as u32);
    }
}

fn assert_same_meters(piece: &Piece, reading: &Reading) {
    assert_eq!(piece.meters.len(), reading.meters.len());
    for ((tick, meter), (time, expected)) in piece.meters.iter().zip(&reading.meters) {
        assert!(close(quarters(piece, *tick), *time));
        assert_eq!(meter.to_string(), *expected);
    }
}

#[test]
fn scores_are_read_as_music21_reads_them() {
    let readings = readings("music21_xml.json");
    assert_eq!(readings.len(), 11);
    for (name, reading) in readings {
        let MusicXmlFile { piece, remarks } = read_musicxml(fixture(&name)).unwrap();
        assert_same_notes(&piece, &reading.notes);
        assert_same_tempos(&piece, &reading.tempos);
        assert_same_meters(&piece, &reading);
        assert_same_keys(&piece, &reading);
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
