//! A trained recognizer of speech.

use std::path::Path;
use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use recurrent_audio::{Audio, Features, LogMel, LogMelConfig, Normalization, resample};
use recurrent_data::{Tokenizer, TokenizerKind};
use recurrent_models::networks::SequenceTagger;
use recurrent_models::{StreamingDense, StreamingLayer, Summarize, Summary};

use super::language_model::LanguageModelScorer;
use super::stream::{RecognizerStream, final_recognition};
use super::{FusionModel, Recognition, ShallowFusion, TranscribeConfig, Transcription};
use crate::decoding::{CtcBeam, CtcBeamConfig, CtcGreedy, CtcToken, Lexicon};
use crate::{Error, Predictor, Result, RunDir};

/// How the likeliest words are searched.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RecognizeOptions {
    /// Beams of a prefix search; 1 takes the likeliest token of each frame.
    pub beam_size: usize,
    /// The only words that may be recognized; all if `None`. They need a search: with a beam size of 1 there are 8 beams.
    pub lexicon: Option<Vec<String>>,
    /// A language model that takes part in the search; it needs beams as a lexicon does.
    pub language_model: Option<ShallowFusion>,
}

impl Default for RecognizeOptions {
    fn default() -> Self {
        Self { beam_size: 1, lexicon: None, language_model: None }
    }
}

impl RecognizeOptions {
    /// Beams of a prefix search; 1 takes the likeliest token of each frame.
    #[must_use]
    pub fn with_beam_size(self, beam_size: usize) -> Self {
        Self { beam_size, ..self }
    }

    /// The only words that may be recognized.
    #[must_use]
    pub fn with_lexicon(self, words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { lexicon: Some(words.into_iter().map(Into::into).collect()), ..self }
    }

    /// A language model in the search: to the log-probability of the network are added `weight` times that of the language
    /// model, and `word_bonus` for each word. With a weight and a bonus of 0 it takes no part.
    #[must_use]
    pub fn with_language_model(self, model: FusionModel, weight: f64, word_bonus: f64) -> Self {
        Self { language_model: Some(ShallowFusion { model, weight, word_bonus }), ..self }
    }

    /// The language model, unless it counts for nothing.
    fn fusion(&self) -> Option<&ShallowFusion> {
        self.language_model.as_ref().filter(|fusion| fusion.weight != 0.0 || fusion.word_bonus != 0.0)
    }
}

/// A trained recognizer of speech, loaded from the folder of a run.
///
/// ```no_run
/// use recurrent::prelude::*;
/// use recurrent::transcribe::{RecognizeOptions, Recognizer, RecognizerEvent};
///
/// # fn main() -> recurrent::Result<()> {
/// let recognizer = Recognizer::load("runs/digits", &Default::default())?;
/// let mut stream = recognizer.stream(16_000, &RecognizeOptions::default())?;
/// # let microphone: [Vec<f32>; 0] = [];
/// for samples in microphone {
///     for event in stream.push(&samples) {
///         if let RecognizerEvent::Final(recognition) = event {
///             println!("{}", recognition.text);
///         }
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Recognizer {
    model: Arc<Model>,
    config: TranscribeConfig,
}

/// What a stream needs of a recognizer.
#[derive(Debug)]
pub(super) struct Model {
    pub tokenizer: Tokenizer,
    pub log_mel: LogMelConfig,
    pub normalization: Normalization,
    network: SequenceTagger,
    dense: StreamingDense,
}

impl Model {
    fn new(
        network: SequenceTagger,
        tokenizer: Tokenizer,
        normalization: Normalization,
        config: &TranscribeConfig,
    ) -> Self {
        let bias = network.dense.bias.as_ref().map(|bias| bias.val());
        let dense = StreamingDense::new(network.dense.weight.val(), bias);
        Self { tokenizer, log_mel: config.log_mel(), normalization, network, dense }
    }

    pub fn is_bidirectional(&self) -> bool {
        self.network.recurrent.directions() > 1
    }

    pub fn streaming(&self) -> StreamingLayer {
        self.network.recurrent.streaming(None)
    }

