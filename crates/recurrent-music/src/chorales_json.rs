//! Chorales of Bach as frames of pitches, in the JSON file that papers on polyphonic music use.
//!
//! The file holds the 382 chorales in the split of Boulanger-Lewandowski, Bengio and Vincent, Modeling Temporal
//! Dependencies in High-Dimensional Sequences, 2012. It is an object with the keys `train`, `valid` and `test`. Each is
//! a list of pieces, a piece is a list of frames, one a quarter note, and a frame is the list of the MIDI pitches that
//! sound. It does not tell whether a pitch is struck anew or held.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::{MusicError, Pitch, Result, file};

/// The largest file, in bytes; the usual one has about 0.4 MB.
const MAX_BYTES: u64 = 4 << 20;

/// The pitches that sound together, from the top.
type Frame = Vec<Pitch>;

/// The chorales in three parts. A piece is a list of frames, and a frame the list of its pitches from the top, each
/// once; a frame may be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChoralesJson {
    /// The pieces to learn from.
    pub train: Vec<Vec<Frame>>,
    /// The pieces to choose settings by.
    pub valid: Vec<Vec<Frame>>,
    /// The pieces to measure by.
    pub test: Vec<Vec<Frame>>,
    /// How many pitches were removed because their frame already had them.
    pub duplicates: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    train: Vec<Vec<Vec<Value>>>,
    valid: Vec<Vec<Vec<Value>>>,
    test: Vec<Vec<Vec<Value>>>,
}

impl ChoralesJson {
    /// Reads a file.
    ///
    /// # Errors
    /// If the file cannot be read, is larger than 4 MiB, is not UTF-8, or is refused by [`parse`](Self::parse).
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::from_bytes(&path.display().to_string(), &file::read(path, MAX_BYTES)?)
    }

    /// Reads the bytes of a file; `name` stands for it in messages.
    ///
    /// # Errors
    /// If they are not UTF-8, or are refused by [`parse`](Self::parse).
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Self> {
        let text = str::from_utf8(bytes).map_err(|error| {
            MusicError::invalid(name, format!("byte {}", error.valid_up_to()), "UTF-8", "another encoding")
        })?;
        Self::parse(name, text)
    }

    /// Reads a text; `name` stands for it in messages.
    ///
    /// # Errors
    /// If the text is larger than 4 MiB or no such JSON, with line and column, also if it has other keys; and if a
    /// pitch is not a number from 21 to 108, with the split, the piece and the frame, which are counted from 0.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        file::check_size(name, text.len(), MAX_BYTES)?;
        let raw: Raw = serde_json::from_str(text).map_err(|error| json_error(name, &error))?;
        let mut duplicates = 0;
        let mut pieces = |split: &str, pieces: Vec<Vec<Vec<Value>>>| {
            let piece = |(index, frames): (usize, &Vec<_>)| piece(name, split, index, frames, &mut duplicates);
            pieces.iter().enumerate().map(piece).collect::<Result<Vec<_>>>()
        };
        let (train, valid) = (pieces("train", raw.train)?, pieces("valid", raw.valid)?);
        let test = pieces("test", raw.test)?;
        Ok(Self { train, valid, test, duplicates })
    }
}

fn json_error(name: &str, error: &serde_json::Error) -> MusicError {
    let (line, column) = (error.line(), error.column());
    let message = error.to_string();
    let place = format!(" at line {line} column {column}");
    let found = format!("an error: {}", message.strip_suffix(&place).unwrap_or(&message));
    let expected = r#"{"train": …, "valid": …, "test": …}, each a list of pieces, which are lists of lists of pitches"#;
    MusicError::invalid(name, format!("line {line}, column {column}"), expected, found)
}

