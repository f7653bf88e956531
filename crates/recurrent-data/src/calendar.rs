//! Positions in the cycles of the calendar.

use std::f64::consts::TAU;
use std::ops::Range;

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use crate::dates::Dates;
use crate::error::{DataError, Result};
use crate::role::{Role, Train};
use crate::series::Series;
use crate::split::Subset;

/// A cycle of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cycle {
    /// From January to December.
    Year,
    /// From Monday to Sunday.
    Week,
    /// From midnight to midnight.
    Day,
}

impl Cycle {
    /// All cycles, the longest first.
    pub const ALL: [Self; 3] = [Self::Year, Self::Week, Self::Day];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Year => "year",
            Self::Week => "week",
            Self::Day => "day",
        }
    }

    /// Its mean length in days.
    pub fn days(self) -> f64 {
        match self {
            Self::Year => 365.2425,
            Self::Week => 7.0,
            Self::Day => 1.0,
        }
    }

    /// The names of the sine and the cosine of 2π times the phase.
    fn wave_names(self) -> [String; 2] {
        ["sin", "cos"].map(|wave| format!("{wave}({})", self.name()))
    }

    /// The sine and the cosine of 2π times the phase.
    fn waves(self, at: DateTime) -> (f64, f64) {
        (TAU * self.phase(at)).sin_cos()
    }

    /// The part of the cycle that has passed at a time, in `[0, 1)`.
    pub fn phase(self, at: DateTime) -> f64 {
        let day = (f64::from(at.hour()) * 3600.0 + f64::from(at.minute()) * 60.0 + f64::from(at.second())) / 86_400.0;
        match self {
            Self::Year => (f64::from(at.day_of_year() - 1) + day) / f64::from(at.days_in_year()),
            Self::Week => (f64::from(at.weekday().to_monday_zero_offset()) + day) / 7.0,
            Self::Day => day,
        }
    }
}

impl<R: Role> Subset<R> {
    /// The number of rows in a cycle on average, if they pass through it twice and it has more than two: those of the series
    /// that has the longest course. `None` without dates.
    pub fn rows_in(&self, cycle: Cycle) -> Option<f64> {
        self.longest_course()?.rows_in(cycle, 2.0)
    }

    fn longest_course(&self) -> Option<Course> {
        let (series, dates) = (self.series(), self.series().dates()?);
        let by_series =
            self.segments().chunk_by(|a, b| series.segments()[a.segment].id == series.segments()[b.segment].id);
        let courses = by_series.map(|segments| Course::of(dates, segments.iter().map(|segment| segment.rows.clone())));
        courses.max_by(|a, b| a.days.total_cmp(&b.days))
    }
}

/// How much time passes in some rows of a series, without its gaps.
#[derive(Debug, Default)]
struct Course {
    days: f64,
    /// The distances between rows in this time.
    steps: usize,
}

impl Course {
    fn of(dates: &Dates, segments: impl IntoIterator<Item = Range<usize>>) -> Self {
        let mut course = Self::default();
        for rows in segments {
            if let [first, .., last] = dates.timestamps()[rows.clone()] {
                course.days += last.duration_since(first).as_secs_f64() / 86_400.0;
                course.steps += rows.len() - 1;
            }
        }
        course
    }

    /// The number of rows in a cycle on average, if there are so many turns of it and it has more than two rows.
    fn rows_in(&self, cycle: Cycle, turns: f64) -> Option<f64> {
        let in_cycle = cycle.days() * self.steps as f64 / self.days;
        (self.steps > 0 && self.days >= turns * cycle.days() && in_cycle > 2.0).then_some(in_cycle)
    }
}

/// Columns that tell where a row is in the cycles of the calendar: the sine and the cosine of 2π times the phase of each.
/// They are known for all rows to come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalendarFeatures {
    /// The cycles, the longest first.
    pub cycles: Vec<Cycle>,
}

