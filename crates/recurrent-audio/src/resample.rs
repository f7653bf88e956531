//! Other sample rates, offline and in a stream.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Async, FixedAsync, Indexing, Resampler as _, SincInterpolationParameters, WindowFunction, calculate_cutoff,
};

use crate::audio::{Audio, SAMPLE_RATES};
use crate::error::{Result, check};

/// The length of the low-pass filter in samples of the lower of the two rates. Its gain is −0.1 dB at 92 % of half the lower
/// rate, and less than −75 dB above 100 %.
const FILTER_LENGTH: usize = 128;
/// How many places between two samples the filter is tabulated at; the output is interpolated between them. A filter that
/// is longer, for a lower rate, is as much smoother.
const OVERSAMPLING: usize = 128;

/// A recording at another sample rate. Times stay what they are, to within half a sample.
///
/// ```
/// use recurrent_audio::{Audio, resample};
///
/// let audio = Audio::new(44_100, vec![0.0; 4_410]);
/// let resampled = resample(&audio, 16_000)?;
/// assert_eq!((resampled.sample_rate, resampled.samples.len()), (16_000, 1_600));
/// # Ok::<(), recurrent_audio::AudioError>(())
/// ```
///
/// # Errors
/// If one of the two rates is not among [`SAMPLE_RATES`].
pub fn resample(audio: &Audio, sample_rate: u32) -> Result<Audio> {
    let mut resampler = Resampler::new(audio.sample_rate, sample_rate)?;
    let mut samples = resampler.push(&audio.samples);
    samples.append(&mut resampler.finish());
    Ok(Audio::new(sample_rate, samples))
}

/// Changes the sample rate of a stream, which comes in chunks of any size: the output is the same to the bit as that of
/// [`resample`].
///
/// A windowed sinc (Smith and Gossett 1984) by rubato. A sample comes out when the input is a filter's length beyond it, 8 ms
/// for 16 kHz; its time stays what it was.
///
/// ```
/// use recurrent_audio::Resampler;
///
/// let mut resampler = Resampler::new(48_000, 16_000)?;
/// let mut heard = 0;
/// for chunk in vec![0.0; 48_000].chunks(500) {
///     heard += resampler.push(chunk).len();
/// }
/// assert!(heard < 16_000);
/// assert_eq!(heard + resampler.finish().len(), 16_000);
/// # Ok::<(), recurrent_audio::AudioError>(())
/// ```
#[derive(Debug)]
pub struct Resampler {
    from: u32,
    to: u32,
    /// `None` if the rates are equal.
    filter: Option<Filter>,
    /// The samples that came and went since the stream began.
    num_in: u64,
    num_out: u64,
}

/// The filter, which takes blocks of one size.
#[derive(Debug)]
struct Filter {
    sinc: Async<f32>,
    /// Samples of a block that is not full yet.
    pending: Vec<f32>,
    block: Vec<f32>,
    /// How many samples of the output lie before the first of the input, and how many of these are still to come.
    delay: usize,
    early: usize,
}

impl Resampler {
    /// A resampler from one rate to another, in Hz.
    ///
    /// # Errors
    /// If one of the two rates is not among [`SAMPLE_RATES`].
    pub fn new(from: u32, to: u32) -> Result<Self> {
        for rate in [from, to] {
            let expected = format!("from {} to {} Hz", SAMPLE_RATES.start(), SAMPLE_RATES.end());
            check(SAMPLE_RATES.contains(&rate), "sample_rate", &expected, rate)?;
        }
        let filter = (from != to).then(|| Filter::new(from, to));
        Ok(Self { from, to, filter, num_in: 0, num_out: 0 })
    }

    /// Takes a chunk of the stream, and returns the samples that can be computed by now.
    pub fn push(&mut self, samples: &[f32]) -> Vec<f32> {
        self.num_in += samples.len() as u64;
        let mut output = Vec::new();
        match &mut self.filter {
            Some(filter) => filter.push(samples, &mut output),
            None => output.extend(samples),
        }
        output.truncate(self.remaining());
        self.num_out += output.len() as u64;
        output
    }

