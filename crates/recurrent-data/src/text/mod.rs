//! Texts: reading, splitting, tokenizing and batching them.

pub(crate) mod assignment;
mod bptt;
mod bucket;
pub(crate) mod corpus;
mod corpus_split;
mod dedup;
mod encoded_corpus;
mod encoded_pairs;
mod encoded_texts;
mod labeled_split;
mod labeled_texts;
mod padding;
mod pair_split;
mod parallel_corpus;
mod texts;
mod tokenization;
mod transcripts;

pub use assignment::SplitAssignment;
pub use bptt::{BpttBatches, TokenBatch};
pub use corpus::Corpus;
pub use corpus_split::{CorpusSplit, CorpusSubset};
pub use encoded_corpus::EncodedCorpus;
pub use encoded_pairs::{EncodedPairs, PairBatch};
pub use encoded_texts::{EncodedTexts, TextBatch, padded_features};
pub use labeled_split::{LabeledSplit, LabeledSubset};
pub use labeled_texts::{DefaultColumns, LabeledText, LabeledTexts};
pub use pair_split::{PairSplit, PairSubset, ReferenceSet};
pub use parallel_corpus::{Pair, ParallelCorpus};
pub use texts::Texts;
pub use tokenization::{SpecialTokens, TextStream, Tokenizer, TokenizerConfig, TokenizerKind, UnknownPiece};
pub use transcripts::{Transcript, TranscriptSplit, TranscriptSubset, Transcripts};
