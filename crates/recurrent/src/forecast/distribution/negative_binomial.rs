//! Counts and their distribution.

use statrs::distribution::{ContinuousCDF, Normal};
use statrs::function::beta::beta_reg;

use crate::{Error, Result};

/// Where both parameters are above this, quantiles come from the moments.
const MANY: f64 = 3000.0;
/// Above this mean and with a few `r`, quantiles are proportional to the mean.
const HUGE_MEAN: f64 = 1e8;
/// The largest shape, at which nearly all counts are 0.
const MAX_SHAPE: f64 = 1e6;

/// Checks that a column has counts alone. Rows are numbered from 1.
///
/// # Errors
/// If a value is negative or not a whole number; it names the first one's row.
pub fn check_counts(column: &str, values: &[f64]) -> Result<()> {
    let wrong = values.iter().position(|value| *value < 0.0 || value.fract() != 0.0);
    wrong.map_or(Ok(()), |row| {
        Err(Error::Input {
            what: format!("column `{column}`, row {}", row + 1),
            expected: "a whole number of at least 0, of which `negative-binomial` is a distribution".into(),
            found: values[row].to_string(),
        })
    })
}

/// A negative binomial distribution of a mean `μ` and a shape `α`, with the variance `μ + α μ²`.
#[derive(Debug, Clone, Copy)]
pub(super) struct NegativeBinomial {
    mean: f64,
    /// `1/α`: the shape of the gamma distribution of the rates.
    r: f64,
}

impl NegativeBinomial {
    /// Both are positive and finite.
    pub(super) fn new(mean: f64, shape: f64) -> Self {
        Self { mean, r: shape.min(MAX_SHAPE).recip() }
    }

    /// The smallest count with a probability of at least `level`, between 0 and 1, that it is not exceeded.
    ///
    /// If mean and `r` are above 3000, it is the Cornish–Fisher expansion of the third order (Cornish & Fisher 1938),
    /// within 1/1000 of the standard deviation. If the mean is above 10⁸ and `r` is not, it is in proportion to the mean,
    /// as the distribution of the rates is; within 1/10,000.
    pub(super) fn quantile(self, level: f64) -> f64 {
        if self.mean > MANY && self.r > MANY {
            self.expanded_quantile(level)
        } else if self.mean > HUGE_MEAN {
            let smaller = Self { mean: HUGE_MEAN, ..self };
            (smaller.searched_quantile(level) * (self.mean / HUGE_MEAN)).round()
        } else {
            self.searched_quantile(level)
        }
    }

    /// By bisection. The midpoints do not depend on the level, so that a higher level never has a smaller quantile.
    fn searched_quantile(self, level: f64) -> f64 {
        if self.cdf(0.0) >= level {
            return 0.0;
        }
        let (mut low, mut high) = (0.0, self.mean.ceil());
        // Up to where counts are no longer exact.
        while self.cdf(high) < level && high < 2_f64.powi(53) {
            (low, high) = (high, 2.0 * high);
        }
        while high - low > 1.0 {
            let middle = (low + 0.5 * (high - low)).floor();
            if self.cdf(middle) >= level {
                high = middle;
            } else {
                low = middle;
            }
        }
        high
    }

    /// The probability of at most `count`: a regularized incomplete beta function.
    fn cdf(self, count: f64) -> f64 {
        beta_reg(self.r, count + 1.0, self.r / (self.r + self.mean))
    }

    fn expanded_quantile(self, level: f64) -> f64 {
        let Self { mean, r } = self;
        let (p, q) = (r / (r + mean), mean / (r + mean));
        let skewness = (1.0 + q) / (r * q).sqrt();
        let excess = (6.0 + p * p / q) / r;
        let z = Normal::standard().inverse_cdf(level);
        let z = z + skewness * (z * z - 1.0) / 6.0 + excess * (z.powi(3) - 3.0 * z) / 24.0
            - skewness * skewness * (2.0 * z.powi(3) - 5.0 * z) / 36.0;
        // Half a count, since the expansion is of a continuous distribution.
        (mean + z * (mean / p).sqrt() - 0.5).ceil().max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEVELS: [f64; 6] = [0.001, 0.025, 0.1, 0.5, 0.8, 0.99];

    /// A mean and a shape, and `scipy.stats.nbinom.ppf` of the levels.
    const EXACT: [(f64, f64, [f64; 6]); 7] = [
        (0.3, 2.0, [0.0, 0.0, 0.0, 0.0, 1.0, 3.0]),
        (5.0, 0.5, [0.0, 0.0, 1.0, 4.0, 8.0, 19.0]),
        (40.0, 1e-6, [22.0, 28.0, 32.0, 40.0, 45.0, 55.0]),
        (1000.0, 0.01, [706.0, 805.0, 868.0, 997.0, 1087.0, 1259.0]),
        (2900.0, 1e-6, [2735.0, 2795.0, 2831.0, 2900.0, 2945.0, 3026.0]),
        (20000.0, 1.0 / 2900.0, [18793.0, 19228.0, 19492.0, 19998.0, 20334.0, 20935.0]),
        (3e7, 10.0, [0.0, 0.0, 0.0, 178017.0, 20816965.0, 476543346.0]),
    ];

    const APPROXIMATE: [(f64, f64, [f64; 6]); 6] = [
        (1e6, 0.0004, [939258.0, 961132.0, 974424.0, 999867.0, 1016813.0, 1047173.0]),
        (5000.0, 0.0002, [4695.0, 4805.0, 4872.0, 5000.0, 5084.0, 5235.0]),
        (100000.0, 0.0001, [96789.0, 97954.0, 98658.0, 99997.0, 100882.0, 102455.0]),
        (1e7, 1e-6, [9967619.0, 9979454.0, 9986561.0, 9999997.0, 10008826.0, 10024414.0]),
        (9e8, 0.5, [20430907.0, 108994174.0, 239315223.0, 755256145.0, 1347438783.0, 2987258433.0]),
        (1e11, 0.01, [71921397481.0, 81363991242.0, 87417636493.0, 99666864919.0, 108304391623.0, 124722561503.0]),
    ];

    #[test]
    fn quantiles_agree_with_scipy() {
        for (mean, shape, expected) in EXACT {
            let found = LEVELS.map(|level| NegativeBinomial::new(mean, shape).quantile(level));
            for (found, expected) in found.iter().zip(expected) {
                // In large counts a rounding error of the probability may pass over some.
                assert!((found - expected).abs() <= 1e-6 * expected, "{mean} {shape} {found} {expected}");
            }
        }
        for (mean, shape, expected) in APPROXIMATE {
            let deviation = (mean + shape * mean * mean).sqrt();
            let found = LEVELS.map(|level| NegativeBinomial::new(mean, shape).quantile(level));
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() <= 1.0 + 1e-3 * deviation, "{mean} {shape} {found} {expected}");
            }
        }
    }

    #[test]
    fn what_is_not_a_count_is_refused() {
        assert!(check_counts("sold", &[0.0, 3.0, 1e9]).is_ok());
        let error = |values: &[f64]| check_counts("sold", values).unwrap_err().to_string();
        let expected = "expected a whole number of at least 0, of which `negative-binomial` is a distribution";
        assert_eq!(error(&[0.0, 2.5, -1.0]), format!("column `sold`, row 2: {expected}, found 2.5"));
        assert_eq!(error(&[-1.0]), format!("column `sold`, row 1: {expected}, found -1"));
    }
}
