//! Conformal calibration of quantiles on the validation rows.

use serde::{Deserialize, Serialize};

use super::DistributionHead;

/// Corrections of forecast quantiles, one for each step of the horizon and each level, such that on the validation rows
/// every central interval covers at least its nominal fraction of the actual values.
///
/// - For quantiles it is conformalized quantile regression (Romano, Patterson & Candès 2019): from `α/2` to `1 - α/2` both
///   bounds move outward by the quantile `(1 - α)(1 + 1/n)` of how far the `n` actual values lie outside of them (negative
///   inside).
/// - For point forecasts the bounds are order statistics of the signed residuals, `⌊(n + 1) α/2⌋` and
///   `⌈(n + 1)(1 - α/2)⌉`, around the point (split conformal prediction: Lei et al. 2018).
///
/// With too few values for a level, the most extreme one is taken. A level without its counterpart above or below the
/// median is not corrected, and neither is the median of a quantile forecast.
///
/// The coverage holds for new values that are exchangeable with those of validation. Forecasts of overlapping rows in a
/// changing series are not, so that it is no guarantee there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub struct Calibration {
    levels: Vec<f64>,
    /// `[step][level]`, in the unit of the column.
    corrections: Vec<Vec<f64>>,
}

/// A [`Calibration`] from a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    levels: Vec<f64>,
    corrections: Vec<Vec<f64>>,
}

impl TryFrom<Saved> for Calibration {
    type Error = String;

    fn try_from(Saved { levels, corrections }: Saved) -> Result<Self, String> {
        DistributionHead::check_levels(&levels).map_err(|error| error.to_string())?;
        let is_row = |row: &Vec<f64>| row.len() == levels.len() && row.iter().all(|value| value.is_finite());
        match corrections.iter().position(|row| !is_row(row)) {
            Some(step) => Err(format!("expected {} finite corrections for step {}", levels.len(), step + 1)),
            None if corrections.is_empty() => Err("expected corrections for at least one step, found none".into()),
            None => Ok(Self { levels, corrections }),
        }
    }
}

impl Calibration {
    /// The levels of the quantiles that it corrects.
    pub fn levels(&self) -> &[f64] {
        &self.levels
    }

    /// The steps that it has corrections for.
    pub fn horizon(&self) -> usize {
        self.corrections.len()
    }

    /// Corrects the quantiles of a step (from 0), one for each level; of a point forecast each is the point. Afterwards
    /// they are sorted and the intervals are nested: where corrections would cross, the outer bound moves outward. A step
    /// beyond the horizon is corrected as the last one.
    ///
    /// # Panics
    /// If there is not one quantile for each level.
    pub fn apply(&self, step: usize, quantiles: &mut [f64]) {
        assert_eq!(quantiles.len(), self.levels.len(), "expected a quantile for each level");
        let corrections = &self.corrections[step.min(self.horizon() - 1)];
        quantiles.iter_mut().zip(corrections).for_each(|(quantile, correction)| *quantile += correction);
        let median = self.levels.partition_point(|level| *level < 0.5);
        for index in (0..median).rev() {
            quantiles[index] = quantiles[index].min(quantiles[index + 1]);
        }
        for index in median + 1..quantiles.len() {
            quantiles[index] = quantiles[index].max(quantiles[index - 1]);
        }
    }
}

#[cfg(feature = "fit")]
mod fit {
    use super::{Calibration, DistributionHead};
    use crate::{Error, Result};

    /// Differences of levels that are rounding errors.
    const ROUNDING: f64 = 1e-9;

    impl Calibration {
        /// From forecasts of quantiles, `[forecast, step, level]`, and the actual values, `[forecast, step]`, both in the
        /// unit of the column.
        ///
        /// # Errors
        /// If the levels are not as [`DistributionHead::check_levels`] says, or there is no forecast.
        ///
        /// # Panics
        /// If the numbers of quantiles and values do not fit, or `horizon` is 0.
        pub fn of_quantiles(levels: &[f64], horizon: usize, quantiles: &[f64], actual: &[f64]) -> Result<Self> {
            assert_eq!(
                quantiles.len(),
                actual.len() * levels.len(),
                "each actual value needs a quantile of each level"
            );
            Self::by_step(levels, horizon, actual.len(), |steps| {
                let mut corrections = vec![0.0; levels.len()];
                for (lower, upper) in central_intervals(levels) {
                    let outside = |row: &usize| {
                        let quantiles = &quantiles[row * levels.len()..][..levels.len()];
                        (quantiles[lower] - actual[*row]).max(actual[*row] - quantiles[upper])
                    };
                    let scores = sorted(steps.iter().map(outside));
                    let correction = scores[at_least(levels[upper] - levels[lower], scores.len())];
                    (corrections[lower], corrections[upper]) = (-correction, correction);
                }
                corrections
            })
        }

