//! MusicXML 4.0 (<https://www.w3.org/2021/06/musicxml40/>) and before, as text or compressed.
//!
//! A file is an XML document in UTF-8, or in UTF-16 that begins with its byte order mark, whose root is
//! `score-partwise`; or a zip file (`.mxl`) whose `META-INF/container.xml` names such a document. Whether it is one or
//! the other is told by its first bytes.
//!
//! # What is read
//!
//! - Notes from A0 to C8 of all parts, voices and staves, which sound together. `transpose` is applied, so that pitches
//!   are those that sound; an alteration that is no whole number of semitones is rounded, halfway to the higher one.
//! - Chords, rests, `backup` and `forward`. A measure is as long as the part that goes furthest in it, whatever the meter
//!   says, so that pickups and short measures stay aligned.
//! - Ties: a tied note is continued by the note of its part and pitch that begins just where it ends, whether or not that
//!   one is marked as the end of a tie, as in ABC. An end without a beginning is a new note.
//! - Repeats with their `times` and endings, which are played out. It is enough if one part has them.
//! - Tempos of `sound`, meters (3+2/8 and 3/4+2/8 are summed), and major and minor keys, as they sound. A key of another
//!   mode, or of none, is unknown; if a major or minor key changes to such a one, the piece has no keys. Of parts that
//!   disagree at a time, the first one decides.
//! - The program of the first `midi-instrument` of a part, and the title: `work-title`, or else `movement-title`, or
//!   else the name of the file.
//!
//! Grace notes, cue notes and notes without a pitch are left out, and jumps such as D.C. or to a coda are not followed.
//! What would change the notes is counted in [`Remarks`]. Everything else (dynamics, articulation, ornaments, lyrics,
//! chord symbols, layout) is passed over.
//!
//! # What is refused
//!
//! Other roots than `score-partwise`, what is no well-formed XML, and times that are no whole numbers of ticks or go back
//! beyond the beginning of a measure. Nothing outside of the file is ever loaded, and entities of the file's own are
//! refused. So that nothing grows without bound, there are also limits on bytes, packed and unpacked, on the tags and
//! attributes of a document, and on what is played.

mod barline;
mod changes;
mod container;
mod direction;
mod document;
mod element;
mod encoding;
mod note;
mod part;
mod play;
mod resolution;
mod score;
mod signature;
mod transposition;

use std::path::Path;

use document::XmlFile;
use element::Element;
use score::Score;

use crate::{MusicError, MusicFile, Piece, Remarks, Result, file};

/// The latest tick at which a note may begin or end.
const LATEST: u32 = i32::MAX as u32;

/// A piece from a MusicXML file, and what it does not say of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MusicXmlFile {
    /// The piece.
    pub piece: Piece,
    /// What was left out.
    pub remarks: Remarks,
}

/// Reads a MusicXML file, compressed or not.
///
/// # Errors
///
/// [`MusicError::Unreadable`] and [`MusicError::TooLarge`], and those of [`parse_musicxml`].
pub fn read_musicxml(path: impl AsRef<Path>) -> Result<MusicXmlFile> {
    let path = path.as_ref();
    parse_musicxml(&path.display().to_string(), &file::read(path, MusicFile::MAX_BYTES)?)
}

/// Reads the bytes of a MusicXML file, compressed or not. `name` stands in messages for its path; without its folder and
/// its extension it is the title of a piece that has none.
///
/// The ticks of a quarter note are the least common multiple of all `divisions`, and every note has velocity 80.
///
/// # Errors
///
/// [`MusicError::Invalid`] at the first thing that cannot be read, with its line, for example if the bytes are no score,
/// are damaged, or have nothing but notes that cannot be represented. [`MusicError::NoNotes`] and
/// [`MusicError::TooLarge`]. Also if the score has more than 64 MiB, 4,194,304 tags or attributes, or, with its repeats,
/// 1,000,000 notes and measures or 2³¹ - 1 ticks.
pub fn parse_musicxml(name: &str, bytes: &[u8]) -> Result<MusicXmlFile> {
    file::check_size(name, bytes.len(), MusicFile::MAX_BYTES)?;
    let packed = container::score(name, bytes)?;
    let xml_file = XmlFile { path: name, entry: &packed.entry };
    let text = encoding::decoded(xml_file, &packed.bytes)?;
    let document = document::parse(xml_file, &text)?;
    let score = Score::read(Element::root(xml_file, &document))?;
    let piece = play::piece(name, &score)?;
    check_notes(name, &piece, &score.remarks)?;
    Ok(MusicXmlFile { piece, remarks: score.remarks })
}

fn check_notes(name: &str, piece: &Piece, remarks: &Remarks) -> Result<()> {
    let Remarks { drum_notes, out_of_range, grace_notes, .. } = *remarks;
    match (piece.notes.is_empty(), drum_notes + out_of_range + grace_notes) {
        (false, _) => Ok(()),
        (true, 0) => Err(MusicError::NoNotes { path: name.into() }),
        (true, others) => {
            let kinds =
                format!("{drum_notes} without a pitch, {out_of_range} outside A0 to C8, {grace_notes} grace notes");
            Err(MusicError::invalid(
                name,
                "",
                "at least 1 note from A0 to C8",
                format!("only {others} others ({kinds})"),
            ))
        }
    }
}
