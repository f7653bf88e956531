//! Segments: parts of a table in which time goes on evenly.

use std::ops::Range;

/// Rows of a [`Series`](crate::Series) in time order, without a gap: a window must not leave them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The series that they belong to: an index into [`Series::ids`](crate::Series::ids); `None` if there are no ids.
    pub id: Option<usize>,
    /// The rows, at least one.
    pub rows: Range<usize>,
}

impl Segment {
    /// Its rows among some rows of all, counted from the first of these; `None` if there are none.
    pub(crate) fn slice(&self, rows: &Range<usize>) -> Option<Self> {
        let (start, end) = (self.rows.start.max(rows.start), self.rows.end.min(rows.end));
        (start < end).then(|| Self { id: self.id, rows: start - rows.start..end - rows.start })
    }

    /// Its rows among the first `rows` of all; `None` if there are none.
    pub(crate) fn head(&self, rows: usize) -> Option<Self> {
        (self.rows.start < rows).then(|| Self { id: self.id, rows: self.rows.start..self.rows.end.min(rows) })
    }
}
