//! Dates of rows: parsing, their typical frequency, and the dates that follow.

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::fmt::temporal::Pieces;
use jiff::tz::Offset;
use jiff::{SignedDuration, Span};

use crate::error::{DataError, Result};

const DAY: SignedDuration = SignedDuration::from_hours(24);
const DATE_FORMAT: &str = "%Y-%m-%d";

/// Strictly increasing dates or times, one per row.
///
/// They are parsed from `2012-01-31`, `2012/01/31` or `20120131`, optionally followed by a space or a `T` and a time of
/// day, `18:30` or `18:30:05`, and its offset from UTC, as in `18:30Z` or `18:30+02:00`. Either every row has an offset or
/// none; with offsets, the rows are in the order of the instants, and so 02:30+02:00 comes before 02:15+01:00.
#[derive(Debug, Clone, PartialEq)]
pub struct Dates {
    timestamps: Vec<DateTime>,
    /// As many as timestamps; none if the rows have none.
    offsets: Vec<Offset>,
    format: &'static str,
}

/// The typical distance between consecutive rows.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Frequency {
    /// A fixed duration.
    Every(SignedDuration),
    /// A fixed duration of at most a day, on some weekdays alone: from Monday to Friday, as in market data.
    OnWeekdays {
        /// The distance between rows of one day, or a day.
        step: SignedDuration,
        /// Which weekdays have rows, from Monday to Sunday.
        weekdays: [bool; 7],
    },
    /// A number of months.
    Months {
        /// 1 for monthly rows, 3 for quarterly rows, 12 for yearly rows.
        count: i32,
        /// The day of the month; the last one where a month has fewer days, so that 31 is the end of every month.
        day: i8,
        /// Whether a day on a weekend is moved back to Friday, as in the last business day of a month.
        before_weekend: bool,
    },
}

impl Frequency {
    /// The next point in time, clamped to the end of the calendar.
    fn after(self, stamp: DateTime) -> DateTime {
        match self {
            Self::Every(time) => stamp.saturating_add(time),
            Self::OnWeekdays { step, weekdays } => {
                let next = stamp.saturating_add(step);
                let days = (0..7).map(|days| next.saturating_add(DAY * days));
                days.clone().find(|day| weekdays[index(day.weekday())]).unwrap_or(next)
            }
            Self::Months { count, day, before_weekend } => {
                // The calendar is hardly longer than the largest span.
                let months = Span::new().try_months(count).unwrap_or_default();
                let month = stamp.date().first_of_month().saturating_add(months);
                day_of_month(month, day, before_weekend).to_datetime(stamp.time())
            }
        }
    }
}

impl Dates {
    /// The dates of the first `rows` rows.
    pub(crate) fn head(&self, rows: usize) -> Self {
        let offsets = self.offsets.iter().take(rows).copied().collect();
        Self { timestamps: self.timestamps[..rows].to_vec(), offsets, format: self.format }
    }

    /// Parses the cells of a date column, each given with its line.
    pub(crate) fn parse<'a>(
        path: &str,
        column: &str,
        cells: impl IntoIterator<Item = (usize, &'a str)>,
    ) -> Result<Self> {
        let mut dates = Self { timestamps: Vec::new(), offsets: Vec::new(), format: DATE_FORMAT };
        let mut previous: Option<(usize, &str)> = None;
        for (line, found) in cells {
            let (stamp, offset) = parse(found).ok_or_else(|| DataError::InvalidDate {
                path: path.to_string(),
                line,
                column: column.to_string(),
                found: found.to_string(),
            })?;
            if let Some(previous) = previous {
                dates.check_next(path, column, (line, found, stamp, offset), previous)?;
            }
            dates.timestamps.push(stamp);
            dates.offsets.extend(offset);
            previous = Some((line, found));
        }
        dates.format = dates.shortest_format();
        Ok(dates)
    }

