//! The naive baselines (Hyndman & Athanasopoulos, "Forecasting: principles and practice", 5.2).

use super::{Baseline, History};

/// The last value is repeated: ŷ(t + h) = y(t).
#[derive(Debug, Clone, Copy)]
pub struct Persistence;

impl Baseline for Persistence {
    fn name(&self) -> String {
        "persistence".into()
    }

    fn forecast(&self, history: &History, horizon: usize) -> Option<Vec<f64>> {
        Some(vec![history.value(history.origin()); horizon])
    }
}

/// The value of a season ago is repeated: ŷ(t + h) = y(t + h − m·⌈h / m⌉).
#[derive(Debug, Clone, Copy)]
pub struct SeasonalNaive {
    /// Rows of a season, m.
    pub rows: usize,
}

impl Baseline for SeasonalNaive {
    fn name(&self) -> String {
        format!("seasonal naive ({})", self.rows)
    }

    fn forecast(&self, history: &History, horizon: usize) -> Option<Vec<f64>> {
        let value = |step: usize| {
            let row = history.row_before(self.rows * step.div_ceil(self.rows) - step)?;
            Some(history.value(row))
        };
        (1..=horizon).map(value).collect()
    }
}

/// The mean change so far continues: ŷ(t + h) = y(t) + h · (y(t) − y(0)) / t, from the first row of the history on.
#[derive(Debug, Clone, Copy)]
pub struct Drift;

impl Baseline for Drift {
    fn name(&self) -> String {
        "drift".into()
    }

    fn forecast(&self, history: &History, horizon: usize) -> Option<Vec<f64>> {
        let last = history.value(history.origin());
        let steps = (history.origin() - history.start()).max(1);
        let slope = (last - history.value(history.start())) / steps as f64;
        Some((1..=horizon).map(|step| last + step as f64 * slope).collect())
    }
}

#[cfg(test)]
mod tests {
    use recurrent_data::{ColumnSelection, Series, Table};

    use super::*;

    fn counting() -> Series {
        let table = Table::from_bytes("test", b"y\n1\n2\n4\n8\n16\n", None).unwrap();
        table.series(&ColumnSelection::default()).unwrap()
    }

    #[test]
    fn persistence_repeats_the_last_value() {
        assert_eq!(Persistence.forecast(&History::new(&counting(), 0, 0..3), 2), Some(vec![4.0, 4.0]));
    }

    #[test]
    fn seasonal_naive_never_reads_past_the_origin() {
        let series = counting();
        // The third step is two seasons back, since one season before row 5 is still ahead of the origin.
        let forecast = SeasonalNaive { rows: 2 }.forecast(&History::new(&series, 0, 0..3), 3);
        assert_eq!(forecast, Some(vec![2.0, 4.0, 2.0]));
        assert_eq!(SeasonalNaive { rows: 9 }.forecast(&History::new(&series, 0, 0..5), 1), None);
    }

    #[test]
    fn drift_continues_the_mean_change() {
        let forecast = Drift.forecast(&History::new(&counting(), 0, 0..5), 2).unwrap();
        assert_eq!(forecast[1], 16.0 + 2.0 * 15.0 / 4.0);
    }
}