        /// From point forecasts and the actual values, both `[forecast, step]` in the unit of the column.
        ///
        /// # Errors
        /// If the levels are not as [`DistributionHead::check_levels`] says, or there is no forecast.
        ///
        /// # Panics
        /// If the numbers of points and values do not fit, or `horizon` is 0.
        pub fn of_points(levels: &[f64], horizon: usize, points: &[f64], actual: &[f64]) -> Result<Self> {
            assert_eq!(points.len(), actual.len(), "each actual value needs a point forecast");
            Self::by_step(levels, horizon, actual.len(), |steps| {
                let residuals = sorted(steps.iter().map(|row| actual[*row] - points[*row]));
                let bound = |level: &f64| {
                    let upper = at_least(*level, residuals.len());
                    // The same from above.
                    let lower = residuals.len() - 1 - at_least(1.0 - level, residuals.len());
                    match level.total_cmp(&0.5) {
                        std::cmp::Ordering::Less => residuals[lower],
                        std::cmp::Ordering::Equal => 0.5 * (residuals[lower] + residuals[upper]),
                        std::cmp::Ordering::Greater => residuals[upper],
                    }
                };
                levels.iter().map(bound).collect()
            })
        }

        /// The corrections of each step, from the indices of its actual values.
        fn by_step(
            levels: &[f64],
            horizon: usize,
            values: usize,
            corrections: impl Fn(&[usize]) -> Vec<f64>,
        ) -> Result<Self> {
            DistributionHead::check_levels(levels)?;
            assert_eq!(values % horizon, 0, "each forecast needs an actual value for each step");
            if values == 0 {
                let what = "the calibration of the intervals".into();
                return Err(Error::Input {
                    what,
                    expected: "forecasts on the validation rows".into(),
                    found: "none".into(),
                });
            }
            let step = |step: usize| corrections(&(step..values).step_by(horizon).collect::<Vec<_>>());
            Ok(Self { levels: levels.to_vec(), corrections: (0..horizon).map(step).collect() })
        }
    }

    /// The pairs of a lower level and the upper one as far from 1.
    fn central_intervals(levels: &[f64]) -> Vec<(usize, usize)> {
        let counterpart = |(lower, level): (usize, &f64)| {
            let upper = levels.iter().position(|upper| (upper + level - 1.0).abs() < ROUNDING)?;
            (lower < upper).then_some((lower, upper))
        };
        levels.iter().enumerate().filter_map(counterpart).collect()
    }

    /// The index, among `count` sorted values, of the `⌈(count + 1) fraction⌉`-th, or else of the last.
    fn at_least(fraction: f64, count: usize) -> usize {
        let rank = ((count + 1) as f64 * fraction - ROUNDING).ceil();
        (rank as usize).clamp(1, count) - 1
    }

    fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calibration(corrections: &[&[f64]]) -> Calibration {
        let corrections = corrections.iter().map(|row| row.to_vec()).collect();
        Calibration { levels: vec![0.1, 0.25, 0.5, 0.75, 0.9], corrections }
    }

    #[test]
    fn corrected_quantiles_are_sorted() {
        let calibration = calibration(&[&[-1.0, 4.0, 0.0, -4.0, 1.0], &[3.0, -2.0, 0.0, 2.0, -3.0]]);
        let corrected = |step| {
            let mut quantiles = [-2.0, -1.0, 0.0, 1.0, 2.0];
            calibration.apply(step, &mut quantiles);
            quantiles
        };
        // The inner interval would end below its beginning, and the outer one within the inner.
        assert_eq!(corrected(0), [-3.0, 0.0, 0.0, 0.0, 3.0]);
        assert_eq!(corrected(1), [-3.0, -3.0, 0.0, 3.0, 3.0]);
        assert_eq!(corrected(7), corrected(1));
    }

    #[test]
    fn a_damaged_calibration_is_refused() {
        let saved = calibration(&[&[-1.0, -0.5, 0.0, 0.5, 1.0]]);
        assert_eq!(toml::from_str::<Calibration>(&toml::to_string(&saved).unwrap()).unwrap(), saved);
        let error = |text: &str| toml::from_str::<Calibration>(text).unwrap_err().to_string();
        let levels = "levels = [0.1, 0.5, 0.9]\n";
        assert!(error(&format!("{levels}corrections = [[1.0, 2.0, 3.0], [1.0, 2.0]]")).contains("for step 2"));
        assert!(error(&format!("{levels}corrections = [[1.0, 2.0, inf]]")).contains("expected 3 finite corrections"));
        assert!(error(&format!("{levels}corrections = []")).contains("at least one step"));
        assert!(error("levels = [0.9, 0.1]\ncorrections = [[1.0, 2.0]]").contains("increasing"));
    }

    #[cfg(feature = "fit")]
    mod fit {
        use proptest::prelude::*;

        use super::*;

        const LEVELS: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];

