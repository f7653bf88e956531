//! Tables of text cells.

use std::path::Path;
use std::sync::Arc;

use crate::cell::{self, has_marks, is_data, is_finite, is_missing, is_number};
use crate::content::{self, Content};
use crate::dates;
use crate::delimited::{DelimitedRows, Row, check_delimiter, detect_delimiter};
use crate::error::{DataError, Result};

/// Headers, in any case, of columns that are probably dates.
const DATE_HEADERS: [&str; 5] = ["date", "datetime", "timestamp", "time", "ds"];

/// A delimited file with a header, checked to be rectangular; its cells are text.
///
/// Cells are trimmed, and may be quoted unless a tab separates them. A byte order mark is ignored, any line ending is
/// accepted. A blank line between rows is a missing value in a table of one column, and is skipped in any other.
///
/// A file of more than 64 MB stays on disk, and its rows are read again whenever they are needed. A clone shares the table.
#[derive(Debug, Clone)]
pub struct Table {
    content: Content,
    delimiter: char,
    headers: Arc<[String]>,
    columns: Arc<[CellCounts]>,
    num_rows: usize,
}

/// What the cells of a column are that have a value.
#[derive(Debug, Clone, Copy, Default)]
struct CellCounts {
    all: usize,
    numbers: usize,
    dates: usize,
}

impl CellCounts {
    fn add(&mut self, cell: &str) {
        if !is_missing(cell) {
            self.all += 1;
            self.numbers += usize::from(is_number(cell));
            self.dates += usize::from(dates::is_date(cell));
        }
    }

    fn are_numeric(&self) -> bool {
        2 * self.numbers > self.all
    }

    fn are_dates(&self) -> bool {
        2 * self.dates > self.all
    }
}

/// The rows of a [`Table`] below its header, one after another.
pub struct Rows<'a> {
    table: &'a Table,
    rows: DelimitedRows<'a>,
    left: usize,
}

impl Iterator for Rows<'_> {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.rows.next() {
            None if self.left == 0 => None,
            Some(Ok(row)) if self.left > 0 && row.width() == self.table.headers.len() => {
                self.left -= 1;
                Some(Ok(row))
            }
            Some(Err(error)) => Some(Err(error)),
            _ => {
                self.left = 0;
                Some(Err(self.table.content.changed()))
            }
        }
    }
}

impl Table {
    /// Reads a file. Without a `delimiter`, it is detected from header and rows: `,` `;` tab or `|`.
    ///
    /// # Errors
    /// If the file cannot be read or is not a table: see [`Table::from_bytes`].
    pub fn open(path: impl AsRef<Path>, delimiter: Option<char>) -> Result<Self> {
        let path = path.as_ref();
        Self::new(Content::open(path, path.display().to_string(), content::MEMORY)?, delimiter)
    }

    /// Parses bytes; `source` is their name in error messages.
    ///
    /// # Errors
    /// If they are not UTF-8, have no header or no row, have two columns of one name, a row has more or fewer fields than
    /// the header, or two delimiters fit.
    pub fn from_bytes(source: impl Into<String>, bytes: &[u8], delimiter: Option<char>) -> Result<Self> {
        Self::new(Content::from_bytes(source.into(), bytes.to_vec().into())?, delimiter)
    }

    /// The table that a text is.
    pub(crate) fn new(content: Content, delimiter: Option<char>) -> Result<Self> {
        let delimiter = delimiter.map_or_else(|| detect_delimiter(&content), Ok)?;
        check_delimiter(&content, delimiter)?;
        let source = content.source();
        let mut rows = DelimitedRows::new(&content, delimiter)?;
        let header = rows.next().transpose()?;
        let header = header.ok_or_else(|| DataError::Empty { path: source.to_string(), found: "an empty file" })?;
        let headers = headers(source, &header)?;
        let mut columns = vec![CellCounts::default(); headers.len()];
        let mut num_rows = 0;
        for row in rows {
            let row = row?;
            let (expected, found) = (headers.len(), row.width());
            if found != expected {
                return Err(DataError::Ragged { path: source.to_string(), line: row.line(), expected, found });
            }
            columns.iter_mut().zip(row.cells()).for_each(|(column, cell)| column.add(cell));
            num_rows += 1;
        }
        if num_rows == 0 {
            return Err(DataError::Empty { path: source.to_string(), found: "a header alone" });
        }
        // A date above a column of dates is not its name.
        if columns.iter().zip(header.cells()).any(|(column, name)| column.are_dates() && dates::is_date(name)) {
            return Err(no_header(source, &header));
        }
        Ok(Self { content, delimiter, headers: headers.into(), columns: columns.into(), num_rows })
    }

