//! Synthetic speakers.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::Serialize;

use super::phoneme::Triple;
use super::seed;
use crate::random::normal;

/// A synthetic speaker: a vocal tract, a voice and habits. Values that no human has are taken for the nearest that one
/// could have.
///
/// ```
/// use recurrent_audio::synth::Speaker;
///
/// let speaker = Speaker::random(7);
/// assert_eq!(speaker, Speaker::random(7));
/// assert!((80.0..=260.0).contains(&speaker.pitch));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Speaker {
    /// The mean pitch, in Hz; 80 to 260.
    pub pitch: f64,
    /// The factor of formants relative to an average man, since a shorter vocal tract has higher ones; 0.85 to 1.2.
    pub formant_scale: f64,
    /// The factor of speed; 0.8 to 1.25.
    pub rate: f64,
    /// The standard deviation of the length of a period, as a fraction.
    pub jitter: f64,
    /// The standard deviation of the amplitude of a period, as a fraction.
    pub shimmer: f64,
    /// The level of the noise of breath in the voice, relative to the voice.
    pub breathiness: f64,
    /// The fraction of a period that the vocal folds are open.
    pub open_quotient: f64,
    /// How long the flow takes to end when the vocal folds close, in seconds; the longer, the duller the voice.
    pub return_time: f64,
    /// How far the pitch rises and falls, relative to an average speaker.
    pub intonation: f64,
    /// How long formants take from one phoneme to the next, relative to an average speaker.
    pub coarticulation: f64,
    /// The mean pause between words, in seconds.
    pub pause: f64,
    /// The random seed of the speaker's pronunciation: which of several the speaker uses, and where each phoneme's
    /// formants lie.
    pub accent: u64,
}

/// The standard deviation of a speaker's formants from the average ones, as a fraction, beside `formant_scale`.
const ACCENT: f64 = 0.05;

/// The standard deviations of the frequency of a speaker's noises, and of the logarithm of their level.
const HISS_PLACE: f64 = 0.08;
const HISS_LEVEL: f64 = 0.35;

impl Speaker {
    /// The speaker with a number. About half of them have a high voice, as most women do, and half a low one; high voices
    /// tend to have high formants.
    #[must_use]
    pub fn random(number: u64) -> Self {
        let mut rng = seed::stream(number, seed::SPEAKER, 0);
        // From low to high, in octaves; two humps.
        let is_high = rng.random_bool(0.5);
        let mean = if is_high { 205.0_f64 } else { 117.0 };
        let pitch = (mean * (0.18 * normal(&mut rng)).exp()).clamp(80.0, 260.0);
        let scale = if is_high { 1.13 } else { 0.99 } + 0.05 * normal(&mut rng);
        Self {
            pitch,
            formant_scale: scale.clamp(0.85, 1.2),
            rate: rng.random_range(0.8..1.25),
            jitter: rng.random_range(0.003..0.015),
            shimmer: rng.random_range(0.01..0.06),
            breathiness: rng.random_range(0.01..0.12),
            open_quotient: rng.random_range(0.45..0.75),
            return_time: rng.random_range(0.0001..0.0005),
            intonation: rng.random_range(0.4..1.6),
            coarticulation: rng.random_range(0.7..1.3),
            pause: rng.random_range(0.05..0.25),
            accent: rng.random(),
        }
    }

    /// An average man without any habits.
    #[must_use]
    pub fn average() -> Self {
        Self {
            pitch: 117.0,
            formant_scale: 1.0,
            rate: 1.0,
            jitter: 0.006,
            shimmer: 0.03,
            breathiness: 0.04,
            open_quotient: 0.6,
            return_time: 0.00025,
            intonation: 1.0,
            coarticulation: 1.0,
            pause: 0.12,
            accent: 0,
        }
    }

    /// The same speaker within the bounds of what can be spoken and computed.
    pub(crate) fn within_bounds(&self) -> Self {
        Self {
            pitch: self.pitch.clamp(50.0, 400.0),
            formant_scale: self.formant_scale.clamp(0.6, 1.8),
            rate: self.rate.clamp(0.25, 4.0),
            jitter: self.jitter.clamp(0.0, 0.05),
            shimmer: self.shimmer.clamp(0.0, 0.3),
            breathiness: self.breathiness.clamp(0.0, 2.0),
            open_quotient: self.open_quotient.clamp(0.2, 0.9),
            return_time: self.return_time.clamp(0.00005, 0.002),
            intonation: self.intonation.clamp(0.0, 4.0),
            coarticulation: self.coarticulation.clamp(0.1, 3.0),
            pause: self.pause.clamp(0.0, 5.0),
            accent: self.accent,
        }
    }

    /// The formants of a phoneme, given by its place in the inventory of the language, in the mouth of the speaker.
    pub(crate) fn pronounce(&self, phoneme: usize, formants: Triple) -> Triple {
        let mut rng = StdRng::seed_from_u64(seed::mix(self.accent, phoneme as u64));
        let strength = if self.accent == 0 { 0.0 } else { ACCENT };
        formants.map(|formant| formant * self.formant_scale * (1.0 + strength * normal(&mut rng).clamp(-2.0, 2.0)))
    }

    /// How much higher and louder a noise in the mouth is than an average one, as factors.
    pub(crate) fn hiss(&self) -> (f64, f64) {
        let mut rng = StdRng::seed_from_u64(seed::mix(self.accent, u64::MAX));
        match self.accent {
            0 => (1.0, 1.0),
            _ => (1.0 + HISS_PLACE * normal(&mut rng).clamp(-2.0, 2.0), (HISS_LEVEL * normal(&mut rng)).exp()),
        }
    }

    /// Which of several pronunciations of a word the speaker uses: half the speakers the first.
    pub(crate) fn choice(&self, word: &str, num_pronunciations: usize) -> usize {
        let key = word.bytes().fold(self.accent, |key, byte| seed::mix(key, byte.into()));
        match self.accent {
            0 => 0,
            _ => (key % num_pronunciations as u64) as usize,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speakers_differ_and_stay_within_human_bounds() {
        let speakers: Vec<_> = (0..200).map(Speaker::random).collect();
        for speaker in &speakers {
            assert!((80.0..=260.0).contains(&speaker.pitch));
            assert!((0.85..=1.2).contains(&speaker.formant_scale));
            assert!((0.8..=1.25).contains(&speaker.rate));
        }
        let high = speakers.iter().filter(|speaker| speaker.pitch > 160.0).count();
        assert!((70..130).contains(&high), "{high}");
        assert!(speakers.windows(2).all(|pair| pair[0] != pair[1]));
        assert!(speakers.iter().all(|speaker| speaker.within_bounds() == *speaker));
    }

    #[test]
    fn an_accent_is_consistent() {
        let speaker = Speaker::random(3);
        let formants = [500.0, 1500.0, 2500.0];
        assert_eq!(speaker.pronounce(4, formants), speaker.pronounce(4, formants));
        assert_ne!(speaker.pronounce(4, formants), speaker.pronounce(5, formants));
        assert_eq!(Speaker::average().pronounce(4, formants), formants);
        assert_eq!(speaker.choice("zero", 2), speaker.choice("zero", 2));
        let firsts = (0..100).filter(|n| Speaker::random(*n).choice("zero", 2) == 0).count();
        assert!((30..70).contains(&firsts), "{firsts}");
    }
}
