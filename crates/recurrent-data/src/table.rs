//! A table as it was typed: cells of text, each row with the line it stands on.

use std::{fs, path::Path};

use csv::StringRecord;

use crate::{ColumnSelection, DataError, Result, Series};

/// Names, in any case, under which a column of dates is found without being asked for.
const DATE_HEADERS: [&str; 5] = ["date", "datetime", "timestamp", "time", "ds"];

/// Words, in any case, that stand for a value that is not there.
const MISSING: [&str; 5] = ["", "NA", "N/A", "null", "-"];

/// What separates fields where nobody says, in order of preference.
const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];

/// A delimited file with a header, read and found rectangular, but not yet understood.
///
/// Cells are kept as text without the blanks around them, and may stand in quotes, save where a tab
/// separates them. A byte order mark and either kind of line ending are taken as they come; blank
/// lines are skipped.
#[derive(Debug, Clone)]
pub struct Table {
    source: String,
    headers: Vec<String>,
    rows: Vec<Row>,
}

/// One row of a [`Table`].
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

    /// The cells from left to right, as many as the table has headers.
    pub fn cells(&self) -> impl Iterator<Item = &str> {
        self.cells.iter()
    }

    /// The text in a column; the empty text, which is a missing value, past the last one.
    pub fn cell(&self, column: usize) -> &str {
        self.cells.get(column).unwrap_or_default()
    }
}

impl Table {
    /// Reads a file. Without a delimiter, the header shows which of `,` `;` tab `|` it is.
    ///
    /// # Errors
    /// If the file cannot be read, or is no table: see [`Table::from_bytes`].
    pub fn open(path: &Path, delimiter: Option<char>) -> Result<Self> {
        Self::from_bytes(path.display().to_string(), &read_file(path)?, delimiter)
    }

    /// Reads bytes that lie in memory; `source` is what errors call them.
    ///
    /// # Errors
    /// If they are not UTF-8, hold no header or no row, name a column twice, or if a row has more
    /// or fewer fields than the header.
    pub fn from_bytes(source: impl Into<String>, bytes: &[u8], delimiter: Option<char>) -> Result<Self> {
        let source = source.into();
        let text = text(&source, bytes)?;
        let delimiter = delimiter.unwrap_or_else(|| sniff(text));
        let mut rows = rows(&source, text, delimiter)?.into_iter();

        let header = rows.next().ok_or_else(|| DataError::Empty { path: source.clone(), found: "an empty file" })?;
        let headers = headers(&source, &header)?;
        let table = Self { source, headers, rows: rows.collect() };
        table.check_rows()?;
        Ok(table)
    }

    /// The path, or the name that the bytes were given.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The names of the columns, from left to right.
    pub fn headers(&self) -> &[String] {
        &self.headers
    }

    /// The rows below the header, at least one.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The columns a network could read: most of their cells are numbers. What is wrong with the
    /// others is told, with its line, when the column is read. A column without a name (the index
    /// that pandas writes) is not among them.
    pub fn numeric_columns(&self) -> Vec<&str> {
        (0..self.headers.len())
            .filter(|&column| !self.headers[column].is_empty() && self.is_numeric(column))
            .map(|column| self.headers[column].as_str())
            .collect()
    }

    /// The first column named date, datetime, timestamp, time or ds (in any case) that holds
    /// something else than numbers: a `time` that counts 0, 1, 2 is a column like any other.
    pub fn date_column(&self) -> Option<&str> {
        (0..self.headers.len())
            .find(|&column| is_date_header(&self.headers[column]) && !self.is_numeric(column))
            .map(|column| self.headers[column].as_str())
    }

    /// The columns asked for, checked and in time order.
    ///
    /// # Errors
    /// If a column is not there, a cell is no finite number, a value is missing and may not be, or
    /// the dates do not rise strictly.
    pub fn series(&self, request: &ColumnSelection) -> Result<Series> {
        Series::from_table(self, request)
    }

    /// Where a column stands, from the left.
    ///
    /// # Errors
    /// If there is none of that name.
    pub fn index_of(&self, name: &str) -> Result<usize> {
        let found = self.headers.iter().position(|header| header == name);
        found.ok_or_else(|| DataError::UnknownColumn {
            path: self.source.clone(),
            name: name.to_string(),
            columns: self.headers.clone(),
        })
    }

    /// The finite number in a cell, or `None` if the cell stands for a missing value.
    pub(crate) fn number(&self, row: &Row, column: usize) -> Result<Option<f64>> {
        let cell = row.cell(column);
        if is_missing(cell) {
            return Ok(None);
        }
        match cell.parse() {
            Ok(number) if is_finite(number) => Ok(Some(number)),
            parsed => Err(self.refused(row, column, parsed.is_ok())),
        }
    }