    /// The name of the table in error messages: the path, or what the caller named the bytes.
    pub fn source(&self) -> &str {
        self.content.source()
    }

    /// The names of the columns, from left to right.
    pub fn headers(&self) -> &[String] {
        &self.headers
    }

    /// The number of rows below the header, at least one.
    pub fn num_rows(&self) -> usize {
        self.num_rows
    }

    /// The rows below the header.
    ///
    /// # Errors
    /// If the file stays on disk, and cannot be read or has changed.
    pub fn rows(&self) -> Result<Rows<'_>> {
        let mut rows = DelimitedRows::new(&self.content, self.delimiter)?;
        rows.next().transpose()?;
        Ok(Rows { table: self, rows, left: self.num_rows })
    }

    /// The columns in which most cells are numbers (or truth values), without those of dates. The other cells are reported, with their line,
    /// when the column is read. A column without a name (such as the index that pandas writes) is not included.
    pub fn numeric_columns(&self) -> Vec<&str> {
        let is_value = |column: usize| self.columns[column].are_numeric() && !self.columns[column].are_dates();
        (0..self.headers.len())
            .filter(|&column| !self.headers[column].is_empty() && is_value(column))
            .map(|column| self.headers[column].as_str())
            .collect()
    }

    /// The column of dates: the first in which most cells are dates, also as `20120131`, one named date, datetime,
    /// timestamp, time or ds (in any case) before others. Where none is, the first of such a name that is not numeric.
    pub fn date_column(&self) -> Option<&str> {
        let all = 0..self.headers.len();
        let is_named = |column: &usize| is_date_header(&self.headers[*column]);
        let dates: Vec<usize> = all.clone().filter(|column| self.columns[*column].are_dates()).collect();
        let of_dates = dates.iter().copied().find(is_named).or(dates.first().copied());
        let column =
            of_dates.or_else(|| all.clone().find(|column| is_named(column) && !self.columns[*column].are_numeric()))?;
        Some(&self.headers[column])
    }

    /// The index of a column.
    ///
    /// # Errors
    /// If there is no such column.
    pub fn index_of(&self, name: &str) -> Result<usize> {
        let found = self.headers.iter().position(|header| header == name);
        found.ok_or_else(|| DataError::UnknownColumn {
            path: self.source().to_string(),
            name: name.to_string(),
            columns: self.headers.to_vec(),
        })
    }

    /// The finite number in a cell, 1 or 0 for a truth value, or `None` if the value is missing.
    pub(crate) fn number(&self, row: &Row, column: usize) -> Result<Option<f64>> {
        let cell = row.cell(column);
        if is_missing(cell) {
            return Ok(None);
        }
        match cell::number(cell) {
            Some(number) if is_finite(number) => Ok(Some(number)),
            parsed => Err(self.not_a_finite_number(row, column, parsed.is_some())),
        }
    }

    /// The index of the first of these columns, in any case, that there is.
    pub(crate) fn position(&self, names: &[&str]) -> Option<usize> {
        names.iter().find_map(|name| self.headers.iter().position(|header| header.eq_ignore_ascii_case(name)))
    }

    /// The same of columns of which one must be there.
    pub(crate) fn needed(&self, names: &[&str], expected: &'static str) -> Result<usize> {
        self.position(names).ok_or_else(|| DataError::NoColumn { path: self.source().to_string(), expected })
    }

    /// The text in a cell that must not be empty.
    pub(crate) fn text(&self, row: &Row, column: usize, expected: &'static str) -> Result<String> {
        match row.cell(column) {
            "" => Err(DataError::EmptyCell {
                path: self.source().to_string(),
                line: row.line(),
                column: self.headers[column].clone(),
                expected,
            }),
            cell => Ok(cell.to_string()),
        }
    }

    fn not_a_finite_number(&self, row: &Row, column: usize, is_number: bool) -> DataError {
        let (path, line) = (self.source().to_string(), row.line());
        let (marked, found) = (has_marks(row.cell(column)), shortened(row.cell(column)));
        let column = self.headers[column].clone();
        match (is_number, marked) {
            (true, _) => DataError::NotFinite { path, line, column, found },
            (false, true) => DataError::MarkedNumber { path, line, column, found },
            (false, false) => DataError::NotANumber { path, line, column, found },
        }
    }
}

