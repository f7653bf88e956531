//! The archive of VADER's authors, to texts with a label.
//!
//! `movieReviewSnippets_GroundTruth.txt` has an id, a mean rating from -4 to 4 and a sentence a line, with a tab
//! between them. Ratings near zero, of which the raters were not sure, are left out.

use std::collections::HashSet;
use std::fs::File;
use std::io::Write;
use std::path::Path;

use super::package::{TAR, with_tar_entry};
use super::{FetchError, Result, one_line};

const INSIDE: &str = "hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt";

/// The rating from which on a sentence is positive; negative, below zero.
const SURE: f64 = 0.5;

/// Reads the archive and writes a CSV file of `text` and `label`. Sentences keep their order; one that comes twice is
/// taken once.
pub(super) fn prepare(raw: &Path, out: impl Write, out_path: &Path) -> Result<()> {
    let file = File::open(raw).map_err(FetchError::unreadable(raw))?;
    let text = with_tar_entry(raw, file, INSIDE, |entry| {
        let mut text = String::new();
        let read = entry.read_to_string(&mut text);
        read.map_err(|cause| FetchError::Damaged {
            path: raw.to_path_buf(),
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
            expected: "an id, a rating and a sentence, with a tab between them",
            found: line.chars().take(60).collect(),
        })?;
        let sentence = one_line(sentence);
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
        rating if rating >= SURE => Some("positive"),
        rating if rating <= -SURE => Some("negative"),
        _ => None,
    }
}
