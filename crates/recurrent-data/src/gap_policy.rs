//! What to do about the gaps of a series.

use std::ops::Range;
use std::sync::Arc;

use jiff::civil::DateTime;
use jiff::tz::Offset;

use crate::dates::Dates;
use crate::error::{DataError, GapError, Result};
use crate::gap::{Gap, GapSize, Spacing};
use crate::segment::Segment;
use crate::series::Series;

/// How many rows may be inserted into a series that has fewer.
const MAX_FILLED: usize = 1000;

/// The lines of rows: mostly one after another.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// The first row and line of each run of rows on consecutive lines, in the order of the file.
    runs: Vec<(usize, usize)>,
    pub(crate) num_rows: usize,
    next: usize,
    /// The rows in the order of the series, if it is another one.
    pub(crate) order: Vec<usize>,
}

impl Lines {
    pub(crate) fn push(&mut self, line: usize) {
        if line != self.next || self.runs.is_empty() {
            self.runs.push((self.num_rows, line));
        }
        self.num_rows += 1;
        self.next = line + 1;
    }

    fn of(&self, row: usize) -> usize {
        let row = self.order.get(row).copied().unwrap_or(row);
        let (first, line) = self.runs[self.runs.partition_point(|(first, _)| *first <= row) - 1];
        line + row - first
    }
}

/// Where the rows come from: the date column, and the line of each row.
pub(crate) struct Place<'a> {
    pub(crate) column: &'a str,
    pub(crate) lines: &'a Lines,
}

impl Series {
    /// The rows and the spacing of each series; none without dates.
    fn spacings(&self) -> impl Iterator<Item = (Range<usize>, Spacing<'_>)> {
        let of = |dates| Dates::series(dates).map(|rows| (rows.clone(), Spacing::of(dates.stamps(rows))));
        self.dates.iter().flat_map(of)
    }

    pub(crate) fn without_gaps(self, place: &Place) -> Result<Self> {
        for (rows, spacing) in self.spacings() {
            if let Some(gap) = spacing.gaps().first() {
                let hint = match gap.size {
                    GapSize::Irregular => "choose the policy `split` or `ignore` for gaps",
                    GapSize::Days(_) => "add them, or choose the policy `split` or `ignore` for gaps",
                    GapSize::Rows(_) => "add them, or choose the policy `fill`, `split` or `ignore` for gaps",
                };
                let hint = if spacing.is_spring_forward(gap.row) {
                    format!("local time skips an hour in spring, which an offset such as +02:00 would tell; {hint}")
                } else {
                    hint.to_string()
                };
                return Err(self.gap_error((rows.start, *gap), &spacing, place, hint));
            }
        }
        Ok(self)
    }

    fn gap_error(&self, (first, gap): (usize, Gap), spacing: &Spacing, place: &Place, hint: String) -> DataError {
        let row = first + gap.row;
        let label = |row| self.dates.as_ref().map_or_else(String::new, |dates| dates.label(row));
        let id = self.segments.iter().find(|segment| segment.rows.contains(&row)).and_then(|segment| segment.id);
        let of_series = id.map_or_else(String::new, |id| format!(" of the series `{}`", self.ids[id]));
        DataError::Gap(Box::new(GapError {
            path: self.source.clone(),
            line: place.lines.of(row),
            column: place.column.to_string(),
            expected: spacing.describe() + &of_series,
            found: label(row),
            previous: label(row - 1),
            previous_line: place.lines.of(row - 1),
            problem: gap.size.describe(),
            hint,
        }))
    }

    pub(crate) fn split_at_gaps(mut self) -> Self {
        let mut segments = Vec::new();
        for (rows, spacing) in self.spacings() {
            let id = self.segments.iter().find(|segment| segment.rows.contains(&rows.start)).and_then(|s| s.id);
            let mut start = rows.start;
            for end in spacing.gaps().iter().map(|gap| rows.start + gap.row).chain([rows.end]) {
                segments.push(Segment { id, rows: start..end });
                start = end;
            }
        }
        // Without dates there are no gaps.
        if self.dates.is_some() {
            self.segments = segments;
        }
        self
    }

    pub(crate) fn fill_gaps(mut self, place: &Place) -> Result<Self> {
        let mut all: Vec<Vec<FilledRow>> = Vec::new();
        for (rows, spacing) in self.spacings() {
            let filled = self.filled(rows, &spacing, place)?;
            all.push(filled);
        }
        if self.dates.is_none() {
            return Ok(self);
        }
        let dates = Dates::of_series(all.iter().map(|rows| rows.iter().map(|row| row.date).collect()).collect());
        let sources: Vec<usize> = all.iter().flatten().map(|row| row.source).collect();
        for column in &mut self.columns {
            *column = Arc::new(sources.iter().map(|row| column[*row]).collect());
        }
        for (segment, rows) in self.segments.iter_mut().zip(dates.series()) {
            segment.rows = rows;
        }
        self.dates = Some(dates);
        Ok(self)
    }

    /// The rows of one series and those that fill its gaps.
    fn filled(&self, rows: Range<usize>, spacing: &Spacing, place: &Place) -> Result<Vec<FilledRow>> {
        let mut all = Vec::with_capacity(rows.len());
        let mut gaps = spacing.gaps().into_iter().peekable();
        let mut room = rows.len().max(MAX_FILLED);
        for row in rows.clone() {
            if let Some(gap) = gaps.next_if(|gap| rows.start + gap.row == row) {
                let refused = |hint: &str| {
                    let hint = format!("{hint}: choose the policy `split` or `ignore` for gaps");
                    self.gap_error((rows.start, gap), spacing, place, hint)
                };
                let dates = spacing.missing_dates(gap).ok_or_else(|| refused("the policy `fill` cannot say which"))?;
                let before = all.len();
                all.extend(dates.take(room + 1).map(|date| FilledRow { source: row - 1, date }));
                let inserted = all.len() - before;
                room = room.checked_sub(inserted).ok_or_else(|| refused("that is too much for the policy `fill`"))?;
            }
            let dates = self.dates.as_ref().expect("a series with gaps has dates");
            all.push(FilledRow { source: row, date: (dates.timestamps()[row], dates.offset(row)) });
        }
        Ok(all)
    }
}

/// A row with the values of another, or its own.
struct FilledRow {
    source: usize,
    date: (DateTime, Option<Offset>),
}
