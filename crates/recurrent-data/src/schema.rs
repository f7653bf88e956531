//! The part of a manifest that depends on the kind of the data set: columns, split, task defaults.

use serde::{Deserialize, Serialize};

use crate::column_selection::ColumnSelection;
use crate::fractions::SplitFractions;

/// The columns of a series and how to forecast it by default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SeriesSchema {
    /// The number of rows, without the header.
    pub rows: usize,
    /// The date column.
    pub date_column: String,
    /// The default feature columns: the model's input.
    pub features: Vec<String>,
    /// The default target columns: what is forecast.
    pub targets: Vec<String>,
    /// The columns whose values are known for the horizon too (known-future covariates), such as holidays.
    #[serde(default)]
    pub future: Vec<String>,
    /// The default number of rows to forecast.
    pub horizon: usize,
    /// The seasonal period in rows, if there is one.
    pub season: Option<usize>,
    /// Settings that serve this data set better than the defaults of the task, chosen on its validation rows.
    #[serde(default)]
    pub recipe: toml::Table,
    /// The default split.
    pub split: SplitFractions,
    /// Every column of the file, from left to right.
    pub columns: Vec<ColumnSchema>,
}

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ColumnSchema {
    /// Its header.
    pub name: String,
    /// The unit of its values.
    pub unit: String,
    /// What its values mean.
    pub description: String,
}

impl SeriesSchema {
    /// The default features, targets and columns that are known ahead, without missing values or gaps.
    pub fn column_selection(&self) -> ColumnSelection {
        ColumnSelection {
            date: Some(self.date_column.clone()),
            columns: [&*self.features, &*self.targets, &*self.future].concat(),
            ..ColumnSelection::default()
        }
    }

    /// The first column that is named but not described among [`columns`](Self::columns), with the field that names it.
    pub(crate) fn unknown_column(&self) -> Option<(&'static str, &str)> {
        let fields =
            [("series.features", &self.features), ("series.targets", &self.targets), ("series.future", &self.future)];
        let mut named = fields.into_iter().flat_map(|(field, names)| names.iter().map(move |name| (field, &**name)));
        named.find(|(_, name)| !self.columns.iter().any(|column| column.name == *name))
    }
}

/// How to train a language model on a text by default.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TextSchema {
    /// The fraction of the text, at its end, for validation.
    pub valid_fraction: f64,
}

/// The column that holds the texts of one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct LanguageColumn {
    /// Its header.
    pub column: String,
    /// The language, in English.
    pub language: String,
}

/// The columns of a parallel corpus and its default split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PairsSchema {
    /// The number of pairs, without the header.
    pub rows: usize,
    /// The source language.
    pub source: LanguageColumn,
    /// The target language.
    pub target: LanguageColumn,
    /// The column by which pairs are grouped: pairs of one group stay in one subset of the split.
    pub group_column: Option<String>,
    /// The default split.
    pub split: SplitFractions,
}

/// The columns of labeled texts and their default split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct LabeledSchema {
    /// The number of texts, without the header.
    pub rows: usize,
    /// The column of texts.
    pub text_column: String,
    /// The column of labels.
    pub label_column: String,
    /// The column that assigns each text to `train`, `valid` or `test`, if there is one.
    pub split_column: Option<String>,
    /// The column that says what kind of text each is, if there is one: scores are told by it.
    pub kind_column: Option<String>,
    /// The default split, where no column assigns it.
    #[serde(default)]
    pub split: SplitFractions,
}

/// The recordings of a table with the columns `wav`, `text`, `split` and `sha256`, and `speaker` if no speaker is in two
/// splits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SpeechSchema {
    /// The number of recordings.
    pub rows: usize,
    /// The number of speakers.
    pub speakers: usize,
    /// The sample rate in Hz.
    pub sample_rate: u32,
}

/// The pieces of a file that `train compose` reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct MusicSchema {
    /// The number of pieces.
    pub pieces: usize,
}