    /// The text in a cell that has to say something.
    pub(crate) fn said(&self, row: &Row, column: usize, expected: &'static str) -> Result<String> {
        match row.cell(column) {
            "" => Err(DataError::EmptyCell {
                path: self.source.clone(),
                line: row.line,
                column: self.headers[column].clone(),
                expected,
            }),
            cell => Ok(cell.to_string()),
        }
    }

    /// Why a cell cannot be used, which is a number or is none.
    fn refused(&self, row: &Row, column: usize, is_number: bool) -> DataError {
        let (path, line) = (self.source.clone(), row.line);
        let found = shortened(row.cell(column));
        let column = self.headers[column].clone();
        if is_number {
            DataError::NotFinite { path, line, column, found }
        } else {
            DataError::NotANumber { path, line, column, found }
        }
    }

    fn is_numeric(&self, column: usize) -> bool {
        let cells = self.rows.iter().map(|row| row.cell(column)).filter(|cell| !is_missing(cell));
        let (numbers, others): (Vec<&str>, Vec<&str>) = cells.partition(|cell| cell.parse::<f64>().is_ok());
        numbers.len() > others.len()
    }

    fn check_rows(&self) -> Result<()> {
        if self.rows.is_empty() {
            return Err(DataError::Empty { path: self.source.clone(), found: "a header alone" });
        }
        let expected = self.headers.len();
        match self.rows.iter().find(|row| row.cells.len() != expected) {
            None => Ok(()),
            Some(row) => {
                Err(DataError::Ragged { path: self.source.clone(), line: row.line, expected, found: row.cells.len() })
            }
        }
    }
}

fn is_missing(cell: &str) -> bool {
    MISSING.iter().any(|word| cell.eq_ignore_ascii_case(word))
}

fn is_finite_number(cell: &str) -> bool {
    cell.parse().is_ok_and(is_finite)
}

/// Finite in single precision, in which networks compute.
fn is_finite(number: f64) -> bool {
    (number as f32).is_finite()
}

fn is_date_header(header: &str) -> bool {
    DATE_HEADERS.iter().any(|name| header.eq_ignore_ascii_case(name))
}

/// The bytes as text, without a byte order mark.
pub(crate) fn text<'a>(source: &str, bytes: &'a [u8]) -> Result<&'a str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => {
            let offset = error.valid_up_to();
            Err(DataError::InvalidUtf8 { path: source.to_string(), line: 1 + line_ends(&bytes[..offset]), offset })
        }
    }
}

/// The delimiter that the first line holds most of; a comma if it holds none.
fn sniff(text: &str) -> char {
    let header = text.lines().find(|line| !line.trim().is_empty());
    let count = |delimiter| {
        let mut quoted = false;
        let outside = |c: &char| {
            quoted ^= *c == '"';
            !quoted && *c == delimiter
        };
        header.unwrap_or_default().chars().filter(outside).count()
    };
    // The last of equals wins in `max_by_key`, and the comma should.
    let preferred_last = DELIMITERS.into_iter().rev();
    preferred_last.max_by_key(|d| count(*d)).unwrap_or(',')
}

/// Whether a cell may stand in quotes. Where a tab separates, a quote is a character like any other:
/// no cell needs one to hold a comma, and sentences begin with quotes that their lines never close.
fn quotes(delimiter: char) -> bool {
    delimiter != '\t'
}

/// Every line that is not blank, the header among them, of whatever length.
fn rows(source: &str, text: &str, delimiter: char) -> Result<Vec<Row>> {
    let bad_delimiter = || DataError::BadDelimiter { path: source.to_string(), found: delimiter };
    if matches!(delimiter, '"' | '\n' | '\r') || !delimiter.is_ascii() {
        return Err(bad_delimiter());
    }
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(u8::try_from(delimiter).map_err(|_| bad_delimiter())?)
        .quoting(quotes(delimiter))
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());

    let open = if quotes(delimiter) { open_quote(text, delimiter) } else { None };
    if let Some(line) = open {
        return Err(DataError::OpenQuote { path: source.to_string(), line });
    }
    let mut lines = Lines::new(text.as_bytes());
    let mut rows = Vec::new();
    for record in reader.records() {
        // Reading from memory does not fail, the text is UTF-8, and any length is allowed.
        let cells = record.map_err(|cause| DataError::Unreadable { path: source.to_string(), cause: cause.into() })?;
        let start = cells.position().map_or(0, |at| at.byte() as usize);
        let line = lines.at(start);
        rows.push(Row { line, cells });
    }
    Ok(rows)
}

