//! One pass over a text, block by block: UTF-8 validation, counts, checksum and marks.

use std::ops::Range;

use crate::checksum::Hasher;
use crate::error::{DataError, Result};

/// The size of a block that is read at once, in bytes.
pub(crate) const BLOCK: usize = 64 << 10;

/// The distance between two marks, in bytes.
pub(crate) const MARK_DISTANCE: u64 = 1 << 20;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The byte offset of a character whose index is known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    pub(crate) byte: u64,
    pub(crate) char: u64,
}

/// What a scan found out about a text.
#[derive(Debug)]
pub(crate) struct Scanned {
    /// The bytes of the text, without a byte order mark.
    pub(crate) bytes: Range<u64>,
    pub(crate) chars: u64,
    pub(crate) sha256: String,
    /// The first character, and one in about every [`MARK_DISTANCE`] bytes.
    pub(crate) marks: Vec<Mark>,
}

/// A scan in progress.
pub(crate) struct Scan<'a> {
    source: &'a str,
    hasher: Hasher,
    /// The number of bytes so far, a byte order mark and an incomplete character included.
    seen: u64,
    chars: u64,
    lines: usize,
    after_return: bool,
    /// The first bytes of a character that ends in the next block.
    incomplete: Vec<u8>,
    start: u64,
    marks: Vec<Mark>,
}

impl<'a> Scan<'a> {
    pub(crate) fn new(source: &'a str) -> Self {
        Self {
            source,
            hasher: Hasher::default(),
            seen: 0,
            chars: 0,
            lines: 0,
            after_return: false,
            incomplete: Vec::new(),
            start: 0,
            marks: Vec::new(),
        }
    }

    /// The number of bytes so far.
    pub(crate) fn seen(&self) -> u64 {
        self.seen
    }

    /// Scans the next block.
    pub(crate) fn push(&mut self, block: &[u8]) -> Result<()> {
        self.hasher.update(block);
        let first = self.seen - self.incomplete.len() as u64;
        self.seen += block.len() as u64;
        let mut bytes = std::mem::take(&mut self.incomplete);
        bytes.extend_from_slice(block);

        let valid = valid_prefix(&bytes);
        let mut text = valid;
        if first == 0 && valid.as_bytes().starts_with(BYTE_ORDER_MARK) {
            self.start = BYTE_ORDER_MARK.len() as u64;
            text = &valid[BYTE_ORDER_MARK.len()..];
        }
        let begin = first + (valid.len() - text.len()) as u64;
        if !text.is_empty() && self.marks.last().is_none_or(|mark| begin - mark.byte >= MARK_DISTANCE) {
            self.marks.push(Mark { byte: begin, char: self.chars });
        }
        self.chars += text.chars().count() as u64;
        self.count_lines(text.as_bytes());

        let rest = &bytes[valid.len()..];
        match std::str::from_utf8(rest) {
            Err(error) if error.error_len().is_some() => Err(self.invalid(first + valid.len() as u64)),
            _ => {
                self.incomplete = rest.to_vec();
                Ok(())
            }
        }
    }

    /// Counts line ends: `\n`, `\r\n` or `\r`.
    fn count_lines(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.lines += usize::from(byte == b'\n' || self.after_return);
            self.after_return = byte == b'\r';
        }
    }

    fn invalid(&self, offset: u64) -> DataError {
        let line = 1 + self.lines + usize::from(self.after_return);
        DataError::InvalidUtf8 { path: self.source.to_string(), line, offset: offset as usize }
    }

    /// Ends the scan after the last block.
    pub(crate) fn finish(self) -> Result<Scanned> {
        if !self.incomplete.is_empty() {
            return Err(self.invalid(self.seen - self.incomplete.len() as u64));
        }
        Ok(Scanned { bytes: self.start..self.seen, chars: self.chars, sha256: self.hasher.finish(), marks: self.marks })
    }
}

/// The longest prefix that is UTF-8.
pub(crate) fn valid_prefix(bytes: &[u8]) -> &str {
    bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid())
}
