//! Tunes in ABC notation, version 2.1 (<https://abcnotation.com/wiki/abc:standard:v2.1>).
//!
//! Read are the fields X, T, M, L, Q, K and V, also M, L, Q, K and V within the music (on a line or between brackets);
//! notes with accidentals, octaves and lengths; rests; broken rhythms; tuplets; ties; chords; bar lines with repeats
//! and endings, which are played out; and voices, which are merged in time.
//!
//! Ignored is what has no pitch or length of its own: chord symbols and annotations (`"Am"`), grace notes, slurs,
//! decorations, lyrics, symbol lines, comments and directives (`%%`), the free text between tunes, and all other
//! fields. Of the field P only the label within the music counts: a repeat goes back to it. The order of parts in the
//! header is not played out.
//!
//! Where the standard leaves a choice:
//! - an accidental holds to the end of the bar in every octave, and over a bar line for a note that is tied;
//! - `HP` and `Hp`, the keys of the pipes, sound with F♯ and C♯;
//! - `+8` and `-8` after a clef, `octave=` and `transpose=` change what sounds;
//! - a number alone in a field Q counts unit note lengths a minute;
//! - a field in the music holds for its voice only, and M there leaves the unit note length alone;
//! - of two voices that disagree about tempo, meter or key at a time, the first one decides.

mod cursor;
mod field;
mod fraction;
mod music;
mod note;
mod place;
mod render;
mod signature;
mod tune;
mod tuplet;
mod voice;

use std::borrow::Cow;
use std::path::Path;

use field::Field;
use place::Place;
use tune::{Header, Tune};

use crate::{MusicError, Piece, Result, file};

/// The largest file, in bytes.
const MAX_BYTES: u64 = 16 << 20;

/// The most tunes of a file.
const MAX_TUNES: usize = 1 << 16;

/// The most notes of all tunes of a file.
const MAX_NOTES: usize = 1 << 22;

/// Reads the tunes of a file; see [`parse_abc`]. A file that is not UTF-8 is taken for ISO 8859-1, as in ABC 1.
///
/// # Errors
/// If the file cannot be read, is larger than 16 MiB, or is refused by [`parse_abc`].
pub fn read_abc(path: impl AsRef<Path>) -> Result<Vec<Piece>> {
    let path = path.as_ref();
    parse(&path.display().to_string(), &decoded(&file::read(path, MAX_BYTES)?))
}

/// Reads the tunes of a text, each as a piece with its title. `name` stands for the text in messages, and for the title
/// of a tune that has none.
///
/// Every piece has 20160 ticks of a quarter note, and notes of velocity 80 and program 0. Its keys are the major and
/// minor ones; if one of them changes to a key in another mode, the piece has no keys.
///
/// # Errors
/// At the first thing that cannot be read, with its line and column: an unknown key, a bracket that is not closed, a
/// length of 0 or finer than the ticks, a note that no piano has, a tune without notes, a text without tunes. Also if
/// the text is larger than 16 MiB, a tune has more than 262,144 notes, rests and bar lines, repeats included, or more
/// than 64 voices, or there are more than 65,536 tunes or 4,194,304 notes in all.
pub fn parse_abc(name: &str, text: &str) -> Result<Vec<Piece>> {
    file::check_size(name, text.len(), MAX_BYTES)?;
    parse(name, text)
}

/// The text of a file: UTF-8, or else ISO 8859-1, which has the first 256 characters of Unicode.
pub(crate) fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    str::from_utf8(bytes).map_or_else(|_| bytes.iter().copied().map(char::from).collect(), Cow::Borrowed)
}

fn parse(name: &str, text: &str) -> Result<Vec<Piece>> {
    let mut reader = Reader::new(name);
    for (index, line) in text.strip_prefix('\u{feff}').unwrap_or(text).lines().enumerate() {
        reader.line(index + 1, line)?;
    }
    reader.finish()
}

/// A file that is being read, line by line.
struct Reader<'a> {
    name: &'a str,
    header: Header<'a>,
    tune: Option<Tune<'a>>,
    /// The line and the name of a block of text, such as `%%begintext`, that is still open.
    block: Option<(Place<'a>, &'a str)>,
    pieces: Vec<Piece>,
    most_notes: usize,
}

impl<'a> Reader<'a> {
    fn new(name: &'a str) -> Self {
        Self { name, header: Header::default(), tune: None, block: None, pieces: Vec::new(), most_notes: MAX_NOTES }
    }

    fn line(&mut self, number: usize, line: &'a str) -> Result<()> {
        let place = Place { path: self.name, line: number, column: 1 };
        if self.is_in_block(place, line) || line.starts_with('%') {
            return Ok(());
        }
        let text = without_comment(line);
        let field = Field::of_line(self.name, number, text);
        match (&mut self.tune, field) {
            (_, Some(field)) if field.letter == 'X' => {
                self.end_tune()?;
                self.check_tunes(place)?;
                self.tune = Some(Tune::new(place, self.header.clone()));
                Ok(())
            }
            _ if line.trim().is_empty() => self.end_tune(),
            _ if text.trim().is_empty() => Ok(()),
            (Some(tune), _) => tune.line(number, text),
            (None, Some(field)) if self.pieces.is_empty() && "MLQ".contains(field.letter) => self.header.field(field),
            (None, _) => Ok(()),
        }
    }

    /// Goes into and out of blocks of text, and tells whether the line belongs to one.
    fn is_in_block(&mut self, place: Place<'a>, line: &'a str) -> bool {
        let directive = line.strip_prefix("%%").map_or("", str::trim);
        match self.block {
            Some((_, name)) if directive.strip_prefix("end") == Some(name) => self.block = None,
            Some(_) => {}
            None => {
                let name = directive.strip_prefix("begin").and_then(|name| name.split_whitespace().next());
                self.block = name.map(|name| (place, name));
                return name.is_some();
            }
        }
        true
    }

    fn end_tune(&mut self) -> Result<()> {
        if let Some(tune) = self.tune.take() {
            self.pieces.push(tune.finish(&mut self.most_notes)?);
        }
        Ok(())
    }

    fn check_tunes(&self, place: Place<'_>) -> Result<()> {
        if self.pieces.len() < MAX_TUNES {
            return Ok(());
        }
        Err(place.error(format!("at most {MAX_TUNES} tunes in a file"), "more"))
    }

    fn finish(mut self) -> Result<Vec<Piece>> {
        if let Some((place, name)) = self.block {
            return Err(place.error(format!("a block that `%%end{name}` closes"), "the end of the file"));
        }
        self.end_tune()?;
        if self.pieces.is_empty() {
            return Err(MusicError::invalid(self.name, "", "a tune that begins with `X:`", "none"));
        }
        Ok(self.pieces)
    }
}

/// A line up to the sign `%`, unless a backslash is before it.
fn without_comment(line: &str) -> &str {
    let is_comment = |(at, _): &(usize, &str)| !line[..*at].ends_with('\\');
    line.match_indices('%').find(is_comment).map_or(line, |(at, _)| &line[..at])
}
