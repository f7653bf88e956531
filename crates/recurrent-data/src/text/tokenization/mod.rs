//! Tokenizers: from text to token ids and back.

mod byte_letters;
mod chars;
mod config;
mod decoder;
mod display;
mod frequent;
mod hugging_face;
mod model;
mod saved;
mod segments;
mod spacing;
mod special_tokens;
mod stream;
mod subword_trainer;
mod subwords;
mod tokenizer;
mod untrusted;
mod vocabulary;
mod words;

pub use config::{TokenizerConfig, TokenizerKind};
pub use special_tokens::SpecialTokens;
pub use stream::TextStream;
pub use tokenizer::{Tokenizer, UnknownPiece};
