//! Sums by which one file is known from another.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

/// The SHA-256 of what is written to it.
#[derive(Debug, Default)]
pub(crate) struct Summing(Sha256);

impl Summing {
    /// The sum, in hexadecimal digits.
    pub fn finish(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Write for Summing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The SHA-256 of some bytes, in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    let mut summing = Summing::default();
    summing.0.update(bytes);
    summing.finish()
}

/// The SHA-256 of a file, in hexadecimal digits.
pub(crate) fn sha256_of(path: &Path) -> io::Result<String> {
    let mut summing = Summing::default();
    io::copy(&mut File::open(path)?, &mut summing)?;
    Ok(summing.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_the_one_that_everybody_computes() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256(b""), empty);
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(sha256_of(file.path()).unwrap(), empty);
        std::fs::write(file.path(), "abc").unwrap();
        assert_eq!(sha256_of(file.path()).unwrap(), sha256(b"abc"));
    }
}
