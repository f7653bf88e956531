//! One long text, in memory or on disk, and its parts.

use std::{
    borrow::Cow,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    marker::PhantomData,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest, Sha256};

use super::{texts::Texts, tokenizer::Tokenizer, tokens::Tokens};
use crate::{DataError, Result, Role, Train, Valid, Whole};

/// A text: valid UTF-8, of at least two characters.
///
/// It is read once from end to end when it is opened, and what is wrong with it is found then. One
/// that is larger than [`Corpus::MEMORY`] stays on disk and is read again, piece by piece, whenever
/// it is needed.
///
/// A byte order mark is left out. Nothing else is changed: lines that end in `\r\n` keep their
/// `\r`, and a model of characters learns to write it.
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
    /// The bytes of the text: all but a byte order mark.
    bytes: Range<u64>,
    chars: u64,
    sha256: String,
    marks: Vec<Mark>,
    memory: u64,
}

#[derive(Debug)]
enum Store {
    Memory(Cow<'static, [u8]>),
    Disk(PathBuf),
}

/// A place of which both is known, its byte and its character.
#[derive(Debug, Clone, Copy)]
struct Mark {
    byte: u64,
    char: u64,
}

/// What is read at once.
const BLOCK: usize = 64 << 10;

/// The bytes between two marks.
const MARKED: u64 = 1 << 20;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

impl Corpus {
    /// The largest text that is held in memory, and the largest whose numbers are, in bytes.
    pub const MEMORY: u64 = 64 << 20;

    /// Opens a file.
    ///
    /// # Errors
    /// If it cannot be read, is not UTF-8, or has fewer than two characters.
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_within(path, Self::MEMORY)
    }

    /// Opens a file of which no more than this many bytes are to be held in memory.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_within(path: &Path, memory: u64) -> Result<Self> {
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
            scan.take(&block[..read])?;
            kept = kept.filter(|_| scan.seen <= memory);
            if let Some(kept) = &mut kept {
                kept.extend_from_slice(&block[..read]);
            }
        }
        let store = match kept {
            Some(bytes) => Store::Memory(Cow::Owned(bytes)),
            None => Store::Disk(path.to_path_buf()),
        };
        scan.finish(store, memory)
    }

    /// Takes bytes that lie in memory; `source` is what errors call them.
    ///
    /// # Errors
    /// If they are not UTF-8, or fewer than two characters.
    pub fn from_bytes(source: impl Into<String>, bytes: impl Into<Cow<'static, [u8]>>) -> Result<Self> {
        let (source, bytes) = (source.into(), bytes.into());
        let mut scan = Scan::new(&source);
        bytes.chunks(BLOCK).try_for_each(|block| scan.take(block))?;
        scan.finish(Store::Memory(bytes), Self::MEMORY)
    }

    /// The path, or the name that the bytes were given.
    pub fn source(&self) -> &str {
        &self.inner.source
    }

    /// How many bytes the text has.
    pub fn bytes(&self) -> u64 {
        self.inner.bytes.end - self.inner.bytes.start
    }

    /// How many characters it has, at least two.
    pub fn chars(&self) -> u64 {
        self.inner.chars
    }

    /// The sum of the whole file, in hexadecimal digits.
    pub fn sha256(&self) -> &str {
        &self.inner.sha256
    }

    /// Whether the text is held in memory.
    pub fn is_in_memory(&self) -> bool {
        matches!(self.inner.store, Store::Memory(_))
    }

    /// Cuts the text in two: the beginning, to learn from, and the given share at its end, to
    /// choose by. Of `n` characters the first `floor(n * (1 - valid_share))` are learnt from.
    ///
    /// # Errors
    /// If the share is not between 0 and 1, or leaves nothing on one side.
    pub fn split(&self, valid_share: f64) -> Result<(CorpusSplit<Train>, CorpusSplit<Valid>)> {
        if !(valid_share > 0.0 && valid_share < 1.0) {
            return Err(DataError::BadShare { found: valid_share });
        }
        let chars = self.chars();
        let char = (chars as f64 * (1.0 - valid_share)).floor() as u64;
        let cut = Mark { byte: self.byte_of(char)?, char };
        let start = Mark { byte: self.inner.bytes.start, char: 0 };
        let end = Mark { byte: self.inner.bytes.end, char: chars };
        Ok((CorpusSplit::new(self, start, cut)?, CorpusSplit::new(self, cut, end)?))
    }

    /// All of it: what a trained model is asked about.
    pub fn whole(&self) -> CorpusSplit<Whole> {
        let Inner { bytes, chars, .. } = &*self.inner;
        CorpusSplit { corpus: self.clone(), bytes: bytes.clone(), chars: *chars, role: PhantomData }
    }

    /// Where a character begins.
    fn byte_of(&self, char: u64) -> Result<u64> {
        let marks = &self.inner.marks;
        let Mark { byte, char: marked } = marks[marks.partition_point(|mark| mark.char <= char) - 1];
        // The next mark is not much further, and a character has no more than four bytes.
        let near = byte..self.inner.bytes.end.min(byte + MARKED + 2 * BLOCK as u64);
        let bytes = self.reader()?.read(near)?;
        let text = valid_part(&bytes);
        let within = text.char_indices().nth((char - marked) as usize).map_or(text.len(), |(at, _)| at);
        Ok(byte + within as u64)
    }

    fn reader(&self) -> Result<Reader<'_>> {
        let file = match &self.inner.store {
            Store::Memory(_) => None,
            Store::Disk(path) => Some(File::open(path).map_err(|cause| self.unreadable(cause))?),
        };
        Ok(Reader { corpus: self, file })
    }

    fn unreadable(&self, cause: io::Error) -> DataError {
        DataError::Unreadable { path: self.source().to_string(), cause }
    }

    fn changed(&self) -> DataError {
        DataError::Changed { path: self.source().to_string() }
    }
}

