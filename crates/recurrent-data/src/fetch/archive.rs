//! Files inside zip and tar.gz archives.
//!
//! A small archive can contain an enormous file (a "zip bomb"), so what is unpacked is limited.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read, Seek};
use std::ops::ControlFlow;
use std::path::Path;

use flate2::read::GzDecoder;
use zip::ZipArchive;
use zip::result::ZipError;

use super::error::{FetchError, Result};

pub(super) const ZIP: &str = "a zip archive";
pub(super) const TAR: &str = "a tar.gz archive";

/// How many bytes one byte of an archive may become: text compresses to a twentieth, and deflate to a thousandth at most.
const MAX_RATIO: u64 = 100;

/// What any archive may unpack to, in bytes, however small it is.
const MIN_LIMIT: u64 = 1 << 20;

/// What an archive unpacks to at most, in bytes, however large it is.
const MAX_LIMIT: u64 = 1 << 30;

/// The largest file that is unpacked into memory, in bytes.
const MAX_TEXT: u64 = 1 << 26;

/// How many bytes the reads from one archive may unpack, all together.
pub(super) struct Budget {
    left: u64,
    limit: u64,
}

impl Budget {
    /// The budget of an archive of this size.
    pub fn new(archive_bytes: u64) -> Self {
        let limit = archive_bytes.saturating_mul(MAX_RATIO).clamp(MIN_LIMIT, MAX_LIMIT);
        Self { left: limit, limit }
    }

    /// A reader that fails beyond the budget.
    pub fn reader<R: Read>(&mut self, from: R) -> BudgetReader<'_, R> {
        BudgetReader { budget: self, from }
    }
}

pub(super) struct BudgetReader<'a, R> {
    budget: &'a mut Budget,
    from: R,
}

impl<R: Read> Read for BudgetReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.from.read(buffer)?;
        match self.budget.left.checked_sub(length as u64) {
            Some(left) => {
                self.budget.left = left;
                Ok(length)
            }
            None => {
                let limit = self.budget.limit;
                let message = format!("it unpacks to more than {limit} bytes, too many for its size");
                Err(io::Error::new(ErrorKind::InvalidData, message))
            }
        }
    }
}

/// Copies one file out of an archive to `out`.
pub(super) fn extract(archive: &Path, path: &str, out: &Path) -> Result<()> {
    let mut file = File::open(archive).map_err(FetchError::unreadable(archive))?;
    let mut magic = Vec::new();
    let begun = (&mut file).take(2).read_to_end(&mut magic).and_then(|_| file.rewind());
    begun.map_err(FetchError::unreadable(archive))?;
    if magic == b"PK" {
        let (mut zip, mut budget) = open_zip(archive)?;
        let mut entry = zip.by_name(path).map_err(|error| match error {
            ZipError::FileNotFound => not_in_archive(archive, path),
            other => invalid_zip(archive, other),
        })?;
        copy(&mut budget.reader(&mut entry), archive, ZIP, out)
    } else {
        with_tar_entry(archive, path, |mut entry| copy(&mut entry, archive, TAR, out))
    }
}

/// Opens a zip archive.
pub(super) fn open_zip(path: &Path) -> Result<(ZipArchive<BufReader<File>>, Budget)> {
    let (file, budget) = open(path)?;
    let zip = ZipArchive::new(BufReader::new(file)).map_err(|cause| invalid_zip(path, cause))?;
    Ok((zip, budget))
}

/// Reads a file of a zip archive, which has to be at `path`.
pub(super) fn read_zip(
    zip: &mut ZipArchive<BufReader<File>>,
    budget: &mut Budget,
    path: &Path,
    name: &str,
) -> Result<Vec<u8>> {
    let file = zip.by_name(name).map_err(|cause| match cause {
        ZipError::FileNotFound => not_in_archive(path, name),
        other => invalid_zip(path, format!("{name}: {other}")),
    })?;
    let mut bytes = Vec::new();
    let read = budget.reader(file).take(MAX_TEXT).read_to_end(&mut bytes);
    read.map_err(|cause| invalid_zip(path, format!("{name}: {cause}")))?;
    Ok(bytes)
}

fn open(path: &Path) -> Result<(File, Budget)> {
    let file = File::open(path).map_err(FetchError::unreadable(path))?;
    let length = file.metadata().map_err(FetchError::unreadable(path))?.len();
    Ok((file, Budget::new(length)))
}

pub(super) fn invalid_zip(path: &Path, cause: impl ToString) -> FetchError {
    FetchError::InvalidArchive { path: path.to_path_buf(), expected: ZIP, cause: cause.to_string() }
}

