//! From words to phases of articulation: what the vocal tract does, one thing after the other.

use rand::{Rng, RngExt};

use super::phoneme::{Frication, Manner, Peak, Phoneme, Triple};
use super::speaker::Speaker;
use super::word::{Sound, Word};
use crate::random::normal;

/// How long noise takes to rise and to fall, in seconds; a burst is sudden.
const NOISE_RAMP: f64 = 0.025;
/// The length of a burst, in seconds.
const BURST: f64 = 0.010;
/// How much longer the last vowel before a pause is, and a nasal or an approximant behind it (Klatt 1976).
const FINAL_LENGTHENING: f64 = 1.25;
/// The part of the length that is left of a vowel without stress.
const UNSTRESSED: f64 = 0.75;
/// The standard deviation of formants from one time to the next, as a fraction.
const CARELESSNESS: f64 = 0.02;

/// A stretch of time in which the vocal tract has one target.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Phase {
    /// In seconds.
    pub start: f64,
    pub end: f64,
    pub target: Target,
    /// Where the formants move to, if they do.
    pub glide: Option<Triple>,
    /// How long the noise takes to rise and to fall.
    pub ramp: f64,
}

/// What the vocal tract is to do. Levels are 1 for a stressed vowel, and for [s].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    pub formants: Triple,
    pub bandwidths: Triple,
    pub voicing: f64,
    pub aspiration: f64,
    pub frication: f64,
    /// From 0, through the mouth alone, to 1.
    pub nasality: f64,
    pub spectrum: Frication,
}

/// A word on the time line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub start: f64,
    pub end: f64,
    /// The middle of the stressed vowel.
    pub accent: f64,
}

/// Phases of an utterance, and where its words are.
#[derive(Debug)]
pub(crate) struct Score {
    pub phases: Vec<Phase>,
    pub spans: Vec<Span>,
    pub end: f64,
}

impl Score {
    /// What a speaker does to say these words, with silence before and behind.
    pub fn new(words: &[Word], speaker: &Speaker, rng: &mut impl Rng) -> Self {
        let mut score = Self { phases: Vec::new(), spans: Vec::new(), end: rng.random_range(0.1..0.3) };
        for (index, word) in words.iter().enumerate() {
            let is_last = index + 1 == words.len();
            let pause = if is_last { 0.0 } else { speaker.pause * rng.random_range(0.0..2.0) };
            // A pause that cannot be heard is none.
            let pause = if pause < 0.03 { 0.0 } else { pause };
            let mut voice = Voice { score: &mut score, speaker, level: 1.0, is_final: is_last || pause > 0.0 };
            voice.say(word, rng);
            score.end += pause;
        }
        score.end += rng.random_range(0.15..0.35);
        score
    }

    fn is_after_pause(&self) -> bool {
        self.phases.last().is_none_or(|phase| phase.end < self.end)
    }
}

/// A speaker at a word.
struct Voice<'a> {
    score: &'a mut Score,
    speaker: &'a Speaker,
    level: f64,
    is_final: bool,
}

/// Where a sound stands in its word.
#[derive(Clone, Copy)]
struct Context {
    before: Option<&'static Phoneme>,
    after: Option<&'static Phoneme>,
    /// The formants of the vowel that a consonant leans on, in the mouth of the speaker.
    vowel: Option<Triple>,
    /// Whether a vowel of the same word follows somewhere.
    is_onset: bool,
    is_last_vowel: bool,
}

