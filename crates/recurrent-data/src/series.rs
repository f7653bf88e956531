//! Columns of finite numbers in time order: a table of which everything downstream can be sure.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{DataError, Dates, Result, Table, table::Row};

/// What to do about a cell that is empty or says `NA`, `N/A`, `null` or `-` (in any case).
///
/// There is no interpolation: a value drawn between its neighbours knows the later one, and a
/// network trained on it would have seen the future. Nor is `NaN` a missing value: somebody's
/// arithmetic failed there, and it is always an error.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Missing {
    /// Refuse the table.
    #[default]
    Error,
    /// Repeat the column's last value. There must be one: the first row cannot have a gap.
    Forward,
    /// Leave out every row that has a gap in one of the columns asked for.
    Drop,
}

impl Missing {
    const CHOICES: [&str; 3] = ["error", "forward", "drop"];
}

impl FromStr for Missing {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "error" => Ok(Self::Error),
            "forward" => Ok(Self::Forward),
            "drop" => Ok(Self::Drop),
            _ => Err(DataError::UnknownChoice {
                what: "policy for missing values",
                found: text.to_string(),
                choices: &Self::CHOICES,
            }),
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Forward => "forward",
            Self::Drop => "drop",
        })
    }
}

/// Which columns of a [`Table`] to read, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ColumnSelection {
    /// The column of dates. `None`: [`Table::date_column`], and where there is none the rows are
    /// taken to be in time order.
    pub date: Option<String>,
    /// The columns of numbers, in the order wanted; one named twice is read once. None named:
    /// [`Table::numeric_columns`].
    pub columns: Vec<String>,
    /// What to do where a number is missing.
    pub missing: Missing,
}

/// Columns of finite numbers, all of one length, and the date of each row if it is known.
///
/// Rows are in time order: later rows are later in time.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    source: String,
    dates: Option<Dates>,
    names: Vec<String>,
    columns: Vec<Vec<f64>>,
}

impl Series {
    pub(crate) fn from_table(table: &Table, request: &ColumnSelection) -> Result<Self> {
        let date = request.date.as_deref().or_else(|| table.date_column());
        let names = names(table, request, date)?;
        let reader = Reader {
            table,
            indices: names.iter().map(|name| table.index_of(name)).collect::<Result<_>>()?,
            missing: request.missing,
        };

        let mut kept: Vec<&Row> = Vec::new();
        let mut columns = vec![Vec::new(); names.len()];
        for row in table.rows() {
            if let Some(record) = reader.record(row, &columns)? {
                kept.push(row);
                for (column, value) in columns.iter_mut().zip(record) {
                    column.push(value);
                }
            }
        }
        if kept.is_empty() {
            return Err(DataError::Empty {
                path: table.source().to_string(),
                found: "no row with a value in every column",
            });
        }

        Ok(Self {
            source: table.source().to_string(),
            dates: date.map(|name| dates(table, name, &kept)).transpose()?,
            names,
            columns,
        })
    }

    /// Where the numbers came from: what errors call this series.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// How many rows there are, at least one.
    pub fn len(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }

    /// Whether there is no row: never.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The names of the columns, in the order asked for.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The date of each row.
    pub fn dates(&self) -> Option<&Dates> {
        self.dates.as_ref()
    }

    /// Where a column stands.
    ///
    /// # Errors
    /// If there is no such column.
    pub fn index_of(&self, name: &str) -> Result<usize> {
        let found = self.names.iter().position(|there| there == name);
        found.ok_or_else(|| DataError::UnknownColumn {
            path: self.source.clone(),
            name: name.to_string(),
            columns: self.names.clone(),
        })
    }

    /// The numbers of a column, one a row.
    ///
    /// # Errors
    /// If there is no such column.
    pub fn column(&self, name: &str) -> Result<&[f64]> {
        self.index_of(name).map(|index| &*self.columns[index])
    }

    /// One number.
    ///
    /// # Panics
    /// If there is no such row or column.
    pub fn value(&self, row: usize, column: usize) -> f64 {
        self.columns[column][row]
    }

    /// The same rows with these columns, in this order.
    ///
    /// # Errors
    /// If one of them is not there, or none is named.
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

    /// The first `rows` rows (at least one, at most all): the series as it was known then.
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

/// Reads rows of text as rows of numbers.
struct Reader<'a> {
    table: &'a Table,
    indices: Vec<usize>,
    missing: Missing,
}

impl Reader<'_> {
    /// The numbers of one row, given the columns so far; `None` if the row is to be left out.
    fn record(&self, row: &Row, so_far: &[Vec<f64>]) -> Result<Option<Vec<f64>>> {
        let mut record = Vec::with_capacity(self.indices.len());
        for (&index, before) in self.indices.iter().zip(so_far) {
            let number = self.table.number(row, index)?;
            match (number, self.missing) {
                (Some(number), _) => record.push(number),
                (None, Missing::Drop) => return Ok(None),
                (None, Missing::Forward) => {
                    let hint = "there is none above it that the policy `forward` could repeat";
                    let last = before.last().copied();
                    record.push(last.ok_or_else(|| self.gap(row, index, hint))?);
                }
                (None, Missing::Error) => {
                    let hint = "fill it in, or choose the policy `forward` or `drop`";
                    return Err(self.gap(row, index, hint));
                }
            }
        }
        Ok(Some(record))
    }

    fn gap(&self, row: &Row, index: usize, hint: &'static str) -> DataError {
        DataError::MissingValue {
            path: self.table.source().to_string(),
            line: row.line(),
            column: self.table.headers()[index].clone(),
            hint,
        }
    }
}

