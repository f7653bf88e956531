//! A corpus of synthetic speech, made as it is read.

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::room::Room;
use super::seed;
use super::speaker::Speaker;
use super::utterance::{Utterance, utterance};
use super::vocabulary::Vocabulary;
use super::word::Word;
use crate::error::{Result, check};

/// What a corpus of synthetic speech has in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SynthConfig {
    /// Random seed of what is said and how. Speakers do not depend on it.
    pub seed: u64,
    /// The number of the first speaker. Corpora for training and for testing have different ones.
    pub first_speaker: u64,
    /// The number of speakers, who take turns.
    pub num_speakers: u64,
    /// The number of utterances.
    pub num_utterances: usize,
    /// The words of an utterance, at least and at most. 0 is an utterance of silence.
    pub min_words: usize,
    /// See `min_words`.
    pub max_words: usize,
    /// The vocabularies; an utterance has words of one.
    pub vocabularies: Vec<Vocabulary>,
    /// Whether each utterance is recorded in a random room, or close to the mouth in a silent one.
    pub rooms: bool,
}

impl Default for SynthConfig {
    fn default() -> Self {
        Self {
            seed: 0,
            first_speaker: 0,
            num_speakers: 100,
            num_utterances: 1_000,
            min_words: 1,
            max_words: 5,
            vocabularies: vec![Vocabulary::EnglishDigits],
            rooms: true,
        }
    }
}

/// Utterances may not be longer, in words, which bounds memory and time.
const MAX_WORDS: usize = 1_000;

impl SynthConfig {
    /// The random seed.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The speakers, by their numbers.
    #[must_use]
    pub fn with_speakers(self, first_speaker: u64, num_speakers: u64) -> Self {
        Self { first_speaker, num_speakers, ..self }
    }

    /// The number of utterances.
    #[must_use]
    pub fn with_utterances(self, num_utterances: usize) -> Self {
        Self { num_utterances, ..self }
    }

    /// The words of an utterance, at least and at most.
    #[must_use]
    pub fn with_words(self, min_words: usize, max_words: usize) -> Self {
        Self { min_words, max_words, ..self }
    }

    /// The vocabularies.
    #[must_use]
    pub fn with_vocabularies(self, vocabularies: &[Vocabulary]) -> Self {
        Self { vocabularies: vocabularies.to_vec(), ..self }
    }

    /// Whether there are rooms.
    #[must_use]
    pub fn with_rooms(self, rooms: bool) -> Self {
        Self { rooms, ..self }
    }
}

/// A corpus of synthetic speech. Each utterance follows from the settings and its index alone: they can be made in any
/// order, by several threads, and are the same on each machine, but for the rounding of sines and exponentials, which
/// single precision hides.
///
/// ```
/// use recurrent_audio::synth::{SynthConfig, SynthSpeech, Vocabulary};
///
/// let config = SynthConfig::default()
///     .with_words(2, 2)
///     .with_vocabularies(&[Vocabulary::EnglishDigits, Vocabulary::RussianDigits]);
/// let speech = SynthSpeech::new(config)?;
/// let utterance = speech.utterance(17);
/// assert_eq!(utterance.words.len(), 2);
/// assert_eq!(utterance, speech.utterance(17));
/// # Ok::<(), recurrent_audio::AudioError>(())
/// ```
#[derive(Debug, Clone)]
pub struct SynthSpeech {
    config: SynthConfig,
    words: Vec<Vec<Word>>,
}

impl SynthSpeech {
    /// A corpus with these settings.
    ///
    /// # Errors
    /// If there are no speakers or vocabularies, or the numbers of words are out of order.
    pub fn new(config: SynthConfig) -> Result<Self> {
        check(config.num_speakers > 0, "num_speakers", "at least 1", 0)?;
        let last = config.first_speaker.checked_add(config.num_speakers - 1);
        check(last.is_some(), "first_speaker", "a number that others can follow", config.first_speaker)?;
        check(!config.vocabularies.is_empty(), "vocabularies", "at least 1", "none")?;
        let in_order = config.min_words <= config.max_words && config.max_words <= MAX_WORDS;
        let found = format!("{} and {}", config.min_words, config.max_words);
        check(in_order, "max_words", "at least min_words, and at most 1000", found)?;
        let words = config.vocabularies.iter().map(|vocabulary| vocabulary.words()).collect();
        Ok(Self { config, words })
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &SynthConfig {
        &self.config
    }

    /// The number of utterances.
    #[must_use]
    pub fn len(&self) -> usize {
        self.config.num_utterances
    }

    /// Whether there are no utterances.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All words of all vocabularies.
    pub fn words(&self) -> impl Iterator<Item = &Word> {
        self.words.iter().flatten()
    }

    /// The number of the speaker of an utterance.
    #[must_use]
    pub fn speaker(&self, index: usize) -> u64 {
        self.config.first_speaker + index as u64 % self.config.num_speakers
    }

    /// The words of an utterance, which is not made for them.
    #[must_use]
    pub fn words_of(&self, index: usize) -> Vec<Word> {
        self.choose(&mut seed::stream(self.config.seed, seed::WORDS, index as u64))
    }

    /// An utterance.
    ///
    /// # Panics
    /// If there are not so many.
    #[must_use]
    pub fn utterance(&self, index: usize) -> Utterance {
        assert!(index < self.len(), "expected the index of one of {} utterances, found {index}", self.len());
        let stream = |purpose| seed::stream(self.config.seed, purpose, index as u64);
        let words = self.words_of(index);
        let speaker = Speaker::random(self.speaker(index));
        let mut spoken = utterance(&words, &speaker, &mut stream(seed::VOICE));
        if self.config.rooms {
            let mut rng = stream(seed::NOISE);
            spoken.audio = Room::random(rng.random()).record(&spoken.audio, &mut rng);
        }
        spoken
    }

    /// All utterances, made one after the other.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Utterance> + '_ {
        (0..self.len()).map(|index| self.utterance(index))
    }

