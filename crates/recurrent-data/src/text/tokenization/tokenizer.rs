//! Tokenizers, fitted on training texts or loaded.

use std::{ops::Range, path::Path, sync::Arc};

use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;

use super::chars::Chars;
use super::config::{TokenizerConfig, TokenizerKind};
use super::decoder::Decoder;
use super::hugging_face::HuggingFace;
use super::model::Model;
use super::saved::Saved;
use super::special_tokens::SpecialTokens;
use super::subwords::Subwords;
use super::untrusted;
use super::vocabulary;
use super::words::Words;
use crate::error::{DataError, Result};
use crate::file::read_at_most;
use crate::role::Train;
use crate::text::texts::Texts;

/// A piece of text that a tokenizer has no token for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownPiece {
    /// The piece.
    pub text: String,
    /// Its first byte in the text.
    pub offset: usize,
}

/// Converts text to token ids and back.
///
/// A tokenizer is fitted on training texts only. [`Texts`] carry the role of their subset, so that a leak does not
/// compile:
///
/// ```compile_fail,E0308
/// # use recurrent_data::{Corpus, Result, Tokenizer, TokenizerConfig, TokenizerKind};
/// fn leak(corpus: &Corpus) -> Result<Tokenizer> {
///     let split = corpus.split(0.1)?;
///     Tokenizer::fit(&TokenizerConfig::new(TokenizerKind::Chars), split.valid.pieces())
/// }
/// ```
///
/// A text cannot contain a special token: `<eos>` in a text is five characters, or three words.
///
/// A clone shares the vocabulary.
///
/// ```
/// use recurrent_data::{Corpus, Tokenizer, TokenizerConfig, TokenizerKind};
///
/// let corpus = Corpus::from_bytes("song", "la la la, la la".as_bytes())?;
/// let split = corpus.split(0.2)?;
/// let tokenizer = Tokenizer::fit(&TokenizerConfig::new(TokenizerKind::Chars), split.train.pieces())?;
///
/// let ids = tokenizer.encode("al la");
/// assert_eq!(ids, [6, 7, 4, 7, 6]);
/// assert_eq!(tokenizer.decode(&ids), "al la");
/// assert_eq!(tokenizer.display_token(4), "␣");
/// assert_eq!(tokenizer.unknown_pieces("la lo")[0].offset, 4);
/// # Ok::<(), recurrent_data::DataError>(())
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct Tokenizer {
    model: Arc<Model>,
}

impl Tokenizer {
    /// Fits a tokenizer on training texts.
    ///
    /// The same texts give the same tokenizer. Fitting takes time in proportion to the length of the texts, and memory
    /// in proportion to the number of distinct words.
    ///
    /// # Errors
    /// If the texts cannot be read or contain nothing that could become a token, or `vocab_size` has no room for one.
    pub fn fit(config: &TokenizerConfig, texts: Texts<'_, Train>) -> Result<Self> {
        Self::fit_results(config, texts)
    }

    /// Fits a tokenizer on any strings. The caller has to make sure that they are training data.
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    pub fn fit_strings<T: AsRef<str>>(config: &TokenizerConfig, texts: impl IntoIterator<Item = T>) -> Result<Self> {
        Self::fit_results(config, texts.into_iter().map(Ok))
    }

    fn fit_results<T: AsRef<str>>(config: &TokenizerConfig, texts: impl Iterator<Item = Result<T>>) -> Result<Self> {
        Ok(Self::new(match config.kind {
            TokenizerKind::Chars => Model::Chars(Chars::fit(config, texts)?),
            TokenizerKind::Words => Model::Words(Words::fit(config, texts)?),
            TokenizerKind::Bpe | TokenizerKind::Unigram => Model::Subwords(Subwords::fit(config, texts)?),
        }))
    }

