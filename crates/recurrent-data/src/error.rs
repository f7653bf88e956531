//! The errors of this crate.

use std::io;

use crate::kind::DatasetKind;
use crate::suggestion::did_you_mean;

/// A result whose error is a [`DataError`] by default.
pub type Result<T, E = DataError> = std::result::Result<T, E>;

/// What can be wrong with a file, a setting or a saved tokenizer. The message says where it is, what was expected and
/// what was found.
///
/// `path` is the file, or the name that the caller gave to bytes from elsewhere. Lines count from 1; the header is
/// line 1. `subset` is `train`, `valid`, `test` or `whole`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages describe the fields")]
pub enum DataError {
    /// The file cannot be read.
    #[error("{path}: expected a readable file: {cause}")]
    Unreadable {
        path: String,
        #[source]
        cause: io::Error,
    },

    /// The path is a pipe or a device, which cannot be read a second time.
    #[error(
        "{path}: expected a regular file, which can be read again later, found {found}; save its contents in a file"
    )]
    NotRegular { path: String, found: &'static str },

    /// The path is a directory.
    #[error("{path}: expected a file, found a directory")]
    IsDirectory { path: String },

    /// The file is larger than any file of its format should be.
    #[error("{path}: expected a file of at most {limit} bytes, found more")]
    TooLarge { path: String, limit: u64 },

    /// A table has no rows.
    #[error("{path}: expected a header line and rows below it, found {found}")]
    Empty { path: String, found: &'static str },

    /// The first line of a table is data already.
    #[error("{path}, line {line}: expected a header of column names, found numbers or dates: {found}")]
    NoHeader { path: String, line: usize, found: String },

    /// Two columns have the same name.
    #[error("{path}, line {line}: expected a distinct name for each column, found `{name}` twice")]
    DuplicateHeader { path: String, line: usize, name: String },

    /// A quoted cell is never closed.
    #[error("{path}, line {line}: expected a closing quote for the cell that begins here, found the end of the file")]
    UnclosedQuote { path: String, line: usize },

    /// A row has more or fewer fields than the header.
    #[error("{path}, line {line}: expected {expected} fields as in the header, found {found}")]
    Ragged { path: String, line: usize, expected: usize, found: usize },

    /// The bytes are not UTF-8.
    #[error("{path}, line {line}: expected UTF-8 text, found an invalid byte at offset {offset}")]
    InvalidUtf8 { path: String, line: usize, offset: usize },

    /// The character cannot separate fields.
    #[error("{path}: expected a delimiter such as , ; | or a tab, found {found:?}")]
    InvalidDelimiter { path: String, found: char },

    /// Two delimiters give the rows as many fields as the header.
    #[error(
        "{path}: expected one delimiter, found two that fit the header and the rows, {first:?} and {second:?}; put \
         cells that contain one of them in quotes"
    )]
    AmbiguousDelimiter { path: String, first: char, second: char },

    /// A cell cannot be parsed as a number.
    #[error("{path}, line {line}, column `{column}`: expected a number, found `{found}`")]
    NotANumber { path: String, line: usize, column: String, found: String },

    /// A number has a decimal comma, or marks between its thousands.
    #[error(
        "{path}, line {line}, column `{column}`: expected a number with a decimal point and without marks between \
         thousands, such as 1234.5, found `{found}`"
    )]
    MarkedNumber { path: String, line: usize, column: String, found: String },

    /// A cell is NaN, infinite, or too large for single precision.
    #[error("{path}, line {line}, column `{column}`: expected a finite number, found `{found}`")]
    NotFinite { path: String, line: usize, column: String, found: String },

    /// A cell has no value, and the policy for missing values cannot supply one.
    #[error("{path}, line {line}, column `{column}`: expected a number, found no value; {hint}")]
    MissingValue { path: String, line: usize, column: String, hint: &'static str },

    /// There is no column of this name.
    #[error("{path}: expected one of the columns {}, found `{name}`{}", quoted(columns), did_you_mean(name, columns))]
    UnknownColumn { path: String, name: String, columns: Vec<String> },

    /// There is no column of this index.
    #[error("{path}: expected a column index below {columns}, found {index}")]
    ColumnIndexOutOfRange { path: String, index: usize, columns: usize },

    /// There is a column of this name already.
    #[error("{path}: expected a new name for a further column, found `{name}`, which there is already")]
    ColumnExists { path: String, name: String },

    /// No column is selected, or the table has none that is suitable.
    #[error("{path}: expected {expected}, found none")]
    NoColumn { path: String, expected: &'static str },

    /// A cell cannot be parsed as a date.
    #[error(
        "{path}, line {line}, column `{column}`: expected a date such as 2012-01-31, 2012/01/31 or \
         2012-01-31 18:30, found `{found}`"
    )]
    InvalidDate { path: String, line: usize, column: String, found: String },

    /// Some dates have an offset from UTC, others have none.
    #[error(
        "{path}, line {line}, column `{column}`: expected an offset from UTC, such as +02:00, in every row or in none, \
         found `{found}` after `{previous}` (line {previous_line})"
    )]
    MixedOffsets { path: String, line: usize, column: String, found: String, previous: String, previous_line: usize },

    /// A date is earlier than the one before.
    #[error(
        "{path}, line {line}, column `{column}`: expected a date after {previous} \
         (line {previous_line}), found {found}; sort the rows by time{}", ids_hint(*have_ids)
    )]
    DatesOutOfOrder {
        path: String,
        line: usize,
        column: String,
        found: String,
        previous: String,
        previous_line: usize,
        have_ids: bool,
    },

    /// A date occurs twice.
    #[error(
        "{path}, line {line}, column `{column}`: expected each date once, found {found} again \
         (first on line {previous_line}); keep one of them{}", ids_hint(*have_ids)
    )]
    DuplicateDate { path: String, line: usize, column: String, found: String, previous_line: usize, have_ids: bool },

    /// Rows are missing between two dates of a series, or its rows are not equally spaced.
    #[error(transparent)]
    Gap(Box<GapError>),

    /// A subset has too few rows for its purpose.
    #[error("{path} ({subset}): expected at least {} for {purpose}, found {found}", rows(*needed))]
    TooFewRows { path: String, subset: &'static str, purpose: String, needed: usize, found: usize },

    /// A subset is empty, since its rows were dropped as near-duplicates of training rows.
    #[error(
        "{path} ({subset}): expected at least 1 row for each subset of the split, found 0: {near_duplicates} row(s) of \
         validation and test were left out, since they nearly equal training rows in {compared}"
    )]
    OnlyNearDuplicates { path: String, subset: &'static str, near_duplicates: usize, compared: &'static str },

    /// A size or a list is 0 or empty. `setting` is its name.
    #[error("{setting}: expected at least 1, found 0")]
    ZeroLength { setting: &'static str },

    /// Split fractions that are not positive or do not sum to 1.
    #[error(
        "expected three positive fractions (train, valid, test) that sum to 1, such as 0.7,0.15,0.15; \
         found {found}"
    )]
    InvalidFractions { found: String },

    /// A text that is none of the choices.
    #[error("expected a {what}, one of {}; found `{found}`", choices.join(", "))]
    UnknownChoice { what: &'static str, found: String, choices: &'static [&'static str] },

    /// There is no registered data set of this name.
    #[error(
        "expected a data set, one of {}; found `{name}`{}",
        names.join(", "),
        did_you_mean(name, names)
    )]
    UnknownDataset { name: String, names: Vec<String> },

    /// A manifest cannot be parsed.
    #[error("{path}: expected a data set's manifest: {cause}")]
    InvalidManifest {
        path: String,
        #[source]
        cause: Box<toml::de::Error>,
    },

    /// A field of a manifest has a value that is not allowed.
    #[error("{path}, {field}: expected {expected}, found {found}")]
    InvalidManifestField { path: String, field: &'static str, expected: &'static str, found: String },

    /// A data set of another kind than the task needs.
    #[error("{name}: expected a data set of the kind {expected}, found one of the kind {found}")]
    WrongKind { name: String, expected: DatasetKind, found: DatasetKind },

    /// A registered data set that is not embedded has not been fetched yet.
    #[error("{path}: expected the fetched data set `{name}`, found no such file")]
    NotFetched { path: String, name: String },

    /// The file of a registered data set has other contents than its manifest says.
    #[error("{path}: expected a file with the sha256 {expected}, found {found}")]
    ChecksumMismatch { path: String, name: String, expected: String, found: String },

    /// A data set could not be fetched.
    #[cfg(feature = "fetch")]
    #[error(transparent)]
    Fetch(#[from] crate::fetch::error::FetchError),

    /// A text has fewer than two characters.
    #[error("{path}: expected a text of at least 2 characters, found {found}")]
    TextTooShort { path: String, found: &'static str },

    /// A validation fraction outside (0, 1).
    #[error("valid_fraction: expected a fraction between 0 and 1, such as 0.1; found {found}")]
    InvalidValidFraction { found: f64 },

    /// A text too short for the given validation fraction.
    #[error("{path} ({subset}): expected at least 1 character for each subset of the split, found 0")]
    EmptySubset { path: String, subset: &'static str },

    /// A file changed after it was opened.
    #[error("{path}: expected the file to stay as it was when it was opened, found it changed")]
    FileChanged { path: String },

    /// The temporary file for token ids cannot be written.
    #[error("{path}: expected room for its token ids in a temporary file: {cause}")]
    TemporaryFile {
        path: String,
        #[source]
        cause: io::Error,
    },

    /// The training texts contain nothing that could become a token.
    #[error(
        "expected texts to fit the {tokenizer} tokenizer on, found no {piece} that occurs at least {}",
        times(*min_count)
    )]
    NoTokens { tokenizer: String, piece: &'static str, min_count: usize },

    /// The vocabulary has no room for a token beside those that are always in it.
    #[error("vocab_size: expected at least {needed} for the {tokenizer} tokenizer, found {found}")]
    VocabSizeTooSmall { tokenizer: String, needed: usize, found: usize },

    /// The subword trainer failed.
    #[error("expected texts to fit the {tokenizer} tokenizer on: {cause}")]
    TokenizerTraining {
        tokenizer: String,
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },

    /// A saved tokenizer, or a `tokenizer.json`, cannot be parsed.
    #[error("{path}: expected {expected}: {cause}")]
    InvalidTokenizer {
        path: String,
        expected: &'static str,
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },

    /// A text has too few tokens for its purpose.
    #[error("{path} ({subset}): expected at least {needed} tokens for {purpose}, found {found}; {hint}")]
    TooFewTokens { path: String, subset: &'static str, purpose: String, needed: usize, found: usize, hint: String },

    /// A cell that must not be empty is.
    #[error("{path}, line {line}, column `{column}`: expected {expected}, found an empty cell")]
    EmptyCell { path: String, line: usize, column: String, expected: &'static str },

    /// One of two aligned files has an empty line where the other has a text.
    #[error("{path}, line {line}: expected the counterpart of the same line in {other}, found an empty line")]
    EmptyLine { path: String, line: usize, other: String },

    /// Two aligned files have different numbers of lines.
    #[error("{path} and {other}: expected the same number of lines in both, found {lines} and {other_lines}")]
    LineCountMismatch { path: String, other: String, lines: usize, other_lines: usize },

    /// Two aligned files have only empty lines.
    #[error("{path} and {other}: expected pairs of texts, found none")]
    NoPairs { path: String, other: String },

    /// A cell of the split column names no split.
    #[error("{path}, line {line}, column `{column}`: expected train, valid or test, found `{found}`")]
    UnknownSplit { path: String, line: usize, column: String, found: String },

    /// Recordings of a speaker are assigned to two splits.
    #[error(
        "{path}, line {line}, column `speaker`: expected each speaker in one split, found `{speaker}` in {split} and in \
         {previous} (line {previous_line})"
    )]
    SpeakerInTwoSplits {
        path: String,
        line: usize,
        speaker: String,
        split: &'static str,
        previous: &'static str,
        previous_line: usize,
    },

    /// All training texts have the same label.
    #[error("{path} (train), column `{column}`: expected at least two different labels, found only `{found}`")]
    SingleLabel { path: String, column: String, found: String },

    /// A label does not occur in the training texts.
    #[error(
        "{path}, line {line}, column `{column}`: expected a label of the training texts, {}, found `{found}`{}",
        one_of(labels),
        did_you_mean(found, labels)
    )]
    UnknownLabel { path: String, line: usize, column: String, found: String, labels: Vec<String> },

    /// The label column has so many different values that it is probably not one of labels.
    #[error(
        "{path}, column `{column}`: expected at most {limit} different labels, found {found}; is it the label column?"
    )]
    TooManyLabels { path: String, column: String, limit: usize, found: usize },
}

