//! The voice source.

use rand::Rng;

use crate::random::normal;

/// The vibrating vocal folds: the derivative of the air flow through them, as it reaches the lips.
///
/// While the folds are open, the flow is a polynomial, `t² − t³` (Rosenberg 1971; Klatt and Klatt 1990), whose derivative
/// falls to −1 when they close. Then it returns to 0 exponentially, as in the model of Liljencrants and Fant (1985): the
/// slower, the less there is of high frequencies.
#[derive(Debug)]
pub(crate) struct Glottis {
    sample_rate: f64,
    /// The part of a period that the folds are open.
    open_quotient: f64,
    /// The factor of the return in a sample, and the return now.
    decay: f64,
    returning: f64,
    /// The part of the period that has passed, and how this period differs from the mean: in pitch and in loudness.
    phase: f64,
    pitch_factor: f64,
    level: f64,
    jitter: f64,
    shimmer: f64,
}

impl Glottis {
    /// Vocal folds whose return takes so many seconds, and whose periods vary by these fractions (standard deviations).
    pub fn new(sample_rate: f64, open_quotient: f64, return_seconds: f64, jitter: f64, shimmer: f64) -> Self {
        let decay = (-1.0 / (return_seconds * sample_rate)).exp();
        Self {
            sample_rate,
            open_quotient,
            decay,
            returning: 0.0,
            phase: 0.0,
            pitch_factor: 1.0,
            level: 1.0,
            jitter,
            shimmer,
        }
    }

    /// The next sample, at this pitch in Hz.
    pub fn next(&mut self, pitch: f64, rng: &mut impl Rng) -> f64 {
        let step = pitch * self.pitch_factor / self.sample_rate;
        let was_open = self.is_open();
        self.phase += step;
        if self.phase >= 1.0 {
            self.phase -= 1.0;
            self.pitch_factor = 1.0 + self.jitter * normal(rng);
            self.level = (1.0 + self.shimmer * normal(rng)).max(0.1);
        }
        if self.is_open() {
            let t = self.phase / self.open_quotient;
            return self.level * (2.0 * t - 3.0 * t * t);
        }
        self.returning = match was_open {
            // The folds closed this many samples ago.
            true => self.decay.powf((self.phase - self.open_quotient) / step),
            false => self.returning * self.decay,
        };
        -self.level * self.returning
    }

    /// Whether air flows.
    pub fn is_open(&self) -> bool {
        self.phase < self.open_quotient
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    #[test]
    fn the_voice_has_its_pitch_and_no_offset() {
        let mut rng = StdRng::seed_from_u64(1);
        let mut glottis = Glottis::new(16_000.0, 0.6, 0.0003, 0.0, 0.0);
        let samples: Vec<f64> = (0..16_000).map(|_| glottis.next(125.0, &mut rng)).collect();
        // 125 periods of 128 samples.
        for n in 0..10_000 {
            assert!((samples[n] - samples[n + 128]).abs() < 1e-9);
        }
        let mean = samples.iter().sum::<f64>() / 16_000.0;
        assert!(mean.abs() < 0.05, "{mean}");
        let lowest = samples.iter().copied().fold(0.0, f64::min);
        assert!((lowest + 1.0).abs() < 0.1, "{lowest}");
    }

    #[test]
    fn periods_vary_around_the_pitch() {
        let mut rng = StdRng::seed_from_u64(2);
        let mut glottis = Glottis::new(16_000.0, 0.6, 0.0003, 0.02, 0.1);
        let (mut periods, mut was_open) = (0, true);
        for _ in 0..160_000 {
            glottis.next(100.0, &mut rng);
            periods += usize::from(glottis.is_open() && !was_open);
            was_open = glottis.is_open();
        }
        assert!((990..=1_010).contains(&periods), "{periods}");
    }
}
