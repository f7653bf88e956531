//! Parsing of delimited text (CSV, TSV) into rows of cells.

use csv::StringRecord;

use crate::error::{DataError, Result};
use crate::file::line_ends;

/// The delimiters that are detected, in order of preference.
const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];

/// One row of a [`Table`](crate::Table).
#[derive(Debug, Clone)]
pub struct Row {
    line: usize,
    cells: StringRecord,
}

impl Row {
    /// The line of the file on which the row begins, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The cells from left to right, as many as the table has columns.
    pub fn cells(&self) -> impl Iterator<Item = &str> {
        self.cells.iter()
    }

    /// The text in a column. Past the last column it is empty, as a missing value is.
    pub fn cell(&self, column: usize) -> &str {
        self.cells.get(column).unwrap_or_default()
    }

    /// The number of cells.
    pub(crate) fn width(&self) -> usize {
        self.cells.len()
    }
}

/// The delimiter that is most frequent in the first line outside of quotes; a comma if there is none.
pub(crate) fn detect_delimiter(text: &str) -> char {
    let header = text.lines().find(|line| !line.trim().is_empty());
    let count = |delimiter| {
        let mut quoted = false;
        let outside = |c: &char| {
            quoted ^= *c == '"';
            !quoted && *c == delimiter
        };
        header.unwrap_or_default().chars().filter(outside).count()
    };
    // `max_by_key` returns the last of equal elements, so the preferred delimiter comes last.
    let preferred_last = DELIMITERS.into_iter().rev();
    preferred_last.max_by_key(|d| count(*d)).unwrap_or(',')
}

/// Parses every line that is not blank, the header included.
pub(crate) fn parse_rows(path: &str, text: &str, delimiter: char) -> Result<Vec<Row>> {
    let invalid = || DataError::InvalidDelimiter { path: path.to_string(), found: delimiter };
    if matches!(delimiter, '"' | '\n' | '\r') || !delimiter.is_ascii() {
        return Err(invalid());
    }
    let quoting = allows_quotes(delimiter);
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(u8::try_from(delimiter).map_err(|_| invalid())?)
        .quoting(quoting)
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());

    if quoting && let Some(line) = unclosed_quote(text, delimiter) {
        return Err(DataError::UnclosedQuote { path: path.to_string(), line });
    }
    let mut lines = LineCounter::new(text.as_bytes());
    let mut rows = Vec::new();
    for record in reader.records() {
        // UTF-8 text in memory cannot fail to be read, and rows of any length are allowed.
        let cells = record.map_err(|cause| DataError::Unreadable { path: path.to_string(), cause: cause.into() })?;
        let start = cells.position().map_or(0, |at| at.byte() as usize);
        let line = lines.line_at(start);
        rows.push(Row { line, cells });
    }
    Ok(rows)
}

/// Whether cells can be quoted. In tab-separated text they cannot: no cell needs quotes to hold a comma, and sentences
/// begin with quotes that are not closed on the same line.
fn allows_quotes(delimiter: char) -> bool {
    delimiter != '\t'
}

/// The line of a quote that is never closed: the parser would take the rest of the file for one cell.
fn unclosed_quote(text: &str, delimiter: char) -> Option<usize> {
    enum Quote {
        None,
        Open(usize),
        /// A second quote would be an escaped one, anything else follows the quoted cell.
        Closed(usize),
    }
    let (mut line, mut quote, mut at_cell_start) = (1, Quote::None, true);
    for c in text.chars() {
        quote = match (quote, c) {
            (Quote::None, '"') if at_cell_start => Quote::Open(line),
            (Quote::Open(opened), '"') => Quote::Closed(opened),
            (Quote::Closed(opened), '"') => Quote::Open(opened),
            (Quote::Closed(_), _) => Quote::None,
            (quote, _) => quote,
        };
        line += usize::from(c == '\n');
        at_cell_start = c == delimiter || c == '\n' || (at_cell_start && c == ' ');
    }
    match quote {
        Quote::Open(opened) => Some(opened),
        Quote::None | Quote::Closed(_) => None,
    }
}

/// Counts lines up to increasing offsets. The reader's own count is wrong at `\r\n` and at blank lines, because it
/// returns a row before it has read the end of its line.
struct LineCounter<'a> {
    bytes: &'a [u8],
    counted: usize,
    line: usize,
}

impl<'a> LineCounter<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, counted: 0, line: 1 }
    }

    /// The line of the first byte at or after `offset` that is not part of a line end.
    fn line_at(&mut self, offset: usize) -> usize {
        let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let rest = self.bytes[offset..].iter();
        let start = offset + rest.take_while(|byte| is_end(byte)).count();
        self.line += line_ends(&self.bytes[self.counted..start]);
        self.counted = start;
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiter_is_detected_from_the_header() {
        for (text, delimiter) in [
            ("a,b\n", ','),
            ("a;b\n1,5;2,5\n", ';'),
            ("a\tb\n", '\t'),
            ("a|b\n", '|'),
            ("\"a;b;c\",d\n", ','),
            ("alone\n1\n", ','),
        ] {
            assert_eq!(detect_delimiter(text), delimiter, "{text:?}");
        }
    }
}
