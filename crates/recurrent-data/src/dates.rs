//! Dates of rows: parsing, their typical frequency, and the dates that follow.

use jiff::{
    SignedDuration, Span,
    civil::{DateTime, Weekday},
};

use crate::error::{DataError, Result};

const DAY: SignedDuration = SignedDuration::from_hours(24);
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Strictly increasing dates or times, one per row.
///
/// They are parsed from `2012-01-31` or `2012/01/31`, optionally followed by a space or a `T` and a time of day,
/// `18:30` or `18:30:05`. They are local times: a time zone, as in `18:30Z` or `18:30+02:00`, is ignored.
#[derive(Debug, Clone, PartialEq)]
pub struct Dates {
    timestamps: Vec<DateTime>,
    format: &'static str,
}

/// The typical distance between consecutive rows.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Frequency {
    /// A fixed duration.
    Every(SignedDuration),
    /// Every day from Monday to Friday, as in market data.
    Weekdays,
    /// A number of months, on the same day of the month or on its last day.
    Months {
        /// 1 for monthly rows, 3 for quarterly rows, 12 for yearly rows.
        count: i32,
        /// Whether every row falls on the last day of its month.
        at_end: bool,
    },
}

impl Frequency {
    /// The next point in time, clamped to the end of the calendar.
    fn after(self, stamp: DateTime) -> DateTime {
        match self {
            Self::Every(time) => stamp.saturating_add(time),
            Self::Weekdays => stamp.saturating_add(match stamp.weekday() {
                Weekday::Friday => DAY * 3,
                Weekday::Saturday => DAY * 2,
                _ => DAY,
            }),
            Self::Months { count, at_end } => {
                let next = stamp.saturating_add(Span::new().months(count));
                if at_end { next.date().last_of_month().to_datetime(next.time()) } else { next }
            }
        }
    }
}

impl Dates {
    /// The dates of the first `rows` rows.
    pub(crate) fn head(&self, rows: usize) -> Self {
        Self { timestamps: self.timestamps[..rows].to_vec(), format: self.format }
    }

    /// Parses the cells of a date column, each given with its line.
    pub(crate) fn parse<'a>(
        path: &str,
        column: &str,
        cells: impl IntoIterator<Item = (usize, &'a str)>,
    ) -> Result<Self> {
        let mut timestamps: Vec<DateTime> = Vec::new();
        let mut previous: Option<(usize, &str)> = None;
        for (line, found) in cells {
            let stamp = parse(found).ok_or_else(|| DataError::InvalidDate {
                path: path.to_string(),
                line,
                column: column.to_string(),
                found: found.to_string(),
            })?;
            if let (Some(&last), Some(previous)) = (timestamps.last(), previous)
                && stamp <= last
            {
                let repeated = stamp == last;
                return Err(not_after(path, column, (line, found), previous, repeated));
            }
            timestamps.push(stamp);
            previous = Some((line, found));
        }
        let format = format(&timestamps);
        Ok(Self { timestamps, format })
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.timestamps.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.timestamps.is_empty()
    }

    /// The dates, one per row.
    pub fn timestamps(&self) -> &[DateTime] {
        &self.timestamps
    }

    /// The date of a row as text, without the time of day if no row has one.
    ///
    /// # Panics
    /// If `row` is out of range.
    pub fn label(&self, row: usize) -> String {
        self.show(self.timestamps[row])
    }

    /// The median distance between rows, as months where all rows fall on the same day of the month. Occasional gaps,
    /// such as holidays, do not change it. For a single row it is a day.
    pub fn frequency(&self) -> Frequency {
        let gaps = self.timestamps.windows(2).map(|w| w[1].duration_since(w[0]));
        match median(gaps.collect()) {
            None => Frequency::Every(DAY),
            Some(gap) if gap == DAY && self.has_no_weekend() => Frequency::Weekdays,
            Some(gap) => self.months().unwrap_or(Frequency::Every(gap)),
        }
    }

    /// Whether the rows are daily and none is on a Saturday or Sunday.
    pub fn skips_weekends(&self) -> bool {
        self.frequency() == Frequency::Weekdays
    }

