//! Files, read within a limit.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::abc::decoded;
use crate::{MidiFile, MusicError, MusicXmlFile, Piece, Remarks, Result, parse_abc, parse_midi, parse_musicxml};

/// The bytes of a file.
///
/// # Errors
/// If it cannot be read, or has more than `limit` bytes.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let name = path.display().to_string();
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes));
    if let Err(cause) = read {
        return Err(MusicError::Unreadable { path: name, cause });
    }
    check_size(&name, bytes.len(), limit)?;
    Ok(bytes)
}

/// Refuses a file, or a text in its place, of more than `limit` bytes.
pub(crate) fn check_size(name: &str, bytes: usize, limit: u64) -> Result<()> {
    if bytes as u64 > limit {
        return Err(MusicError::TooLarge { path: name.into(), limit });
    }
    Ok(())
}

/// The name of a file without its folder and its extension.
pub(crate) fn stem(name: &str) -> String {
    Path::new(name).file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The pieces of a MIDI, ABC or MusicXML file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MusicFile {
    /// The piece of a MIDI or MusicXML file, or the tunes of an ABC file, at least one.
    pub pieces: Vec<Piece>,
    /// What was left out.
    pub remarks: Remarks,
}

impl MusicFile {
    /// How the names of such files end, in any case.
    pub const EXTENSIONS: [&str; 6] = ["mid", "midi", "abc", "musicxml", "xml", "mxl"];
    /// The largest file, in bytes.
    pub const MAX_BYTES: u64 = 16 << 20;

    /// Reads a file: one that ends with `.abc` is ABC notation, one that ends with `.musicxml`, `.xml` or `.mxl` is
    /// MusicXML, and any other a MIDI file.
    ///
    /// # Errors
    /// If it cannot be read, and those of [`parse_abc`], [`parse_musicxml`] and [`parse_midi`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::parse(&path.display().to_string(), &read(path, Self::MAX_BYTES)?)
    }

    /// Reads the bytes of a file of this name.
    ///
    /// # Errors
    /// Those of [`parse_abc`], [`parse_musicxml`] and [`parse_midi`].
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self> {
        let extension = Path::new(name).extension().unwrap_or_default().to_ascii_lowercase();
        match extension.to_str() {
            Some("abc") => Ok(Self { pieces: parse_abc(name, &decoded(bytes))?, remarks: Remarks::default() }),
            Some("musicxml" | "xml" | "mxl") => {
                let MusicXmlFile { piece, remarks } = parse_musicxml(name, bytes)?;
                Ok(Self { pieces: vec![piece], remarks })
            }
            _ => {
                let MidiFile { piece, remarks } = parse_midi(name, bytes)?;
                Ok(Self { pieces: vec![piece], remarks })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_the_name_tells_the_format() {
        let tune = b"X:1\nT:Caf\xE9\nM:4/4\nK:C\nCDEF|\n";
        let file = MusicFile::parse("a/tune.ABC", tune).unwrap();
        assert_eq!((file.pieces[0].name.as_str(), file.pieces[0].notes.len()), ("Café", 4));
        let midi = MusicFile::parse("tune.mid", &file.pieces[0].to_midi().unwrap()).unwrap();
        assert_eq!(midi.pieces[0].notes, file.pieces[0].notes);
        assert!(MusicFile::parse("tune.mid", tune).unwrap_err().to_string().starts_with("tune.mid"));
        for name in ["tune.musicxml", "tune.XML", "tune.mxl"] {
            let error = MusicFile::parse(name, b"<score-timewise/>").unwrap_err().to_string();
            assert!(error.starts_with(&format!("{name}, line 1: expected a root element")), "{error}");
        }
    }
}
