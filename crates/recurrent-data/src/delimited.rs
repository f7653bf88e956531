//! Parsing of delimited text (CSV, TSV) into rows of cells.

use csv::StringRecord;

use crate::cell::is_data;
use crate::error::{DataError, Result};
use crate::file::line_ends;

/// The delimiters that are detected, in order of preference.
const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];

/// One row of a [`Table`](crate::Table).
#[derive(Debug, Clone)]
pub struct Row {
    line: usize,
    /// All cells, one behind the other.
    text: Box<str>,
    /// Where each cell ends.
    ends: Box<[usize]>,
}

impl Row {
    fn new(line: usize, cells: &StringRecord) -> Self {
        let end = |at: &mut usize, cell: &str| {
            *at += cell.len();
            Some(*at)
        };
        Self { line, text: cells.iter().collect(), ends: cells.iter().scan(0, end).collect() }
    }

    /// A row of one empty cell.
    fn missing(line: usize) -> Self {
        Self { line, text: Box::default(), ends: Box::new([0]) }
    }

    /// The line of the file on which the row begins, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The cells from left to right, as many as the table has columns.
    pub fn cells(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len()).map(|column| self.cell(column))
    }

    /// The text in a column. Past the last column it is empty, as a missing value is.
    pub fn cell(&self, column: usize) -> &str {
        let Some(&end) = self.ends.get(column) else { return "" };
        let start = column.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..end]
    }

    /// The number of cells.
    pub(crate) fn width(&self) -> usize {
        self.ends.len()
    }
}

/// The delimiter by which the rows have as many cells as the header, at least two; a comma if there is none.
///
/// Where several fit, as in `Date;Revenue, net` above `2020-01-01;1000,00`, it is the one by which every cell is a number,
/// a date or missing.
///
/// # Errors
/// If several fit equally well.
pub(crate) fn detect_delimiter(path: &str, text: &str) -> Result<char> {
    let layouts: Vec<Layout> = DELIMITERS.into_iter().filter_map(|delimiter| Layout::of(text, delimiter)).collect();
    let fitting: Vec<&Layout> =
        layouts.iter().filter(|layout| layout.fitting > 0 && 2 * layout.fitting >= layout.rows).collect();
    let data: Vec<&Layout> = fitting.iter().copied().filter(|layout| layout.is_data).collect();
    match (&fitting[..], &data[..]) {
        ([only], _) | (_, [only]) => Ok(only.delimiter),
        ([first, second, ..], _) => Err(DataError::AmbiguousDelimiter {
            path: path.to_string(),
            first: first.delimiter,
            second: second.delimiter,
        }),
        // The rows are reported when they are read. `max_by_key` returns the last of equal elements.
        ([], _) => {
            let best = layouts.iter().rev().max_by_key(|layout| (layout.fitting, layout.width));
            Ok(best.map_or(',', |layout| layout.delimiter))
        }
    }
}

/// The beginning of a text, split by one delimiter.
struct Layout {
    delimiter: char,
    /// The number of cells of the header, at least two.
    width: usize,
    rows: usize,
    /// How many rows have as many cells as the header.
    fitting: usize,
    /// Whether all cells of these rows are numbers, dates or missing.
    is_data: bool,
}

impl Layout {
    /// The number of rows that are compared with the header.
    const ROWS: usize = 1000;

    fn of(text: &str, delimiter: char) -> Option<Self> {
        let mut reader = reader(text, u8::try_from(delimiter).ok()?);
        let mut records = reader.records().map_while(std::result::Result::ok);
        let width = records.next().map(|header| header.len()).filter(|width| *width > 1)?;
        let mut layout = Self { delimiter, width, rows: 0, fitting: 0, is_data: true };
        for record in records.take(Self::ROWS) {
            layout.rows += 1;
            if record.len() == width {
                layout.fitting += 1;
                layout.is_data &= record.iter().all(is_data);
            }
        }
        layout.is_data &= layout.fitting > 0;
        Some(layout)
    }
}

fn reader(text: &str, delimiter: u8) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .quoting(allows_quotes(char::from(delimiter)))
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes())
}

