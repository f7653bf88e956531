//! The zip file of a compressed score.

use std::borrow::Cow;
use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use super::document::{self, XmlFile};
use super::element::Element;
use super::encoding;
use crate::error::quoted;
use crate::{MusicError, Result};

/// What every zip file with an entry begins with.
const SIGNATURE: &[u8] = b"PK\x03\x04";

/// The entry that names the score.
const CONTAINER: &str = "META-INF/container.xml";

/// The most bytes of the entry that names the score.
const MAX_CONTAINER: u64 = 1 << 20;

/// The most bytes of a score that was compressed.
const MAX_SCORE: u64 = 64 << 20;

/// The bytes of a score.
pub(super) struct Packed<'a> {
    /// Its name within a zip file, empty outside of one.
    pub(super) entry: String,
    pub(super) bytes: Cow<'a, [u8]>,
}

/// Finds the score: the root file of a zip file, or the bytes themselves.
pub(super) fn score<'a>(path: &str, bytes: &'a [u8]) -> Result<Packed<'a>> {
    if !bytes.starts_with(SIGNATURE) {
        return Ok(Packed { entry: String::new(), bytes: bytes.into() });
    }
    let opened = ZipArchive::new(Cursor::new(bytes));
    let mut archive = opened.map_err(|cause| MusicError::invalid(path, "", "a zip file", cause.to_string()))?;
    let container = read(path, &mut archive, CONTAINER, MAX_CONTAINER)?;
    let entry = root_file(path, &container)?;
    let bytes = read(path, &mut archive, &entry, MAX_SCORE)?;
    Ok(Packed { entry, bytes: bytes.into() })
}

/// The bytes of an entry, whatever it says of its size.
fn read(path: &str, archive: &mut ZipArchive<Cursor<&[u8]>>, entry: &str, limit: u64) -> Result<Vec<u8>> {
    let error =
        |expected: &str, found: String| MusicError::invalid(path, "", format!("{expected} {}", quoted(entry)), found);
    let file = archive.by_name(entry).map_err(|cause| match cause {
        ZipError::FileNotFound => error("an entry", "none".into()),
        cause => error("a readable entry", cause.to_string()),
    })?;
    let mut bytes = Vec::new();
    let read = file.take(limit + 1).read_to_end(&mut bytes);
    read.map_err(|cause| error("a readable entry", cause.to_string()))?;
    if bytes.len() as u64 > limit {
        return Err(error(&format!("at most {limit} bytes of"), "more".into()));
    }
    Ok(bytes)
}

/// The first root file that the container names; others are the same score in other formats.
fn root_file(path: &str, container: &[u8]) -> Result<String> {
    let file = XmlFile { path, entry: CONTAINER };
    let text = encoding::decoded(file, container)?;
    let document = document::parse(file, &text)?;
    let root = Element::root(file, &document);
    let files = root.named("rootfiles").flat_map(|files| files.named("rootfile"));
    let named = files.filter_map(|file| file.attribute("full-path")).find(|name| !name.is_empty());
    named.map(String::from).ok_or_else(|| root.error("a `rootfile` with a `full-path`", "none"))
}
