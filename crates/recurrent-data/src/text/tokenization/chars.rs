//! Characters as tokens.

use std::{collections::HashMap, ops::Range};

use super::config::TokenizerConfig;
use super::frequent::most_frequent;
use super::special_tokens::{FIRST_ID, SpecialTokens};
use crate::error::Result;

/// Unicode scalar values in the order of their code points.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Chars {
    alphabet: Vec<char>,
}

impl Chars {
    pub(crate) fn fit<T: AsRef<str>>(config: &TokenizerConfig, texts: impl Iterator<Item = Result<T>>) -> Result<Self> {
        let mut counts: HashMap<char, u64> = HashMap::new();
        for text in texts {
            text?.as_ref().chars().for_each(|c| *counts.entry(c).or_default() += 1);
        }
        let mut alphabet = most_frequent(config, "character", counts)?;
        alphabet.sort_unstable();
        Ok(Self { alphabet })
    }

    /// A saved alphabet, which must be sorted.
    pub(crate) fn from_alphabet(alphabet: &str) -> Result<Self, String> {
        let alphabet: Vec<char> = alphabet.chars().collect();
        let unsorted = alphabet.windows(2).find(|pair| pair[0] >= pair[1]);
        match (unsorted, alphabet.is_empty()) {
            (Some(pair), _) => Err(format!("sorted characters, found {:?} before {:?}", pair[0], pair[1])),
            (None, true) => Err("an alphabet, found no character".to_string()),
            (None, false) => Ok(Self { alphabet }),
        }
    }

    pub(crate) fn alphabet(&self) -> String {
        self.alphabet.iter().collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.alphabet.len()
    }

    /// The character of an id that is not a special token's.
    pub(crate) fn char(&self, id: u32) -> char {
        self.alphabet[(id - FIRST_ID) as usize]
    }

    pub(crate) fn id(&self, c: char) -> Option<u32> {
        self.alphabet.binary_search(&c).ok().map(|at| FIRST_ID + at as u32)
    }

    pub(crate) fn encode(&self, text: &str, mut emit: impl FnMut(u32, Range<usize>)) {
        for (at, c) in text.char_indices() {
            emit(self.id(c).unwrap_or(SpecialTokens::FITTED.unk), at..at + c.len_utf8());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::{Tokenizer, TokenizerConfig, TokenizerKind};

    fn fit(vocab_size: usize, min_count: usize, text: &str) -> Tokenizer {
        let config = TokenizerConfig::new(TokenizerKind::Chars).with_vocab_size(vocab_size).with_min_count(min_count);
        Tokenizer::fit_strings(&config, [text]).unwrap()
    }

    #[test]
    fn ids_follow_the_code_points_after_the_special_tokens() {
        let tokenizer = fit(0, 0, "жена\nb a");
        let tokens: Vec<_> = (0..tokenizer.vocab_size() as u32).map(|id| tokenizer.display_token(id)).collect();
        assert_eq!(tokens, ["<pad>", "<bos>", "<eos>", "<unk>", "\\n", "␣", "a", "b", "а", "е", "ж", "н"]);
        assert_eq!(tokenizer.encode("ba!"), [7, 6, 3]);
        assert_eq!(tokenizer.token_to_id("ж"), Some(10));
        assert_eq!(tokenizer.token_to_id("ab"), None);
    }

    #[test]
    fn limits_keep_the_most_frequent_characters() {
        let kept = |tokenizer: Tokenizer| {
            (4..tokenizer.vocab_size() as u32).map(|id| tokenizer.display_token(id)).collect::<String>()
        };
        assert_eq!(kept(fit(6, 0, "cccbbaadddd")), "cd");
        assert_eq!(kept(fit(7, 0, "cccbbaadddd")), "acd");
        assert_eq!(kept(fit(0, 3, "cccbbaadddd")), "cd");
    }

    proptest! {
        #[test]
        fn decoding_restores_the_text(text in "\\PC{1,40}|[\\s\\S]{1,40}") {
            let tokenizer = fit(0, 0, &text);
            prop_assert_eq!(tokenizer.decode(&tokenizer.encode(&text)), text);
        }
    }
}
