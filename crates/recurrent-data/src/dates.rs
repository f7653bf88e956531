//! When each row was: parsing, the typical step, and the dates that come next.

use jiff::{
    SignedDuration, Span,
    civil::{DateTime, Weekday},
};

use crate::{DataError, Result};

const DAY: SignedDuration = SignedDuration::from_hours(24);
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Points in time that rise strictly, one a row.
///
/// They are read from `2012-01-31` or `2012/01/31`, alone or followed by a time of day after a
/// blank or a `T`: `18:30`, `18:30:05`. They are what a wall clock shows: a time zone behind them,
/// as in `18:30Z` or `18:30+02:00`, is passed over.
#[derive(Debug, Clone, PartialEq)]
pub struct Dates {
    stamps: Vec<DateTime>,
    format: &'static str,
}

/// How far it is from one row to the next, typically.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Step {
    /// The same time after each row.
    Every(SignedDuration),
    /// Daily from Monday to Friday, as markets trade.
    Weekdays,
    /// So many months, on the same day of each or on the last.
    Months {
        /// 1 for monthly rows, 3 for quarterly ones, 12 for yearly ones.
        count: i32,
        /// Whether every row falls on the last day of its month.
        at_end: bool,
    },
}

impl Step {
    /// The point in time one step on; the last that a calendar holds, if there is none beyond.
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
    /// The first `rows` of them.
    pub(crate) fn head(&self, rows: usize) -> Self {
        Self { stamps: self.stamps[..rows].to_vec(), format: self.format }
    }

    /// Reads the cells of a date column, each with its line.
    pub(crate) fn parse<'a>(
        path: &str,
        column: &str,
        cells: impl IntoIterator<Item = (usize, &'a str)>,
    ) -> Result<Self> {
        let mut stamps: Vec<DateTime> = Vec::new();
        let mut previous: Option<(usize, &str)> = None;
        for (line, found) in cells {
            let stamp = parse(found).ok_or_else(|| DataError::BadDate {
                path: path.to_string(),
                line,
                column: column.to_string(),
                found: found.to_string(),
            })?;
            if let (Some(&last), Some(previous)) = (stamps.last(), previous)
                && stamp <= last
            {
                let repeated = stamp == last;
                return Err(not_after(path, column, (line, found), previous, repeated));
            }
            stamps.push(stamp);
            previous = Some((line, found));
        }
        let format = format(&stamps);
        Ok(Self { stamps, format })
    }

    /// How many rows have a date: all of them.
    pub fn len(&self) -> usize {
        self.stamps.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.stamps.is_empty()
    }

    /// The dates, one a row.
    pub fn stamps(&self) -> &[DateTime] {
        &self.stamps
    }

    /// The date of a row as it is shown: without the time of day if no row has one.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn label(&self, row: usize) -> String {
        self.show(self.stamps[row])
    }

    /// The median time from row to row, or months where the calendar explains it better. A gap
    /// here and there, such as a holiday, does not change it. A single row says nothing: a day.
    pub fn step(&self) -> Step {
        let gaps = self.stamps.windows(2).map(|w| w[1].duration_since(w[0]));
        match median(gaps.collect()) {
            None => Step::Every(DAY),
            Some(gap) if gap == DAY && self.has_no_weekend() => Step::Weekdays,
            Some(gap) => self.months().unwrap_or(Step::Every(gap)),
        }
    }

    /// Whether the rows are daily and none falls on a Saturday or Sunday.
    pub fn skips_weekends(&self) -> bool {
        self.step() == Step::Weekdays
    }

    /// Labels for the `n` steps that follow row `last`: what a forecast made there is for.
    ///
    /// They are steps of the calendar, which knows weekends if the rows do, but no holidays.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn continue_from(&self, last: usize, n: usize) -> Vec<String> {
        let step = self.step();
        let mut stamp = self.stamps[last];
        let mut next = || {
            stamp = step.after(stamp);
            self.show(stamp)
        };
        (0..n).map(|_| next()).collect()
    }

    fn show(&self, stamp: DateTime) -> String {
        stamp.strftime(self.format).to_string()
    }

    /// A week or more without a weekend is a rule; less may be chance.
    fn has_no_weekend(&self) -> bool {
        let is_weekend = |d: &DateTime| matches!(d.weekday(), Weekday::Saturday | Weekday::Sunday);
        let (Some(first), Some(last)) = (self.stamps.first(), self.stamps.last()) else {
            return false;
        };
        last.duration_since(*first) >= WEEK && !self.stamps.iter().any(is_weekend)
    }

    /// The step in months, if every row falls on the same day of its month or on its last, at the
    /// same time of day.
    fn months(&self) -> Option<Step> {
        let first = self.stamps.first()?;
        let all = |same: &dyn Fn(&DateTime) -> bool| self.stamps.iter().all(same);
        let at_end = all(&|d| d.day() == d.days_in_month());
        let on_one_day = all(&|d| d.day() == first.day());
        if !(at_end || on_one_day) || !all(&|d| d.time() == first.time()) {
            return None;
        }
        let month = |d: &DateTime| i32::from(d.year()) * 12 + i32::from(d.month());
        let gaps = self.stamps.windows(2).map(|w| month(&w[1]) - month(&w[0]));
        let count = median(gaps.collect())?;
        Some(Step::Months { count, at_end })
    }
}

