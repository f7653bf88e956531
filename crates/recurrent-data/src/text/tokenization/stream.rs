//! Streaming decoding in whole grapheme clusters.

use unicode_segmentation::GraphemeCursor;

use super::decoder::Decoder;
use super::tokenizer::Tokenizer;

/// Decodes one token at a time, to show text while a network generates it.
///
/// The concatenation of what [`push`](Self::push) and [`finish`](Self::finish) return is what [`Tokenizer::decode`]
/// makes of all tokens. It comes in whole grapheme clusters, which readers perceive as characters: the last cluster is
/// held back until the next one begins, because a combining accent may follow.
///
/// ```
/// use recurrent_data::{TextStream, Tokenizer, TokenizerConfig, TokenizerKind};
///
/// let tokenizer = Tokenizer::fit_strings(&TokenizerConfig::new(TokenizerKind::Chars), ["cafe\u{301}!"])?;
/// let mut stream = TextStream::new(&tokenizer);
/// let pushed: Vec<String> = tokenizer.encode("cafe\u{301}!").into_iter().map(|id| stream.push(id)).collect();
/// assert_eq!(pushed, ["", "c", "a", "f", "", "e\u{301}"]);
/// assert_eq!(stream.finish(), "!");
/// # Ok::<(), recurrent_data::DataError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "the last characters come from `finish`"]
pub struct TextStream {
    tokenizer: Tokenizer,
    decoder: Decoder,
    /// The cluster that is held back.
    held: String,
}

impl TextStream {
    /// An empty stream.
    pub fn new(tokenizer: &Tokenizer) -> Self {
        Self { tokenizer: tokenizer.clone(), decoder: Decoder::new(tokenizer.model()), held: String::new() }
    }

    /// Takes the next token, and returns the text that is complete now; often it is empty.
    ///
    /// # Panics
    /// If the tokenizer has no such token.
    #[must_use]
    pub fn push(&mut self, id: u32) -> String {
        let before = self.held.len();
        self.decoder.push(self.tokenizer.model(), id, &mut self.held);
        self.release(before)
    }

    /// Returns what was held back.
    #[must_use]
    pub fn finish(mut self) -> String {
        self.decoder.finish(self.tokenizer.model(), &mut self.held);
        self.held
    }

    /// Returns all clusters but the last; the text from byte `before` on is new.
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

    fn fit(kind: TokenizerKind, text: &str) -> Tokenizer {
        Tokenizer::fit_strings(&TokenizerConfig::new(kind).with_vocab_size(270), [text]).unwrap()
    }

    fn pushed(tokenizer: &Tokenizer, ids: &[u32]) -> Vec<String> {
        let mut stream = TextStream::new(tokenizer);
        let mut pushed: Vec<String> = ids.iter().map(|id| stream.push(*id)).collect();
        pushed.push(stream.finish());
        pushed
    }

    /// Checks that each piece ends where a cluster of the whole text does.
    fn check(tokenizer: &Tokenizer, ids: &[u32]) {
        let whole = tokenizer.decode(ids);
        let ends: Vec<usize> = whole.grapheme_indices(true).map(|(at, _)| at).chain([whole.len()]).collect();
        let mut at = 0;
        for pushed in pushed(tokenizer, ids) {
            at += pushed.len();
            assert!(ends.contains(&at), "{whole:?} is cut at {at}");
        }
        assert_eq!(pushed(tokenizer, ids).concat(), whole);
    }

    #[test]
    fn clusters_are_not_split() {
        let text = format!("a {FAMILY}{FAMILY} {FLAGS}{ACCENT}{HINDI}\r\n{ACCENT}");
        for kind in TokenizerKind::ALL {
            let tokenizer = fit(kind, &text);
            check(&tokenizer, &tokenizer.encode(&text));
        }
    }

    #[test]
    fn cluster_is_released_when_the_next_begins() {
        let text = format!("{FAMILY}!{FLAGS}");
        let tokenizer = fit(TokenizerKind::Chars, &text);
        let pushed = pushed(&tokenizer, &tokenizer.encode(&text));
        let pushed: Vec<_> = pushed.iter().filter(|pushed| !pushed.is_empty()).collect();
        assert_eq!(pushed, [FAMILY, "!", "🇫🇷", "🇩🇪", "🇯🇵"]);
    }

    #[test]
    fn incomplete_character_becomes_a_replacement() {
        let tokenizer = fit(TokenizerKind::Bpe, "abc");
        let byte = |byte: u8| 4 + u32::from(byte);
        let ids = [byte(b'a'), byte(0xD0), byte(b'b'), byte(0xF0), byte(0x9F)];
        assert_eq!(tokenizer.decode(&ids), "a\u{FFFD}b\u{FFFD}");
        assert_eq!(pushed(&tokenizer, &ids), ["", "", "a\u{FFFD}", "", "", "b\u{FFFD}"]);
    }

    #[test]
    fn special_tokens_are_skipped() {
        let tokenizer = fit(TokenizerKind::Words, "a b");
        assert_eq!(pushed(&tokenizer, &[1, 4, 3, 5, 2, 0]).concat(), "a b");
    }

    #[test]
    fn endless_cluster_takes_linear_time() {
        let tokenizer = fit(TokenizerKind::Chars, "a\u{301}");
        let accents = vec![tokenizer.encode("\u{301}")[0]; 200_000];
        assert_eq!(pushed(&tokenizer, &accents).concat().len(), 400_000);
    }

    proptest! {
        #[test]
        fn any_tokens_are_released_in_whole_clusters(
            ids in prop::collection::vec(0_u32..265, 0..60),
            texts in prop::collection::vec(prop::sample::select(vec![FAMILY, FLAGS, ACCENT, HINDI, "a", " ", "\r", "\n"]), 0..9),
        ) {
            static TOKENIZERS: LazyLock<[Tokenizer; 2]> = LazyLock::new(|| {
                let text = [FAMILY, FLAGS, ACCENT, HINDI, "a b\r\n"].concat();
                [fit(TokenizerKind::Bpe, &text), fit(TokenizerKind::Unigram, &text)]
            });
            for tokenizer in &*TOKENIZERS {
                check(tokenizer, &ids.iter().map(|id| id % tokenizer.vocab_size() as u32).collect::<Vec<_>>());
                check(tokenizer, &tokenizer.encode(&texts.concat()));
            }
        }
    }
}