/// Reads a corpus again, at any place.
struct Reader<'a> {
    corpus: &'a Corpus,
    file: Option<File>,
}

impl<'a> Reader<'a> {
    fn read(&mut self, range: Range<u64>) -> Result<Cow<'a, [u8]>> {
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

/// Goes once through a text, block by block, and finds what is wrong with it.
struct Scan<'a> {
    source: &'a str,
    sum: Sha256,
    /// All bytes so far, a mark of byte order and a character's beginning included.
    seen: u64,
    chars: u64,
    lines: usize,
    after_return: bool,
    /// The beginning of a character whose end is in the next block.
    begun: Vec<u8>,
    start: u64,
    marks: Vec<Mark>,
}

impl<'a> Scan<'a> {
    fn new(source: &'a str) -> Self {
        Self {
            source,
            sum: Sha256::new(),
            seen: 0,
            chars: 0,
            lines: 0,
            after_return: false,
            begun: Vec::new(),
            start: 0,
            marks: Vec::new(),
        }
    }

    fn take(&mut self, block: &[u8]) -> Result<()> {
        self.sum.update(block);
        let first = self.seen - self.begun.len() as u64;
        self.seen += block.len() as u64;
        let mut bytes = std::mem::take(&mut self.begun);
        bytes.extend_from_slice(block);

        let valid = valid_part(&bytes);
        let mut text = valid;
        if first == 0 && valid.as_bytes().starts_with(BYTE_ORDER_MARK) {
            self.start = BYTE_ORDER_MARK.len() as u64;
            text = &valid[BYTE_ORDER_MARK.len()..];
        }
        let begins = first + (valid.len() - text.len()) as u64;
        if !text.is_empty() && self.marks.last().is_none_or(|mark| begins - mark.byte >= MARKED) {
            self.marks.push(Mark { byte: begins, char: self.chars });
        }
        self.chars += text.chars().count() as u64;
        self.count_lines(text.as_bytes());

        let rest = &bytes[valid.len()..];
        match std::str::from_utf8(rest) {
            Err(error) if error.error_len().is_some() => Err(self.invalid(first + valid.len() as u64)),
            _ => {
                self.begun = rest.to_vec();
                Ok(())
            }
        }
    }

    /// Counts ends of lines, by `\n`, `\r\n` or `\r`.
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

    fn finish(self, store: Store, memory: u64) -> Result<Corpus> {
        if !self.begun.is_empty() {
            return Err(self.invalid(self.seen - self.begun.len() as u64));
        }
        let found = match self.chars {
            0 if self.seen == 0 => Some("an empty file"),
            0 => Some("none"),
            1 => Some("a single one"),
            _ => None,
        };
        if let Some(found) = found {
            return Err(DataError::NoText { path: self.source.to_string(), found });
        }
        let sum: Vec<String> = self.sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let inner = Inner {
            source: self.source.to_string(),
            store,
            bytes: self.start..self.seen,
            chars: self.chars,
            sha256: sum.concat(),
            marks: self.marks,
            memory,
        };
        Ok(Corpus { inner: Arc::new(inner) })
    }
}