fn parse(cell: &str) -> Option<DateTime> {
    // The parser passes over an offset by itself, but refuses `Z`, and knows no slashes.
    let wall_clock = cell.strip_suffix('Z').unwrap_or(cell);
    wall_clock.replace('/', "-").parse().ok()
}

/// As much of the time of day as any row has.
fn format(stamps: &[DateTime]) -> &'static str {
    if stamps.iter().any(|d| d.subsec_nanosecond() != 0) {
        "%Y-%m-%d %H:%M:%S%.f"
    } else if stamps.iter().any(|d| d.second() != 0) {
        "%Y-%m-%d %H:%M:%S"
    } else if stamps.iter().any(|d| d.hour() != 0 || d.minute() != 0) {
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
    fn every_way_to_write_a_date_is_read() {
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
    fn a_label_shows_the_time_of_day_where_there_is_one() {
        let hourly = dates(&["2012-01-31 00:00", "2012-01-31 01:00"]);
        assert_eq!(hourly.label(0), "2012-01-31 00:00");
        let seconds = dates(&["2012-01-31T00:00:00", "2012-01-31T00:00:05"]);
        assert_eq!(seconds.label(1), "2012-01-31 00:00:05");
    }

    #[test]
    fn daily_rows_go_on_daily() {
        let days = dates(&["2012-02-26", "2012-02-27", "2012-02-28"]);
        assert_eq!(days.step(), Step::Every(DAY));
        assert_eq!(days.continue_from(2, 2), ["2012-02-29", "2012-03-01"]);
        assert_eq!(days.continue_from(0, 1), ["2012-02-27"]);
    }

    #[test]
    fn a_market_rests_at_the_weekend() {
        // Thursday to the Friday after, Monday the 9th a holiday.
        let days = dates(&["2012-04-05", "2012-04-06", "2012-04-10", "2012-04-11", "2012-04-12", "2012-04-13"]);
        assert!(days.skips_weekends());
        assert_eq!(days.continue_from(5, 2), ["2012-04-16", "2012-04-17"]);
    }

    #[test]
    fn a_few_weekdays_do_not_make_a_market() {
        assert!(!dates(&["2012-04-09", "2012-04-10", "2012-04-11"]).skips_weekends());
    }

    #[test]
    fn months_are_steps_of_the_calendar() {
        let firsts = dates(&["2012-01-01", "2012-02-01", "2012-03-01"]);
        assert_eq!(firsts.continue_from(2, 2), ["2012-04-01", "2012-05-01"]);

        let quarters = dates(&["2012-03-31", "2012-06-30", "2012-09-30"]);
        assert_eq!(quarters.continue_from(2, 2), ["2012-12-31", "2013-03-31"]);

        let weeks = dates(&["2012-01-01", "2012-01-29", "2012-02-26"]);
        assert_eq!(weeks.step(), Step::Every(WEEK * 4));
    }

    #[test]
    fn half_hours_go_over_midnight() {
        let halves = dates(&["2012-01-31 23:00", "2012-01-31 23:30"]);
        assert_eq!(halves.continue_from(1, 1), ["2012-02-01 00:00"]);
    }

    #[test]
    fn a_single_row_is_followed_by_the_next_day_and_the_calendar_ends() {
        assert_eq!(dates(&["2012-12-31"]).continue_from(0, 1), ["2013-01-01".to_string()]);
        assert_eq!(dates(&["9999-12-31"]).continue_from(0, 1), ["9999-12-31".to_string()]);
    }

    #[test]
    fn what_is_no_date_is_refused() {
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
    fn time_runs_forward() {
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
