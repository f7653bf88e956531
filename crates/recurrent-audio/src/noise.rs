//! Noises of several spectra.

use std::f64::consts::TAU;

use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::random::uniform;

/// The spectrum of a noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum NoiseColor {
    /// All frequencies alike, as an amplifier.
    White,
    /// −3 dB per octave, as wind in trees.
    Pink,
    /// −6 dB per octave, as a road.
    Brown,
    /// As many voices at once: from 100 Hz on, and above 500 Hz −9 dB per octave, about as the long-term spectrum of speech
    /// (Byrne et al. 1994).
    Speech,
}

impl NoiseColor {
    /// All colors.
    pub const ALL: [Self; 4] = [Self::White, Self::Pink, Self::Brown, Self::Speech];

    /// Noise with a root mean square of 1, at a sample rate in Hz.
    #[must_use]
    pub fn samples(self, length: usize, sample_rate: u32, rng: &mut impl Rng) -> Vec<f32> {
        let rate = f64::from(sample_rate);
        let mut filter = Filter::new(self, rate);
        // Until slow filters have forgotten that there was silence.
        (0..sample_rate / 10).for_each(|_| _ = filter.next(uniform(rng)));
        let samples: Vec<f64> = (0..length).map(|_| filter.next(uniform(rng))).collect();
        let energy: f64 = samples.iter().map(|x| x * x).sum();
        let gain = if energy > 0.0 { (length as f64 / energy).sqrt() } else { 0.0 };
        samples.iter().map(|sample| (gain * sample) as f32).collect()
    }
}

/// White noise in, colored noise out.
#[derive(Debug)]
struct Filter {
    color: NoiseColor,
    low_passes: Vec<LowPass>,
}

/// A filter with one pole.
#[derive(Debug, Clone, Copy)]
struct LowPass {
    factor: f64,
    gain: f64,
    y: f64,
}

impl LowPass {
    fn new(frequency: f64, gain: f64, rate: f64) -> Self {
        Self { factor: (-TAU * frequency / rate).exp(), gain, y: 0.0 }
    }

    fn next(&mut self, x: f64) -> f64 {
        self.y = (1.0 - self.factor) * x + self.factor * self.y;
        self.gain * self.y
    }
}

impl Filter {
    fn new(color: NoiseColor, rate: f64) -> Self {
        let low_passes = match color {
            NoiseColor::White => vec![],
            // A sum of low-passes two octaves apart, each half as loud as the one below, falls by half as much as each.
            NoiseColor::Pink => (0..8)
                .map(|i| (i, 20.0 * 4.0_f64.powi(i)))
                .filter(|(_, frequency)| *frequency < rate / 2.0)
                .map(|(i, frequency)| LowPass::new(frequency, 0.5_f64.powi(i), rate))
                .collect(),
            NoiseColor::Brown => vec![LowPass::new(20.0, 1.0, rate)],
            NoiseColor::Speech => {
                [(500.0, 1.0), (1_500.0, 1.0), (100.0, 1.0)].map(|(f, gain)| LowPass::new(f, gain, rate)).to_vec()
            }
        };
        Self { color, low_passes }
    }

    fn next(&mut self, x: f64) -> f64 {
        match (self.color, &mut self.low_passes[..]) {
            (NoiseColor::Speech, [first, second, low]) => {
                let y = second.next(first.next(x));
                y - low.next(y)
            }
            (_, []) => x,
            (_, low_passes) => low_passes.iter_mut().map(|low_pass| low_pass.next(x)).sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    /// The energy around a frequency, in decibels.
    fn level(samples: &[f32], frequency: f64) -> f64 {
        let energy = |k: f64| {
            let wave = |n: usize| TAU * frequency * (1.0 + k / 40.0) * n as f64 / 16_000.0;
            let sum =
                |f: fn(f64) -> f64| samples.iter().enumerate().map(|(n, x)| f64::from(*x) * f(wave(n))).sum::<f64>();
            sum(f64::sin).powi(2) + sum(f64::cos).powi(2)
        };
        10.0 * (-10..10).map(|k| energy(k.into())).sum::<f64>().log10()
    }

    #[test]
    fn spectra_fall_as_their_colors_say() {
        // Decibels per octave from 500 to 4000 Hz.
        for (color, slope) in [(NoiseColor::White, 0.0), (NoiseColor::Pink, -3.0), (NoiseColor::Brown, -6.0)] {
            let samples = color.samples(16_000, 16_000, &mut StdRng::seed_from_u64(1));
            let found = (level(&samples, 4_000.0) - level(&samples, 500.0)) / 3.0;
            assert!((found - slope).abs() < 1.2, "{color:?}: expected {slope}, found {found}");
        }
        let speech = NoiseColor::Speech.samples(16_000, 16_000, &mut StdRng::seed_from_u64(1));
        assert!(level(&speech, 400.0) > level(&speech, 50.0) && level(&speech, 400.0) > level(&speech, 4_000.0) + 15.0);
    }

    #[test]
    fn every_noise_is_as_loud_at_every_rate() {
        for color in NoiseColor::ALL {
            for rate in [1_000, 16_000, 48_000] {
                let samples = color.samples(1_000, rate, &mut StdRng::seed_from_u64(2));
                let energy = samples.iter().map(|x| x * x).sum::<f32>() / 1_000.0;
                assert!((energy - 1.0).abs() < 1e-3, "{color:?}: {energy}");
            }
            assert!(color.samples(0, 16_000, &mut StdRng::seed_from_u64(2)).is_empty());
        }
    }
}
