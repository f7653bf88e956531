//! The chunks that a MIDI file is made of.

use super::hexadecimal;
use crate::{MusicError, Result};

/// The parts of a MIDI file: what its header says, and its tracks.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chunks<'a> {
    pub(super) ticks_per_quarter: u16,
    pub(super) tracks: Vec<TrackChunk<'a>>,
    /// Bytes after the last track that are no chunk.
    pub(super) trailing_bytes: usize,
}

/// The events of a track, still as bytes, and where in the file they begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TrackChunk<'a> {
    pub(super) at: usize,
    pub(super) events: &'a [u8],
}

impl<'a> Chunks<'a> {
    /// The chunks of a file. `name` stands in messages for its path.
    pub(super) fn parse(name: &'a str, bytes: &'a [u8]) -> Result<Self> {
        let mut cursor = Cursor::new(name, bytes)?;
        let (ticks_per_quarter, count) = cursor.header()?;
        let (tracks, trailing_bytes) = cursor.tracks(count.into())?;
        Ok(Self { ticks_per_quarter, tracks, trailing_bytes })
    }
}

/// A place in the bytes of a file.
struct Cursor<'a> {
    name: &'a str,
    bytes: &'a [u8],
    at: usize,
}

/// Four letters, and what follows them.
struct Chunk<'a> {
    id: [u8; 4],
    at: usize,
    data: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// The place where the header should be.
    fn new(name: &'a str, bytes: &'a [u8]) -> Result<Self> {
        if bytes.starts_with(b"MThd") {
            return Ok(Self { name, bytes, at: 0 });
        }
        if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"RMID") {
            return Self::inside_riff(name, bytes);
        }
        Err(MusicError::invalid(name, "", "a MIDI file, which begins with `MThd`", looks_like(bytes)))
    }

    /// The place inside an RMID file: a RIFF file with the MIDI file in its chunk `data`.
    fn inside_riff(name: &'a str, bytes: &'a [u8]) -> Result<Self> {
        let mut at = 12;
        while let Some((id, length)) = bytes.get(at..).and_then(riff_chunk) {
            let start = at + 8;
            let available = bytes.len() - start;
            if length > available {
                let expected = format!("{length} bytes of the chunk `{}`", id.escape_ascii());
                return Err(MusicError::invalid(name, place(at), expected, format!("{available}")));
            }
            let end = start + length;
            if id == *b"data" {
                return Ok(Self { name, bytes: &bytes[..end], at: start });
            }
            at = end + length % 2;
        }
        Err(MusicError::invalid(name, place(at), "the chunk `data` of an RMID file", "the end of the file"))
    }

    /// Ticks of a quarter note, and how many tracks there should be.
    fn header(&mut self) -> Result<(u16, u16)> {
        let Chunk { id, at, data } = self.chunk("the header `MThd`")?;
        let invalid =
            |at, expected: &str, found: String| Err(MusicError::invalid(self.name, place(at), expected, found));
        if id != *b"MThd" {
            return invalid(at - 8, "the header `MThd`", format!("`{}`", id.escape_ascii()));
        }
        let &[format_high, format_low, count_high, count_low, division_high, division_low, ..] = data else {
            return invalid(at, "a header of 6 bytes", format!("{} bytes", data.len()));
        };
        let format = u16::from_be_bytes([format_high, format_low]);
        let count = u16::from_be_bytes([count_high, count_low]);
        let division = u16::from_be_bytes([division_high, division_low]);
        match (format, count, division) {
            (2.., _, _) => invalid(at, "format 0 or 1", format!("format {format}")),
            (_, 0, _) => invalid(at + 2, "at least 1 track", "0 tracks".into()),
            (_, _, 0) => invalid(at + 4, "at least 1 tick of a quarter note", "0".into()),
            (_, _, 0x8000..) => invalid(at + 4, "time in ticks of a quarter note", "time in SMPTE frames".into()),
            _ => Ok((division, count)),
        }
    }

    /// All tracks, at least `count`, and how many bytes after them are no chunk. Chunks of other kinds, which the
    /// standard leaves to later versions, are passed over.
    fn tracks(&mut self, count: usize) -> Result<(Vec<TrackChunk<'a>>, usize)> {
        let mut tracks = Vec::new();
        loop {
            let (rest, is_complete) = (self.rest(), tracks.len() >= count);
            let expected = if is_complete {
                "one more track or the end of the file".into()
            } else {
                format!("track {} of {count}", tracks.len() + 1)
            };
            match self.chunk(&expected) {
                Ok(Chunk { id, at, data }) if id == *b"MTrk" => tracks.push(TrackChunk { at, events: data }),
                Ok(Chunk { id, at, .. }) if id == *b"MThd" => {
                    return Err(MusicError::invalid(self.name, place(at - 8), expected, "a second header"));
                }
                Ok(_) => {}
                Err(_) if is_complete && !rest.starts_with(b"MTrk") => return Ok((tracks, rest.len())),
                Err(error) => return Err(error),
            }
        }
    }

    /// The next chunk. After an error the place is where it was.
    fn chunk(&mut self, expected: &str) -> Result<Chunk<'a>> {
        let rest = self.rest();
        let invalid = |found: String| MusicError::invalid(self.name, place(self.at), expected, found);
        if rest.is_empty() {
            return Err(invalid("the end of the file".into()));
        }
        let (id, length, rest) = midi_chunk(rest).ok_or_else(|| invalid(hexadecimal(rest)))?;
        let data = rest.get(..length).ok_or_else(|| {
            let id = id.escape_ascii();
            invalid(format!("a chunk `{id}` of {length} bytes of which the file has {}", rest.len()))
        })?;
        let at = self.at + 8;
        self.at = at + length;
        Ok(Chunk { id, at, data })
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }
}