fn is_date_header(header: &str) -> bool {
    DATE_HEADERS.iter().any(|name| header.eq_ignore_ascii_case(name))
}

/// A cell, shortened for an error message.
pub(crate) fn shortened(cell: &str) -> String {
    const LIMIT: usize = 40;
    match cell.char_indices().nth(LIMIT) {
        Some((end, _)) => format!("{}…", &cell[..end]),
        None => cell.to_string(),
    }
}

fn headers(source: &str, header: &Row) -> Result<Vec<String>> {
    // The first name can be missing: pandas writes no name for its index.
    if header.cells().all(is_data) && !(header.cell(0).is_empty() && header.width() > 1) {
        return Err(no_header(source, header));
    }
    let mut names: Vec<String> = Vec::new();
    for name in header.cells() {
        if names.iter().any(|before| before == name) {
            return Err(DataError::DuplicateHeader {
                path: source.to_string(),
                line: header.line(),
                name: name.to_string(),
            });
        }
        names.push(name.to_string());
    }
    Ok(names)
}

fn no_header(source: &str, header: &Row) -> DataError {
    DataError::NoHeader {
        path: source.to_string(),
        line: header.line(),
        found: shortened(&header.cells().collect::<Vec<_>>().join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::ColumnSelection;

    fn table(text: &str) -> Result<Table> {
        Table::from_bytes("t.csv", text.as_bytes(), None)
    }

    fn rows(table: &Table) -> Vec<Row> {
        table.rows().unwrap().map(Result::unwrap).collect()
    }

    fn message(text: &str) -> String {
        table(text).unwrap_err().to_string()
    }

    #[test]
    fn unclosed_quote_is_reported_with_its_line() {
        let read = |text: &str| Table::from_bytes("t.csv", text.as_bytes(), Some(','));
        let error = read("a,b\n1,\"x\n2,y\n").unwrap_err().to_string();
        assert_eq!(
            error,
            "t.csv, line 2: expected a closing quote for the cell that begins here, found the end of the file"
        );
        let whole = "a,b\n1,\"x, \"\"y\"\"\nz\"\n2, \"\"\n3,5\" pipe\n";
        assert_eq!(read(whole).unwrap().num_rows(), 3);
    }

    #[test]
    fn quotes_are_literal_in_tab_separated_text() {
        let read = |text: &str| Table::from_bytes("t.tsv", text.as_bytes(), None).unwrap();
        let table = read("en\tfr\n\"Go!\t\"Va !\nHe said \"no\"\t\"Non\", dit-il\n");
        let rows = rows(&table);
        let cells: Vec<Vec<_>> = rows.iter().map(|row| row.cells().collect()).collect();
        assert_eq!(cells, [["\"Go!", "\"Va !"], ["He said \"no\"", "\"Non\", dit-il"]]);
        let lines: Vec<_> = rows.iter().map(Row::line).collect();
        assert_eq!(lines, [2, 3]);
    }

    #[test]
    fn ten_megabyte_line_is_read() {
        let long = "long ".repeat(2_000_000);
        for delimiter in ['\t', ','] {
            let table = Table::from_bytes("t", format!("a{delimiter}b\n{long}{delimiter}x\n").as_bytes(), None);
            assert_eq!(rows(&table.unwrap())[0].cell(0), long.trim());
        }
    }

    #[test]
    fn mostly_numeric_columns_count_as_numeric() {
        let table = Table::from_bytes("t.csv", b"a,b,c\n1,x,1\nNaN,y,\n3,4,\nwarm,z,\n", None).unwrap();
        assert_eq!(table.numeric_columns(), ["a", "c"]);
    }

    #[test]
    fn truth_values_are_one_and_zero() {
        let table = table("x,holiday,kind\n1,TRUE,sun\n2,False,\n3,true,rain\n4,,sun\n").unwrap();
        assert_eq!(table.numeric_columns(), ["x", "holiday"]);
        let values: Vec<_> = rows(&table).iter().map(|row| table.number(row, 1).unwrap()).collect();
        assert_eq!(values, [Some(1.0), Some(0.0), Some(1.0), None]);
        let message = table.number(&rows(&table)[0], 2).unwrap_err().to_string();
        assert_eq!(message, "t.csv, line 2, column `kind`: expected a number, found `sun`");
    }

    #[test]
    fn rows_know_their_lines() {
        let table = table("a,b\n1,x\n\n2, y \n").unwrap();
        assert_eq!(table.headers(), ["a", "b"]);
        let lines: Vec<_> = rows(&table).iter().map(Row::line).collect();
        assert_eq!(lines, [2, 4]);
        assert_eq!(rows(&table)[1].cells().collect::<Vec<_>>(), ["2", "y"]);
        assert_eq!(table.source(), "t.csv");
    }

    #[test]
    fn lines_are_counted_for_every_line_ending() {
        for text in
            ["a,b\n1,\"x\ny\"\n3,4\n", "a,b\r\n1,\"x\r\ny\"\r\n3,4\r\n", "\r\na,b\r\n1,2\r\n3,4", "a,b\r\r1,2\r3,4"]
        {
            let table = table(text).unwrap();
            assert_eq!(rows(&table).last().map(Row::line), Some(4), "{text:?}");
        }
    }

    #[test]
    fn byte_order_mark_is_ignored() {
        let table = table("\u{feff}date;x\r\n2012-01-01;1\r\n").unwrap();
        assert_eq!(table.headers(), ["date", "x"]);
    }

    #[test]
    fn date_and_numeric_columns_are_detected() {
        let table = table(",Date,time,x,kind,y\n0,2012-01-01,0,1,sun,NA\n1,2012-01-02,1,,rain,\n");
        let table = table.unwrap();
        assert_eq!(table.date_column(), Some("Date"));
        assert_eq!(table.numeric_columns(), ["time", "x"]);
    }

    #[test]
    fn dates_are_detected_whatever_the_name() {
        for (text, expected) in [
            ("Datum,y\n2020-01-01,1\n2020-01-02,2\n", Some("Datum")),
            ("y,trade_date\n1,20200101\n2,20200102\n", Some("trade_date")),
            ("due,date\n2020/02/01,2020/01/01\n", Some("date")),
            ("day,y\n2020-01-01,1\nfriday,2\n2020-01-03,2\n", Some("day")),
            ("time,day\nnoon,2020-01-01\n", Some("day")),
            ("time,y\nnoon,1\n", Some("time")),
            ("time,volume\n0,12345678\n1,20209901\n", None),
        ] {
            assert_eq!(table(text).unwrap().date_column(), expected, "{text}");
        }
        assert_eq!(table("y,day\n1,20200101\n2,20200102\n").unwrap().numeric_columns(), ["y"]);
    }

    #[test]
    fn numbers_with_marks_are_rejected_by_name() {
        let table = table("Datum;Umsatz, netto\n2020-01-01;1000,00\n2020-01-02;1003,07\n").unwrap();
        assert_eq!(table.numeric_columns(), ["Umsatz, netto"]);
        assert_eq!(
            table.number(&rows(&table)[0], 1).unwrap_err().to_string(),
            "t.csv, line 2, column `Umsatz, netto`: expected a number with a decimal point and without marks between \
             thousands, such as 1234.5, found `1000,00`"
        );
    }

    #[test]
    fn invalid_tables_are_rejected() {
        assert_eq!(message(""), "t.csv: expected a header line and rows below it, found an empty file");
        assert_eq!(message("a,b\n"), "t.csv: expected a header line and rows below it, found a header alone");
        assert_eq!(
            message("1,2.5\n3,4\n"),
            "t.csv, line 1: expected a header of column names, found numbers or dates: 1, 2.5"
        );
        for text in ["2020-01-01,100.39\n2020-01-02,102.4\n", "2020-01-01,sun,1\n2020-01-02,rain,2\n", "1,NA\n2,3\n"] {
            assert!(matches!(table(text).unwrap_err(), DataError::NoHeader { .. }), "{text}");
        }
        assert_eq!(table(",0\n0,5\n").unwrap().headers(), ["", "0"]);
        assert_eq!(table("city,2020-01-01\nRome,5\n").unwrap().headers(), ["city", "2020-01-01"]);
        assert_eq!(
            message("a,b,a\n1,2,3\n"),
            "t.csv, line 1: expected a distinct name for each column, found `a` twice"
        );
        assert_eq!(message("a,b\r\n1,2\r\n3\r\n"), "t.csv, line 3: expected 2 fields as in the header, found 1");
    }

    #[test]
    fn invalid_utf8_is_rejected() {
        let error = Table::from_bytes("t.csv", b"a,b\n1,\xff\n", None).unwrap_err();
        assert_eq!(error.to_string(), "t.csv, line 2: expected UTF-8 text, found an invalid byte at offset 6");
    }

    #[test]
    fn invalid_delimiters_are_rejected() {
        for delimiter in ['"', '\n', '→'] {
            let error = Table::from_bytes("t.csv", b"a\n1\n", Some(delimiter)).unwrap_err();
            assert!(matches!(error, DataError::InvalidDelimiter { .. }), "{error}");
        }
    }

    #[test]
    fn unreadable_files_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().display();
        let error = Table::open(folder.path(), None).unwrap_err();
        assert_eq!(error.to_string(), format!("{here}: expected a file, found a directory"));

        let error = Table::open(folder.path().join("no.csv"), None).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with(&format!("{here}/no.csv: expected a readable file: ")));
        assert!(std::error::Error::source(&error).is_some());
    }

    #[test]
    fn file_is_read_from_disk() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        fs::write(&path, "a;b\n1;2\n").unwrap();
        let table = Table::open(&path, None).unwrap();
        assert_eq!(table.numeric_columns(), ["a", "b"]);
    }

    #[test]
    fn table_on_disk_is_that_in_memory_until_the_file_changes() {
        let text = "\u{feff}day;id;x\r\n2020-01-01;a;1\r\n2020-01-01;b;3\r\n\r\n2020-01-02;a;\"2\"\r\n2020-01-02;b;4";
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        fs::write(&path, text).unwrap();
        let on_disk = Table::new(Content::open(&path, "t.csv".into(), 10).unwrap(), None).unwrap();
        assert!(!on_disk.content.is_in_memory());
        let in_memory = table(text).unwrap();
        let cells = |table: &Table| -> Vec<(usize, Vec<String>)> {
            rows(table).iter().map(|row| (row.line(), row.cells().map(str::to_string).collect())).collect()
        };
        assert_eq!(cells(&on_disk), cells(&in_memory));
        assert_eq!(cells(&on_disk)[2], (5, ["2020-01-02", "a", "2"].map(String::from).to_vec()));
        let selection = ColumnSelection { series: Some("id".into()), ..ColumnSelection::default() };
        assert_eq!(on_disk.series(&selection).unwrap(), in_memory.series(&selection).unwrap());
        for changed in ["day;id;x\n2020-01-01;a;1\n", &text.replace(";1", ""), &format!("{text}\n2020-01-03;a;1")] {
            fs::write(&path, changed).unwrap();
            let error = on_disk.series(&selection).unwrap_err();
            assert!(matches!(error, DataError::FileChanged { .. }), "{changed}: {error}");
        }
    }
}
