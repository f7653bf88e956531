//! A text split into its beginning, for training, and its end, for validation.

use std::{borrow::Cow, marker::PhantomData, ops::Range};

use super::corpus::Corpus;
use super::texts::Texts;
use crate::error::{DataError, Result};
use crate::role::{Role, Train, Valid, Whole};
use crate::scan::{BLOCK, Mark, valid_prefix};

/// A text split in two.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CorpusSplit {
    /// The beginning of the text.
    pub train: CorpusSubset<Train>,
    /// The end of the text.
    pub valid: CorpusSubset<Valid>,
}

impl Corpus {
    /// Splits the text in two. Of `n` characters, the first `floor(n * (1 - valid_fraction))` are for training.
    ///
    /// # Errors
    /// If `valid_fraction` is not between 0 and 1, or a subset would be empty.
    pub fn split(&self, valid_fraction: f64) -> Result<CorpusSplit> {
        if !(valid_fraction > 0.0 && valid_fraction < 1.0) {
            return Err(DataError::InvalidValidFraction { found: valid_fraction });
        }
        let chars = self.num_chars();
        let char = (chars as f64 * (1.0 - valid_fraction)).floor() as u64;
        let cut = Mark { byte: self.byte_of(char)?, char };
        let start = Mark { byte: self.byte_range().start, char: 0 };
        let end = Mark { byte: self.byte_range().end, char: chars };
        Ok(CorpusSplit { train: CorpusSubset::new(self, start, cut)?, valid: CorpusSubset::new(self, cut, end)? })
    }

    /// The whole text, as input of a trained model.
    pub fn whole(&self) -> CorpusSubset<Whole> {
        CorpusSubset { corpus: self.clone(), bytes: self.byte_range(), chars: self.num_chars(), role: PhantomData }
    }
}

/// Consecutive characters of a corpus, with their role. Only [`Corpus`] makes one.
#[derive(Debug, Clone)]
pub struct CorpusSubset<R: Role> {
    corpus: Corpus,
    bytes: Range<u64>,
    chars: u64,
    role: PhantomData<R>,
}

impl<R: Role> CorpusSubset<R> {
    fn new(corpus: &Corpus, from: Mark, to: Mark) -> Result<Self> {
        if from.char >= to.char {
            return Err(DataError::EmptySubset { path: corpus.source().to_string(), subset: R::NAME });
        }
        let corpus = corpus.clone();
        Ok(Self { corpus, bytes: from.byte..to.byte, chars: to.char - from.char, role: PhantomData })
    }

    /// The whole corpus, the other subset included.
    pub fn corpus(&self) -> &Corpus {
        &self.corpus
    }

    /// The name of the text in error messages.
    pub fn source(&self) -> &str {
        self.corpus.source()
    }

    /// The number of bytes.
    pub fn num_bytes(&self) -> u64 {
        self.bytes.end - self.bytes.start
    }

    /// The number of characters, at least one.
    pub fn num_chars(&self) -> u64 {
        self.chars
    }

    /// The text in pieces of at most 64 KiB, cut after a line end if there is one, else before a space, else between
    /// two characters.
    pub fn pieces(&self) -> Texts<'_, R> {
        let mut at = self.bytes.start;
        let mut reader = None;
        let mut next = move || -> Result<Cow<'_, str>> {
            let reader = match &mut reader {
                Some(reader) => reader,
                None => reader.insert(self.corpus.reader()?),
            };
            let block = at..self.bytes.end.min(at + BLOCK as u64);
            let is_last = block.end == self.bytes.end;
            let piece = first_piece(reader.read(block)?, is_last).ok_or_else(|| self.corpus.changed())?;
            at += piece.len() as u64;
            Ok(piece)
        };
        let mut left = self.num_bytes();
        Texts::new(std::iter::from_fn(move || {
            let piece = (left > 0).then(&mut next)?;
            // An error is the last item.
            left = piece.as_ref().map_or(0, |piece| left - piece.len() as u64);
            Some(piece)
        }))
    }
}

