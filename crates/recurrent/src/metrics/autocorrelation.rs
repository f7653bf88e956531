//! Autocorrelations, and the test that there are none.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ChiSquared, ContinuousCDF};

/// The autocorrelations of equidistant values at the lags from 1 to `max_lag`: rₖ = Σ (xₜ − x̄)(xₜ₊ₖ − x̄) / Σ (xₜ −
/// x̄)² (Box, Jenkins & Reinsel 1994, section 2.1). Of n values there are at most n − 1. Those of a constant are NaN.
///
/// Of the one-step errors of a good forecast, 95 % lie within ±1.96 / √n.
#[must_use]
pub fn autocorrelations(values: &[f64], max_lag: usize) -> Vec<f64> {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let covariance = |lag: usize| {
        let pairs = values.iter().zip(&values[lag..]);
        pairs.map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>()
    };
    let lags = 1..=max_lag.min(values.len().saturating_sub(1));
    lags.map(|lag| covariance(lag) / covariance(0)).collect()
}

/// The result of a test of Ljung & Box.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LjungBox {
    /// Q = n (n + 2) Σ rₖ² / (n − k), over all lags.
    pub statistic: f64,
    /// The p-value of the hypothesis that the values are not correlated.
    pub p_value: f64,
}

/// The test of Ljung & Box (1978) that the autocorrelations of equidistant values up to `lags` are all 0: the statistic
/// has a χ² distribution with as many degrees of freedom.
///
/// `None` without a lag, if there are no more values than lags, or they do not vary.
#[must_use]
pub fn ljung_box(values: &[f64], lags: usize) -> Option<LjungBox> {
    if values.len() <= lags {
        return None;
    }
    let count = values.len() as f64;
    let terms = autocorrelations(values, lags).into_iter().zip(1..);
    let sum: f64 = terms.map(|(correlation, lag)| correlation.powi(2) / (count - f64::from(lag))).sum();
    let statistic = count * (count + 2.0) * sum;
    let distribution = ChiSquared::new(lags as f64).ok()?;
    statistic.is_finite().then(|| LjungBox { statistic, p_value: distribution.sf(statistic) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By `scripts/golden_forecast.py`, from statsmodels.
    const GOLDEN: &str = include_str!("../../tests/goldens/autocorrelation.json");

    #[derive(Deserialize)]
    struct Golden {
        cases: Vec<Case>,
    }

    #[derive(Deserialize)]
    struct Case {
        name: String,
        values: Vec<f64>,
        autocorrelations: Vec<f64>,
        statistic: f64,
        p_value: f64,
    }

    #[test]
    fn agrees_with_statsmodels() {
        for case in serde_json::from_str::<Golden>(GOLDEN).unwrap().cases {
            let lags = case.autocorrelations.len();
            for (found, expected) in autocorrelations(&case.values, lags).iter().zip(&case.autocorrelations) {
                assert!((found - expected).abs() < 1e-12, "{}: {found}, not {expected}", case.name);
            }
            let LjungBox { statistic, p_value } = ljung_box(&case.values, lags).unwrap();
            assert!((statistic / case.statistic - 1.0).abs() < 1e-12, "{}: {statistic}", case.name);
            assert!((p_value - case.p_value).abs() < 1e-9, "{}: {p_value}", case.name);
        }
    }

    #[test]
    fn few_or_constant_values_have_no_test() {
        assert!(autocorrelations(&[], 3).is_empty());
        assert_eq!(autocorrelations(&[1.0, 2.0, 4.0], 9).len(), 2);
        assert!(autocorrelations(&[2.0; 4], 1)[0].is_nan());
        for (values, lags) in [(&[2.0; 9][..], 2), (&[1.0, 2.0], 2), (&[1.0, 2.0, 0.0], 0), (&[], 0)] {
            assert_eq!(ljung_box(values, lags), None, "{values:?}");
        }
    }
}
