//! Dates of rows: parsing, their labels, and the dates that follow.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use jiff::civil::{DateTime, Time};
use jiff::fmt::temporal::Pieces;
use jiff::tz::Offset;

use crate::error::{DataError, Result};
use crate::frequency::{BUSINESS_DAYS, Frequency, Stamps, instant};

const DATE_FORMAT: &str = "%Y-%m-%d";

/// Dates or times, one per row, that increase strictly within each series.
///
/// They are parsed from `2012-01-31`, `2012/01/31` or `20120131`, optionally followed by a space or a `T` and a time of
/// day, `18:30` or `18:30:05`, and its offset from UTC, as in `18:30Z` or `18:30+02:00`. Either every row has an offset or
/// none; with offsets, the rows are in the order of the instants, and so 02:30+02:00 comes before 02:15+01:00. A clone shares
/// them.
#[derive(Debug, Clone, PartialEq)]
pub struct Dates {
    timestamps: Arc<Vec<DateTime>>,
    /// As many as timestamps; none if the rows have none.
    offsets: Arc<Vec<Offset>>,
    /// The first row of each series, of which the first is 0.
    starts: Vec<usize>,
    format: &'static str,
}

impl Dates {
    /// The dates of the first `rows` rows.
    pub(crate) fn head(&self, rows: usize) -> Self {
        let offsets = Arc::new(self.offsets.iter().take(rows).copied().collect());
        let starts = self.starts.iter().take_while(|start| **start == 0 || **start < rows).copied().collect();
        Self { timestamps: Arc::new(self.timestamps[..rows].to_vec()), offsets, starts, format: self.format }
    }

    /// The dates of some rows.
    pub(crate) fn slice(self, rows: std::ops::Range<usize>) -> Self {
        let later = self.starts.iter().filter(|start| **start > rows.start && **start < rows.end);
        Self {
            timestamps: Arc::new(self.timestamps[rows.clone()].to_vec()),
            starts: std::iter::once(0).chain(later.map(|start| start - rows.start)).collect(),
            offsets: Arc::new(self.offsets.get(rows).unwrap_or_default().to_vec()),
            format: self.format,
        }
    }

    /// The same dates in another order of the rows, within the same series.
    pub(crate) fn in_order(mut self, order: &[usize]) -> Self {
        self.timestamps = Arc::new(order.iter().map(|row| self.timestamps[*row]).collect());
        if !self.offsets.is_empty() {
            self.offsets = Arc::new(order.iter().map(|row| self.offsets[*row]).collect());
        }
        self
    }

    /// The dates of these series, each a list of dates with the offsets that all or none have.
    pub(crate) fn of_series(series: Vec<Vec<(DateTime, Option<Offset>)>>) -> Self {
        let (mut timestamps, mut offsets, mut starts) = (Vec::new(), Vec::new(), Vec::new());
        for rows in series {
            starts.push(timestamps.len());
            timestamps.extend(rows.iter().map(|(stamp, _)| *stamp));
            offsets.extend(rows.iter().filter_map(|(_, offset)| *offset));
        }
        Self::new(timestamps, offsets, starts)
    }

    fn new(timestamps: Vec<DateTime>, offsets: Vec<Offset>, starts: Vec<usize>) -> Self {
        let (timestamps, offsets) = (Arc::new(timestamps), Arc::new(offsets));
        let dates = Self { timestamps, offsets, starts, format: DATE_FORMAT };
        Self { format: dates.shortest_format(), ..dates }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.timestamps.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.timestamps.is_empty()
    }

    /// The dates, one per row, as local times.
    pub fn timestamps(&self) -> &[DateTime] {
        &self.timestamps
    }

    /// The offset of a row's local time from UTC, if the rows have one.
    pub fn offset(&self, row: usize) -> Option<Offset> {
        self.offsets.get(row).copied()
    }

    /// The date of a row as text, without the time of day if no row has one.
    ///
    /// # Panics
    /// If `row` is out of range.
    pub fn label(&self, row: usize) -> String {
        self.show(self.timestamps[row], self.offset(row))
    }