/// The columns to read: those asked for, each once, or all that are numbers.
fn names(table: &Table, request: &ColumnSelection, date: Option<&str>) -> Result<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    for name in &request.columns {
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

    fn series(text: &str, request: &ColumnSelection) -> Result<Series> {
        Table::from_bytes("t.csv", text.as_bytes(), None)?.series(request)
    }

    fn with(missing: Missing) -> ColumnSelection {
        ColumnSelection { missing, ..ColumnSelection::default() }
    }

    fn columns(names: &[&str]) -> ColumnSelection {
        ColumnSelection { columns: names.iter().map(|name| name.to_string()).collect(), ..ColumnSelection::default() }
    }

    fn message(text: &str, request: &ColumnSelection) -> String {
        series(text, request).unwrap_err().to_string()
    }

    const WEEK: &str = "date,rain,temp\n2012-01-01,0,12.5\n2012-01-02,NA,10\n2012-01-03,1e1,-3\n";

    #[test]
    fn the_head_of_a_series_is_its_first_rows_with_their_dates() {
        let table =
            Table::from_bytes("t.csv", b"date,a,b\n2020-01-01,1,4\n2020-01-02,2,5\n2020-01-03,3,6\n", None).unwrap();
        let series = table.series(&ColumnSelection::default()).unwrap();
        let head = series.head(2);
        assert_eq!((head.len(), head.column("b").unwrap()), (2, &[4.0, 5.0][..]));
        assert_eq!(head.dates().unwrap().continue_from(1, 1), ["2020-01-03"]);
        assert_eq!(series.head(0).len(), 1);
        assert_eq!(series.head(9).len(), 3);
    }

    #[test]
    fn the_columns_asked_for_are_read_in_their_order() {
        let series = series(WEEK, &columns(&["temp", "temp"])).unwrap();
        assert_eq!(series.names(), ["temp"]);
        assert_eq!(series.len(), 3);
        assert_eq!(series.column("temp").unwrap(), [12.5, 10.0, -3.0]);
        assert_eq!(series.value(2, 0), -3.0);
        assert_eq!(series.dates().unwrap().label(1), "2012-01-02");
        assert_eq!(series.source(), "t.csv");
    }

    #[test]
    fn without_dates_the_rows_are_in_order() {
        let series = series("time,x\n0,5\n0,6\n", &ColumnSelection::default()).unwrap();
        assert!(series.dates().is_none());
        assert_eq!(series.names(), ["time", "x"]);
    }

    #[test]
    fn gaps_are_refused_repeated_or_left_out() {
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
    fn every_word_for_a_gap_is_known() {
        for word in ["", "NA", "na", "N/A", "n/a", "null", "NULL", "-"] {
            let text = format!("x,y\n1,1\n{word},2\n");
            let series = series(&text, &with(Missing::Drop)).unwrap();
            assert_eq!(series.column("y").unwrap(), [1.0], "{word}");
        }
    }

    #[test]
    fn the_first_row_has_nothing_to_repeat() {
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
    fn what_is_no_finite_number_is_refused() {
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
    fn columns_that_are_not_there_are_named() {
        assert_eq!(
            message(WEEK, &columns(&["tmp"])),
            "t.csv: expected one of the columns `date`, `rain`, `temp`, found `tmp`; \
             did you mean `temp`?"
        );
        let request = ColumnSelection { date: Some("when".into()), ..columns(&["temp"]) };
        assert_eq!(message(WEEK, &request), "t.csv: expected one of the columns `date`, `rain`, `temp`, found `when`");
        assert_eq!(
            message("kind\nsun\n", &ColumnSelection::default()),
            "t.csv: expected a column of numbers, found none"
        );
    }

    #[test]
    fn a_selection_keeps_the_rows() {
        let all = series(WEEK, &with(Missing::Drop)).unwrap();
        let turned = all.select(&["temp".into(), "rain".into()]).unwrap();
        assert_eq!(turned.names(), ["temp", "rain"]);
        assert_eq!(turned.value(0, 0), 12.5);
        assert_eq!(turned.dates(), all.dates());
        assert!(all.select(&["snow".into()]).is_err());
        assert!(all.select(&[]).is_err());
    }

    #[test]
    fn a_policy_is_written_as_it_is_read() {
        for word in Missing::CHOICES {
            assert_eq!(word.parse::<Missing>().unwrap().to_string(), word);
        }
        assert_eq!(
            "guess".parse::<Missing>().unwrap_err().to_string(),
            "expected a policy for missing values, one of error, forward, drop; found `guess`"
        );
    }
}
