//! Subwords as tokens: frequent words whole, rare words in pieces, and bytes for the rest.
//!
//! The pieces are trained by the `tokenizers` crate. Pre-tokenization and bytes are our own, for three reasons: decoding
//! restores every text exactly; no text can contain a special token; and encoding takes time in proportion to the length
//! of a line.

use std::{collections::HashMap, ops::Range};

use tokenizers::{
    Model,
    models::{bpe::BPE, unigram::Unigram},
};

use super::byte_letters::{byte, letter, letters};
use super::config::{TokenizerConfig, TokenizerKind};
use super::segments::each_segment;
use super::special_tokens::FIRST_ID;
use super::subword_trainer::{BYTES, Trained, UNKNOWN, count_segments, train_bpe, train_unigram};
use crate::error::{DataError, Result};

/// The default vocabulary size.
const DEFAULT_VOCAB_SIZE: usize = 4000;

/// Ids are given to the special tokens, then the bytes, then the pieces.
#[derive(Debug, Clone)]
pub(crate) struct Subwords {
    model: Pieces,
    /// The bytes of each id after the special tokens.
    bytes: Vec<Box<[u8]>>,
    ids: HashMap<Box<[u8]>, u32>,
}

#[derive(Debug, Clone)]
enum Pieces {
    /// Its tokens are bytes, written as letters, and merges of them.
    Bpe { model: Box<BPE>, merges: Vec<(String, String)> },
    /// Its tokens are pieces of text, after [`UNKNOWN`].
    Unigram { model: Box<Unigram>, pieces: Vec<(String, f64)> },
}

impl Subwords {
    pub(crate) fn fit<T: AsRef<str>>(config: &TokenizerConfig, texts: impl Iterator<Item = Result<T>>) -> Result<Self> {
        let vocab_size = if config.vocab_size == 0 { DEFAULT_VOCAB_SIZE } else { config.vocab_size };
        let needed = (FIRST_ID + BYTES + 1) as usize;
        let Some(room) = vocab_size.checked_sub(needed - 1).filter(|room| *room > 0) else {
            let tokenizer = config.kind.to_string();
            return Err(DataError::VocabSizeTooSmall { tokenizer, needed, found: vocab_size });
        };
        let counts = count_segments(texts)?;
        if counts.is_empty() {
            let tokenizer = config.kind.to_string();
            return Err(DataError::NoTokens { tokenizer, piece: "word", min_count: 1 });
        }
        let train = || -> Trained<Self> {
            Ok(match config.kind {
                TokenizerKind::Unigram => Self::from_pieces(train_unigram(&counts, room, config.min_count)?)?,
                _ => Self::from_merges(train_bpe(&counts, room, config.min_count)?)?,
            })
        };
        train().map_err(|cause| DataError::TokenizerTraining { tokenizer: config.kind.to_string(), cause })
    }

    /// Saved merges: pairs of bytes, or of what earlier merges make.
    pub(crate) fn from_merges(merges: Vec<(String, String)>) -> Result<Self, String> {
        let mut names: Vec<String> = (0..=u8::MAX).map(|byte| letter(byte).to_string()).collect();
        let mut known: HashMap<String, u32> = names.iter().cloned().zip(0..).collect();
        for (a, b) in &merges {
            let merged = format!("{a}{b}");
            if !known.contains_key(&merged) {
                known.insert(merged.clone(), names.len() as u32);
                names.push(merged);
            }
        }
        let merged = || merges.iter().flat_map(|(a, b)| [a, b]);
        if let Some(unknown) = merged().find(|piece| !known.contains_key(*piece)) {
            return Err(format!("merges of known pieces, found {unknown:?}"));
        }
        let bytes = names.iter().map(|name| name.chars().filter_map(byte).collect());
        let model = BPE::new(known.iter().map(|(name, id)| (name.clone(), *id)).collect(), merges.clone());
        Ok(Self::new(Pieces::Bpe { model: Box::new(model), merges }, bytes.collect()))
    }

