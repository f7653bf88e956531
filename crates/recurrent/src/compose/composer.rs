//! A trained composer.

use std::path::Path;
use std::sync::Arc;

use burn::tensor::Device;
use recurrent_models::networks::{LanguageModel, SequenceTagger};
use recurrent_models::{StreamingDense, Summarize, Summary};
use recurrent_music::analysis::key_of;
use recurrent_music::{
    EventGrammar, Frame, FrameGrammar, FrameNote, Frames, GivenFrame, Key, Meter, MeterClass, MusicTokenizer, Piece,
    PieceRequest, Pitch, TempoClass, Token, decode_events, decode_frames, encode_events,
};

use super::facts::Facts;
use super::{ComposeConfig, ComposeNetwork, Composition, CompositionRequest, FrameModel, Notation};
use crate::decoding::{Sampler, SamplingConfig};
use crate::{Error, Predictor, Result, RunDir};

/// The most tokens of a piece whose length was not asked for.
const MAX_TOKENS: usize = 20_000;
/// The most frames of a piece.
const MAX_FRAMES: usize = 100_000;
/// The bars of a piece, where neither network nor request tells.
const DEFAULT_BARS: usize = 16;
/// Labels before a piece: key, meter and tempo.
const NUM_LABELS: usize = 3;
/// Ticks of a frame in a piece that was composed.
const TICKS: u32 = 40;

/// A trained composer, loaded from the folder of a run.
///
/// ```no_run
/// use recurrent::compose::{Composer, CompositionRequest};
/// use recurrent::music::Melody;
/// use recurrent::prelude::*;
///
/// # fn main() -> recurrent::Result<()> {
/// let composer = Composer::load("runs/chorales", &Default::default())?;
///
/// // Sixteen bars in A minor ...
/// let request = CompositionRequest::default().with_bars(16).with_key("Am".parse()?);
/// let composition = composer.compose(&request)?;
/// composition.piece.write_midi("piece.mid")?;
///
/// // ... or three voices below a melody, the likeliest of 16.
/// let melody = Melody::find("ode-to-joy")?.piece();
/// let request = CompositionRequest::default().with_primer(melody).with_bars(8).with_candidates(16);
/// composer.compose(&request)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Composer {
    network: ComposeNetwork,
    tokenizer: Arc<MusicTokenizer>,
    facts: Facts,
    config: ComposeConfig,
}

impl Predictor for Composer {
    type Config = ComposeConfig;
    type Input = CompositionRequest;
    type Output = Composition;

    fn load(folder: impl AsRef<Path>, device: &Device) -> Result<Self> {
        let run_dir = RunDir::open(folder)?;
        let config: ComposeConfig = run_dir.config()?;
        let tokenizer = Arc::new(MusicTokenizer::new(config.tokenizer()));
        let facts = Facts::read(&run_dir)?;
        let network = config.network(tokenizer.vocab_size());
        run_dir.check_size(network.num_parameters())?;
        let mut network = network.init(device);
        run_dir.read_weights(&mut network)?;
        Ok(Self::new(network, tokenizer, facts, config))
    }

    /// Composes a piece for each request.
    ///
    /// # Errors
    /// As [`Composer::compose`].
    fn predict(&self, requests: &[&CompositionRequest]) -> Result<Vec<Composition>> {
        requests.iter().map(|request| self.compose(request)).collect()
    }

    fn config(&self) -> &ComposeConfig {
        &self.config
    }
}

impl Composer {
    pub(super) fn new(
        network: ComposeNetwork,
        tokenizer: Arc<MusicTokenizer>,
        facts: Facts,
        config: ComposeConfig,
    ) -> Self {
        Self { network, tokenizer, facts, config }
    }

    /// The layers of its network, with shapes and parameters.
    pub fn summary(&self) -> Summary {
        self.network.summary(&self.config.input_shape())
    }

    /// The vocabulary.
    pub fn tokenizer(&self) -> &MusicTokenizer {
        &self.tokenizer
    }

    /// Composes a piece.
    ///
    /// # Errors
    /// If a value is out of bounds, the network does not know the key or meter, or the primer is longer than the piece or
    /// has no notes.
    pub fn compose(&self, request: &CompositionRequest) -> Result<Composition> {
        request.check()?;
        let mut plan = self.plan(request)?;
        let seeds = (0..request.candidates as u64).map(|candidate| request.sampling.seed.wrapping_add(candidate));
        let composed = seeds.map(|seed| self.sample(&plan, request.sampling.clone().with_seed(seed)));
        let best = composed.max_by(|a, b| a.log_probability.total_cmp(&b.log_probability));
        let sampled = best.ok_or_else(|| Error::setting("candidates", "at least 1", "0"))?;
        plan.key = plan.key.or(sampled.key);
        plan.meter = plan.meter.or(sampled.meter);
        self.finish(plan, sampled)
    }

