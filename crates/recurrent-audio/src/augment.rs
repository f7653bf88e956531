//! Augmentation: training data that is a little different each time it is read.

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use crate::audio::{Audio, SAMPLE_RATES, from_decibels, mean_square};
use crate::error::{AudioError, Result, check};
use crate::mel::Features;
use crate::noise::NoiseColor;
use crate::random::between;
use crate::resample::resample;

/// Plays a recording faster (a factor above 1) or slower: pitch, formants and tempo change together (Ko et al. 2015). The
/// sample rate stays.
///
/// # Errors
/// If the factor is not from 0.5 to 2, or the sample rate out of range.
pub fn change_speed(audio: &Audio, factor: f64) -> Result<Audio> {
    check((0.5..=2.0).contains(&factor), "speed", "from 0.5 to 2", factor)?;
    let rate = audio.sample_rate;
    // The samples, taken for those of another rate.
    let [lowest, highest] = [SAMPLE_RATES.start(), SAMPLE_RATES.end()].map(|rate| f64::from(*rate));
    let played = (f64::from(rate) * factor).round().clamp(lowest, highest) as u32;
    resample(&Audio::new(played, audio.samples.clone()), rate)
}

/// Makes a recording louder or softer by some decibels.
pub fn change_gain(audio: &mut Audio, decibels: f64) {
    let gain = from_decibels(decibels) as f32;
    audio.samples.iter_mut().for_each(|sample| *sample *= gain);
}

/// Adds noise, such that speech is so many decibels louder. Shorter noise is repeated; silence has no level that noise
/// could be added at.
///
/// The levels are [`Audio::loudness`] of the recording, and the root mean square of the noise.
pub fn add_noise(audio: &mut Audio, noise: &[f32], snr_db: f64) {
    let level = mean_square(noise).sqrt();
    if level > 0.0 {
        let gain = (audio.loudness() / level / from_decibels(snr_db)) as f32;
        audio.samples.iter_mut().zip(noise.iter().cycle()).for_each(|(sample, noise)| *sample += gain * noise);
    }
}

/// How recordings are changed, at random within these ranges.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct AudioAugment {
    /// The factor of speed, from and to.
    pub speed: (f64, f64),
    /// The gain in decibels, from and to.
    pub gain_db: (f64, f64),
    /// How many decibels louder than noise speech is, from and to.
    pub snr_db: (f64, f64),
    /// The probability of noise.
    pub noise: f64,
}

impl Default for AudioAugment {
    fn default() -> Self {
        Self { speed: (0.9, 1.1), gain_db: (-10.0, 6.0), snr_db: (10.0, 40.0), noise: 0.5 }
    }
}

/// A recording that has been changed.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Augmented {
    /// The recording.
    pub audio: Audio,
    /// How much faster it is: a time in the original, divided by this, is the time here.
    pub speed: f64,
}

impl AudioAugment {
    /// Changes the speed of a recording, adds noise of a random color, and changes the gain. The same random numbers give
    /// the same result.
    ///
    /// # Errors
    /// If a setting is out of range, or the sample rate is.
    pub fn apply(&self, audio: &Audio, rng: &mut impl Rng) -> Result<Augmented> {
        self.check()?;
        let speed = between(self.speed, rng);
        let mut audio = change_speed(audio, speed)?;
        if rng.random_bool(self.noise) {
            let color = NoiseColor::ALL[rng.random_range(0..NoiseColor::ALL.len())];
            let noise = color.samples(audio.samples.len(), audio.sample_rate, rng);
            add_noise(&mut audio, &noise, between(self.snr_db, rng));
        }
        change_gain(&mut audio, between(self.gain_db, rng));
        Ok(Augmented { audio, speed })
    }

    fn check(&self) -> Result<()> {
        let range = |setting, (low, high): (f64, f64), least: f64, most: f64| {
            let expected = format!("two numbers in order, from {least} to {most}");
            check(least <= low && low <= high && high <= most, setting, &expected, format!("{low} and {high}"))
        };
        range("speed", self.speed, 0.5, 2.0)?;
        range("gain_db", self.gain_db, -100.0, 100.0)?;
        range("snr_db", self.snr_db, -100.0, 100.0)?;
        check((0.0..=1.0).contains(&self.noise), "noise", "a probability from 0 to 1", self.noise)
    }
}

/// Masks of time and of frequency over normalized features (SpecAugment, Park et al. 2019, without warping of time): their
/// values become 0, the mean.
///
/// ```
/// use rand::{SeedableRng, rngs::StdRng};
/// use recurrent_audio::{Features, SpecAugment};
///
/// let mut features = Features::new(80);
/// features.values = vec![1.0; 80 * 100];
/// SpecAugment::default().apply(&mut features, 40, &mut StdRng::seed_from_u64(1))?;
/// assert!(features.values.contains(&0.0) && features.values.contains(&1.0));
/// # Ok::<(), recurrent_audio::AudioError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SpecAugment {
    /// The number of masks of time.
    pub time_masks: usize,
    /// The frames of the longest mask.
    pub max_frames: usize,
    /// The fraction of all frames that a mask has at most, since words are short.
    pub max_fraction: f64,
    /// The number of masks of frequency.
    pub mel_masks: usize,
    /// The mels of the widest mask.
    pub max_mels: usize,
}

impl Default for SpecAugment {
    fn default() -> Self {
        Self { time_masks: 2, max_frames: 10, max_fraction: 0.1, mel_masks: 2, max_mels: 8 }
    }
}

