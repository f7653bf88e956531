//! Reading of raw outputs: quantiles and points in a column's own units.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

use super::negative_binomial::NegativeBinomial;
use super::{DistributionHead, MIN_MEAN, MIN_SCALE, MIN_SHAPE, OutputKind};

/// The largest raw output that is told from larger ones.
const MAX_RAW: f64 = 1e30;
/// The degrees of freedom from which on the quantiles of Student's distribution come from those of the normal one.
const MANY_FREEDOM: f64 = 1000.0;

impl DistributionHead {
    /// The quantiles of these levels, in the unit of the column, from the raw outputs of one target and step and the shift
    /// and scale of the column. They are finite if the raw outputs are, and a higher level never has a smaller quantile.
    ///
    /// Trained quantiles are interpolated linearly; beyond the outermost levels they are those of these levels. A point
    /// forecast is its own quantile at every level.
    ///
    /// # Panics
    /// If a level is not between 0 and 1, or the number of outputs does not fit.
    #[must_use]
    pub fn quantiles_of(&self, raw: &[f64], (shift, scale): (f64, f64), levels: &[f64]) -> Vec<f64> {
        let in_range = levels.iter().all(|level| *level > 0.0 && *level < 1.0);
        assert!(in_range, "expected levels between 0 and 1, found {levels:?}");
        let raw = self.clamp(raw);
        let quantile: Box<dyn Fn(f64) -> f64> = match self.kind {
            OutputKind::Point => Box::new(|_| raw[0]),
            OutputKind::Quantiles => {
                let trained = self.trained_quantiles(&raw);
                Box::new(move |level| interpolate(&self.levels, &trained, level))
            }
            OutputKind::Normal => Box::new(|level| raw[0] + deviation(raw[1]) * normal_quantile(level)),
            OutputKind::StudentT => {
                let freedom = 2.0 + softplus(raw[2]);
                let (location, scale) = (raw[0], deviation(raw[1]));
                Box::new(move |level| location + scale * student_quantile(freedom, level))
            }
            OutputKind::NegativeBinomial => {
                let counts = NegativeBinomial::new(count_mean(raw[0], (shift, scale)), softplus(raw[1]) + MIN_SHAPE);
                return levels.iter().map(|level| finite(counts.quantile(*level))).collect();
            }
        };
        levels.iter().map(|level| finite(quantile(*level) * scale + shift)).collect()
    }

    /// The point forecast in the unit of the column, from the raw outputs of one target and step and the shift and scale of
    /// the column: the mean of a distribution, the median of quantiles, and what the loss of a point forecast aims at.
    ///
    /// # Panics
    /// If the number of outputs does not fit.
    #[must_use]
    pub fn point_of(&self, raw: &[f64], (shift, scale): (f64, f64)) -> f64 {
        let location = self.clamp(raw)[0];
        match self.kind {
            OutputKind::NegativeBinomial => finite(count_mean(location, (shift, scale))),
            _ => finite(location * scale + shift),
        }
    }

    fn clamp(&self, raw: &[f64]) -> Vec<f64> {
        assert_eq!(raw.len(), self.num_outputs(), "{} outputs do not fit `{}`", raw.len(), self.kind);
        raw.iter().map(|value| value.clamp(-MAX_RAW, MAX_RAW)).collect()
    }

    /// The scaled quantiles of the levels.
    fn trained_quantiles(&self, raw: &[f64]) -> Vec<f64> {
        let median = self.lower_levels();
        let mut quantiles = vec![raw[0]; self.levels.len()];
        for index in (0..median).rev() {
            quantiles[index] = quantiles[index + 1] - softplus(raw[median - index]);
        }
        for index in median + 1..quantiles.len() {
            quantiles[index] = quantiles[index - 1] + softplus(raw[index]);
        }
        quantiles
    }
}

/// `ln(1 + eˣ)`.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

fn deviation(raw: f64) -> f64 {
    softplus(raw) + MIN_SCALE
}

/// The mean of a distribution of counts.
fn count_mean(location: f64, (shift, scale): (f64, f64)) -> f64 {
    (softplus(location + shift / scale) + MIN_MEAN) * scale
}

fn normal_quantile(level: f64) -> f64 {
    Normal::standard().inverse_cdf(level)
}

