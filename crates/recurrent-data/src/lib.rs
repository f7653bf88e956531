//! From a file to batches that a recurrent network can learn from.
//!
//! Data goes one way, and each stop is a type that promises more than the one before. Numbers go so:
//!
//! | | type | what is sure from here on |
//! |---|---|---|
//! | 1 | [`Table`] | it is text, rectangular, and has a header |
//! | 2 | [`Series`] | the columns are finite numbers without gaps, and time runs forward |
//! | 3 | [`Split`] | every row of a later [`Subset`] is later in time |
//! | 4 | [`Scaler`] | it has seen the training rows and no other |
//! | 5 | [`Scaled`] | the numbers are of a size that a network likes |
//! | 6 | [`Windows`] | no window leaves its part |
//! | 7 | [`WindowBatch`] | it is on the device: the first tensor of the way |
//!
//! and texts so:
//!
//! | | type | what is sure from here on |
//! |---|---|---|
//! | 1 | [`Corpus`], [`ParallelCorpus`], [`LabeledTexts`] | it is text: a long one, pairs, or texts with labels, none of them empty |
//! | 2 | [`CorpusSplit`], [`PairSubset`], [`LabeledSubset`] | what is for what; no held-out pair or labeled text is a near-copy of a training one |
//! | 3 | [`Tokenizer`] | it has seen the training texts and no other |
//! | 4 | [`Tokens`], [`EncodedPairs`], [`EncodedTexts`] | it is numbers, each below the codec's length |
//! | 5 | [`BpttBatches`], buckets | lanes are read on from window to window; texts in a batch are about as long as each other |
//! | 6 | [`TokenBatch`], [`PairBatch`], [`TextBatch`] | it is on the device |
//!
//! What can be wrong is found on the way from one stop to the next and told as a [`DataError`]:
//! where it is, what was expected, what was found. Nothing is checked again further down.
//!
//! The mistake that this crate is built against is the *leak*: a model that was shown, in training,
//! something about the rows it is judged on. Parts carry their role in their type
//! (`Subset<Train>`, `Subset<Test>`), and the compiler keeps them apart: see [`Split`].
//!
//! ```
//! use recurrent_data::{DatasetManifest, Scaler, ScalerKind, ColumnSelection, WindowShape, Windows};
//!
//! # fn main() -> recurrent_data::Result<()> {
//! let weather = DatasetManifest::find("weather")?;
//! let series = weather.table()?.series(&ColumnSelection::default())?;
//! let temp_max = series.index_of("temp_max")?;
//!
//! let split = series.split(&weather.manifest.series()?.split)?;
//! let scaler = Scaler::fit(&split.train, ScalerKind::Standard);
//!
//! // Thirty days of all four columns to see, seven of one to foretell.
//! let shape = WindowShape::new(30, 7, vec![0, 1, 2, 3], vec![temp_max])?;
//! let windows = Windows::new(&scaler.scale(&split.test)?, shape)?;
//! assert_eq!(windows.len(), 219 - 30 - 7 + 1);
//!
//! let (mut inputs, mut targets) = (vec![], vec![]);
//! windows.inputs_into(0, &mut inputs);
//! windows.targets_into(0, &mut targets);
//! assert_eq!((inputs.len(), targets.len()), (30 * 4, 7));
//!
//! // What was to be foretold, in degrees and with its date.
//! let (series, origin) = (windows.series(), windows.origin(0));
//! let degrees = scaler.inverse(temp_max, targets[0].into());
//! assert!((degrees - series.value(origin + 1, temp_max)).abs() < 1e-4);
//! assert_eq!(series.dates().unwrap().label(origin + 1), "2015-06-26");
//! # Ok(())
//! # }
//! ```
//!
//! A text goes the same way:
//!
//! ```
//! use recurrent_data::{TokenizerKind, Corpus, BpttBatches, Tokenizer};
//!
//! # fn main() -> recurrent_data::Result<()> {
//! let corpus = Corpus::from_bytes("a song", "row, row, row your boat, gently down the stream\n".as_bytes())?;
//! let (train, valid) = corpus.split(0.25)?;
//! let codec = Tokenizer::fit(TokenizerKind::Chars, 0, 0, train.pieces())?;
//!
//! // Two places of the text at once, five characters at a time.
//! let lanes = BpttBatches::new(train.encode(&codec)?, 2, 5)?;
//! let (inputs, targets) = lanes.window(0);
//! assert_eq!(codec.decode(&inputs[..5]), "row, ");
//! assert_eq!(codec.decode(&targets[..5]), "ow, r");
//!
//! // The training part ends before the stream.
//! assert_eq!(valid.encode(&codec)?.unknown(), 4);
//! # Ok(())
//! # }
//! ```
//!
//! Data sets that are known by name are compiled in, or fetched once and then read from a folder:
//! see [`locate`]. The feature `fetch` fetches them; nothing else here reads from a network, for a
//! program that trains should not depend on one.
//!
//! Deliberately absent: shuffling before the split, interpolation, and a scaler fitted on all rows,
//! for each of them looks into the future.

mod batch;
mod checksum;
mod dates;
mod error;
#[cfg(feature = "fetch")]
pub mod fetch;
mod manifest;
mod registry;
mod scaler;
mod series;
mod split;
mod table;
mod text;
mod window;

pub use batch::WindowBatch;
pub use checksum::sha256;
pub use dates::{Dates, Step};
pub use error::{DataError, Result};
pub use manifest::{
    Archive, Column, DatasetManifest, Kind, LabeledSchema, PairsSchema, Prepare, SeriesSchema, Side, Source, TextSchema,
};
pub use registry::{Bytes, DataSource, RAW_FOLDER, RegisteredDataset, State, known, locate};
pub use scaler::{Scaled, Scaler, ScalerKind};
pub use series::{ColumnSelection, Missing, Series};
pub use split::{Ratios, Role, Split, Subset, Test, Train, Valid, Whole};
pub use table::{Row, Table, read_file};
pub use text::{
    BpttBatches, Corpus, CorpusSplit, EncodedPairs, EncodedTexts, LabeledSplit, LabeledSubset, LabeledText,
    LabeledTexts, Pair, PairBatch, PairSplit, PairSubset, ParallelCorpus, SpecialTokens, TextBatch, TextStream, Texts,
    TokenBatch, Tokenizer, TokenizerConfig, TokenizerKind, Tokens, Translations, Unknown,
};
pub use window::{WindowShape, Windows};