    /// Saved pieces with their log-probabilities.
    pub(crate) fn from_pieces(pieces: Vec<(String, f64)>) -> Result<Self, String> {
        let mut seen = HashMap::new();
        for (piece, score) in &pieces {
            if piece.is_empty() || piece == UNKNOWN || !score.is_finite() {
                return Err(format!("pieces of text with finite scores, found {piece:?} with {score}"));
            }
            if seen.insert(piece, ()).is_some() {
                return Err(format!("each piece once, found {piece:?} again"));
            }
        }
        let all = std::iter::once((UNKNOWN.to_string(), 0.0)).chain(pieces.iter().cloned()).collect();
        let model = Unigram::from(all, Some(0), false).map_err(|cause| cause.to_string())?;
        let bytes = (0..=u8::MAX).map(|byte| Box::from([byte]));
        let bytes = bytes.chain(pieces.iter().map(|(piece, _)| Box::from(piece.as_bytes())));
        let bytes = bytes.collect();
        Ok(Self::new(Pieces::Unigram { model: Box::new(model), pieces }, bytes))
    }

    fn new(model: Pieces, bytes: Vec<Box<[u8]>>) -> Self {
        // A piece of a single byte replaces that byte here, because texts are encoded with the piece.
        let ids = bytes.iter().cloned().zip(FIRST_ID..).collect();
        Self { model, bytes, ids }
    }

    pub(crate) fn kind(&self) -> TokenizerKind {
        match self.model {
            Pieces::Bpe { .. } => TokenizerKind::Bpe,
            Pieces::Unigram { .. } => TokenizerKind::Unigram,
        }
    }

    pub(crate) fn merges(&self) -> Option<&[(String, String)]> {
        match &self.model {
            Pieces::Bpe { merges, .. } => Some(merges),
            Pieces::Unigram { .. } => None,
        }
    }

