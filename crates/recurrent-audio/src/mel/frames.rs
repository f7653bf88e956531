//! The extractor of log-mel features.

use std::collections::VecDeque;
use std::f64::consts::TAU;
use std::fmt;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

use super::config::LogMelConfig;
use super::features::Features;
use super::filterbank::Filterbank;
use crate::audio::Audio;
use crate::error::{AudioError, Result};

/// Computes log-mel features of a stream of samples, which comes in chunks of any size: the features are the same to the
/// bit as those of the whole.
///
/// With samples x, pre-emphasis a, window length N and hop H:
///
/// ```text
/// y[n]    = x[n] − a x[n−1]                       x[−1] = 0
/// w[n]    = 1/2 − 1/2 cos(2π n / N)               periodic Hann window
/// P[t, k] = |Σ_n w[n] y[tH + n] exp(−2πi kn / F)|²    F: the power of 2 from N on
/// E[t, m] = ln max(floor, Σ_k filter[m, k] P[t, k])
/// ```
///
/// A frame is `stack` rows of E side by side, and the next one has the rows after these. It is causal: window t is known
/// when the sample `tH + N − 1` is, and nothing is centered. What a network adds to this delay is its own.
///
/// The features are those of Davis and Mermelstein (1980) without the cosine transform. Computed in double precision and
/// rounded once.
///
/// ```
/// use recurrent_audio::{Audio, LogMel, LogMelConfig};
///
/// let audio = Audio::new(16_000, (0..16_000).map(|n| (0.2 * n as f32).sin()).collect());
/// let mut log_mel = LogMel::new(LogMelConfig::default())?;
/// let whole = log_mel.extract(&audio)?;
/// assert_eq!((whole.len(), whole.width), (50, 80));
///
/// let mut values = vec![];
/// for chunk in audio.samples.chunks(123) {
///     log_mel.push_into(chunk, &mut values);
/// }
/// values.extend(log_mel.finish().values);
/// assert_eq!(values, whole.values);
/// # Ok::<(), recurrent_audio::AudioError>(())
/// ```
pub struct LogMel {
    config: LogMelConfig,
    hann: Vec<f64>,
    filterbank: Filterbank,
    fft: Arc<dyn RealToComplex<f64>>,
    stream: Stream,
    scratch: Scratch,
}

/// Where the stream is.
#[derive(Debug, Default)]
struct Stream {
    /// The sample before.
    last: f64,
    /// Samples with pre-emphasis, from the start of the next window on.
    samples: VecDeque<f64>,
    /// How many of `samples` no window has had yet.
    num_new: usize,
    /// The windows of a frame that is not full yet.
    row: Vec<f32>,
}

/// Buffers, which hold nothing from one window to the next.
struct Scratch {
    windowed: Vec<f64>,
    spectrum: Vec<Complex<f64>>,
    fft: Vec<Complex<f64>>,
    power: Vec<f64>,
}

