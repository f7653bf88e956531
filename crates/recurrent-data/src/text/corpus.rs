//! One long text, in memory or on disk.

use std::{borrow::Cow, ops::Range, path::Path, sync::Arc};

use crate::content::{self, Content, ContentReader};
use crate::error::{DataError, Result};
use crate::scan::{BLOCK, MARK_DISTANCE, Mark, valid_prefix};

/// A text: valid UTF-8 of at least two characters.
///
/// It is read and validated once when it is opened. A text larger than [`Corpus::MEMORY`] stays on disk and is streamed
/// whenever it is needed.
///
/// A byte order mark is ignored. Nothing else is changed: lines that end in `\r\n` keep their `\r`.
///
/// A clone shares the text.
#[derive(Debug, Clone)]
pub struct Corpus {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    content: Content,
    memory: u64,
}

impl Corpus {
    /// The default limit in bytes for a text in memory, and for its token ids.
    pub const MEMORY: u64 = content::MEMORY;

    /// Opens a file.
    ///
    /// # Errors
    /// If it cannot be read, is not UTF-8, or has fewer than two characters.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_within(path, Self::MEMORY)
    }

    /// Opens a file with another limit than [`Corpus::MEMORY`].
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_within(path: impl AsRef<Path>, memory: u64) -> Result<Self> {
        let path = path.as_ref();
        Self::new(Content::open(path, path.display().to_string(), memory)?, memory)
    }

    /// Takes bytes in memory; `source` is their name in error messages.
    ///
    /// # Errors
    /// If they are not UTF-8, or fewer than two characters.
    pub fn from_bytes(source: impl Into<String>, bytes: impl Into<Cow<'static, [u8]>>) -> Result<Self> {
        Self::new(Content::from_bytes(source.into(), bytes.into())?, Self::MEMORY)
    }

    fn new(content: Content, memory: u64) -> Result<Self> {
        let scanned = content.scanned();
        let found = match scanned.chars {
            0 if scanned.bytes.is_empty() && scanned.bytes.start == 0 => "an empty file",
            0 => "none",
            1 => "a single one",
            _ => return Ok(Self { inner: Arc::new(Inner { content, memory }) }),
        };
        Err(DataError::TextTooShort { path: content.source().to_string(), found })
    }

    /// The name of the text in error messages: the path, or what the caller named the bytes.
    pub fn source(&self) -> &str {
        self.inner.content.source()
    }

    /// The number of bytes.
    pub fn num_bytes(&self) -> u64 {
        self.byte_range().end - self.byte_range().start
    }

    /// The number of characters, at least two.
    pub fn num_chars(&self) -> u64 {
        self.inner.content.scanned().chars
    }

    /// The SHA-256 of the whole file, in hexadecimal digits.
    pub fn sha256(&self) -> &str {
        &self.inner.content.scanned().sha256
    }

    /// Whether the text is held in memory.
    pub fn is_in_memory(&self) -> bool {
        self.inner.content.is_in_memory()
    }

    /// The limit in bytes for data in memory.
    pub(crate) fn memory(&self) -> u64 {
        self.inner.memory
    }

    /// The bytes of the text in the file.
    pub(crate) fn byte_range(&self) -> Range<u64> {
        self.inner.content.scanned().bytes.clone()
    }

    /// The first byte of a character.
    pub(crate) fn byte_of(&self, char: u64) -> Result<u64> {
        let marks = &self.inner.content.scanned().marks;
        let Mark { byte, char: marked } = marks[marks.partition_point(|mark| mark.char <= char) - 1];
        // The next mark is at most one block further than `MARK_DISTANCE`.
        let near = byte..self.byte_range().end.min(byte + MARK_DISTANCE + 2 * BLOCK as u64);
        let bytes = self.reader()?.read(near)?;
        let text = valid_prefix(&bytes);
        let within = text.char_indices().nth((char - marked) as usize).map_or(text.len(), |(at, _)| at);
        Ok(byte + within as u64)
    }

    pub(crate) fn reader(&self) -> Result<ContentReader<'_>> {
        self.inner.content.reader()
    }

    pub(crate) fn changed(&self) -> DataError {
        self.inner.content.changed()
    }
}
