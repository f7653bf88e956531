//! The four models behind a tokenizer.

use std::ops::Range;

use super::chars::Chars;
use super::config::TokenizerKind;
use super::display::{visible, visible_bytes};
use super::hugging_face::HuggingFace;
use super::special_tokens::{FIRST_ID, NAMES, SpecialTokens};
use super::subwords::Subwords;
use super::words::Words;

#[derive(Debug)]
pub(crate) enum Model {
    Chars(Chars),
    Words(Words),
    Subwords(Subwords),
    HuggingFace(Box<HuggingFace>),
}

impl Model {
    pub(crate) fn kind(&self) -> TokenizerKind {
        match self {
            Self::Chars(_) => TokenizerKind::Chars,
            Self::Words(_) => TokenizerKind::Words,
            Self::Subwords(subwords) => subwords.kind(),
            Self::HuggingFace(tokenizer) => tokenizer.kind(),
        }
    }

    pub(crate) fn vocab_size(&self) -> usize {
        match self {
            Self::Chars(chars) => FIRST_ID as usize + chars.len(),
            Self::Words(words) => FIRST_ID as usize + words.len(),
            Self::Subwords(subwords) => FIRST_ID as usize + subwords.len(),
            Self::HuggingFace(tokenizer) => tokenizer.vocab_size(),
        }
    }

    pub(crate) fn special_tokens(&self) -> SpecialTokens {
        match self {
            Self::HuggingFace(tokenizer) => tokenizer.special_tokens(),
            _ => SpecialTokens::FITTED,
        }
    }

    /// Calls `emit` with each token of a text and the range of bytes that it covers.
    pub(crate) fn encode(&self, text: &str, emit: impl FnMut(u32, Range<usize>)) {
        match self {
            Self::Chars(chars) => chars.encode(text, emit),
            Self::Words(words) => words.encode(text, emit),
            Self::Subwords(subwords) => subwords.encode(text, emit),
            Self::HuggingFace(tokenizer) => tokenizer.encode(text, emit),
        }
    }

    pub(crate) fn display_token(&self, id: u32) -> String {
        match (self, NAMES.get(id as usize)) {
            (Self::HuggingFace(tokenizer), _) => tokenizer.display_token(id),
            (_, Some(name)) => name.to_string(),
            (Self::Chars(chars), _) => visible(chars.char(id).encode_utf8(&mut [0; 4])),
            (Self::Words(words), _) => visible(words.word(id)),
            (Self::Subwords(subwords), _) => visible_bytes(subwords.bytes(id)),
        }
    }

    pub(crate) fn token_to_id(&self, text: &str) -> Option<u32> {
        let special = NAMES.iter().position(|name| *name == text).map(|at| at as u32);
        let mut chars = text.chars();
        match self {
            Self::HuggingFace(tokenizer) => tokenizer.token_to_id(text),
            _ if special.is_some() => special,
            Self::Chars(alphabet) => match (chars.next(), chars.next()) {
                (Some(c), None) => alphabet.id(c),
                _ => None,
            },
            Self::Words(words) => words.id(text),
            Self::Subwords(subwords) => subwords.id(text),
        }
    }
}