/// The first piece of a block. `None` if it is not UTF-8 any more, as it was when the corpus was opened.
fn first_piece(block: Cow<'_, [u8]>, is_last: bool) -> Option<Cow<'_, str>> {
    let text = valid_prefix(&block).len();
    let cut = if is_last {
        block.len()
    } else {
        let last = |wanted: u8| block[..text].iter().rposition(|byte| *byte == wanted);
        let line = last(b'\n').map(|at| at + 1);
        line.or_else(|| last(b' ').filter(|at| *at > 0)).unwrap_or(text)
    };
    if cut == 0 || cut > text {
        return None;
    }
    match block {
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
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::{Tokenizer, TokenizerConfig, TokenizerKind};

    fn corpus(bytes: &[u8]) -> Result<Corpus> {
        Corpus::from_bytes("t.txt", bytes.to_vec())
    }

    /// The same bytes in a file of which nothing is held in memory.
    fn on_disk<T>(bytes: &[u8], check: impl FnOnce(Result<Corpus>, &Path) -> T) -> T {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.txt");
        fs::write(&path, bytes).unwrap();
        check(Corpus::open_within(&path, 0), &path)
    }

    fn text<R: Role>(subset: &CorpusSubset<R>) -> String {
        subset.pieces().map(|piece| piece.unwrap().into_owned()).collect()
    }

    fn texts(split: &CorpusSplit) -> (String, String) {
        (text(&split.train), text(&split.valid))
    }

    #[test]
    fn text_is_split_by_characters() {
        let corpus = corpus("жабы и 10 ужей".as_bytes()).unwrap();
        assert_eq!((corpus.num_chars(), corpus.num_bytes()), (14, 23));
        let split = corpus.split(0.1).unwrap();
        assert_eq!(texts(&split), ("жабы и 10 уж".to_string(), "ей".to_string()));
        assert_eq!((split.train.num_chars(), split.train.num_bytes(), split.valid.num_chars()), (12, 19, 2));
        assert_eq!(text(&corpus.whole()), "жабы и 10 ужей");
    }

    #[test]
    fn byte_order_mark_is_ignored_and_line_ends_are_kept() {
        let corpus = corpus("\u{feff}a\r\nb".as_bytes()).unwrap();
        assert_eq!(text(&corpus.whole()), "a\r\nb");
        assert_eq!((corpus.num_chars(), corpus.num_bytes()), (4, 4));
        assert_eq!(corpus.sha256(), "bb7fe77b9185814610698ca2785e861545e8f45abee4e4244133f0e0bddb431f");
        assert_eq!(texts(&corpus.split(0.5).unwrap()), ("a\r".to_string(), "\nb".to_string()));
    }

    #[test]
    fn invalid_texts_are_rejected() {
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
    fn invalid_byte_is_found_at_every_block_boundary() {
        for before in BLOCK - 5..BLOCK + 2 {
            let good = [vec![b'\n'; before], "🐈".as_bytes().to_vec(), vec![b'b'; 9]].concat();
            assert_eq!(corpus(&good).unwrap().num_chars(), before as u64 + 10);
            on_disk(&good, |corpus, _| assert_eq!(text(&corpus.unwrap().whole()).as_bytes(), good));

            // An incomplete character, in the middle and at the end.
            for rest in [&b"\xF0\x9F\x90b"[..], b"\xF0\x9F\x90"] {
                let bad = [vec![b'\n'; before], rest.to_vec()].concat();
                let expected =
                    format!("line {}: expected UTF-8 text, found an invalid byte at offset {before}", before + 1);
                assert_eq!(corpus(&bad).unwrap_err().to_string(), format!("t.txt, {expected}"));
                on_disk(&bad, |corpus, path| {
                    assert_eq!(corpus.unwrap_err().to_string(), format!("{}, {expected}", path.display()));
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
    fn valid_fraction_must_leave_two_subsets() {
        let corpus = corpus(b"abc").unwrap();
        for fraction in [0.0, 1.0, -0.5, f64::NAN] {
            assert_eq!(
                corpus.split(fraction).unwrap_err().to_string(),
                format!("valid_fraction: expected a fraction between 0 and 1, such as 0.1; found {fraction}")
            );
        }
        assert_eq!(
            corpus.split(0.9).unwrap_err().to_string(),
            "t.txt (train): expected at least 1 character for each subset of the split, found 0"
        );
        assert_eq!(
            corpus.split(1e-20).unwrap_err().to_string(),
            "t.txt (valid): expected at least 1 character for each subset of the split, found 0"
        );
    }

    #[test]
    fn pieces_end_with_lines_where_possible() {
        let line = "a line of some words\n".repeat(8000);
        let whole = corpus(line.as_bytes()).unwrap().whole();
        let pieces: Vec<_> = whole.pieces().map(Result::unwrap).collect();
        assert_eq!(pieces.len(), 3);
        assert!(pieces.iter().all(|piece| piece.ends_with('\n') && piece.len() <= BLOCK));

        let words = corpus(line.replace('\n', " ").as_bytes()).unwrap().whole();
        let pieces: Vec<_> = words.pieces().map(|piece| piece.unwrap().into_owned()).collect();
        assert!(pieces[1..].iter().all(|piece| piece.starts_with(' ') && piece.len() <= BLOCK));
    }

    #[test]
    fn ten_megabyte_line_is_read_in_pieces() {
        let long = "ж".repeat(5 << 20);
        let check = |corpus: Corpus| {
            let split = corpus.split(0.25).unwrap();
            assert_eq!((split.train.num_chars(), split.valid.num_chars()), (3_932_160, 1_310_720));
            assert_eq!(text(&split.train).len() + text(&split.valid).len(), long.len());
        };
        check(corpus(long.as_bytes()).unwrap());
        on_disk(long.as_bytes(), |corpus, _| {
            let corpus = corpus.unwrap();
            assert!(!corpus.is_in_memory());
            check(corpus);
        });
    }

    #[test]
    fn unreadable_files_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().display();
        let error = Corpus::open(folder.path()).unwrap_err();
        assert_eq!(error.to_string(), format!("{here}: expected a file, found a directory"));
        let error = Corpus::open(folder.path().join("no.txt")).unwrap_err();
        assert!(error.to_string().starts_with(&format!("{here}/no.txt: expected a readable file: ")));
    }

    #[test]
    fn changed_file_is_reported() {
        on_disk(&b"abc\n".repeat(40_000), |corpus, path| {
            let corpus = corpus.unwrap();
            let tokenizer = Tokenizer::fit_strings(&TokenizerConfig::new(TokenizerKind::Chars), ["abc\n"]).unwrap();
            assert_eq!(corpus.whole().encode(&tokenizer).unwrap().len(), 160_000);
            let expected =
                format!("{}: expected the file to stay as it was when it was opened, found it changed", path.display());
            for changed in [b"abc\n".repeat(30_000), b"ab\xFF\n".repeat(40_000)] {
                fs::write(path, changed).unwrap();
                assert_eq!(corpus.whole().encode(&tokenizer).unwrap_err().to_string(), expected);
            }
        });
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn subsets_are_the_same_in_memory_and_on_disk(
            text in "\u{feff}?[aж🐈\n\r ]{2,60}",
            times in prop::sample::select(vec![1_usize, 3000]),
            fraction in 0.01..0.99_f64,
        ) {
            let text = text.repeat(times);
            let memory = corpus(text.as_bytes()).unwrap();
            let stripped = text.strip_prefix('\u{feff}').unwrap_or(&text);
            let cut = (stripped.chars().count() as f64 * (1.0 - fraction)).floor() as usize;
            let expected: (String, String) =
                (stripped.chars().take(cut).collect(), stripped.chars().skip(cut).collect());
            on_disk(text.as_bytes(), |disk, _| {
                let disk = disk.unwrap();
                assert_eq!((disk.sha256(), disk.num_chars()), (memory.sha256(), memory.num_chars()));
                for corpus in [&disk, &memory] {
                    match corpus.split(fraction) {
                        Ok(split) => assert_eq!(texts(&split), expected.clone()),
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
