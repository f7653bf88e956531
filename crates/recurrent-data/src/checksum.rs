//! SHA-256 checksums, in hexadecimal digits.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

/// Computes the checksum of everything that is written to it.
#[derive(Debug, Default)]
pub(crate) struct Hasher(Sha256);

impl Hasher {
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The checksum, in hexadecimal digits.
    pub fn finish(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The SHA-256 of some bytes, in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    sha256_concat([bytes])
}

/// The SHA-256 of several pieces of bytes, one after the other, in hexadecimal digits.
pub fn sha256_concat<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hasher = Hasher::default();
    pieces.into_iter().for_each(|piece| hasher.update(piece));
    hasher.finish()
}

/// The SHA-256 of a file, in hexadecimal digits. The file is streamed, not held in memory.
pub(crate) fn sha256_of_file(path: &Path) -> io::Result<String> {
    let mut hasher = Hasher::default();
    io::copy(&mut File::open(path)?, &mut hasher)?;
    Ok(hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_match_known_values() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256(b""), empty);
        assert_eq!(sha256_concat([&b"ab"[..], b"c"]), sha256(b"abc"));
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(sha256_of_file(file.path()).unwrap(), empty);
        std::fs::write(file.path(), "abc").unwrap();
        assert_eq!(sha256_of_file(file.path()).unwrap(), sha256(b"abc"));
    }
}
