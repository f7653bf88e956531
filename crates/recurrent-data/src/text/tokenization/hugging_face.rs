//! A tokenizer loaded from a `tokenizer.json` of Hugging Face.

use std::collections::HashMap;
use std::error::Error;
use std::ops::Range;
use std::panic::{self, UnwindSafe};
use std::sync::{Arc, Mutex, PoisonError};

use tokenizers::{
    AddedToken, DecoderWrapper, Model, ModelWrapper, NormalizedString, Normalizer, OffsetReferential, OffsetType,
    PreTokenizedString, PreTokenizer, PreTokenizerWrapper, Tokenizer as HfTokenizer,
};

use super::byte_letters::{byte, letters};
use super::config::TokenizerKind;
use super::display::{visible, visible_bytes};
use super::special_tokens::{NAMES, SpecialTokens};
use super::untrusted;

/// A text with letters of several alphabets, digits, punctuation, spaces and line ends.
const PROBE: &str = "The cat's 12.5% — Кот,  \té 🐈 <eos> 中文!\n\n";

/// How many ids are decoded as a test.
const PROBED_IDS: u32 = 1000;

/// Common names of the special tokens, the most likely first.
const PAD: &[&str] = &["<pad>", "[PAD]", "<|pad|>", "<|padding|>"];
const BOS: &[&str] =
    &["<bos>", "<s>", "[CLS]", "[BOS]", "<|begin_of_text|>", "<|startoftext|>", "<|im_start|>", "<|endoftext|>"];
const EOS: &[&str] = &["<eos>", "</s>", "[SEP]", "[EOS]", "<|end_of_text|>", "<|im_end|>", "<|endoftext|>"];
const UNK: &[&str] = &["<unk>", "[UNK]", "<|unk|>", "<|endoftext|>"];

/// A tokenizer with all special tokens; missing ones are added.
#[derive(Debug, Clone)]
pub(crate) struct HuggingFace {
    tokenizer: HfTokenizer,
    special_tokens: SpecialTokens,
    vocab_size: usize,
    /// Whether the model drops a character, for those that have been encoded.
    dropped: Arc<Mutex<HashMap<char, bool>>>,
}

/// Runs something that may panic, without the message of the panic.
fn without_message<T>(run: impl FnOnce() -> T + UnwindSafe) -> std::thread::Result<T> {
    static HOOK: Mutex<()> = Mutex::new(());
    let _one_at_a_time = HOOK.lock().unwrap_or_else(PoisonError::into_inner);
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| ()));
    let result = panic::catch_unwind(run);
    panic::set_hook(hook);
    result
}

impl HuggingFace {
    /// Parses a `tokenizer.json`, which may be anybody's.
    pub(crate) fn from_json(json: &[u8]) -> Result<Self, Box<dyn Error + Send + Sync>> {
        untrusted::check(&serde_json::from_slice(json)?)?;
        // The library does not check everything. Most of what is left out shows with the first text.
        let parsed = without_message(|| {
            let parsed = Self::new(HfTokenizer::from_bytes(json)?)?;
            parsed.encode(PROBE, |_, _| ());
            parsed.decode(&(0..PROBED_IDS.min(parsed.vocab_size as u32)).collect::<Vec<_>>());
            Ok(parsed)
        });
        parsed.unwrap_or_else(|_| Err("a tokenizer that can encode a text, found one that the library fails on".into()))
    }

