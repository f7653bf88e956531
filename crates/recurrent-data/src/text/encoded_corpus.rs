//! The token ids of a long text.

use std::{
    fmt,
    fs::File,
    io::{self, BufWriter, Read, Seek, SeekFrom, Write},
    marker::PhantomData,
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

use super::corpus_split::CorpusSubset;
use super::tokenization::Tokenizer;
use crate::error::{DataError, Result};
use crate::role::Role;

/// A text as token ids.
///
/// An id takes two bytes if the vocabulary allows it, and four otherwise. If the text exceeds its corpus's limit for
/// data in memory, the ids are in an unnamed temporary file that is removed with the last clone.
#[derive(Debug, Clone)]
pub struct EncodedCorpus<R: Role> {
    source: Arc<str>,
    store: Arc<Store>,
    len: usize,
    chars: u64,
    bytes: u64,
    unknown: usize,
    role: PhantomData<R>,
}

enum Store {
    Short(Vec<u16>),
    Long(Vec<u32>),
    File { file: Mutex<File>, width: usize },
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Short(_) => "two bytes each, in memory",
            Self::Long(_) => "four bytes each, in memory",
            Self::File { .. } => "in a temporary file",
        })
    }
}

impl<R: Role> CorpusSubset<R> {
    /// Encodes the text.
    ///
    /// # Errors
    /// If the text cannot be read again, or its ids cannot be written to a temporary file.
    pub fn encode(&self, tokenizer: &Tokenizer) -> Result<EncodedCorpus<R>> {
        let temporary_file = |cause| DataError::TemporaryFile { path: self.source().to_string(), cause };
        let is_short = tokenizer.vocab_size() <= 1 << 16;
        let mut writer = if self.num_bytes() > self.corpus().memory() {
            IdWriter::temporary_file(if is_short { 2 } else { 4 }).map_err(temporary_file)?
        } else if is_short {
            IdWriter::Short(Vec::new())
        } else {
            IdWriter::Long(Vec::new())
        };
        let unk = tokenizer.special_tokens().unk;
        let (mut len, mut unknown, mut ids) = (0, 0, Vec::new());
        for piece in self.pieces() {
            ids.clear();
            tokenizer.encode_into(&piece?, &mut ids);
            len += ids.len();
            unknown += ids.iter().filter(|id| **id == unk).count();
            writer.write(&ids).map_err(temporary_file)?;
        }
        Ok(EncodedCorpus {
            source: self.source().into(),
            store: Arc::new(writer.finish().map_err(temporary_file)?),
            len,
            chars: self.num_chars(),
            bytes: self.num_bytes(),
            unknown,
            role: PhantomData,
        })
    }
}

impl<R: Role> EncodedCorpus<R> {
    /// The name of the text in error messages.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The number of token ids.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no token ids.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The number of characters of the text. A loss per token times [`len`](Self::len), divided by it, is a loss per
    /// character, which is comparable between tokenizers.
    pub fn num_chars(&self) -> u64 {
        self.chars
    }

    /// The number of bytes of the text.
    pub fn num_bytes(&self) -> u64 {
        self.bytes
    }

    /// The number of unknown tokens.
    pub fn num_unknown(&self) -> usize {
        self.unknown
    }

    /// Whether the ids are held in memory.
    pub fn is_in_memory(&self) -> bool {
        !matches!(*self.store, Store::File { .. })
    }

    /// A range of the token ids.
    ///
    /// # Panics
    /// If the range is out of bounds, or the temporary file cannot be read any more.
    pub fn ids(&self, range: Range<usize>) -> Vec<u32> {
        let mut ids = Vec::with_capacity(range.len());
        self.ids_into(range, &mut ids);
        ids
    }

    /// Appends a range of the token ids.
    ///
    /// # Panics
    /// If the range is out of bounds, or the temporary file cannot be read any more.
    pub fn ids_into(&self, range: Range<usize>, ids: &mut Vec<u32>) {
        assert!(range.end <= self.len, "tokens {range:?} of {}", self.len);
        match &*self.store {
            Store::Short(all) => ids.extend(all[range].iter().map(|id| u32::from(*id))),
            Store::Long(all) => ids.extend_from_slice(&all[range]),
            Store::File { file, width } => {
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                if let Err(cause) = read(&mut file, *width, range, ids) {
                    panic!("{}: the temporary file of its token ids cannot be read any more: {cause}", self.source);
                }
            }
        }
    }
}

