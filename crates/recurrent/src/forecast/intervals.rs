//! The scores of forecast intervals.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::metrics::{coverage, interval_score, mean_width, pinball_loss, quantile_crps, significant};

/// The scores of quantiles and of the central intervals between them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct IntervalScores {
    /// The continuous ranked probability score, from the quantiles, in the column's unit; that of a point forecast is its
    /// mean absolute error.
    pub crps: f64,
    /// The pinball loss of each level, in the column's unit.
    pub pinball: Vec<PinballScore>,
    /// The central intervals, the narrowest first.
    pub intervals: Vec<IntervalScore>,
}

/// The pinball loss at a level.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PinballScore {
    /// The level.
    pub level: f64,
    /// The mean loss.
    pub loss: f64,
}

/// The scores of a central interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct IntervalScore {
    /// The fraction of values that should lie in it.
    pub nominal: f64,
    /// The fraction that does.
    pub coverage: f64,
    /// Its mean width, in the column's unit.
    pub width: f64,
    /// The mean interval score (Winkler 1972), in the column's unit.
    pub score: f64,
}

impl IntervalScores {
    /// The scores of quantiles `[forecast][level]`, of levels that are symmetric about 0.5, against the actual values.
    pub(super) fn new(levels: &[f64], quantiles: &[&[f64]], actual: &[f64]) -> Self {
        let column = |level: usize| quantiles.iter().map(|row| row[level]).collect::<Vec<f64>>();
        let columns: Vec<Vec<f64>> = (0..levels.len()).map(column).collect();
        let crps = actual.iter().zip(quantiles).map(|(actual, row)| quantile_crps(*actual, levels, row)).sum::<f64>();
        let pinball = levels.iter().zip(&columns);
        let interval = |lower: usize| {
            let (lower, upper) = (lower, levels.len() - 1 - lower);
            let nominal = levels[upper] - levels[lower];
            let (low, high) = (&columns[lower], &columns[upper]);
            IntervalScore {
                nominal,
                coverage: coverage(actual, low, high),
                width: mean_width(low, high),
                score: interval_score(actual, low, high, nominal),
            }
        };
        Self {
            crps: crps / actual.len() as f64,
            pinball: pinball
                .map(|(level, values)| PinballScore { level: *level, loss: pinball_loss(actual, values, *level) })
                .collect(),
            intervals: (0..levels.len() / 2).rev().map(interval).collect(),
        }
    }
}

impl fmt::Display for IntervalScores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let interval = |interval: &IntervalScore| {
            let [nominal, coverage] = [interval.nominal, interval.coverage].map(|fraction| 100.0 * fraction);
            format!("{coverage:.1} % in {nominal:.0} % (width {})", significant(interval.width, 3))
        };
        let intervals: Vec<String> = self.intervals.iter().map(interval).collect();
        write!(f, "Intervals: {}; CRPS {}", intervals.join(", "), significant(self.crps, 4))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_agree_with_a_calculation_by_hand() {
        let levels = [0.25, 0.5, 0.75];
        let quantiles: [&[f64]; 2] = [&[1.0, 2.0, 3.0], &[0.0, 4.0, 5.0]];
        let scores = IntervalScores::new(&levels, &quantiles, &[2.5, 6.0]);
        assert_eq!(scores.intervals.len(), 1);
        let IntervalScore { nominal, coverage, width, score } = scores.intervals[0];
        assert_eq!((nominal, coverage, width), (0.5, 0.5, 3.5));
        // Widths 2 and 5, and 1 above the second interval, times 2 / (1 - 0.5).
        assert_eq!(score, (2.0 + 5.0 + 4.0) / 2.0);
        // 0.5 · (0.5 and 2) on average.
        assert_eq!(scores.pinball[1], PinballScore { level: 0.5, loss: (0.25 + 1.0) / 2.0 });
        assert!(scores.to_string().starts_with("Intervals: 50.0 % in 50 % (width 3.500); CRPS "), "{scores}");
    }
}
