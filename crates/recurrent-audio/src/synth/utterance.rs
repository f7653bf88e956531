//! Spoken words.

use rand::Rng;

use super::phase::Score;
use super::speaker::Speaker;
use super::track;
use super::tract::{SYNTH_SAMPLE_RATE, VocalTract};
use super::word::Word;
use crate::audio::Audio;

/// Words that somebody said, and when.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Utterance {
    /// The recording.
    pub audio: Audio,
    /// The words, in the order in which they were said.
    pub words: Vec<SpokenWord>,
}

/// A word in an utterance.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SpokenWord {
    /// The word.
    pub word: Word,
    /// Where its first sound begins, in seconds; after a pause, where something is heard of it.
    pub start: f64,
    /// Where its last sound ends, in seconds; before a pause, where nothing more is heard of it.
    pub end: f64,
}

impl Utterance {
    /// The words as a text, with spaces between them.
    #[must_use]
    pub fn text(&self) -> String {
        let words: Vec<_> = self.words.iter().map(|spoken| spoken.word.text()).collect();
        words.join(" ")
    }
}

/// The root mean square of the loudest parts of an utterance: −20 dB relative to full scale.
const LOUDNESS: f64 = 0.1;

/// A speaker says words, close to a microphone in a silent room; see [`Room`](super::Room) for others. Without words, the
/// speaker says nothing for a while.
///
/// ```
/// use rand::{SeedableRng, rngs::StdRng};
/// use recurrent_audio::synth::{Speaker, Vocabulary, utterance};
///
/// let digits = Vocabulary::EnglishDigits.words();
/// let words = [digits[4].clone(), digits[2].clone()];
/// let spoken = utterance(&words, &Speaker::random(1), &mut StdRng::seed_from_u64(2));
/// assert_eq!(spoken.text(), "four two");
/// assert!(spoken.words[0].end <= spoken.words[1].start);
/// ```
pub fn utterance(words: &[Word], speaker: &Speaker, rng: &mut impl Rng) -> Utterance {
    let speaker = &speaker.within_bounds();
    let score = Score::new(words, speaker, rng);
    let frames = track::frames(&score, speaker, rng);
    let mut samples = VocalTract::new(speaker).speak(&frames, rng);
    samples.resize((score.end * f64::from(SYNTH_SAMPLE_RATE)).ceil() as usize, 0.0);
    let spoken = words.iter().zip(&score.spans);
    let words = spoken.map(|(word, span)| SpokenWord { word: word.clone(), start: span.start, end: span.end });
    Utterance { audio: normalize(&samples), words: words.collect() }
}

/// Brings speech to a loudness, and its peaks below full scale.
fn normalize(samples: &[f64]) -> Audio {
    let samples: Vec<f32> = samples.iter().map(|sample| *sample as f32).collect();
    let mut audio = Audio::new(SYNTH_SAMPLE_RATE, samples);
    let peak = audio.samples.iter().fold(0.0, |peak: f32, sample| peak.max(sample.abs()));
    if peak > 0.0 {
        let gain = (LOUDNESS / audio.loudness()).min(0.99 / f64::from(peak));
        audio.samples.iter_mut().for_each(|sample| *sample = (f64::from(*sample) * gain) as f32);
    }
    audio
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth::{Language, Vocabulary};
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    fn say(words: &[Word], speaker: &Speaker) -> Utterance {
        utterance(words, speaker, &mut StdRng::seed_from_u64(1))
    }

    #[test]
    fn nothing_said_is_silence() {
        let Utterance { audio, words, .. } = say(&[], &Speaker::average());
        assert!(words.is_empty() && audio.seconds() > 0.2);
        assert!(audio.samples.iter().all(|sample| *sample == 0.0));
    }

    #[test]
    fn speech_has_its_loudness() {
        for number in 0..10 {
            let audio = say(&Vocabulary::RussianDigits.words()[..3], &Speaker::random(number)).audio;
            assert!((audio.loudness() - LOUDNESS).abs() < 0.01);
            assert!(audio.samples.iter().all(|sample| sample.abs() < 1.0));
        }
    }

    #[test]
    fn slow_speakers_take_longer() {
        let words = Vocabulary::EnglishDigits.words();
        let seconds = |rate| {
            let spoken = say(&words, &Speaker { rate, pause: 0.0, ..Speaker::average() });
            spoken.words[9].end - spoken.words[0].start
        };
        assert!((seconds(0.8) / seconds(1.25) - 1.25 / 0.8).abs() < 0.1);
    }

    fn check(words: &[Word], speaker: &Speaker) {
        let Utterance { audio, words, .. } = say(words, speaker);
        assert!(audio.samples.iter().all(|sample| sample.is_finite() && sample.abs() < 1.0), "{speaker:?}");
        assert!(words.iter().all(|spoken| spoken.start <= spoken.end), "{speaker:?}");
    }

    #[test]
    fn every_phoneme_can_be_said_anywhere() {
        for language in Language::ALL {
            let vowel = if language == Language::English { "ɑ" } else { "a" };
            for phoneme in language.phonemes() {
                // On its own, and at both ends of a word.
                let around = format!("{phoneme} ˈ{vowel} {phoneme}");
                for pronunciation in [phoneme, &around] {
                    check(&[Word::new(phoneme, language, &[pronunciation]).unwrap()], &Speaker::average());
                }
            }
        }
    }

    #[test]
    fn anybody_can_speak() {
        let word = Vocabulary::RussianDigits.words().swap_remove(4);
        for x in [0.0, 1e9, -1.0, f64::INFINITY] {
            let speaker = Speaker {
                pitch: x,
                formant_scale: x,
                rate: x,
                jitter: x,
                shimmer: x,
                breathiness: x,
                open_quotient: x,
                return_time: x,
                intonation: x,
                coarticulation: x,
                pause: x,
                accent: 1,
            };
            check(&[word.clone(), word.clone()], &speaker);
        }
    }
}