    /// The token that stands for none.
    pub fn blank(&self) -> u32 {
        blank(&self.tokenizer)
    }

    /// The log-probabilities of the tokens, from the output of the recurrent layers.
    pub fn log_probs(&self, hidden: &[f32], log_probs: &mut Vec<f32>) {
        self.dense.forward(hidden, log_probs);
        log_softmax(log_probs);
    }

    /// A search with these options.
    ///
    /// # Errors
    /// If the language model cannot spell what may be recognized, or its weights are out of range.
    pub fn decoder(&self, options: &RecognizeOptions) -> Result<Decoder> {
        let blank = self.blank();
        let lexicon = options
            .lexicon
            .as_ref()
            .map(|words| Lexicon::new(words.iter().map(|word| self.tokenizer.encode(word)), self.separator()));
        let fusion = options.fusion();
        let language_model = match (fusion, &options.lexicon) {
            (Some(fusion), None) => Some(LanguageModelScorer::new(fusion, &self.tokenizer)?),
            (Some(fusion), Some(words)) => Some(LanguageModelScorer::for_words(fusion, &self.tokenizer, words)?),
            (None, _) => None,
        };
        let is_scored = lexicon.is_some() || language_model.is_some();
        let beam_size = match options.beam_size {
            0 | 1 if is_scored => SCORED_BEAMS,
            0 | 1 => return Ok(Decoder::Greedy(CtcGreedy::new(blank))),
            beam_size => beam_size,
        };
        let config = CtcBeamConfig { blank, beam_size, prune: PRUNE };
        Ok(Decoder::Beam(Box::new(CtcBeam::with_scorer(config, (lexicon, language_model)))))
    }

    /// The token between words, if there is one.
    fn separator(&self) -> Option<u32> {
        match self.tokenizer.kind() {
            TokenizerKind::Chars => self.tokenizer.encode(" ").first().copied(),
            _ => None,
        }
    }

    /// Refuses values out of range, and words that the tokens cannot spell.
    fn check(&self, options: &RecognizeOptions) -> Result<()> {
        crate::settings::Bound::Range(1, crate::settings::MAX_BEAMS)
            .check("beam_size", i64::try_from(options.beam_size).unwrap_or(i64::MAX))?;
        options.language_model.as_ref().map_or(Ok(()), ShallowFusion::check)?;
        let Some(words) = &options.lexicon else { return Ok(()) };
        let wrong = |expected: String, found: String| Err(Error::Input { what: "the lexicon".into(), expected, found });
        let kind = self.tokenizer.kind();
        if !matches!(kind, TokenizerKind::Words | TokenizerKind::Chars) {
            return wrong("a network whose tokens are words or chars".into(), kind.to_string());
        }
        if words.is_empty() {
            return wrong("at least 1 word".into(), "none".into());
        }
        for word in words {
            if word.is_empty() || word.contains(char::is_whitespace) {
                return wrong("words without spaces".into(), format!("`{word}`"));
            }
            let unknown = self.tokenizer.unknown_pieces(word);
            if let Some(piece) = unknown.first() {
                return wrong(
                    "words that the network's tokens can spell".into(),
                    format!("`{}` in `{word}`", piece.text),
                );
            }
        }
        Ok(())
    }

    /// A recording as it would be recognized from a stream; by a bidirectional network, as a whole.
    fn transcribe(
        self: &Arc<Self>,
        audio: &Audio,
        options: &RecognizeOptions,
        device: &Device,
    ) -> Result<Transcription> {
        self.check(options)?;
        let seconds = audio.seconds();
        if !self.is_bidirectional() {
            let mut stream = RecognizerStream::new(self, audio.sample_rate, options)?;
            let mut events = stream.push(&audio.samples);
            events.extend(stream.finish());
            return Ok(Transcription::new(events.into_iter().filter_map(final_recognition).collect(), seconds));
        }
        let features = self.features(audio)?;
        Ok(Transcription::new(self.recognize(&features.values, options, device)?, seconds))
    }

    /// The normalized features of a whole recording.
    fn features(&self, audio: &Audio) -> Result<Features> {
        let audio = resample(audio, self.log_mel.sample_rate)?;
        let mut features = LogMel::new(self.log_mel.clone())?.extract(&audio)?;
        self.normalization.apply(&mut features)?;
        Ok(features)
    }

