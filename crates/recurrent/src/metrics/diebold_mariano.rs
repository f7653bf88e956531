//! The test of equal accuracy of two forecasts.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// The two-sided p-value of the hypothesis that two forecasts are equally accurate (Diebold & Mariano 1995), from the
/// differences of their losses at consecutive origins. Forecasts of `horizon` steps overlap, so that the variance of the
/// mean takes in `horizon - 1` autocovariances, with the weights of Newey & West (1987) and the correction for few
/// forecasts of Harvey, Leybourne & Newbold (1997). With less than about twenty times as many forecasts as steps it still
/// rejects too often.
///
/// `None` if there are no more differences than steps, or they do not vary.
#[must_use]
pub fn diebold_mariano(differences: &[f64], horizon: usize) -> Option<f64> {
    if differences.len() <= horizon {
        return None;
    }
    let (count, steps) = (differences.len() as f64, horizon as f64);
    let mean = differences.iter().sum::<f64>() / count;
    let covariance = |lag: usize| {
        let pairs = differences.iter().zip(differences.get(lag..).unwrap_or_default());
        pairs.map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>() / count
    };
    let weighted = |lag: usize| 2.0 * (1.0 - lag as f64 / steps) * covariance(lag);
    let variance = covariance(0) + (1..horizon).map(weighted).sum::<f64>();
    let correction = (count + 1.0 - 2.0 * steps + steps * (steps - 1.0) / count) / count;
    let statistic = correction.sqrt() * mean / (variance / count).sqrt();
    let distribution = StudentsT::new(0.0, 1.0, count - 1.0).ok()?;
    statistic.is_finite().then(|| 2.0 * distribution.sf(statistic.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIFFERENCES: [f64; 8] = [0.5, 0.9, 0.4, -0.1, 0.3, 0.8, 1.1, 0.2];

    /// By numpy and `scipy.stats.t.sf`.
    #[test]
    fn agrees_with_a_calculation_elsewhere() {
        for (horizon, expected) in [(1, 0.008262275056704058), (3, 0.01671660809629843)] {
            let p = diebold_mariano(&DIFFERENCES, horizon).unwrap();
            assert!((p - expected).abs() < 1e-9, "{p}");
        }
    }

    #[test]
    fn has_no_value_for_equal_losses_or_too_few() {
        assert_eq!(diebold_mariano(&[0.0; 9], 2), None);
        assert_eq!(diebold_mariano(&DIFFERENCES, 8), None);
        assert_eq!(diebold_mariano(&[1.0], 1), None);
        assert_eq!(diebold_mariano(&[], 1), None);
    }
}
