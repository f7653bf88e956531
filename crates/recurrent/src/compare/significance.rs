//! How sure a difference is.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

/// The mean of some numbers and how far they spread.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The standard deviation, with `n - 1`; 0 of a single number.
    pub deviation: f64,
    /// How many numbers.
    pub count: usize,
}

impl Spread {
    /// Of at least one number.
    pub fn of(numbers: &[f64]) -> Option<Self> {
        let count = numbers.len();
        if count == 0 {
            return None;
        }
        let mean = numbers.iter().sum::<f64>() / count as f64;
        let squares = numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>();
        Some(Self { mean, deviation: (squares / (count.max(2) - 1) as f64).sqrt(), count })
    }

    /// The variance of the mean.
    fn of_the_mean(&self) -> f64 {
        self.deviation.powi(2) / self.count as f64
    }
}

/// Welch's test of two samples whose spreads may differ (Welch 1947): whether their means do.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Welch {
    /// The mean of the first less that of the second.
    pub difference: f64,
    /// How probable a difference as large would be, in either direction, if there was none.
    pub p: f64,
}

impl Welch {
    /// Below this a difference is called one.
    pub const LEVEL: f64 = 0.05;

    /// Of two samples with at least two numbers each.
    ///
    /// Where neither spreads at all, any difference is certain.
    pub fn of(first: &[f64], second: &[f64]) -> Option<Self> {
        let [a, b] = [Spread::of(first)?, Spread::of(second)?];
        if a.count < 2 || b.count < 2 {
            return None;
        }
        let difference = a.mean - b.mean;
        let [va, vb] = [a.of_the_mean(), b.of_the_mean()];
        if va + vb == 0.0 {
            return Some(Self { difference, p: if difference == 0.0 { 1.0 } else { 0.0 } });
        }
        let freedom = (va + vb).powi(2) / (va.powi(2) / (a.count - 1) as f64 + vb.powi(2) / (b.count - 1) as f64);
        let student = StudentsT::new(0.0, 1.0, freedom).ok()?;
        let t = difference / (va + vb).sqrt();
        Some(Self { difference, p: (2.0 * student.cdf(-t.abs())).min(1.0) })
    }

    /// Whether the first mean is above the second, and not by chance.
    pub fn is_more(&self) -> bool {
        self.difference > 0.0 && self.p < Self::LEVEL
    }

    /// Whether the first mean is below the second, and not by chance.
    pub fn is_less(&self) -> bool {
        self.difference < 0.0 && self.p < Self::LEVEL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_agrees_with_scipy() {
        // scipy.stats.ttest_ind(a, b, equal_var=False)
        let a = [27.5, 21.0, 19.0, 23.6, 17.0, 17.9];
        let b = [27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0];
        let welch = Welch::of(&a, &b).unwrap();
        assert!((welch.p - 0.20198867735345505).abs() < 1e-9, "{}", welch.p);
        assert!((welch.difference - (21.0 - 23.5)).abs() < 1e-12);
        assert!(!welch.is_more() && !welch.is_less());
    }

    #[test]
    fn a_clear_difference_is_called_one_and_none_is_not() {
        let low = [0.1, 0.12, 0.09];
        let high = [0.9, 0.95, 0.88];
        assert!(Welch::of(&high, &low).unwrap().is_more());
        assert!(Welch::of(&low, &high).unwrap().is_less());
        let same = Welch::of(&low, &low).unwrap();
        assert!((same.p - 1.0).abs() < 1e-12 && !same.is_more() && !same.is_less());
        assert_eq!(Welch::of(&[1.0; 3], &[1.0; 3]).unwrap().p, 1.0);
        assert!(Welch::of(&[2.0; 3], &[1.0; 3]).unwrap().is_more());
    }

    #[test]
    fn a_single_number_decides_nothing() {
        assert_eq!(Welch::of(&[1.0], &[2.0, 3.0]), None);
        assert_eq!(Spread::of(&[]), None);
        assert_eq!(Spread::of(&[4.0]), Some(Spread { mean: 4.0, deviation: 0.0, count: 1 }));
    }
}
