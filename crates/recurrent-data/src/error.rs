//! What can be wrong with data, said so that its owner can mend it: where, what was expected,
//! and what was found instead.

use std::io;

use crate::Kind;

/// A result whose error is a [`DataError`] where nothing else is said.
pub type Result<T, E = DataError> = std::result::Result<T, E>;

/// Everything that can be wrong with a file, a request or a saved piece of either.
///
/// `path` is the file, or the name of the source where the bytes came from elsewhere. Lines count
/// from 1 and the header is line 1, as an editor shows them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each message names its fields, and would only be said twice")]
pub enum DataError {
    /// The operating system would not give the file.
    #[error("{path}: expected a readable file: {cause}")]
    Unreadable {
        path: String,
        #[source]
        cause: io::Error,
    },

    /// The path leads to a directory.
    #[error("{path}: expected a file, found a directory")]
    IsDirectory { path: String },

    /// There is nothing to learn from.
    #[error("{path}: expected a header line and rows below it, found {found}")]
    Empty { path: String, found: &'static str },

    /// The first line is data already.
    #[error("{path}, line {line}: expected a header of column names, found only numbers: {found}")]
    NoHeader { path: String, line: usize, found: String },

    /// Two columns with one name.
    #[error("{path}, line {line}: expected a name for each column, found `{name}` twice")]
    DuplicateHeader { path: String, line: usize, name: String },

    /// A quote that is never closed.
    #[error("{path}, line {line}: expected the quote that begins a cell to be closed, found the end of the file")]
    OpenQuote { path: String, line: usize },

    /// A row longer or shorter than the header.
    #[error("{path}, line {line}: expected {expected} fields as in the header, found {found}")]
    Ragged { path: String, line: usize, expected: usize, found: usize },

    /// The bytes are not text.
    #[error("{path}, line {line}: expected UTF-8 text, found an invalid byte at offset {offset}")]
    InvalidUtf8 { path: String, line: usize, offset: usize },

    /// A character that cannot separate fields.
    #[error("{path}: expected a delimiter such as , ; | or a tab, found {found:?}")]
    BadDelimiter { path: String, found: char },

    /// A cell that is no number.
    #[error("{path}, line {line}, column `{column}`: expected a number, found `{found}`")]
    NotANumber { path: String, line: usize, column: String, found: String },

    /// A cell that says `NaN`, infinity, or a number too large for single precision, in which
    /// networks compute.
    #[error("{path}, line {line}, column `{column}`: expected a finite number, found `{found}`")]
    NotFinite { path: String, line: usize, column: String, found: String },

    /// A cell without a value, where the policy allows none or has none to repeat.
    #[error("{path}, line {line}, column `{column}`: expected a number, found no value; {hint}")]
    MissingValue { path: String, line: usize, column: String, hint: &'static str },

    /// A column that the source does not have.
    #[error("{path}: expected one of the columns {}, found `{name}`{}", list(columns), did_you_mean(name, columns))]
    UnknownColumn { path: String, name: String, columns: Vec<String> },

    /// A column number that the source does not have.
    #[error("{path}: expected a column number below {columns}, found {index}")]
    UnknownColumnIndex { path: String, index: usize, columns: usize },

    /// A request that names no column, or a table that holds none that would do.
    #[error("{path}: expected {expected}, found none")]
    NoColumn { path: String, expected: &'static str },

    /// A cell that is no date.
    #[error(
        "{path}, line {line}, column `{column}`: expected a date such as 2012-01-31, 2012/01/31 or \
         2012-01-31 18:30, found `{found}`"
    )]
    BadDate { path: String, line: usize, column: String, found: String },

    /// Time runs backward.
    #[error(
        "{path}, line {line}, column `{column}`: expected a date after {previous} \
         (line {previous_line}), found {found}; sort the rows by time"
    )]
    DatesOutOfOrder { path: String, line: usize, column: String, found: String, previous: String, previous_line: usize },

    /// Time stands still.
    #[error(
        "{path}, line {line}, column `{column}`: expected each date once, found {found} again \
         (first on line {previous_line})"
    )]
    DuplicateDate { path: String, line: usize, column: String, found: String, previous_line: usize },

    /// A part too short for what is to be cut from it.
    #[error("{path} ({part}): expected at least {} for {purpose}, found {there}", rows(*needed))]
    TooFewRows { path: String, part: &'static str, purpose: String, needed: usize, there: usize },

    /// A window over nothing, or a forecast of nothing.
    #[error("expected a {what} of at least 1, found 0")]
    ZeroLength { what: &'static str },

    /// Shares that do not divide a whole.
    #[error(
        "expected three positive shares (train, valid, test) that sum to 1, such as 0.7,0.15,0.15; \
         found {found}"
    )]
    BadRatios { found: String },

    /// A word that is none of the choices.
    #[error("expected a {what}, one of {}; found `{found}`", choices.join(", "))]
    UnknownChoice { what: &'static str, found: String, choices: &'static [&'static str] },

    /// A data set that nobody knows.
    #[error(
        "expected a data set, one of {}; found `{name}`{}",
        names.join(", "),
        did_you_mean(name, names)
    )]
    UnknownDataset { name: String, names: Vec<String> },

    /// A manifest that does not say what a manifest must.
    #[error("{path}: expected a data set's manifest: {cause}")]
    DamagedManifest {
        path: String,
        #[source]
        cause: Box<toml::de::Error>,
    },

    /// A manifest that says something that cannot be.
    #[error("{path}, {field}: expected {expected}, found {found}")]
    BadManifest { path: String, field: &'static str, expected: &'static str, found: String },

    /// A data set for another task.
    #[error("{name}: expected a data set of the kind {expected}, found one of the kind {found}")]
    WrongKind { name: String, expected: Kind, found: Kind },

    /// A data set that is known, and not there.
    #[error("{path}: expected a fetched data set, found nothing; run `{command}`")]
    NotFetched { path: String, command: String },

    /// A fetched file that has changed since.
    #[error("{path}: expected a file with the sha256 {expected}, found {found}; run `{command}`")]
    WrongBytes { path: String, expected: String, found: String, command: String },

    /// A data set could not be fetched.
    #[cfg(feature = "fetch")]
    #[error(transparent)]
    Fetch(#[from] crate::fetch::FetchError),

    /// A text too short to have a next character.
    #[error("{path}: expected a text of at least 2 characters, found {found}")]
    NoText { path: String, found: &'static str },

    /// A share that leaves one side of a text empty.
    #[error("expected a share for validation between 0 and 1, such as 0.1; found {found}")]
    BadShare { found: f64 },

    /// A share that is fine, of a text that is too short for it.
    #[error("{path} ({part}): expected at least 1 character for each part of a split, found 0")]
    EmptyPart { path: String, part: &'static str },

    /// A file that is not any more what it was when it was checked.
    #[error("{path}: expected the file as it was opened, found it changed")]
    Changed { path: String },

    /// There is no room for what does not fit into memory.
    #[error("{path}: expected room for its tokens in a temporary file: {cause}")]
    NoRoom {
        path: String,
        #[source]
        cause: io::Error,
    },

    /// Texts in which there is nothing to make a vocabulary of.
    #[error("expected texts to fit {codec} on, found no {piece} that occurs at least {}", times(*min_count))]
    NothingToFit { codec: String, piece: &'static str, min_count: usize },

    /// A vocabulary without room for what has to be in it.
    #[error("expected a vocabulary of at least {needed} for {codec}, found {found}")]
    VocabularyTooSmall { codec: String, needed: usize, found: usize },

    /// A trainer of subwords that gave up.
    #[error("expected texts to fit {codec} on: {cause}")]
    CannotFit {
        codec: String,
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },

    /// A saved codec, or a tokenizer from elsewhere, that is none.
    #[error("{path}: expected {expected}: {cause}")]
    DamagedCodec {
        path: String,
        expected: &'static str,
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },

    /// A text shorter than what is to be cut from it.
    #[error("{path} ({part}): expected at least {needed} tokens for {purpose}, found {there}; {hint}")]
    TooFewTokens { path: String, part: &'static str, purpose: String, needed: usize, there: usize, hint: String },

    /// A cell that has to say something.
    #[error("{path}, line {line}, column `{column}`: expected {expected}, found an empty cell")]
    EmptyCell { path: String, line: usize, column: String, expected: &'static str },

    /// A line without its counterpart.
    #[error("{path}, line {line}: expected the counterpart of the same line in {other}, found an empty line")]
    EmptyLine { path: String, line: usize, other: String },

    /// Two files that do not go line by line.
    #[error("{path} and {other}: expected as many lines in both, found {lines} and {other_lines}")]
    LineCounts { path: String, other: String, lines: usize, other_lines: usize },

    /// Two files that go line by line, and say nothing.
    #[error("{path} and {other}: expected pairs of texts, found none")]
    NoPairs { path: String, other: String },

    /// A word that names no part of a split.
    #[error("{path}, line {line}, column `{column}`: expected train, valid or test, found `{found}`")]
    UnknownPart { path: String, line: usize, column: String, found: String },

    /// Nothing to tell apart.
    #[error("{path} (train), column `{column}`: expected at least two labels to tell apart, found only `{found}`")]
    OneLabel { path: String, column: String, found: String },

    /// A label that a model was never shown.
    #[error(
        "{path}, line {line}, column `{column}`: expected a label that training has, {}, found `{found}`{}",
        one_of(labels),
        did_you_mean(found, labels)
    )]
    UnknownLabel { path: String, line: usize, column: String, found: String, labels: Vec<String> },

    /// A column of labels that is rather a column of texts or numbers.
    #[error("{path}, column `{column}`: expected at most {limit} labels, found {found}; is it the column of labels?")]
    TooManyLabels { path: String, column: String, limit: usize, found: usize },
}

impl DataError {
    /// Whether what the user gave is at fault, and not the network, a disk or another program.
    pub fn is_bad_input(&self) -> bool {
        match self {
            #[cfg(feature = "fetch")]
            Self::Fetch(error) => error.is_bad_input(),
            // A disk that is full was not given.
            Self::NoRoom { .. } => false,
            _ => true,
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

/// The names, as far as a message can bear them.
fn one_of(names: &[String]) -> String {
    const BEARABLE: usize = 10;
    match names.len() {
        0..=BEARABLE => format!("one of {}", list(names)),
        count => format!("one of {count}, such as {}", list(&names[..3])),
    }
}

fn rows(count: usize) -> String {
    match count {
        1 => "1 row".to_string(),
        _ => format!("{count} rows"),
    }
}

fn list(names: &[String]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

fn did_you_mean(name: &str, names: &[String]) -> String {
    match closest(name, names) {
        Some(close) => format!("; did you mean `{close}`?"),
        None => String::new(),
    }
}

/// The candidate that needs the fewest edits, if those are few for a word of this length.
fn closest<'a>(name: &str, candidates: &'a [String]) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    let length = wanted.chars().count();
    let few = (length / 3).max(1).min(length.saturating_sub(1));
    candidates
        .iter()
        .map(|candidate| (edits(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|(edits, _)| *edits <= few)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate.as_str())
}

/// Levenshtein's distance, one row of its table at a time.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| name.to_string()).collect()
    }

    #[test]
    fn edits_are_counted() {
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(edits("wind", "wind"), 0);
    }

    #[test]
    fn a_close_name_is_offered_and_a_distant_one_is_not() {
        let columns = names(&["temp_max", "temp_min", "wind"]);
        assert_eq!(closest("tempmax", &columns), Some("temp_max"));
        assert_eq!(closest("WIND", &columns), Some("wind"));
        assert_eq!(closest("humidity", &columns), None);
    }

    #[test]
    fn an_unknown_column_is_told_with_those_there_are() {
        let error = DataError::UnknownColumn {
            path: "weather.csv".into(),
            name: "wnd".into(),
            columns: names(&["date", "wind"]),
        };
        assert_eq!(
            error.to_string(),
            "weather.csv: expected one of the columns `date`, `wind`, found `wnd`; \
             did you mean `wind`?"
        );
    }

    #[test]
    fn what_a_full_disk_or_a_trainer_says_is_passed_on() {
        let cause = io::Error::other("no space left");
        let error = DataError::NoRoom { path: "song.txt".into(), cause };
        assert_eq!(error.to_string(), "song.txt: expected room for its tokens in a temporary file: no space left");
        let error = DataError::CannotFit { codec: "unigram".into(), cause: "too few".into() };
        assert_eq!(error.to_string(), "expected texts to fit unigram on: too few");
        assert!(std::error::Error::source(&error).is_some());
    }
}
