//! Parsing of delimited text (CSV, TSV) into rows of cells.

use std::io::{self, BufRead, Read};

use csv::StringRecord;

use crate::cell::is_data;
use crate::content::Content;
use crate::error::{DataError, Result};

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
pub(crate) fn detect_delimiter(content: &Content) -> Result<char> {
    let layouts: Vec<Option<Layout>> =
        DELIMITERS.into_iter().map(|delimiter| Layout::of(content, delimiter)).collect::<Result<_>>()?;
    let layouts: Vec<Layout> = layouts.into_iter().flatten().collect();
    let fitting: Vec<&Layout> =
        layouts.iter().filter(|layout| layout.fitting > 0 && 2 * layout.fitting >= layout.rows).collect();
    let data: Vec<&Layout> = fitting.iter().copied().filter(|layout| layout.is_data).collect();
    match (&fitting[..], &data[..]) {
        ([only], _) | (_, [only]) => Ok(only.delimiter),
        ([first, second, ..], _) => Err(DataError::AmbiguousDelimiter {
            path: content.source().to_string(),
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

    /// `None` if there is one cell in a row.
    fn of(content: &Content, delimiter: char) -> Result<Option<Self>> {
        let mut reader = reader(content.read()?, delimiter as u8);
        let mut records = reader.records().map_while(std::result::Result::ok);
        let Some(width) = records.next().map(|header| header.len()).filter(|width| *width > 1) else {
            return Ok(None);
        };
        let mut layout = Self { delimiter, width, rows: 0, fitting: 0, is_data: true };
        for record in records.take(Self::ROWS) {
            layout.rows += 1;
            if record.len() == width {
                layout.fitting += 1;
                layout.is_data &= record.iter().all(is_data);
            }
        }
        layout.is_data &= layout.fitting > 0;
        Ok(Some(layout))
    }
}

fn reader<R: Read>(text: R, delimiter: u8) -> csv::Reader<R> {
    csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .quoting(allows_quotes(char::from(delimiter)))
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text)
}

/// Checks that a character can separate cells, and that every quote is closed.
pub(crate) fn check_delimiter(content: &Content, delimiter: char) -> Result<()> {
    let path = || content.source().to_string();
    if matches!(delimiter, '"' | '\n' | '\r') || !delimiter.is_ascii() {
        return Err(DataError::InvalidDelimiter { path: path(), found: delimiter });
    }
    if allows_quotes(delimiter) {
        let unclosed = unclosed_quote(content.read()?, delimiter as u8).map_err(|cause| content.unreadable(cause))?;
        if let Some(line) = unclosed {
            return Err(DataError::UnclosedQuote { path: path(), line });
        }
    }
    Ok(())
}

/// The rows of a delimited text one after another, the header first. A blank line between rows is a missing value where the
/// header has one cell, and is skipped where it has several.
pub(crate) struct DelimitedRows<'a> {
    content: &'a Content,
    records: csv::StringRecordsIntoIter<Box<dyn BufRead + 'a>>,
    lines: LineCounter<Box<dyn BufRead + 'a>>,
    /// The number of cells of the header, once it was read.
    width: Option<usize>,
    /// Blank lines that are missing values, the lines on which they are, and the row after them.
    pending: Option<(std::ops::Range<usize>, Row)>,
}

impl<'a> DelimitedRows<'a> {
    /// The rows of a text whose delimiter was [checked](check_delimiter).
    pub(crate) fn new(content: &'a Content, delimiter: char) -> Result<Self> {
        let records = reader(content.read()?, delimiter as u8).into_records();
        let lines = LineCounter::new(content.read()?);
        Ok(Self { content, records, lines, width: None, pending: None })
    }

    fn next_record(&mut self) -> Option<Result<Row>> {
        let unreadable = |cause: io::Error| self.content.unreadable(cause);
        let cells = match self.records.next()? {
            Ok(cells) => cells,
            // Valid UTF-8 of any length is allowed: the file changed, or cannot be read any more.
            Err(cause) => return Some(Err(unreadable(cause.into()))),
        };
        let start = cells.position().map_or(0, csv::Position::byte);
        let Lines { line, blank } = match self.lines.line_at(start) {
            Ok(lines) => lines,
            Err(cause) => return Some(Err(unreadable(cause))),
        };
        let row = Row::new(line, &cells);
        if self.width == Some(1) {
            self.pending = Some((line - blank..line, row));
            return self.next();
        }
        self.width.get_or_insert(row.width());
        Some(Ok(row))
    }
}

impl Iterator for DelimitedRows<'_> {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.pending.take() {
            Some((mut blank, row)) => match blank.next() {
                Some(line) => {
                    self.pending = Some((blank, row));
                    Some(Ok(Row::missing(line)))
                }
                None => Some(Ok(row)),
            },
            None => self.next_record(),
        }
    }
}

