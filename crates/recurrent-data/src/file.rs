//! Files as bytes, and bytes as text.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use crate::error::{DataError, Result};

/// Reads a file.
///
/// # Errors
/// If it does not exist, is a directory, or cannot be read.
pub fn read_file(path: impl AsRef<Path>) -> Result<Vec<u8>> {
    let path = path.as_ref();
    if path.is_dir() {
        return Err(DataError::IsDirectory { path: path.display().to_string() });
    }
    fs::read(path).map_err(|cause| DataError::Unreadable { path: path.display().to_string(), cause })
}

/// Reads a file that somebody else may have written, up to a size in bytes.
///
/// # Errors
/// As [`read_file`], or if the file is larger.
pub(crate) fn read_at_most(path: impl AsRef<Path>, limit: u64) -> Result<Vec<u8>> {
    let path = path.as_ref();
    if path.is_dir() {
        return Err(DataError::IsDirectory { path: path.display().to_string() });
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(limit + 1).read_to_end(&mut bytes))
        .map_err(|cause| DataError::Unreadable { path: path.display().to_string(), cause })?;
    if bytes.len() as u64 > limit {
        return Err(DataError::TooLarge { path: path.display().to_string(), limit });
    }
    Ok(bytes)
}

/// The bytes as text, without a byte order mark.
pub(crate) fn decode_utf8<'a>(path: &str, bytes: &'a [u8]) -> Result<&'a str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => {
            let offset = error.valid_up_to();
            Err(DataError::InvalidUtf8 { path: path.to_string(), line: 1 + line_ends(&bytes[..offset]), offset })
        }
    }
}

/// How many line ends these bytes have: `\n`, `\r\n` or `\r`.
fn line_ends(bytes: &[u8]) -> usize {
    let ends = |(i, byte): (usize, &u8)| match byte {
        b'\n' => true,
        b'\r' => bytes.get(i + 1) != Some(&b'\n'),
        _ => false,
    };
    bytes.iter().enumerate().filter(|x| ends(*x)).count()
}
