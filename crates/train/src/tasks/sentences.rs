//! The input sentences of a prediction.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use recurrent::data::DataError;

use crate::error::BadInput;
use crate::output::note;

/// Options for the input sentences.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Runs of translate, classify and transcribe")]
pub struct SentencesOptions {
    /// Sentences, or WAV files to transcribe [default: the lines of --input, or else of standard input]
    #[arg(value_name = "SENTENCE|WAV")]
    pub sentences: Vec<String>,
    /// A file with a sentence, or the path of a WAV file, on each line; - for standard input
    #[arg(long, value_name = "FILE", conflicts_with = "sentences")]
    pub input: Option<PathBuf>,
}

impl SentencesOptions {
    /// The sentences: those typed, or the lines of a file or of standard input. Some may be blank.
    pub fn read(&self) -> Result<Vec<String>> {
        if !self.sentences.is_empty() {
            return Ok(self.sentences.clone());
        }
        let (name, bytes) = match self.input.as_deref().filter(|path| *path != Path::new("-")) {
            Some(path) => {
                (path.display().to_string(), recurrent::data::read_file(path).map_err(recurrent::Error::from)?)
            }
            None => {
                if std::io::stdin().is_terminal() {
                    note("Reading sentences, one on each line, until the end of input (Ctrl-D).");
                }
                let mut bytes = Vec::new();
                std::io::Read::read_to_end(&mut std::io::stdin(), &mut bytes).context("cannot read standard input")?;
                ("standard input".into(), bytes)
            }
        };
        let lines: Vec<String> = decode(&name, &bytes)?.lines().map(str::to_string).collect();
        if lines.is_empty() {
            return Err(BadInput(format!("{name}: expected a sentence on each line, found none")).into());
        }
        if let Some(first) = lines.iter().position(|line| is_blank(line)) {
            let count = lines.iter().filter(|line| is_blank(line)).count();
            note(format!(
                "note: {name}: {count} empty line(s), the first is line {}: each has an empty answer",
                first + 1
            ));
        }
        Ok(lines)
    }
}

/// The text of a file, without the byte order mark, which does not belong to the first line.
pub fn decode<'a>(name: &str, bytes: &'a [u8]) -> Result<&'a str> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let offset = error.valid_up_to();
        let line = 1 + bytes[..offset].iter().filter(|byte| **byte == b'\n').count();
        recurrent::Error::from(DataError::InvalidUtf8 { path: name.to_string(), line, offset })
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// Whether a line has no sentence. Its answer is empty, so that answers and lines correspond.
pub fn is_blank(line: &str) -> bool {
    line.trim().is_empty()
}

/// A text on one line: each line break is a space.
pub fn one_line(text: &str) -> String {
    const BREAKS: [char; 7] = ['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'];
    text.replace("\r\n", " ").replace(BREAKS, " ")
}

/// Notes which parts of a sentence were unknown, and whether it was truncated.
pub fn note_unknown(sentence: &str, unknown: &[String], truncated: Option<usize>) {
    /// The maximum number of parts that are listed.
    const NAMED: usize = 10;
    let mut parts: Vec<String> = Vec::new();
    for part in unknown {
        let part = format!("`{}`", shorten(part));
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    if !parts.is_empty() {
        let more = match parts.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        parts.truncate(NAMED);
        let sentence = shorten(sentence);
        note(format!("note: not in the vocabulary and read as <unk>: {}{more} (in `{sentence}`)", parts.join(" ")));
    }
    if let Some(max_length) = truncated {
        note(format!("note: truncated to the run's maximum of {max_length} tokens: `{}`", shorten(sentence)));
    }
}

/// The beginning of a long text.
pub fn shorten(text: &str) -> String {
    const MAX_CHARS: usize = 60;
    let text = one_line(text);
    if text.chars().count() <= MAX_CHARS {
        return text;
    }
    let beginning: String = text.chars().take(MAX_CHARS - 1).collect();
    format!("{beginning}…")
}
