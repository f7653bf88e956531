//! Reading of MIDI files.

use std::collections::BTreeMap;
use std::path::Path;

use super::channel::Channel;
use super::chunks::Chunks;
use super::track::TrackReader;
use crate::{Key, Meter, MusicError, Note, Piece, Remarks, Result, file};

/// Bytes of the largest file that is read, 16 MiB.
const LARGEST: usize = 16 << 20;

/// A piece from a MIDI file, and what it does not say of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MidiFile {
    /// The piece.
    pub piece: Piece,
    /// What was left out.
    pub remarks: Remarks,
}

/// Reads a MIDI file.
///
/// # Errors
///
/// [`MusicError::Unreadable`] and [`MusicError::TooLarge`], and those of [`parse_midi`].
pub fn read_midi(path: impl AsRef<Path>) -> Result<MidiFile> {
    let path = path.as_ref();
    parse_midi(&path.display().to_string(), &file::read(path, LARGEST as u64)?)
}

/// Reads the bytes of a MIDI file. `name` stands in messages for its path; without its folder and its extension it is
/// the title of a piece that has none.
///
/// # Errors
///
/// [`MusicError::Invalid`] if the bytes are no MIDI file, are damaged, or have nothing but notes that cannot be
/// represented, with the place: a byte, counted from 0, and a track, counted from 1. [`MusicError::NoNotes`] and
/// [`MusicError::TooLarge`].
pub fn parse_midi(name: &str, bytes: &[u8]) -> Result<MidiFile> {
    file::check_size(name, bytes.len(), LARGEST as u64)?;
    let chunks = Chunks::parse(name, bytes)?;
    let mut music = Music::default();
    music.remarks.trailing_bytes = chunks.trailing_bytes;
    for (index, chunk) in chunks.tracks.into_iter().enumerate() {
        TrackReader::new(name, index + 1, chunk, &mut music).read()?;
    }
    music.into_file(name, chunks.ticks_per_quarter)
}

/// What the tracks of a file say, together.
#[derive(Default)]
pub(super) struct Music {
    /// Notes, still without their programs.
    pub(super) notes: Vec<(Channel, Note)>,
    pub(super) programs: BTreeMap<(Channel, u32), u8>,
    pub(super) tempos: BTreeMap<u32, u32>,
    pub(super) meters: BTreeMap<u32, Meter>,
    pub(super) keys: BTreeMap<u32, Key>,
    pub(super) title: Option<String>,
    pub(super) remarks: Remarks,
    /// How many events there were.
    pub(super) events: usize,
}

impl Music {
    fn into_file(self, name: &str, ticks_per_quarter: u16) -> Result<MidiFile> {
        self.check_notes(name)?;
        let piece = Piece {
            notes: self.sorted_notes(),
            name: self.title.unwrap_or_else(|| file::stem(name)),
            ticks_per_quarter,
            tempos: self.tempos.into_iter().collect(),
            meters: self.meters.into_iter().collect(),
            keys: self.keys.into_iter().collect(),
        };
        Ok(MidiFile { piece, remarks: self.remarks })
    }

    fn check_notes(&self, name: &str) -> Result<()> {
        let Remarks { drum_notes, out_of_range, .. } = self.remarks;
        match (self.notes.is_empty(), drum_notes + out_of_range) {
            (false, _) => Ok(()),
            (true, 0) => Err(MusicError::NoNotes { path: name.into() }),
            (true, others) => {
                let found = format!("only {others} others ({drum_notes} drum notes, {out_of_range} outside A0 to C8)");
                Err(MusicError::invalid(name, "", "at least 1 note from A0 to C8 outside channel 10", found))
            }
        }
    }

    fn sorted_notes(&self) -> Vec<Note> {
        let with_program =
            |(channel, note): &(Channel, Note)| Note { program: self.program(*channel, note.start), ..*note };
        let mut notes: Vec<_> = self.notes.iter().map(with_program).collect();
        notes.sort_unstable();
        notes
    }