impl LogMel {
    /// An extractor with these settings.
    ///
    /// # Errors
    /// If a setting is out of range, or there are so many mel filters that one lies between two frequencies of the
    /// transform.
    pub fn new(config: LogMelConfig) -> Result<Self> {
        config.check()?;
        let window = config.window();
        let fft_size = window.next_power_of_two();
        let fft = RealFftPlanner::new().plan_fft_forward(fft_size);
        let hann = (0..window).map(|n| 0.5 - 0.5 * (TAU * n as f64 / window as f64).cos()).collect();
        let scratch = Scratch {
            windowed: fft.make_input_vec(),
            spectrum: fft.make_output_vec(),
            fft: fft.make_scratch_vec(),
            power: vec![0.0; fft_size / 2 + 1],
        };
        let filterbank = Filterbank::new(&config, fft_size)?;
        Ok(Self { config, hann, filterbank, fft, stream: Stream::default(), scratch })
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &LogMelConfig {
        &self.config
    }

    /// The features of a whole recording, `[frames, mels × stack]`. A stream that is under way is forgotten.
    ///
    /// # Errors
    /// If the recording has another sample rate.
    pub fn extract(&mut self, audio: &Audio) -> Result<Features> {
        let expected = self.config.sample_rate;
        if audio.sample_rate != expected {
            return Err(AudioError::WrongSampleRate { expected, found: audio.sample_rate });
        }
        self.reset();
        let mut features = self.push(&audio.samples);
        features.values.append(&mut self.finish().values);
        Ok(features)
    }

    /// Takes a chunk of the stream, and returns the frames that are complete with it, `[frames, mels × stack]`.
    pub fn push(&mut self, samples: &[f32]) -> Features {
        let mut features = Features::new(self.config.width());
        self.push_into(samples, &mut features.values);
        features
    }

    /// As [`LogMel::push`], but appends the values of the frames to a buffer of the caller.
    pub fn push_into(&mut self, samples: &[f32], values: &mut Vec<f32>) {
        for sample in samples {
            self.push_sample((*sample).into(), values);
        }
    }

    /// The last frames, with silence behind the end of the stream until each sample has been in a window and the last
    /// frame is full. Then a new stream can begin. An empty stream has no frames.
    pub fn finish(&mut self) -> Features {
        let mut features = Features::new(self.config.width());
        while self.stream.num_new > 0 || !self.stream.row.is_empty() {
            // Silence is not new: a window of nothing else would follow the end.
            let num_new = self.stream.num_new;
            self.push_sample(0.0, &mut features.values);
            self.stream.num_new = self.stream.num_new.min(num_new);
        }
        self.reset();
        features
    }

    /// Forgets the stream; a new one can begin.
    pub fn reset(&mut self) {
        self.stream = Stream::default();
    }

    fn push_sample(&mut self, sample: f64, values: &mut Vec<f32>) {
        let stream = &mut self.stream;
        stream.samples.push_back(sample - self.config.pre_emphasis * stream.last);
        stream.last = sample;
        stream.num_new += 1;
        if stream.samples.len() == self.hann.len() {
            self.push_window(values);
        }
    }

    /// The features of a full window, and the step to the next one.
    fn push_window(&mut self, values: &mut Vec<f32>) {
        self.compute_power();
        let stream = &mut self.stream;
        let logs =
            self.filterbank.energies(&self.scratch.power).map(|energy| energy.max(self.config.floor).ln() as f32);
        stream.row.extend(logs);
        stream.samples.drain(..self.config.hop());
        stream.num_new = 0;
        if stream.row.len() == self.config.width() {
            values.append(&mut stream.row);
        }
    }

    fn compute_power(&mut self) {
        let Scratch { windowed, spectrum, fft, power } = &mut self.scratch;
        windowed.fill(0.0);
        let samples = self.stream.samples.iter().zip(&self.hann);
        windowed.iter_mut().zip(samples).for_each(|(slot, (sample, weight))| *slot = sample * weight);
        self.fft
            .process_with_scratch(windowed, spectrum, fft)
            .expect("the buffers have the sizes that the transform made");
        power.iter_mut().zip(spectrum).for_each(|(slot, value)| *slot = value.norm_sqr());
    }
}

impl fmt::Debug for LogMel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogMel").field("config", &self.config).field("stream", &self.stream).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn noise(length: usize) -> Vec<f32> {
        (0..length).map(|n| ((n as f64 * 12.9898).sin() * 43758.5453).fract() as f32).collect()
    }

    fn extractor(stack: usize) -> LogMel {
        LogMel::new(LogMelConfig::default().with_stack(stack)).unwrap()
    }

    #[test]
    fn windows_cover_every_sample_once_the_stream_ends() {
        // Samples, and the windows of 400 with a hop of 160 that they need.
        for (length, windows) in [(0, 0), (1, 1), (400, 1), (401, 2), (560, 2), (561, 3), (16_000, 99)] {
            for stack in [1, 2, 3] {
                let audio = Audio::new(16_000, noise(length));
                let features = extractor(stack).extract(&audio).unwrap();
                assert_eq!(features.len(), usize::div_ceil(windows, stack), "{length} samples, stack {stack}");
            }
        }
    }

    #[test]
    fn frames_come_as_soon_as_their_last_sample() {
        let mut log_mel = extractor(2);
        assert!(log_mel.push(&noise(559)).is_empty());
        assert_eq!(log_mel.push(&[0.5]).len(), 1);
        assert_eq!(log_mel.config().frame_end(0), 560.0 / 16_000.0);
    }

    #[test]
    fn stacked_frames_are_single_ones_side_by_side() {
        let audio = Audio::new(16_000, noise(5_000));
        let single = extractor(1).extract(&audio).unwrap();
        let stacked = extractor(3).extract(&audio).unwrap();
        assert_eq!(stacked.width, 120);
        assert_eq!(stacked.values[..single.values.len()], single.values);
    }

    #[test]
    fn silence_is_the_floor_and_a_tone_is_where_it_belongs() {
        let silence = extractor(1).extract(&Audio::new(16_000, vec![0.0; 800])).unwrap();
        assert!(silence.values.iter().all(|value| *value == 1e-8_f64.ln() as f32));
        let tone = (0..1_600).map(|n| (TAU * 1_000.0 * f64::from(n) / 16_000.0).sin() as f32).collect();
        let features = extractor(1).extract(&Audio::new(16_000, tone)).unwrap();
        let frame = features.frame(3);
        let loudest = (0..40).max_by(|a, b| frame[*a].total_cmp(&frame[*b])).unwrap();
        // 1000 mel lie (1000 − 31.7) / (2840 − 31.7) of the way, in steps of 1 / 41.
        assert_eq!(loudest, 13);
    }

    #[test]
    fn other_sample_rates_are_refused() {
        assert_eq!(
            extractor(1).extract(&Audio::new(8_000, vec![0.0])).unwrap_err().to_string(),
            "sample_rate: expected a recording of 16000 Hz, found 8000 Hz; resample it first"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn any_chunks_give_the_same_bits(
            length in 0..5_000_usize,
            cuts in prop::collection::vec(0..5_000_usize, 0..12),
            stack in 1..4_usize,
        ) {
            let samples = noise(length);
            let mut log_mel = extractor(stack);
            let expected = log_mel.extract(&Audio::new(16_000, samples.clone())).unwrap();
            // Nothing is left of a stream before.
            log_mel.push(&noise(3_333));
            log_mel.reset();
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(length)).chain([0, length]).collect();
            cuts.sort_unstable();
            for _ in 0..2 {
                let mut values = Vec::new();
                for pair in cuts.windows(2) {
                    values.extend(log_mel.push(&samples[pair[0]..pair[1]]).values);
                }
                values.extend(log_mel.finish().values);
                prop_assert!(values == expected.values);
            }
        }
    }
}