    /// A tokenizer of these characters, whose ids are their places.
    pub(crate) fn of_characters(characters: &[char]) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let vocab: serde_json::Map<String, serde_json::Value> =
            characters.iter().zip(0u32..).map(|(c, id)| (c.to_string(), id.into())).collect();
        let json = serde_json::json!({
            "version": "1.0",
            "model": {"type": "WordLevel", "vocab": vocab, "unk_token": "<unk>"},
            "pre_tokenizer":
                {"type": "Split", "pattern": {"Regex": "(?s:.)"}, "behavior": "Isolated", "invert": false},
            "decoder": {"type": "Fuse"},
        });
        Self::from_json(json.to_string().as_bytes())
    }

    fn new(mut tokenizer: HfTokenizer) -> Result<Self, Box<dyn Error + Send + Sync>> {
        // Truncation and padding happen when batches are made.
        tokenizer.with_truncation(None)?;
        tokenizer.with_padding(None);
        // The name of a special token in a text is text.
        tokenizer.set_encode_special_tokens(true);
        let mut ids = [0; 4];
        for ((id, name), names) in ids.iter_mut().zip(NAMES).zip([PAD, BOS, EOS, UNK]) {
            *id = special_id(&mut tokenizer, name, names)?;
        }
        let [pad, bos, eos, unk] = ids;
        let last = tokenizer.get_vocab(true).into_values().max();
        let vocab_size = last.map_or(0, |last| last as usize + 1);
        Ok(Self {
            tokenizer,
            special_tokens: SpecialTokens { pad, bos, eos, unk },
            vocab_size,
            dropped: Arc::default(),
        })
    }

    pub(crate) fn inner(&self) -> &HfTokenizer {
        &self.tokenizer
    }

    pub(crate) fn kind(&self) -> TokenizerKind {
        match self.tokenizer.get_model() {
            ModelWrapper::BPE(_) | ModelWrapper::WordPiece(_) => TokenizerKind::Bpe,
            ModelWrapper::WordLevel(_) => TokenizerKind::Words,
            ModelWrapper::Unigram(_) => TokenizerKind::Unigram,
        }
    }

    pub(crate) fn special_tokens(&self) -> SpecialTokens {
        self.special_tokens
    }

    pub(crate) fn vocab_size(&self) -> usize {
        self.vocab_size
    }

    pub(crate) fn token_to_id(&self, text: &str) -> Option<u32> {
        let written = if self.is_byte_level() { letters(text) } else { text.to_string() };
        self.tokenizer.token_to_id(text).or_else(|| self.tokenizer.token_to_id(&written))
    }

    pub(crate) fn display_token(&self, id: u32) -> String {
        let token = self.tokenizer.id_to_token(id).unwrap_or_default();
        let bytes: Option<Vec<u8>> = token.chars().map(byte).collect();
        match bytes {
            Some(bytes) if self.is_byte_level() => visible_bytes(&bytes),
            _ => visible(&token),
        }
    }

    /// A character that the model drops is unknown. A text that cannot be encoded, because the tokenizer has no unknown
    /// token, is unknown as a whole.
    pub(crate) fn encode(&self, text: &str, mut emit: impl FnMut(u32, Range<usize>)) {
        if !self.may_drop() {
            return self.encode_known(text, 0, &mut emit);
        }
        let mut dropped = self.dropped.lock().unwrap_or_else(PoisonError::into_inner);
        let mut from = 0;
        for (at, c) in text.char_indices() {
            if *dropped.entry(c).or_insert_with(|| self.drops(c)) {
                let end = at + c.len_utf8();
                self.encode_known(&text[from..at], from, &mut emit);
                emit(self.special_tokens.unk, at..end);
                from = end;
            }
        }
        self.encode_known(&text[from..], from, &mut emit);
    }

    /// Encodes a text that begins at byte `at`.
    fn encode_known(&self, text: &str, at: usize, emit: &mut impl FnMut(u32, Range<usize>)) {
        match self.tokenizer.encode(text, false) {
            Ok(encoding) => {
                let tokens = encoding.get_ids().iter().zip(encoding.get_offsets());
                tokens.for_each(|(id, (start, end))| emit(*id, at + start..at + end));
            }
            Err(_) => emit(self.special_tokens.unk, at..at + text.len()),
        }
    }

    /// Whether the model has no unknown token, and drops what it does not know instead of reporting it.
    fn may_drop(&self) -> bool {
        matches!(self.tokenizer.get_model(), ModelWrapper::BPE(bpe) if bpe.unk_token.is_none())
    }

    /// Whether the model drops a character that neither normalizer nor pre-tokenizer removes.
    fn drops(&self, c: char) -> bool {
        // Some vocabularies have a character only at the beginning or the end of a word.
        let texts = [c.to_string(), [c, c].iter().collect()];
        let is_empty = |text: &String| self.tokenizer.encode(text.as_str(), false).is_ok_and(|found| found.is_empty());
        !c.is_whitespace() && texts.iter().all(is_empty) && self.reaches_model(&texts[0]).unwrap_or(true)
    }

    /// Whether anything of a text is left for the model.
    fn reaches_model(&self, text: &str) -> Result<bool, Box<dyn Error + Send + Sync>> {
        let mut text = NormalizedString::from(text);
        if let Some(normalizer) = self.tokenizer.get_normalizer() {
            normalizer.normalize(&mut text)?;
        }
        if text.get().trim().is_empty() {
            return Ok(false);
        }
        let mut text = PreTokenizedString::from(text);
        if let Some(pre_tokenizer) = self.tokenizer.get_pre_tokenizer() {
            pre_tokenizer.pre_tokenize(&mut text)?;
        }
        let splits = text.get_splits(OffsetReferential::Original, OffsetType::Byte);
        Ok(splits.iter().any(|(piece, _, _)| !piece.trim().is_empty()))
    }

    pub(crate) fn decode(&self, ids: &[u32]) -> String {
        let ids: Vec<u32> = ids.iter().copied().filter(|id| !self.special_tokens.contains(*id)).collect();
        self.tokenizer.decode(&ids, true).unwrap_or_default()
    }

    /// The bytes of a token of a byte-level tokenizer; those of its text if it is not written in letters of bytes.
    pub(crate) fn bytes(&self, id: u32) -> Vec<u8> {
        let token = self.tokenizer.id_to_token(id).unwrap_or_default();
        let bytes: Option<Vec<u8>> = token.chars().map(byte).collect();
        bytes.unwrap_or_else(|| token.into_bytes())
    }

    pub(crate) fn is_byte_level(&self) -> bool {
        let decoder = self.tokenizer.get_decoder();
        let pre_tokenizer = self.tokenizer.get_pre_tokenizer();
        matches!(pre_tokenizer, Some(PreTokenizerWrapper::ByteLevel(_)))
            || match decoder {
                Some(DecoderWrapper::ByteLevel(_)) => true,
                Some(DecoderWrapper::Sequence(all)) => {
                    all.get_decoders().iter().any(|one| matches!(one, DecoderWrapper::ByteLevel(_)))
                }
                _ => false,
            }
    }
}