    pub(crate) fn pieces(&self) -> Option<&[(String, f64)]> {
        match &self.model {
            Pieces::Bpe { .. } => None,
            Pieces::Unigram { pieces, .. } => Some(pieces),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes of an id that is not a special token's. They may be part of a character.
    pub(crate) fn bytes(&self, id: u32) -> &[u8] {
        &self.bytes[(id - FIRST_ID) as usize]
    }

    pub(crate) fn id(&self, text: &str) -> Option<u32> {
        self.ids.get(text.as_bytes()).copied()
    }

    pub(crate) fn encode(&self, text: &str, mut emit: impl FnMut(u32, Range<usize>)) {
        // A character that several tokens encode belongs to the last of them.
        let floor = |mut at: usize| {
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        each_segment(text, |start, segment| {
            let mut at = start;
            self.encode_segment(segment, |id| {
                let from = at;
                at += self.bytes(id).len();
                emit(id, floor(from)..floor(at));
            });
        });
    }

    fn encode_segment(&self, segment: &str, mut emit: impl FnMut(u32)) {
        let mut emit_bytes = |text: &str| text.bytes().for_each(|byte| emit(FIRST_ID + u32::from(byte)));
        match &self.model {
            Pieces::Bpe { model, .. } => match model.tokenize(&letters(segment)) {
                Ok(tokens) => tokens.into_iter().for_each(|token| emit(FIRST_ID + token.id)),
                Err(_) => emit_bytes(segment),
            },
            Pieces::Unigram { model, .. } => match model.tokenize(segment) {
                Ok(tokens) => {
                    for token in tokens {
                        match token.id {
                            0 => token.value.bytes().for_each(|byte| emit(FIRST_ID + u32::from(byte))),
                            piece => emit(FIRST_ID + BYTES + piece - 1),
                        }
                    }
                }
                Err(_) => emit_bytes(segment),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;
    use crate::Tokenizer;

    const SONG: &str = "the cat sat on the mat, the rat sat on the cat.\nМама мыла раму, мама мыла раму.\n";

    fn fit(kind: TokenizerKind, vocab_size: usize, text: &str) -> Tokenizer {
        Tokenizer::fit_strings(&TokenizerConfig::new(kind).with_vocab_size(vocab_size), [text]).unwrap()
    }

    fn both(vocab_size: usize) -> [Tokenizer; 2] {
        [TokenizerKind::Bpe, TokenizerKind::Unigram].map(|kind| fit(kind, vocab_size, &SONG.repeat(20)))
    }

    #[test]
    fn frequent_words_become_pieces() {
        let tokens = |tokenizer: &Tokenizer, text: &str| -> Vec<String> {
            assert!(tokenizer.vocab_size() <= 360, "{}", tokenizer.vocab_size());
            tokenizer.encode(text).into_iter().map(|id| tokenizer.display_token(id)).collect()
        };
        let [bpe, unigram] = both(360);
        assert_eq!(tokens(&bpe, "the cat мыла"), ["the", "␣cat", "␣мыла"]);
        assert_eq!(bpe.display_token(bpe.token_to_id(" мыла").unwrap()), "␣мыла");
        // The unigram trainer takes no piece that occurs only at the end of words.
        assert_eq!(tokens(&unigram, "cat мама"), ["c", "a", "t", "␣", "ма", "ма"]);
        assert_eq!(unigram.display_token(unigram.token_to_id("ма").unwrap()), "ма");
    }

    #[test]
    fn same_texts_give_the_same_tokenizer() {
        for kind in [TokenizerKind::Bpe, TokenizerKind::Unigram] {
            let first = fit(kind, 320, &SONG.repeat(3));
            for _ in 0..3 {
                assert_eq!(fit(kind, 320, &SONG.repeat(3)).to_json(), first.to_json());
            }
        }
    }

    #[test]
    fn texts_contain_no_special_tokens() {
        let text = "<pad> <unk> <UNK> <eos> <0x41> \0 <s>";
        for kind in [TokenizerKind::Bpe, TokenizerKind::Unigram] {
            let tokenizer = fit(kind, 330, &text.repeat(50));
            let ids = tokenizer.encode(text);
            assert!(ids.iter().all(|id| !tokenizer.special_tokens().contains(*id)));
            assert_eq!(tokenizer.decode(&ids), text);
            assert_eq!(tokenizer.unknown_pieces(text), []);
        }
    }

    #[test]
    fn vocabulary_needs_room_for_bytes_and_a_piece() {
        let message = |kind, vocab_size| {
            let config = TokenizerConfig::new(kind).with_vocab_size(vocab_size);
            Tokenizer::fit_strings(&config, ["a b"]).unwrap_err().to_string()
        };
        assert_eq!(
            message(TokenizerKind::Bpe, 260),
            "vocab_size: expected at least 261 for the bpe tokenizer, found 260"
        );
        assert_eq!(
            message(TokenizerKind::Unigram, 5),
            "vocab_size: expected at least 261 for the unigram tokenizer, found 5"
        );
        for tokenizer in both(261) {
            assert!(tokenizer.vocab_size() <= 261);
        }
    }

    #[test]
    fn offsets_partition_the_text() {
        let text = "кот на 🐈 the <cat>";
        for tokenizer in both(290) {
            let tokens = tokenizer.encode_with_offsets(text);
            let covered: Vec<_> = tokens.iter().map(|(_, range)| &text[range.clone()]).collect();
            assert_eq!(covered.concat(), text);
            assert!(tokens.windows(2).all(|pair| pair[0].1.end == pair[1].1.start));
            assert_eq!(tokens.iter().map(|(id, _)| *id).collect::<Vec<_>>(), tokenizer.encode(text));
        }
    }

    #[test]
    fn ten_megabytes_without_spaces_are_restored() {
        let long = "abcdefghij".repeat(1 << 20);
        for tokenizer in both(300) {
            assert_eq!(tokenizer.decode(&tokenizer.encode(&long)).len(), long.len());
        }
        fit(TokenizerKind::Bpe, 300, &long);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn decoding_restores_any_text(text in "\\PC{0,60}|[\\s\\S]{0,60}|[ab <>0xunk\\s]{0,60}") {
            static TOKENIZERS: LazyLock<[Tokenizer; 2]> = LazyLock::new(|| both(300));
            for tokenizer in &*TOKENIZERS {
                prop_assert_eq!(tokenizer.decode(&tokenizer.encode(&text)), &*text);
            }
        }

        #[test]
        fn tokenizer_can_be_fitted_on_any_text(text in "\\PC{1,40}|[\\s\\S]{1,40}|[ab ]{1,40}|a{1,40}") {
            for kind in [TokenizerKind::Bpe, TokenizerKind::Unigram] {
                let tokenizer = fit(kind, 280, &text);
                prop_assert!(tokenizer.vocab_size() <= 280);
                prop_assert_eq!(tokenizer.decode(&tokenizer.encode(&text)), &*text);
            }
        }
    }
}
