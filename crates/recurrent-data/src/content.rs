//! The text of a file: valid UTF-8, in memory or on disk.

use std::{
    borrow::Cow,
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::error::{DataError, Result};
use crate::scan::{BLOCK, Scan, Scanned};

/// The default limit in bytes for data in memory.
pub(crate) const MEMORY: u64 = 64 << 20;

/// A text that is read and validated once when it is opened. A large one stays on disk, and is read again whenever it is needed.
///
/// A clone shares it.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    source: String,
    store: Store,
    scanned: Scanned,
}

#[derive(Debug)]
enum Store {
    Memory(Cow<'static, [u8]>),
    Disk(PathBuf),
}

impl Content {
    /// Opens a file, and keeps it in memory if it has at most so many bytes, or can be read only once, as a pipe.
    ///
    /// # Errors
    /// If it cannot be read, or is not UTF-8.
    pub(crate) fn open(path: &Path, source: String, memory: u64) -> Result<Self> {
        if path.is_dir() {
            return Err(DataError::IsDirectory { path: source });
        }
        let unreadable = |cause| DataError::Unreadable { path: source.clone(), cause };
        let mut file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        let is_regular = metadata.is_file();
        let mut scan = Scan::new(&source);
        let mut kept = match metadata.len() {
            length if is_regular && length > memory => None,
            length => Some(Vec::with_capacity(length as usize)),
        };
        let mut block = vec![0; BLOCK];
        loop {
            let read = match file.read(&mut block) {
                Ok(0) => break,
                Ok(read) => read,
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => continue,
                Err(cause) => return Err(unreadable(cause)),
            };
            scan.push(&block[..read])?;
            kept = kept.filter(|_| scan.seen() <= memory || !is_regular);
            if let Some(kept) = &mut kept {
                kept.extend_from_slice(&block[..read]);
            }
        }
        let store = match kept {
            Some(bytes) => Store::Memory(Cow::Owned(bytes)),
            None => Store::Disk(path.to_path_buf()),
        };
        let scanned = scan.finish()?;
        Ok(Self { inner: Arc::new(Inner { source, store, scanned }) })
    }

    /// Takes bytes in memory; `source` is their name in error messages.
    ///
    /// # Errors
    /// If they are not UTF-8.
    pub(crate) fn from_bytes(source: String, bytes: Cow<'static, [u8]>) -> Result<Self> {
        let mut scan = Scan::new(&source);
        bytes.chunks(BLOCK).try_for_each(|block| scan.push(block))?;
        let scanned = scan.finish()?;
        Ok(Self { inner: Arc::new(Inner { source, store: Store::Memory(bytes), scanned }) })
    }

    /// The name of the text in error messages.
    pub(crate) fn source(&self) -> &str {
        &self.inner.source
    }

    /// What is known of the text.
    pub(crate) fn scanned(&self) -> &Scanned {
        &self.inner.scanned
    }

    /// Whether the text is held in memory.
    pub(crate) fn is_in_memory(&self) -> bool {
        matches!(self.inner.store, Store::Memory(_))
    }

    /// The text from its beginning, without a byte order mark.
    pub(crate) fn read(&self) -> Result<Box<dyn BufRead + '_>> {
        let start = self.scanned().bytes.start;
        Ok(match &self.inner.store {
            Store::Memory(bytes) => Box::new(&bytes[start as usize..]),
            Store::Disk(path) => {
                let mut file = self.open_again(path)?;
                file.seek(SeekFrom::Start(start)).map_err(|cause| self.unreadable(cause))?;
                Box::new(BufReader::with_capacity(BLOCK, file))
            }
        })
    }

    /// Random access to the bytes of the file.
    pub(crate) fn reader(&self) -> Result<ContentReader<'_>> {
        let file = match &self.inner.store {
            Store::Memory(_) => None,
            Store::Disk(path) => Some(self.open_again(path)?),
        };
        Ok(ContentReader { content: self, file })
    }

    fn open_again(&self, path: &Path) -> Result<File> {
        File::open(path).map_err(|cause| self.unreadable(cause))
    }

    pub(crate) fn unreadable(&self, cause: io::Error) -> DataError {
        DataError::Unreadable { path: self.source().to_string(), cause }
    }

    pub(crate) fn changed(&self) -> DataError {
        DataError::FileChanged { path: self.source().to_string() }
    }
}

/// Random access to the bytes of a text.
pub(crate) struct ContentReader<'a> {
    content: &'a Content,
    file: Option<File>,
}

impl<'a> ContentReader<'a> {
    pub(crate) fn read(&mut self, range: Range<u64>) -> Result<Cow<'a, [u8]>> {
        if let Store::Memory(bytes) = &self.content.inner.store {
            return Ok(Cow::Borrowed(&bytes[range.start as usize..range.end as usize]));
        }
        let mut bytes = vec![0; (range.end - range.start) as usize];
        let file = self.file.iter_mut().next();
        let file = file.ok_or_else(|| self.content.changed())?;
        let read = file.seek(SeekFrom::Start(range.start)).and_then(|_| file.read_exact(&mut bytes));
        read.map_err(|cause| match cause.kind() {
            io::ErrorKind::UnexpectedEof => self.content.changed(),
            _ => self.content.unreadable(cause),
        })?;
        Ok(Cow::Owned(bytes))
    }
}