    /// The last samples, with silence behind the end of the stream; then a new stream can begin.
    pub fn finish(&mut self) -> Vec<f32> {
        let remaining = self.remaining();
        let mut output = Vec::new();
        if let Some(filter) = &mut self.filter {
            while output.len() < remaining {
                filter.push_silence(&mut output);
            }
        }
        output.truncate(remaining);
        self.reset();
        output
    }

    /// Forgets the stream; a new one can begin.
    pub fn reset(&mut self) {
        (self.num_in, self.num_out) = (0, 0);
        if let Some(filter) = &mut self.filter {
            filter.reset();
        }
    }

    /// How many samples of the output belong to the input so far, and have not been returned.
    fn remaining(&self) -> usize {
        let total = (u128::from(self.num_in) * u128::from(self.to)).div_ceil(u128::from(self.from));
        usize::try_from(total - u128::from(self.num_out)).unwrap_or(usize::MAX)
    }
}

impl Filter {
    fn new(from: u32, to: u32) -> Self {
        let ratio = f64::from(to) / f64::from(from);
        // Where the rate falls, the filter is as much longer, and needs fewer places between samples.
        let fall = (1.0 / ratio).max(1.0);
        let length = ((FILTER_LENGTH as f64 * fall).ceil() as usize).next_multiple_of(8);
        let oversampling = ((OVERSAMPLING as f64 / fall).ceil() as usize).max(8);
        let window = WindowFunction::Blackman;
        let parameters = SincInterpolationParameters::new(length, window)
            .f_cutoff(calculate_cutoff(FILTER_LENGTH, window))
            .oversampling_factor(oversampling);
        let sinc = Async::new_sinc(ratio, 1.0, &parameters, length / 2, 1, FixedAsync::Input)
            .expect("ratio and size of the blocks are positive");
        let block = vec![0.0; sinc.output_frames_max()];
        // rubato's first sample belongs to half a filter before the stream, but for one step of the output and one place of
        // the table.
        let before = length as f64 / 2.0 - 1.0 / oversampling as f64;
        let delay = (before * ratio).round() as usize - 1;
        Self { sinc, pending: Vec::new(), block, delay, early: delay }
    }

    fn push(&mut self, mut samples: &[f32], output: &mut Vec<f32>) {
        let size = self.sinc.input_frames_next();
        loop {
            let (taken, rest) = samples.split_at(samples.len().min(size - self.pending.len()));
            self.pending.extend(taken);
            samples = rest;
            if self.pending.len() < size {
                return;
            }
            self.filter_block(output);
        }
    }

    fn push_silence(&mut self, output: &mut Vec<f32>) {
        self.pending.resize(self.sinc.input_frames_next(), 0.0);
        self.filter_block(output);
    }

    fn filter_block(&mut self, output: &mut Vec<f32>) {
        let early = std::mem::take(&mut self.early);
        let size = self.pending.len();
        let frames = self.block.len();
        let num_out = InterleavedSlice::new(&self.pending, 1, size)
            .and_then(|input| Ok((input, InterleavedSlice::new_mut(&mut self.block, 1, frames)?)))
            .map(|(input, mut block)| self.sinc.process_into_buffer(&input, &mut block, None::<&Indexing>))
            .expect("the buffers have room for one channel")
            .expect("the blocks have the size that the filter asks for")
            .1;
        self.pending.clear();
        let skipped = early.min(num_out);
        self.early = early - skipped;
        output.extend(&self.block[skipped..num_out]);
    }