impl SpecAugment {
    /// Masks features of so many mels. The length of a mask is random, from 0 to the longest, and so is its place. A mask of
    /// mels is in all windows of a frame.
    ///
    /// # Errors
    /// If the width of the features is no multiple of the number of mels.
    pub fn apply(&self, features: &mut Features, num_mels: usize, rng: &mut impl Rng) -> Result<()> {
        if num_mels == 0 || !features.width.is_multiple_of(num_mels) {
            return Err(AudioError::WrongWidth { expected: num_mels, found: features.width });
        }
        let (width, frames) = (features.width, features.len());
        let max_frames = self.max_frames.min((frames as f64 * self.max_fraction) as usize);
        for _ in 0..self.time_masks {
            let mask = random_range(max_frames, frames, rng);
            features.values[mask.start * width..mask.end * width].fill(0.0);
        }
        for _ in 0..self.mel_masks {
            let mask = random_range(self.max_mels, num_mels, rng);
            features.values.chunks_exact_mut(num_mels).for_each(|window| window[mask.clone()].fill(0.0));
        }
        Ok(())
    }
}

/// A range of at most `longest` in `0..length`.
fn random_range(longest: usize, length: usize, rng: &mut impl Rng) -> std::ops::Range<usize> {
    let size = rng.random_range(0..=longest.min(length));
    let start = rng.random_range(0..=length - size);
    start..start + size
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    fn tone(length: usize) -> Audio {
        Audio::new(16_000, (0..length).map(|n| 0.3 * (0.2 * n as f32).sin()).collect())
    }

    fn rng() -> StdRng {
        StdRng::seed_from_u64(5)
    }

    #[test]
    fn faster_is_shorter_and_higher() {
        let audio = tone(16_000);
        let fast = change_speed(&audio, 1.1).unwrap();
        assert_eq!((fast.sample_rate, fast.samples.len()), (16_000, 14_546));
        let crossings = |audio: &Audio| audio.samples.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
        // As many periods, in less time.
        assert!(crossings(&fast).abs_diff(crossings(&audio)) <= 1);
        assert_eq!(change_speed(&audio, 1.0).unwrap(), audio);
        assert_eq!(change_speed(&audio, 3.0).unwrap_err().to_string(), "speed: expected from 0.5 to 2, found 3");
    }

    #[test]
    fn noise_has_the_level_that_was_asked_for() {
        let clean = tone(16_000);
        for snr in [0.0, 20.0] {
            let mut noisy = clean.clone();
            let noise = NoiseColor::Pink.samples(5_000, 16_000, &mut rng());
            add_noise(&mut noisy, &noise, snr);
            let difference = clean.samples.iter().zip(&noisy.samples).map(|(a, b)| b - a).collect();
            let found = 20.0 * (clean.rms() / Audio::new(16_000, difference).rms()).log10();
            assert!((found - snr).abs() < 0.2, "{found}");
        }
        let mut audio = clean.clone();
        add_noise(&mut audio, &[], 0.0);
        assert_eq!(audio, clean);
    }

    #[test]
    fn gain_is_in_decibels() {
        let mut audio = Audio::new(16_000, vec![0.1, -0.2]);
        change_gain(&mut audio, 20.0);
        assert!((audio.samples[0] - 1.0).abs() < 1e-6 && (audio.samples[1] + 2.0).abs() < 1e-6);
    }

    #[test]
    fn the_same_seed_changes_a_recording_alike() {
        let augment = AudioAugment { noise: 1.0, ..AudioAugment::default() };
        let audio = tone(4_000);
        let one = augment.apply(&audio, &mut rng()).unwrap();
        assert_eq!(one, augment.apply(&audio, &mut rng()).unwrap());
        assert_ne!(one, augment.apply(&audio, &mut StdRng::seed_from_u64(6)).unwrap());
        let expected = audio.seconds() / one.speed;
        assert!((one.audio.seconds() - expected).abs() < 1e-3);
    }

    #[test]
    fn ranges_are_checked() {
        let augment = AudioAugment { speed: (1.1, 0.9), ..AudioAugment::default() };
        assert_eq!(
            augment.apply(&tone(10), &mut rng()).unwrap_err().to_string(),
            "speed: expected two numbers in order, from 0.5 to 2, found 1.1 and 0.9"
        );
        let augment = AudioAugment { noise: 2.0, ..AudioAugment::default() };
        assert!(augment.apply(&tone(10), &mut rng()).unwrap_err().to_string().starts_with("noise: expected a prob"));
    }

    #[test]
    fn masks_have_at_most_their_size() {
        for seed in 0..50 {
            let mut features = Features::new(6);
            features.values = vec![1.0; 6 * 40];
            let mut rng = StdRng::seed_from_u64(seed);
            let masks = SpecAugment { time_masks: 1, mel_masks: 1, max_mels: 2, ..SpecAugment::default() };
            masks.apply(&mut features, 3, &mut rng).unwrap();
            let silent = features.frames().filter(|frame| frame.iter().all(|value| *value == 0.0)).count();
            // A tenth of forty frames.
            assert!(silent <= 4);
            let frame = features.frames().find(|frame| frame.contains(&1.0)).unwrap();
            assert_eq!(frame[..3], frame[3..]);
        }
    }

    #[test]
    fn short_and_wrong_features_are_handled() {
        let masks = SpecAugment { max_frames: 100, max_mels: 100, max_fraction: 1.0, ..SpecAugment::default() };
        masks.apply(&mut Features::new(4), 4, &mut rng()).unwrap();
        let mut one = Features { width: 4, values: vec![1.0; 4] };
        masks.apply(&mut one, 4, &mut rng()).unwrap();
        assert!(masks.apply(&mut one, 3, &mut rng()).is_err());
    }
}