pub(super) fn not_in_archive(archive: &Path, path: &str) -> FetchError {
    FetchError::NotInArchive { path: archive.to_path_buf(), expected: path.to_string() }
}

/// Calls `read` with one file of a tar.gz archive.
pub(super) fn with_tar_entry<T>(
    archive: &Path,
    path: &str,
    read: impl FnOnce(&mut dyn Read) -> Result<T>,
) -> Result<T> {
    let (mut read, mut found) = (Some(read), None);
    for_each_in_tar(archive, |name, is_file, entry| {
        if name != path.as_bytes() {
            return Ok(ControlFlow::Continue(()));
        }
        // A sparse file has holes that no budget counts.
        if !is_file {
            return Err(invalid_tar(archive, format!("{path} is no regular file")));
        }
        found = read.take().map(|read| read(entry)).transpose()?;
        Ok(ControlFlow::Break(()))
    })?;
    found.ok_or_else(|| not_in_archive(archive, path))
}

/// Calls `read` with every regular file of a tar.gz archive that has a path of letters, digits and `.`, `_`, `-`, below the
/// folder that holds all of them: the path within that folder, and the file. Other files are skipped.
pub(super) fn for_each_repository_file(
    archive: &Path,
    mut read: impl FnMut(&str, &mut dyn Read) -> Result<()>,
) -> Result<()> {
    for_each_in_tar(archive, |name, is_file, entry| {
        let within = std::str::from_utf8(name).ok().and_then(|name| name.split_once('/')).map(|(_, within)| within);
        if let Some(path) = within.filter(|path| is_file && is_plain_path(path)) {
            read(path, entry)?;
        }
        Ok(ControlFlow::Continue(()))
    })
}

/// Whether no part of a path can lead elsewhere, or be hidden.
pub(super) fn is_plain_path(path: &str) -> bool {
    let is_plain = |part: &str| {
        let mut bytes = part.bytes();
        !part.starts_with('.') && !part.is_empty() && bytes.all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    };
    path.split('/').all(is_plain)
}

/// Calls `read` with the path of each entry of a tar.gz archive, whether it is a regular file, and its contents, until it
/// breaks.
fn for_each_in_tar(
    archive: &Path,
    mut read: impl FnMut(&[u8], bool, &mut dyn Read) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let invalid = |cause: io::Error| invalid_tar(archive, cause);
    let (file, mut budget) = open(archive)?;
    // The budget also covers the files that are unpacked to be skipped.
    let mut tar = tar::Archive::new(budget.reader(GzDecoder::new(BufReader::new(file))));
    for entry in tar.entries().map_err(invalid)? {
        let mut entry = entry.map_err(invalid)?;
        let (path, is_file) = (entry.path_bytes().into_owned(), entry.header().entry_type().is_file());
        if read(&path, is_file, &mut entry)?.is_break() {
            break;
        }
    }
    Ok(())
}

/// Reads a file of a tar.gz archive as text.
pub(super) fn read_text(archive: &Path, path: &str, file: &mut dyn Read) -> Result<String> {
    let mut text = String::new();
    let read = file.take(MAX_TEXT).read_to_string(&mut text);
    read.map_err(|cause| invalid_tar(archive, format!("{path}: {cause}")))?;
    Ok(text)
}

fn invalid_tar(path: &Path, cause: impl ToString) -> FetchError {
    FetchError::InvalidArchive { path: path.to_path_buf(), expected: TAR, cause: cause.to_string() }
}

/// Copies a file out of an archive. An archive that cannot be read is another error than a file that cannot be written.
pub(super) fn copy(from: &mut dyn Read, archive: &Path, expected: &'static str, out: &Path) -> Result<()> {
    let mut file = File::create(out).map_err(FetchError::io("cannot write", out))?;
    let mut from = ErrorRecorder { from, error: None };
    let copied = io::copy(&mut from, &mut file);
    match (copied, from.error) {
        (Ok(_), _) => Ok(()),
        (Err(_), Some(cause)) => Err(FetchError::InvalidArchive { path: archive.to_path_buf(), expected, cause }),
        (Err(cause), None) => Err(FetchError::io("cannot write", out)(cause)),
    }
}

/// Records read errors, to distinguish them from write errors.
struct ErrorRecorder<'a> {
    from: &'a mut dyn Read,
    error: Option<String>,
}

impl Read for ErrorRecorder<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.from.read(buffer).inspect_err(|error| self.error = Some(error.to_string()))
    }
}
