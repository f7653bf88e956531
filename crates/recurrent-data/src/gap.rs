//! Gaps: where the rows of a series are further apart than their frequency says.

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;

use crate::frequency::{BUSINESS_DAYS, DAY, Frequency, Stamps, index, instant};

/// The mean length of a month in days.
const MONTH: f64 = 365.2425 / 12.0;
/// How far a distance may be from a whole number of steps. Months have 28 to 31 days, and clocks are not exact.
const TOLERANCE: f64 = 0.25;

/// A place between two rows where others are missing, or where the distance is not that of a number of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gap {
    /// The row after it, counted from the first of the series.
    pub(crate) row: usize,
    pub(crate) size: GapSize,
}

/// What is missing in a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GapSize {
    /// So many rows.
    Rows(usize),
    /// The rows of so many days, with an unknown number of rows each.
    Days(usize),
    /// The distance is no multiple of the step.
    Irregular,
}

impl GapSize {
    /// In words, as part of an error message.
    pub(crate) fn describe(self) -> String {
        match self {
            Self::Rows(1) => "1 row is missing".to_string(),
            Self::Rows(count) => format!("{count} rows are missing"),
            Self::Days(count) => format!("the rows of {count} such days are missing"),
            Self::Irregular => "the rows are not equally spaced".to_string(),
        }
    }
}

/// How far apart the rows of a series should be.
#[derive(Debug, Clone)]
pub(crate) struct Spacing<'a> {
    stamps: Stamps<'a>,
    /// Whether distances are measured between instants.
    by_instants: bool,
    frequency: Frequency,
    /// So many days in a row may be missing on weekdays.
    holidays: usize,
}

impl<'a> Spacing<'a> {
    /// The spacing that most rows have.
    pub(crate) fn of(stamps: Stamps<'a>) -> Self {
        let (frequency, holidays) = match stamps.frequency() {
            Frequency::Every(step) if pauses_on_weekends(stamps, step) => {
                (Frequency::OnWeekdays { step: DAY, weekdays: BUSINESS_DAYS }, 0)
            }
            Frequency::OnWeekdays { step, weekdays } => {
                (Frequency::OnWeekdays { step, weekdays }, holidays(stamps, weekdays))
            }
            frequency => (frequency, 0),
        };
        Self { stamps, by_instants: stamps.by_instants(), frequency, holidays }
    }

    /// All gaps, in order.
    pub(crate) fn gaps(&self) -> Vec<Gap> {
        let gap = |row| Some(Gap { row, size: self.gap_before(row)? });
        (1..self.stamps.local.len()).filter_map(gap).collect()
    }

    /// The gap between a row and the one before it.
    fn gap_before(&self, row: usize) -> Option<GapSize> {
        let days = |step: SignedDuration| step.as_secs_f64() / DAY.as_secs_f64();
        let distance = days(self.stamps.distance(row, self.by_instants));
        match self.frequency {
            Frequency::Every(step) => gap_of(distance / days(step)),
            Frequency::Months { count, .. } => gap_of(distance / (MONTH * f64::from(count))),
            Frequency::OnWeekdays { step, weekdays } => {
                let (before, date) = (self.stamps.local[row - 1].date(), self.stamps.local[row].date());
                let missing = days_between(before, date, weekdays);
                let size = if step == DAY { GapSize::Rows(missing) } else { GapSize::Days(missing) };
                (missing > self.holidays).then_some(size)
            }
        }
    }

    /// The dates of the rows that are missing in a gap; `None` if their number is not known.
    pub(crate) fn missing_dates(&self, gap: Gap) -> Option<impl Iterator<Item = (DateTime, Option<Offset>)>> {
        let GapSize::Rows(count) = gap.size else { return None };
        let offset = |row: usize| self.stamps.offsets.get(row).copied();
        let (before, end) = (gap.row - 1, instant(self.stamps.local[gap.row], offset(gap.row)));
        let (frequency, offset) = (self.frequency, offset(before));
        let after = std::iter::successors(Some(self.stamps.local[before]), move |stamp| Some(frequency.after(*stamp)));
        let dates = after.skip(1).take(count).map(move |stamp| (stamp, offset));
        Some(dates.take_while(move |(stamp, offset)| instant(*stamp, *offset) < end))
    }

    /// What the rows should be, as part of an error message: `a row every day`.
    pub(crate) fn describe(&self) -> String {
        match self.frequency {
            Frequency::Every(step) => format!("a row every {}", duration_text(step)),
            Frequency::Months { count: 1, .. } => "a row every month".to_string(),
            Frequency::Months { count, .. } => format!("a row every {count} months"),
            Frequency::OnWeekdays { weekdays, .. } => format!("rows on most {}", weekdays_text(weekdays)),
        }
    }

