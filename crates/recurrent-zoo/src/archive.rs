//! The zip files of PyTorch and Keras.

use std::io::{Cursor, Read};

use zip::{CompressionMethod, ZipArchive};

use crate::tensors::Budget;
use crate::{Error, Result};

/// A zip file in memory whose entries are not compressed, as both frameworks write them.
pub(crate) struct ZipReader<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    format: &'static str,
    bytes: usize,
    budget: Budget,
}

impl<'a> ZipReader<'a> {
    pub(crate) fn new(bytes: &'a [u8], format: &'static str) -> Result<Self> {
        let archive = ZipArchive::new(Cursor::new(bytes))
            .map_err(|error| Error::Malformed { format, reason: format!("as a zip file: {error}") })?;
        Ok(Self { archive, format, bytes: bytes.len(), budget: Budget::new(bytes.len()) })
    }

    /// The names of all entries that are text.
    pub(crate) fn names(&self) -> Vec<String> {
        self.archive.file_names().filter_map(|name| Some(name.ok()?.into_owned())).collect()
    }

    /// The bytes of an entry, with its checksum checked.
    pub(crate) fn read(&mut self, name: &str) -> Result<Vec<u8>> {
        let malformed =
            |reason: String| Error::Malformed { format: self.format, reason: format!("`{name}`: {reason}") };
        let mut entry = self.archive.by_name(name).map_err(|error| malformed(error.to_string()))?;
        if entry.compression() != CompressionMethod::Stored {
            return Err(malformed(format!(
                "it is compressed ({}), which the framework never does",
                entry.compression()
            )));
        }
        // More than the whole file cannot be in it, whatever the entry says of its size.
        self.budget.take(name, self.bytes.min(usize::try_from(entry.size()).unwrap_or(usize::MAX)) as u64, 1)?;
        let mut bytes = Vec::new();
        entry.by_ref().take(self.bytes as u64).read_to_end(&mut bytes).map_err(|error| malformed(error.to_string()))?;
        if bytes.len() as u64 != entry.size() {
            return Err(malformed(format!("expected {} bytes, found {}", entry.size(), bytes.len())));
        }
        Ok(bytes)
    }
}