    /// The log-probabilities of the tokens in each frame of normalized features, by the network as a whole.
    fn forward(&self, features: &[f32], device: &Device) -> Vec<Vec<f32>> {
        let width = self.log_mel.width();
        let frames = features.len() / width;
        if frames == 0 {
            return Vec::new();
        }
        let x = Tensor::<3>::from_data(TensorData::new(features.to_vec(), [1, frames, width]), device);
        let logits: Vec<f32> = self.network.forward_values(x, &[frames]).into_data().iter::<f32>().collect();
        let log_probs = |logits: &[f32]| {
            let mut log_probs = logits.to_vec();
            log_softmax(&mut log_probs);
            log_probs
        };
        logits.chunks_exact(self.dense.output_size()).map(log_probs).collect()
    }

    /// What is recognized from normalized features.
    pub fn recognize(
        self: &Arc<Self>,
        features: &[f32],
        options: &RecognizeOptions,
        device: &Device,
    ) -> Result<Vec<Recognition>> {
        if !self.is_bidirectional() {
            return RecognizerStream::recognize(self, features, options);
        }
        let mut decoder = self.decoder(options)?;
        self.forward(features, device).iter().for_each(|log_probs| decoder.push(log_probs));
        let recognition = Recognition::new(
            &decoder.finish(),
            &self.tokenizer,
            |frame| self.log_mel.frame_end(frame),
            self.log_mel.frame_seconds(),
        );
        Ok(if recognition.words.is_empty() { Vec::new() } else { vec![recognition] })
    }
}

/// The beams of a search with a lexicon or a language model, if no other number is asked for.
const SCORED_BEAMS: usize = 8;

/// Tokens whose log-probability is so far below that of a frame's likeliest begin no new prefix.
const PRUNE: f32 = 10.0;

/// The token that a frame without a token has: that of padding, which no text has.
pub(super) fn blank(tokenizer: &Tokenizer) -> u32 {
    tokenizer.special_tokens().pad
}

pub(super) fn log_softmax(logits: &mut [f32]) {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = logits.iter().map(|logit| (logit - max).exp()).sum();
    let log_sum = max + sum.ln();
    logits.iter_mut().for_each(|logit| *logit -= log_sum);
}

/// A search through frames of log-probabilities.
#[derive(Debug)]
pub(super) enum Decoder {
    Greedy(CtcGreedy),
    Beam(Box<CtcBeam<(Option<Lexicon>, Option<LanguageModelScorer>)>>),
}

impl Decoder {
    pub fn push(&mut self, log_probs: &[f32]) {
        match self {
            Self::Greedy(decoder) => decoder.push(log_probs),
            Self::Beam(decoder) => decoder.push(log_probs),
        }
    }

    /// The likeliest tokens so far.
    pub fn best(&self) -> Vec<CtcToken> {
        match self {
            Self::Greedy(decoder) => decoder.tokens().to_vec(),
            Self::Beam(decoder) => decoder.best(),
        }
    }

    /// The likeliest tokens of all frames.
    pub fn finish(&self) -> Vec<CtcToken> {
        match self {
            Self::Greedy(decoder) => decoder.tokens().to_vec(),
            Self::Beam(decoder) => decoder.finish(),
        }
    }

    pub fn num_frames(&self) -> usize {
        match self {
            Self::Greedy(decoder) => decoder.num_frames(),
            Self::Beam(decoder) => decoder.num_frames(),
        }
    }

    /// Forgets all frames.
    pub fn reset(&mut self) {
        match self {
            Self::Greedy(decoder) => decoder.reset(),
            Self::Beam(decoder) => decoder.reset(),
        }
    }
}

impl Predictor for Recognizer {
    type Config = TranscribeConfig;
    type Input = Audio;
    type Output = Transcription;