    /// Whether a gap may be the hour that local time skips in spring.
    pub(crate) fn is_spring_forward(&self, row: usize) -> bool {
        const HOUR: SignedDuration = SignedDuration::from_hours(1);
        let distance = self.stamps.distance(row, self.by_instants);
        let skipped = |step: SignedDuration| step <= HOUR && distance.checked_sub(step) == Some(HOUR);
        self.stamps.offsets.is_empty() && matches!(self.frequency, Frequency::Every(step) if skipped(step))
    }
}

/// The gap at a distance of so many steps.
fn gap_of(steps: f64) -> Option<GapSize> {
    let whole = steps.round().max(1.0);
    if (steps - whole).abs() > TOLERANCE {
        return Some(GapSize::Irregular);
    }
    (whole > 1.0).then_some(GapSize::Rows(whole as usize - 1))
}

/// How many days with rows may be missing in a row, as holidays: at most as many as a week has. In less than three weeks, from
/// which weekdays are inferred with less certainty, at most two.
fn holidays(stamps: Stamps, weekdays: [bool; 7]) -> usize {
    let days = weekdays.iter().filter(|has_rows| **has_rows).count();
    match stamps.local {
        [first, .., last] if last.duration_since(*first) >= DAY * 21 => days,
        _ => days.min(2),
    }
}

/// Whether rows of at most a week, too few to infer weekdays from, are uneven and none is on a weekend.
fn pauses_on_weekends(stamps: Stamps, step: SignedDuration) -> bool {
    let [first, .., last] = stamps.local else { return false };
    let on_weekend = |stamp: &DateTime| !BUSINESS_DAYS[index(stamp.weekday())];
    // From Friday to Monday.
    let is_daily = (DAY..=DAY * 3).contains(&step) && stamps.local.iter().all(|stamp| stamp.time() == first.time());
    let is_even = stamps.local.windows(3).all(|w| w[1].duration_since(w[0]) == w[2].duration_since(w[1]));
    is_daily && !is_even && last.duration_since(*first) <= DAY * 7 && !stamps.local.iter().any(on_weekend)
}

/// The days between two dates that are such weekdays.
fn days_between(before: Date, after: Date, weekdays: [bool; 7]) -> usize {
    let days = usize::try_from(after.duration_since(before).as_hours() / 24 - 1).unwrap_or(0);
    let first = index(before.weekday()) + 1;
    let count = |days: usize| (first..first + days).filter(|day| weekdays[day % 7]).count();
    days / 7 * count(7) + count(days % 7)
}

/// `day`, `30 minutes`.
fn duration_text(step: SignedDuration) -> String {
    let seconds = step.as_secs_f64();
    let units = [("day", 86_400.0), ("hour", 3600.0), ("minute", 60.0)];
    let (unit, length) = units.into_iter().find(|(_, length)| seconds % length == 0.0).unwrap_or(("second", 1.0));
    match seconds / length {
        1.0 => unit.to_string(),
        count => format!("{count} {unit}s"),
    }
}