    /// What a request means for this network.
    fn plan(&self, request: &CompositionRequest) -> Result<Plan> {
        let labels = self.tokenizer.config().labels;
        let primer = request.primer.as_ref();
        if primer.is_some_and(|primer| primer.notes.is_empty()) {
            return Err(Error::setting("primer", "at least 1 note", "none"));
        }
        if let Some(key) = request.key {
            if !labels {
                let expected = "no key, since the network was trained without labels";
                return Err(Error::setting("key", expected, key.to_string()));
            }
            check_known("key", key, self.facts.keys.contains(&key), &mut self.facts.keys.iter().copied())?;
        }
        // A key that the network does not know is another piece's.
        let known_key = |key: &Key| labels && self.facts.keys.contains(key);
        let key = request.key.or_else(|| key_of(primer?).filter(known_key));
        let meter = request.meter.or_else(|| Some(primer?.meters.first()?.1));
        if let Some(meter) = meter.filter(|_| labels) {
            let meters = &self.facts.meters;
            let mut known = meters.iter().filter_map(|class| class.meter());
            check_known("meter", meter, meters.contains(&MeterClass::of(meter)), &mut known)?;
        }
        let tempo = request.tempo.or_else(|| Some(primer?.tempo())).unwrap_or(self.facts.tempo);
        let given = primer.map(|primer| self.given(primer, request.voice)).transpose()?.unwrap_or_default();
        let bars = self.bars(request, meter, given.len())?;
        Ok(Plan { key, meter, tempo, bars, given, primer: primer.cloned() })
    }

    /// The first frames of a piece that begins with a primer.
    fn given(&self, primer: &Piece, voice: usize) -> Result<Vec<GivenFrame>> {
        let frames = Frames::of(primer, self.tokenizer.config().per_quarter)?.frames;
        let voices = self.facts.voices.unwrap_or(0);
        let most = frames.iter().map(Vec::len).max().unwrap_or(0);
        // One voice of several, of which the others are composed.
        let first = if most < voices { voice.min(voices - most) } else { 0 };
        let fill = |frame: Frame| -> GivenFrame {
            if frame.is_empty() || most >= voices {
                return frame.into_iter().map(Some).collect();
            }
            let mut given: GivenFrame = vec![None; voices];
            given.iter_mut().skip(first).zip(frame).for_each(|(slot, note)| *slot = Some(note));
            given
        };
        Ok(frames.into_iter().map(fill).collect())
    }

    /// The length in bars, if it is to be fixed.
    fn bars(&self, request: &CompositionRequest, meter: Option<Meter>, given: usize) -> Result<Option<usize>> {
        let bar = meter.unwrap_or(Meter::COMMON).bar(self.tokenizer.config().per_quarter) as usize;
        let least = given.div_ceil(bar);
        let most = MAX_FRAMES / bar;
        match request.bars {
            Some(bars) if bars > most => {
                Err(Error::setting("bars", format!("at most {most} of so many frames"), bars.to_string()))
            }
            Some(bars) if bars < least => {
                Err(Error::setting("bars", format!("at least {least}, the bars of the primer"), bars.to_string()))
            }
            Some(bars) => Ok(Some(bars)),
            None if request.harmonize => Ok(Some(least.min(most))),
            None if given > 0 => Ok(Some((least + DEFAULT_BARS / 2).min(most))),
            None if self.config.notation == Notation::Frames => Ok(None),
            None => Ok(Some(DEFAULT_BARS)),
        }
    }

    /// Composes once.
    fn sample(&self, plan: &Plan, sampling: SamplingConfig) -> Sampled {
        match &self.network {
            ComposeNetwork::Frames(network) => self.sample_frames(network, plan, sampling),
            ComposeNetwork::Events(network) => self.sample_events(network, plan, sampling),
            ComposeNetwork::Roll(network) => self.sample_roll(network, plan, sampling),
        }
    }

    fn piece_request(&self, plan: &Plan) -> PieceRequest {
        let tempo = TempoClass::of(plan.tempo);
        PieceRequest {
            key: plan.key,
            meter: plan.meter,
            tempo: self.facts.tempos.contains(&tempo).then_some(tempo),
            bars: plan.bars,
            given: plan.given.clone(),
            voices: self.facts.voices,
            range: self.facts.range,
        }
    }

