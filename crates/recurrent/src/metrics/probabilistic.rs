//! Scores of quantiles and intervals.

/// The mean pinball loss of forecasts of the quantile of a level: `level · e` for an error `e = actual - predicted` above
/// 0, and `(level - 1) · e` below (Koenker & Bassett 1978). At the level 0.5 it is half the mean absolute error. NaN
/// without forecasts.
///
/// # Panics
/// If the lengths differ.
#[must_use]
pub fn pinball_loss(actual: &[f64], predicted: &[f64], level: f64) -> f64 {
    assert_eq!(actual.len(), predicted.len(), "the numbers of actual and predicted values differ");
    mean(actual.iter().zip(predicted).map(|(actual, predicted)| pinball(actual - predicted, level)), actual.len())
}

fn pinball(error: f64, level: f64) -> f64 {
    (level * error).max((level - 1.0) * error)
}

/// The continuous ranked probability score of one forecast, from its quantiles: `2 ∫ pinball(level) d level` from 0 to 1
/// (Gneiting & Ranjan 2011, eq. 7), in the unit of the values. Of a single quantile it is the absolute error.
///
/// Between two levels, which may be unevenly spaced, the integral is a trapezoid. Beyond the outermost levels the quantile
/// is taken to be that of this level, and the integral is exact: a distribution whose tails reach further is scored as if
/// they were cut there.
///
/// # Panics
/// If there is no level, the lengths differ, or the levels are not between 0 and 1 and increasing.
#[must_use]
pub fn quantile_crps(actual: f64, levels: &[f64], quantiles: &[f64]) -> f64 {
    assert_eq!(levels.len(), quantiles.len(), "the numbers of levels and quantiles differ");
    let in_range = levels.iter().all(|level| *level > 0.0 && *level < 1.0);
    assert!(in_range && levels.is_sorted_by(|a, b| a < b), "the levels are not between 0 and 1 and increasing");
    let (Some(first), Some(last)) = (levels.first(), levels.last()) else { panic!("there are no levels") };
    let errors: Vec<f64> = quantiles.iter().map(|quantile| actual - quantile).collect();
    let between = |index: usize| {
        let losses = pinball(errors[index - 1], levels[index - 1]) + pinball(errors[index], levels[index]);
        0.5 * (levels[index] - levels[index - 1]) * losses
    };
    // The means of the level, and of 1 - level, over the range below the first level and above the last.
    let below = first * pinball(errors[0], 0.5 * first);
    let above = (1.0 - last) * pinball(errors[errors.len() - 1], 0.5 * (1.0 + last));
    2.0 * (below + (1..levels.len()).map(between).sum::<f64>() + above)
}

/// The fraction of actual values within their intervals, bounds included. NaN without forecasts.
///
/// # Panics
/// If the lengths differ.
#[must_use]
pub fn coverage(actual: &[f64], lower: &[f64], upper: &[f64]) -> f64 {
    let covered = intervals(actual, lower, upper).filter(|(actual, lower, upper)| lower <= actual && actual <= upper);
    covered.count() as f64 / actual.len() as f64
}

/// The mean width of intervals, in the unit of the values. NaN without intervals.
///
/// # Panics
/// If the lengths differ.
#[must_use]
pub fn mean_width(lower: &[f64], upper: &[f64]) -> f64 {
    assert_eq!(lower.len(), upper.len(), "the numbers of lower and upper bounds differ");
    mean(lower.iter().zip(upper).map(|(lower, upper)| upper - lower), lower.len())
}

/// The mean interval score of central intervals (Winkler 1972; Gneiting & Raftery 2007, eq. 43): the width, and
/// `2/(1 - nominal)` times the distance of the actual value from the interval. `nominal` is the coverage that the intervals
/// are meant to have, such as 0.8. Lower is better; in the unit of the values. NaN without forecasts.
///
/// # Panics
/// If the lengths differ, or `nominal` is not between 0 and 1.
#[must_use]
pub fn interval_score(actual: &[f64], lower: &[f64], upper: &[f64], nominal: f64) -> f64 {
    assert!(nominal > 0.0 && nominal < 1.0, "expected a coverage between 0 and 1, found {nominal}");
    let score = |(actual, lower, upper): (f64, f64, f64)| {
        let outside = (lower - actual).max(0.0) + (actual - upper).max(0.0);
        upper - lower + 2.0 / (1.0 - nominal) * outside
    };
    mean(intervals(actual, lower, upper).map(score), actual.len())
}

/// Each actual value with the bounds of its interval.
fn intervals<'a>(actual: &'a [f64], lower: &'a [f64], upper: &'a [f64]) -> impl Iterator<Item = (f64, f64, f64)> + 'a {
    let lengths = (lower.len(), upper.len());
    assert_eq!(lengths, (actual.len(), actual.len()), "the numbers of actual values and bounds differ");
    actual.iter().zip(lower).zip(upper).map(|((actual, lower), upper)| (*actual, *lower, *upper))
}

