//! Words: what people read, as long as they are known.

use std::{borrow::Cow, collections::HashMap, ops::Range};

use unicode_segmentation::UnicodeSegmentation;

use super::tokenizer::{FIRST, TokenizerConfig, UNK, frequent};
use crate::Result;

/// Words as Unicode bounds them, each punctuation mark and each end of a line a word of its own,
/// from the most frequent to the rarest. Other blanks are not kept.
#[derive(Debug, Clone)]
pub(crate) struct Words {
    lowercase: bool,
    words: Vec<String>,
    ids: HashMap<String, u32>,
}

impl Words {
    pub(crate) fn fit<T: AsRef<str>>(
        request: &TokenizerConfig,
        texts: impl Iterator<Item = Result<T>>,
    ) -> Result<Self> {
        let mut counts: HashMap<String, u64> = HashMap::new();
        for text in texts {
            for (_, word) in split(text?.as_ref()) {
                let word = spelled(word, request.lowercase);
                match counts.get_mut(word.as_ref()) {
                    Some(count) => *count += 1,
                    None => drop(counts.insert(word.into_owned(), 1)),
                }
            }
        }
        Ok(Self::new(request.lowercase, frequent(request, "word", counts)?))
    }

    fn new(lowercase: bool, words: Vec<String>) -> Self {
        let ids = words.iter().cloned().zip(FIRST..).collect();
        Self { lowercase, words, ids }
    }

    /// Words that were saved, none of them twice.
    pub(crate) fn saved(lowercase: bool, words: Vec<String>) -> Result<Self, String> {
        let codec = Self::new(lowercase, words);
        let repeated = codec.words.iter().zip(FIRST..).find(|(word, id)| codec.ids[*word] != *id);
        match (repeated, codec.words.is_empty()) {
            (Some((word, _)), _) => Err(format!("each word once, found {word:?} again")),
            (None, true) => Err("words, found none".to_string()),
            (None, false) => Ok(codec),
        }
    }

    pub(crate) fn lowercase(&self) -> bool {
        self.lowercase
    }

    pub(crate) fn words(&self) -> &[String] {
        &self.words
    }

    pub(crate) fn len(&self) -> usize {
        self.words.len()
    }

    /// The word of a number that is no special token's.
    pub(crate) fn word(&self, id: u32) -> &str {
        &self.words[(id - FIRST) as usize]
    }

    pub(crate) fn id(&self, word: &str) -> Option<u32> {
        self.ids.get(spelled(word, self.lowercase).as_ref()).copied()
    }

    pub(crate) fn each(&self, text: &str, mut give: impl FnMut(u32, Range<usize>)) {
        for (at, word) in split(text) {
            give(self.id(word).unwrap_or(UNK), at..at + word.len());
        }
    }
}

fn spelled(word: &str, lowercase: bool) -> Cow<'_, str> {
    if lowercase { Cow::Owned(word.to_lowercase()) } else { Cow::Borrowed(word) }
}

/// The words, and where they begin.
fn split(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_word_bound_indices().filter_map(|(at, segment)| match segment {
        // One end of a line, as it is written elsewhere.
        "\r\n" => Some((at + 1, "\n")),
        "\n" => Some((at, segment)),
        _ if segment.chars().all(char::is_whitespace) => None,
        _ => Some((at, segment)),
    })
}

/// Puts blanks between words as they were most likely written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spacing {
    last: Option<Side>,
    quoted: bool,
}

/// How a word meets the next one.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Side {
    Blank,
    /// A letter of a script that is written without blanks.
    Unspaced,
    Tight,
}

impl Spacing {
    /// Appends the next word.
    pub(crate) fn push(&mut self, word: &str, text: &mut String) {
        let closes = word == "\"" && self.quoted;
        let left = if closes { Side::Tight } else { left(word) };
        match (self.last, left) {
            (None | Some(Side::Tight), _) | (_, Side::Tight) | (Some(Side::Unspaced), Side::Unspaced) => {}
            _ => text.push(' '),
        }
        text.push_str(word);
        self.last = Some(if closes { Side::Blank } else { right(word) });
        match word {
            "\"" => self.quoted = !self.quoted,
            // No quotation is open for ever because one mark is lost.
            "\n" => self.quoted = false,
            _ => {}
        }
    }
}

fn left(word: &str) -> Side {
    const CLOSING: &str = ".,!?;:)]}%…’”»›'、。，！？；：）」』》";
    side(word.chars().next(), CLOSING)
}

fn right(word: &str) -> Side {
    const OPENING: &str = "([{“„‘‚«‹¿¡#$£\"（「『《、。，！？；：）」』》";
    side(word.chars().next_back(), OPENING)
}

fn side(edge: Option<char>, tight: &str) -> Side {
    const INSIDE: &str = "\n-/_@\u{2010}\u{2011}";
    match edge {
        Some(c) if tight.contains(c) || INSIDE.contains(c) => Side::Tight,
        Some(c) if is_unspaced(c) => Side::Unspaced,
        _ => Side::Blank,
    }
}

/// Chinese, Japanese, Thai, Lao, Burmese, Khmer.
fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{0E00}'..='\u{0EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}' |
        '\u{2E80}'..='\u{A4CF}' | '\u{F900}'..='\u{FAFF}' | '\u{FF00}'..='\u{FFEF}' | '\u{20000}'..='\u{3FFFF}')
}

#[cfg(test)]
mod tests {
    use crate::{Tokenizer, TokenizerConfig, TokenizerKind};

    fn fit(lowercase: bool, text: &str) -> Tokenizer {
        let request = TokenizerConfig { lowercase, ..TokenizerConfig::new(TokenizerKind::Words) };
        Tokenizer::fit_texts(&request, [text]).unwrap()
    }

    fn tokens(codec: &Tokenizer) -> Vec<String> {
        (4..codec.len() as u32).map(|id| codec.token(id)).collect()
    }

    #[test]
    fn the_most_frequent_word_comes_first_and_the_alphabet_decides_among_equals() {
        let text = "The cat, the dog: the cat!\r\nDon't.";
        assert_eq!(tokens(&fit(false, text)), ["cat", "the", "\\n", "!", ",", ".", ":", "Don't", "The", "dog"]);
        let lower = fit(true, text);
        assert_eq!(tokens(&lower), ["the", "cat", "\\n", "!", ",", ".", ":", "dog", "don't"]);
        assert_eq!(lower.id("DOG"), lower.id("dog"));
        assert_eq!(lower.decode(&lower.encode("CAT")), "cat");
    }

    #[test]
    fn blanks_come_back_where_they_were() {
        for text in [
            "Hello, world! It's 3.14 (or so); isn't it?",
            "He said \"no\", and \"no\" again.\nA well-known line.\n\nEnd",
            "«Привет», — сказал он… «Да»",
            "我们走。好！",
            "mail me_too@host/path [1] {2} #3 $4 5%",
            "“Quoted” and ‘so’",
        ] {
            let codec = fit(false, text);
            assert_eq!(codec.decode(&codec.encode(text)), text);
        }
    }

    #[test]
    fn blanks_that_say_nothing_are_not_kept() {
        let codec = fit(false, "a  b\t c \n d");
        assert_eq!(codec.decode(&codec.encode("a  b\t c \n d")), "a b c\nd");
    }

    #[test]
    fn a_mark_that_is_never_closed_ends_with_its_line() {
        let text = "\"a\n\"b\" c";
        let codec = fit(false, text);
        assert_eq!(codec.decode(&codec.encode(text)), text);
    }
}
