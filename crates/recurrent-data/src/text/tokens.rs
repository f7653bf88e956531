//! The numbers of a long text.

use std::{
    fmt,
    fs::File,
    io::{self, BufWriter, Read, Seek, SeekFrom, Write},
    marker::PhantomData,
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

use super::{corpus::CorpusSplit, tokenizer::Tokenizer};
use crate::{DataError, Result, Role};

/// A text as a network sees it: one number after the other.
///
/// A number takes two bytes where the vocabulary allows it, and four otherwise. Those of a text
/// that is too large for the memory lie in a temporary file that has no name and goes when the last
/// clone of this does.
#[derive(Debug, Clone)]
pub struct Tokens<R: Role> {
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
    Spilled { file: Mutex<File>, width: usize },
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Short(_) => "two bytes each, in memory",
            Self::Long(_) => "four bytes each, in memory",
            Self::Spilled { .. } => "in a temporary file",
        })
    }
}

impl<R: Role> Tokens<R> {
    pub(crate) fn encode(text: &CorpusSplit<R>, codec: &Tokenizer, memory: u64) -> Result<Self> {
        let is_short = codec.len() <= 1 << 16;
        let mut sink = if text.bytes() > memory {
            Sink::spill(if is_short { 2 } else { 4 }).map_err(|cause| no_room(text, cause))?
        } else if is_short {
            Sink::Short(Vec::new())
        } else {
            Sink::Long(Vec::new())
        };
        let unk = codec.specials().unk;
        let (mut len, mut unknown, mut ids) = (0, 0, Vec::new());
        for piece in text.pieces() {
            ids.clear();
            codec.encode_into(&piece?, &mut ids);
            len += ids.len();
            unknown += ids.iter().filter(|id| **id == unk).count();
            sink.write(&ids).map_err(|cause| no_room(text, cause))?;
        }
        Ok(Self {
            source: text.source().into(),
            store: Arc::new(sink.finish().map_err(|cause| no_room(text, cause))?),
            len,
            chars: text.chars(),
            bytes: text.bytes(),
            unknown,
            role: PhantomData,
        })
    }

    /// What errors call the text.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// How many numbers there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many characters the text has: a loss per token times [`len`](Self::len), by this, is a
    /// loss per character, and can be compared between codecs.
    pub fn chars(&self) -> u64 {
        self.chars
    }

    /// How many bytes the text has.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many of the numbers stand for something unknown.
    pub fn unknown(&self) -> usize {
        self.unknown
    }

    /// Whether the numbers are held in memory.
    pub fn is_in_memory(&self) -> bool {
        !matches!(*self.store, Store::Spilled { .. })
    }

    /// Some of the numbers.
    ///
    /// # Panics
    /// If there are not so many, or the temporary file cannot be read any more.
    pub fn ids(&self, range: Range<usize>) -> Vec<u32> {
        let mut ids = Vec::with_capacity(range.len());
        self.ids_into(range, &mut ids);
        ids
    }

    /// Appends some of the numbers.
    ///
    /// # Panics
    /// If there are not so many, or the temporary file cannot be read any more.
    pub fn ids_into(&self, range: Range<usize>, ids: &mut Vec<u32>) {
        assert!(range.end <= self.len, "tokens {range:?} of {}", self.len);
        match &*self.store {
            Store::Short(all) => ids.extend(all[range].iter().map(|id| u32::from(*id))),
            Store::Long(all) => ids.extend_from_slice(&all[range]),
            Store::Spilled { file, width } => {
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                if let Err(cause) = read(&mut file, *width, range, ids) {
                    panic!("{}: its tokens cannot be read from their temporary file any more: {cause}", self.source);
                }
            }
        }
    }
}

fn no_room<R: Role>(text: &CorpusSplit<R>, cause: io::Error) -> DataError {
    DataError::NoRoom { path: text.source().to_string(), cause }
}

fn read(file: &mut File, width: usize, range: Range<usize>, ids: &mut Vec<u32>) -> io::Result<()> {
    let mut bytes = vec![0; range.len() * width];
    file.seek(SeekFrom::Start((range.start * width) as u64))?;
    file.read_exact(&mut bytes)?;
    let id = |bytes: &[u8]| bytes.iter().rev().fold(0, |id, byte| id << 8 | u32::from(*byte));
    ids.extend(bytes.chunks_exact(width).map(id));
    Ok(())
}

/// Where numbers go while the text is encoded.
enum Sink {
    Short(Vec<u16>),
    Long(Vec<u32>),
    Spilled { file: BufWriter<File>, width: usize },
}

impl Sink {
    fn spill(width: usize) -> io::Result<Self> {
        Ok(Self::Spilled { file: BufWriter::new(tempfile::tempfile()?), width })
    }

    fn write(&mut self, ids: &[u32]) -> io::Result<()> {
        match self {
            // So few are in the vocabulary that none is cut off here.
            Self::Short(all) => all.extend(ids.iter().map(|id| *id as u16)),
            Self::Long(all) => all.extend_from_slice(ids),
            Self::Spilled { file, width } => {
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
            Self::Spilled { file, width } => {
                Store::Spilled { file: Mutex::new(file.into_inner().map_err(|error| error.into_error())?), width }
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

    fn codec(vocabulary: &str) -> Tokenizer {
        Tokenizer::fit_texts(&TokenizerConfig::new(TokenizerKind::Chars), [vocabulary]).unwrap()
    }

    #[test]
    fn numbers_that_do_not_fit_into_memory_are_the_same() {
        let text = TEXT.repeat(5000);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.txt");
        fs::write(&path, &text).unwrap();
        // Two bytes a number, and four.
        let many: String = ('a'..).take(70_000).collect();
        for codec in [codec(TEXT), codec(&(many + TEXT))] {
            let memory = Corpus::open(&path).unwrap().whole().encode(&codec).unwrap();
            let spilled = Corpus::open_within(&path, 1000).unwrap().whole().encode(&codec).unwrap();
            assert!(memory.is_in_memory() && !spilled.is_in_memory());
            assert_eq!((memory.len(), spilled.len()), (120_000, 120_000));
            assert_eq!(memory.ids(0..120_000), codec.encode(&text));
            for range in [0..120_000, 0..0, 17..19, 65_530..65_545, 119_999..120_000] {
                assert_eq!(spilled.ids(range.clone()), memory.ids(range));
            }
        }
    }

    #[test]
    fn what_is_unknown_is_counted() {
        let tokens = Corpus::from_bytes("t", "abxba".as_bytes()).unwrap().whole().encode(&codec("ab")).unwrap();
        assert_eq!((tokens.len(), tokens.unknown(), tokens.chars(), tokens.bytes()), (5, 1, 5, 5));
        assert_eq!(tokens.ids(1..4), [5, 3, 5]);
    }

    #[test]
    #[should_panic(expected = "tokens 2..9 of 5")]
    fn no_more_numbers_are_given_than_there_are() {
        Corpus::from_bytes("t", "ababa".as_bytes()).unwrap().whole().encode(&codec("ab")).unwrap().ids(2..9);
    }
}