/// As much of some bytes, from their beginning, as is text.
fn valid_part(bytes: &[u8]) -> &str {
    bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid())
}

/// Neighbouring characters of a corpus, with their role. Only [`Corpus`] makes one.
#[derive(Debug, Clone)]
pub struct CorpusSplit<R: Role> {
    corpus: Corpus,
    bytes: Range<u64>,
    chars: u64,
    role: PhantomData<R>,
}

impl<R: Role> CorpusSplit<R> {
    fn new(corpus: &Corpus, from: Mark, to: Mark) -> Result<Self> {
        if from.char >= to.char {
            return Err(DataError::EmptyPart { path: corpus.source().to_string(), part: R::NAME });
        }
        let corpus = corpus.clone();
        Ok(Self { corpus, bytes: from.byte..to.byte, chars: to.char - from.char, role: PhantomData })
    }

    /// The corpus it is from, the other parts included.
    pub fn corpus(&self) -> &Corpus {
        &self.corpus
    }

    /// What errors call it.
    pub fn source(&self) -> &str {
        self.corpus.source()
    }

    /// How many bytes it has.
    pub fn bytes(&self) -> u64 {
        self.bytes.end - self.bytes.start
    }

    /// How many characters it has, at least one.
    pub fn chars(&self) -> u64 {
        self.chars
    }

    /// The text in pieces of at most 64 KiB, cut where a line ends if one does, else before a
    /// blank, else between two characters.
    pub fn pieces(&self) -> Texts<'_, R> {
        let mut at = self.bytes.start;
        let mut reader = None;
        let mut next = move || -> Result<Cow<'_, str>> {
            let reader = match &mut reader {
                Some(reader) => reader,
                None => reader.insert(self.corpus.reader()?),
            };
            let window = at..self.bytes.end.min(at + BLOCK as u64);
            let is_last = window.end == self.bytes.end;
            let piece = piece(reader.read(window)?, is_last).ok_or_else(|| self.corpus.changed())?;
            at += piece.len() as u64;
            Ok(piece)
        };
        let mut left = self.bytes();
        Texts::new(std::iter::from_fn(move || {
            let piece = (left > 0).then(&mut next)?;
            // After what cannot be read nothing comes.
            left = piece.as_ref().map_or(0, |piece| left - piece.len() as u64);
            Some(piece)
        }))
    }

    /// The numbers of the text, which lie in memory if the text could.
    ///
    /// # Errors
    /// If the text cannot be read again, or its numbers do not fit on the disk.
    pub fn encode(&self, codec: &Tokenizer) -> Result<Tokens<R>> {
        Tokens::encode(self, codec, self.corpus.inner.memory)
    }
}

