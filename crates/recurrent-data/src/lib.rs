//! Data for recurrent networks: from a file to batches on the device.
//!
//! Data moves forward through a chain of types, and each type guarantees more than the one before. Series:
//!
//! | | type | guarantee |
//! |---|---|---|
//! | 1 | [`Table`] | UTF-8, rectangular, with a header |
//! | 2 | [`Series`] | finite numbers without missing values; each [`Segment`] in time order, without a gap |
//! | 3 | [`Split`] | rows of a later [`Subset`] are later in time, those of other series too |
//! | 4 | [`Scaler`] | fitted on training rows only |
//! | 5 | [`ScaledSeries`] | scaled for a network |
//! | 6 | [`Windows`] | a window lies in one segment, and its targets in one subset |
//! | 7 | [`WindowBatch`] | tensors on the device |
//!
//! Texts:
//!
//! | | type | guarantee |
//! |---|---|---|
//! | 1 | [`Corpus`], [`ParallelCorpus`], [`LabeledTexts`], [`Transcripts`] | UTF-8; pairs and labeled texts are not empty |
//! | 2 | [`CorpusSplit`], [`PairSplit`], [`LabeledSplit`] | no held-out pair or labeled text is a near-duplicate of a training one |
//! | | [`TranscriptSplit`] | no speaker is in two subsets |
//! | 3 | [`Tokenizer`] | fitted on training texts only |
//! | 4 | [`EncodedCorpus`], [`EncodedPairs`], [`EncodedTexts`] | token ids below the vocabulary size |
//! | 5 | [`BpttBatches`], buckets | streams continue from batch to batch; texts in a batch have similar lengths |
//! | 6 | [`TokenBatch`], [`PairBatch`], [`TextBatch`] | tensors on the device |
//!
//! Errors are found on the way from one type to the next, and are [`DataError`]s: where, what was expected, what was
//! found. Later types do not check again.
//!
//! The crate is designed against *data leakage*, where a model learns about its test data in training. The role of a
//! subset is part of its type (`Subset<Train>`, `Subset<Test>`), and the compiler keeps roles apart: see [`Split`].
//!
//! ```
//! use recurrent_data::{DataSource, RAW_FOLDER, Scaler, ScalerKind, WindowShape, Windows};
//!
//! # fn main() -> recurrent_data::Result<()> {
//! let source = DataSource::open("weather", RAW_FOLDER)?;
//! let schema = source.manifest().unwrap().series()?;
//! let series = source.table()?.series(&Default::default())?;
//! let temp_max = series.index_of("temp_max")?;
//!
//! let split = series.split(&schema.split)?;
//! let scaler = Scaler::fit(&split.train, ScalerKind::Standard);
//!
//! // Forecast seven days of one column from thirty days of all four.
//! let shape = WindowShape::new(30, 7, vec![0, 1, 2, 3], vec![temp_max])?;
//! let windows = Windows::new(&scaler.scale(&split.test)?, shape)?;
//! assert_eq!(windows.len(), 219 - 7 + 1);
//!
//! let (mut features, mut targets) = (vec![], vec![]);
//! windows.features_into(0, &mut features);
//! windows.targets_into(0, &mut targets);
//! assert_eq!((features.len(), targets.len()), (30 * 4, 7));
//!
//! // The first target in degrees, and its date.
//! let (series, origin) = (windows.series(), windows.origin(0));
//! let degrees = scaler.inverse_transform(temp_max, targets[0].into());
//! assert!((degrees - series.value(origin + 1, temp_max)).abs() < 1e-4);
//! assert_eq!(series.dates().unwrap().label(origin + 1), "2015-05-27");
//! # Ok(())
//! # }
//! ```
//!
//! [`BpttBatches`] has an example for texts.
//!
//! Registered data sets are embedded, or fetched once into a folder: see [`DataSource`]. Only the feature `fetch`
//! accesses the network.
//!
//! Deliberately absent: shuffling before the split, interpolation of missing values, and scalers fitted on all rows.
//! Each of them leaks data.

mod availability;
mod calendar;
mod cell;
mod checksum;
mod column_selection;
mod content;
mod data_source;
mod dates;
mod delimited;
mod download_source;
mod error;
#[cfg(feature = "fetch")]
pub mod fetch;
mod file;
mod fractions;
mod frequency;
mod gap;
mod gap_policy;
mod kind;
mod listed_file;
mod manifest;
mod registry;
pub mod regular_file;
mod role;
mod rounding;
mod scaler;
mod scan;
mod schema;
mod segment;
mod series;
mod series_reader;
mod split;
mod suggestion;
mod table;
mod text;
mod window;
mod window_batch;

pub use availability::Availability;
pub use calendar::{CalendarFeatures, Cycle};
pub use checksum::{sha256, sha256_concat};
pub use column_selection::{ColumnSelection, Gaps, Missing};
pub use data_source::DataSource;
pub use dates::Dates;
pub use delimited::Row;
pub use download_source::{ArchiveEntry, Converter, DownloadSource};
pub use error::{DataError, GapError, Result};
pub use file::read_file;
pub use fractions::SplitFractions;
pub use frequency::Frequency;
pub use jiff::civil::DateTime;
pub use kind::DatasetKind;
pub use listed_file::ListedFile;
pub use manifest::DatasetManifest;
pub use registry::{RAW_FOLDER, RegisteredDataset, registered_datasets};
pub use role::{Role, Test, Train, Valid, Whole};
pub use scaler::{ScaledSeries, Scaler, ScalerKind};
pub use schema::{
    ColumnSchema, LabeledSchema, LanguageColumn, MusicSchema, PairsSchema, SeriesSchema, SpeechSchema, TextSchema,
};
pub use segment::Segment;
pub use series::Series;
pub use split::{Split, Subset, SubsetSegment};
pub use table::{Rows, Table};
pub use text::{
    BpttBatches, Corpus, CorpusSplit, CorpusSubset, DefaultColumns, EncodedCorpus, EncodedPairs, EncodedTexts,
    LabeledSplit, LabeledSubset, LabeledText, LabeledTexts, Pair, PairBatch, PairSplit, PairSubset, ParallelCorpus,
    ReferenceSet, SpecialTokens, SplitAssignment, TextBatch, TextStream, Texts, TokenBatch, Tokenizer, TokenizerConfig,
    TokenizerKind, Transcript, TranscriptSplit, TranscriptSubset, Transcripts, UnknownPiece, padded_features,
};
pub use window::{WindowShape, Windows};
pub use window_batch::WindowBatch;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
