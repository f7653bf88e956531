//! A tokenizer from elsewhere: any `tokenizer.json` of Hugging Face.

use std::{error::Error, ops::Range};

use tokenizers::{AddedToken, DecoderWrapper, Model, ModelWrapper, PreTokenizerWrapper, Tokenizer as HfTokenizer};

use super::{
    subwords::byte,
    tokenizer::{NAMES, SpecialTokens, TokenizerKind, printable, printable_bytes},
};

/// What the special tokens are called elsewhere, the likeliest name first.
const PAD: &[&str] = &["<pad>", "[PAD]", "<|pad|>", "<|padding|>"];
const BOS: &[&str] =
    &["<bos>", "<s>", "[CLS]", "[BOS]", "<|begin_of_text|>", "<|startoftext|>", "<|im_start|>", "<|endoftext|>"];
const EOS: &[&str] = &["<eos>", "</s>", "[SEP]", "[EOS]", "<|end_of_text|>", "<|im_end|>", "<|endoftext|>"];
const UNK: &[&str] = &["<unk>", "[UNK]", "<|unk|>", "<|endoftext|>"];

/// A tokenizer with all special tokens that we need.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    tokenizer: HfTokenizer,
    specials: SpecialTokens,
    len: usize,
}

impl Loaded {
    pub(crate) fn new(mut tokenizer: HfTokenizer) -> Result<Self, Box<dyn Error + Send + Sync>> {
        // What is to be cut or filled is decided where batches are made.
        tokenizer.with_truncation(None)?;
        tokenizer.with_padding(None);
        // A text that spells a special token is a text.
        tokenizer.set_encode_special_tokens(true);
        let mut numbers = [0; 4];
        for ((number, name), names) in numbers.iter_mut().zip(NAMES).zip([PAD, BOS, EOS, UNK]) {
            *number = special(&mut tokenizer, name, names)?;
        }
        let [pad, bos, eos, unk] = numbers;
        let last = tokenizer.get_vocab(true).into_values().max();
        let len = last.map_or(0, |last| last as usize + 1);
        Ok(Self { tokenizer, specials: SpecialTokens { pad, bos, eos, unk }, len })
    }

    pub(crate) fn tokenizer(&self) -> &HfTokenizer {
        &self.tokenizer
    }

    pub(crate) fn kind(&self) -> TokenizerKind {
        match self.tokenizer.get_model() {
            ModelWrapper::BPE(_) | ModelWrapper::WordPiece(_) => TokenizerKind::Bpe,
            ModelWrapper::WordLevel(_) => TokenizerKind::Words,
            ModelWrapper::Unigram(_) => TokenizerKind::Unigram,
        }
    }