/// The id of a special token under one of its names. If it has none, the token is added.
fn special_id(tokenizer: &mut HfTokenizer, name: &str, names: &[&str]) -> Result<u32, Box<dyn Error + Send + Sync>> {
    if let Some(id) = names.iter().find_map(|name| tokenizer.token_to_id(name)) {
        return Ok(id);
    }
    tokenizer.add_special_tokens([AddedToken::from(name, true)])?;
    let id = tokenizer.token_to_id(name).ok_or("a tokenizer that accepts special tokens")?;
    match tokenizer.get_model().id_to_token(id) {
        Some(taken) => Err(format!("ids without gaps, found one that `{name}` and `{taken}` would share").into()),
        None => Ok(id),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::{Value, json};

    use crate::{Result, TextStream, Tokenizer, TokenizerKind};

    fn file(model: Value, added: Value, rest: Value) -> Value {
        let mut file = json!({
            "version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": null,
            "pre_tokenizer": null, "post_processor": null, "decoder": null, "model": model
        });
        for (key, value) in rest.as_object().unwrap() {
            file[key] = value.clone();
        }
        file
    }

    fn open(file: &Value) -> Result<Tokenizer> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokenizer.json");
        fs::write(&path, file.to_string()).unwrap();
        Tokenizer::from_file(&path)
    }

    fn special(id: u32, content: &str) -> Value {
        json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
               "normalized": false, "special": true})
    }

    fn word_piece() -> Tokenizer {
        let vocab = json!({"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "hello": 4, "wor": 5, "##ld": 6, ".": 7});
        let model = json!({"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                           "max_input_chars_per_word": 100, "vocab": vocab});
        let added = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"].into_iter().zip(0..).map(|(name, id)| special(id, name));
        let bert = json!({
            "truncation": {"direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0},
            "padding": {"strategy": {"Fixed": 9}, "direction": "Right", "pad_to_multiple_of": null, "pad_id": 0,
                        "pad_type_id": 0, "pad_token": "[PAD]"},
            "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                           "strip_accents": null, "lowercase": true},
            "pre_tokenizer": {"type": "BertPreTokenizer"},
            "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true}
        });
        open(&file(model, Value::Array(added.collect()), bert)).unwrap()
    }

    /// A byte-level vocabulary for the Cyrillic letter к.
    fn byte_level() -> Tokenizer {
        let vocab = json!({"Ð": 0, "º": 1, "Ðº": 2, "Ġ": 3, "<|endoftext|>": 4});
        let model = json!({"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "vocab": vocab,
            "merges": [["Ð", "º"]]});
        let level = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true});
        let rest = json!({"pre_tokenizer": level, "decoder": level});
        open(&file(model, json!([special(4, "<|endoftext|>")]), rest)).unwrap()
    }

    #[test]
    fn special_tokens_are_found_by_name() {
        let special_tokens = word_piece().special_tokens();
        assert_eq!([special_tokens.pad, special_tokens.bos, special_tokens.eos, special_tokens.unk], [0, 2, 3, 1]);
        assert_eq!(word_piece().kind(), TokenizerKind::Bpe);
    }

    #[test]
    fn missing_special_tokens_are_added() {
        let tokenizer = byte_level();
        let special_tokens = tokenizer.special_tokens();
        assert_eq!([special_tokens.pad, special_tokens.bos, special_tokens.eos, special_tokens.unk], [5, 4, 4, 4]);
        assert_eq!(tokenizer.vocab_size(), 6);
        assert_eq!(tokenizer.display_token(5), "<pad>");
    }

    #[test]
    fn letters_without_a_token_are_unknown() {
        let vocab = json!({"a": 0, "b": 1, " ": 2, "ab": 3});
        let model = json!({"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "vocab": vocab,
            "merges": [["a", "b"]]});
        let tokenizer = open(&file(model.clone(), json!([]), json!({"normalizer": {"type": "Lowercase"}}))).unwrap();
        let unk = tokenizer.special_tokens().unk;
        assert_eq!(tokenizer.encode("AB b"), [3, 2, 1]);
        assert_eq!(tokenizer.encode("xab\0b§"), [unk, 3, unk, 1, unk]);
        let unknown: Vec<_> =
            tokenizer.unknown_pieces("xab\0b§").into_iter().map(|piece| (piece.text, piece.offset)).collect();
        assert_eq!(unknown, [("x".into(), 0), ("\0".into(), 3), ("§".into(), 5)]);

        // What is removed on purpose is not unknown.
        let rest = json!({
            "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                           "strip_accents": true, "lowercase": true},
            "pre_tokenizer": {"type": "CharDelimiterSplit", "delimiter": "-"}
        });
        let tokenizer = open(&file(model, json!([]), rest)).unwrap();
        assert_eq!(tokenizer.encode("a\0b-a\u{301}-b"), [3, 0, 1]);
        assert!(tokenizer.unknown_pieces("á-\0b").is_empty());
        assert_eq!(tokenizer.unknown_pieces("a-x").len(), 1);
    }

    #[test]
    fn truncation_and_padding_are_ignored() {
        let tokenizer = word_piece();
        let text = "Hello world. Hello";
        assert_eq!(tokenizer.encode(text), [4, 5, 6, 7, 4]);
        assert_eq!(tokenizer.decode(&[2, 4, 5, 6, 7, 4, 3, 0]), "hello world. hello");
        assert_eq!(tokenizer.encode_with_offsets(text)[2], (6, 9..11));
        assert_eq!(tokenizer.unknown_pieces("hello there")[0].text, "there");
    }

    #[test]
    fn byte_level_tokens_are_shown_as_text() {
        let tokenizer = byte_level();
        assert_eq!(tokenizer.encode("к к"), [2, 3, 2]);
        assert_eq!(
            [tokenizer.display_token(2), tokenizer.display_token(3), tokenizer.display_token(0)],
            ["к", "␣", "\\xD0"]
        );
        assert_eq!(tokenizer.token_to_id("к"), Some(2));
        assert_eq!(tokenizer.decode(&tokenizer.encode("к")), "к");
    }

    #[test]
    fn stream_equals_decode() {
        for (tokenizer, ids) in [(word_piece(), vec![4, 5, 6, 7, 4, 4, 7]), (byte_level(), vec![0, 1, 3, 2, 0, 1, 0])] {
            for repeated in [1, 20] {
                let ids = ids.repeat(repeated);
                let mut stream = TextStream::new(&tokenizer);
                let mut text: String = ids.iter().map(|id| stream.push(*id)).collect();
                text += &stream.finish();
                assert_eq!(text, tokenizer.decode(&ids));
            }
        }
    }

    #[test]
    fn loaded_tokenizer_is_the_same_after_a_round_trip() {
        for tokenizer in [word_piece(), byte_level()] {
            let again = Tokenizer::from_json("tokenizer.json", &tokenizer.to_json()).unwrap();
            assert_eq!(again.special_tokens(), tokenizer.special_tokens());
            assert_eq!(again.vocab_size(), tokenizer.vocab_size());
            assert_eq!(again.encode("hello к"), tokenizer.encode("hello к"));
        }
    }

    #[test]
    fn hostile_tokenizers_are_rejected() {
        let words = |vocab: Value| json!({"type": "WordLevel", "vocab": vocab, "unk_token": "<unk>"});
        let small = || words(json!({"<unk>": 0, "a": 1}));
        let pre_tokenizer = |pre_tokenizer: Value| file(small(), json!([]), json!({"pre_tokenizer": pre_tokenizer}));
        let normalizer = |normalizer: Value| file(small(), json!([]), json!({"normalizer": normalizer}));
        let charsmap = |map: &str| normalizer(json!({"type": "Precompiled", "precompiled_charsmap": map}));
        let longer = "a normalizer that makes texts at most 1000 times longer, found one that can do more";
        let prepend = json!({"type": "Prepend", "prepend": "x".repeat(10000)});
        let untyped = json!({"pattern": {"String": ""}, "content": "x".repeat(10000)});
        let added: Vec<Value> = (0..100_000).map(|id| special(id, &format!("<{id}>"))).collect();
        for (hostile, error) in [
            (
                file(words(json!({"<unk>": 0, "a": 1_000_000_000})), json!([]), json!({})),
                "ids below 1000000, found 1000000000",
            ),
            (
                file(words(json!({"<unk>": 0, "a": u32::MAX})), json!([]), json!({})),
                "ids below 1000000, found 4294967295",
            ),
            (file(small(), json!([special(1_000_000, "<x>")]), json!({})), "ids below 1000000, found 1000000"),
            (pre_tokenizer(json!({"type": "FixedLength", "length": 0})), "a `length` of at least 1, found 0"),
            (
                pre_tokenizer(json!({"type": "Sequence", "pretokenizers": [{"type": "FixedLength", "length": 0}]})),
                "a `length` of at least 1, found 0",
            ),
            (
                pre_tokenizer(json!({"type": {"FixedLength": null}, "length": 0})),
                "a `type` that is a text, found another",
            ),
            (
                pre_tokenizer(json!({"type": "Sequence", "pretokenizers": vec![json!({"type": "ByteLevel"}); 60]})),
                "a pre_tokenizer that makes texts at most 1000 times longer, found one that can do more",
            ),
            (normalizer(json!({"type": "Sequence", "normalizers": vec![prepend; 2]})), longer),
            (normalizer(json!({"type": "Sequence", "normalizers": vec![untyped; 2]})), longer),
            (
                file(small(), json!([]), json!({"decoder": {"type": "Strip", "content": "a", "start": 1, "stop": 1}})),
                "a decoder that strips nothing at the end (`stop` 0), found another",
            ),
            (charsmap("AAAA"), "a valid `precompiled_charsmap`, found another"),
            (charsmap("AAEAAAAA"), "a valid `precompiled_charsmap`, found another"),
            (file(small(), Value::Array(added), json!({})), "at most 10000 added tokens, found 100000"),
        ] {
            let message = open(&hostile).unwrap_err().to_string();
            assert!(
                message.ends_with(&format!("tokenizer.json: expected a tokenizer.json of Hugging Face: {error}")),
                "{message}"
            );
            let saved = json!({"kind": "words", "tokenizer": hostile}).to_string();
            let message = Tokenizer::from_json("tokenizer.json", &saved).unwrap_err().to_string();
            assert!(message.starts_with(&format!("tokenizer.json: expected a saved tokenizer: {error}")), "{message}");
        }
    }

    #[test]
    fn many_added_tokens_are_accepted() {
        let added: Vec<Value> = (2..10_002).map(|id| special(id, &format!("<{id}>"))).collect();
        let words = json!({"type": "WordLevel", "vocab": {"<unk>": 0, "a": 1}, "unk_token": "<unk>"});
        assert_eq!(open(&file(words, Value::Array(added), json!({}))).unwrap().vocab_size(), 10_005);
    }

    #[test]
    fn invalid_tokenizer_json_is_rejected() {
        let message = open(&json!({"type": "pizza"})).unwrap_err().to_string();
        assert!(message.contains("tokenizer.json: expected a tokenizer.json of Hugging Face: "), "{message}");
    }
}