    /// Reads a `tokenizer.json` of Hugging Face's `tokenizers`.
    ///
    /// Special tokens are found by their usual names; missing ones are added after all other ids. Truncation and padding
    /// of the file are ignored.
    ///
    /// # Errors
    /// If the file cannot be read, is not such a tokenizer, or is one that would cost too much memory or time: of more
    /// than 64 MiB, a million ids or 10,000 added tokens, say.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let bytes = read_at_most(&path, untrusted::MAX_BYTES)?;
        let invalid = |cause| DataError::InvalidTokenizer {
            path: path.as_ref().display().to_string(),
            expected: "a tokenizer.json of Hugging Face",
            cause,
        };
        let tokenizer = HuggingFace::from_json(&bytes).map_err(invalid)?;
        Ok(Self::new(Model::HuggingFace(Box::new(tokenizer))))
    }

    /// Reads a tokenizer's file of any kind: one that [`to_json`](Self::to_json) wrote, a `tokenizer.json` of Hugging Face, or
    /// the characters of a vocabulary in the order of their ids, as a list (`["a", "b"]`) or by id (`{"a": 0, "b": 1}`).
    ///
    /// Special tokens that a vocabulary of characters or Hugging Face's file does not have are added after all other ids.
    ///
    /// # Errors
    /// As [`from_file`](Self::from_file), or if the file is none of these.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let bytes = read_at_most(&path, untrusted::MAX_BYTES)?;
        let name = path.as_ref().display().to_string();
        let invalid = |expected| {
            let path = name.clone();
            move |cause: Box<dyn std::error::Error + Send + Sync>| DataError::InvalidTokenizer { path, expected, cause }
        };
        let expected = "a tokenizer.json, or a list of characters";
        let json: serde_json::Value =
            serde_json::from_slice(&bytes).map_err(|cause| invalid(expected)(cause.into()))?;
        if json.get("kind").is_some() {
            return Self::from_json(&name, &String::from_utf8_lossy(&bytes));
        }
        if json.get("model").is_some() {
            return Self::from_file(path);
        }
        let tokenizer = vocabulary::characters(&json).and_then(|characters| HuggingFace::of_characters(&characters));
        Ok(Self::new(Model::HuggingFace(Box::new(tokenizer.map_err(invalid(expected))?))))
    }

    /// Parses what [`to_json`](Self::to_json) wrote; `path` is its name in error messages.
    ///
    /// # Errors
    /// If it is not a saved tokenizer.
    pub fn from_json(path: &str, json: &str) -> Result<Self> {
        serde_json::from_str(json).map_err(|cause| DataError::InvalidTokenizer {
            path: path.to_string(),
            expected: "a saved tokenizer",
            cause: cause.into(),
        })
    }

    /// The tokenizer as JSON. Equal tokenizers give equal JSON.
    pub fn to_json(&self) -> String {
        // Strings, numbers and lists of them can always be serialized.
        serde_json::to_string(self).unwrap_or_default()
    }

    fn new(model: Model) -> Self {
        Self { model: Arc::new(model) }
    }

    /// What a token is; for a loaded tokenizer, the most similar kind.
    pub fn kind(&self) -> TokenizerKind {
        self.model.kind()
    }

    /// The number of tokens, special tokens included. Every id is below it.
    pub fn vocab_size(&self) -> usize {
        self.model.vocab_size()
    }

    /// The ids of the special tokens.
    pub fn special_tokens(&self) -> SpecialTokens {
        self.model.special_tokens()
    }

    /// The token ids of a text, without special tokens at its beginning or end.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        let mut ids = Vec::new();
        self.encode_into(text, &mut ids);
        ids
    }

    /// Appends the token ids of a text.
    pub fn encode_into(&self, text: &str, ids: &mut Vec<u32>) {
        self.model.encode(text, |id, _| ids.push(id));
    }

    /// The token ids of a text, each with the range of bytes that it covers. Where several tokens encode one character,
    /// the last one covers it and the others have empty ranges.
    pub fn encode_with_offsets(&self, text: &str) -> Vec<(u32, Range<usize>)> {
        let mut tokens = Vec::new();
        self.model.encode(text, |id, range| tokens.push((id, range)));
        tokens
    }

    /// The pieces of a text that have no token: they are encoded as `<unk>` and decoded as nothing.
    pub fn unknown_pieces(&self, text: &str) -> Vec<UnknownPiece> {
        let unk = self.special_tokens().unk;
        let mut unknown = Vec::new();
        self.model.encode(text, |id, range| {
            if id == unk {
                let piece = text.get(range.clone()).unwrap_or_default().to_string();
                unknown.push(UnknownPiece { text: piece, offset: range.start });
            }
        });
        unknown
    }

    /// The token ids of a text that goes on: those before its last word, and the bytes after them, with which the next
    /// tokens have to begin.
    ///
    /// The last tokens of a text depend on what follows: `qui` may be `q` and `ui`, and `quiet` a single token. The last
    /// word has the space before it, and is a single space at the end of the text. Characters as tokens depend on nothing.
    pub fn encode_open(&self, text: &str) -> (Vec<u32>, Vec<u8>) {
        let tokens = self.encode_with_offsets(text);
        let ids = |tokens: &[(u32, Range<usize>)]| tokens.iter().map(|(id, _)| *id).collect::<Vec<u32>>();
        let word = last_word(text);
        let Some(mut first) = tokens.iter().position(|(_, range)| range.end > word) else {
            return (ids(&tokens), Vec::new());
        };
        // Several tokens of one character.
        while first > 0 && tokens[first - 1].1.is_empty() {
            first -= 1;
        }
        if self.kind() == TokenizerKind::Chars || tokens[first..].len() > MAX_OPEN {
            return (ids(&tokens), Vec::new());
        }
        let (before, open) = (ids(&tokens[..first]), ids(&tokens[first..]));
        let bytes = if open.contains(&self.special_tokens().unk) {
            let raw = text.get(tokens[..first].last().map_or(0, |(_, range)| range.end)..).unwrap_or_default();
            let word = raw.trim_start();
            let space = if word.len() < raw.len() { " " } else { "" };
            [space, word].concat().into_bytes()
        } else {
            let last = before.last().copied();
            let mut bytes = Vec::new();
            for (index, id) in open.iter().enumerate() {
                let previous = if index == 0 { last } else { Some(open[index - 1]) };
                bytes.extend(self.bytes_after(previous, *id));
            }
            bytes
        };
        (before, bytes)
    }

    /// The bytes that a token adds to a text whose last token is `previous`. They may be part of a character.
    ///
    /// # Panics
    /// If an id is not below [`vocab_size`](Self::vocab_size).
    pub fn bytes_after(&self, previous: Option<u32>, id: u32) -> Vec<u8> {
        if self.special_tokens().contains(id) {
            return Vec::new();
        }
        match &*self.model {
            Model::Subwords(subwords) => subwords.bytes(id).to_vec(),
            Model::HuggingFace(tokenizer) if tokenizer.is_byte_level() => tokenizer.bytes(id),
            _ => {
                let before = previous.map_or(0, |previous| self.decode(&[previous]).len());
                let after = self.decode(&previous.into_iter().chain([id]).collect::<Vec<u32>>());
                after.get(before..).unwrap_or_default().as_bytes().to_vec()
            }
        }
    }

    /// The text of token ids. Special tokens are skipped; bytes that are not UTF-8 become `\u{FFFD}`.
    ///
    /// # Panics
    /// If an id is not below [`vocab_size`](Self::vocab_size).
    pub fn decode(&self, ids: &[u32]) -> String {
        if let Model::HuggingFace(tokenizer) = &*self.model {
            return tokenizer.decode(ids);
        }
        let mut text = String::new();
        let mut decoder = Decoder::new(&self.model);
        ids.iter().for_each(|id| decoder.push(&self.model, *id, &mut text));
        decoder.finish(&self.model, &mut text);
        text
    }

    /// A token as visible text, for tables and plots: a space is `␣`, a line end `\n`, an incomplete character its bytes
    /// in hexadecimal, as in `\xD0`.
    ///
    /// # Panics
    /// If the id is not below [`vocab_size`](Self::vocab_size).
    pub fn display_token(&self, id: u32) -> String {
        self.model.display_token(id)
    }

    /// The id of a token by its text: a character, a word, a piece, or the name of a special token such as `<eos>`.
    pub fn token_to_id(&self, token: &str) -> Option<u32> {
        self.model.token_to_id(token)
    }

    pub(crate) fn model(&self) -> &Model {
        &self.model
    }
}