fn piece(name: &str, split: &str, piece: usize, frames: &[Vec<Value>], duplicates: &mut usize) -> Result<Vec<Frame>> {
    let frame = |(index, pitches): (usize, &Vec<Value>)| {
        let place = || format!("{split}, piece {piece}, frame {index}");
        let wrong = |value: &Value| MusicError::invalid(name, place(), "a pitch from 21 to 108", shown(value));
        let pitches = pitches.iter().map(|value| pitch(value).ok_or_else(|| wrong(value)));
        let mut frame = pitches.collect::<Result<Frame>>()?;
        frame.sort_unstable_by(|a, b| b.cmp(a));
        let count = frame.len();
        frame.dedup();
        *duplicates += count - frame.len();
        Ok(frame)
    };
    frames.iter().enumerate().map(frame).collect()
}

fn pitch(value: &Value) -> Option<Pitch> {
    value.as_u64().and_then(|number| u8::try_from(number).ok()).and_then(Pitch::new)
}

/// A value as it is shown in a message, of at most 40 characters.
fn shown(value: &Value) -> String {
    value.to_string().chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ChoralesJson> {
        ChoralesJson::parse("a.json", text)
    }

    fn error(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    fn numbers(frames: &[Frame]) -> Vec<Vec<u8>> {
        frames.iter().map(|frame| frame.iter().map(|pitch| pitch.number()).collect()).collect()
    }

    #[test]
    fn pitches_are_sorted_from_the_top_and_each_is_there_once() {
        let text = r#"{"test": [[[]]], "train": [[[60, 64, 60, 67], [48]], []], "valid": [[[108, 21], [50, 50, 50]]]}"#;
        let chorales = parse(text).unwrap();
        assert_eq!(numbers(&chorales.train[0]), [vec![67, 64, 60], vec![48]]);
        assert_eq!(numbers(&chorales.valid[0]), [vec![108, 21], vec![50]]);
        assert_eq!((chorales.train.len(), chorales.test, chorales.duplicates), (2, vec![vec![vec![]]], 3));
    }

    #[test]
    fn a_wrong_pitch_is_found_by_its_split_piece_and_frame() {
        for wrong in ["109", "20", "-1", "300", "60.0", "null", "\"C4\"", "[60]"] {
            let text = format!(r#"{{"train": [], "valid": [], "test": [[], [], [[60], [62], [64, {wrong}]]]}}"#);
            let expected = format!("a.json, test, piece 2, frame 2: expected a pitch from 21 to 108, found {wrong}");
            assert_eq!(error(&text), expected);
        }
    }

    #[test]
    fn other_json_is_refused_with_its_place() {
        let other = error(r#"{"train": [], "valid": [], "test": [], "extra": []}"#);
        assert!(other.starts_with("a.json, line 1, column ") && other.contains("unknown field `extra`"), "{other}");
        let twice = error(r#"{"train": [], "train": [], "valid": [], "test": []}"#);
        assert!(twice.contains("duplicate field `train`"), "{twice}");
        assert!(error(r#"{"train": [], "valid": []}"#).contains("missing field `test`"));
        assert!(error("{\"train\":\n [[60]]}").starts_with("a.json, line 2, column 5: expected {\"train\""));
        assert!(error("").contains("found an error: EOF"));
        assert!(error(&"[".repeat(100_000)).contains("expected {\"train\""));
    }

    #[test]
    fn a_large_file_is_refused() {
        assert!(error(&" ".repeat(5 << 20)).contains("at most 4194304 bytes"));
    }

    #[test]
    fn files_are_read_or_refused_with_their_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chorales.json");
        std::fs::write(&path, r#"{"train": [[[60]]], "valid": [], "test": []}"#).unwrap();
        assert_eq!(numbers(&ChoralesJson::open(&path).unwrap().train[0]), [[60]]);
        std::fs::write(&path, b"{\xff").unwrap();
        let error = ChoralesJson::open(&path).unwrap_err().to_string();
        assert!(error.ends_with("chorales.json, byte 1: expected UTF-8, found another encoding"), "{error}");
        let error = ChoralesJson::open(folder.path().join("none.json")).unwrap_err().to_string();
        assert!(error.contains("none.json: expected a readable file"), "{error}");
    }
}
