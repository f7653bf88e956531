//! Text: what it is numbered by, and how it is cut into what a network is shown.

mod assignment;
mod bptt;
mod bucket;
mod chars;
mod corpus;
mod dedup;
mod labeled;
mod loaded;
mod pairs;
mod rows;
mod stream;
mod subwords;
mod texts;
mod tokenizer;
mod tokens;
mod words;

pub use bptt::{BpttBatches, TokenBatch};
pub use corpus::{Corpus, CorpusSplit};
pub use labeled::{EncodedTexts, LabeledSplit, LabeledSubset, LabeledText, LabeledTexts, TextBatch};
pub use pairs::{EncodedPairs, Pair, PairBatch, PairSplit, PairSubset, ParallelCorpus, Translations};
pub use stream::TextStream;
pub use texts::Texts;
pub use tokenizer::{SpecialTokens, Tokenizer, TokenizerConfig, TokenizerKind, Unknown};
pub use tokens::Tokens;