/// From 1000 degrees of freedom on it is the asymptotic expansion of the third order (Abramowitz & Stegun 1972, 26.7.5),
/// within 2e-8 of the quantile for levels from 1e-9 to 1 - 1e-9.
fn student_quantile(freedom: f64, level: f64) -> f64 {
    match StudentsT::new(0.0, 1.0, freedom) {
        Ok(student) if freedom < MANY_FREEDOM => student.inverse_cdf(level),
        _ => expanded_student_quantile(freedom, normal_quantile(level)),
    }
}

fn expanded_student_quantile(freedom: f64, z: f64) -> f64 {
    let square = z * z;
    let first = (square + 1.0) / 4.0;
    let second = ((5.0 * square + 16.0) * square + 3.0) / 96.0;
    let third = (((3.0 * square + 19.0) * square + 17.0) * square - 15.0) / 384.0;
    z * (1.0 + (first + (second + third / freedom) / freedom) / freedom)
}

/// A column's value, which rounding may have made infinite.
fn finite(value: f64) -> f64 {
    value.clamp(f64::MIN, f64::MAX)
}

/// The value at a level: linear between the levels, and constant beyond them.
fn interpolate(levels: &[f64], values: &[f64], level: f64) -> f64 {
    let above = levels.partition_point(|known| *known < level);
    if above == 0 {
        return values[0];
    }
    let (Some(next), Some(value)) = (levels.get(above), values.get(above)) else { return values[above - 1] };
    let fraction = (level - levels[above - 1]) / (next - levels[above - 1]);
    // A rounding error must not pass over the next one.
    (values[above - 1] + fraction * (value - values[above - 1])).min(*value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::ForecastLoss;
    use super::*;

    const LEVELS: [f64; 6] = [0.001, 0.025, 0.1, 0.5, 0.8, 0.99];

    fn head(kind: OutputKind) -> DistributionHead {
        DistributionHead::new(kind, ForecastLoss::Mse, vec![0.1, 0.4, 0.5, 0.9]).unwrap()
    }

    fn assert_close(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (a, b) in found.iter().zip(expected) {
            assert!((a - b).abs() < 1e-9 * b.abs().max(1.0), "{found:?} {expected:?}");
        }
    }

    /// By `scipy.stats.norm.ppf`.
    #[test]
    fn normal_quantiles_agree_with_scipy() {
        let expected =
            [5.138731858581641, 7.282520754836687, 8.569270974315069, 11.0, 12.596309673430182, 15.412402476265953];
        assert_close(&head(OutputKind::Normal).quantiles_of(&[0.25, -0.5], (10.0, 4.0), &LEVELS), &expected);
        assert_eq!(head(OutputKind::Normal).point_of(&[0.25, -0.5], (10.0, 4.0)), 11.0);
    }

    /// By `scipy.stats.t.ppf`; the scale is `softplus(1) + 1e-4`.
    #[test]
    fn student_quantiles_agree_with_scipy() {
        let expected = [
            (
                -40.0,
                [
                    -22.327124770119873,
                    -4.302652729749464,
                    -1.8856180831641267,
                    0.0,
                    1.0606601717798214,
                    6.9645567342832715,
                ],
            ),
            (
                -1.0,
                [
                    -16.08771248393383,
                    -3.7898094146439796,
                    -1.7781396667904055,
                    0.0,
                    1.0260724084763664,
                    5.816051816033637,
                ],
            ),
            (
                2.0,
                [
                    -6.953996341403281,
                    -2.74309009097589,
                    -1.5241384833283302,
                    0.0,
                    0.9376183756111083,
                    3.684067671957217,
                ],
            ),
            (
                900.0,
                [
                    -3.0992921793259796,
                    -1.9625974696062978,
                    -1.2824908316215196,
                    0.0,
                    0.8420199083347881,
                    2.3304891419917735,
                ],
            ),
            (
                1000.0,
                [
                    -3.0983858174394605,
                    -1.9623343344825912,
                    -1.2823970293926945,
                    0.0,
                    0.8419801041265429,
                    2.330075208642822,
                ],
            ),
            (
                50.0,
                [
                    -3.254512192484589,
                    -2.006646805061688,
                    -1.2980450162097468,
                    0.0,
                    0.8485882811380172,
                    2.4002246914183822,
                ],
            ),
            (
                1e4,
                [
                    -3.0910473529818576,
                    -1.9602011924434006,
                    -1.2816362127998848,
                    0.0,
                    0.8416571719536811,
                    2.3267207640800276,
                ],
            ),
            (
                1e7,
                [
                    -3.090233121180749,
                    -1.959964221767158,
                    -1.2815516502030657,
                    0.0,
                    0.8416212695170008,
                    2.3263482469482475,
                ],
            ),
        ];
        for (freedom, quantiles) in expected {
            let found = head(OutputKind::StudentT).quantiles_of(&[0.5, 1.0, freedom], (0.0, 1.0), &LEVELS);
            let scaled = quantiles.map(|quantile| 0.5 + 1.3133616875182228 * quantile);
            let error = |(a, b): (&f64, f64)| (a - b).abs() / b.abs().max(1.0);
            let error = found.iter().zip(scaled).map(error).fold(0.0, f64::max);
            assert!(error < 1e-8, "{freedom} {error}");
        }
    }

    #[test]
    fn trained_quantiles_are_sums_of_gaps_from_the_median() {
        let head = head(OutputKind::Quantiles);
        // softplus(ln(e - 1)) is 1, and softplus(ln(e² - 1)) is 2.
        let (one, two) = (1_f64.exp_m1().ln(), 2_f64.exp_m1().ln());
        let raw = [5.0, one, two, two];
        assert_close(&head.quantiles_of(&raw, (0.0, 1.0), &[0.1, 0.4, 0.5, 0.9]), &[2.0, 4.0, 5.0, 7.0]);
        // In the unit of the column, between the levels, and beyond them.
        let found = head.quantiles_of(&raw, (100.0, 10.0), &[0.01, 0.25, 0.45, 0.8, 0.95]);
        assert_close(&found, &[120.0, 130.0, 145.0, 165.0, 170.0]);
        assert_eq!(head.point_of(&raw, (100.0, 10.0)), 150.0);
    }

    #[test]
    fn a_point_is_its_own_quantile() {
        let head = head(OutputKind::Point);
        assert_eq!(head.quantiles_of(&[1.5], (1.0, 2.0), &[0.1, 0.9]), [4.0, 4.0]);
        assert_eq!(head.point_of(&[1.5], (1.0, 2.0)), 4.0);
    }

    /// By `scipy.stats.nbinom.ppf` with the mean 2 (softplus(0.25 + 3/2) + 1e-6) and the shape softplus(-0.5) + 1e-6.
    #[test]
    fn counts_are_in_the_unit_of_the_column() {
        let head = head(OutputKind::NegativeBinomial);
        assert_close(&[head.point_of(&[0.25, -0.5], (3.0, 2.0))], &[3.8204503008761743]);
        assert_eq!(head.quantiles_of(&[0.25, -0.5], (3.0, 2.0), &LEVELS), [0.0, 0.0, 0.0, 3.0, 6.0, 15.0]);
        // Far above 0 the mean is the location in the unit of the column, so that a residual base is itself.
        assert_close(&[head.point_of(&[30.0, 0.0], (1000.0, 10.0))], &[1300.0 + 1e-5]);
    }

    proptest! {
        #[test]
        fn quantiles_are_finite_and_rise_with_the_level(
            raw in prop::collection::vec(prop_oneof![-10.0..10.0f64, -1e3..1e3f64, -1e38..1e38f64, Just(f64::MAX)], 4),
            shift in -1e6..1e6f64,
            scale in prop_oneof![1e-6..1e6f64, Just(1.0), Just(1e38)],
        ) {
            let levels: Vec<f64> = [1e-9, 1e-4].into_iter().chain((1..40).map(|k| f64::from(k) / 40.0)).collect();
            let levels: Vec<f64> = levels.into_iter().chain([1.0 - 1e-4, 1.0 - 1e-9]).collect();
            for kind in OutputKind::ALL {
                let head = head(kind);
                let raw = &raw[..head.num_outputs()];
                let found = head.quantiles_of(raw, (shift, scale), &levels);
                prop_assert!(found.iter().all(|value| value.is_finite()), "{kind} {found:?}");
                prop_assert!(found.is_sorted(), "{kind} {found:?}");
                prop_assert!(head.point_of(raw, (shift, scale)).is_finite());
            }
        }
    }
}
