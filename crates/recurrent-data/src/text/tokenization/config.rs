//! Which tokenizer to fit.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::error::{DataError, Result};

/// What a token is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenizerKind {
    /// A character (Unicode scalar value). Ids follow the code points. Characters that the training texts do not have
    /// are unknown.
    #[default]
    Chars,
    /// A word, as Unicode segments them; each punctuation mark and each line end is a word too. Ids follow the
    /// frequency. Spaces are not tokens; decoding puts them where they most likely were.
    Words,
    /// A piece of text made by merging frequent pairs of bytes (BPE). Decoding restores every text.
    Bpe,
    /// A piece of text of a unigram language model, or a byte where no piece fits. Decoding restores every text.
    Unigram,
}

impl TokenizerKind {
    const CHOICES: [&str; 4] = ["chars", "words", "bpe", "unigram"];

    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Chars, Self::Words, Self::Bpe, Self::Unigram];
}

impl FromStr for TokenizerKind {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "chars" => Ok(Self::Chars),
            "words" => Ok(Self::Words),
            "bpe" => Ok(Self::Bpe),
            "unigram" => Ok(Self::Unigram),
            _ => Err(DataError::UnknownChoice { what: "tokenizer", found: text.to_string(), choices: &Self::CHOICES }),
        }
    }
}

impl fmt::Display for TokenizerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Chars => "chars",
            Self::Words => "words",
            Self::Bpe => "bpe",
            Self::Unigram => "unigram",
        })
    }
}

/// Which tokenizer to fit.
///
/// ```
/// use recurrent_data::{TokenizerConfig, TokenizerKind};
///
/// let config = TokenizerConfig::new(TokenizerKind::Words).with_vocab_size(20_000).with_min_count(2).with_lowercase(true);
/// assert_eq!(config.min_count, 2);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TokenizerConfig {
    /// What a token is.
    pub kind: TokenizerKind,
    /// The maximum number of tokens, special tokens included. 0: all characters, all words, or 4000 subwords.
    pub vocab_size: usize,
    /// How often something must occur in the training texts to become a token: a character, a word, a pair of bytes, or
    /// the word that a piece is taken from.
    pub min_count: usize,
    /// Whether words are converted to lower case. It affects words only.
    pub lowercase: bool,
}

impl TokenizerConfig {
    /// A tokenizer of this kind, without limits and case-sensitive.
    pub fn new(kind: TokenizerKind) -> Self {
        Self { kind, ..Self::default() }
    }

    /// Sets what a token is.
    #[must_use]
    pub fn with_kind(self, kind: TokenizerKind) -> Self {
        Self { kind, ..self }
    }

    /// Sets the maximum number of tokens, special tokens included.
    #[must_use]
    pub fn with_vocab_size(self, vocab_size: usize) -> Self {
        Self { vocab_size, ..self }
    }

    /// Sets how often something must occur to become a token.
    #[must_use]
    pub fn with_min_count(self, min_count: usize) -> Self {
        Self { min_count, ..self }
    }

    /// Sets whether words are converted to lower case.
    #[must_use]
    pub fn with_lowercase(self, lowercase: bool) -> Self {
        Self { lowercase, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_parse_from_their_display() {
        for kind in TokenizerKind::ALL {
            assert_eq!(kind.to_string().parse::<TokenizerKind>().unwrap(), kind);
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
        }
        assert_eq!(
            "letters".parse::<TokenizerKind>().unwrap_err().to_string(),
            "expected a tokenizer, one of chars, words, bpe, unigram; found `letters`"
        );
    }
}