    /// Whether a row can follow the last one.
    fn check_next(
        &self,
        path: &str,
        column: &str,
        (line, found, stamp, offset): (usize, &str, DateTime, Option<Offset>),
        (previous_line, previous): (usize, &str),
    ) -> Result<()> {
        let last = self.instants().next_back();
        let (path, column) = (path.to_string(), column.to_string());
        let (found, previous) = (found.to_string(), previous.to_string());
        if offset.is_some() == self.offsets.is_empty() {
            return Err(DataError::MixedOffsets { path, line, column, found, previous, previous_line });
        }
        let instant = Some(instant(stamp, offset));
        if instant == last {
            return Err(DataError::DuplicateDate { path, line, column, found, previous_line });
        }
        if instant < last {
            return Err(DataError::DatesOutOfOrder { path, line, column, found, previous, previous_line });
        }
        Ok(())
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

    /// The median distance between rows, as months where rows fall on the same day of the month. Occasional gaps, such as
    /// holidays, do not change it, and neither do a few rows on other days. For a single row it is a day.
    pub fn frequency(&self) -> Frequency {
        // Days of local time have 23 to 25 hours.
        let are_days = self.timestamps.windows(2).all(|w| w[0] < w[1] && w[0].time() == w[1].time());
        let stamps = if are_days { self.timestamps.clone() } else { self.instants().collect() };
        let gaps: Vec<SignedDuration> = stamps.windows(2).map(|w| w[1].duration_since(w[0])).collect();
        let is_even = gaps.windows(2).all(|w| w[0] == w[1]);
        let Some(gap) = median(gaps) else {
            return Frequency::Every(DAY);
        };
        let months = (gap >= DAY * 28).then(|| self.months()).flatten();
        let weekdays = || (!is_even).then(|| self.weekdays()).flatten();
        months
            .or_else(|| weekdays().map(|weekdays| Frequency::OnWeekdays { step: gap.min(DAY), weekdays }))
            .unwrap_or(Frequency::Every(gap))
    }

    /// Whether there are rows on most days from Monday to Friday, and hardly any on a Saturday or Sunday.
    pub fn skips_weekends(&self) -> bool {
        let business_days = [true, true, true, true, true, false, false];
        matches!(self.frequency(), Frequency::OnWeekdays { weekdays, .. } if weekdays == business_days)
    }

    /// The `n` dates that follow row `last`, for a forecast made there. They are on weekdays that the rows have, but do not
    /// skip holidays.
    ///
    /// # Panics
    /// If `last` is out of range.
    pub fn following(&self, last: usize, n: usize) -> Vec<DateTime> {
        let frequency = self.frequency();
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

    /// The rows as times in UTC, or as local times if they have no offset.
    fn instants(&self) -> impl DoubleEndedIterator<Item = DateTime> {
        self.timestamps.iter().enumerate().map(|(row, stamp)| instant(*stamp, self.offset(row)))
    }

    fn show(&self, stamp: DateTime, offset: Option<Offset>) -> String {
        let text = stamp.strftime(self.format).to_string();
        match offset.filter(|_| self.format != DATE_FORMAT) {
            Some(offset) => text + &offset_text(offset),
            None => text,
        }
    }

    /// The weekdays that rows fall on, from Monday, if rows are on most days with such a weekday. Others have hardly any
    /// rows: those of a weekend in a week at least, others in four, since there are holidays.
    fn weekdays(&self) -> Option<[bool; 7]> {
        let mut days: Vec<Date> = self.timestamps.iter().map(|stamp| stamp.date()).collect();
        days.dedup();
        let first = *days.first()?;
        let span = usize::try_from(days.last()?.duration_since(first).as_hours() / 24).ok()? + 1;
        let mut rows = [0; 7];
        days.iter().for_each(|day| rows[index(day.weekday())] += 1);
        let from_first = |weekday: usize| (weekday + 7 - index(first.weekday())) % 7;
        let dates: [usize; 7] = std::array::from_fn(|day| (span + 6 - from_first(day)) / 7);
        let is_skipped = |day: usize| 4 * rows[day] <= dates[day] && (day >= 5 || dates[day] >= 4);
        let weekdays: [bool; 7] = std::array::from_fn(|day| !is_skipped(day));
        let on_weekdays =
            |counts: [usize; 7]| -> usize { (0..7).filter(|day| weekdays[*day]).map(|day| counts[day]).sum() };
        let are_regular = 10 * on_weekdays(rows) >= 7 * on_weekdays(dates);
        (span > 7 && are_regular && weekdays.contains(&false)).then_some(weekdays)
    }

    /// The frequency in months, if nine in ten rows are on one day of the month.
    fn months(&self) -> Option<Frequency> {
        let matches = |(before_weekend, day): &(bool, i8)| {
            let fits = |stamp: &&DateTime| day_of_month(stamp.date(), *day, *before_weekend) == stamp.date();
            self.timestamps.iter().filter(fits).count()
        };
        // The last of equal ones is best: the last day of the month, and no weekends.
        let all = [true, false].into_iter().flat_map(|before_weekend| (1..=31).map(move |day| (before_weekend, day)));
        let best = all.max_by_key(matches)?;
        let month = |d: &DateTime| i32::from(d.year()) * 12 + i32::from(d.month());
        let count = median(self.timestamps.windows(2).map(|w| month(&w[1]) - month(&w[0])).collect())?;
        let (before_weekend, day) = best;
        (10 * matches(&best) >= 9 * self.len()).then_some(Frequency::Months { count, day, before_weekend })
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

/// The time in UTC, clamped to the calendar; the local time if there is no offset.
fn instant(stamp: DateTime, offset: Option<Offset>) -> DateTime {
    let seconds = offset.map_or(0, Offset::seconds);
    stamp.saturating_sub(SignedDuration::from_secs(seconds.into()))
}

/// `+02:00`, with seconds only if there are any.
fn offset_text(offset: Offset) -> String {
    let sign = if offset.is_negative() { '-' } else { '+' };
    let seconds = offset.seconds().unsigned_abs();
    let text = format!("{sign}{:02}:{:02}", seconds / 3600, seconds / 60 % 60);
    if seconds.is_multiple_of(60) { text } else { format!("{text}:{:02}", seconds % 60) }
}

/// A day of a month, given by any of its dates. It stays within the month, which may begin on a weekend.
fn day_of_month(month: Date, day: i8, before_weekend: bool) -> Date {
    let first = month.first_of_month();
    let date = first.saturating_add(Span::new().days(day.min(month.days_in_month()) - 1));
    let back = match date.weekday() {
        Weekday::Saturday if before_weekend => 1,
        Weekday::Sunday if before_weekend => 2,
        _ => 0,
    };
    date.saturating_sub(Span::new().days(back)).max(first)
}

/// 0 for Monday.
fn index(weekday: Weekday) -> usize {
    usize::from(weekday.to_monday_zero_offset().unsigned_abs())
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
