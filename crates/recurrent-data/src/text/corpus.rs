//! One long text, in memory or on disk.

use std::{
    borrow::Cow,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::corpus_scan::{BLOCK, MARK_DISTANCE, Mark, Scan, Scanned, valid_prefix};
use crate::error::{DataError, Result};

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
    source: String,
    store: Store,
    scanned: Scanned,
    memory: u64,
}

#[derive(Debug)]
enum Store {
    Memory(Cow<'static, [u8]>),
    Disk(PathBuf),
}

impl Corpus {
    /// The default limit in bytes for a text in memory, and for its token ids.
    pub const MEMORY: u64 = 64 << 20;

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
        let source = path.display().to_string();
        if path.is_dir() {
            return Err(DataError::IsDirectory { path: source });
        }
        let unreadable = |cause| DataError::Unreadable { path: source.clone(), cause };
        let mut file = File::open(path).map_err(unreadable)?;
        let mut scan = Scan::new(&source);
        let mut kept = Some(Vec::new());
        let mut block = vec![0; BLOCK];
        loop {
            let read = match file.read(&mut block) {
                Ok(0) => break,
                Ok(read) => read,
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => continue,
                Err(cause) => return Err(unreadable(cause)),
            };
            scan.push(&block[..read])?;
            kept = kept.filter(|_| scan.seen() <= memory);
            if let Some(kept) = &mut kept {
                kept.extend_from_slice(&block[..read]);
            }
        }
        let store = match kept {
            Some(bytes) => Store::Memory(Cow::Owned(bytes)),
            None => Store::Disk(path.to_path_buf()),
        };
        let scanned = scan.finish()?;
        Ok(Self::new(source, store, scanned, memory))
    }

    /// Takes bytes in memory; `source` is their name in error messages.
    ///
    /// # Errors
    /// If they are not UTF-8, or fewer than two characters.
    pub fn from_bytes(source: impl Into<String>, bytes: impl Into<Cow<'static, [u8]>>) -> Result<Self> {
        let (source, bytes) = (source.into(), bytes.into());
        let mut scan = Scan::new(&source);
        bytes.chunks(BLOCK).try_for_each(|block| scan.push(block))?;
        let scanned = scan.finish()?;
        Ok(Self::new(source, Store::Memory(bytes), scanned, Self::MEMORY))
    }

    fn new(source: String, store: Store, scanned: Scanned, memory: u64) -> Self {
        Self { inner: Arc::new(Inner { source, store, scanned, memory }) }
    }

    /// The name of the text in error messages: the path, or what the caller named the bytes.
    pub fn source(&self) -> &str {
        &self.inner.source
    }

    /// The number of bytes.
    pub fn num_bytes(&self) -> u64 {
        self.byte_range().end - self.byte_range().start
    }

    /// The number of characters, at least two.
    pub fn num_chars(&self) -> u64 {
        self.inner.scanned.chars
    }

    /// The SHA-256 of the whole file, in hexadecimal digits.
    pub fn sha256(&self) -> &str {
        &self.inner.scanned.sha256
    }

    /// Whether the text is held in memory.
    pub fn is_in_memory(&self) -> bool {
        matches!(self.inner.store, Store::Memory(_))
    }

    /// The limit in bytes for data in memory.
    pub(crate) fn memory(&self) -> u64 {
        self.inner.memory
    }

    /// The bytes of the text in the file.
    pub(crate) fn byte_range(&self) -> Range<u64> {
        self.inner.scanned.bytes.clone()
    }

    /// The first byte of a character.
    pub(crate) fn byte_of(&self, char: u64) -> Result<u64> {
        let marks = &self.inner.scanned.marks;
        let Mark { byte, char: marked } = marks[marks.partition_point(|mark| mark.char <= char) - 1];
        // The next mark is at most one block further than `MARK_DISTANCE`.
        let near = byte..self.byte_range().end.min(byte + MARK_DISTANCE + 2 * BLOCK as u64);
        let bytes = self.reader()?.read(near)?;
        let text = valid_prefix(&bytes);
        let within = text.char_indices().nth((char - marked) as usize).map_or(text.len(), |(at, _)| at);
        Ok(byte + within as u64)
    }

    pub(crate) fn reader(&self) -> Result<CorpusReader<'_>> {
        let file = match &self.inner.store {
            Store::Memory(_) => None,
            Store::Disk(path) => Some(File::open(path).map_err(|cause| self.unreadable(cause))?),
        };
        Ok(CorpusReader { corpus: self, file })
    }

    fn unreadable(&self, cause: io::Error) -> DataError {
        DataError::Unreadable { path: self.source().to_string(), cause }
    }

    pub(crate) fn changed(&self) -> DataError {
        DataError::FileChanged { path: self.source().to_string() }
    }
}

/// Random access to the bytes of a corpus.
pub(crate) struct CorpusReader<'a> {
    corpus: &'a Corpus,
    file: Option<File>,
}

impl<'a> CorpusReader<'a> {
    pub(crate) fn read(&mut self, range: Range<u64>) -> Result<Cow<'a, [u8]>> {
        if let Store::Memory(bytes) = &self.corpus.inner.store {
            return Ok(Cow::Borrowed(&bytes[range.start as usize..range.end as usize]));
        }
        let mut bytes = vec![0; (range.end - range.start) as usize];
        let file = self.file.iter_mut().next();
        let file = file.ok_or_else(|| self.corpus.changed())?;
        let read = file.seek(SeekFrom::Start(range.start)).and_then(|_| file.read_exact(&mut bytes));
        read.map_err(|cause| match cause.kind() {
            io::ErrorKind::UnexpectedEof => self.corpus.changed(),
            _ => self.corpus.unreadable(cause),
        })?;
        Ok(Cow::Owned(bytes))
    }
}
