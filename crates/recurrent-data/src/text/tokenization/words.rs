//! Words as tokens.

use std::{borrow::Cow, collections::HashMap, ops::Range};

use unicode_segmentation::UnicodeSegmentation;

use super::config::TokenizerConfig;
use super::frequent::most_frequent;
use super::special_tokens::{FIRST_ID, SpecialTokens};
use crate::error::Result;

/// Words as Unicode segments them, from the most frequent. Each punctuation mark and each line end is a word; other
/// white space is dropped.
#[derive(Debug, Clone)]
pub(crate) struct Words {
    lowercase: bool,
    words: Vec<String>,
    ids: HashMap<String, u32>,
}

impl Words {
    pub(crate) fn fit<T: AsRef<str>>(config: &TokenizerConfig, texts: impl Iterator<Item = Result<T>>) -> Result<Self> {
        let mut counts: HashMap<String, u64> = HashMap::new();
        for text in texts {
            for (_, word) in split(text?.as_ref()) {
                let word = normalized(word, config.lowercase);
                match counts.get_mut(word.as_ref()) {
                    Some(count) => *count += 1,
                    None => drop(counts.insert(word.into_owned(), 1)),
                }
            }
        }
        Ok(Self::new(config.lowercase, most_frequent(config, "word", counts)?))
    }

    fn new(lowercase: bool, words: Vec<String>) -> Self {
        let ids = words.iter().cloned().zip(FIRST_ID..).collect();
        Self { lowercase, words, ids }
    }

    /// Saved words, which must be distinct.
    pub(crate) fn from_words(lowercase: bool, words: Vec<String>) -> Result<Self, String> {
        let model = Self::new(lowercase, words);
        let repeated = model.words.iter().zip(FIRST_ID..).find(|(word, id)| model.ids[*word] != *id);
        match (repeated, model.words.is_empty()) {
            (Some((word, _)), _) => Err(format!("each word once, found {word:?} again")),
            (None, true) => Err("words, found none".to_string()),
            (None, false) => Ok(model),
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

    /// The word of an id that is not a special token's.
    pub(crate) fn word(&self, id: u32) -> &str {
        &self.words[(id - FIRST_ID) as usize]
    }

    pub(crate) fn id(&self, word: &str) -> Option<u32> {
        self.ids.get(normalized(word, self.lowercase).as_ref()).copied()
    }

    pub(crate) fn encode(&self, text: &str, mut emit: impl FnMut(u32, Range<usize>)) {
        for (at, word) in split(text) {
            emit(self.id(word).unwrap_or(SpecialTokens::FITTED.unk), at..at + word.len());
        }
    }
}

fn normalized(word: &str, lowercase: bool) -> Cow<'_, str> {
    if lowercase { Cow::Owned(word.to_lowercase()) } else { Cow::Borrowed(word) }
}

/// The words, each with its first byte.
fn split(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_word_bound_indices().filter_map(|(at, segment)| match segment {
        // Both line endings are the same word.
        "\r\n" => Some((at + 1, "\n")),
        "\n" => Some((at, segment)),
        _ if segment.chars().all(char::is_whitespace) => None,
        _ => Some((at, segment)),
    })
}

#[cfg(test)]
mod tests {
    use crate::{Tokenizer, TokenizerConfig, TokenizerKind};

    fn fit(lowercase: bool, text: &str) -> Tokenizer {
        let config = TokenizerConfig::new(TokenizerKind::Words).with_lowercase(lowercase);
        Tokenizer::fit_strings(&config, [text]).unwrap()
    }

    fn tokens(tokenizer: &Tokenizer) -> Vec<String> {
        (4..tokenizer.vocab_size() as u32).map(|id| tokenizer.display_token(id)).collect()
    }

    #[test]
    fn words_are_sorted_by_frequency_then_alphabetically() {
        let text = "The cat, the dog: the cat!\r\nDon't.";
        assert_eq!(tokens(&fit(false, text)), ["cat", "the", "\\n", "!", ",", ".", ":", "Don't", "The", "dog"]);
        let lower = fit(true, text);
        assert_eq!(tokens(&lower), ["the", "cat", "\\n", "!", ",", ".", ":", "dog", "don't"]);
        assert_eq!(lower.token_to_id("DOG"), lower.token_to_id("dog"));
        assert_eq!(lower.decode(&lower.encode("CAT")), "cat");
    }

    #[test]
    fn decoding_restores_spaces() {
        for text in [
            "Hello, world! It's 3.14 (or so); isn't it?",
            "He said \"no\", and \"no\" again.\nA well-known line.\n\nEnd",
            "«Привет», — сказал он… «Да»",
            "我们走。好！",
            "mail me_too@host/path [1] {2} #3 $4 5%",
            "“Quoted” and ‘so’",
        ] {
            let tokenizer = fit(false, text);
            assert_eq!(tokenizer.decode(&tokenizer.encode(text)), text);
        }
    }

    #[test]
    fn decoding_normalizes_white_space() {
        let tokenizer = fit(false, "a  b\t c \n d");
        assert_eq!(tokenizer.decode(&tokenizer.encode("a  b\t c \n d")), "a b c\nd");
    }

    #[test]
    fn unclosed_quotation_ends_with_its_line() {
        let text = "\"a\n\"b\" c";
        let tokenizer = fit(false, text);
        assert_eq!(tokenizer.decode(&tokenizer.encode(text)), text);
    }
}
