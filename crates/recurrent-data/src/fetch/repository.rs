//! Makes data sets of the archives of repositories: recordings of speech with their table, and tunes.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::archive::{TAR, copy, for_each_repository_file, not_in_archive, read_text};
use super::error::{FetchError, Result};
use super::table::write_table;
use crate::checksum::sha256_of_file;

/// Files that are taken from an archive, at most.
const MAX_FILES: usize = 100_000;

const DIGITS: [&str; 10] = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

/// Unpacks the recordings of AN4 and writes their table, with the official test part. A speaker of the test part is nobody
/// in training, whatever the initials.
pub(super) fn convert_an4(archive: &Path, recordings: &Path, out: impl Write, out_path: &Path) -> Result<()> {
    let files = Files::unpack(archive, recordings, "wav/", &[".fileids", ".transcription"])?;
    let mut rows = Vec::new();
    for part in ["train", "test"] {
        let (ids, lines) = (format!("etc/an4_{part}.fileids"), format!("etc/an4_{part}.transcription"));
        let transcripts = files.text(&lines)?.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        for (id, (line, transcript)) in files.text(&ids)?.split_whitespace().zip(transcripts) {
            let unexpected = |expected, found: &str| FetchError::Unexpected {
                path: format!("{}: {lines}", archive.display()),
                line: line + 1,
                expected,
                found: found.to_string(),
            };
            let of = transcript.trim().strip_suffix(')').and_then(|line| line.rsplit_once('('));
            let (text, of) = of.ok_or_else(|| unexpected("a transcript with its recording", transcript))?;
            let mut folders = id.rsplit('/');
            if folders.next() != Some(of) {
                return Err(unexpected("the transcript of the recording in the same place", of));
            }
            let words = text.split_whitespace().filter(|word| !["<s>", "</s>"].contains(word));
            let text = words.collect::<Vec<_>>().join(" ").to_ascii_lowercase();
            let (wav, speaker) = (format!("wav/{id}.wav"), format!("{part}-{}", folders.next().unwrap_or_default()));
            let sha256 = files.sha256(&wav)?;
            rows.push([wav, text, speaker, part.to_string(), sha256]);
        }
    }
    write_table(["wav", "text", "speaker", "split", "sha256"], rows, out, out_path)
}

/// Unpacks the recordings of the Free Spoken Digit Dataset and writes their table. In its official test part are the
/// recordings 0 to 4 of each digit and speaker, so all speakers are in both parts, and the table has no column for them.
pub(super) fn convert_fsdd(archive: &Path, recordings: &Path, out: impl Write, out_path: &Path) -> Result<()> {
    let files = Files::unpack(archive, recordings, "recordings/", &[])?;
    let mut rows = Vec::new();
    for (wav, sha256) in &files.recordings {
        // Such as `recordings/7_jackson_32.wav`.
        let name = wav.trim_start_matches("recordings/").trim_end_matches(".wav");
        let mut parts = name.split('_');
        let digit = parts.next().and_then(|digit| DIGITS.get(digit.parse::<usize>().ok()?));
        let index = parts.nth(1).and_then(|index| index.parse::<u32>().ok());
        let (Some(digit), Some(index)) = (digit, index) else { continue };
        let part = if index < 5 { "test" } else { "train" };
        rows.push([wav.clone(), digit.to_string(), part.to_string(), sha256.clone()]);
    }
    write_table(["wav", "text", "split", "sha256"], rows, out, out_path)
}

/// The only mistake in the tunes of the Nottingham Music Database that no reader of ABC can overlook, a chord that is not
/// closed, and its correction.
const UNCLOSED: (&str, &str) = ("[e2c2(3A/2B/2c/2", "[e2c2](3A/2B/2c/2");

/// Writes the cleaned tunes of the Nottingham Music Database one after another, numbered from 1.
pub(super) fn convert_nottingham(archive: &Path, mut out: impl Write, out_path: &Path) -> Result<()> {
    let mut books = BTreeMap::new();
    for_each_repository_file(archive, |path, file| {
        if path.starts_with("ABC_cleaned/") && path.ends_with(".abc") && books.len() < MAX_FILES {
            books.insert(path.to_string(), read_text(archive, path, file)?);
        }
        Ok(())
    })?;
    let mut number = 0;
    for line in books.values().flat_map(|book| book.lines()) {
        let line = line.trim_end().replace(UNCLOSED.0, UNCLOSED.1);
        let numbered = line.starts_with("X:").then(|| {
            number += 1;
            format!("X:{number}")
        });
        writeln!(out, "{}", numbered.unwrap_or(line)).map_err(FetchError::io("cannot write", out_path))?;
    }
    out.flush().map_err(FetchError::io("cannot write", out_path))
}

/// What is taken from an archive.
struct Files {
    archive: PathBuf,
    /// The checksum of each recording, by its path.
    recordings: BTreeMap<String, String>,
    texts: BTreeMap<String, String>,
}

impl Files {
    /// Unpacks the recordings in a folder of a repository into `folder`, and reads the texts with these endings.
    fn unpack(archive: &Path, folder: &Path, of_recordings: &str, text_endings: &[&str]) -> Result<Self> {
        let mut files = Self { archive: archive.to_path_buf(), recordings: BTreeMap::new(), texts: BTreeMap::new() };
        for_each_repository_file(archive, |path, file| {
            if path.starts_with(of_recordings) && path.ends_with(".wav") && files.recordings.len() < MAX_FILES {
                let out = folder.join(path);
                let parent = out.parent().unwrap_or(folder);
                fs::create_dir_all(parent).map_err(FetchError::io("cannot create the folder", parent))?;
                copy(file, archive, TAR, &out)?;
                let sha256 = sha256_of_file(&out).map_err(FetchError::io("cannot read", &out))?;
                files.recordings.insert(path.to_string(), sha256);
            } else if text_endings.iter().any(|ending| path.ends_with(ending)) && files.texts.len() < MAX_FILES {
                files.texts.insert(path.to_string(), read_text(archive, path, file)?);
            }
            Ok(())
        })?;
        Ok(files)
    }

    fn text(&self, path: &str) -> Result<&str> {
        self.texts.get(path).map(String::as_str).ok_or_else(|| not_in_archive(&self.archive, path))
    }

    fn sha256(&self, path: &str) -> Result<String> {
        self.recordings.get(path).cloned().ok_or_else(|| not_in_archive(&self.archive, path))
    }
}
