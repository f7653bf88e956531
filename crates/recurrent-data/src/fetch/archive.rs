//! Files inside zip and tar.gz archives.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::read::GzDecoder;
use zip::ZipArchive;
use zip::result::ZipError;

use super::error::{FetchError, Result};
use crate::download_source::PackageFormat;

const ZIP: &str = "a zip archive";
pub(super) const TAR: &str = "a tar.gz archive";

/// Copies one file out of a package to `out`.
pub(super) fn extract(package: &Path, format: PackageFormat, path: &str, out: &Path) -> Result<()> {
    let not_in_archive = || FetchError::NotInArchive { path: package.to_path_buf(), expected: path.to_string() };
    match format {
        PackageFormat::Wheel => {
            let mut zip = open_zip(package)?;
            let mut file = zip.by_name(path).map_err(|error| match error {
                ZipError::FileNotFound => not_in_archive(),
                other => invalid_zip(package, other),
            })?;
            copy(&mut file, package, ZIP, out)
        }
        PackageFormat::Sdist => {
            let file = File::open(package).map_err(FetchError::unreadable(package))?;
            with_tar_entry(package, file, path, |mut entry| copy(&mut entry, package, TAR, out))
        }
    }
}

/// Opens a zip archive.
pub(super) fn open_zip(path: &Path) -> Result<ZipArchive<BufReader<File>>> {
    let file = File::open(path).map_err(FetchError::unreadable(path))?;
    ZipArchive::new(BufReader::new(file)).map_err(|cause| invalid_zip(path, cause))
}

pub(super) fn invalid_zip(path: &Path, cause: impl ToString) -> FetchError {
    FetchError::InvalidArchive { path: path.to_path_buf(), expected: ZIP, cause: cause.to_string() }
}

/// Calls `read` with one file of a tar.gz archive.
pub(super) fn with_tar_entry<T>(
    package: &Path,
    file: impl Read,
    path: &str,
    read: impl FnOnce(&mut dyn Read) -> Result<T>,
) -> Result<T> {
    let invalid = |cause: io::Error| FetchError::InvalidArchive {
        path: package.to_path_buf(),
        expected: TAR,
        cause: cause.to_string(),
    };
    let mut archive = tar::Archive::new(GzDecoder::new(BufReader::new(file)));
    for entry in archive.entries().map_err(invalid)? {
        let mut entry = entry.map_err(invalid)?;
        if entry.path_bytes() == path.as_bytes() {
            return read(&mut entry);
        }
    }
    Err(FetchError::NotInArchive { path: package.to_path_buf(), expected: path.to_string() })
}

/// Copies a file out of an archive. An archive that cannot be read is another error than a file that cannot be written.
fn copy(from: &mut dyn Read, package: &Path, expected: &'static str, out: &Path) -> Result<()> {
    let mut file = File::create(out).map_err(FetchError::io("cannot write", out))?;
    let mut from = ErrorRecorder { from, error: None };
    let copied = io::copy(&mut from, &mut file);
    match (copied, from.error) {
        (Ok(_), _) => Ok(()),
        (Err(_), Some(cause)) => Err(FetchError::InvalidArchive { path: package.to_path_buf(), expected, cause }),
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