impl CalendarFeatures {
    /// The cycles with more than two rows that the training rows of a series pass through at least twice; one and a half
    /// times are enough for the year, since so few data have more. None without dates.
    pub fn fit(train: &Subset<Train>) -> Self {
        let turns = |cycle| if cycle == Cycle::Year { 1.5 } else { 2.0 };
        let course = train.longest_course().unwrap_or_default();
        let counts = |cycle: &Cycle| course.rows_in(*cycle, turns(*cycle)).is_some();
        Self { cycles: Cycle::ALL.into_iter().filter(counts).collect() }
    }

    /// The names of the columns, such as `sin(day)` and `cos(day)`.
    pub fn names(&self) -> Vec<String> {
        self.cycles.iter().flat_map(|cycle| cycle.wave_names()).collect()
    }

    /// The values of the columns at a time.
    pub fn values(&self, at: DateTime) -> Vec<f64> {
        self.cycles.iter().flat_map(|cycle| <[f64; 2]>::from(cycle.waves(at))).collect()
    }

    /// The series with these columns after its own.
    ///
    /// # Errors
    /// If it has no dates, or a column of such a name.
    pub fn add_to(&self, series: Series) -> Result<Series> {
        self.cycles.iter().try_fold(series, |series, cycle| {
            let dates = series.dates().ok_or_else(|| DataError::NoColumn {
                path: series.source().to_string(),
                expected: "a column of dates, for the calendar",
            })?;
            let (sines, cosines) = dates.timestamps().iter().map(|at| cycle.waves(*at)).unzip();
            let [sine, cosine] = cycle.wave_names();
            series.with_column(&sine, sines)?.with_column(&cosine, cosines)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ColumnSelection, Gaps, SplitFractions, Table};

    fn phase(cycle: Cycle, at: &str) -> f64 {
        cycle.phase(at.parse().unwrap())
    }

    #[test]
    fn phases_are_those_of_the_calendar() {
        assert_eq!(phase(Cycle::Year, "2012-01-01T00:00"), 0.0);
        assert_eq!(phase(Cycle::Year, "2012-12-31T12:00"), 365.5 / 366.0);
        // A Wednesday.
        assert_eq!(phase(Cycle::Week, "2026-11-25T06:00"), 2.25 / 7.0);
        assert_eq!(phase(Cycle::Day, "2026-11-25T18:00"), 0.75);
    }

    #[test]
    fn a_cycle_counts_if_it_is_passed_through_twice() {
        let rows: String = (1..=20).map(|day| format!("2020-01-{day:02},1\n")).collect();
        let table = Table::from_bytes("t.csv", format!("date,x\n{rows}").as_bytes(), None).unwrap();
        let series = table.series(&ColumnSelection::default()).unwrap();
        let rows_in = |train: f64, cycle| {
            let rest = (1.0 - train) / 2.0;
            let split = series.clone().split(&SplitFractions::new(train, rest, rest).unwrap()).unwrap();
            split.train.rows_in(cycle)
        };
        // 18 and 14 days: two weeks end with the 15th.
        assert_eq!([0.9, 0.7].map(|train| rows_in(train, Cycle::Week)), [Some(7.0), None]);
        assert_eq!([Cycle::Day, Cycle::Year].map(|cycle| rows_in(0.9, cycle)), [None, None]);
    }

    /// The features of rows every `hours` hours from Monday, 2024-01-01, of which 70 % train.
    fn features(rows: i64, hours: i64) -> Vec<String> {
        let first: DateTime = "2024-01-01T00:00".parse().unwrap();
        let stamp = |row: i64| first.saturating_add(jiff::SignedDuration::from_hours(row * hours));
        let rows: String = (0..rows).map(|row| format!("{},1\n", stamp(row))).collect();
        let table = Table::from_bytes("t.csv", format!("t,x\n{rows}").as_bytes(), None).unwrap();
        let split = table.series(&ColumnSelection::default()).unwrap().split(&SplitFractions::default()).unwrap();
        CalendarFeatures::fit(&split.train).names()
    }

    #[test]
    fn features_are_those_of_cycles_that_the_rows_see() {
        assert_eq!(features(24 * 40, 1), ["sin(week)", "cos(week)", "sin(day)", "cos(day)"]);
        // 14 training days lack an hour of two weeks.
        assert_eq!(features(24 * 20, 1), ["sin(day)", "cos(day)"]);
        assert_eq!(features(24 * 3, 1), ["sin(day)", "cos(day)"]);
        // A day of two rows has none between its ends.
        assert_eq!(features(100, 12), ["sin(week)", "cos(week)"]);
        // 1.5 years of 365.2425 days are 547.9 days: 549 rows, of which 548 days pass.
        assert_eq!(features(784, 24), ["sin(year)", "cos(year)", "sin(week)", "cos(week)"]);
        assert_eq!(features(782, 24), ["sin(week)", "cos(week)"]);
    }

    #[test]
    fn values_are_on_the_unit_circle() {
        let calendar = CalendarFeatures { cycles: vec![Cycle::Week, Cycle::Day] };
        // Wednesday at six: 2.25 of 7 days, a quarter of a day.
        let values = calendar.values("2026-11-25T06:00".parse().unwrap());
        let week = std::f64::consts::TAU * 2.25 / 7.0;
        for (value, expected) in values.iter().zip([week.sin(), week.cos(), 1.0, 0.0]) {
            assert!((value - expected).abs() < 1e-12, "{values:?}");
        }
        let json = serde_json::to_string(&calendar).unwrap();
        assert_eq!(json, r#"{"cycles":["week","day"]}"#);
        assert_eq!(serde_json::from_str::<CalendarFeatures>(&json).unwrap(), calendar);
    }

    #[test]
    fn features_become_columns() {
        let calendar = CalendarFeatures { cycles: vec![Cycle::Day] };
        let read = |text: &str| {
            let table = Table::from_bytes("t.csv", text.as_bytes(), None).unwrap();
            table.series(&ColumnSelection::default()).unwrap()
        };
        let series = calendar.add_to(read("t,x\n2020-01-01 00:00,1\n2020-01-01 06:00,2\n")).unwrap();
        assert_eq!(series.names(), ["x", "sin(day)", "cos(day)"]);
        assert_eq!((series.value(0, 1), series.value(1, 1), series.value(0, 2)), (0.0, 1.0, 1.0));
        assert!(calendar.add_to(series).unwrap_err().to_string().contains("found `sin(day)`"));
        let error = calendar.add_to(read("x\n1\n")).unwrap_err().to_string();
        assert_eq!(error, "t.csv: expected a column of dates, for the calendar, found none");
        assert_eq!(CalendarFeatures::default().add_to(read("x\n1\n")).unwrap().names(), ["x"]);
    }

    #[test]
    fn the_longest_series_tells_the_cycles_without_its_gaps() {
        let days =
            |id: &str, days: &[i8]| -> String { days.iter().map(|day| format!("2020-01-{day:02},{id},1\n")).collect() };
        // Eleven days of `b` in two parts; 20 days lie between its first and its last row.
        let b: Vec<i8> = (1..=6).chain(16..=20).collect();
        let text = format!("day,id,x\n{}{}", days("a", &[1, 2]), days("b", &b));
        let table = Table::from_bytes("t.csv", text.as_bytes(), None).unwrap();
        let selection = ColumnSelection { series: Some("id".into()), gaps: Gaps::Split, ..ColumnSelection::default() };
        let fractions = SplitFractions::new(0.8, 0.1, 0.1).unwrap();
        let train = table.series(&selection).unwrap().split(&fractions).unwrap().train;
        // Of 13 rows, ten are before the 18th: five days pass until the 6th, and one from the 16th.
        assert_eq!(train.num_rows(), 10);
        let course = train.longest_course().unwrap();
        assert_eq!((course.days, course.steps), (6.0, 6));
        assert_eq!(train.rows_in(Cycle::Week), None);
    }
}
