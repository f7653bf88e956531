//! Tunes as music21 reads them; `golden_abc.py` wrote its answers down.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::path::Path;

use recurrent_music::{Piece, read_abc};
use serde_json::Value;

/// A note: pitch, onset and duration, in quarter notes as a fraction in lowest terms.
type Sound = (u64, String, String);

fn fixtures() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures"))
}

fn golden() -> BTreeMap<String, Value> {
    let text = std::fs::read_to_string(fixtures().join("music21_abc.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn expected(golden: &BTreeMap<String, Value>, name: &str) -> Vec<Sound> {
    let text = |value: &Value| value.as_str().unwrap().to_string();
    let sound = |note: &Value| (note[0].as_u64().unwrap(), text(&note[1]), text(&note[2]));
    golden[name].as_array().unwrap().iter().map(sound).collect()
}

fn quarters(ticks: u32) -> String {
    let (mut a, mut b) = (ticks, 20_160);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    let (numerator, denominator) = (ticks / a, 20_160 / a);
    if denominator == 1 { numerator.to_string() } else { format!("{numerator}/{denominator}") }
}

fn sounds(piece: &Piece) -> Vec<Sound> {
    let sound =
        |note: &recurrent_music::Note| (u64::from(note.pitch.number()), quarters(note.start), quarters(note.duration));
    piece.notes.iter().map(sound).collect()
}

/// Left to the tests in `abc.rs` is what music21 10.5.1 reads otherwise than the standard says: fields between brackets
/// within a line have no effect there, the rest `x` takes no time, a second `V:1` begins a new part at the beginning, a
/// double flat does not hold to the end of the bar, and a tie after a chord joins nothing.
#[test]
fn tunes_are_read_as_music21_reads_them() {
    let golden = golden();
    for name in golden.keys().filter(|name| name.ends_with(".abc")) {
        let pieces = read_abc(fixtures().join(name)).unwrap();
        assert_eq!(pieces.len(), 1, "{name}");
        assert_eq!(sounds(&pieces[0]), expected(&golden, name), "{name}");
    }
    assert_eq!((golden.len(), &golden["music21"]), (10, &Value::from("10.5.1")));
}
