//! Adds one note to the sound.

use crate::synth::tone::{Partial, Tone};

/// Partials that are computed at once.
const LANES: usize = 8;
/// Samples that are computed at once.
const BLOCK: usize = 64;

/// Adds a tone to the mix, from a sample on; it is held for a number of samples and then released.
///
/// Where the mix ends, the tone is cut.
pub(crate) fn add_voice(mix: &mut [f32], tone: &Tone, start: usize, length: usize, sample_rate: u32) {
    let rate = f64::from(sample_rate);
    let held = (length as f64 / rate).min(tone.ring());
    let samples = ((held + tone.envelope.release) * rate).ceil() as usize;
    let mut banks: Vec<_> = tone.partials.chunks(LANES).map(|partials| Bank::new(partials, rate)).collect();
    let target = mix.get_mut(start..).unwrap_or_default();
    let samples = samples.min(target.len());
    for (number, part) in target[..samples].chunks_mut(BLOCK).enumerate() {
        let mut block = [0.0; BLOCK];
        banks.iter_mut().for_each(|bank| bank.add_to(&mut block));
        for (index, (out, sample)) in part.iter_mut().zip(block).enumerate() {
            let time = (number * BLOCK + index) as f64 / rate;
            *out += (sample * tone.envelope.level(time, held)) as f32;
        }
    }
}

/// Sine waves as points that turn about the origin, each by its own angle a sample, and shrink.
#[derive(Debug)]
struct Bank {
    re: [f64; LANES],
    im: [f64; LANES],
    turn_re: [f64; LANES],
    turn_im: [f64; LANES],
}

impl Bank {
    fn new(partials: &[Partial], rate: f64) -> Self {
        let mut bank = Self { re: [0.0; LANES], im: [0.0; LANES], turn_re: [0.0; LANES], turn_im: [0.0; LANES] };
        for (lane, partial) in partials.iter().enumerate().take(LANES) {
            let angle = std::f64::consts::TAU * partial.frequency / rate;
            let shrink = (-partial.decay / rate).exp();
            bank.re[lane] = partial.amplitude * partial.phase.cos();
            bank.im[lane] = partial.amplitude * partial.phase.sin();
            bank.turn_re[lane] = shrink * angle.cos();
            bank.turn_im[lane] = shrink * angle.sin();
        }
        bank
    }

    fn add_to(&mut self, block: &mut [f64; BLOCK]) {
        let Self { mut re, mut im, turn_re, turn_im } = *self;
        for out in block {
            *out += im.iter().sum::<f64>();
            for lane in 0..LANES {
                (re[lane], im[lane]) = (
                    re[lane] * turn_re[lane] - im[lane] * turn_im[lane],
                    re[lane] * turn_im[lane] + im[lane] * turn_re[lane],
                );
            }
        }
        (self.re, self.im) = (re, im);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bank_gives_decaying_sine_waves() {
        let partial = |frequency, amplitude, phase, decay| Partial { frequency, amplitude, phase, decay };
        let partials = [partial(100.0, 1.0, 0.5, 0.0), partial(333.0, 0.5, 0.0, 10.0)];
        let mut bank = Bank::new(&partials, 8000.0);
        let mut last = [0.0; BLOCK];
        for _ in 0..500 {
            last = [0.0; BLOCK];
            bank.add_to(&mut last);
        }
        for (index, sample) in last.iter().enumerate() {
            let time = (499 * BLOCK + index) as f64 / 8000.0;
            let wave = |p: &Partial| {
                p.amplitude * (-p.decay * time).exp() * (std::f64::consts::TAU * p.frequency * time + p.phase).sin()
            };
            let expected: f64 = partials.iter().map(wave).sum();
            assert!((sample - expected).abs() < 1e-9, "{index}: {sample} {expected}");
        }
    }
}