/// Parses every line, the header included. A blank line between rows is a missing value where the header has one cell,
/// and is skipped where it has several.
pub(crate) fn parse_rows(path: &str, text: &str, delimiter: char) -> Result<Vec<Row>> {
    let invalid = || DataError::InvalidDelimiter { path: path.to_string(), found: delimiter };
    if matches!(delimiter, '"' | '\n' | '\r') || !delimiter.is_ascii() {
        return Err(invalid());
    }
    let mut reader = reader(text, u8::try_from(delimiter).map_err(|_| invalid())?);
    if allows_quotes(delimiter)
        && let Some(line) = unclosed_quote(text, delimiter)
    {
        return Err(DataError::UnclosedQuote { path: path.to_string(), line });
    }
    let mut lines = LineCounter::new(text.as_bytes());
    let mut rows: Vec<Row> = Vec::new();
    for record in reader.records() {
        // UTF-8 text in memory cannot fail to be read, and rows of any length are allowed.
        let cells = record.map_err(|cause| DataError::Unreadable { path: path.to_string(), cause: cause.into() })?;
        let start = cells.position().map_or(0, |at| at.byte() as usize);
        let Lines { line, blank } = lines.line_at(start);
        if rows.first().is_some_and(|header| header.width() == 1) {
            rows.extend((line - blank..line).map(Row::missing));
        }
        rows.push(Row::new(line, &cells));
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
    fn line_at(&mut self, offset: usize) -> Lines {
        let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let rest = self.bytes[offset..].iter();
        let start = offset + rest.take_while(|byte| is_end(byte)).count();
        self.line += line_ends(&self.bytes[self.counted..start]);
        self.counted = start;
        // The offset can be between the two bytes of a line end.
        let within = offset > 0 && self.bytes[offset - 1..].starts_with(b"\r\n");
        Lines { line: self.line, blank: line_ends(&self.bytes[offset + usize::from(within)..start]) }
    }
}

/// The line of a row, and the number of blank lines before it.
struct Lines {
    line: usize,
    blank: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detected(text: &str) -> char {
        detect_delimiter("t.csv", text).unwrap()
    }

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
            assert_eq!(detected(text), delimiter, "{text:?}");
        }
    }

    #[test]
    fn delimiter_fits_the_header_and_the_rows() {
        for (text, delimiter) in [
            ("Datum;Umsatz, netto\n2020-01-01;1000,00\n2020-01-02;1003,07\n", ';'),
            ("Datum;Umsatz, netto\n2020-01-01;1000\n2020-01-02;1003\n", ';'),
            ("\"Datum\n(Tag)\";\"Umsatz\n(EUR)\"\n2020-01-01;100.0\n", ';'),
            ("en, de\tfr, be, ch\nGo\tVa\nHi, you\tSalut\n", '\t'),
            ("a,b;c,d\n1,2;3,4\n5\n", ';'),
        ] {
            assert_eq!(detected(text), delimiter, "{text:?}");
        }
    }

    #[test]
    fn delimiters_that_fit_equally_well_are_rejected() {
        let error = detect_delimiter("t.csv", "text;more,label\nfoo;bar,good\nbar;foo,bad\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "t.csv: expected one delimiter, found two that fit the header and the rows, ',' and ';'; put cells that \
             contain one of them in quotes"
        );
    }

    #[test]
    fn blank_lines_are_missing_values_of_a_single_column() {
        let rows = |text: &str| {
            let rows = parse_rows("t.csv", text, ',').unwrap();
            rows.iter().map(|row| (row.line(), row.cell(0).to_string())).collect::<Vec<_>>()
        };
        let expected = [(2, "y"), (3, ""), (4, "1"), (5, ""), (6, ""), (7, "2")].map(|(l, c)| (l, c.to_string()));
        for end in ["\n", "\r\n", "\r"] {
            assert_eq!(rows(&["", "y", "", "1", "", "", "2", "", ""].join(end)), expected, "{end:?}");
        }
        assert_eq!(rows("a,b\n\n1,2\n\n3,4\n").len(), 3);
    }
}