/// The most tokens of a last word that is encoded with what follows it.
const MAX_OPEN: usize = 32;

/// The first byte of the last word of a text, or of the space before it. White space at the end is no word, but for a
/// single space, which may belong to the next word.
fn last_word(text: &str) -> usize {
    let is_space = |c: char| c.is_whitespace();
    match text.split_word_bound_indices().next_back() {
        Some((_, last)) if last.ends_with(' ') => text.len() - 1,
        Some((at, last)) if !last.chars().all(is_space) => at - usize::from(text[..at].ends_with(' ')),
        _ => text.len(),
    }
}

impl From<Tokenizer> for Saved {
    fn from(tokenizer: Tokenizer) -> Self {
        Self::from(&*tokenizer.model)
    }
}

impl TryFrom<Saved> for Tokenizer {
    type Error = String;

    fn try_from(saved: Saved) -> Result<Self, String> {
        Model::try_from(saved).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::super::special_tokens::NAMES;
    use super::*;
    use crate::Corpus;

    const TEXT: &str = "The cat sat.\nThe dog sat: \"Кот!\"\n";

    fn tokenizers() -> Vec<Tokenizer> {
        let fit = |kind| Tokenizer::fit_strings(&TokenizerConfig::new(kind).with_vocab_size(280), [TEXT]);
        TokenizerKind::ALL.into_iter().map(|kind| fit(kind).unwrap()).collect()
    }

    #[test]
    fn special_tokens_have_the_first_ids() {
        for tokenizer in tokenizers() {
            let SpecialTokens { pad, bos, eos, unk } = tokenizer.special_tokens();
            assert_eq!([pad, bos, eos, unk], [0, 1, 2, 3]);
            assert_eq!([0, 1, 2, 3].map(|id| tokenizer.display_token(id)), NAMES);
            assert_eq!(NAMES.map(|name| tokenizer.token_to_id(name)), [Some(0), Some(1), Some(2), Some(3)]);
            assert_eq!(tokenizer.decode(&[1, 0, 3, 2]), "");
        }
    }

    #[test]
    fn tokenizer_is_the_same_after_a_round_trip() {
        for tokenizer in tokenizers() {
            let json = tokenizer.to_json();
            let again = Tokenizer::from_json("tokenizer.json", &json).unwrap();
            assert_eq!(again.to_json(), json);
            assert_eq!((again.kind(), again.vocab_size()), (tokenizer.kind(), tokenizer.vocab_size()));
            assert_eq!(again.encode(TEXT), tokenizer.encode(TEXT));
            assert_eq!(again.decode(&again.encode(TEXT)).trim(), TEXT.trim());
        }
        assert_eq!(
            Tokenizer::fit_strings(&TokenizerConfig::default(), ["ba c"]).unwrap().to_json(),
            r#"{"kind":"chars","alphabet":" abc"}"#
        );
    }

    #[test]
    fn offsets_and_unknown_pieces_are_byte_positions() {
        let chars = &tokenizers()[0];
        let unknown = |text: &str, offset| UnknownPiece { text: text.to_string(), offset };
        assert_eq!(chars.unknown_pieces("Тhe cаt"), [unknown("Т", 0), unknown("а", 6)]);
        let words = &tokenizers()[1];
        assert_eq!(words.unknown_pieces("The  bird sat"), [unknown("bird", 5)]);
        let tokens = words.encode_with_offsets("The  bird sat");
        assert_eq!(tokens.iter().map(|(_, range)| range.clone()).collect::<Vec<_>>(), [0..3, 5..9, 10..13]);
        assert_eq!(tokens[1].0, words.special_tokens().unk);
    }

    #[test]
    fn last_word_stays_open() {
        let [chars, words, bpe, unigram] = &tokenizers()[..] else { panic!("four kinds") };
        let open = |tokenizer: &Tokenizer, text: &str| {
            let (ids, bytes) = tokenizer.encode_open(text);
            (tokenizer.decode(&ids), String::from_utf8(bytes).unwrap())
        };
        let split = |before: &str, open: &str| (before.to_string(), open.to_string());
        assert_eq!(open(chars, "The c"), split("The c", ""));
        for tokenizer in [bpe, unigram] {
            assert_eq!(open(tokenizer, "The c"), split("The", " c"));
            assert_eq!(open(tokenizer, "The "), split("The", " "));
            assert_eq!(open(tokenizer, "The\n"), split("The\n", ""));
            assert_eq!(open(tokenizer, "Ко"), split("", "Ко"));
            assert_eq!(open(tokenizer, "The Щ"), split("The", " Щ"));
            assert_eq!(open(tokenizer, ""), split("", ""));
        }
        // `c` is no word.
        assert_eq!(open(words, "The  c"), split("The", " c"));
        assert_eq!(open(words, "The cat"), split("The", " cat"));
        assert_eq!(open(words, "The "), split("The", ""));
        let long = "x".repeat(100);
        assert_eq!(open(bpe, &long), split(&long, ""));
    }

    #[test]
    fn invalid_saved_tokenizers_are_rejected() {
        let message = |json: &str| Tokenizer::from_json("tokenizer.json", json).unwrap_err().to_string();
        for (json, found) in [
            (r#"{"kind":"chars"}"#, "expected all fields of the kind chars, found some missing"),
            (r#"{"kind":"chars","alphabet":""}"#, "expected an alphabet, found no character"),
            (r#"{"kind":"chars","alphabet":"ba"}"#, "expected sorted characters, found 'b' before 'a'"),
            (r#"{"kind":"words","words":["a","a"]}"#, "expected each word once, found \"a\" again"),
            (r#"{"kind":"words","words":[]}"#, "expected words, found none"),
            (r#"{"kind":"bpe","merges":[["a","bc"]]}"#, "expected merges of known pieces, found \"bc\""),
            (r#"{"kind":"unigram","pieces":[["a",-1.0],["a",-2.0]]}"#, "expected each piece once, found \"a\" again"),
            (
                r#"{"kind":"unigram","pieces":[["<unk>",-1.5]]}"#,
                "expected pieces of text with finite scores, found \"<unk>\" with -1.5",
            ),
        ] {
            assert_eq!(message(json), format!("tokenizer.json: expected a saved tokenizer: {found}"), "{json}");
        }
        assert!(message("{").starts_with("tokenizer.json: expected a saved tokenizer: EOF"));
    }

    #[test]
    fn texts_without_tokens_are_rejected() {
        let message = |kind, vocab_size, min_count, text: &str| {
            let config = TokenizerConfig::new(kind).with_vocab_size(vocab_size).with_min_count(min_count);
            Tokenizer::fit_strings(&config, [text]).unwrap_err().to_string()
        };
        assert_eq!(
            message(TokenizerKind::Chars, 0, 3, "ab"),
            "expected texts to fit the chars tokenizer on, found no character that occurs at least 3 times"
        );
        assert_eq!(
            message(TokenizerKind::Words, 0, 0, " "),
            "expected texts to fit the words tokenizer on, found no word that occurs at least once"
        );
        assert_eq!(
            message(TokenizerKind::Bpe, 0, 2, ""),
            "expected texts to fit the bpe tokenizer on, found no word that occurs at least once"
        );
        assert_eq!(
            message(TokenizerKind::Chars, 4, 0, "ab"),
            "vocab_size: expected at least 5 for the chars tokenizer, found 4"
        );
    }

    #[test]
    fn validation_text_does_not_change_the_tokenizer() {
        let fit = |kind, end: &str| {
            let text = format!("{}{}", TEXT.repeat(9), end.repeat(TEXT.chars().count()));
            let corpus = Corpus::from_bytes("t", text.into_bytes()).unwrap();
            let train = corpus.split(0.1).unwrap().train;
            Tokenizer::fit(&TokenizerConfig::new(kind).with_vocab_size(290), train.pieces()).unwrap().to_json()
        };
        for kind in TokenizerKind::ALL {
            assert_eq!(fit(kind, "x"), fit(kind, "ы"));
        }
    }
}
