//! The sound of a room.

/// A reverberator of four combs and two all-passes, after Schroeder (1962), "Natural sounding artificial
/// reverberation", with a low-pass in each comb, after Moorer (1979), "About this reverberation business".
#[derive(Debug)]
pub(crate) struct Room {
    combs: [Comb; 4],
    all_passes: [AllPass; 2],
}

/// Delays of the combs, in seconds.
const COMBS: [f64; 4] = [0.0297, 0.0371, 0.0411, 0.0437];
/// Delays of the all-passes, in seconds.
const ALL_PASSES: [f64; 2] = [0.005, 0.0017];

impl Room {
    /// How long a sound needs to fade by 60 dB.
    pub(crate) const SECONDS: f64 = 1.0;

    /// An empty room.
    pub(crate) fn new(sample_rate: u32) -> Self {
        let samples = |seconds: f64| (seconds * f64::from(sample_rate)).round() as usize;
        Self {
            combs: COMBS.map(|delay| {
                let feedback = 10f64.powf(-3.0 * delay / Self::SECONDS) as f32;
                Comb { line: Delay::new(samples(delay)), feedback, low: 0.0 }
            }),
            all_passes: ALL_PASSES.map(|delay| AllPass { line: Delay::new(samples(delay)) }),
        }
    }

    /// Adds the reverberation of samples to them, times a factor.
    pub(crate) fn add_to(&mut self, samples: &mut [f32], factor: f32) {
        samples.iter_mut().for_each(|sample| *sample += factor * self.next(*sample));
    }

    fn next(&mut self, input: f32) -> f32 {
        let echoes: f32 = self.combs.iter_mut().map(|comb| comb.next(input)).sum();
        self.all_passes.iter_mut().fold(echoes, |sample, all_pass| all_pass.next(sample))
    }
}

#[derive(Debug)]
struct Comb {
    line: Delay,
    feedback: f32,
    low: f32,
}

impl Comb {
    /// How much of the last value the low-pass keeps.
    const DAMPING: f32 = 0.25;

    fn next(&mut self, input: f32) -> f32 {
        let output = self.line.get();
        self.low = normal(output + Self::DAMPING * (self.low - output));
        self.line.put(input + self.feedback * self.low);
        output
    }
}

#[derive(Debug)]
struct AllPass {
    line: Delay,
}

impl AllPass {
    const GAIN: f32 = 0.7;

    fn next(&mut self, input: f32) -> f32 {
        let delayed = self.line.get();
        let fed = normal(input + Self::GAIN * delayed);
        self.line.put(fed);
        delayed - Self::GAIN * fed
    }
}

/// Zero for values so small that they cannot be heard but would slow down the processor.
fn normal(sample: f32) -> f32 {
    if sample.abs() < 1e-15 { 0.0 } else { sample }
}

/// A delay line: what is put comes out so many samples later.
#[derive(Debug)]
struct Delay {
    samples: Vec<f32>,
    place: usize,
}

impl Delay {
    fn new(length: usize) -> Self {
        Self { samples: vec![0.0; length.max(1)], place: 0 }
    }

    fn get(&self) -> f32 {
        self.samples[self.place]
    }

    fn put(&mut self, sample: f32) {
        self.samples[self.place] = sample;
        self.place = (self.place + 1) % self.samples.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(length: usize) -> Vec<f32> {
        let mut samples = vec![0.0; length];
        samples[0] = 1.0;
        Room::new(8000).add_to(&mut samples, 0.5);
        samples
    }

    #[test]
    fn the_first_echo_comes_after_the_shortest_comb() {
        let samples = response(2000);
        assert_eq!(samples[0], 1.0);
        assert!(samples[1..238].iter().all(|sample| *sample == 0.0));
        assert_ne!(samples[238], 0.0);
    }

    #[test]
    fn the_room_falls_silent() {
        let samples = response(16_000);
        let power = |samples: &[f32]| samples.iter().map(|sample| sample * sample).sum::<f32>();
        assert!(power(&samples[8000..9000]) < 1e-5 * power(&samples[1..1001]), "60 dB in a second");
        assert!(samples.iter().all(|sample| sample.is_finite()));
    }
}
