//! Reading series from a table.

use std::collections::HashMap;
use std::sync::Arc;

use crate::column_selection::{ColumnSelection, Gaps, Missing};
use crate::dates::DatesReader;
use crate::delimited::Row;
use crate::error::{DataError, Result};
use crate::gap_policy::{Lines, Place};
use crate::segment::Segment;
use crate::series::Series;
use crate::table::Table;

impl Table {
    /// Reads the selected columns. With a column of ids, the rows are put in the order of the series' first rows, and stay
    /// in the table's order within a series.
    ///
    /// # Errors
    /// If a column does not exist, a cell is not a finite number, a value is missing and the policy does not allow it, an
    /// id is empty, the dates of a series are not strictly increasing, or they have a gap and the policy does not allow it.
    pub fn series(&self, selection: &ColumnSelection) -> Result<Series> {
        let ids = selection.series.as_deref();
        let date = selection.date.as_deref().or_else(|| self.date_column().filter(|name| Some(*name) != ids));
        let mut reader = Reader::new(self, selection, (date, ids))?;
        for row in self.rows()? {
            reader.push(&row?)?;
        }
        let (series, lines) = reader.finish()?;
        let place = Place { column: date.unwrap_or_default(), lines: &lines };
        match selection.gaps {
            Gaps::Ignore => Ok(series),
            Gaps::Error => series.without_gaps(&place),
            Gaps::Split => Ok(series.split_at_gaps()),
            Gaps::Fill => series.fill_gaps(&place),
        }
    }
}

/// Reads the selected cells, row by row.
struct Reader<'a> {
    table: &'a Table,
    names: Vec<String>,
    indices: Vec<usize>,
    missing: Missing,
    /// The column of ids; the id of each series, and its number.
    id: Option<usize>,
    known: HashMap<String, usize>,
    ids: Vec<String>,
    /// The last row that each series has, if it has one.
    last: Vec<Option<usize>>,
    /// The series of each row, if there are several.
    series: Vec<u32>,
    /// The column of dates.
    date: Option<usize>,
    dates: DatesReader<'a>,
    columns: Vec<Vec<f64>>,
    /// The values of the row that is read.
    record: Vec<f64>,
    /// Of the rows that are not dropped.
    lines: Lines,
}