    fn sample_frames(&self, network: &FrameModel, plan: &Plan, sampling: SamplingConfig) -> Sampled {
        let mut grammar = FrameGrammar::new(&self.tokenizer, self.piece_request(plan));
        let mut model = network.streaming(&self.tokenizer);
        let step = |id, logits: &mut Vec<f32>| model.step(id, logits);
        let mut reader = TokenReader::new(step, &self.tokenizer, sampling);
        let mut ids = Vec::new();
        while !grammar.has_ended() && (plan.bars.is_some() || ids.len() < MAX_TOKENS) {
            let id = reader.next(|token| grammar.allows(token));
            grammar.push(self.tokenizer.tokens()[id as usize]);
            ids.push(id);
        }
        let frames = decode_frames(&self.tokenizer, &ids);
        self.sampled(Content::Frames(frames), &ids, reader.log_probability)
    }

    fn sample_events(&self, network: &LanguageModel, plan: &Plan, sampling: SamplingConfig) -> Sampled {
        let mut grammar = EventGrammar::new(&self.tokenizer, self.piece_request(plan));
        let mut model = network.streaming();
        let mut state = model.zero_state();
        let step = |id, logits: &mut Vec<f32>| model.step(id, &mut state, logits);
        let mut reader = TokenReader::new(step, &self.tokenizer, sampling);
        let labels = 1 + if self.tokenizer.config().labels { NUM_LABELS } else { 0 };
        let (mut primer, mut ids) = (Vec::new().into_iter(), Vec::new());
        while !grammar.has_ended() && ids.len() < MAX_TOKENS {
            if ids.len() == labels {
                let (key, _) = self.labels_of(&ids);
                primer = plan.primer.as_ref().map(|primer| self.events_of(primer, key)).unwrap_or_default().into_iter();
            }
            let forced = primer.next();
            let id = reader.next(|token| match forced {
                Some(forced) => token == forced,
                None => grammar.allows(token),
            });
            grammar.push(self.tokenizer.tokens()[id as usize]);
            ids.push(id);
        }
        let piece = decode_events(&self.tokenizer, &ids);
        self.sampled(Content::Piece(piece), &ids, reader.log_probability)
    }

    /// The events of a primer in a piece of this key.
    fn events_of(&self, primer: &Piece, key: Option<Key>) -> Vec<Token> {
        let primer = Piece { keys: key.map(|key| (0, key)).into_iter().collect(), ..primer.clone() };
        let ids = encode_events(&self.tokenizer, &primer).into_iter();
        let is_event = |token: &Token| !token.is_label() && !matches!(token, Token::Start | Token::End);
        ids.filter_map(|id| self.tokenizer.token(id)).filter(is_event).collect()
    }

    /// What was composed as these tokens.
    fn sampled(&self, content: Content, ids: &[u32], log_probability: f64) -> Sampled {
        let (key, meter) = self.labels_of(ids);
        Sampled { content, key, meter, log_probability }
    }

    /// The key and the meter that tokens begin with.
    fn labels_of(&self, ids: &[u32]) -> (Option<Key>, Option<Meter>) {
        let (mut found_key, mut found_meter) = (None, None);
        for token in ids.iter().take(NUM_LABELS + 1).filter_map(|id| self.tokenizer.token(*id)) {
            match token {
                Token::Key(key) => found_key = key,
                Token::Meter(class) => found_meter = class.meter(),
                _ => {}
            }
        }
        (found_key, found_meter)
    }

