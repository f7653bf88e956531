//! Converts the archive of VADER's authors to labeled texts.
//!
//! Each line of `movieReviewSnippets_GroundTruth.txt` has an id, a mean rating from -4 to 4, and a sentence, separated by
//! tabs. Sentences with ratings near zero are dropped.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::path::Path;

use super::archive::{MAX_TEXT, TAR, with_tar_entry};
use super::error::{FetchError, Result};
use super::line::single_line;

const INSIDE: &str = "hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt";

/// The smallest rating of a positive sentence; that of a negative one is its negation.
const MIN_RATING: f64 = 0.5;

/// Writes a CSV file with the columns `text` and `label`. Sentences keep their order, and duplicates are dropped.
pub(super) fn convert(archive: &Path, out: impl Write, out_path: &Path) -> Result<()> {
    let text = with_tar_entry(archive, INSIDE, |entry| {
        let mut text = String::new();
        let read = entry.take(MAX_TEXT).read_to_string(&mut text);
        read.map_err(|cause| FetchError::InvalidArchive {
            path: archive.to_path_buf(),
            expected: TAR,
            cause: format!("{INSIDE}: {cause}"),
        })?;
        Ok(text)
    })?;
    let cannot_write = |cause: csv::Error| FetchError::io("cannot write", out_path)(cause.into());
    let mut out = csv::Writer::from_writer(out);
    out.write_record(["text", "label"]).map_err(cannot_write)?;
    let mut seen = HashSet::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let (rating, sentence) = read_line(line).ok_or_else(|| FetchError::Unexpected {
            path: INSIDE.to_string(),
            line: index + 1,
            expected: "an id, a rating and a sentence, separated by tabs",
            found: line.chars().take(60).collect(),
        })?;
        let sentence = single_line(sentence);
        let Some(label) = label(rating).filter(|_| !sentence.is_empty()) else { continue };
        if !seen.contains(&sentence) {
            out.write_record([&*sentence, label]).map_err(cannot_write)?;
            seen.insert(sentence);
        }
    }
    out.flush().map_err(FetchError::io("cannot write", out_path))
}

fn read_line(line: &str) -> Option<(f64, &str)> {
    let mut fields = line.splitn(3, '\t');
    let (_id, rating, sentence) = (fields.next()?, fields.next()?, fields.next()?);
    Some((rating.trim().parse().ok()?, sentence))
}

fn label(rating: f64) -> Option<&'static str> {
    match rating {
        rating if rating >= MIN_RATING => Some("positive"),
        rating if rating <= -MIN_RATING => Some("negative"),
        _ => None,
    }
}
