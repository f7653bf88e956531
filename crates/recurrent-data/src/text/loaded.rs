//! A tokenizer from elsewhere: any `tokenizer.json` of Hugging Face.

use std::{error::Error, ops::Range};

use tokenizers::{AddedToken, DecoderWrapper, Model, ModelWrapper, PreTokenizerWrapper, Tokenizer};

use super::{
    codec::{CodecKind, NAMES, Specials, printable, printable_bytes},
    subwords::byte,
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
    tokenizer: Tokenizer,
    specials: Specials,
    len: usize,
}

impl Loaded {
    pub(crate) fn new(mut tokenizer: Tokenizer) -> Result<Self, Box<dyn Error + Send + Sync>> {
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
        Ok(Self { tokenizer, specials: Specials { pad, bos, eos, unk }, len })
    }

    pub(crate) fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    pub(crate) fn kind(&self) -> CodecKind {
        match self.tokenizer.get_model() {
            ModelWrapper::BPE(_) | ModelWrapper::WordPiece(_) => CodecKind::Bpe,
            ModelWrapper::WordLevel(_) => CodecKind::Words,
            ModelWrapper::Unigram(_) => CodecKind::Unigram,
        }
    }

    pub(crate) fn specials(&self) -> Specials {
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
fn special(tokenizer: &mut Tokenizer, name: &str, names: &[&str]) -> Result<u32, Box<dyn Error + Send + Sync>> {
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