/// `business days`, `of Tue, Thu`.
fn weekdays_text(weekdays: [bool; 7]) -> String {
    const NAMES: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    if weekdays == BUSINESS_DAYS {
        return "business days".to_string();
    }
    let names: Vec<&str> = NAMES.into_iter().zip(weekdays).filter(|(_, has)| *has).map(|(name, _)| name).collect();
    format!("of {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(cells: &[&str]) -> Vec<DateTime> {
        cells.iter().map(|cell| cell.parse().unwrap()).collect()
    }

    /// The gaps before rows, and what is expected.
    fn gaps(cells: &[&str]) -> (Vec<(usize, GapSize)>, String) {
        let local = parsed(cells);
        let spacing = Spacing::of(Stamps { local: &local, offsets: &[] });
        (spacing.gaps().iter().map(|gap| (gap.row, gap.size)).collect(), spacing.describe())
    }

    /// The dates that fill the first gap.
    fn filled(cells: &[&str]) -> Vec<String> {
        let local = parsed(cells);
        let spacing = Spacing::of(Stamps { local: &local, offsets: &[] });
        let dates = spacing.missing_dates(spacing.gaps()[0]).unwrap();
        dates.map(|(stamp, _)| stamp.strftime("%m-%d %H:%M").to_string()).collect()
    }

    #[test]
    fn steps_are_counted() {
        let days = ["2020-01-01", "2020-01-02", "2020-01-05", "2020-01-06"];
        assert_eq!(gaps(&days), (vec![(2, GapSize::Rows(2))], "a row every day".into()));
        assert_eq!(filled(&days), ["01-03 00:00", "01-04 00:00"]);
        let halves = ["2020-01-01T00:00", "2020-01-01T00:30", "2020-01-01T01:00", "2020-01-01T02:00"];
        assert_eq!(gaps(&halves), (vec![(3, GapSize::Rows(1))], "a row every 30 minutes".into()));
        assert_eq!(filled(&halves), ["01-01 01:30"]);
        assert!(gaps(&["2020-01-01", "2020-01-02", "2020-01-03"]).0.is_empty());
        assert!(gaps(&["2020-01-01"]).0.is_empty());
        // Clocks are not exact.
        assert!(gaps(&["2020-01-01T00:00:01", "2020-01-01T00:10:03", "2020-01-01T00:20:00"]).0.is_empty());
    }

    #[test]
    fn distances_between_steps_are_irregular() {
        let uneven =
            ["2020-01-01T00:00", "2020-01-01T01:00", "2020-01-01T02:00", "2020-01-01T03:00", "2020-01-01T04:24"];
        assert_eq!(gaps(&uneven).0, [(4, GapSize::Irregular)]);
        let additional = ["2020-01-01T00:00", "2020-01-01T01:00", "2020-01-01T01:06", "2020-01-01T02:00"];
        assert_eq!(gaps(&additional).0, [(2, GapSize::Irregular)]);
    }

    #[test]
    fn months_are_counted() {
        let ends = ["2020-01-31", "2020-02-29", "2020-03-31", "2020-04-30", "2020-06-30"];
        assert_eq!(gaps(&ends), (vec![(4, GapSize::Rows(1))], "a row every month".into()));
        assert_eq!(filled(&ends), ["05-31 00:00"]);
        let quarters = ["2019-03-31", "2019-06-30", "2019-12-31", "2020-03-31", "2020-06-30"];
        assert_eq!(gaps(&quarters), (vec![(2, GapSize::Rows(1))], "a row every 3 months".into()));
        let years = ["2000-01-01", "2001-01-01", "2002-01-01", "2005-01-01"];
        assert_eq!(gaps(&years).0, [(3, GapSize::Rows(2))]);
    }

    #[test]
    fn a_week_of_holidays_is_no_gap() {
        // Business days of January and February 2020, without those of some days.
        let without = |skipped: &dyn Fn(i8, i8) -> bool| {
            let days = (1..=31).map(|day| (1, day)).chain((1..=28).map(|day| (2, day)));
            let dates = days.map(|(month, day)| (month, day, jiff::civil::date(2020, month, day)));
            let business =
                dates.filter(|(month, day, date)| BUSINESS_DAYS[index(date.weekday())] && !skipped(*month, *day));
            business.map(|(_, _, date)| date.to_string()).collect::<Vec<_>>()
        };
        let found = |days: Vec<String>| gaps(&days.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(found(without(&|_, _| false)).0.is_empty());
        assert!(found(without(&|month, day| month == 1 && (20..=24).contains(&day))).0.is_empty());
        let longer = found(without(&|month, day| month == 1 && (20..=27).contains(&day)));
        assert_eq!(longer, (vec![(13, GapSize::Rows(6))], "rows on most business days".into()));
        // Without a Saturday, two weeks do not tell whether shops open then.
        let few = without(&|month, day| month == 2 || day > 14 || (8..=9).contains(&day));
        assert!(found(few).0.is_empty());
        let fewer = without(&|month, day| month == 2 || day > 14 || (7..=9).contains(&day));
        assert_eq!(found(fewer).0, [(4, GapSize::Rows(3))]);
        // Thursday, Friday, Monday, Tuesday: too few to infer weekdays from.
        assert!(gaps(&["2020-01-02", "2020-01-03", "2020-01-06", "2020-01-07"]).0.is_empty());
        assert!(gaps(&["2020-01-02", "2020-01-03", "2020-01-06"]).0.is_empty());
        assert!(gaps(&["2020-01-06", "2020-01-08", "2020-01-10"]).0.is_empty());
        assert_eq!(gaps(&["2020-01-06", "2020-01-07", "2020-01-10"]).0, [(2, GapSize::Rows(2))]);
        assert_eq!(gaps(&["2020-01-02", "2020-01-03", "2020-01-05", "2020-01-06"]).0, [(2, GapSize::Rows(1))]);
    }

    #[test]
    fn days_between_dates_are_counted_by_weekday() {
        let date = |day| jiff::civil::date(2020, 1, day);
        // From Friday to Monday, to Tuesday, over two weekends, and backwards.
        assert_eq!(days_between(date(3), date(6), BUSINESS_DAYS), 0);
        assert_eq!(days_between(date(3), date(7), BUSINESS_DAYS), 1);
        assert_eq!(days_between(date(3), date(14), BUSINESS_DAYS), 6);
        assert_eq!(days_between(date(3), date(31), [true; 7]), 27);
        assert_eq!(days_between(date(3), date(2), [true; 7]), 0);
    }

    #[test]
    fn the_hour_that_is_skipped_in_spring_is_told() {
        let spring = parsed(&["2020-03-28T23:00", "2020-03-29T00:00", "2020-03-29T01:00", "2020-03-29T03:00"]);
        let spacing = Spacing::of(Stamps { local: &spring, offsets: &[] });
        assert_eq!(spacing.gaps().iter().map(|gap| spacing.is_spring_forward(gap.row)).collect::<Vec<_>>(), [true]);
    }
}