    /// The frequency of the first series: see [`frequency_at`](Self::frequency_at).
    pub fn frequency(&self) -> Frequency {
        self.frequency_at(0)
    }

    /// The median distance between the rows of the series that a row belongs to, as months where rows fall on the same day
    /// of the month. Occasional gaps, such as holidays, do not change it, and neither do a few rows on other days. For a
    /// single row it is a day.
    pub fn frequency_at(&self, row: usize) -> Frequency {
        self.stamps(self.series_of(row)).frequency()
    }

    /// Whether the first series has rows on most days from Monday to Friday, and hardly any on a Saturday or Sunday.
    pub fn skips_weekends(&self) -> bool {
        matches!(self.frequency(), Frequency::OnWeekdays { weekdays: BUSINESS_DAYS, .. })
    }

    /// The `n` dates that follow row `last` in its series, for a forecast made there, at the frequency of that series. They
    /// are on weekdays that the rows have, but do not skip holidays.
    ///
    /// # Panics
    /// If `last` is out of range.
    pub fn following(&self, last: usize, n: usize) -> Vec<DateTime> {
        let frequency = self.frequency_at(last);
        let mut stamp = self.timestamps[last];
        let mut next = || {
            stamp = frequency.after(stamp);
            stamp
        };
        (0..n).map(|_| next()).collect()
    }

    /// The labels of the `n` dates that [follow](Self::following) row `last`; they keep its offset.
    ///
    /// # Panics
    /// If `last` is out of range.
    pub fn labels_after(&self, last: usize, n: usize) -> Vec<String> {
        let offset = self.offset(last);
        self.following(last, n).into_iter().map(|stamp| self.show(stamp, offset)).collect()
    }

    /// A row's time in UTC, or its local time if it has no offset.
    pub(crate) fn instant(&self, row: usize) -> DateTime {
        instant(self.timestamps[row], self.offset(row))
    }

    /// The rows of each series.
    pub(crate) fn series(&self) -> impl Iterator<Item = Range<usize>> {
        let ends = self.starts[1..].iter().copied().chain([self.len()]);
        self.starts.iter().zip(ends).map(|(start, end)| *start..end)
    }

    /// The rows of the series that a row belongs to; no rows if there are none.
    fn series_of(&self, row: usize) -> Range<usize> {
        let after = self.starts.partition_point(|start| *start <= row);
        let end = self.starts.get(after).copied().unwrap_or(self.len());
        self.starts[after - 1]..end
    }

    /// The dates of some rows of one series.
    pub(crate) fn stamps(&self, rows: Range<usize>) -> Stamps<'_> {
        let offsets = if self.offsets.is_empty() { &[] } else { &self.offsets[rows.clone()] };
        Stamps { local: &self.timestamps[rows], offsets }
    }

    fn show(&self, stamp: DateTime, offset: Option<Offset>) -> String {
        let text = stamp.strftime(self.format).to_string();
        match offset.filter(|_| self.format != DATE_FORMAT) {
            Some(offset) => text + &offset_text(offset),
            None => text,
        }
    }

    /// The shortest format that shows every row completely.
    fn shortest_format(&self) -> &'static str {
        let any = |holds: fn(&DateTime) -> bool| self.timestamps.iter().any(holds);
        if any(|d| d.subsec_nanosecond() != 0) {
            "%Y-%m-%d %H:%M:%S%.f"
        } else if any(|d| d.second() != 0) {
            "%Y-%m-%d %H:%M:%S"
        } else if any(|d| d.hour() != 0 || d.minute() != 0) || self.offsets.windows(2).any(|w| w[0] != w[1]) {
            "%Y-%m-%d %H:%M"
        } else {
            DATE_FORMAT
        }
    }
}

/// Reads the cells of a date column, those of several series in turn.
pub(crate) struct DatesReader<'a> {
    path: &'a str,
    column: &'a str,
    /// Whether the series are told apart by ids.
    have_ids: bool,
    timestamps: Vec<DateTime>,
    offsets: Vec<Offset>,
    /// The last cell of each series.
    last: Vec<Option<Cell>>,
    /// The series of the last cell.
    last_series: usize,
}