/// The first piece of a window, or `None` if it is no text, which it was when it was opened.
fn piece(window: Cow<'_, [u8]>, is_last: bool) -> Option<Cow<'_, str>> {
    let text = valid_part(&window).len();
    let cut = if is_last {
        window.len()
    } else {
        let last = |wanted: u8| window[..text].iter().rposition(|byte| *byte == wanted);
        let line = last(b'\n').map(|at| at + 1);
        line.or_else(|| last(b' ').filter(|at| *at > 0)).unwrap_or(text)
    };
    if cut == 0 || cut > text {
        return None;
    }
    match window {
        Cow::Borrowed(bytes) => std::str::from_utf8(&bytes[..cut]).ok().map(Cow::Borrowed),
        Cow::Owned(mut bytes) => {
            bytes.truncate(cut);
            String::from_utf8(bytes).ok().map(Cow::Owned)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;
    use crate::{TokenizerConfig, TokenizerKind};

    fn corpus(bytes: &[u8]) -> Result<Corpus> {
        Corpus::from_bytes("t.txt", bytes.to_vec())
    }

    /// The same bytes, read from a file of which nothing is held in memory.
    fn on_disk<T>(bytes: &[u8], look: impl FnOnce(Result<Corpus>, &Path) -> T) -> T {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.txt");
        fs::write(&path, bytes).unwrap();
        look(Corpus::open_within(&path, 0), &path)
    }

    fn said<R: Role>(excerpt: &CorpusSplit<R>) -> String {
        excerpt.pieces().map(|piece| piece.unwrap().into_owned()).collect()
    }

    #[test]
    fn a_text_is_cut_by_its_characters() {
        let corpus = corpus("жабы и 10 ужей".as_bytes()).unwrap();
        assert_eq!((corpus.chars(), corpus.bytes()), (14, 23));
        let (train, valid) = corpus.split(0.1).unwrap();
        assert_eq!((said(&train).as_str(), said(&valid).as_str()), ("жабы и 10 уж", "ей"));
        assert_eq!((train.chars(), train.bytes(), valid.chars()), (12, 19, 2));
        assert_eq!(said(&corpus.whole()), "жабы и 10 ужей");
    }

    #[test]
    fn a_byte_order_mark_is_left_out_and_ends_of_lines_stay() {
        let corpus = corpus("\u{feff}a\r\nb".as_bytes()).unwrap();
        assert_eq!(said(&corpus.whole()), "a\r\nb");
        assert_eq!((corpus.chars(), corpus.bytes()), (4, 4));
        assert_eq!(corpus.sha256(), "bb7fe77b9185814610698ca2785e861545e8f45abee4e4244133f0e0bddb431f");
        let (train, valid) = corpus.split(0.5).unwrap();
        assert_eq!((said(&train).as_str(), said(&valid).as_str()), ("a\r", "\nb"));
    }

    #[test]
    fn what_is_no_text_is_refused() {
        let message = |bytes: &[u8]| corpus(bytes).unwrap_err().to_string();
        assert_eq!(message(b""), "t.txt: expected a text of at least 2 characters, found an empty file");
        assert_eq!(message("\u{feff}".as_bytes()), "t.txt: expected a text of at least 2 characters, found none");
        assert_eq!(message("ж".as_bytes()), "t.txt: expected a text of at least 2 characters, found a single one");
        assert_eq!(
            message(b"ab\r\nc\rd\xFFe"),
            "t.txt, line 3: expected UTF-8 text, found an invalid byte at offset 7"
        );
        assert_eq!(message(b"ab\xD0"), "t.txt, line 1: expected UTF-8 text, found an invalid byte at offset 2");
    }

    #[test]
    fn a_wrong_byte_is_found_at_every_border_between_blocks() {
        for before in BLOCK - 5..BLOCK + 2 {
            let good = [vec![b'\n'; before], "🐈".as_bytes().to_vec(), vec![b'b'; 9]].concat();
            assert_eq!(corpus(&good).unwrap().chars(), before as u64 + 10);
            on_disk(&good, |corpus, _| assert_eq!(said(&corpus.unwrap().whole()).as_bytes(), good));

            // A character that breaks off, in the middle and at the end.
            for rest in [&b"\xF0\x9F\x90b"[..], b"\xF0\x9F\x90"] {
                let bad = [vec![b'\n'; before], rest.to_vec()].concat();
                let place =
                    format!("line {}: expected UTF-8 text, found an invalid byte at offset {before}", before + 1);
                assert_eq!(corpus(&bad).unwrap_err().to_string(), format!("t.txt, {place}"));
                on_disk(&bad, |corpus, path| {
                    assert_eq!(corpus.unwrap_err().to_string(), format!("{}, {place}", path.display()));
                });
            }
        }
    }

    #[test]
    fn lines_are_counted_across_blocks() {
        for before in BLOCK - 2..BLOCK + 2 {
            let bad = [vec![b'a'; before], b"\r\nb\xFF".to_vec()].concat();
            assert!(corpus(&bad).unwrap_err().to_string().starts_with("t.txt, line 2: "));
            let bad = [vec![b'a'; before], b"\r\xFF".to_vec()].concat();
            assert!(corpus(&bad).unwrap_err().to_string().starts_with("t.txt, line 2: "));
        }
    }

    #[test]
    fn a_share_leaves_something_on_both_sides() {
        let corpus = corpus(b"abc").unwrap();
        for share in [0.0, 1.0, -0.5, f64::NAN] {
            assert_eq!(
                corpus.split(share).unwrap_err().to_string(),
                format!("expected a share for validation between 0 and 1, such as 0.1; found {share}")
            );
        }
        assert_eq!(
            corpus.split(0.9).unwrap_err().to_string(),
            "t.txt (train): expected at least 1 character for each part of a split, found 0"
        );
        assert_eq!(
            corpus.split(1e-20).unwrap_err().to_string(),
            "t.txt (valid): expected at least 1 character for each part of a split, found 0"
        );
    }

    #[test]
    fn pieces_end_with_lines_where_they_can() {
        let line = "a line of some words\n".repeat(8000);
        let corpus = corpus(line.as_bytes()).unwrap();
        let whole = corpus.whole();
        let pieces: Vec<_> = whole.pieces().map(Result::unwrap).collect();
        assert_eq!(pieces.len(), 3);
        assert!(pieces.iter().all(|piece| piece.ends_with('\n') && piece.len() <= BLOCK));

        let words = super::Corpus::from_bytes("t", line.replace('\n', " ").into_bytes()).unwrap().whole();
        let pieces: Vec<_> = words.pieces().map(|piece| piece.unwrap().into_owned()).collect();
        assert!(pieces[1..].iter().all(|piece| piece.starts_with(' ') && piece.len() <= BLOCK));
    }

    #[test]
    fn a_line_of_ten_megabytes_is_read_in_pieces() {
        let long = "ж".repeat(5 << 20);
        let check = |corpus: Corpus| {
            let (train, valid) = corpus.split(0.25).unwrap();
            assert_eq!((train.chars(), valid.chars()), (3_932_160, 1_310_720));
            assert_eq!(said(&train).len() + said(&valid).len(), long.len());
        };
        check(corpus(long.as_bytes()).unwrap());
        on_disk(long.as_bytes(), |corpus, _| {
            let corpus = corpus.unwrap();
            assert!(!corpus.is_in_memory());
            check(corpus);
        });
    }

    #[test]
    fn files_that_cannot_be_read_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().display();
        let error = Corpus::open(folder.path()).unwrap_err();
        assert_eq!(error.to_string(), format!("{here}: expected a file, found a directory"));
        let error = Corpus::open(&folder.path().join("no.txt")).unwrap_err();
        assert!(error.to_string().starts_with(&format!("{here}/no.txt: expected a readable file: ")));
    }

    #[test]
    fn a_file_that_changes_is_noticed() {
        on_disk(&b"abc\n".repeat(40_000), |corpus, path| {
            let corpus = corpus.unwrap();
            let codec = Tokenizer::fit_texts(&TokenizerConfig::new(TokenizerKind::Chars), ["abc\n"]).unwrap();
            assert_eq!(corpus.whole().encode(&codec).unwrap().len(), 160_000);
            let expected = format!("{}: expected the file as it was opened, found it changed", path.display());
            for changed in [b"abc\n".repeat(30_000), b"ab\xFF\n".repeat(40_000)] {
                fs::write(path, changed).unwrap();
                assert_eq!(corpus.whole().encode(&codec).unwrap_err().to_string(), expected);
            }
        });
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn parts_are_the_text_wherever_it_lies(
            text in "\u{feff}?[aж🐈\n\r ]{2,60}",
            times in prop::sample::select(vec![1_usize, 3000]),
            share in 0.01..0.99_f64,
        ) {
            let text = text.repeat(times);
            let memory = corpus(text.as_bytes()).unwrap();
            let stripped = text.strip_prefix('\u{feff}').unwrap_or(&text);
            let cut = (stripped.chars().count() as f64 * (1.0 - share)).floor() as usize;
            let expected: (String, String) =
                (stripped.chars().take(cut).collect(), stripped.chars().skip(cut).collect());
            on_disk(text.as_bytes(), |disk, _| {
                let disk = disk.unwrap();
                assert_eq!((disk.sha256(), disk.chars()), (memory.sha256(), memory.chars()));
                for corpus in [&disk, &memory] {
                    match corpus.split(share) {
                        Ok((train, valid)) => assert_eq!((said(&train), said(&valid)), expected.clone()),
                        Err(_) => assert!(expected.0.is_empty() || expected.1.is_empty()),
                    }
                }
                let pieces = |corpus: &Corpus| {
                    corpus.whole().pieces().map(|piece| piece.unwrap().len()).collect::<Vec<_>>()
                };
                assert_eq!(pieces(&disk), pieces(&memory));
            });
        }
    }
}
