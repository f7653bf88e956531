//! The kinds of data sets.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a data set consists of, and so which tasks it serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DatasetKind {
    /// A table of numeric columns, one row per point in time.
    Series,
    /// One long text.
    Text,
    /// Texts in two languages, one pair per row.
    Pairs,
    /// Texts with one label each.
    Labeled,
    /// Recordings of speech with their transcripts.
    Speech,
    /// Pieces of music.
    Music,
}

impl fmt::Display for DatasetKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Series => "series",
            Self::Text => "text",
            Self::Pairs => "pairs",
            Self::Labeled => "labeled",
            Self::Speech => "speech",
            Self::Music => "music",
        })
    }
}
