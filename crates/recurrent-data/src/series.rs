//! Series: numeric columns in time order.

use std::ops::Range;
use std::sync::Arc;

use crate::dates::Dates;
use crate::error::{DataError, Result};
use crate::rounding;
use crate::segment::Segment;

/// Columns of finite numbers, all of one length, with the date of each row if it is known.
///
/// The rows of a [`Segment`] are in time order. Most tables have one; it has several if there are several series in it, each
/// with an id, or gaps at which a series is split. A clone shares numbers and dates.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    pub(crate) source: String,
    pub(crate) dates: Option<Dates>,
    pub(crate) names: Vec<String>,
    pub(crate) columns: Vec<Arc<Vec<f64>>>,
    pub(crate) ids: Vec<String>,
    pub(crate) segments: Vec<Segment>,
}

impl Series {
    /// The name of the series in error messages: the path, or what the caller named the bytes.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The number of rows, at least one.
    pub fn len(&self) -> usize {
        self.columns.first().map_or(0, |column| column.len())
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

    /// The ids of the series, in the order of their first rows; none if no column has them.
    pub fn ids(&self) -> &[String] {
        &self.ids
    }

    /// The runs of rows that a window must not leave, at least one. Together they are all rows; those of one series follow
    /// each other.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The last segment of each series, after which the series continues: an index into [`segments`](Self::segments).
    pub fn last_segments(&self) -> Vec<usize> {
        let is_last = |index: &usize| {
            let next = self.segments.get(index + 1);
            next.is_none_or(|next| next.id != self.segments[*index].id)
        };
        (0..self.segments.len()).filter(is_last).collect()
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
        self.index_of(name).map(|index| self.columns[index].as_slice())
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
        let column = |name: &String| self.index_of(name).map(|index| Arc::clone(&self.columns[index]));
        Ok(Self {
            source: self.source.clone(),
            dates: self.dates.clone(),
            names: names.to_vec(),
            columns: names.iter().map(column).collect::<Result<_>>()?,
            ids: self.ids.clone(),
            segments: self.segments.clone(),
        })
    }

    /// The largest difference of two values of a column that can be a rounding error, as that of 0.3 and 3 · 0.1 is.
    ///
    /// # Panics
    /// If `column` is out of range.
    pub fn rounding_error(&self, column: usize) -> f64 {
        rounding::rounding_error(self.columns[column].iter().copied())
    }

    /// The same rows with the values of one column replaced: `change(row, value)`.
    ///
    /// # Errors
    /// If there is no such column.
    pub fn map_column(mut self, name: &str, mut change: impl FnMut(usize, f64) -> f64) -> Result<Self> {
        let index = self.index_of(name)?;
        Arc::make_mut(&mut self.columns[index])
            .iter_mut()
            .enumerate()
            .for_each(|(row, value)| *value = change(row, *value));
        Ok(self)
    }

    /// The same rows with a further column.
    ///
    /// # Errors
    /// If there is a column of this name.
    ///
    /// # Panics
    /// If there is not one value for each row.
    pub fn with_column(mut self, name: &str, values: Vec<f64>) -> Result<Self> {
        assert_eq!(values.len(), self.len(), "one value for each row");
        if self.names.iter().any(|known| known == name) {
            return Err(DataError::ColumnExists { path: self.source, name: name.to_string() });
        }
        self.names.push(name.to_string());
        self.columns.push(Arc::new(values));
        Ok(self)
    }

    /// The first `rows` rows, clamped to at least one and at most all: of several series, those of the first ones.
    #[must_use]
    pub fn head(&self, rows: usize) -> Self {
        let rows = rows.clamp(1, self.len());
        Self {
            source: self.source.clone(),
            dates: self.dates.as_ref().map(|dates| dates.head(rows)),
            names: self.names.clone(),
            columns: self.columns.iter().map(|column| Arc::new(column[..rows].to_vec())).collect(),
            ids: self.ids.clone(),
            segments: self.segments.iter().filter_map(|segment| segment.head(rows)).collect(),
        }
    }

    /// Some of the rows alone.
    ///
    /// # Panics
    /// If `rows` is empty or out of range.
    #[must_use]
    pub fn slice(mut self, rows: Range<usize>) -> Self {
        let len = self.len();
        assert!(!rows.is_empty() && rows.end <= len, "rows {rows:?} of {len}");
        if rows.len() == len {
            return self;
        }
        self.dates = self.dates.map(|dates| dates.slice(rows.clone()));
        for column in &mut self.columns {
            *column = Arc::new(column[rows.clone()].to_vec());
        }
        self.segments = self.segments.iter().filter_map(|segment| segment.slice(&rows)).collect();
        self
    }

    pub(crate) fn columns(&self) -> &[Arc<Vec<f64>>] {
        &self.columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ColumnSelection, Missing, Table};

    fn series(text: &str, selection: &ColumnSelection) -> Series {
        Table::from_bytes("t.csv", text.as_bytes(), None).unwrap().series(selection).unwrap()
    }

    const TWO: &str = "day,city,x\n2020-01-01,a,1\n2020-01-02,a,2\n2020-01-01,b,3\n2020-01-02,b,4\n";

    fn two() -> Series {
        series(TWO, &ColumnSelection { series: Some("city".into()), ..ColumnSelection::default() })
    }

    #[test]
    fn slice_keeps_rows_with_their_dates_and_segments() {
        let slice = two().slice(1..3);
        assert_eq!((slice.len(), slice.column("x").unwrap()), (2, &[2.0, 3.0][..]));
        let dates = slice.dates().unwrap();
        assert_eq!([dates.label(0), dates.label(1)], ["2020-01-02", "2020-01-01"]);
        assert_eq!(slice.segments().iter().map(|segment| segment.rows.clone()).collect::<Vec<_>>(), [0..1, 1..2]);
        assert_eq!(slice.clone().slice(0..2), slice);
    }

    #[test]
    #[should_panic = "rows 2..5 of 4"]
    fn slice_of_rows_that_are_not_there_is_rejected() {
        let _ = two().slice(2..5);
    }

    #[test]
    fn head_cuts_the_segments() {
        let segments = |rows| two().head(rows).segments().to_vec();
        assert_eq!(segments(3), [Segment { id: Some(0), rows: 0..2 }, Segment { id: Some(1), rows: 2..3 }]);
        assert_eq!(segments(2), [Segment { id: Some(0), rows: 0..2 }]);
        assert_eq!(two().head(2).dates().unwrap().labels_after(1, 1), ["2020-01-03"]);
    }

    #[test]
    fn columns_are_added_once() {
        let more = two().with_column("y", vec![5.0, 6.0, 7.0, 8.0]).unwrap();
        assert_eq!((more.names(), more.column("y").unwrap()[2]), (&["x".to_string(), "y".to_string()][..], 7.0));
        assert_eq!((more.segments(), more.ids()), (two().segments(), two().ids()));
        assert_eq!(
            more.with_column("x", vec![0.0; 4]).unwrap_err().to_string(),
            "t.csv: expected a new name for a further column, found `x`, which there is already"
        );
    }

    #[test]
    fn series_end_with_their_last_segment() {
        assert_eq!(two().last_segments(), [0, 1]);
        let gap = "day,x\n2020-01-05,1\n2020-01-06,2\n2020-01-07,3\n2020-01-10,4\n2020-01-11,5\n";
        let split = series(gap, &ColumnSelection { gaps: crate::Gaps::Split, ..ColumnSelection::default() });
        assert_eq!((split.segments().len(), split.last_segments()), (2, vec![1]));
    }

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
    fn select_keeps_the_rows() {
        let week = "date,rain,temp\n2012-01-01,0,12.5\n2012-01-02,NA,10\n2012-01-03,1e1,-3\n";
        let forward = ColumnSelection { missing: Missing::Forward, ..ColumnSelection::default() };
        let all = series(week, &forward);
        let turned = all.select(&["temp".into(), "rain".into()]).unwrap();
        assert_eq!(turned.names(), ["temp", "rain"]);
        assert_eq!(turned.value(0, 0), 12.5);
        assert_eq!(turned.dates(), all.dates());
        assert!(all.select(&["snow".into()]).is_err());
        assert!(all.select(&[]).is_err());
    }
}