/// Whether cells can be quoted. In tab-separated text they cannot: no cell needs quotes to hold a comma, and sentences
/// begin with quotes that are not closed on the same line.
fn allows_quotes(delimiter: char) -> bool {
    delimiter != '\t'
}

/// The line of a quote that is never closed: the parser would take the rest of the file for one cell.
fn unclosed_quote(mut text: impl BufRead, delimiter: u8) -> io::Result<Option<usize>> {
    enum Quote {
        None,
        Open(usize),
        /// A second quote would be an escaped one, anything else follows the quoted cell.
        Closed(usize),
    }
    let (mut line, mut quote, mut at_cell_start) = (1, Quote::None, true);
    loop {
        let block = text.fill_buf()?;
        for &byte in block {
            quote = match (quote, byte) {
                (Quote::None, b'"') if at_cell_start => Quote::Open(line),
                (Quote::Open(opened), b'"') => Quote::Closed(opened),
                (Quote::Closed(opened), b'"') => Quote::Open(opened),
                (Quote::Closed(_), _) => Quote::None,
                (quote, _) => quote,
            };
            line += usize::from(byte == b'\n');
            at_cell_start = byte == delimiter || byte == b'\n' || (at_cell_start && byte == b' ');
        }
        let read = block.len();
        if read == 0 {
            break;
        }
        text.consume(read);
    }
    Ok(match quote {
        Quote::Open(opened) => Some(opened),
        Quote::None | Quote::Closed(_) => None,
    })
}

/// Counts lines up to increasing offsets. The reader's own count is wrong at `\r\n` and at blank lines, because it
/// returns a row before it has read the end of its line.
struct LineCounter<R> {
    text: R,
    /// The bytes that were counted, and the last of them.
    counted: u64,
    last: u8,
    line: usize,
}

impl<R: BufRead> LineCounter<R> {
    fn new(text: R) -> Self {
        Self { text, counted: 0, last: 0, line: 1 }
    }

    /// The line of the first byte at or after `offset` that is not part of a line end.
    fn line_at(&mut self, offset: u64) -> io::Result<Lines> {
        while self.counted < offset {
            let block = self.text.fill_buf()?;
            let length = block.len().min((offset - self.counted).try_into().unwrap_or(usize::MAX));
            if length == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            for &byte in &block[..length] {
                self.line += usize::from(ends_line(self.last, byte));
                self.last = byte;
            }
            self.text.consume(length);
            self.counted += length as u64;
        }
        let before = self.line;
        while let Some(byte @ (b'\r' | b'\n')) = self.text.fill_buf()?.first().copied() {
            self.line += usize::from(ends_line(self.last, byte));
            self.last = byte;
            self.text.consume(1);
            self.counted += 1;
        }
        Ok(Lines { line: self.line, blank: self.line - before })
    }
}

/// Whether a byte begins a line end: `\n`, `\r\n` or `\r`.
fn ends_line(before: u8, byte: u8) -> bool {
    byte == b'\r' || (byte == b'\n' && before != b'\r')
}

/// The line of a row, and the number of blank lines before it.
struct Lines {
    line: usize,
    blank: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(text: &str) -> Content {
        Content::from_bytes("t.csv".to_string(), text.as_bytes().to_vec().into()).unwrap()
    }

    fn detected(text: &str) -> char {
        detect_delimiter(&content(text)).unwrap()
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
        let error = detect_delimiter(&content("text;more,label\nfoo;bar,good\nbar;foo,bad\n")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "t.csv: expected one delimiter, found two that fit the header and the rows, ',' and ';'; put cells that \
             contain one of them in quotes"
        );
    }

    #[test]
    fn blank_lines_are_missing_values_of_a_single_column() {
        let rows = |text: &str| {
            let content = content(text);
            let rows = DelimitedRows::new(&content, ',').unwrap().map(Result::unwrap);
            rows.map(|row| (row.line(), row.cell(0).to_string())).collect::<Vec<_>>()
        };
        let expected = [(2, "y"), (3, ""), (4, "1"), (5, ""), (6, ""), (7, "2")].map(|(l, c)| (l, c.to_string()));
        for end in ["\n", "\r\n", "\r"] {
            assert_eq!(rows(&["", "y", "", "1", "", "", "2", "", ""].join(end)), expected, "{end:?}");
        }
        assert_eq!(rows("a,b\n\n1,2\n\n3,4\n").iter().map(|row| row.0).collect::<Vec<_>>(), [1, 3, 5]);
    }
}