impl DataError {
    /// Whether the caller's input is at fault, and not the network, a disk or another program.
    pub fn is_bad_input(&self) -> bool {
        match self {
            #[cfg(feature = "fetch")]
            Self::Fetch(error) => error.is_bad_input(),
            // A full disk is not bad input.
            Self::TemporaryFile { .. } => false,
            _ => true,
        }
    }

    /// The name of the setting that is at fault, with which the message then begins: a program can show its own name
    /// for it, such as that of a command-line flag.
    pub fn setting(&self) -> Option<&'static str> {
        match self {
            Self::ZeroLength { setting } => Some(setting),
            Self::InvalidValidFraction { .. } => Some("valid_fraction"),
            Self::VocabSizeTooSmall { .. } => Some("vocab_size"),
            _ => None,
        }
    }
}

fn times(count: usize) -> String {
    match count {
        0 | 1 => "once".to_string(),
        2 => "twice".to_string(),
        _ => format!("{count} times"),
    }
}

/// A gap between two rows of a series.
#[derive(Debug, thiserror::Error)]
#[error(
    "{path}, line {line}, column `{column}`: expected {expected}, found {found} after {previous} (line {previous_line}): \
     {problem}; {hint}"
)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the message describes the fields")]
pub struct GapError {
    pub path: String,
    pub line: usize,
    pub column: String,
    pub expected: String,
    pub found: String,
    pub previous: String,
    pub previous_line: usize,
    pub problem: String,
    pub hint: String,
}

