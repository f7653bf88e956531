//! Whether the file of a data set is at hand.

use std::fmt;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::checksum::sha256_of_file;
use crate::error::{DataError, Result};
use crate::manifest::DatasetManifest;
use crate::regular_file;

/// Whether the file of a data set is at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Availability {
    /// Embedded in the program.
    Embedded,
    /// Fetched, with the right checksum.
    Fetched,
    /// Not fetched yet.
    NotFetched,
    /// The file exists, with another checksum than its manifest's.
    ChecksumMismatch,
}

impl fmt::Display for Availability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Embedded => "embedded",
            Self::Fetched => "fetched",
            Self::NotFetched => "not fetched",
            Self::ChecksumMismatch => "checksum mismatch",
        })
    }
}

impl DatasetManifest {
    /// Whether the file has been fetched into `folder`. Reads the whole file to compute its checksum.
    ///
    /// # Errors
    /// If the file exists and cannot be read.
    pub fn availability(&self, folder: impl AsRef<Path>) -> Result<Availability> {
        let path = self.path_in(folder);
        match self.fetched_bytes(&path)? {
            None => return Ok(Availability::NotFetched),
            Some(found) if found != self.num_bytes => return Ok(Availability::ChecksumMismatch),
            Some(_) => {}
        }
        match sha256_of_file(&path) {
            Ok(found) if found == self.sha256 => Ok(Availability::Fetched),
            Ok(_) => Ok(Availability::ChecksumMismatch),
            Err(cause) => Err(DataError::Unreadable { path: path.display().to_string(), cause }),
        }
    }

    /// The size of the fetched file, if there is one; an error if it is no regular file, which might never end.
    pub(crate) fn fetched_bytes(&self, path: &Path) -> Result<Option<u64>> {
        let unreadable = |cause| DataError::Unreadable { path: path.display().to_string(), cause };
        match fs::metadata(path) {
            Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(unreadable(cause)),
            Ok(metadata) if !metadata.is_file() => {
                let found = regular_file::describe(metadata.file_type());
                Err(unreadable(io::Error::new(ErrorKind::InvalidInput, format!("it is {found}"))))
            }
            Ok(metadata) => Ok(Some(metadata.len())),
        }
    }
}
