//! The typical distance between rows, inferred from their dates.

use std::fmt;

use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::Offset;
use jiff::{SignedDuration, Span};

pub(crate) const DAY: SignedDuration = SignedDuration::from_hours(24);
pub(crate) const BUSINESS_DAYS: [bool; 7] = [true, true, true, true, true, false, false];

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
    pub(crate) fn after(self, stamp: DateTime) -> DateTime {
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

/// Such as `every 30 minutes`, `every day from Monday to Friday`, `every month, on the last day`.
impl fmt::Display for Frequency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Every(time) => write!(f, "every {}", duration(time)),
            Self::OnWeekdays { step, weekdays: BUSINESS_DAYS } => {
                write!(f, "every {} from Monday to Friday", duration(step))
            }
            Self::OnWeekdays { step, weekdays } => {
                let names = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
                let named = names.into_iter().zip(weekdays).filter(|(_, has)| *has).map(|(name, _)| name);
                write!(f, "every {} on {}", duration(step), named.collect::<Vec<_>>().join(", "))
            }
            Self::Months { count, day, before_weekend } => {
                match count {
                    1 => write!(f, "every month")?,
                    12 => write!(f, "every year")?,
                    count => write!(f, "every {count} months")?,
                }
                match (day, before_weekend) {
                    (31, false) => write!(f, ", on the last day"),
                    (31, true) => write!(f, ", on the last business day"),
                    (day, false) => write!(f, ", on day {day}"),
                    (day, true) => write!(f, ", on day {day} or the business day before it"),
                }
            }
        }
    }
}

/// Such as `day`, `7 days`, `30 minutes`.
fn duration(time: SignedDuration) -> String {
    let seconds = time.as_secs();
    let units = [("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)];
    let is_whole = time.subsec_nanos() == 0 && seconds != 0;
    match units.into_iter().find(|(_, length)| is_whole && seconds % length == 0) {
        Some((unit, length)) if seconds == length => unit.to_string(),
        Some((unit, length)) => format!("{} {unit}s", seconds / length),
        None => format!("{} seconds", time.as_secs_f64()),
    }
}

/// The dates of the rows of one series, in time order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stamps<'a> {
    /// Local times.
    pub(crate) local: &'a [DateTime],
    /// As many as local times; none if the rows have none.
    pub(crate) offsets: &'a [Offset],
}

impl Stamps<'_> {
    /// Whether distances are measured between instants, or between local times, if all rows are at one time of day: days of
    /// local time have 23 to 25 hours.
    pub(crate) fn by_instants(&self) -> bool {
        let are_days = || self.local.windows(2).all(|w| w[0] < w[1] && w[0].time() == w[1].time());
        !self.offsets.is_empty() && !are_days()
    }

    /// The time between a row and the one before it.
    pub(crate) fn distance(&self, row: usize, by_instants: bool) -> SignedDuration {
        let at = |row: usize| match self.offsets.get(row) {
            Some(offset) if by_instants => instant(self.local[row], Some(*offset)),
            _ => self.local[row],
        };
        at(row).duration_since(at(row - 1))
    }

    /// The median distance between rows: see [`Dates::frequency`](crate::Dates::frequency).
    pub(crate) fn frequency(&self) -> Frequency {
        let by_instants = self.by_instants();
        let gaps = || (1..self.local.len()).map(|row| self.distance(row, by_instants));
        let is_even = gaps().zip(gaps().skip(1)).all(|(gap, next)| gap == next);
        let gap = if is_even { gaps().next() } else { median(gaps().collect()) };
        let Some(gap) = gap else {
            return Frequency::Every(DAY);
        };
        let months = (gap >= DAY * 28).then(|| self.months()).flatten();
        let weekdays = || (!is_even).then(|| self.weekdays()).flatten();
        months
            .or_else(|| weekdays().map(|weekdays| Frequency::OnWeekdays { step: gap.min(DAY), weekdays }))
            .unwrap_or(Frequency::Every(gap))
    }

    /// The weekdays that rows fall on, from Monday, if rows are on most days with such a weekday. Others have hardly any
    /// rows: those of a weekend in a week at least, others in four, since there are holidays.
    fn weekdays(&self) -> Option<[bool; 7]> {
        let mut days: Vec<Date> = self.local.iter().map(|stamp| stamp.date()).collect();
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
        let are_some = weekdays.contains(&true) && weekdays.contains(&false);
        (span > 7 && are_regular && are_some).then_some(weekdays)
    }

    /// The frequency in months, if nine in ten rows are on one day of the month.
    fn months(&self) -> Option<Frequency> {
        let matches = |(before_weekend, day): &(bool, i8)| {
            let fits = |stamp: &&DateTime| day_of_month(stamp.date(), *day, *before_weekend) == stamp.date();
            self.local.iter().filter(fits).count()
        };
        // The last of equal ones is best: the last day of the month, and no weekends.
        let all = [true, false].into_iter().flat_map(|before_weekend| (1..=31).map(move |day| (before_weekend, day)));
        let best = all.max_by_key(matches)?;
        let month = |d: &DateTime| i32::from(d.year()) * 12 + i32::from(d.month());
        let count = median(self.local.windows(2).map(|w| month(&w[1]) - month(&w[0])).collect())?;
        let (before_weekend, day) = best;
        (10 * matches(&best) >= 9 * self.local.len()).then_some(Frequency::Months { count, day, before_weekend })
    }
}

/// The time in UTC, clamped to the calendar; the local time if there is no offset.
pub(crate) fn instant(stamp: DateTime, offset: Option<Offset>) -> DateTime {
    let seconds = offset.map_or(0, Offset::seconds);
    stamp.saturating_sub(SignedDuration::from_secs(seconds.into()))
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
pub(crate) fn index(weekday: Weekday) -> usize {
    usize::from(weekday.to_monday_zero_offset().unsigned_abs())
}

fn median<T: Ord + Copy>(mut values: Vec<T>) -> Option<T> {
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequencies_are_written_in_words() {
        let every = |seconds| Frequency::Every(SignedDuration::from_secs(seconds)).to_string();
        assert_eq!([every(86_400), every(7 * 86_400), every(1_800)], ["every day", "every 7 days", "every 30 minutes"]);
        assert_eq!(every(1), "every second");
        assert_eq!(Frequency::Every(SignedDuration::from_millis(1_500)).to_string(), "every 1.5 seconds");
        let on = |weekdays| Frequency::OnWeekdays { step: DAY, weekdays }.to_string();
        assert_eq!(on(BUSINESS_DAYS), "every day from Monday to Friday");
        assert_eq!(on([true, false, false, true, false, false, false]), "every day on Monday, Thursday");
        let months = |count, day, before_weekend| Frequency::Months { count, day, before_weekend }.to_string();
        assert_eq!(months(1, 31, true), "every month, on the last business day");
        assert_eq!(months(3, 1, false), "every 3 months, on day 1");
        assert_eq!(months(12, 31, false), "every year, on the last day");
    }
}
