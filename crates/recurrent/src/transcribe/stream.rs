//! Recognition of live sound.

use std::fmt;
use std::sync::Arc;

use recurrent_audio::{LogMel, Resampler};
use recurrent_models::StreamingLayer;

use super::recognizer::{Decoder, Model, RecognizeOptions};
use super::{Recognition, RecognizerEvent};
use crate::decoding::CtcToken;
use crate::{Error, Result};

/// After so many seconds without a word, what was heard is forgotten.
const SILENCE: f64 = 2.4;
/// A pause of so many seconds after words ends an utterance.
const PAUSE: f64 = 1.2;
/// After so many seconds an utterance ends between two words, and after twice as many in the midst of one.
const LONGEST: f64 = 20.0;

/// When a wake word counts as said.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct WakeOptions {
    /// The least probability of its token.
    pub threshold: f32,
    /// For how many steps of the network in a row.
    pub hold: usize,
    /// For how many seconds it does not count again.
    pub cooldown: f64,
}

impl Default for WakeOptions {
    fn default() -> Self {
        Self { threshold: 0.5, hold: 2, cooldown: 1.0 }
    }
}

impl WakeOptions {
    /// The least probability of its token.
    #[must_use]
    pub fn with_threshold(self, threshold: f32) -> Self {
        Self { threshold, ..self }
    }

    /// For how many steps of the network in a row.
    #[must_use]
    pub fn with_hold(self, hold: usize) -> Self {
        Self { hold, ..self }
    }

    /// For how many seconds it does not count again.
    #[must_use]
    pub fn with_cooldown(self, cooldown: f64) -> Self {
        Self { cooldown, ..self }
    }
}

/// A word that a stream waits for.
#[derive(Debug)]
struct WakeWord {
    word: String,
    token: u32,
    options: WakeOptions,
    /// Steps in a row with the probability that is asked for.
    held: usize,
    /// When it was said last.
    last: Option<f64>,
}

impl WakeWord {
    /// Reads the log-probabilities of a frame that ends at `time`.
    fn read(&mut self, log_probs: &[f32], time: f64) -> Option<RecognizerEvent> {
        let is_likely = log_probs[self.token as usize].exp() >= self.options.threshold;
        self.held = if is_likely { self.held + 1 } else { 0 };
        let is_cool = self.last.is_none_or(|last| time - last >= self.options.cooldown);
        if self.held != self.options.hold || !is_cool {
            return None;
        }
        self.last = Some(time);
        Some(RecognizerEvent::Wake { word: self.word.clone(), time })
    }
}

/// Recognizes a stream of samples, which comes in chunks of any size: what it reports does not depend on them.
///
/// Each step costs the same, however long the stream is. An utterance ends with a pause of 1.2 seconds, or after 20
/// seconds; then the network and the search begin anew. Made by [`Recognizer::stream`](super::Recognizer::stream).
pub struct RecognizerStream {
    model: Arc<Model>,
    resampler: Resampler,
    log_mel: LogMel,
    layer: StreamingLayer,
    decoder: Decoder,
    /// Values of frames that are not read yet.
    values: Vec<f32>,
    log_probs: Vec<f32>,
    /// The frames before the first one of the decoder.
    first_frame: usize,
    /// The tokens that were reported last.
    reported: Vec<u32>,
    wake_word: Option<WakeWord>,
}

impl fmt::Debug for RecognizerStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecognizerStream").field("frames", &self.num_frames()).finish_non_exhaustive()
    }
}

impl RecognizerStream {
    pub(super) fn new(model: &Arc<Model>, sample_rate: u32, options: &RecognizeOptions) -> Result<Self> {
        let resampler = Resampler::new(sample_rate, model.log_mel.sample_rate)?;
        if model.is_bidirectional() {
            return Err(Error::Input {
                what: "the network of a stream".into(),
                expected: "layers that read in one direction".into(),
                found: "bidirectional ones, which need the end of a recording".into(),
            });
        }
        Ok(Self {
            model: Arc::clone(model),
            resampler,
            log_mel: LogMel::new(model.log_mel.clone())?,
            layer: model.streaming(),
            decoder: model.decoder(options)?,
            values: Vec::new(),
            log_probs: Vec::new(),
            first_frame: 0,
            reported: Vec::new(),
            wake_word: None,
        })
    }

    /// Also waits for a word, which is one token of the network.
    ///
    /// # Errors
    /// If it is not, or an option is out of range.
    pub fn set_wake_word(&mut self, word: &str, options: WakeOptions) -> Result<()> {
        let tokenizer = &self.model.tokenizer;
        let special = tokenizer.special_tokens();
        let token = match tokenizer.encode(word)[..] {
            [token] if !special.contains(token) => token,
            _ => {
                return Err(Error::Input {
                    what: "the wake word".into(),
                    expected: "a word that is one token of the network".into(),
                    found: format!("`{word}`"),
                });
            }
        };
        let WakeOptions { threshold, hold, cooldown } = options;
        if !(threshold > 0.0 && threshold <= 1.0) {
            return Err(Error::setting("threshold", "a probability above 0, up to 1", threshold.to_string()));
        }
        if hold == 0 {
            return Err(Error::setting("hold", "at least 1 step", "0"));
        }
        if !(cooldown >= 0.0 && cooldown.is_finite()) {
            return Err(Error::setting("cooldown", "a number of seconds from 0", cooldown.to_string()));
        }
        self.wake_word = Some(WakeWord { word: word.to_string(), token, options, held: 0, last: None });
        Ok(())
    }