    fn program(&self, channel: Channel, tick: u32) -> u8 {
        self.programs.range((channel, 0)..=(channel, tick)).next_back().map_or(0, |(_, program)| *program)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTE: &[u8] = b"\0\x90\x3C\x40\x04\x3C\0";
    const END: &[u8] = b"\0\xFF\x2F\0";

    /// A file of format 1 with 96 ticks of a quarter note.
    fn file(tracks: &[&[&[u8]]]) -> Vec<u8> {
        let mut bytes = [b"MThd\0\0\0\x06\0\x01\0".as_slice(), &[tracks.len() as u8, 0, 96]].concat();
        for events in tracks.iter().map(|parts| parts.concat()) {
            bytes.extend([b"MTrk".as_slice(), &(events.len() as u32).to_be_bytes(), &events].concat());
        }
        bytes
    }

    fn read(tracks: &[&[&[u8]]]) -> Piece {
        parse_midi("songs/A song.mid", &file(tracks)).unwrap().piece
    }

    #[test]
    fn tracks_sound_together() {
        let piece = read(&[&[b"\x02\x90\x43\x40\x04\x43\0", END], &[b"\0\xC1\x28\0\x91\x3C\x40\x04\x3C\0", END]]);
        let notes: Vec<_> = piece.notes.iter().map(|note| (note.start, note.pitch.number(), note.program)).collect();
        assert_eq!(notes, [(0, 60, 40), (2, 67, 0)]);
        assert_eq!(piece.ticks_per_quarter, 96);
    }

    #[test]
    fn of_changes_at_one_tick_the_last_counts() {
        let first: &[u8] = b"\x02\xFF\x51\x03\0\0\x01\0\xFF\x51\x03\0\0\x02\0\xFF\x59\x02\x01\0";
        let second: &[u8] = b"\x01\xFF\x51\x03\0\0\x03\x01\xFF\x59\x02\x02\0\0\xFF\x58\x04\x03\x03\x18\x08";
        let piece = read(&[&[first, END], &[second, NOTE, END]]);
        assert_eq!(piece.tempos, [(1, 3), (2, 2)]);
        assert_eq!(piece.keys, [(2, "D".parse().unwrap())]);
        assert_eq!(piece.meters, [(2, Meter { beats: 3, unit: 8 })]);
    }

    #[test]
    fn a_program_belongs_to_a_channel_of_a_port() {
        let other_port: &[u8] = b"\0\xFF\x21\x01\x01\0\xC0\x07";
        let piece = read(&[&[NOTE, b"\0\xC0\x05", NOTE, END], &[other_port, NOTE, END], &[b"\x02\xC0\x01", END]]);
        let programs: Vec<_> = piece.notes.iter().map(|note| (note.start, note.program)).collect();
        assert_eq!(programs, [(0, 0), (0, 7), (4, 5)]);
    }

    #[test]
    fn notes_of_different_tracks_do_not_end_each_other() {
        let piece = read(&[&[b"\0\x90\x3C\x40\x08\x3C\0", END], &[b"\x01\x90\x3C\x40\x02\x3C\0", END]]);
        let notes: Vec<_> = piece.notes.iter().map(|note| (note.start, note.duration)).collect();
        assert_eq!(notes, [(0, 8), (1, 2)]);
    }

    #[test]
    fn the_title_is_the_name_of_the_first_track_or_of_the_file() {
        let title = |text: &[u8]| [&[0, 0xFF, 0x03, text.len() as u8], text].concat();
        assert_eq!(read(&[&[&title(b"Minuet"), &title(b"x"), NOTE, END], &[&title(b"Piano"), END]]).name, "Minuet");
        assert_eq!(read(&[&[&title(b" "), NOTE, END], &[&title(b"Piano"), END]]).name, "A song");
    }

    #[test]
    fn a_file_needs_notes() {
        let error = |events: &[u8]| parse_midi("x.mid", &file(&[&[events, END]])).unwrap_err().to_string();
        assert_eq!(error(b""), "x.mid: expected at least 1 note, found 0");
        let expected = "at least 1 note from A0 to C8 outside channel 10";
        let found = "only 2 others (1 drum notes, 1 outside A0 to C8)";
        assert_eq!(error(b"\0\x99\x24\x40\0\x90\0\x40"), format!("x.mid: expected {expected}, found {found}"));
    }

    #[test]
    fn files_have_a_largest_size() {
        let error = parse_midi("x.mid", &vec![0; LARGEST + 1]).unwrap_err().to_string();
        assert_eq!(error, "x.mid: expected a file of at most 16777216 bytes, found more");
    }

    #[test]
    fn files_have_a_largest_number_of_events() {
        let events = b"\0\x3C\0".repeat(1_000_000);
        let error = parse_midi("x.mid", &file(&[&[b"\0\x90\x3C\0", &events, END]])).unwrap_err().to_string();
        assert_eq!(error, "x.mid, track 1, byte 3000023: expected at most 1000000 events, found more");
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = read_midi("no/such.mid").unwrap_err().to_string();
        assert!(error.starts_with("no/such.mid: expected a readable file: "), "{error}");
    }
}
