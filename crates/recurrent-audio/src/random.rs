//! Random numbers that are the same on every machine.

use rand::{Rng, RngExt};

/// A number of about the normal distribution: the sum of twelve uniform ones, which no rounding of a logarithm can change.
pub(crate) fn normal(rng: &mut impl Rng) -> f64 {
    (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0
}

/// A number from −1 to 1.
pub(crate) fn uniform(rng: &mut impl Rng) -> f64 {
    f64::from(rng.next_u32().cast_signed()) / 2.0_f64.powi(31)
}

/// A number between two, which may be equal.
pub(crate) fn between((low, high): (f64, f64), rng: &mut impl Rng) -> f64 {
    low + (high - low) * rng.random::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    fn check_moments(mut next: impl FnMut(&mut StdRng) -> f64, deviation: f64) {
        let mut rng = StdRng::seed_from_u64(3);
        let numbers: Vec<f64> = (0..10_000).map(|_| next(&mut rng)).collect();
        let mean = numbers.iter().sum::<f64>() / 10_000.0;
        let variance = numbers.iter().map(|x| x * x).sum::<f64>() / 10_000.0;
        assert!(mean.abs() < 0.05 && (variance.sqrt() - deviation).abs() < 0.05, "{mean} {variance}");
    }

    #[test]
    fn numbers_have_their_mean_and_deviation() {
        check_moments(normal, 1.0);
        check_moments(uniform, 3.0_f64.sqrt().recip());
        check_moments(|rng| between((-1.0, 1.0), rng), 3.0_f64.sqrt().recip());
        assert_eq!(between((2.0, 2.0), &mut StdRng::seed_from_u64(1)), 2.0);
    }
}