fn read(file: &mut File, width: usize, range: Range<usize>, ids: &mut Vec<u32>) -> io::Result<()> {
    let mut bytes = vec![0; range.len() * width];
    file.seek(SeekFrom::Start((range.start * width) as u64))?;
    file.read_exact(&mut bytes)?;
    let id = |bytes: &[u8]| bytes.iter().rev().fold(0, |id, byte| id << 8 | u32::from(*byte));
    ids.extend(bytes.chunks_exact(width).map(id));
    Ok(())
}

/// Collects the ids while the text is encoded.
enum IdWriter {
    Short(Vec<u16>),
    Long(Vec<u32>),
    File { file: BufWriter<File>, width: usize },
}

impl IdWriter {
    fn temporary_file(width: usize) -> io::Result<Self> {
        Ok(Self::File { file: BufWriter::new(tempfile::tempfile()?), width })
    }

    fn write(&mut self, ids: &[u32]) -> io::Result<()> {
        match self {
            // The vocabulary has at most 2^16 tokens here.
            Self::Short(all) => all.extend(ids.iter().map(|id| *id as u16)),
            Self::Long(all) => all.extend_from_slice(ids),
            Self::File { file, width } => {
                for id in ids {
                    file.write_all(&id.to_le_bytes()[..*width])?;
                }
            }
        }
        Ok(())
    }

    fn finish(self) -> io::Result<Store> {
        Ok(match self {
            Self::Short(all) => Store::Short(all),
            Self::Long(all) => Store::Long(all),
            Self::File { file, width } => {
                Store::File { file: Mutex::new(file.into_inner().map_err(|error| error.into_error())?), width }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{Corpus, TokenizerConfig, TokenizerKind};

    const TEXT: &str = "the cat, the dog, жаба?\n";

    fn fit(alphabet: &str) -> Tokenizer {
        Tokenizer::fit_strings(&TokenizerConfig::new(TokenizerKind::Chars), [alphabet]).unwrap()
    }

    #[test]
    fn ids_in_a_temporary_file_are_the_same() {
        let text = TEXT.repeat(5000);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.txt");
        fs::write(&path, &text).unwrap();
        // Ids of two and of four bytes.
        let many: String = ('a'..).take(70_000).collect();
        for tokenizer in [fit(TEXT), fit(&(many + TEXT))] {
            let memory = Corpus::open(&path).unwrap().whole().encode(&tokenizer).unwrap();
            let on_disk = Corpus::open_within(&path, 1000).unwrap().whole().encode(&tokenizer).unwrap();
            assert!(memory.is_in_memory() && !on_disk.is_in_memory());
            assert_eq!((memory.len(), on_disk.len()), (120_000, 120_000));
            assert_eq!(memory.ids(0..120_000), tokenizer.encode(&text));
            for range in [0..120_000, 0..0, 17..19, 65_530..65_545, 119_999..120_000] {
                assert_eq!(on_disk.ids(range.clone()), memory.ids(range));
            }
        }
    }

    #[test]
    fn unknown_tokens_are_counted() {
        let encoded = Corpus::from_bytes("t", "abxba".as_bytes()).unwrap().whole().encode(&fit("ab")).unwrap();
        assert_eq!((encoded.len(), encoded.num_unknown(), encoded.num_chars(), encoded.num_bytes()), (5, 1, 5, 5));
        assert_eq!(encoded.ids(1..4), [5, 3, 5]);
    }

    #[test]
    #[should_panic(expected = "tokens 2..9 of 5")]
    fn range_out_of_bounds_panics() {
        Corpus::from_bytes("t", "ababa".as_bytes()).unwrap().whole().encode(&fit("ab")).unwrap().ids(2..9);
    }
}