    fn load(folder: impl AsRef<Path>, device: &Device) -> Result<Self> {
        let run_dir = RunDir::open(folder)?;
        let config: TranscribeConfig = run_dir.config()?;
        crate::TaskConfig::check(&config)?;
        let tokenizer = run_dir.read_tokenizer(Self::OUTPUT)?;
        let normalization = Self::read_normalization(&run_dir, &config)?;
        let network = config.network(tokenizer.vocab_size());
        run_dir.check_size(network.num_parameters())?;
        let mut network = network.init(device);
        run_dir.read_weights(&mut network)?;
        Ok(Self::new(network, tokenizer, normalization, config))
    }

    /// Transcribes recordings, of any sample rate.
    ///
    /// # Errors
    /// If a sample rate is out of range.
    fn predict(&self, recordings: &[&Audio]) -> Result<Vec<Transcription>> {
        let options = RecognizeOptions::default();
        recordings.iter().map(|audio| self.transcribe(audio, &options)).collect()
    }

    fn config(&self) -> &TranscribeConfig {
        &self.config
    }
}

impl Recognizer {
    /// The weights over the tokens.
    pub(super) const OUTPUT: &str = "dense.bias";
    /// The file of the features' mean and deviation.
    pub(super) const NORMALIZATION: &str = "normalization.json";

    pub(super) fn new(
        network: SequenceTagger,
        tokenizer: Tokenizer,
        normalization: Normalization,
        config: TranscribeConfig,
    ) -> Self {
        let model = Arc::new(Model::new(network, tokenizer, normalization, &config));
        Self { model, config }
    }

    /// The mean and deviation of a run's features.
    pub(super) fn read_normalization(run_dir: &RunDir, config: &TranscribeConfig) -> Result<Normalization> {
        let damaged = |found: String| Error::RunDir {
            path: run_dir.path(Self::NORMALIZATION),
            expected: format!("mean and deviation of {} mels", config.num_mels),
            found,
        };
        let normalization: Normalization =
            serde_json::from_str(&run_dir.read(Self::NORMALIZATION)?).map_err(|cause| damaged(cause.to_string()))?;
        match normalization.mean.len() {
            found if found == config.num_mels => Ok(normalization),
            found => Err(damaged(format!("those of {found}"))),
        }
    }

    /// Its tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.model.tokenizer
    }

    /// The layers of its network, with shapes and parameters, for a second of sound.
    pub fn summary(&self) -> Summary {
        self.model.network.summary(&self.config.second())
    }

    /// Transcribes a recording of any sample rate: the same as a [stream](Self::stream) of its samples reports.
    ///
    /// # Errors
    /// If the sample rate is out of range, the beam size or a weight is, the lexicon has words that the tokens cannot spell,
    /// or the language model cannot spell what may be recognized.
    pub fn transcribe(&self, audio: &Audio, options: &RecognizeOptions) -> Result<Transcription> {
        self.model.transcribe(audio, options, &self.device())
    }

    /// The log-mel features of a recording as the network reads them, normalized, `[frames, features]`. For pictures.
    ///
    /// # Errors
    /// If the sample rate is out of range.
    pub fn log_mels(&self, audio: &Audio) -> Result<Vec<Vec<f32>>> {
        let features = self.model.features(audio)?;
        Ok(features.frames().map(<[f32]>::to_vec).collect())
    }

    /// The log-probabilities of the tokens in each frame of a recording, `[frames, tokens]`; the token of padding is the
    /// blank. For pictures.
    ///
    /// # Errors
    /// If the sample rate is out of range.
    pub fn log_probs(&self, audio: &Audio) -> Result<Vec<Vec<f32>>> {
        let features = self.model.features(audio)?;
        Ok(self.model.forward(&features.values, &self.device()))
    }

    fn device(&self) -> Device {
        self.model.network.dense.weight.val().device()
    }

    /// A stream of sound with this sample rate.
    ///
    /// # Errors
    /// As [`transcribe`](Self::transcribe), and if the network is bidirectional.
    pub fn stream(&self, sample_rate: u32, options: &RecognizeOptions) -> Result<RecognizerStream> {
        self.model.check(options)?;
        RecognizerStream::new(&self.model, sample_rate, options)
    }

    #[cfg(feature = "fit")]
    pub(super) fn model(&self) -> &Arc<Model> {
        &self.model
    }
}