impl<'a> DatesReader<'a> {
    pub(crate) fn new((path, column): (&'a str, &'a str), have_ids: bool, rows: usize) -> Self {
        let timestamps = Vec::with_capacity(if column.is_empty() { 0 } else { rows });
        Self { path, column, have_ids, timestamps, offsets: Vec::new(), last: Vec::new(), last_series: 0 }
    }

    /// Reads the next cell, given its line and the number of the series that it belongs to.
    pub(crate) fn push(&mut self, line: usize, text: &str, series: usize) -> Result<()> {
        let (stamp, offset) = parse(text).ok_or_else(|| DataError::InvalidDate {
            path: self.path.to_string(),
            line,
            column: self.column.to_string(),
            found: text.to_string(),
        })?;
        if let Some(previous) = self.last.get(self.last_series).and_then(Option::as_ref)
            && previous.offset.is_some() != offset.is_some()
        {
            return Err(DataError::MixedOffsets {
                path: self.path.to_string(),
                line,
                column: self.column.to_string(),
                found: text.to_string(),
                previous: previous.text.clone(),
                previous_line: previous.line,
            });
        }
        if self.last.len() <= series {
            self.last.resize(series + 1, None);
        }
        if let Some(previous) = &self.last[series] {
            check_next((self.path, self.column), self.have_ids, (line, text, instant(stamp, offset)), previous)?;
        }
        let cell = self.last[series].get_or_insert_default();
        (cell.line, cell.stamp, cell.offset) = (line, stamp, offset);
        cell.text.clear();
        cell.text.push_str(text);
        self.last_series = series;
        self.timestamps.push(stamp);
        self.offsets.extend(offset);
        Ok(())
    }

    /// The dates that were read, of series that begin at these rows once they are in order.
    pub(crate) fn finish(self, starts: Vec<usize>) -> Dates {
        Dates::new(self.timestamps, self.offsets, starts)
    }
}

/// A cell of a date column.
#[derive(Debug, Clone, Default)]
struct Cell {
    line: usize,
    text: String,
    stamp: DateTime,
    offset: Option<Offset>,
}

/// Checks that a date with its line and text can follow another one of its series.
fn check_next(
    (path, column): (&str, &str),
    have_ids: bool,
    (line, text, stamp): (usize, &str, DateTime),
    previous: &Cell,
) -> Result<()> {
    let (path, column, previous_line) = (path.to_string(), column.to_string(), previous.line);
    let (found, last) = (text.to_string(), previous.text.clone());
    match stamp.cmp(&instant(previous.stamp, previous.offset)) {
        Ordering::Equal => Err(DataError::DuplicateDate { path, line, column, found, previous_line, have_ids }),
        Ordering::Less => {
            Err(DataError::DatesOutOfOrder { path, line, column, found, previous: last, previous_line, have_ids })
        }
        Ordering::Greater => Ok(()),
    }
}

/// Whether a cell is a date, with or without a time of day. A number is one if it has 8 digits and is of a year from 1900 to
/// 2099.
pub(crate) fn is_date(cell: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit();
    let has_year = cell.len() >= 8 && cell.bytes().take(4).all(is_digit);
    let is_recent = || cell.len() == 8 && (cell.starts_with("19") || cell.starts_with("20"));
    has_year && (!cell.bytes().all(is_digit) || is_recent()) && parse(cell).is_some()
}

/// The local time, and its offset from UTC if it is given.
fn parse(cell: &str) -> Option<(DateTime, Option<Offset>)> {
    // The parser rejects slashes.
    let date_length = "2012/01/31".len();
    let text = match cell.split_at_checked(date_length) {
        Some((date, time)) => date.replace('/', "-") + time,
        None => cell.to_string(),
    };
    let pieces = Pieces::parse(&text).ok()?;
    let time = pieces.time().unwrap_or(Time::midnight());
    Some((pieces.date().to_datetime(time), pieces.to_numeric_offset()))
}

