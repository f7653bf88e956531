//! The naive baselines (Hyndman & Athanasopoulos, "Forecasting: principles and practice", 5.2).

use recurrent_data::Series;
use serde::{Deserialize, Serialize};

/// A naive forecast from all rows up to the origin, in the column's unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Baseline {
    /// The last value is repeated: ŷ(t + h) = y(t).
    Persistence,
    /// The value of a season ago is repeated: ŷ(t + h) = y(t + h − m·⌈h / m⌉).
    Seasonal {
        /// Rows of a season, m.
        rows: usize,
    },
    /// The mean change so far continues: ŷ(t + h) = y(t) + h · (y(t) − y(0)) / t.
    Drift,
}

impl Baseline {
    /// Its name in a table.
    pub fn name(&self) -> String {
        match self {
            Self::Persistence => "persistence".into(),
            Self::Seasonal { rows } => format!("seasonal naive ({rows})"),
            Self::Drift => "drift".into(),
        }
    }

    /// The forecast of a column `step` rows (from 1) after the row `origin`; `None` if the series does not reach back far
    /// enough.
    pub fn forecast(&self, series: &Series, column: usize, origin: usize, step: usize) -> Option<f64> {
        let last = series.value(origin, column);
        match self {
            Self::Persistence => Some(last),
            Self::Seasonal { rows } => {
                let row = (origin + step).checked_sub(rows * step.div_ceil(*rows))?;
                Some(series.value(row, column))
            }
            Self::Drift => {
                let slope = (last - series.value(0, column)) / origin.max(1) as f64;
                Some(last + step as f64 * slope)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use recurrent_data::{ColumnSelection, Table};

    use super::*;

    fn counting() -> Series {
        let table = Table::from_bytes("test", b"y\n1\n2\n4\n8\n16\n", None).unwrap();
        table.series(&ColumnSelection::default()).unwrap()
    }

    #[test]
    fn persistence_repeats_the_last_value() {
        assert_eq!(Baseline::Persistence.forecast(&counting(), 0, 2, 2), Some(4.0));
    }

    #[test]
    fn seasonal_naive_never_reads_past_the_origin() {
        let series = counting();
        let seasonal = Baseline::Seasonal { rows: 2 };
        assert_eq!(seasonal.forecast(&series, 0, 2, 1), Some(2.0));
        assert_eq!(seasonal.forecast(&series, 0, 2, 2), Some(4.0));
        // Two seasons back, since one season before row 5 is still ahead of the origin.
        assert_eq!(seasonal.forecast(&series, 0, 2, 3), Some(2.0));
        assert_eq!(Baseline::Seasonal { rows: 9 }.forecast(&series, 0, 4, 1), None);
    }

    #[test]
    fn drift_continues_the_mean_change() {
        assert_eq!(Baseline::Drift.forecast(&counting(), 0, 4, 2), Some(16.0 + 2.0 * 15.0 / 4.0));
    }
}