    /// Takes a chunk of samples, and returns what can be said with it. Samples that are no finite numbers are read as 0.
    pub fn push(&mut self, samples: &[f32]) -> Vec<RecognizerEvent> {
        let finite: Vec<f32> = samples.iter().map(|x| if x.is_finite() { *x } else { 0.0 }).collect();
        self.log_mel.push_into(&self.resampler.push(&finite), &mut self.values);
        self.read_frames()
    }

    /// The end of the stream: returns what is left to say. Then another stream can begin.
    pub fn finish(&mut self) -> Vec<RecognizerEvent> {
        self.log_mel.push_into(&self.resampler.finish(), &mut self.values);
        self.values.append(&mut self.log_mel.finish().values);
        let mut events = self.read_frames();
        events.extend(self.end_utterance());
        self.reset();
        events
    }

    /// Forgets everything that was heard; another stream can begin.
    pub fn reset(&mut self) {
        self.resampler.reset();
        self.log_mel.reset();
        self.values.clear();
        self.begin_utterance();
        self.first_frame = 0;
        if let Some(wake_word) = &mut self.wake_word {
            (wake_word.held, wake_word.last) = (0, None);
        }
    }

    /// Frames that were read since the beginning of the stream.
    fn num_frames(&self) -> usize {
        self.first_frame + self.decoder.num_frames()
    }

    /// Reads the frames of a recording whose features are known already, normalized.
    pub(super) fn recognize(
        model: &Arc<Model>,
        features: &[f32],
        options: &RecognizeOptions,
    ) -> Result<Vec<Recognition>> {
        let mut stream = Self::new(model, model.log_mel.sample_rate, options)?;
        let mut events = Vec::new();
        for frame in features.chunks_exact(model.log_mel.width()) {
            stream.read_frame(frame, &mut events);
        }
        events.extend(stream.end_utterance());
        Ok(events.into_iter().filter_map(final_recognition).collect())
    }

    fn read_frames(&mut self) -> Vec<RecognizerEvent> {
        let mut events = Vec::new();
        let mut values = std::mem::take(&mut self.values);
        self.model.normalization.apply_to(&mut values);
        let width = self.model.log_mel.width();
        for frame in values.chunks_exact(width) {
            self.read_frame(frame, &mut events);
        }
        values.clear();
        self.values = values;
        events
    }

    fn read_frame(&mut self, frame: &[f32], events: &mut Vec<RecognizerEvent>) {
        self.model.log_probs(self.layer.step(frame), &mut self.log_probs);
        self.decoder.push(&self.log_probs);
        let time = self.model.log_mel.frame_end(self.num_frames() - 1);
        events.extend(self.wake_word.as_mut().and_then(|wake_word| wake_word.read(&self.log_probs, time)));
        let best = self.decoder.best();
        if !best.iter().map(|token| token.id).eq(self.reported.iter().copied()) {
            self.reported.clear();
            self.reported.extend(best.iter().map(|token| token.id));
            events.push(RecognizerEvent::Partial(self.recognition(&best)));
        }
        if self.is_at_endpoint(&best) {
            events.extend(self.end_utterance());
            self.first_frame += self.decoder.num_frames();
            self.begin_utterance();
        }
    }

    fn is_at_endpoint(&self, best: &[CtcToken]) -> bool {
        let seconds = |frames: usize| frames as f64 * self.model.log_mel.frame_seconds();
        let length = self.decoder.num_frames();
        match best.last() {
            None => seconds(length) >= SILENCE,
            Some(last) => {
                let pause = length - last.end;
                seconds(pause) >= PAUSE || (seconds(length) >= LONGEST && pause > 0) || seconds(length) >= 2.0 * LONGEST
            }
        }
    }

    /// What was said in the utterance.
    fn end_utterance(&mut self) -> Option<RecognizerEvent> {
        let tokens = self.decoder.finish();
        let recognition = self.recognition(&tokens);
        (!recognition.words.is_empty()).then_some(RecognizerEvent::Final(recognition))
    }

    fn begin_utterance(&mut self) {
        self.layer = self.model.streaming();
        self.decoder.reset();
        self.reported.clear();
    }

    fn recognition(&self, tokens: &[CtcToken]) -> Recognition {
        let end = |frame: usize| self.model.log_mel.frame_end(self.first_frame + frame);
        Recognition::new(tokens, &self.model.tokenizer, end, self.model.log_mel.frame_seconds())
    }
}

/// What an event says, if it does not change any more.
pub(super) fn final_recognition(event: RecognizerEvent) -> Option<Recognition> {
    match event {
        RecognizerEvent::Final(recognition) => Some(recognition),
        RecognizerEvent::Partial(_) | RecognizerEvent::Wake { .. } => None,
    }
}