impl<'a> Reader<'a> {
    fn new(
        table: &'a Table,
        selection: &ColumnSelection,
        (date, ids): (Option<&'a str>, Option<&str>),
    ) -> Result<Self> {
        let names = names(table, selection, date)?;
        let index = |name: Option<&str>| name.map(|name| table.index_of(name)).transpose();
        let (id, indices) =
            (index(ids)?, names.iter().map(|name| table.index_of(name)).collect::<Result<Vec<usize>>>()?);
        let rows = table.num_rows();
        let columns = indices.iter().map(|_| Vec::with_capacity(rows)).collect();
        let series = Vec::with_capacity(if id.is_some() { rows } else { 0 });
        Ok(Self {
            date: index(date)?,
            dates: DatesReader::new((table.source(), date.unwrap_or_default()), id.is_some(), rows),
            last: if id.is_some() { Vec::new() } else { vec![None] },
            missing: selection.missing,
            record: Vec::with_capacity(indices.len()),
            known: HashMap::new(),
            ids: Vec::new(),
            lines: Lines::default(),
            table,
            names,
            indices,
            id,
            columns,
            series,
        })
    }

    fn push(&mut self, row: &Row) -> Result<()> {
        let series = self.series_of(row)?;
        if !self.read_record(row, series)? {
            return Ok(());
        }
        if let Some(date) = self.date {
            self.dates.push(row.line(), row.cell(date), series)?;
        }
        for (column, value) in self.columns.iter_mut().zip(&self.record) {
            column.push(*value);
        }
        if self.id.is_some() {
            self.series.push(series as u32);
        }
        self.last[series] = Some(self.lines.num_rows);
        self.lines.push(row.line());
        Ok(())
    }

    /// The number of the series that a row belongs to.
    fn series_of(&mut self, row: &Row) -> Result<usize> {
        let Some(column) = self.id else { return Ok(0) };
        if let Some(known) = self.known.get(row.cell(column)) {
            return Ok(*known);
        }
        let id = self.table.text(row, column, "the id of a series")?;
        self.ids.push(id.clone());
        self.last.push(None);
        self.known.insert(id, self.ids.len() - 1);
        Ok(self.ids.len() - 1)
    }

    /// Reads the values of one row; `false` if the row is dropped.
    fn read_record(&mut self, row: &Row, series: usize) -> Result<bool> {
        self.record.clear();
        for (&index, column) in self.indices.iter().zip(&self.columns) {
            let value = self.table.number(row, index)?;
            self.record.push(match (value, self.missing) {
                (Some(value), _) => value,
                (None, Missing::Drop) => return Ok(false),
                (None, Missing::Forward) => {
                    let hint = "there is none above it that the policy `forward` could repeat";
                    let last = self.last[series].ok_or_else(|| self.missing_value(row, index, hint))?;
                    column[last]
                }
                (None, Missing::Error) => {
                    let hint = "fill it in, or choose the policy `forward` or `drop`";
                    return Err(self.missing_value(row, index, hint));
                }
            });
        }
        Ok(true)
    }

    fn missing_value(&self, row: &Row, index: usize, hint: &'static str) -> DataError {
        DataError::MissingValue {
            path: self.table.source().to_string(),
            line: row.line(),
            column: self.table.headers()[index].clone(),
            hint,
        }
    }

    /// The rows of each series together, and their lines.
    fn finish(mut self) -> Result<(Series, Lines)> {
        if self.lines.num_rows == 0 {
            return Err(DataError::Empty {
                path: self.table.source().to_string(),
                found: "no row with a value in every column",
            });
        }
        // A sort that keeps the order of equal rows.
        let mut order: Vec<usize> = (0..self.series.len()).collect();
        order.sort_by_key(|row| self.series[*row]);
        let mut segments = Vec::new();
        if self.id.is_none() {
            segments.push(Segment { id: None, rows: 0..self.lines.num_rows });
        }
        for rows in order.chunk_by(|a, b| self.series[*a] == self.series[*b]) {
            let start = segments.last().map_or(0, |before: &Segment| before.rows.end);
            segments.push(Segment { id: Some(segments.len()), rows: start..start + rows.len() });
        }
        // A series of which all rows were dropped is none.
        let mut has_rows = self.last.iter().map(Option::is_some);
        self.ids.retain(|_| has_rows.next() == Some(true));
        let mut dates =
            self.date.map(|_| self.dates.finish(segments.iter().map(|segment| segment.rows.start).collect()));
        if self.id.is_some() && !order.is_sorted() {
            for column in &mut self.columns {
                *column = order.iter().map(|row| column[*row]).collect();
            }
            dates = dates.map(|dates| dates.in_order(&order));
            self.lines.order = order;
        }
        let series = Series {
            source: self.table.source().to_string(),
            dates,
            names: self.names,
            columns: self.columns.into_iter().map(Arc::new).collect(),
            segments,
            ids: self.ids,
        };
        Ok((series, self.lines))
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
        let is_value = |name: &&str| Some(*name) != date && Some(*name) != selection.series.as_deref();
        names.extend(table.numeric_columns().into_iter().filter(is_value).map(str::to_string));
    }
    if names.is_empty() {
        return Err(DataError::NoColumn { path: table.source().to_string(), expected: "a column of numbers" });
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gap::Spacing;

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

    /// Two series whose rows alternate.
    const CITIES: &str = "day,city,x,n\n2020-01-01,b,1,7\n2020-01-01,a,2,7\n2020-01-02,b,3,8\n2020-01-02,a,NA,8\n";

    fn by(ids: &str, selection: ColumnSelection) -> ColumnSelection {
        ColumnSelection { series: Some(ids.into()), ..selection }
    }

    #[test]
    fn rows_are_sorted_by_series() {
        let read = series(CITIES, &by("city", with(Missing::Forward))).unwrap();
        assert_eq!(
            (read.ids(), read.names()),
            (&["b".to_string(), "a".into()][..], &["x".to_string(), "n".into()][..])
        );
        assert_eq!(read.segments(), [Segment { id: Some(0), rows: 0..2 }, Segment { id: Some(1), rows: 2..4 }]);
        // A value is repeated within its series.
        assert_eq!(read.column("x").unwrap(), [1.0, 3.0, 2.0, 2.0]);
        assert_eq!(read.dates().unwrap().label(2), "2020-01-01");
        let dropped = series(CITIES, &by("city", with(Missing::Drop))).unwrap();
        assert_eq!(dropped.segments()[1], Segment { id: Some(1), rows: 2..3 });
        // Ids may be numbers, which are then no column of values.
        let numbers = series("n,x\n1,5\n2,6\n1,7\n", &by("n", ColumnSelection::default())).unwrap();
        assert_eq!((numbers.names(), numbers.column("x").unwrap()), (&["x".to_string()][..], &[5.0, 7.0, 6.0][..]));
        // A series without rows is none.
        let empty = series("n,x\n1,\n2,6\n", &by("n", with(Missing::Drop))).unwrap();
        assert_eq!(
            (empty.ids(), empty.segments()),
            (&["2".to_string()][..], &[Segment { id: Some(0), rows: 0..1 }][..])
        );
        let one = series(WEEK, &with(Missing::Forward)).unwrap();
        assert_eq!((one.ids().len(), one.segments()), (0, &[Segment { id: None, rows: 0..3 }][..]));
    }

    #[test]
    fn series_have_ids_and_dates_in_order() {
        let selection = by("city", columns(&["n"]));
        assert_eq!(
            message(&CITIES.replace(",a,NA", ",,4"), &selection),
            "t.csv, line 5, column `city`: expected the id of a series, found an empty cell"
        );
        assert!(message(CITIES, &by("town", columns(&["n"]))).contains("found `town`"));
        assert_eq!(
            message(&CITIES.replace("02,a", "01,a"), &selection),
            "t.csv, line 5, column `day`: expected each date once, found 2020-01-01 again (first on line 3); keep one of \
             them"
        );
        assert_eq!(
            message(CITIES, &columns(&["n"])),
            "t.csv, line 3, column `day`: expected each date once, found 2020-01-01 again (first on line 2); keep one of \
             them, or name the column of ids if there are several series"
        );
        assert_eq!(
            message("a,b\n1,5\n,6\n", &by("b", with(Missing::Forward))),
            "t.csv, line 3, column `a`: expected a number, found no value; there is none above it that the policy \
             `forward` could repeat"
        );
    }

    /// Days with a gap of two before the fourth row.
    const GAP: &str = "day,x\n2020-01-01,1\n2020-01-02,2\n2020-01-03,3\n2020-01-06,4\n2020-01-07,5\n2020-01-11,6\n";

    fn gaps(policy: Gaps) -> ColumnSelection {
        ColumnSelection { gaps: policy, ..ColumnSelection::default() }
    }

    #[test]
    fn gaps_are_rejected_filled_split_or_ignored() {
        assert_eq!(
            message(GAP, &gaps(Gaps::Error)),
            "t.csv, line 5, column `day`: expected a row every day, found 2020-01-06 after 2020-01-03 (line 4): 2 rows are \
             missing; add them, or choose the policy `fill`, `split` or `ignore` for gaps"
        );
        let split = series(GAP, &gaps(Gaps::Split)).unwrap();
        let rows: Vec<_> = split.segments().iter().map(|segment| (segment.id, segment.rows.clone())).collect();
        assert_eq!(rows, [(None, 0..3), (None, 3..5), (None, 5..6)]);
        let filled = series(GAP, &gaps(Gaps::Fill)).unwrap();
        assert_eq!(filled.column("x").unwrap(), [1.0, 2.0, 3.0, 3.0, 3.0, 4.0, 5.0, 5.0, 5.0, 5.0, 6.0]);
        assert_eq!(filled.dates().unwrap().label(4), "2020-01-05");
        assert_eq!(filled.segments(), [Segment { id: None, rows: 0..11 }]);
        assert!(Spacing::of(filled.dates().unwrap().stamps(0..11)).gaps().is_empty());
        let ignored = series(GAP, &gaps(Gaps::Ignore)).unwrap();
        assert_eq!((ignored.len(), ignored.segments().len()), (6, 1));
        // Rows that are dropped are missing like any other.
        let dropped = "day,x\n2020-01-04,1\n2020-01-05,2\n2020-01-06,\n2020-01-07,3\n2020-01-08,4\n";
        assert!(
            message(dropped, &with(Missing::Drop)).contains("found 2020-01-07 after 2020-01-05 (line 3): 1 row is")
        );
        // Without dates there are no gaps.
        let undated = series("x\n1\n2\n", &gaps(Gaps::Split)).unwrap();
        assert_eq!(undated.segments(), [Segment { id: None, rows: 0..2 }]);
        assert_eq!(series("x\n1\n2\n", &gaps(Gaps::Fill)).unwrap(), undated);
    }

    #[test]
    fn gaps_are_those_of_each_series() {
        // Series `a` is daily, with a gap; `b` has a row every other day.
        let rows =
            [("01", "a"), ("01", "b"), ("02", "a"), ("03", "a"), ("03", "b"), ("05", "b"), ("05", "a"), ("06", "a")];
        let text: String = rows.iter().enumerate().map(|(x, (day, id))| format!("2020-01-{day},{id},{x}\n")).collect();
        let text = format!("day,id,x\n{text}");
        assert_eq!(
            message(&text, &by("id", gaps(Gaps::Error))),
            "t.csv, line 8, column `day`: expected a row every day of the series `a`, found 2020-01-05 after 2020-01-03 \
             (line 5): 1 row is missing; add them, or choose the policy `fill`, `split` or `ignore` for gaps"
        );
        let filled = series(&text, &by("id", gaps(Gaps::Fill))).unwrap();
        assert_eq!(filled.column("x").unwrap(), [0.0, 2.0, 3.0, 3.0, 6.0, 7.0, 1.0, 4.0, 5.0]);
        assert_eq!(filled.segments()[1], Segment { id: Some(1), rows: 6..9 });
        assert_eq!(filled.dates().unwrap().labels_after(8, 1), ["2020-01-07"]);
        let split = series(&text, &by("id", gaps(Gaps::Split))).unwrap();
        let rows: Vec<_> = split.segments().iter().map(|segment| (segment.id, segment.rows.clone())).collect();
        assert_eq!(rows, [(Some(0), 0..3), (Some(0), 3..5), (Some(1), 5..8)]);
    }

    #[test]
    fn gaps_that_cannot_be_filled_are_rejected() {
        let irregular = "day,x\n2020-01-04,1\n2020-01-05,2\n2020-01-06,3\n2020-01-07 10:00,4\n";
        assert_eq!(
            message(irregular, &gaps(Gaps::Fill)),
            "t.csv, line 5, column `day`: expected a row every day, found 2020-01-07 10:00 after 2020-01-06 00:00 (line 4): \
             the rows are not equally spaced; the policy `fill` cannot say which: choose the policy `split` or `ignore` for \
             gaps"
        );
        assert!(message(irregular, &gaps(Gaps::Error)).ends_with("; choose the policy `split` or `ignore` for gaps"));
        let huge =
            "day,x\n2020-01-01T00:00:00,1\n2020-01-01T00:00:01,2\n2020-01-01T00:00:02,3\n9999-01-01T00:00:00,4\n";
        assert!(message(huge, &gaps(Gaps::Fill)).contains("that is too much for the policy `fill`: choose"));
    }

    #[test]
    fn offsets_tell_the_hours_of_spring() {
        let local = "t,x\n2024-03-31 00:00,1\n2024-03-31 01:00,2\n2024-03-31 03:00,3\n2024-03-31 04:00,4\n";
        let error = message(local, &columns(&["x"]));
        assert!(
            error.ends_with(
                "1 row is missing; local time skips an hour in spring, which an offset such as +02:00 would tell; add \
                 them, or choose the policy `fill`, `split` or `ignore` for gaps"
            ),
            "{error}"
        );
        let offsets = "t,x\n2024-03-31 00:00+01:00,1\n2024-03-31 01:00+01:00,2\n2024-03-31 03:00+02:00,3\n\
                       2024-03-31 04:00+02:00,4\n";
        assert_eq!(series(offsets, &columns(&["x"])).unwrap().segments().len(), 1);
        // An inserted row has the offset of the row before it.
        let gap = offsets.replace("2024-03-31 04:00", "2024-03-31 05:00");
        let filled = series(&gap, &ColumnSelection { gaps: Gaps::Fill, ..columns(&["x"]) }).unwrap();
        assert_eq!(filled.dates().unwrap().label(3), "2024-03-31 04:00+02:00");
    }
}