    /// The labels of the `n` dates that follow row `last`, for a forecast made there. They skip weekends if the rows do,
    /// but not holidays.
    ///
    /// # Panics
    /// If `last` is out of range.
    pub fn labels_after(&self, last: usize, n: usize) -> Vec<String> {
        let frequency = self.frequency();
        let mut stamp = self.timestamps[last];
        let mut next = || {
            stamp = frequency.after(stamp);
            self.show(stamp)
        };
        (0..n).map(|_| next()).collect()
    }

    fn show(&self, stamp: DateTime) -> String {
        stamp.strftime(self.format).to_string()
    }

    /// Fewer than seven days without a weekend may be chance.
    fn has_no_weekend(&self) -> bool {
        let is_weekend = |d: &DateTime| matches!(d.weekday(), Weekday::Saturday | Weekday::Sunday);
        let (Some(first), Some(last)) = (self.timestamps.first(), self.timestamps.last()) else {
            return false;
        };
        last.duration_since(*first) >= WEEK && !self.timestamps.iter().any(is_weekend)
    }

    /// The frequency in months, if every row is on the same day of its month or on its last day, at the same time.
    fn months(&self) -> Option<Frequency> {
        let first = self.timestamps.first()?;
        let all = |same: &dyn Fn(&DateTime) -> bool| self.timestamps.iter().all(same);
        let at_end = all(&|d| d.day() == d.days_in_month());
        let on_one_day = all(&|d| d.day() == first.day());
        if !(at_end || on_one_day) || !all(&|d| d.time() == first.time()) {
            return None;
        }
        let month = |d: &DateTime| i32::from(d.year()) * 12 + i32::from(d.month());
        let gaps = self.timestamps.windows(2).map(|w| month(&w[1]) - month(&w[0]));
        let count = median(gaps.collect())?;
        Some(Frequency::Months { count, at_end })
    }
}

fn parse(cell: &str) -> Option<DateTime> {
    // The parser ignores an offset, but rejects `Z` and slashes.
    let wall_clock = cell.strip_suffix('Z').unwrap_or(cell);
    wall_clock.replace('/', "-").parse().ok()
}

/// The shortest format that shows every row completely.
fn format(timestamps: &[DateTime]) -> &'static str {
    if timestamps.iter().any(|d| d.subsec_nanosecond() != 0) {
        "%Y-%m-%d %H:%M:%S%.f"
    } else if timestamps.iter().any(|d| d.second() != 0) {
        "%Y-%m-%d %H:%M:%S"
    } else if timestamps.iter().any(|d| d.hour() != 0 || d.minute() != 0) {
        "%Y-%m-%d %H:%M"
    } else {
        "%Y-%m-%d"
    }
}

fn not_after(
    path: &str,
    column: &str,
    (line, found): (usize, &str),
    (previous_line, previous): (usize, &str),
    repeated: bool,
) -> DataError {
    let (path, column, found) = (path.to_string(), column.to_string(), found.to_string());
    if repeated {
        DataError::DuplicateDate { path, line, column, found, previous_line }
    } else {
        DataError::DatesOutOfOrder { path, line, column, found, previous: previous.to_string(), previous_line }
    }
}

fn median<T: Ord + Copy>(mut values: Vec<T>) -> Option<T> {
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn try_dates(cells: &[&str]) -> Result<Dates> {
        let lines = cells.iter().enumerate().map(|(i, cell)| (i + 2, *cell));
        Dates::parse("t.csv", "day", lines)
    }

    fn dates(cells: &[&str]) -> Dates {
        try_dates(cells).unwrap()
    }

    #[test]
    fn supported_date_formats_are_parsed() {
        for cell in [
            "2012-01-31",
            "2012/01/31",
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
        assert_eq!(weeks.frequency(), Frequency::Every(WEEK * 4));
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
             2012-01-01; sort the rows by time"
        );
        let error = try_dates(&["2012-01-02", "2012-01-02"]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "t.csv, line 3, column `day`: expected each date once, found 2012-01-02 again \
             (first on line 2)"
        );
    }
}
