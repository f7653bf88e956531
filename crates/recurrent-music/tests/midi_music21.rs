//! Our reading of small MIDI files against that of music21 10.5.1.
//!
//! `golden_music.py` writes the files and `music21.json`. Times are compared in quarter notes, to 1e-9. Everything that
//! we read differently on purpose is a test of its own here.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod music21;

use music21::{Reading, assert_same_keys, assert_same_notes, close, fixture, quarters, readings, same_note};
use recurrent_music::{Meter, MidiFile, Piece, read_midi};

fn both(name: &str) -> (MidiFile, Reading) {
    (read_midi(fixture(&format!("{name}.mid"))).unwrap(), readings("music21.json").remove(name).unwrap())
}

/// music21 rounds tempos to 2 digits.
fn assert_same_tempos(piece: &Piece, reading: &Reading) {
    assert_eq!(piece.tempos.len(), reading.tempos.len());
    for ((tick, tempo), expected) in piece.tempos.iter().zip(&reading.tempos) {
        let a_minute = (60e6 / f64::from(*tempo) * 100.0).round() / 100.0;
        assert!(
            close(quarters(piece, *tick), expected.0) && close(a_minute, expected.1),
            "{tempo} is not {expected:?}"
        );
    }
}

/// music21 says 4/4 where the file says nothing; we leave it to [`Piece::meter`].
fn assert_same_meters(piece: &Piece, reading: &Reading) {
    let default = [(0, Meter::COMMON)];
    let meters = if piece.meters.is_empty() { &default[..] } else { &piece.meters };
    assert_eq!(meters.len(), reading.meters.len());
    for ((tick, Meter { beats, unit }), expected) in meters.iter().zip(&reading.meters) {
        assert!(close(quarters(piece, *tick), expected.0));
        assert_eq!(format!("{beats}/{unit}"), expected.1);
    }
}

fn assert_same(name: &str) {
    let (MidiFile { piece, remarks }, reading) = both(name);
    assert_same_notes(&piece, &reading.notes);
    assert_same_tempos(&piece, &reading);
    assert_same_meters(&piece, &reading);
    assert_same_keys(&piece, &reading);
    assert!(remarks.is_empty());
}

#[test]
fn running_status_is_read_alike() {
    assert_same("running_status");
}

#[test]
fn tracks_tempos_meters_and_keys_are_read_alike() {
    assert_same("several_tracks");
    let programs: Vec<_> = both("several_tracks").0.piece.notes.iter().map(|note| note.program).collect();
    assert_eq!(programs[..3], [42, 40, 40]);
}

#[test]
fn a_pickup_is_read_alike() {
    assert_same("pickup");
}

#[test]
fn chords_are_read_alike() {
    assert_same("chords");
}

#[test]
fn channels_are_read_alike() {
    assert_same("channels");
}

#[test]
fn tuplets_are_read_alike() {
    assert_same("tuplets");
}

/// music21 has drums as notes without a pitch, which `music21.json` leaves out.
#[test]
fn drums_are_left_out_and_counted() {
    let (MidiFile { piece, remarks }, reading) = both("drums");
    assert_same_notes(&piece, &reading.notes);
    assert_eq!(remarks.drum_notes, 4);
}

/// music21 drops a note that has no note-off. We end it with its track, and count it.
#[test]
fn a_note_without_a_note_off_is_kept() {
    let (MidiFile { mut piece, remarks }, reading) = both("missing_note_off");
    let unended = piece.notes.remove(1);
    assert!(same_note(&piece, &unended, &(64, 1.0, 3.0)));
    assert_same_notes(&piece, &reading.notes);
    assert_eq!(remarks.unended, 1);
}

/// music21 ends every note by the next note-off, so that the second note-off of two ends nothing. We pair each note
/// with a note-off of its own, the oldest first.
#[test]
fn overlapping_notes_have_their_own_note_offs() {
    let (MidiFile { piece, .. }, reading) = both("overlap");
    assert_eq!(reading.notes, [(60, 0.0, 2.0), (60, 1.0, 1.0)]);
    assert_same_notes(&piece, &[(60, 0.0, 2.0), (60, 1.0, 2.0)]);
}

/// music21 has a grace note, of no length. We give it 1 tick, and count it.
#[test]
fn a_note_of_no_length_is_a_tick_long() {
    let (MidiFile { piece, remarks }, mut reading) = both("no_length");
    assert_eq!(reading.notes[1], (64, 1.0, 0.0));
    reading.notes[1].2 = 1.0 / 96.0;
    assert_same_notes(&piece, &reading.notes);
    assert_eq!(remarks.empty, 1);
}

/// music21 makes one chord of notes that begin and end less than a sixteenth of a quarter note apart, even without its
/// quantization. We leave every note where it is.
#[test]
fn a_strummed_chord_stays_strummed() {
    let (MidiFile { piece, .. }, mut reading) = both("strummed");
    assert_eq!(reading.notes, [(60, 0.0, 1.0), (64, 0.0, 1.0), (67, 0.0, 1.0)]);
    reading.notes[1].1 = 2.0 / 96.0;
    reading.notes[2].1 = 4.0 / 96.0;
    assert_same_notes(&piece, &reading.notes);
}
