//! Text as it is written: token by token, and never half a character.

use unicode_segmentation::GraphemeCursor;

use super::{
    codec::{Codec, TextCodec},
    words::Spacing,
};

/// Decodes tokens one at a time, for whoever reads along while a network writes.
///
/// What [`push`](Self::push) and [`finish`](Self::finish) give out is, one after the other, what
/// [`TextCodec::decode`] makes of all tokens. But it comes in whole grapheme clusters, what a
/// reader calls a character: the last one is held back until the next begins, for an accent, a
/// second half of a flag or the rest of a family may follow.
///
/// ```
/// use recurrent_data::{CodecRequest, CodecKind, TextCodec, TextStream};
///
/// let codec = TextCodec::fit_texts(&CodecRequest::new(CodecKind::Chars), ["cafe\u{301}!"])?;
/// let mut stream = TextStream::new(&codec);
/// let given: Vec<String> = codec.encode("cafe\u{301}!").into_iter().map(|id| stream.push(id)).collect();
/// assert_eq!(given, ["", "c", "a", "f", "", "e\u{301}"]);
/// assert_eq!(stream.finish(), "!");
/// # Ok::<(), recurrent_data::DataError>(())
/// ```
#[derive(Debug, Clone)]
pub struct TextStream {
    codec: TextCodec,
    written: Written,
    /// Begins where a cluster does, and holds no second one.
    held: String,
}

impl TextStream {
    /// A stream at whose beginning nothing is written.
    pub fn new(codec: &TextCodec) -> Self {
        Self { codec: codec.clone(), written: Written::new(codec.codec()), held: String::new() }
    }

    /// Takes the next token, and gives out what is sure now: often nothing.
    ///
    /// # Panics
    /// If the codec has no such token.
    pub fn push(&mut self, id: u32) -> String {
        let before = self.held.len();
        self.written.push(self.codec.codec(), id, &mut self.held);
        self.release(before)
    }

    /// What was held back: nothing follows.
    pub fn finish(mut self) -> String {
        self.written.finish(self.codec.codec(), &mut self.held);
        self.held
    }

    /// Gives out all clusters but the last, of which the text from `before` on is new.
    fn release(&mut self, before: usize) -> String {
        let starts = self.held[before..].char_indices().rev().map(|(at, _)| before + at);
        let is_boundary = |at: &usize| {
            let mut cursor = GraphemeCursor::new(*at, self.held.len(), true);
            cursor.is_boundary(&self.held, 0) == Ok(true)
        };
        match starts.into_iter().find(is_boundary) {
            Some(last) => {
                let rest = self.held.split_off(last);
                std::mem::replace(&mut self.held, rest)
            }
            None => String::new(),
        }
    }
}

/// What a decoder has to remember from one token to the next.
#[derive(Debug, Clone)]
pub(crate) enum Written {
    Chars,
    Words(Spacing),
    /// The beginning of a character, in bytes.
    Bytes(Vec<u8>),
    /// Some of the last tokens, and what they were decoded to.
    Loaded {
        last: Vec<u32>,
        text: String,
    },
}

/// As many tokens as a decoder may look back on.
const CONTEXT: usize = 8;

impl Written {
    pub(crate) fn new(codec: &Codec) -> Self {
        match codec {
            Codec::Chars(_) => Self::Chars,
            Codec::Words(_) => Self::Words(Spacing::default()),
            Codec::Subwords(_) => Self::Bytes(vec![]),
            Codec::Loaded(_) => Self::Loaded { last: vec![], text: String::new() },
        }
    }

    /// Appends what a token adds to the text.
    pub(crate) fn push(&mut self, codec: &Codec, id: u32, text: &mut String) {
        if codec.specials().contains(id) {
            return;
        }
        match (codec, self) {
            (Codec::Chars(chars), _) => text.push(chars.char(id)),
            (Codec::Words(words), Self::Words(spacing)) => spacing.push(words.word(id), text),
            (Codec::Subwords(subwords), Self::Bytes(begun)) => {
                begun.extend_from_slice(subwords.bytes(id));
                take_text(begun, text);
            }
            (Codec::Loaded(loaded), Self::Loaded { last, text: before }) => {
                last.push(id);
                let now = loaded.decode(last);
                // A character that is not whole yet is decoded to this one.
                if now.ends_with(char::REPLACEMENT_CHARACTER) && last.len() < 4 * CONTEXT {
                    return;
                }
                text.push_str(rest(&now, before));
                *before = now;
                if last.len() >= 2 * CONTEXT {
                    last.drain(..last.len() - CONTEXT);
                    *before = loaded.decode(last);
                }
            }
            _ => {}
        }
    }

    /// Appends what is left where nothing follows.
    pub(crate) fn finish(&mut self, codec: &Codec, text: &mut String) {
        match (codec, self) {
            (_, Self::Bytes(begun)) => text.push_str(&String::from_utf8_lossy(begun)),
            (Codec::Loaded(loaded), Self::Loaded { last, text: before }) => {
                text.push_str(rest(&loaded.decode(last), before));
            }
            _ => {}
        }
    }
}

/// What came after what was there before. A decoder that takes a blank back, which is given out
/// already, is not followed.
fn rest<'a>(now: &'a str, before: &str) -> &'a str {
    now.strip_prefix(before).or_else(|| now.get(before.len()..)).unwrap_or_default()
}

/// Takes all bytes that make characters, or that no further byte can complete to one.
fn take_text(bytes: &mut Vec<u8>, text: &mut String) {
    let mut taken = 0;
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        taken += chunk.valid().len();
        let invalid = chunk.invalid();
        let is_begun = taken + invalid.len() == bytes.len()
            && std::str::from_utf8(invalid).is_err_and(|error| error.error_len().is_none());
        if !invalid.is_empty() && !is_begun {
            text.push(char::REPLACEMENT_CHARACTER);
            taken += invalid.len();
        }
    }
    bytes.drain(..taken);
}
