//! Characters: the smallest vocabulary, and the one with nothing to explain.

use std::{collections::HashMap, ops::Range};

use super::tokenizer::{FIRST, TokenizerConfig, UNK, frequent};
use crate::Result;

/// Unicode scalar values, in the order of their code points.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Chars {
    alphabet: Vec<char>,
}

impl Chars {
    pub(crate) fn fit<T: AsRef<str>>(
        request: &TokenizerConfig,
        texts: impl Iterator<Item = Result<T>>,
    ) -> Result<Self> {
        let mut counts: HashMap<char, u64> = HashMap::new();
        for text in texts {
            text?.as_ref().chars().for_each(|c| *counts.entry(c).or_default() += 1);
        }
        let mut alphabet = frequent(request, "character", counts)?;
        alphabet.sort_unstable();
        Ok(Self { alphabet })
    }

    /// An alphabet that was saved, which is sorted.
    pub(crate) fn saved(alphabet: &str) -> Result<Self, String> {
        let alphabet: Vec<char> = alphabet.chars().collect();
        let sorted = alphabet.windows(2).find(|pair| pair[0] >= pair[1]);
        match (sorted, alphabet.is_empty()) {
            (Some(pair), _) => Err(format!("characters that are sorted, found {:?} before {:?}", pair[0], pair[1])),
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

    /// The character of a number that is no special token's.
    pub(crate) fn char(&self, id: u32) -> char {
        self.alphabet[(id - FIRST) as usize]
    }

    pub(crate) fn id(&self, c: char) -> Option<u32> {
        self.alphabet.binary_search(&c).ok().map(|at| FIRST + at as u32)
    }

    pub(crate) fn each(&self, text: &str, mut give: impl FnMut(u32, Range<usize>)) {
        for (at, c) in text.char_indices() {
            give(self.id(c).unwrap_or(UNK), at..at + c.len_utf8());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::{Tokenizer, TokenizerConfig, TokenizerKind};

    fn fit(vocabulary: usize, min_count: usize, text: &str) -> Tokenizer {
        let request = TokenizerConfig { kind: TokenizerKind::Chars, vocabulary, min_count, lowercase: false };
        Tokenizer::fit_texts(&request, [text]).unwrap()
    }

    #[test]
    fn characters_are_numbered_by_their_code_points_after_the_special_tokens() {
        let codec = fit(0, 0, "жена\nb a");
        let tokens: Vec<_> = (0..codec.len() as u32).map(|id| codec.token(id)).collect();
        assert_eq!(tokens, ["<pad>", "<bos>", "<eos>", "<unk>", "\\n", "␣", "a", "b", "а", "е", "ж", "н"]);
        assert_eq!(codec.encode("ba!"), [7, 6, 3]);
        assert_eq!(codec.id("ж"), Some(10));
        assert_eq!(codec.id("ab"), None);
    }

    #[test]
    fn the_most_frequent_characters_are_kept_where_not_all_are() {
        let kept = |codec: Tokenizer| (4..codec.len() as u32).map(|id| codec.token(id)).collect::<String>();
        assert_eq!(kept(fit(6, 0, "cccbbaadddd")), "cd");
        assert_eq!(kept(fit(7, 0, "cccbbaadddd")), "acd");
        assert_eq!(kept(fit(0, 3, "cccbbaadddd")), "cd");
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in "\\PC{1,40}|[\\s\\S]{1,40}") {
            let codec = fit(0, 0, &text);
            prop_assert_eq!(codec.decode(&codec.encode(&text)), text);
        }
    }
}