    fn reset(&mut self) {
        self.sinc.reset();
        self.pending.clear();
        self.early = self.delay;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::AudioError;
    use proptest::prelude::*;
    use std::f64::consts::TAU;

    fn sine(rate: u32, hertz: f64, seconds: f64) -> Audio {
        let sample = |n| (0.5 * (TAU * hertz * n as f64 / f64::from(rate)).sin()) as f32;
        Audio::new(rate, (0..(seconds * f64::from(rate)) as usize).map(sample).collect())
    }

    /// The amplitude of a sine in the middle of a recording, and how much later than expected it is, in seconds.
    fn fit(audio: &Audio, hertz: f64) -> (f64, f64) {
        let range = audio.samples.len() / 4..audio.samples.len() * 3 / 4;
        let (mut sin, mut cos) = (0.0, 0.0);
        for n in range.clone() {
            let phase = TAU * hertz * n as f64 / f64::from(audio.sample_rate);
            sin += f64::from(audio.samples[n]) * phase.sin();
            cos += f64::from(audio.samples[n]) * phase.cos();
        }
        let scale = 2.0 / range.len() as f64;
        ((sin * sin + cos * cos).sqrt() * scale, -cos.atan2(sin) / (TAU * hertz))
    }

    const RATES: [(u32, u32); 9] = [
        (44_100, 16_000),
        (48_000, 16_000),
        (8_000, 16_000),
        (11_025, 16_000),
        (16_000, 8_000),
        (16_001, 16_000),
        (768_000, 16_000),
        (1_000, 768_000),
        (768_000, 1_000),
    ];

    #[test]
    fn tones_keep_their_amplitude_and_time() {
        for (from, to) in RATES {
            for (part, tolerance) in [(0.4, 1e-3), (0.92, 5e-3)] {
                let hertz = part * f64::from(from.min(to)) / 2.0;
                let (amplitude, delay) = fit(&resample(&sine(from, hertz, 0.5), to).unwrap(), hertz);
                assert!((amplitude - 0.5).abs() < tolerance, "{from} → {to}: {amplitude}");
                assert!(delay.abs() < 0.53 / f64::from(to), "{from} → {to}: {delay}");
            }
        }
    }

    #[test]
    fn frequencies_that_the_lower_rate_cannot_have_vanish() {
        for (from, to) in [(48_000, 16_000), (44_100, 16_000), (768_000, 16_000)] {
            let resampled = resample(&sine(from, 8_400.0, 0.25), to).unwrap();
            let middle = Audio::new(to, resampled.samples[1_000..3_000].to_vec());
            assert!(middle.rms() < 1e-4, "{from}: {}", middle.rms());
        }
    }

    #[test]
    fn equal_rates_change_nothing() {
        let audio = sine(16_000, 440.0, 0.1);
        assert_eq!(resample(&audio, 16_000).unwrap(), audio);
    }

    #[test]
    fn an_empty_recording_stays_empty_and_a_single_sample_is_kept() {
        assert!(resample(&Audio::new(8_000, vec![]), 16_000).unwrap().samples.is_empty());
        assert_eq!(resample(&Audio::new(8_000, vec![1.0]), 16_000).unwrap().samples.len(), 2);
        assert_eq!(resample(&Audio::new(48_000, vec![1.0]), 16_000).unwrap().samples.len(), 1);
    }

    #[test]
    fn rates_out_of_range_are_refused() {
        let error = resample(&Audio::new(16_000, vec![]), 999).unwrap_err();
        assert_eq!(error.to_string(), "sample_rate: expected from 1000 to 768000 Hz, found 999");
        assert!(matches!(Resampler::new(0, 16_000), Err(AudioError::InvalidSetting { .. })));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn any_chunks_give_the_same_bits(
            rates in prop::sample::select(RATES[..6].to_vec()),
            cuts in prop::collection::vec(0..4_000_usize, 0..12),
            length in 0..4_000_usize,
        ) {
            let audio = sine(rates.0, 300.0, 0.6);
            let samples = &audio.samples[..length];
            let expected = resample(&Audio::new(rates.0, samples.to_vec()), rates.1).unwrap().samples;
            let mut resampler = Resampler::new(rates.0, rates.1).unwrap();
            // Nothing is left of a stream before.
            resampler.push(&audio.samples);
            resampler.reset();
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(length)).chain([0, length]).collect();
            cuts.sort_unstable();
            for _ in 0..2 {
                let mut output = Vec::new();
                for pair in cuts.windows(2) {
                    output.extend(resampler.push(&samples[pair[0]..pair[1]]));
                }
                output.extend(resampler.finish());
                prop_assert!(output == expected);
            }
        }
    }
}