fn place(at: usize) -> String {
    format!("byte {at}")
}

/// The name and the length of the chunk that bytes begin with, and the bytes after them; `None` if that is no name.
fn midi_chunk(bytes: &[u8]) -> Option<([u8; 4], usize, &[u8])> {
    let (id, rest) = bytes.split_first_chunk::<4>()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let is_name = id.iter().all(|byte| (b' '..=b'~').contains(byte));
    Some((*id, usize::try_from(u32::from_be_bytes(*length)).ok()?, rest)).filter(|_| is_name)
}

/// The name and the length of the chunk of a RIFF file that bytes begin with.
fn riff_chunk(bytes: &[u8]) -> Option<([u8; 4], usize)> {
    let (id, rest) = bytes.split_first_chunk::<4>()?;
    let length = rest.first_chunk::<4>()?;
    Some((*id, usize::try_from(u32::from_le_bytes(*length)).ok()?))
}

/// What bytes that are no MIDI file seem to be.
fn looks_like(bytes: &[u8]) -> String {
    const KINDS: [(&[u8], &str); 9] = [
        (b"RIFF", "a RIFF file that is not RMID"),
        (b"FORM", "an IFF file"),
        (b"ID3", "an MP3 file"),
        (b"OggS", "an Ogg file"),
        (b"fLaC", "a FLAC file"),
        (b"PK\x03\x04", "a ZIP file"),
        (b"\x1f\x8b", "a gzip file"),
        (b"MTrk", "a track without a header"),
        (b"<", "XML or HTML"),
    ];
    let is_control = |c: char| c.is_control() && !c.is_whitespace();
    match (KINDS.iter().find(|(start, _)| bytes.starts_with(start)), str::from_utf8(bytes)) {
        _ if bytes.is_empty() => "an empty file".into(),
        (Some((_, kind)), _) => (*kind).into(),
        (None, Ok(text)) if !text.contains(is_control) => "text".into(),
        _ => hexadecimal(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] = b"MThd\0\0\0\x06\0\x01\0\x02\0\x60";
    const EMPTY_TRACK: &[u8] = b"MTrk\0\0\0\x04\0\xff\x2f\0";

    fn error(bytes: &[u8]) -> String {
        Chunks::parse("x.mid", bytes).unwrap_err().to_string()
    }

    fn file(parts: &[&[u8]]) -> Vec<u8> {
        parts.concat()
    }

    #[test]
    fn unknown_chunks_are_passed_over() {
        let bytes = file(&[HEADER, b"XFIH\0\0\0\x01!", EMPTY_TRACK, EMPTY_TRACK, b"XFKM\0\0\0\0"]);
        let chunks = Chunks::parse("", &bytes).unwrap();
        assert_eq!((chunks.ticks_per_quarter, chunks.trailing_bytes), (96, 0));
        let track = |at| TrackChunk { at, events: b"\0\xff\x2f\0" };
        assert_eq!(chunks.tracks, [track(31), track(43)]);
    }

    #[test]
    fn padding_is_counted() {
        let bytes = file(&[HEADER, EMPTY_TRACK, EMPTY_TRACK, &[0; 100]]);
        assert_eq!(Chunks::parse("", &bytes).unwrap().trailing_bytes, 100);
    }

    #[test]
    fn an_rmid_file_is_unwrapped() {
        let smf = file(&[HEADER, EMPTY_TRACK, EMPTY_TRACK]);
        let riff = file(&[b"RIFF\x46\0\0\0RMIDINFO\x01\0\0\0!\0data\x26\0\0\0", &smf, b"disp\0\0\0\0"]);
        let chunks = Chunks::parse("", &riff).unwrap();
        assert_eq!((chunks.tracks.len(), chunks.tracks[0].at, chunks.trailing_bytes), (2, 52, 0));
        assert_eq!(error(&riff[..60]), "x.mid, byte 22: expected 38 bytes of the chunk `data`, found 30");
        assert!(
            error(&riff[..24])
                .ends_with("byte 22: expected the chunk `data` of an RMID file, found the end of the file")
        );
    }

    #[test]
    fn other_files_are_named() {
        let found = |bytes: &[u8]| {
            let error = error(bytes);
            error.strip_prefix("x.mid: expected a MIDI file, which begins with `MThd`, found ").unwrap().to_string()
        };
        assert_eq!(found(b""), "an empty file");
        assert_eq!(found(b"X:1\nK:C\nCDEF|\n"), "text");
        assert_eq!(found(b"RIFF\0\0\0\0WAVEfmt "), "a RIFF file that is not RMID");
        assert_eq!(found(b"<?xml version"), "XML or HTML");
        assert_eq!(found(&[0, 1, 0xFE]), "00 01 FE");
    }

    #[test]
    fn a_header_says_what_can_be_a_piece() {
        let header = |format: u8, tracks: u8, division: [u8; 2]| {
            error(&[b"MThd\0\0\0\x06\0", [format, 0, tracks].as_slice(), &division].concat())
        };
        assert_eq!(header(2, 1, [0, 96]), "x.mid, byte 8: expected format 0 or 1, found format 2");
        assert_eq!(header(1, 0, [0, 96]), "x.mid, byte 10: expected at least 1 track, found 0 tracks");
        assert_eq!(header(1, 1, [0, 0]), "x.mid, byte 12: expected at least 1 tick of a quarter note, found 0");
        assert!(
            header(1, 1, [0x80, 40]).ends_with("expected time in ticks of a quarter note, found time in SMPTE frames")
        );
        assert_eq!(error(b"MThd\0\0\0\x04\0\x01\0\x01"), "x.mid, byte 8: expected a header of 6 bytes, found 4 bytes");
    }

    #[test]
    fn a_file_that_is_cut_off_is_refused() {
        let bytes = file(&[HEADER, EMPTY_TRACK, EMPTY_TRACK]);
        assert_eq!(error(&bytes[..26]), "x.mid, byte 26: expected track 2 of 2, found the end of the file");
        assert_eq!(error(&bytes[..29]), "x.mid, byte 26: expected track 2 of 2, found 4D 54 72");
        let found = "found a chunk `MTrk` of 4 bytes of which the file has 3";
        assert_eq!(error(&bytes[..37]), format!("x.mid, byte 26: expected track 2 of 2, {found}"));
        assert!((4..bytes.len()).all(|length| Chunks::parse("", &bytes[..length]).is_err()));
    }

    #[test]
    fn a_header_may_count_too_few_tracks() {
        let bytes = file(&[HEADER, EMPTY_TRACK, EMPTY_TRACK, b"XFIH\0\0\0\0", EMPTY_TRACK]);
        let chunks = Chunks::parse("", &bytes).unwrap();
        assert_eq!((chunks.tracks.len(), chunks.trailing_bytes), (3, 0));
        let found = "found a chunk `MTrk` of 4 bytes of which the file has 3";
        let expected = "expected one more track or the end of the file";
        assert_eq!(error(&bytes[..bytes.len() - 1]), format!("x.mid, byte 46: {expected}, {found}"));
    }

    #[test]
    fn a_second_header_is_refused() {
        let bytes = file(&[HEADER, EMPTY_TRACK, HEADER]);
        assert_eq!(error(&bytes), "x.mid, byte 26: expected track 2 of 2, found a second header");
    }
}