        /// By hand: the quantiles are -1, 0 and 1, the scores of 9 values |y| - 1 = -1 ⋯ 7. For the coverage 0.8 the rank is
        /// 8 of 9, for 0.5 it is 5, and with 0.9 beyond the last.
        #[test]
        fn quantiles_move_by_the_score_of_the_rank() {
            let actual = [0.0, -1.0, 2.0, -3.0, 4.0, -5.0, 6.0, -7.0, 8.0];
            let correction = |level: f64| {
                let levels = [level, 0.5, 1.0 - level];
                let quantiles = [-1.0, 0.0, 1.0].repeat(9);
                Calibration::of_quantiles(&levels, 1, &quantiles, &actual).unwrap().corrections[0].clone()
            };
            assert_eq!(correction(0.1), [-6.0, 0.0, 6.0]);
            assert_eq!(correction(0.25), [-3.0, 0.0, 3.0]);
            assert_eq!(correction(0.01), [-7.0, 0.0, 7.0]);
        }

        /// By hand: of the residuals 1, 2, ⋯ 9 the ranks are 10 times the level.
        #[test]
        fn bounds_of_points_are_residuals_of_their_own_side() {
            let residuals = [9.0, 1.0, 5.0, 2.0, 8.0, 3.0, 7.0, 4.0, 6.0];
            let levels = [0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99];
            let calibration = Calibration::of_points(&levels, 1, &[100.0; 9], &residuals.map(|r| 100.0 + r)).unwrap();
            assert_eq!(calibration.corrections[0], [1.0, 1.0, 2.0, 5.0, 8.0, 9.0, 9.0]);
            let even = Calibration::of_points(&levels, 1, &[0.0; 2], &[1.0, 2.0]).unwrap();
            assert_eq!(even.corrections[0][3], 1.5);
        }

        #[test]
        fn a_level_without_counterpart_is_left_alone() {
            let levels = [0.1, 0.3, 0.5, 0.9];
            let calibration = Calibration::of_quantiles(&levels, 1, &[0.0, 1.0, 2.0, 3.0], &[5.0]).unwrap();
            assert_eq!(calibration.corrections[0], [-2.0, 0.0, 0.0, 2.0]);
        }

        #[test]
        fn each_step_has_corrections_of_its_own() {
            let calibration = Calibration::of_points(&[0.5], 2, &[0.0; 4], &[1.0, 10.0, 3.0, 30.0]).unwrap();
            assert_eq!(calibration.corrections, [[2.0], [20.0]]);
            assert_eq!((calibration.horizon(), calibration.levels()), (2, &[0.5][..]));
        }

        #[test]
        fn there_is_no_calibration_without_forecasts() {
            let error = Calibration::of_points(&[0.5], 3, &[], &[]).unwrap_err().to_string();
            let expected = "the calibration of the intervals: expected forecasts on the validation rows, found none";
            assert_eq!(error, expected);
            assert!(Calibration::of_points(&[0.4], 1, &[0.0], &[0.0]).is_err());
        }

        /// Checks that each central interval covers at least its nominal fraction of the values, and that they are nested.
        fn check_coverage(calibration: &Calibration, quantiles: &[f64], actual: &[f64]) -> Result<(), TestCaseError> {
            let mut covered = [0; 2];
            for (actual, quantiles) in actual.iter().zip(quantiles.chunks(LEVELS.len())) {
                let mut quantiles = quantiles.to_vec();
                calibration.apply(0, &mut quantiles);
                prop_assert!(quantiles.is_sorted(), "{quantiles:?}");
                for (side, covered) in covered.iter_mut().enumerate() {
                    *covered += usize::from((quantiles[side]..=quantiles[4 - side]).contains(actual));
                }
            }
            for (side, nominal) in [0.9, 0.5].into_iter().enumerate() {
                prop_assert!(covered[side] as f64 >= nominal * actual.len() as f64, "{nominal}: {covered:?}");
            }
            Ok(())
        }

        proptest! {
            // Whole numbers, so that no bound is missed by a rounding error.
            #[test]
            fn the_validation_rows_are_covered(
                forecasts in prop::collection::vec((prop::collection::vec(-20..20i32, 5), -40..40i32), 1..60),
            ) {
                let actual: Vec<f64> = forecasts.iter().map(|(_, actual)| f64::from(*actual)).collect();
                let sorted = |(quantiles, _): &(Vec<i32>, i32)| {
                    let mut quantiles = quantiles.clone();
                    quantiles.sort_unstable();
                    quantiles.into_iter().map(f64::from)
                };
                let quantiles: Vec<f64> = forecasts.iter().flat_map(sorted).collect();
                let calibration = Calibration::of_quantiles(&LEVELS, 1, &quantiles, &actual).unwrap();
                check_coverage(&calibration, &quantiles, &actual)?;

                let points: Vec<f64> = quantiles.iter().skip(2).step_by(5).copied().collect();
                let calibration = Calibration::of_points(&LEVELS, 1, &points, &actual).unwrap();
                let repeated: Vec<f64> = points.iter().flat_map(|point| [*point; 5]).collect();
                check_coverage(&calibration, &repeated, &actual)?;
            }
        }
    }
}