/// As much of a cell as an error message can bear.
pub(crate) fn shortened(cell: &str) -> String {
    const BEARABLE: usize = 40;
    match cell.char_indices().nth(BEARABLE) {
        Some((end, _)) => format!("{}…", &cell[..end]),
        None => cell.to_string(),
    }
}

/// The line of a quote that is never closed, after which the whole rest of a file would be one cell.
fn open_quote(text: &str, delimiter: char) -> Option<usize> {
    enum Quote {
        None,
        Open(usize),
        /// A second quote would be a quote in the cell, anything else is behind the cell's end.
        Closed(usize),
    }
    let (mut line, mut quote, mut cell_begins) = (1, Quote::None, true);
    for c in text.chars() {
        quote = match (quote, c) {
            (Quote::None, '"') if cell_begins => Quote::Open(line),
            (Quote::Open(opened), '"') => Quote::Closed(opened),
            (Quote::Closed(opened), '"') => Quote::Open(opened),
            (Quote::Closed(_), _) => Quote::None,
            (quote, _) => quote,
        };
        line += usize::from(c == '\n');
        cell_begins = c == delimiter || c == '\n' || (cell_begins && c == ' ');
    }
    match quote {
        Quote::Open(opened) => Some(opened),
        Quote::None | Quote::Closed(_) => None,
    }
}

fn headers(source: &str, header: &Row) -> Result<Vec<String>> {
    if header.cells().all(is_finite_number) {
        return Err(DataError::NoHeader {
            path: source.to_string(),
            line: header.line,
            found: header.cells().collect::<Vec<_>>().join(", "),
        });
    }
    let mut names: Vec<String> = Vec::new();
    for name in header.cells() {
        if names.iter().any(|before| before == name) {
            return Err(DataError::DuplicateHeader {
                path: source.to_string(),
                line: header.line,
                name: name.to_string(),
            });
        }
        names.push(name.to_string());
    }
    Ok(names)
}

/// Counts lines as the reader goes forward. The reader's own count lags behind at `\r\n` and at
/// blank lines, because it hands out a row before it has seen the end of the line.
struct Lines<'a> {
    bytes: &'a [u8],
    seen: usize,
    line: usize,
}

impl<'a> Lines<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, seen: 0, line: 1 }
    }

    /// The line of the first byte at or after `offset` that does not end a line.
    fn at(&mut self, offset: usize) -> usize {
        let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let rest = self.bytes[offset..].iter();
        let start = offset + rest.take_while(|byte| is_end(byte)).count();
        self.line += line_ends(&self.bytes[self.seen..start]);
        self.seen = start;
        self.line
    }
}

/// How many lines end in these bytes, by `\n`, `\r\n` or `\r`.
fn line_ends(bytes: &[u8]) -> usize {
    let ends = |(i, byte): (usize, &u8)| match byte {
        b'\n' => true,
        b'\r' => bytes.get(i + 1) != Some(&b'\n'),
        _ => false,
    };
    bytes.iter().enumerate().filter(|x| ends(*x)).count()
}

