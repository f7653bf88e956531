//! Partially downloaded files.

use std::fs;
use std::path::Path;

use super::error::{FetchError, Result};
use crate::checksum::sha256_of_file;

pub(super) fn has_checksum(path: &Path, sha256: &str) -> bool {
    sha256_of_file(path).is_ok_and(|found| found == sha256)
}

/// Verifies the checksum of a complete file, and removes the file if it is wrong. `what` is its name in the error.
pub(super) fn verify(path: &Path, what: &str, expected: &str) -> Result<()> {
    let found = sha256_of_file(path).map_err(FetchError::io("cannot read", path))?;
    if found == expected {
        return Ok(());
    }
    // If it cannot be removed, the next call finds the same mismatch.
    let _ = fs::remove_file(path);
    Err(FetchError::ChecksumMismatch { what: what.to_string(), expected: expected.to_string(), found })
}