    pub(crate) fn specials(&self) -> SpecialTokens {
        self.specials
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn id(&self, text: &str) -> Option<u32> {
        let written = if self.is_byte_level() { super::subwords::letters(text) } else { text.to_string() };
        self.tokenizer.token_to_id(text).or_else(|| self.tokenizer.token_to_id(&written))
    }

    pub(crate) fn token(&self, id: u32) -> String {
        let token = self.tokenizer.id_to_token(id).unwrap_or_default();
        let bytes: Option<Vec<u8>> = token.chars().map(byte).collect();
        match bytes {
            Some(bytes) if self.is_byte_level() => printable_bytes(&bytes),
            _ => printable(&token),
        }
    }

    /// A text that this tokenizer cannot encode at all, having no token for what it does not know,
    /// is unknown as a whole.
    pub(crate) fn each(&self, text: &str, mut give: impl FnMut(u32, Range<usize>)) {
        match self.tokenizer.encode(text, false) {
            Ok(encoding) => {
                let spans = encoding.get_ids().iter().zip(encoding.get_offsets());
                spans.for_each(|(id, (start, end))| give(*id, *start..*end));
            }
            Err(_) => give(self.specials.unk, 0..text.len()),
        }
    }

    pub(crate) fn decode(&self, ids: &[u32]) -> String {
        let said: Vec<u32> = ids.iter().copied().filter(|id| !self.specials.contains(*id)).collect();
        self.tokenizer.decode(&said, true).unwrap_or_default()
    }

    fn is_byte_level(&self) -> bool {
        let decoder = self.tokenizer.get_decoder();
        let cutter = self.tokenizer.get_pre_tokenizer();
        matches!(cutter, Some(PreTokenizerWrapper::ByteLevel(_)))
            || match decoder {
                Some(DecoderWrapper::ByteLevel(_)) => true,
                Some(DecoderWrapper::Sequence(all)) => {
                    all.get_decoders().iter().any(|one| matches!(one, DecoderWrapper::ByteLevel(_)))
                }
                _ => false,
            }
    }
}

/// The number of a special token under one of its names, and a new one where it has none.
fn special(tokenizer: &mut HfTokenizer, name: &str, names: &[&str]) -> Result<u32, Box<dyn Error + Send + Sync>> {
    if let Some(id) = names.iter().find_map(|name| tokenizer.token_to_id(name)) {
        return Ok(id);
    }
    tokenizer.add_special_tokens([AddedToken::from(name, true)])?;
    let id = tokenizer.token_to_id(name).ok_or("a tokenizer that takes special tokens")?;
    match tokenizer.get_model().id_to_token(id) {
        Some(taken) => Err(format!("numbers without gaps, found one that `{name}` and `{taken}` would share").into()),
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
        Tokenizer::open(&path)
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

    /// Five pieces of Cyrillic letters, byte by byte.
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
    fn special_tokens_are_found_by_their_usual_names() {
        let specials = word_piece().specials();
        assert_eq!([specials.pad, specials.bos, specials.eos, specials.unk], [0, 2, 3, 1]);
        assert_eq!(word_piece().kind(), TokenizerKind::Bpe);
    }

    #[test]
    fn special_tokens_that_are_missing_are_added() {
        let codec = byte_level();
        let specials = codec.specials();
        assert_eq!([specials.pad, specials.bos, specials.eos, specials.unk], [5, 4, 4, 4]);
        assert_eq!(codec.len(), 6);
        assert_eq!(codec.token(5), "<pad>");
    }

    #[test]
    fn nothing_is_cut_off_or_filled_up() {
        let codec = word_piece();
        let text = "Hello world. Hello";
        assert_eq!(codec.encode(text), [4, 5, 6, 7, 4]);
        assert_eq!(codec.decode(&[2, 4, 5, 6, 7, 4, 3, 0]), "hello world. hello");
        assert_eq!(codec.spans(text)[2], (6, 9..11));
        assert_eq!(codec.unknown("hello there")[0].text, "there");
    }

    #[test]
    fn bytes_are_shown_as_letters() {
        let codec = byte_level();
        assert_eq!(codec.encode("к к"), [2, 3, 2]);
        assert_eq!([codec.token(2), codec.token(3), codec.token(0)], ["к", "␣", "\\xD0"]);
        assert_eq!(codec.id("к"), Some(2));
        // A letter that this vocabulary cannot write.
        assert_eq!(codec.decode(&codec.encode("к")), "к");
    }

    #[test]
    fn a_stream_gives_what_a_decoder_does() {
        for (codec, ids) in [(word_piece(), vec![4, 5, 6, 7, 4, 4, 7]), (byte_level(), vec![0, 1, 3, 2, 0, 1, 0])] {
            for repeated in [1, 20] {
                let ids = ids.repeat(repeated);
                let mut stream = TextStream::new(&codec);
                let mut text: String = ids.iter().map(|id| stream.push(*id)).collect();
                text += &stream.finish();
                assert_eq!(text, codec.decode(&ids));
            }
        }
    }

    #[test]
    fn a_loaded_tokenizer_is_saved_with_the_codec() {
        for codec in [word_piece(), byte_level()] {
            let again = Tokenizer::from_json("codec.json", &codec.to_json()).unwrap();
            assert_eq!(again.specials(), codec.specials());
            assert_eq!(again.len(), codec.len());
            assert_eq!(again.encode("hello к"), codec.encode("hello к"));
        }
    }

    #[test]
    fn what_is_no_tokenizer_is_refused() {
        let message = open(&json!({"type": "pizza"})).unwrap_err().to_string();
        assert!(message.contains("tokenizer.json: expected a tokenizer.json of Hugging Face: "), "{message}");
    }
}
