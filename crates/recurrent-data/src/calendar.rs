//! Positions in the cycles of the calendar.

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use crate::dates::Dates;

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

impl Dates {
    /// The number of rows in a cycle on average, if the first `rows` rows pass through it twice and it has more than two.
    ///
    /// # Panics
    /// If there are fewer rows.
    pub fn rows_in(&self, cycle: Cycle, rows: usize) -> Option<f64> {
        let [first, .., last] = self.timestamps()[..rows] else { return None };
        let days = last.duration_since(first).as_secs_f64() / 86_400.0;
        let in_cycle = cycle.days() * (rows - 1) as f64 / days;
        (days >= 2.0 * cycle.days() && in_cycle > 2.0).then_some(in_cycle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ColumnSelection, Table};

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
        let dates = series.dates().unwrap();
        assert_eq!(dates.rows_in(Cycle::Week, 20), Some(7.0));
        assert_eq!(dates.rows_in(Cycle::Week, 14), None);
        assert_eq!(dates.rows_in(Cycle::Day, 20), None);
        assert_eq!(dates.rows_in(Cycle::Year, 20), None);
    }
}