    fn choose(&self, rng: &mut impl Rng) -> Vec<Word> {
        let words = &self.words[rng.random_range(0..self.words.len())];
        let count = rng.random_range(self.config.min_words..=self.config.max_words);
        (0..count).map(|_| words[rng.random_range(0..words.len())].clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speech(config: SynthConfig) -> SynthSpeech {
        SynthSpeech::new(config).unwrap()
    }

    #[test]
    fn words_are_where_the_sound_is() {
        let vocabularies = [Vocabulary::EnglishDigits, Vocabulary::RussianDigits];
        let config = SynthConfig::default().with_words(1, 4).with_utterances(40).with_rooms(false);
        for Utterance { audio, words, .. } in speech(config.with_vocabularies(&vocabularies)).iter() {
            let energy = |from: f64, to: f64| {
                let at = |seconds: f64| ((seconds * 16_000.0) as usize).min(audio.samples.len());
                audio.samples[at(from)..at(to).max(at(from))].iter().map(|x| f64::from(*x).powi(2)).sum::<f64>()
            };
            let total = energy(0.0, audio.seconds());
            // What rings, or begins to move, within some hundredths of a second belongs to the word.
            let ends = words.iter().map(|word| word.end + 0.03);
            let starts = words.iter().map(|word| word.start - 0.03).chain([audio.seconds()]);
            let pauses: f64 = [0.0].into_iter().chain(ends).zip(starts).map(|(from, to)| energy(from, to)).sum();
            assert!(pauses < 1e-3 * total, "{}", pauses / total);
            for word in &words {
                assert!(word.end - word.start > 0.1 && energy(word.start, word.end) > 0.02 * total);
                assert!(energy(word.start, word.start + 0.06) > 1e-5 * total, "{}", word.word.text());
            }
            assert!(words.windows(2).all(|pair| pair[0].end <= pair[1].start));
            assert!(words[0].start > 0.0 && words[words.len() - 1].end < audio.seconds());
        }
    }

    #[test]
    fn utterances_follow_from_their_index() {
        let config = SynthConfig::default().with_utterances(8).with_speakers(5, 3);
        let one = speech(config.clone());
        let all: Vec<_> = one.iter().collect();
        let again = speech(config.clone());
        for index in (0..8).rev() {
            assert_eq!(again.utterance(index), all[index]);
            assert!(all[index].words.iter().map(|spoken| &spoken.word).eq(&one.words_of(index)));
            assert!((5..8).contains(&one.speaker(index)));
        }
        assert!(all.windows(2).all(|pair| pair[0].audio != pair[1].audio));
        let other = speech(config.with_seed(1));
        assert_ne!(other.utterance(0), all[0]);
        assert_eq!(other.speaker(0), one.speaker(0));
    }

    /// Networks that ship were trained on this speech: a change of it is one of the data.
    #[test]
    fn the_corpus_stays_what_it_is() {
        let config = SynthConfig::default().with_vocabularies(&[Vocabulary::EnglishDigits]).with_words(3, 3);
        let Utterance { audio, words, .. } = speech(config).utterance(11);
        let expected = [("six", 0.1608, 0.5062), ("zero", 0.8991, 1.3724), ("nine", 1.5531, 1.9894)];
        assert_eq!(words.len(), expected.len());
        for (spoken, (text, start, end)) in words.iter().zip(expected) {
            assert_eq!(spoken.word.text(), text);
            assert!((spoken.start - start).abs() < 1e-4 && (spoken.end - end).abs() < 1e-4, "{spoken:?}");
        }
        assert_eq!(audio.samples.len(), 36_039);
        assert!((audio.rms() - 0.094_470_50).abs() < 1e-6, "{}", audio.rms());
    }

    #[test]
    fn every_word_occurs_and_samples_stay_in_range() {
        let config = SynthConfig::default().with_vocabularies(&Vocabulary::ALL).with_utterances(200).with_words(0, 3);
        let speech = speech(config);
        let mut counts = std::collections::BTreeMap::new();
        for utterance in speech.iter() {
            utterance.words.iter().for_each(|word| *counts.entry(word.word.text().to_string()).or_insert(0) += 1);
            assert!(utterance.audio.samples.iter().all(|x| x.is_finite() && x.abs() <= 1.0));
            assert!(utterance.audio.rms() > 0.0);
        }
        assert_eq!(counts.len(), 32);
        assert_eq!(speech.words().count(), 32);
    }

    #[test]
    fn settings_are_checked() {
        for (config, message) in [
            (SynthConfig::default().with_speakers(0, 0), "num_speakers: expected at least 1, found 0"),
            (
                SynthConfig::default().with_speakers(u64::MAX, 2),
                "first_speaker: expected a number that others can follow",
            ),
            (SynthConfig::default().with_vocabularies(&[]), "vocabularies: expected at least 1, found none"),
            (
                SynthConfig::default().with_words(3, 2),
                "max_words: expected at least min_words, and at most 1000, found 3",
            ),
        ] {
            let error = SynthSpeech::new(config).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }

    #[test]
    fn settings_round_trip() {
        let config = SynthConfig::default().with_vocabularies(&Vocabulary::ALL);
        let json = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<SynthConfig>(&json).unwrap(), config);
        assert_eq!(serde_json::from_str::<SynthConfig>("{}").unwrap(), SynthConfig::default());
        assert!(serde_json::from_str::<SynthConfig>("{\"speakers\": 1}").is_err());
    }
}