/// What else a repeated or an earlier date may mean.
fn ids_hint(have_ids: bool) -> &'static str {
    if have_ids { "" } else { ", or name the column of ids if there are several series" }
}

fn rows(count: usize) -> String {
    match count {
        1 => "1 row".to_string(),
        _ => format!("{count} rows"),
    }
}

/// The names, or a few of them where there are many.
fn one_of(names: &[String]) -> String {
    const LIMIT: usize = 10;
    match names.len() {
        0..=LIMIT => format!("one of {}", quoted(names)),
        count => format!("one of {count}, such as {}", quoted(&names[..3])),
    }
}

fn quoted(names: &[String]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_column_lists_the_columns() {
        let error = DataError::UnknownColumn {
            path: "weather.csv".into(),
            name: "wnd".into(),
            columns: ["date", "wind"].map(String::from).to_vec(),
        };
        assert_eq!(
            error.to_string(),
            "weather.csv: expected one of the columns `date`, `wind`, found `wnd`; \
             did you mean `wind`?"
        );
    }

    #[test]
    fn causes_are_part_of_the_message() {
        let cause = io::Error::other("no space left");
        let error = DataError::TemporaryFile { path: "song.txt".into(), cause };
        assert_eq!(error.to_string(), "song.txt: expected room for its token ids in a temporary file: no space left");
        assert!(!error.is_bad_input());
        let error = DataError::TokenizerTraining { tokenizer: "unigram".into(), cause: "too few".into() };
        assert_eq!(error.to_string(), "expected texts to fit the unigram tokenizer on: too few");
        assert!(std::error::Error::source(&error).is_some());
    }

    #[test]
    fn messages_begin_with_their_setting() {
        for error in [
            DataError::ZeroLength { setting: "horizon" },
            DataError::InvalidValidFraction { found: 2.0 },
            DataError::VocabSizeTooSmall { tokenizer: "bpe".into(), needed: 261, found: 5 },
        ] {
            assert!(error.to_string().starts_with(&format!("{}: expected ", error.setting().unwrap())), "{error}");
        }
    }
}
