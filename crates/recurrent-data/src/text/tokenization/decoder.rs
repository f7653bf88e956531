//! Incremental decoding: token by token, with the state that the models need in between.

use super::model::Model;
use super::spacing::Spacing;

/// The state of a decoder between two tokens.
#[derive(Debug, Clone)]
pub(crate) enum Decoder {
    Chars,
    Words(Spacing),
    /// The first bytes of an incomplete character.
    Subwords(Vec<u8>),
    /// The last tokens and what they were decoded to.
    HuggingFace {
        last: Vec<u32>,
        text: String,
    },
}

/// The number of earlier tokens that the decoding of a token may depend on.
const CONTEXT: usize = 8;

impl Decoder {
    pub(crate) fn new(model: &Model) -> Self {
        match model {
            Model::Chars(_) => Self::Chars,
            Model::Words(_) => Self::Words(Spacing::default()),
            Model::Subwords(_) => Self::Subwords(vec![]),
            Model::HuggingFace(_) => Self::HuggingFace { last: vec![], text: String::new() },
        }
    }

    /// Appends what a token adds to the text.
    pub(crate) fn push(&mut self, model: &Model, id: u32, text: &mut String) {
        if model.special_tokens().contains(id) {
            return;
        }
        match (model, self) {
            (Model::Chars(chars), _) => text.push(chars.char(id)),
            (Model::Words(words), Self::Words(spacing)) => spacing.push(words.word(id), text),
            (Model::Subwords(subwords), Self::Subwords(pending)) => {
                pending.extend_from_slice(subwords.bytes(id));
                drain_text(pending, text);
            }
            (Model::HuggingFace(tokenizer), Self::HuggingFace { last, text: before }) => {
                last.push(id);
                let now = tokenizer.decode(last);
                // An incomplete character is decoded to a replacement character.
                if now.ends_with(char::REPLACEMENT_CHARACTER) && last.len() < 4 * CONTEXT {
                    return;
                }
                text.push_str(added(&now, before));
                *before = now;
                if last.len() >= 2 * CONTEXT {
                    last.drain(..last.len() - CONTEXT);
                    *before = tokenizer.decode(last);
                }
            }
            _ => {}
        }
    }

    /// Appends what is still pending when no token follows.
    pub(crate) fn finish(&mut self, model: &Model, text: &mut String) {
        match (model, self) {
            (_, Self::Subwords(pending)) => text.push_str(&String::from_utf8_lossy(pending)),
            (Model::HuggingFace(tokenizer), Self::HuggingFace { last, text: before }) => {
                text.push_str(added(&tokenizer.decode(last), before));
            }
            _ => {}
        }
    }
}

/// What `now` adds to `before`. If the decoder removed a space that was emitted already, the space stays.
fn added<'a>(now: &'a str, before: &str) -> &'a str {
    now.strip_prefix(before).or_else(|| now.get(before.len()..)).unwrap_or_default()
}

/// Moves all bytes to `text` but those of an incomplete character at the end.
fn drain_text(bytes: &mut Vec<u8>, text: &mut String) {
    let mut taken = 0;
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        taken += chunk.valid().len();
        let invalid = chunk.invalid();
        let is_incomplete = taken + invalid.len() == bytes.len()
            && std::str::from_utf8(invalid).is_err_and(|error| error.error_len().is_none());
        if !invalid.is_empty() && !is_incomplete {
            text.push(char::REPLACEMENT_CHARACTER);
            taken += invalid.len();
        }
    }
    bytes.drain(..taken);
}
