//! The settings of log-mel features.

use serde::{Deserialize, Serialize};

use crate::audio::SAMPLE_RATES;
use crate::error::{AudioError, Result, check};

/// The settings of [`LogMel`](super::LogMel) features. They belong to a trained network as its weights do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct LogMelConfig {
    /// The sample rate of the recordings, in Hz.
    pub sample_rate: u32,
    /// The length of a window, in milliseconds.
    pub window_ms: f64,
    /// From the start of a window to that of the next, in milliseconds.
    pub hop_ms: f64,
    /// The number of mel filters.
    pub num_mels: usize,
    /// Where the lowest filter begins, in Hz.
    pub f_min: f64,
    /// Where the highest filter ends, in Hz. `None`: half the sample rate.
    pub f_max: Option<f64>,
    /// The fraction of the sample before that is subtracted from each sample, which raises high frequencies; 0 for none.
    pub pre_emphasis: f64,
    /// How many windows one frame is made of: their features side by side. The next frame has the windows after these.
    pub stack: usize,
    /// The least energy of a filter, so that silence has a logarithm. The default is about that of the rounding to 16 bits.
    pub floor: f64,
}

impl Default for LogMelConfig {
    fn default() -> Self {
        Self {
            sample_rate: 16_000,
            window_ms: 25.0,
            hop_ms: 10.0,
            num_mels: 40,
            f_min: 20.0,
            f_max: None,
            pre_emphasis: 0.97,
            stack: 2,
            floor: 1e-8,
        }
    }
}

/// A window may be as long as this, in samples, which bounds memory and time.
const MAX_WINDOW: usize = 1 << 20;

impl LogMelConfig {
    /// The sample rate of the recordings, in Hz.
    #[must_use]
    pub fn with_sample_rate(self, sample_rate: u32) -> Self {
        Self { sample_rate, ..self }
    }

    /// The number of mel filters.
    #[must_use]
    pub fn with_num_mels(self, num_mels: usize) -> Self {
        Self { num_mels, ..self }
    }

    /// How many windows one frame is made of.
    #[must_use]
    pub fn with_stack(self, stack: usize) -> Self {
        Self { stack, ..self }
    }

    /// The number of values in a frame: mels × stack.
    #[must_use]
    pub fn width(&self) -> usize {
        self.num_mels * self.stack
    }

    /// The length of a window in samples.
    #[must_use]
    pub fn window(&self) -> usize {
        self.samples(self.window_ms)
    }

    /// From the start of a window to that of the next, in samples.
    #[must_use]
    pub fn hop(&self) -> usize {
        self.samples(self.hop_ms)
    }

    /// From the start of a frame to that of the next, in seconds.
    #[must_use]
    pub fn frame_seconds(&self) -> f64 {
        (self.hop() * self.stack) as f64 / f64::from(self.sample_rate)
    }

    /// When a frame can be computed: the end of its last window, in seconds from the beginning of the recording.
    #[must_use]
    pub fn frame_end(&self, frame: usize) -> f64 {
        let windows = frame * self.stack + self.stack - 1;
        (windows * self.hop() + self.window()) as f64 / f64::from(self.sample_rate)
    }

    pub(crate) fn f_max(&self) -> f64 {
        self.f_max.unwrap_or_else(|| self.nyquist())
    }

    fn nyquist(&self) -> f64 {
        f64::from(self.sample_rate) / 2.0
    }

    fn samples(&self, milliseconds: f64) -> usize {
        (milliseconds * f64::from(self.sample_rate) / 1000.0).round() as usize
    }

    /// Fails if a setting is out of range.
    pub(crate) fn check(&self) -> Result<()> {
        let rates = format!("from {} to {} Hz", SAMPLE_RATES.start(), SAMPLE_RATES.end());
        check(SAMPLE_RATES.contains(&self.sample_rate), "sample_rate", &rates, self.sample_rate)?;
        check((2..=MAX_WINDOW).contains(&self.window()), "window_ms", "from 2 to 1048576 samples", self.window_ms)?;
        let is_hop = self.hop_ms > 0.0 && (1..=self.window()).contains(&self.hop());
        check(is_hop, "hop_ms", "at least 1 sample and at most a window", self.hop_ms)?;
        check((1..=1024).contains(&self.num_mels), "num_mels", "from 1 to 1024", self.num_mels)?;
        check((1..=64).contains(&self.stack), "stack", "from 1 to 64", self.stack)?;
        check(self.f_min >= 0.0 && self.f_min < self.nyquist(), "f_min", "from 0 to half the sample rate", self.f_min)?;
        let is_f_max = self.f_max() > self.f_min && self.f_max() <= self.nyquist();
        check(is_f_max, "f_max", "more than f_min and at most half the sample rate", self.f_max())?;
        check((0.0..=1.0).contains(&self.pre_emphasis), "pre_emphasis", "from 0 to 1", self.pre_emphasis)?;
        let is_floor = self.floor >= f64::from(f32::MIN_POSITIVE) && self.floor <= 1.0;
        check(is_floor, "floor", "more than 0 and at most 1", self.floor)
    }

    pub(crate) fn too_many_mels(&self, mel: usize) -> AudioError {
        let expected = format!("few enough filters that each has a frequency of the window, unlike number {mel}");
        AudioError::invalid("num_mels", expected, self.num_mels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_the_usual_ones() {
        let config = LogMelConfig::default();
        config.check().unwrap();
        assert_eq!((config.window(), config.hop(), config.width()), (400, 160, 80));
        assert_eq!((config.frame_seconds(), config.frame_end(0), config.frame_end(3)), (0.02, 0.035, 0.095));
    }

    #[test]
    fn settings_round_trip_and_unknown_ones_are_refused() {
        let config = LogMelConfig { f_max: Some(7_600.0), ..LogMelConfig::default() }.with_num_mels(23);
        let json = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<LogMelConfig>(&json).unwrap(), config);
        assert_eq!(serde_json::from_str::<LogMelConfig>("{}").unwrap(), LogMelConfig::default());
        assert!(serde_json::from_str::<LogMelConfig>("{\"hop\": 10}").is_err());
    }

    #[test]
    fn each_setting_is_checked() {
        type Change = fn(&mut LogMelConfig);
        let changes: [(Change, &str); 10] = [
            (|c| c.sample_rate = 10, "sample_rate: expected from 1000 to 768000 Hz, found 10"),
            (|c| c.window_ms = f64::NAN, "window_ms: expected from 2 to 1048576 samples, found NaN"),
            (|c| c.window_ms = 1e9, "window_ms: expected from 2 to 1048576 samples, found 1000000000"),
            (|c| c.hop_ms = 0.0, "hop_ms: expected at least 1 sample and at most a window, found 0"),
            (|c| c.num_mels = 0, "num_mels: expected from 1 to 1024, found 0"),
            (|c| c.stack = 0, "stack: expected from 1 to 64, found 0"),
            (|c| c.f_min = 8_000.0, "f_min: expected from 0 to half the sample rate, found 8000"),
            (|c| c.f_max = Some(10.0), "f_max: expected more than f_min and at most half the sample rate, found 10"),
            (|c| c.pre_emphasis = -0.1, "pre_emphasis: expected from 0 to 1, found -0.1"),
            (|c| c.floor = 0.0, "floor: expected more than 0 and at most 1, found 0"),
        ];
        for (change, message) in changes {
            let mut config = LogMelConfig::default();
            change(&mut config);
            assert_eq!(config.check().unwrap_err().to_string(), message);
        }
    }
}