fn mean(values: impl Iterator<Item = f64>, count: usize) -> f64 {
    values.sum::<f64>() / count as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use statrs::distribution::{ContinuousCDF, Normal};

    use super::*;

    fn assert_close(found: f64, expected: f64, tolerance: f64) {
        assert!((found - expected).abs() < tolerance, "{found} {expected}");
    }

    /// By hand: errors of 2, -1 and 0.
    #[test]
    fn pinball_loss_weighs_the_sides_by_the_level() {
        let loss = |level| pinball_loss(&[3.0, 1.0, 5.0], &[1.0, 2.0, 5.0], level);
        assert_close(loss(0.5), 0.5, 1e-12);
        assert_close(loss(0.1), (0.2 + 0.9) / 3.0, 1e-12);
        assert_close(loss(0.9), (1.8 + 0.1) / 3.0, 1e-12);
        assert!(pinball_loss(&[], &[], 0.5).is_nan());
    }

    /// By hand: the pinball losses are 0.5, 0.5 and 0.25, between them 0.125 + 0.09375; below 0.25 the integral is
    /// 2 · 0.25²/2, above 0.75 it is 1 · 0.25²/2.
    #[test]
    fn crps_of_three_quantiles_agrees_with_a_calculation_by_hand() {
        assert_close(quantile_crps(3.0, &[0.25, 0.5, 0.75], &[1.0, 2.0, 4.0]), 0.625, 1e-12);
        // Below all: 4 · (0.1 - 0.1²/2), (0.9 · 4 + 0.2 · 9)/2 · 0.7, 9 · 0.2²/2.
        let expected = 2.0 * (4.0 * 0.095 + 0.7 * (3.6 + 1.8) / 2.0 + 9.0 * 0.02);
        assert_close(quantile_crps(-3.0, &[0.1, 0.8], &[1.0, 6.0]), expected, 1e-12);
        assert_close(quantile_crps(3.0, &[0.5], &[7.5]), 4.5, 1e-12);
        assert_close(quantile_crps(8.0, &[0.2], &[7.5]), 0.5 * 1.0, 1e-12);
    }

    /// The closed form `σ (z (2 Φ(z) - 1) + 2 φ(z) - 1/√π)` (Gneiting & Raftery 2007, eq. 21), by `scipy.stats.norm`.
    #[test]
    fn crps_of_many_quantiles_agrees_with_the_closed_form_of_the_normal() {
        let normal = Normal::new(1.0, 2.0).unwrap();
        let levels: Vec<f64> = (1..4000).map(|k| f64::from(k) / 4000.0).collect();
        let quantiles: Vec<f64> = levels.iter().map(|level| normal.inverse_cdf(*level)).collect();
        for (actual, expected) in [(0.3, 0.5641451322181059), (-2.5, 2.4363160101638144)] {
            assert_close(quantile_crps(actual, &levels, &quantiles), expected, 1e-4);
        }
    }

    /// By hand: of the intervals [0, 2], [1, 4], [-1, 0], the values 2, 5, -2.5 are in, 1 above and 1.5 below.
    #[test]
    fn interval_scores_agree_with_a_calculation_by_hand() {
        let (actual, lower, upper) = ([2.0, 5.0, -2.5], [0.0, 1.0, -1.0], [2.0, 4.0, 0.0]);
        assert_close(coverage(&actual, &lower, &upper), 1.0 / 3.0, 1e-12);
        assert_close(mean_width(&lower, &upper), 2.0, 1e-12);
        assert_close(interval_score(&actual, &lower, &upper, 0.8), 2.0 + 10.0 * 2.5 / 3.0, 1e-12);
        assert!(coverage(&[], &[], &[]).is_nan() && interval_score(&[], &[], &[], 0.5).is_nan());
    }

    proptest! {
        /// The interval score is the sum of the pinball losses of its bounds, divided by half the level of the lower.
        #[test]
        fn interval_score_is_a_sum_of_pinball_losses(
            actual in -10.0..10.0f64, lower in -5.0..0.0f64, upper in 0.0..5.0f64, nominal in 0.1..0.95f64,
        ) {
            let tail = (1.0 - nominal) / 2.0;
            let losses = pinball_loss(&[actual], &[lower], tail) + pinball_loss(&[actual], &[upper], 1.0 - tail);
            let score = interval_score(&[actual], &[lower], &[upper], nominal);
            prop_assert!((score - losses / tail).abs() < 1e-9 * score.abs().max(1.0));
        }
    }
}