/// `+02:00`, with seconds only if there are any.
fn offset_text(offset: Offset) -> String {
    let sign = if offset.is_negative() { '-' } else { '+' };
    let seconds = offset.seconds().unsigned_abs();
    let text = format!("{sign}{:02}:{:02}", seconds / 3600, seconds / 60 % 60);
    if seconds.is_multiple_of(60) { text } else { format!("{text}:{:02}", seconds % 60) }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Span};

    use super::*;
    use crate::frequency::DAY;

    fn try_dates(cells: &[&str]) -> Result<Dates> {
        try_series(cells, &[0])
    }

    fn try_series(cells: &[&str], starts: &[usize]) -> Result<Dates> {
        let mut reader = DatesReader::new(("t.csv", "day"), starts.len() > 1, cells.len());
        for (row, cell) in cells.iter().enumerate() {
            reader.push(row + 2, cell, starts.partition_point(|start| *start <= row) - 1)?;
        }
        Ok(reader.finish(starts.to_vec()))
    }

    fn dates(cells: &[&str]) -> Dates {
        try_dates(cells).unwrap()
    }

    #[test]
    fn supported_date_formats_are_parsed() {
        for cell in [
            "2012-01-31",
            "2012/01/31",
            "20120131",
            "2012-01-31 00:00",
            "2012/01/31 00:00:00",
            "2012-01-31T00:00",
            "2012-01-31T00:00:00",
            "2012-01-31T00:00:00Z",
            "2012-01-31 00:00:00+00:00",
            "2012-01-31 00:00:00+02:00",
            "2012-01-31 00:00:00.000",
        ] {
            assert_eq!(dates(&[cell]).label(0), "2012-01-31", "{cell}");
        }
    }

    #[test]
    fn labels_include_the_time_of_day_only_if_present() {
        let hourly = dates(&["2012-01-31 00:00", "2012-01-31 01:00"]);
        assert_eq!(hourly.label(0), "2012-01-31 00:00");
        let seconds = dates(&["2012-01-31T00:00:00", "2012-01-31T00:00:05"]);
        assert_eq!(seconds.label(1), "2012-01-31 00:00:05");
    }

    #[test]
    fn daily_rows_continue_daily() {
        let days = dates(&["2012-02-26", "2012-02-27", "2012-02-28"]);
        assert_eq!(days.frequency(), Frequency::Every(DAY));
        assert_eq!(days.labels_after(2, 2), ["2012-02-29", "2012-03-01"]);
        assert_eq!(days.labels_after(0, 1), ["2012-02-27"]);
    }

    #[test]
    fn weekday_rows_skip_weekends() {
        // Thursday to the Friday after, Monday the 9th a holiday.
        let days = dates(&["2012-04-05", "2012-04-06", "2012-04-10", "2012-04-11", "2012-04-12", "2012-04-13"]);
        assert!(days.skips_weekends());
        assert_eq!(days.labels_after(5, 2), ["2012-04-16", "2012-04-17"]);
    }

    #[test]
    fn fewer_than_seven_days_do_not_imply_weekdays() {
        assert!(!dates(&["2012-04-09", "2012-04-10", "2012-04-11"]).skips_weekends());
    }

    #[test]
    fn months_follow_the_calendar() {
        let firsts = dates(&["2012-01-01", "2012-02-01", "2012-03-01"]);
        assert_eq!(firsts.labels_after(2, 2), ["2012-04-01", "2012-05-01"]);

        let quarters = dates(&["2012-03-31", "2012-06-30", "2012-09-30"]);
        assert_eq!(quarters.labels_after(2, 2), ["2012-12-31", "2013-03-31"]);

        let weeks = dates(&["2012-01-01", "2012-01-29", "2012-02-26"]);
        assert_eq!(weeks.frequency(), Frequency::Every(DAY * 28));
    }

    #[test]
    fn the_day_of_the_month_is_kept_where_months_are_short() {
        let thirtieths = dates(&["2019-11-30", "2019-12-30", "2020-01-30"]);
        assert_eq!(thirtieths.labels_after(2, 3), ["2020-02-29", "2020-03-30", "2020-04-30"]);
        let after_february = dates(&["2019-12-30", "2020-01-30", "2020-02-29"]);
        assert_eq!(after_february.labels_after(2, 2), ["2020-03-30", "2020-04-30"]);
        let business = dates(&["2020-01-31", "2020-02-28", "2020-03-31", "2020-04-30", "2020-05-29"]);
        assert_eq!(business.labels_after(4, 4), ["2020-06-30", "2020-07-31", "2020-08-31", "2020-09-30"]);
        assert_eq!(business.labels_after(1, 1), ["2020-03-31"]);
        assert_eq!(dates(&["2019-02-28", "2020-02-28"]).labels_after(1, 1), ["2021-02-28"]);
        let late_once: Vec<String> =
            (1..=12).map(|m| format!("2020-{m:02}-{:02}", if m == 5 { 2 } else { 1 })).collect();
        let late_once = dates(&late_once.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(late_once.labels_after(11, 2), ["2021-01-01", "2021-02-01"]);
    }

    /// The days from 2020-01-01, a Wednesday, that have one of these weekdays, 0 for Monday.
    fn days_on(weekdays: &[i16], days: i16) -> Vec<String> {
        let first = jiff::civil::date(2020, 1, 1);
        let all = (0..days).filter(|day| weekdays.contains(&((day + 2) % 7)));
        all.map(|day| first.saturating_add(Span::new().days(day)).to_string()).collect()
    }

    #[test]
    fn weekdays_are_those_that_the_rows_have() {
        let after = |mut rows: Vec<String>, more: &[&str]| {
            rows.extend(more.iter().map(ToString::to_string));
            rows.sort();
            let dates = dates(&rows.iter().map(String::as_str).collect::<Vec<_>>());
            (dates.skips_weekends(), dates.labels_after(dates.len() - 1, 3).join(" "))
        };
        // Until Friday, 2020-02-14, with one Saturday.
        let business = days_on(&[0, 1, 2, 3, 4], 45);
        assert_eq!(after(business, &["2020-01-18"]), (true, "2020-02-17 2020-02-18 2020-02-19".into()));
        let shop = days_on(&[0, 1, 2, 3, 4, 5], 45);
        assert_eq!(after(shop, &[]), (false, "2020-02-15 2020-02-17 2020-02-18".into()));
        let twice_a_week = days_on(&[1, 3], 45);
        assert_eq!(after(twice_a_week, &[]), (false, "2020-02-18 2020-02-20 2020-02-25".into()));
        let sunday_to_thursday = days_on(&[6, 0, 1, 2, 3], 45);
        assert_eq!(after(sunday_to_thursday, &[]), (false, "2020-02-16 2020-02-17 2020-02-18".into()));
        // Hardly any day has a row.
        let rare = dates(&["2012-01-02 00:00:00", "2012-01-02 00:00:01", "2012-01-02 00:00:02", "2022-01-02 00:00:00"]);
        assert_eq!(rare.frequency(), Frequency::Every(SignedDuration::from_secs(1)));
        let weeks = days_on(&[2], 45);
        assert_eq!(after(weeks, &[]), (false, "2020-02-19 2020-02-26 2020-03-04".into()));
    }

    #[test]
    fn offsets_tell_instants_apart() {
        let cells = ["2024-10-27 01:00:00+02:00", "2024-10-27 02:00:00+02:00", "2024-10-27 02:00:00+01:00"];
        let hours = dates(&cells);
        assert_eq!(hours.label(1), "2024-10-27 02:00+02:00");
        assert_eq!(hours.labels_after(2, 1), ["2024-10-27 03:00+01:00"]);
        assert_eq!(hours.frequency(), Frequency::Every(SignedDuration::from_hours(1)));
        // Local times that stand still or fall while instants rise.
        let same = dates(&["2024-10-27 02:00+02:00", "2024-10-27 02:00+01:00"]);
        assert_eq!(same.frequency(), Frequency::Every(SignedDuration::from_hours(1)));
        let falling = dates(&["2024-01-02T00:00+14:00", "2024-01-01T00:00-12:00"]);
        assert_eq!(falling.frequency(), Frequency::Every(SignedDuration::from_hours(2)));
        let labels: Vec<String> = (0..3).map(|row| hours.label(row)).collect();
        assert_eq!(dates(&labels.iter().map(String::as_str).collect::<Vec<_>>()), hours);

        let error = try_dates(&[cells[2], "2024-10-27 01:30+00:00", cells[1]]).unwrap_err();
        assert!(error.to_string().starts_with("t.csv, line 4, column `day`: expected a date after 2024-10-27 01:30"));
        let error = try_dates(&[cells[2], "2024-10-27 01:00Z"]).unwrap_err();
        assert!(matches!(error, DataError::DuplicateDate { .. }), "{error}");
        assert_eq!(
            try_dates(&["2024-10-27 01:00", "2024-10-27 02:00Z"]).unwrap_err().to_string(),
            "t.csv, line 3, column `day`: expected an offset from UTC, such as +02:00, in every row or in none, found \
             `2024-10-27 02:00Z` after `2024-10-27 01:00` (line 2)"
        );
        let days = dates(&["2024-10-26T00:00+02:00", "2024-10-27T00:00+02:00", "2024-10-28T00:00+01:00"]);
        assert_eq!(days.labels_after(2, 1), ["2024-10-29 00:00+01:00"]);
    }

    #[test]
    fn half_hours_continue_past_midnight() {
        let halves = dates(&["2012-01-31 23:00", "2012-01-31 23:30"]);
        assert_eq!(halves.labels_after(1, 1), ["2012-02-01 00:00"]);
    }

    #[test]
    fn single_row_is_daily_and_the_calendar_is_clamped() {
        assert_eq!(dates(&["2012-12-31"]).labels_after(0, 1), ["2013-01-01".to_string()]);
        assert_eq!(dates(&["9999-12-31"]).labels_after(0, 1), ["9999-12-31".to_string()]);
    }

    #[test]
    fn invalid_dates_are_rejected() {
        for cell in ["31.01.2012", "2012-02-30", "", "Tuesday", "2012-13-01"] {
            assert_eq!(
                try_dates(&["2012-01-01", cell]).unwrap_err().to_string(),
                format!(
                    "t.csv, line 3, column `day`: expected a date such as 2012-01-31, 2012/01/31 \
                     or 2012-01-31 18:30, found `{cell}`"
                )
            );
        }
    }

    #[test]
    fn dates_must_be_strictly_increasing() {
        let error = try_dates(&["2012-01-02", "2012-01-03", "2012-01-01"]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "t.csv, line 4, column `day`: expected a date after 2012-01-03 (line 3), found \
             2012-01-01; sort the rows by time, or name the column of ids if there are several series"
        );
        let error = try_dates(&["2012-01-02", "2012-01-02"]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "t.csv, line 3, column `day`: expected each date once, found 2012-01-02 again \
             (first on line 2); keep one of them, or name the column of ids if there are several series"
        );
    }

    #[test]
    fn each_series_has_its_own_order_and_frequency() {
        let cells = ["2012-01-02", "2012-01-03", "2012-01-01", "2012-02-01", "2012-03-01"];
        let dates = try_series(&cells, &[0, 2]).unwrap();
        assert_eq!(dates.labels_after(0, 1), ["2012-01-03"]);
        assert_eq!(dates.labels_after(1, 2), ["2012-01-04", "2012-01-05"]);
        assert_eq!(dates.labels_after(4, 2), ["2012-04-01", "2012-05-01"]);
        assert_eq!(dates.frequency(), Frequency::Every(DAY));
        assert!(matches!(dates.frequency_at(2), Frequency::Months { count: 1, day: 1, .. }));
        assert_eq!(dates.series().collect::<Vec<_>>(), [0..2, 2..5]);
        assert_eq!(dates.head(3).series().collect::<Vec<_>>(), [0..2, 2..3]);
        assert!(dates.head(2).series().eq(std::iter::once(0..2)));
        let error = try_series(&["2012-01-02", "2012-01-02", "2012-01-02"], &[0, 1]).unwrap_err().to_string();
        assert_eq!(
            error,
            "t.csv, line 4, column `day`: expected each date once, found 2012-01-02 again (first on line 3); keep one \
             of them"
        );
        let error = try_series(&["2012-01-02", "2012-01-02 00:00Z"], &[0, 1]).unwrap_err();
        assert!(matches!(error, DataError::MixedOffsets { .. }), "{error}");
    }
}
