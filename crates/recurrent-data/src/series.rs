//! Series: numeric columns of a table in time order.

use crate::column_selection::{ColumnSelection, Missing};
use crate::dates::Dates;
use crate::delimited::Row;
use crate::error::{DataError, Result};
use crate::rounding;
use crate::table::Table;

/// Columns of finite numbers, all of one length, with the date of each row if it is known.
///
/// Rows are in time order.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    source: String,
    dates: Option<Dates>,
    names: Vec<String>,
    columns: Vec<Vec<f64>>,
}

impl Table {
    /// Parses the selected columns.
    ///
    /// # Errors
    /// If a column does not exist, a cell is not a finite number, a value is missing and the policy does not allow it,
    /// or the dates are not strictly increasing.
    pub fn series(&self, selection: &ColumnSelection) -> Result<Series> {
        let date = selection.date.as_deref().or_else(|| self.date_column());
        let names = names(self, selection, date)?;
        let reader = Reader {
            table: self,
            indices: names.iter().map(|name| self.index_of(name)).collect::<Result<_>>()?,
            missing: selection.missing,
        };

        let mut kept: Vec<&Row> = Vec::new();
        let mut columns = vec![Vec::new(); names.len()];
        for row in self.rows() {
            if let Some(record) = reader.record(row, &columns)? {
                kept.push(row);
                for (column, value) in columns.iter_mut().zip(record) {
                    column.push(value);
                }
            }
        }
        if kept.is_empty() {
            return Err(DataError::Empty {
                path: self.source().to_string(),
                found: "no row with a value in every column",
            });
        }

        Ok(Series {
            source: self.source().to_string(),
            dates: date.map(|name| dates(self, name, &kept)).transpose()?,
            names,
            columns,
        })
    }
}

impl Series {
    /// The name of the series in error messages: the path, or what the caller named the bytes.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The number of rows, at least one.
    pub fn len(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }

    /// Whether there are no rows; always `false`.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The names of the columns, in the selected order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The date of each row.
    pub fn dates(&self) -> Option<&Dates> {
        self.dates.as_ref()
    }

    /// The index of a column.
    ///
    /// # Errors
    /// If there is no such column.
    pub fn index_of(&self, name: &str) -> Result<usize> {
        let found = self.names.iter().position(|known| known == name);
        found.ok_or_else(|| DataError::UnknownColumn {
            path: self.source.clone(),
            name: name.to_string(),
            columns: self.names.clone(),
        })
    }

    /// The values of a column, one per row.
    ///
    /// # Errors
    /// If there is no such column.
    pub fn column(&self, name: &str) -> Result<&[f64]> {
        self.index_of(name).map(|index| &*self.columns[index])
    }

    /// One value.
    ///
    /// # Panics
    /// If `row` or `column` is out of range.
    pub fn value(&self, row: usize, column: usize) -> f64 {
        self.columns[column][row]
    }

    /// The same rows with these columns only, in this order.
    ///
    /// # Errors
    /// If a column does not exist, or `names` is empty.
    pub fn select(&self, names: &[String]) -> Result<Self> {
        if names.is_empty() {
            return Err(DataError::NoColumn { path: self.source.clone(), expected: "the name of a column" });
        }
        let column = |name: &String| self.column(name).map(<[f64]>::to_vec);
        Ok(Self {
            source: self.source.clone(),
            dates: self.dates.clone(),
            names: names.to_vec(),
            columns: names.iter().map(column).collect::<Result<_>>()?,
        })
    }

    /// The largest difference of two values of a column that can be a rounding error, as that of 0.3 and 3 · 0.1 is.
    ///
    /// # Panics
    /// If `column` is out of range.
    pub fn rounding_error(&self, column: usize) -> f64 {
        rounding::rounding_error(&self.columns[column])
    }

    /// The same rows with the values of one column replaced: `change(row, value)`.
    ///
    /// # Errors
    /// If there is no such column.
    pub fn map_column(mut self, name: &str, mut change: impl FnMut(usize, f64) -> f64) -> Result<Self> {
        let index = self.index_of(name)?;
        self.columns[index].iter_mut().enumerate().for_each(|(row, value)| *value = change(row, *value));
        Ok(self)
    }

