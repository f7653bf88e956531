//! Text: what it is numbered by, and how it is cut into what a network is shown.

mod bucket;
mod chars;
mod codec;
mod corpus;
mod labelled;
mod lanes;
mod likeness;
mod loaded;
mod pairs;
mod place;
mod rows;
mod stream;
mod subwords;
mod texts;
mod tokens;
mod words;

pub use codec::{CodecKind, CodecRequest, Specials, TextCodec, Unknown};
pub use corpus::{Corpus, Excerpt};
pub use labelled::{EncodedTexts, Labelled, LabelledPart, LabelledSplit, LabelledText, TextBatch};
pub use lanes::{LaneBatch, Lanes};
pub use pairs::{EncodedPairs, Pair, PairBatch, PairPart, PairSplit, Pairs, Translations};
pub use stream::TextStream;
pub use texts::Texts;
pub use tokens::Tokens;
