//! The filters of the vocal tract.

use std::f64::consts::TAU;

/// A digital resonator: a pair of poles (Klatt 1980, equations 1 and 2). At 0 Hz its gain is 1.
///
/// ```text
/// y[n] = A x[n] + B y[n−1] + C y[n−2]
/// C = −exp(−2π bandwidth / rate),  B = 2 exp(−π bandwidth / rate) cos(2π frequency / rate),  A = 1 − B − C
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Resonator {
    a: f64,
    b: f64,
    c: f64,
    y1: f64,
    y2: f64,
}

impl Resonator {
    /// Moves the poles, in Hz; the state is kept.
    pub fn tune(&mut self, frequency: f64, bandwidth: f64, sample_rate: f64) {
        let radius = (-0.5 * TAU * bandwidth / sample_rate).exp();
        self.c = -radius * radius;
        self.b = 2.0 * radius * (TAU * frequency / sample_rate).cos();
        self.a = 1.0 - self.b - self.c;
    }

    pub fn filter(&mut self, x: f64) -> f64 {
        let y = self.a * x + self.b * self.y1 + self.c * self.y2;
        (self.y2, self.y1) = (self.y1, y);
        y
    }
}

/// A digital antiresonator: a pair of zeros, the inverse of a [`Resonator`] (Klatt 1980, equation 5).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct AntiResonator {
    poles: Resonator,
    x1: f64,
    x2: f64,
}

impl AntiResonator {
    /// Moves the zeros, in Hz; the state is kept.
    pub fn tune(&mut self, frequency: f64, bandwidth: f64, sample_rate: f64) {
        self.poles.tune(frequency, bandwidth, sample_rate);
    }

    pub fn filter(&mut self, x: f64) -> f64 {
        let y = (x - self.poles.b * self.x1 - self.poles.c * self.x2) / self.poles.a;
        (self.x2, self.x1) = (self.x1, x);
        y
    }
}

/// A band-pass: a resonator with zeros at 0 Hz and at half the sample rate. At its own frequency its gain is 1.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct BandPass {
    poles: Resonator,
    gain: f64,
    x1: f64,
    x2: f64,
}

impl BandPass {
    /// Moves the band, in Hz; the state is kept.
    pub fn tune(&mut self, frequency: f64, bandwidth: f64, sample_rate: f64) {
        self.poles.tune(frequency, bandwidth, sample_rate);
        // Near the poles, the zeros and the other pole nearly cancel.
        self.gain = (1.0 + self.poles.c) / 2.0;
        self.poles.a = 1.0;
    }

    pub fn filter(&mut self, x: f64) -> f64 {
        let y = self.poles.filter(self.gain * (x - self.x2));
        (self.x2, self.x1) = (self.x1, x);
        y
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The gain of a filter at a frequency, from its answer to a long sine.
    fn gain(mut filter: impl FnMut(f64) -> f64, frequency: f64) -> f64 {
        let outputs = (0..16_000).map(|n| filter((TAU * frequency * f64::from(n) / 16_000.0).sin()));
        outputs.skip(8_000).fold(0.0, |peak, y| peak.max(y.abs()))
    }

    #[test]
    fn a_resonator_amplifies_its_frequency() {
        let mut resonator = Resonator::default();
        resonator.tune(1_000.0, 60.0, 16_000.0);
        let mut at = |frequency| gain(|x| resonator.filter(x), frequency);
        assert!((at(10.0) - 1.0).abs() < 0.01);
        let peak = at(1_000.0);
        assert!(peak > 10.0 && peak > at(970.0) && peak > at(1_030.0));
        // Half the power at half the bandwidth from the peak.
        assert!((at(1_030.0) / peak - 0.5_f64.sqrt()).abs() < 0.03);
    }

    #[test]
    fn an_antiresonator_undoes_a_resonator() {
        let (mut resonator, mut inverse) = (Resonator::default(), AntiResonator::default());
        resonator.tune(500.0, 80.0, 16_000.0);
        inverse.tune(500.0, 80.0, 16_000.0);
        for n in 0..1_000 {
            let x = f64::from(n * n % 17) - 8.0;
            assert!((inverse.filter(resonator.filter(x)) - x).abs() < 1e-9);
        }
    }

    #[test]
    fn a_band_pass_has_gain_1_at_its_frequency_and_none_at_0() {
        for (frequency, bandwidth) in [(1_000.0, 300.0), (3_500.0, 600.0), (6_500.0, 1_500.0)] {
            let mut band = BandPass::default();
            band.tune(frequency, bandwidth, 16_000.0);
            let mut at = |frequency| gain(|x| band.filter(x), frequency);
            assert!((at(frequency) - 1.0).abs() < 0.05, "{frequency}: {}", at(frequency));
            assert!(at(20.0) < 0.05);
        }
    }
}