    /// The first `rows` rows, clamped to at least one and at most all.
    #[must_use]
    pub fn head(&self, rows: usize) -> Self {
        let rows = rows.clamp(1, self.len());
        Self {
            source: self.source.clone(),
            dates: self.dates.as_ref().map(|dates| dates.head(rows)),
            names: self.names.clone(),
            columns: self.columns.iter().map(|column| column[..rows].to_vec()).collect(),
        }
    }

    pub(crate) fn columns(&self) -> &[Vec<f64>] {
        &self.columns
    }
}

/// Parses the selected cells of each row.
struct Reader<'a> {
    table: &'a Table,
    indices: Vec<usize>,
    missing: Missing,
}

impl Reader<'_> {
    /// The values of one row, given the columns above it; `None` if the row is dropped.
    fn record(&self, row: &Row, above: &[Vec<f64>]) -> Result<Option<Vec<f64>>> {
        let mut record = Vec::with_capacity(self.indices.len());
        for (&index, above) in self.indices.iter().zip(above) {
            let value = self.table.number(row, index)?;
            match (value, self.missing) {
                (Some(value), _) => record.push(value),
                (None, Missing::Drop) => return Ok(None),
                (None, Missing::Forward) => {
                    let hint = "there is none above it that the policy `forward` could repeat";
                    let last = above.last().copied();
                    record.push(last.ok_or_else(|| self.missing_value(row, index, hint))?);
                }
                (None, Missing::Error) => {
                    let hint = "fill it in, or choose the policy `forward` or `drop`";
                    return Err(self.missing_value(row, index, hint));
                }
            }
        }
        Ok(Some(record))
    }

    fn missing_value(&self, row: &Row, index: usize, hint: &'static str) -> DataError {
        DataError::MissingValue {
            path: self.table.source().to_string(),
            line: row.line(),
            column: self.table.headers()[index].clone(),
            hint,
        }
    }
}

/// The selected columns, each once; all numeric ones if none is selected.
fn names(table: &Table, selection: &ColumnSelection, date: Option<&str>) -> Result<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    for name in &selection.columns {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    if names.is_empty() {
        let numeric = table.numeric_columns().into_iter();
        names.extend(numeric.filter(|n| Some(*n) != date).map(str::to_string));
    }
    if names.is_empty() {
        return Err(DataError::NoColumn { path: table.source().to_string(), expected: "a column of numbers" });
    }
    Ok(names)
}