    /// Samples each key of each frame by itself.
    fn sample_roll(&self, network: &SequenceTagger, plan: &Plan, sampling: SamplingConfig) -> Sampled {
        let mut streaming = network.recurrent.streaming(None);
        let dense = StreamingDense::new(network.dense.weight.val(), network.dense.bias.as_ref().map(|bias| bias.val()));
        let bar = plan.meter.unwrap_or(Meter::COMMON).bar(self.tokenizer.config().per_quarter) as usize;
        let (mut keys, mut logits) = (vec![0.0; Pitch::COUNT], Vec::new());
        let mut sampler = Sampler::new(sampling);
        let (mut frames, mut log_probability) = (Vec::new(), 0.0);
        for at in 0..plan.bars.unwrap_or(DEFAULT_BARS).saturating_mul(bar) {
            dense.forward(streaming.step(&keys), &mut logits);
            let given = plan.given.get(at);
            let forced = |pitch: Pitch| given.map(|given| given.iter().flatten().any(|note| note.pitch == pitch));
            let mut frame = Frame::new();
            for (key, logit) in logits.iter().enumerate().rev() {
                let Some(pitch) = Pitch::new(Pitch::LOWEST.number() + key as u8) else { continue };
                let in_range = (self.facts.range.0..=self.facts.range.1).contains(&pitch);
                let is_on = forced(pitch).unwrap_or_else(|| in_range && sampler.sample(&[0.0, *logit]) == 1);
                let toward = f64::from(if is_on { *logit } else { -logit });
                log_probability -= (-toward).exp().ln_1p();
                keys[key] = f32::from(is_on);
                frame.extend(is_on.then_some(FrameNote { pitch, attack: true }));
            }
            frames.push(frame);
        }
        let frames = Frames { per_quarter: self.tokenizer.config().per_quarter, frames }.tied().frames;
        Sampled { content: Content::Frames(frames), key: None, meter: None, log_probability }
    }

    /// The piece of what was sampled.
    fn finish(&self, plan: Plan, sampled: Sampled) -> Result<Composition> {
        let per_quarter = self.tokenizer.config().per_quarter;
        let meter = plan.meter.unwrap_or(Meter::COMMON);
        let mut piece = match sampled.content {
            Content::Piece(piece) => piece,
            Content::Frames(frames) => Frames { per_quarter, frames }.piece(TICKS),
        };
        piece.tempos = vec![(0, (60e6 / plan.tempo) as u32)];
        piece.meters = vec![(0, meter)];
        piece.keys = plan.key.map(|key| (0, key)).into_iter().collect();
        let frames = Frames::of(&piece, per_quarter)?;
        Ok(Composition { piece, frames, log_probability: sampled.log_probability })
    }
}

/// What a request means.
struct Plan {
    key: Option<Key>,
    meter: Option<Meter>,
    tempo: f64,
    bars: Option<usize>,
    given: Vec<GivenFrame>,
    primer: Option<Piece>,
}

/// What was composed, with its labels.
struct Sampled {
    content: Content,
    key: Option<Key>,
    meter: Option<Meter>,
    log_probability: f64,
}

enum Content {
    Frames(Vec<Frame>),
    Piece(Piece),
}

/// Samples token after token from a network.
struct TokenReader<'a, S> {
    /// Reads a token, and gives the logits of the next.
    step: S,
    tokenizer: &'a MusicTokenizer,
    /// Of the next token; none before the first.
    logits: Vec<f32>,
    sampler: Sampler,
    log_probability: f64,
}

impl<'a, S: FnMut(u32, &mut Vec<f32>)> TokenReader<'a, S> {
    fn new(step: S, tokenizer: &'a MusicTokenizer, sampling: SamplingConfig) -> Self {
        Self { step, tokenizer, logits: Vec::new(), sampler: Sampler::new(sampling), log_probability: 0.0 }
    }

    /// Samples one of the tokens that are allowed, and reads it. The first token of a piece has no probability.
    fn next(&mut self, allows: impl Fn(Token) -> bool) -> u32 {
        let is_first = self.logits.is_empty();
        if is_first {
            self.logits = vec![0.0; self.tokenizer.vocab_size()];
        }
        let allowed = self.logits.iter().zip(self.tokenizer.tokens());
        let masked: Vec<f32> =
            allowed.map(|(logit, token)| if allows(*token) { *logit } else { f32::NEG_INFINITY }).collect();
        let id = self.sampler.sample(&masked);
        if !is_first {
            self.log_probability += log_softmax_at(&self.logits, id);
        }
        (self.step)(id, &mut self.logits);
        id
    }
}

/// The log-probability of a token by its logits.
fn log_softmax_at(logits: &[f32], id: u32) -> f64 {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f64 = logits.iter().map(|logit| f64::from(logit - highest).exp()).sum();
    f64::from(logits[id as usize] - highest) - total.ln()
}

/// Refuses a key or a meter that no training piece has.
fn check_known<T: ToString>(
    setting: &'static str,
    value: T,
    is_known: bool,
    known: &mut dyn Iterator<Item = T>,
) -> Result<()> {
    if is_known {
        return Ok(());
    }
    let known: Vec<String> = known.map(|known| known.to_string()).collect();
    let expected = format!("one of the training pieces ({})", known.join(", "));
    Err(Error::setting(setting, expected, value.to_string()))
}
