//! The JSON format of a saved tokenizer.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::chars::Chars;
use super::config::TokenizerKind;
use super::hugging_face::HuggingFace;
use super::model::Model;
use super::subwords::Subwords;
use super::words::Words;

/// A saved tokenizer: its kind, and the fields of that kind.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Saved {
    kind: TokenizerKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lowercase: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alphabet: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    words: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    merges: Option<Vec<(String, String)>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pieces: Option<Vec<(String, f64)>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tokenizer: Option<Box<Loaded>>,
}

/// A loaded tokenizer, which is written as its own `tokenizer.json`.
struct Loaded(HuggingFace);

impl Serialize for Loaded {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.inner().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Loaded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = serde_json::Value::deserialize(deserializer)?.to_string();
        HuggingFace::from_json(json.as_bytes()).map(Self).map_err(serde::de::Error::custom)
    }
}

impl From<&Model> for Saved {
    fn from(model: &Model) -> Self {
        let kind = model.kind();
        let mut saved =
            Self { kind, lowercase: None, alphabet: None, words: None, merges: None, pieces: None, tokenizer: None };
        match model {
            Model::Chars(chars) => saved.alphabet = Some(chars.alphabet()),
            Model::Words(words) => {
                saved.lowercase = Some(words.lowercase());
                saved.words = Some(words.words().to_vec());
            }
            Model::Subwords(subwords) => {
                saved.merges = subwords.merges().map(<[_]>::to_vec);
                saved.pieces = subwords.pieces().map(<[_]>::to_vec);
            }
            Model::HuggingFace(tokenizer) => saved.tokenizer = Some(Box::new(Loaded((**tokenizer).clone()))),
        }
        saved
    }
}

impl TryFrom<Saved> for Model {
    type Error = String;

    fn try_from(saved: Saved) -> Result<Self, String> {
        let model = match saved {
            Saved { tokenizer: Some(tokenizer), .. } => Ok(Self::HuggingFace(Box::new(tokenizer.0))),
            Saved { kind: TokenizerKind::Chars, alphabet: Some(alphabet), .. } => {
                Chars::from_alphabet(&alphabet).map(Self::Chars)
            }
            Saved { kind: TokenizerKind::Words, words: Some(words), lowercase, .. } => {
                Words::from_words(lowercase.unwrap_or_default(), words).map(Self::Words)
            }
            Saved { kind: TokenizerKind::Bpe, merges: Some(merges), .. } => {
                Subwords::from_merges(merges).map(Self::Subwords)
            }
            Saved { kind: TokenizerKind::Unigram, pieces: Some(pieces), .. } => {
                Subwords::from_pieces(pieces).map(Self::Subwords)
            }
            Saved { kind, .. } => Err(format!("all fields of the kind {kind}, found some missing")),
        };
        model.map_err(|expected| format!("expected {expected}"))
    }
}
