//! Means, standard deviations and Welch's t-test.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

/// The mean and the standard deviation of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MeanStd {
    /// The mean.
    pub mean: f64,
    /// The sample standard deviation, with divisor `n - 1`; 0 for a single value.
    pub std: f64,
    /// The sample size.
    pub count: usize,
}

impl MeanStd {
    /// Of a sample; `None` if it is empty.
    pub fn of(sample: &[f64]) -> Option<Self> {
        let count = sample.len();
        if count == 0 {
            return None;
        }
        let mean = sample.iter().sum::<f64>() / count as f64;
        let squares = sample.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
        Some(Self { mean, std: (squares / (count.max(2) - 1) as f64).sqrt(), count })
    }

    /// The variance of the mean.
    fn variance_of_mean(&self) -> f64 {
        self.std.powi(2) / self.count as f64
    }
}

/// Welch's two-sample t-test (Welch 1947), two-sided, without assuming equal variances.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WelchTest {
    /// The mean of the first sample minus that of the second.
    pub difference: f64,
    /// The p-value.
    pub p_value: f64,
}

impl WelchTest {
    /// The significance level.
    pub const ALPHA: f64 = 0.05;

    /// Tests two samples; `None` if one has fewer than two values.
    ///
    /// If neither sample varies, the p-value is 0 for different means and 1 for equal ones.
    pub fn of(first: &[f64], second: &[f64]) -> Option<Self> {
        let [a, b] = [MeanStd::of(first)?, MeanStd::of(second)?];
        if a.count < 2 || b.count < 2 {
            return None;
        }
        let difference = a.mean - b.mean;
        let [va, vb] = [a.variance_of_mean(), b.variance_of_mean()];
        if va + vb == 0.0 {
            return Some(Self { difference, p_value: if difference == 0.0 { 1.0 } else { 0.0 } });
        }
        let freedom = (va + vb).powi(2) / (va.powi(2) / (a.count - 1) as f64 + vb.powi(2) / (b.count - 1) as f64);
        let student = StudentsT::new(0.0, 1.0, freedom).ok()?;
        let t = difference / (va + vb).sqrt();
        Some(Self { difference, p_value: (2.0 * student.cdf(-t.abs())).min(1.0) })
    }

    /// Whether the first mean is significantly greater than the second.
    pub fn is_greater(&self) -> bool {
        self.difference > 0.0 && self.p_value < Self::ALPHA
    }

    /// Whether the first mean is significantly less than the second.
    pub fn is_less(&self) -> bool {
        self.difference < 0.0 && self.p_value < Self::ALPHA
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_matches_scipy() {
        // scipy.stats.ttest_ind(a, b, equal_var=False)
        let a = [27.5, 21.0, 19.0, 23.6, 17.0, 17.9];
        let b = [27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0];
        let test = WelchTest::of(&a, &b).unwrap();
        assert!((test.p_value - 0.20198867735345505).abs() < 1e-9, "{}", test.p_value);
        assert!((test.difference - (21.0 - 23.5)).abs() < 1e-12);
        assert!(!test.is_greater() && !test.is_less());
    }

    #[test]
    fn clear_differences_are_significant_and_equal_means_are_not() {
        let low = [0.1, 0.12, 0.09];
        let high = [0.9, 0.95, 0.88];
        assert!(WelchTest::of(&high, &low).unwrap().is_greater());
        assert!(WelchTest::of(&low, &high).unwrap().is_less());
        let same = WelchTest::of(&low, &low).unwrap();
        assert!((same.p_value - 1.0).abs() < 1e-12 && !same.is_greater() && !same.is_less());
        assert_eq!(WelchTest::of(&[1.0; 3], &[1.0; 3]).unwrap().p_value, 1.0);
        assert!(WelchTest::of(&[2.0; 3], &[1.0; 3]).unwrap().is_greater());
    }

    #[test]
    fn small_samples_have_no_test() {
        assert_eq!(WelchTest::of(&[1.0], &[2.0, 3.0]), None);
        assert_eq!(MeanStd::of(&[]), None);
        assert_eq!(MeanStd::of(&[4.0]), Some(MeanStd { mean: 4.0, std: 0.0, count: 1 }));
    }
}