/// The bytes of a file.
///
/// # Errors
/// If it is not there, is a directory, or may not be read.
pub fn read_file(path: &Path) -> Result<Vec<u8>> {
    if path.is_dir() {
        return Err(DataError::IsDirectory { path: path.display().to_string() });
    }
    fs::read(path).map_err(|cause| DataError::Unreadable { path: path.display().to_string(), cause })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Result<Table> {
        Table::from_bytes("t.csv", text.as_bytes(), None)
    }

    fn message(text: &str) -> String {
        table(text).unwrap_err().to_string()
    }

    #[test]
    fn a_quote_that_is_never_closed_is_told_with_its_line() {
        let read = |text: &str| Table::from_bytes("t.csv", text.as_bytes(), Some(','));
        let error = read("a,b\n1,\"x\n2,y\n").unwrap_err().to_string();
        assert_eq!(
            error,
            "t.csv, line 2: expected the quote that begins a cell to be closed, found the end of the file"
        );
        let whole = "a,b\n1,\"x, \"\"y\"\"\nz\"\n2, \"\"\n3,5\" pipe\n";
        assert_eq!(read(whole).unwrap().rows().len(), 3);
    }

    #[test]
    fn a_quote_is_a_character_like_any_other_where_a_tab_separates() {
        let read = |text: &str| Table::from_bytes("t.tsv", text.as_bytes(), None).unwrap();
        let table = read("en\tfr\n\"Go!\t\"Va !\nHe said \"no\"\t\"Non\", dit-il\n");
        let cells: Vec<Vec<_>> = table.rows().iter().map(|row| row.cells().collect()).collect();
        assert_eq!(cells, [["\"Go!", "\"Va !"], ["He said \"no\"", "\"Non\", dit-il"]]);
        let lines: Vec<_> = table.rows().iter().map(Row::line).collect();
        assert_eq!(lines, [2, 3]);
    }

    #[test]
    fn a_line_of_ten_megabytes_is_a_line() {
        let long = "long ".repeat(2_000_000);
        for delimiter in ['\t', ','] {
            let table = Table::from_bytes("t", format!("a{delimiter}b\n{long}{delimiter}x\n").as_bytes(), None);
            assert_eq!(table.unwrap().rows()[0].cell(0), long.trim());
        }
    }

    #[test]
    fn a_column_of_numbers_with_a_few_wrong_ones_is_still_a_column_of_numbers() {
        let table = Table::from_bytes("t.csv", b"a,b,c\n1,x,1\nNaN,y,\n3,4,\nwarm,z,\n", None).unwrap();
        assert_eq!(table.numeric_columns(), ["a", "c"]);
    }

    #[test]
    fn a_table_is_read_with_its_lines() {
        let table = table("a,b\n1,x\n\n2, y \n").unwrap();
        assert_eq!(table.headers(), ["a", "b"]);
        let lines: Vec<_> = table.rows().iter().map(Row::line).collect();
        assert_eq!(lines, [2, 4]);
        assert_eq!(table.rows()[1].cells().collect::<Vec<_>>(), ["2", "y"]);
        assert_eq!(table.source(), "t.csv");
    }

    #[test]
    fn lines_are_right_after_every_kind_of_ending_and_inside_quotes() {
        for text in
            ["a,b\n1,\"x\ny\"\n3,4\n", "a,b\r\n1,\"x\r\ny\"\r\n3,4\r\n", "\r\na,b\r\n1,2\r\n3,4", "a,b\r\r1,2\r3,4"]
        {
            let table = table(text).unwrap();
            assert_eq!(table.rows().last().map(Row::line), Some(4), "{text:?}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_name() {
        let table = table("\u{feff}date;x\r\n2012-01-01;1\r\n").unwrap();
        assert_eq!(table.headers(), ["date", "x"]);
    }

    #[test]
    fn the_header_shows_the_delimiter() {
        for (text, delimiter) in [
            ("a,b\n", ','),
            ("a;b\n1,5;2,5\n", ';'),
            ("a\tb\n", '\t'),
            ("a|b\n", '|'),
            ("\"a;b;c\",d\n", ','),
            ("alone\n1\n", ','),
        ] {
            assert_eq!(sniff(text), delimiter, "{text:?}");
        }
    }

    #[test]
    fn columns_are_told_apart() {
        let table = table(",Date,time,x,kind,y\n0,2012-01-01,0,1,sun,NA\n1,2012-01-02,1,,rain,\n");
        let table = table.unwrap();
        assert_eq!(table.date_column(), Some("Date"));
        assert_eq!(table.numeric_columns(), ["time", "x"]);
    }

    #[test]
    fn what_is_no_table_is_refused() {
        assert_eq!(message(""), "t.csv: expected a header line and rows below it, found an empty file");
        assert_eq!(message("a,b\n"), "t.csv: expected a header line and rows below it, found a header alone");
        assert_eq!(
            message("1,2.5\n3,4\n"),
            "t.csv, line 1: expected a header of column names, found only numbers: 1, 2.5"
        );
        assert_eq!(message("a,b,a\n1,2,3\n"), "t.csv, line 1: expected a name for each column, found `a` twice");
        assert_eq!(message("a,b\r\n1,2\r\n3\r\n"), "t.csv, line 3: expected 2 fields as in the header, found 1");
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        let error = Table::from_bytes("t.csv", b"a,b\n1,\xff\n", None).unwrap_err();
        assert_eq!(error.to_string(), "t.csv, line 2: expected UTF-8 text, found an invalid byte at offset 6");
    }

    #[test]
    fn a_delimiter_must_be_able_to_separate() {
        for delimiter in ['"', '\n', '→'] {
            let error = Table::from_bytes("t.csv", b"a\n1\n", Some(delimiter)).unwrap_err();
            assert!(matches!(error, DataError::BadDelimiter { .. }), "{error}");
        }
    }

    #[test]
    fn files_that_cannot_be_read_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().display();
        let error = Table::open(folder.path(), None).unwrap_err();
        assert_eq!(error.to_string(), format!("{here}: expected a file, found a directory"));

        let error = Table::open(&folder.path().join("no.csv"), None).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with(&format!("{here}/no.csv: expected a readable file: ")));
        assert!(std::error::Error::source(&error).is_some());
    }

    #[test]
    fn a_file_is_read_from_disk() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        fs::write(&path, "a;b\n1;2\n").unwrap();
        let table = Table::open(&path, None).unwrap();
        assert_eq!(table.numeric_columns(), ["a", "b"]);
    }
}
