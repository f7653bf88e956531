//! How the configuration of a run begins: format version, program, task.

use std::path::Path;

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::{Error, Result};

/// The version of the format in which this program writes a run's folder, and the only one that it reads.
pub const FORMAT_VERSION: u32 = 1;

/// The program that writes a run's folder, with its version.
pub(crate) const WRITTEN_BY: &str = concat!("recurrent ", env!("CARGO_PKG_VERSION"));

/// The first keys of `config.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunHeader {
    /// The version of the folder's format.
    pub format_version: u32,
    /// The program that wrote it, with its version.
    pub written_by: String,
    /// The task's name.
    pub task: String,
}

impl RunHeader {
    /// The keys of the header.
    pub(crate) const KEYS: [&str; 3] = ["format_version", "written_by", "task"];

    /// Checks that the file at `path` is in this program's format.
    pub(crate) fn check(&self, path: &Path) -> Result<()> {
        if self.format_version == FORMAT_VERSION {
            return Ok(());
        }
        let Self { format_version, written_by, .. } = self;
        let expected = format!("format version {FORMAT_VERSION}");
        Err(unexpected(path, &expected, format!("format version {format_version}, written by {written_by}")))
    }
}

/// Takes the header off the file of settings at `path`, if it has one, and checks that it is of this format and task.
pub(crate) fn take_header(path: &Path, values: &mut Table, task: &str) -> Result<()> {
    let [version, written_by, found] = RunHeader::KEYS.map(|name| values.remove(name));
    if let Some(version) = version {
        let format_version = version.as_integer().and_then(|version| version.try_into().ok()).unwrap_or(0);
        let written_by = written_by.as_ref().and_then(Value::as_str).unwrap_or("an unknown program").into();
        RunHeader { format_version, written_by, task: String::new() }.check(path)?;
    }
    match found {
        Some(found) if found.as_str() != Some(task) => {
            let found = found.as_str().map_or_else(|| found.to_string(), String::from);
            Err(unexpected(path, &format!("settings of `{task}`"), format!("those of `{found}`")))
        }
        _ => Ok(()),
    }
}

/// The line of a byte in a text, counted from 1.
pub(crate) fn line_at(text: &str, offset: usize) -> usize {
    text[..offset.min(text.len())].matches('\n').count() + 1
}

pub(crate) fn unexpected(path: &Path, expected: &str, found: impl ToString) -> Error {
    Error::RunDir { path: path.to_path_buf(), expected: expected.to_string(), found: found.to_string() }
}
