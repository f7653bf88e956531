//! Files inside zip and tar.gz archives.
//!
//! A small archive can contain an enormous file (a "zip bomb"), so what is unpacked is limited.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read, Seek};
use std::path::Path;

use flate2::read::GzDecoder;
use zip::ZipArchive;
use zip::result::ZipError;

use super::error::{FetchError, Result};

const ZIP: &str = "a zip archive";
pub(super) const TAR: &str = "a tar.gz archive";

/// How many bytes one byte of an archive may become: text compresses to a twentieth, and deflate to a thousandth at most.
const MAX_RATIO: u64 = 100;

/// What any archive may unpack to, in bytes, however small it is.
const MIN_LIMIT: u64 = 1 << 20;

/// What an archive unpacks to at most, in bytes, however large it is.
const MAX_LIMIT: u64 = 1 << 30;

/// The largest file that is unpacked into memory, in bytes.
pub(super) const MAX_TEXT: u64 = 1 << 26;

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

fn open(path: &Path) -> Result<(File, Budget)> {
    let file = File::open(path).map_err(FetchError::unreadable(path))?;
    let length = file.metadata().map_err(FetchError::unreadable(path))?.len();
    Ok((file, Budget::new(length)))
}

pub(super) fn invalid_zip(path: &Path, cause: impl ToString) -> FetchError {
    FetchError::InvalidArchive { path: path.to_path_buf(), expected: ZIP, cause: cause.to_string() }
}

fn not_in_archive(archive: &Path, path: &str) -> FetchError {
    FetchError::NotInArchive { path: archive.to_path_buf(), expected: path.to_string() }
}

/// Calls `read` with one file of a tar.gz archive.
pub(super) fn with_tar_entry<T>(
    archive: &Path,
    path: &str,
    read: impl FnOnce(&mut dyn Read) -> Result<T>,
) -> Result<T> {
    let invalid = |cause: io::Error| FetchError::InvalidArchive {
        path: archive.to_path_buf(),
        expected: TAR,
        cause: cause.to_string(),
    };
    let (file, mut budget) = open(archive)?;
    // The budget also covers the files before this one, which are unpacked to be skipped.
    let mut tar = tar::Archive::new(budget.reader(GzDecoder::new(BufReader::new(file))));
    for entry in tar.entries().map_err(invalid)? {
        let mut entry = entry.map_err(invalid)?;
        if entry.path_bytes() == path.as_bytes() {
            // A sparse file has holes that no budget counts.
            if !entry.header().entry_type().is_file() {
                return Err(invalid(io::Error::new(io::ErrorKind::InvalidData, format!("{path} is no regular file"))));
            }
            return read(&mut entry);
        }
    }
    Err(not_in_archive(archive, path))
}

/// Copies a file out of an archive. An archive that cannot be read is another error than a file that cannot be written.
fn copy(from: &mut dyn Read, archive: &Path, expected: &'static str, out: &Path) -> Result<()> {
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
