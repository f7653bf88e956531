//! Text as it is written: token by token, and never half a character.

use unicode_segmentation::GraphemeCursor;

use super::{
    tokenizer::{Codec, Tokenizer},
    words::Spacing,
};

/// Decodes tokens one at a time, for whoever reads along while a network writes.
///
/// What [`push`](Self::push) and [`finish`](Self::finish) give out is, one after the other, what
/// [`Tokenizer::decode`] makes of all tokens. But it comes in whole grapheme clusters, what a
/// reader calls a character: the last one is held back until the next begins, for an accent, a
/// second half of a flag or the rest of a family may follow.
///
/// ```
/// use recurrent_data::{TokenizerConfig, TokenizerKind, Tokenizer, TextStream};
///
/// let codec = Tokenizer::fit_texts(&TokenizerConfig::new(TokenizerKind::Chars), ["cafe\u{301}!"])?;
/// let mut stream = TextStream::new(&codec);
/// let given: Vec<String> = codec.encode("cafe\u{301}!").into_iter().map(|id| stream.push(id)).collect();
/// assert_eq!(given, ["", "c", "a", "f", "", "e\u{301}"]);
/// assert_eq!(stream.finish(), "!");
/// # Ok::<(), recurrent_data::DataError>(())
/// ```
#[derive(Debug, Clone)]
pub struct TextStream {
    codec: Tokenizer,
    written: Written,
    /// Begins where a cluster does, and holds no second one.
    held: String,
}

impl TextStream {
    /// A stream at whose beginning nothing is written.
    pub fn new(codec: &Tokenizer) -> Self {
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

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use unicode_segmentation::UnicodeSegmentation;

    use super::*;
    use crate::{TokenizerConfig, TokenizerKind};

    const FAMILY: &str = "👨‍👩‍👧‍👦";
    const FLAGS: &str = "🇫🇷🇩🇪🇯🇵";
    const ACCENT: &str = "e\u{301}\u{323}";
    const HINDI: &str = "क्षत्रिय";

    fn codec(kind: TokenizerKind, text: &str) -> Tokenizer {
        Tokenizer::fit_texts(&TokenizerConfig { vocabulary: 270, ..TokenizerConfig::new(kind) }, [text]).unwrap()
    }

    fn given(codec: &Tokenizer, ids: &[u32]) -> Vec<String> {
        let mut stream = TextStream::new(codec);
        let mut given: Vec<String> = ids.iter().map(|id| stream.push(*id)).collect();
        given.push(stream.finish());
        given
    }

    /// What is given out ends where a cluster of the whole text does.
    fn check(codec: &Tokenizer, ids: &[u32]) {
        let whole = codec.decode(ids);
        let ends: Vec<usize> = whole.grapheme_indices(true).map(|(at, _)| at).chain([whole.len()]).collect();
        let mut at = 0;
        for given in given(codec, ids) {
            at += given.len();
            assert!(ends.contains(&at), "{whole:?} is cut at {at}");
        }
        assert_eq!(given(codec, ids).concat(), whole);
    }

    #[test]
    fn no_cluster_is_cut() {
        let text = format!("a {FAMILY}{FAMILY} {FLAGS}{ACCENT}{HINDI}\r\n{ACCENT}");
        for kind in TokenizerKind::ALL {
            let codec = codec(kind, &text);
            check(&codec, &codec.encode(&text));
        }
    }

    #[test]
    fn a_cluster_is_given_out_when_the_next_begins() {
        let text = format!("{FAMILY}!{FLAGS}");
        let codec = codec(TokenizerKind::Chars, &text);
        let given = given(&codec, &codec.encode(&text));
        let given: Vec<_> = given.iter().filter(|given| !given.is_empty()).collect();
        assert_eq!(given, [FAMILY, "!", "🇫🇷", "🇩🇪", "🇯🇵"]);
    }

    #[test]
    fn half_a_character_at_the_end_is_shown_as_such() {
        let codec = codec(TokenizerKind::Bpe, "abc");
        let byte = |byte: u8| 4 + u32::from(byte);
        let ids = [byte(b'a'), byte(0xD0), byte(b'b'), byte(0xF0), byte(0x9F)];
        assert_eq!(codec.decode(&ids), "a\u{FFFD}b\u{FFFD}");
        assert_eq!(given(&codec, &ids), ["", "", "a\u{FFFD}", "", "", "b\u{FFFD}"]);
    }

    #[test]
    fn special_tokens_are_no_text() {
        let codec = codec(TokenizerKind::Words, "a b");
        assert_eq!(given(&codec, &[1, 4, 3, 5, 2, 0]).concat(), "a b");
    }

    #[test]
    fn a_cluster_without_end_takes_no_time() {
        let codec = codec(TokenizerKind::Chars, "a\u{301}");
        let accents = vec![codec.encode("\u{301}")[0]; 200_000];
        assert_eq!(given(&codec, &accents).concat().len(), 400_000);
    }

    proptest! {
        #[test]
        fn any_tokens_are_given_out_in_whole_clusters(
            ids in prop::collection::vec(0_u32..265, 0..60),
            texts in prop::collection::vec(prop::sample::select(vec![FAMILY, FLAGS, ACCENT, HINDI, "a", " ", "\r", "\n"]), 0..9),
        ) {
            static CODECS: LazyLock<[Tokenizer; 2]> = LazyLock::new(|| {
                let text = [FAMILY, FLAGS, ACCENT, HINDI, "a b\r\n"].concat();
                [codec(TokenizerKind::Bpe, &text), codec(TokenizerKind::Unigram, &text)]
            });
            for codec in &*CODECS {
                check(codec, &ids.iter().map(|id| id % codec.len() as u32).collect::<Vec<_>>());
                check(codec, &codec.encode(&texts.concat()));
            }
        }
    }
}