impl Voice<'_> {
    fn say(&mut self, word: &Word, rng: &mut impl Rng) {
        let sounds = word.pronunciation(self.speaker.choice(word.text(), word.num_pronunciations()));
        let after_pause = self.score.is_after_pause();
        let (first, mut start) = (self.score.phases.len(), self.score.end);
        self.level = (0.12 * normal(rng)).exp();
        let mut accent = None;
        for (index, sound) in sounds.iter().enumerate() {
            let from = self.score.end;
            self.utter(sound, self.context(sounds, index), rng);
            if sound.is_stressed {
                accent = Some((from + self.score.end) / 2.0);
            }
        }
        // Nothing is heard of a closure after a pause, where the word begins with its burst, and of one before a pause
        // unless it is released.
        let mut end = self.score.end;
        if let Some(closure) = self.score.phases.get(first).filter(|phase| after_pause && phase.is_silent()) {
            start = closure.end;
        }
        if let Some(closure) = self.score.phases.last().filter(|phase| self.is_final && phase.is_silent()) {
            end = closure.start;
        }
        self.score.spans.push(Span { start, end, accent: accent.unwrap_or((start + end) / 2.0) });
    }

    fn context(&self, sounds: &[Sound], index: usize) -> Context {
        let is_vowel = |sound: &&Sound| sound.phoneme.is_vowel();
        let next = sounds[index + 1..].iter().find(is_vowel);
        let previous = sounds[..index].iter().rev().find(is_vowel);
        let formants = |sound: &Sound, phoneme: Triple| self.speaker.pronounce(sound.index, phoneme);
        let vowel = match (next, previous) {
            (Some(next), _) => Some(formants(next, next.phoneme.formants)),
            (None, Some(before)) => Some(formants(before, before.phoneme.glide.unwrap_or(before.phoneme.formants))),
            (None, None) => None,
        };
        Context {
            before: index.checked_sub(1).map(|before| sounds[before].phoneme),
            after: sounds.get(index + 1).map(|sound| sound.phoneme),
            vowel,
            is_onset: next.is_some(),
            is_last_vowel: next.is_none(),
        }
    }

    fn utter(&mut self, sound: &Sound, context: Context, rng: &mut impl Rng) {
        let phoneme = sound.phoneme;
        let formants = self.formants(sound, context).map(|formant| formant * (1.0 + CARELESSNESS * normal(rng)));
        let seconds = self.seconds(sound, context) * (0.1 * normal(rng)).exp();
        let target = self.target(phoneme, formants, context);
        match phoneme.manner {
            Manner::Vowel => {
                let glide = phoneme.glide.map(|glide| self.speaker.pronounce(sound.index, glide));
                let voicing = if sound.is_stressed { 1.0 } else { 0.75 };
                self.add(seconds, Target { voicing: self.level * voicing, ..target }, glide, 0.0);
            }
            Manner::Approximant => self.add_voiced(seconds, 0.7, target),
            Manner::Nasal => self.add_voiced(seconds, 0.6, Target { nasality: 1.0, ..target }),
            Manner::Fricative => {
                // At the end of a word the voice fades.
                let (voicing, noise) = match (phoneme.is_voiced, context.is_onset) {
                    (true, true) => (0.35, 0.6),
                    (true, false) => (0.2, 0.9),
                    (false, _) => (0.0, 1.0),
                };
                let (voicing, frication) = (voicing * self.level, noise * self.level * target.spectrum.level);
                self.add(seconds, Target { voicing, frication, ..target }, None, NOISE_RAMP.min(seconds / 3.0));
            }
            Manner::Aspirate => self.add(seconds, Target { aspiration: 0.6 * self.level, ..target }, None, 0.0),
            Manner::Stop { aspiration } => self.stop(seconds, aspiration, phoneme, target, context, rng),
            Manner::Affricate { noise } => self.affricate(seconds, noise, target, context),
            Manner::Trill => self.trill(seconds, target, context),
        }
    }

    fn formants(&self, sound: &Sound, context: Context) -> Triple {
        let own = self.speaker.pronounce(sound.index, sound.phoneme.formants);
        let phoneme = Phoneme { formants: own, ..*sound.phoneme };
        if phoneme.is_vowel() { own } else { phoneme.formants_beside(context.vowel) }
    }

    /// The length of a sound, or of the closure of a stop.
    fn seconds(&self, sound: &Sound, context: Context) -> f64 {
        let mut seconds = sound.phoneme.milliseconds / 1000.0 / self.speaker.rate;
        if sound.phoneme.is_vowel() {
            seconds *= if sound.is_stressed { 1.0 } else { UNSTRESSED };
            seconds *= if self.is_final && context.is_last_vowel { FINAL_LENGTHENING } else { 1.0 };
            // Vowels are shorter before unvoiced consonants (Peterson and Lehiste 1960).
            seconds *= if context.after.is_some_and(|after| !after.is_voiced) { 0.8 } else { 1.0 };
        } else if self.is_final && context.after.is_none() && sound.phoneme.is_sonorant() {
            seconds *= FINAL_LENGTHENING;
        } else if [context.before, context.after].iter().flatten().any(|beside| !beside.is_vowel()) {
            // So are consonants in clusters.
            seconds *= 0.8;
        }
        seconds
    }

    /// A silent target with the formants and the noise of a phoneme.
    fn target(&self, phoneme: &Phoneme, formants: Triple, context: Context) -> Target {
        let scale = self.speaker.formant_scale;
        let (place, level) = self.speaker.hiss();
        let second = context.vowel.map_or(1500.0 * scale, |vowel| vowel[1]);
        let [first, other] = phoneme.frication.peaks;
        let frequency = match phoneme.frication.follows_vowel {
            true => (first.frequency * second).clamp(1_000.0 * scale, 3_000.0 * scale),
            // The cavity before the tongue changes less from speaker to speaker than the whole tract.
            false => place * first.frequency * scale.sqrt(),
        };
        let peaks = [Peak { frequency, ..first }, Peak { frequency: place * other.frequency * scale.sqrt(), ..other }];
        Target {
            formants,
            bandwidths: phoneme.bandwidths,
            voicing: 0.0,
            aspiration: 0.0,
            frication: 0.0,
            nasality: 0.0,
            spectrum: Frication { peaks, level: level * phoneme.frication.level, ..phoneme.frication },
        }
    }

    fn add(&mut self, seconds: f64, target: Target, glide: Option<Triple>, ramp: f64) {
        let start = self.score.end;
        self.score.end += seconds;
        self.score.phases.push(Phase { start, end: self.score.end, target, glide, ramp });
    }

    fn add_voiced(&mut self, seconds: f64, voicing: f64, target: Target) {
        self.add(seconds, Target { voicing: voicing * self.level, ..target }, None, 0.0);
    }

    fn stop(
        &mut self,
        closure: f64,
        aspiration: f64,
        phoneme: &Phoneme,
        target: Target,
        context: Context,
        rng: &mut impl Rng,
    ) {
        self.close(closure, phoneme.is_voiced, target);
        let is_coda = !context.is_onset;
        // The last stop of a word is often not released, least of all before another consonant.
        if is_coda && rng.random_bool(if self.is_final { 0.15 } else { 0.4 }) {
            return;
        }
        let level = self.level * if is_coda { 0.6 } else { 1.0 };
        let voicing = if phoneme.is_voiced { 0.2 * level } else { 0.0 };
        self.add(BURST, Target { voicing, frication: level * target.spectrum.level, ..target }, None, 0.0);
        let after_s = context.before.is_some_and(|before| before.manner == Manner::Fricative && !before.is_voiced);
        let seconds = aspiration / 1000.0 / self.speaker.rate * if after_s || is_coda { 0.3 } else { 1.0 };
        // On the way to the vowel.
        let formants = context
            .vowel
            .map_or(target.formants, |vowel| std::array::from_fn(|i| 0.5 * (target.formants[i] + vowel[i])));
        let aspirated = match phoneme.is_voiced {
            true => Target { voicing: 0.5 * level, formants, ..target },
            false => Target {
                aspiration: 0.45 * level,
                frication: 0.15 * level * target.spectrum.level,
                bandwidths: [250.0, 150.0, 200.0],
                formants,
                ..target
            },
        };
        self.add(seconds, aspirated, None, 0.0);
    }

    fn affricate(&mut self, closure: f64, noise: f64, target: Target, context: Context) {
        self.close(closure, false, target);
        let level = self.level * if context.is_onset { 1.0 } else { 0.7 };
        let seconds = noise / 1000.0 / self.speaker.rate;
        let ramp = Target { frication: level * target.spectrum.level, ..target };
        // It begins as suddenly as a burst.
        self.add(BURST, ramp, None, 0.0);
        self.add(seconds - BURST.min(seconds / 2.0), Target { aspiration: 0.1 * level, ..ramp }, None, 0.0);
    }

    /// A closed mouth; the voice is heard through the throat, low and dull.
    fn close(&mut self, seconds: f64, is_voiced: bool, target: Target) {
        let voicing = if is_voiced { 0.2 * self.level } else { 0.0 };
        let bandwidths = if is_voiced { [100.0, 800.0, 1_000.0] } else { target.bandwidths };
        self.add(seconds, Target { voicing, bandwidths, ..target }, None, 0.0);
    }

    /// Open, closed, open; twice closed at the beginning of a word.
    fn trill(&mut self, seconds: f64, target: Target, context: Context) {
        let taps = if context.before.is_none_or(|before| !before.is_vowel()) { 2 } else { 1 };
        let part = seconds / (2 * taps + 1) as f64;
        let closed = Target { bandwidths: [150.0, 300.0, 400.0], ..target };
        for _ in 0..taps {
            self.add_voiced(part, 0.65, target);
            self.add_voiced(part, 0.12, closed);
        }
        self.add_voiced(part, 0.65, target);
    }
}

impl Phase {
    fn is_silent(&self) -> bool {
        self.target.voicing + self.target.aspiration + self.target.frication == 0.0
    }
}