fn dates(table: &Table, name: &str, rows: &[&Row]) -> Result<Dates> {
    let column = table.index_of(name)?;
    let cells = rows.iter().map(|row| (row.line(), row.cell(column)));
    Dates::parse(table.source(), name, cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(text: &str, selection: &ColumnSelection) -> Result<Series> {
        Table::from_bytes("t.csv", text.as_bytes(), None)?.series(selection)
    }

    fn with(missing: Missing) -> ColumnSelection {
        ColumnSelection { missing, ..ColumnSelection::default() }
    }

    fn columns(names: &[&str]) -> ColumnSelection {
        ColumnSelection { columns: names.iter().map(|name| name.to_string()).collect(), ..ColumnSelection::default() }
    }

    fn message(text: &str, selection: &ColumnSelection) -> String {
        series(text, selection).unwrap_err().to_string()
    }

    const WEEK: &str = "date,rain,temp\n2012-01-01,0,12.5\n2012-01-02,NA,10\n2012-01-03,1e1,-3\n";

    #[test]
    fn head_keeps_the_first_rows_with_their_dates() {
        let table =
            Table::from_bytes("t.csv", b"date,a,b\n2020-01-01,1,4\n2020-01-02,2,5\n2020-01-03,3,6\n", None).unwrap();
        let series = table.series(&ColumnSelection::default()).unwrap();
        let head = series.head(2);
        assert_eq!((head.len(), head.column("b").unwrap()), (2, &[4.0, 5.0][..]));
        assert_eq!(head.dates().unwrap().labels_after(1, 1), ["2020-01-03"]);
        assert_eq!(series.head(0).len(), 1);
        assert_eq!(series.head(9).len(), 3);
    }

    #[test]
    fn selected_columns_are_read_in_order() {
        let series = series(WEEK, &columns(&["temp", "temp"])).unwrap();
        assert_eq!(series.names(), ["temp"]);
        assert_eq!(series.len(), 3);
        assert_eq!(series.column("temp").unwrap(), [12.5, 10.0, -3.0]);
        assert_eq!(series.value(2, 0), -3.0);
        assert_eq!(series.dates().unwrap().label(1), "2012-01-02");
        assert_eq!(series.source(), "t.csv");
    }

    #[test]
    fn rows_without_dates_are_in_time_order() {
        let series = series("time,x\n0,5\n0,6\n", &ColumnSelection::default()).unwrap();
        assert!(series.dates().is_none());
        assert_eq!(series.names(), ["time", "x"]);
    }

    #[test]
    fn missing_values_are_rejected_repeated_or_dropped() {
        assert_eq!(
            message(WEEK, &with(Missing::Error)),
            "t.csv, line 3, column `rain`: expected a number, found no value; \
             fill it in, or choose the policy `forward` or `drop`"
        );
        let forward = series(WEEK, &with(Missing::Forward)).unwrap();
        assert_eq!(forward.column("rain").unwrap(), [0.0, 0.0, 10.0]);
        let dropped = series(WEEK, &with(Missing::Drop)).unwrap();
        assert_eq!(dropped.column("temp").unwrap(), [12.5, -3.0]);
        assert_eq!(dropped.dates().unwrap().label(1), "2012-01-03");
    }

    #[test]
    fn every_missing_value_marker_is_recognized() {
        for word in ["", "NA", "na", "N/A", "n/a", "null", "NULL", "-"] {
            let text = format!("x,y\n1,1\n{word},2\n");
            let series = series(&text, &with(Missing::Drop)).unwrap();
            assert_eq!(series.column("y").unwrap(), [1.0], "{word}");
        }
    }

    #[test]
    fn forward_fill_needs_a_first_value() {
        assert_eq!(
            message("x,y\n,1\n2,3\n", &with(Missing::Forward)),
            "t.csv, line 2, column `x`: expected a number, found no value; \
             there is none above it that the policy `forward` could repeat"
        );
        assert_eq!(
            message("x,y\n,1\n2,\n", &with(Missing::Drop)),
            "t.csv: expected a header line and rows below it, found no row with a value in every \
             column"
        );
    }

    #[test]
    fn values_must_be_finite_numbers() {
        assert_eq!(
            message("x,y\n1,1\n2,warm\n", &columns(&["x", "y"])),
            "t.csv, line 3, column `y`: expected a number, found `warm`"
        );
        for word in ["NaN", "nan", "inf", "-Infinity", "1e999", "1e39"] {
            let text = format!("x\n1\n{word}\n");
            assert_eq!(
                message(&text, &columns(&["x"])),
                format!("t.csv, line 3, column `x`: expected a finite number, found `{word}`")
            );
        }
    }

    #[test]
    fn unknown_columns_are_rejected() {
        assert_eq!(
            message(WEEK, &columns(&["tmp"])),
            "t.csv: expected one of the columns `date`, `rain`, `temp`, found `tmp`; \
             did you mean `temp`?"
        );
        let selection = ColumnSelection { date: Some("when".into()), ..columns(&["temp"]) };
        assert_eq!(
            message(WEEK, &selection),
            "t.csv: expected one of the columns `date`, `rain`, `temp`, found `when`"
        );
        assert_eq!(
            message("kind\nsun\n", &ColumnSelection::default()),
            "t.csv: expected a column of numbers, found none"
        );
    }

    #[test]
    fn select_keeps_the_rows() {
        let all = series(WEEK, &with(Missing::Drop)).unwrap();
        let turned = all.select(&["temp".into(), "rain".into()]).unwrap();
        assert_eq!(turned.names(), ["temp", "rain"]);
        assert_eq!(turned.value(0, 0), 12.5);
        assert_eq!(turned.dates(), all.dates());
        assert!(all.select(&["snow".into()]).is_err());
        assert!(all.select(&[]).is_err());
    }
}
