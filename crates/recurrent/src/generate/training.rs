//! Training and evaluation of a language model.

use std::fmt;
use std::sync::Arc;

use burn::tensor::{Device, Distribution, Tensor};
use recurrent_data::{BpttBatches, CorpusSplit, DataSource, EncodedCorpus, Role, TokenBatch, Tokenizer, Train, Valid};
use recurrent_models::AnyState;
use recurrent_models::networks::LanguageModel;
use serde::Serialize;

use super::ngrams::NgramModel;
use super::{GenerateConfig, Generator};
use crate::fit::ranks::row_indices;
use crate::fit::{
    BatchSource, Carried, CarriedState, CurrentEpoch, Loader, Loaders, Loss, Objective, Order, TrainingEpoch,
    token_loss,
};
use crate::partial::Partial;
use crate::task::{percentage, unknown_note};
use crate::{FittedParts, Result, Run, Task, TrainedRun};

/// Streams in which the validation split is read, if it is long enough; each starts with an empty state.
const VALIDATION_STREAMS: usize = 32;

/// A run of [`Generation`].
pub type GenerateRun = Run<Generation>;

/// The task of text generation.
#[derive(Debug)]
pub struct Generation;

/// A text as windows of token ids.
#[derive(Debug)]
pub struct GenerateData {
    tokenizer: Tokenizer,
    train: BpttBatches<Train>,
    valid: BpttBatches<Valid>,
    /// Of the validation split.
    characters_per_token: f64,
    /// The fraction of the validation split's tokens that are `<unk>`.
    unknown: f64,
    notes: Vec<String>,
}

impl GenerateData {
    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// How many tokens of the training and validation splits are predicted.
    pub fn token_counts(&self) -> [usize; 2] {
        [self.train.num_targets(), self.valid.num_targets()]
    }

    /// The metrics of a mean loss per token, in nats.
    pub fn metrics(&self, nats: f64) -> LanguageMetrics {
        LanguageMetrics {
            nats,
            bits_per_character: (self.unknown == 0.0)
                .then_some(nats / std::f64::consts::LN_2 / self.characters_per_token),
            perplexity: nats.exp(),
            unknown: self.unknown,
        }
    }

    /// The n-grams of the training split on the same targets as the network.
    fn ngrams(&self) -> Option<NgramEvaluation> {
        let train = self.train.encoded();
        // A longer text is not read into memory for it.
        let text = NgramModel::is_for(train.len()).then(|| train.ids(0..train.len()))?;
        let model = NgramModel::fit(&text, self.tokenizer.vocab_size())?;
        let (valid, streams) = (self.valid.encoded(), self.valid.streams());
        let length = self.valid.num_targets() / streams;
        let of_stream = |stream: usize| model.loss(&valid.ids(stream * length..(stream + 1) * length + 1));
        let nats = (0..streams).map(of_stream).sum::<f64>() / streams as f64;
        Some(NgramEvaluation { order: model.order(), metrics: self.metrics(nats) })
    }

    /// The first `steps` steps of training: each input token and the one to predict.
    pub fn trace(&self, steps: usize) -> Vec<TracedStep> {
        let mut traced = Vec::new();
        let named = |id: u32| (id, self.tokenizer.display_token(id));
        for window in 0..self.train.len() {
            let (inputs, targets) = self.train.batch(window);
            let first_stream = inputs.len() / self.train.streams();
            let pairs = inputs.iter().zip(&targets).take(first_stream);
            traced.extend(pairs.map(|(input, target)| TracedStep { input: named(*input), target: named(*target) }));
            if traced.len() >= steps {
                break;
            }
        }
        traced.truncate(steps);
        traced
    }
}

/// A step of training, with the tokenizer's ids.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TracedStep {
    /// The input token.
    pub input: (u32, String),
    /// The token to predict.
    pub target: (u32, String),
}

/// The metrics of a language model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LanguageMetrics {
    /// The mean loss of a token, in nats.
    pub nats: f64,
    /// The mean loss of a character, in bits. `None` if some tokens are `<unk>`: each stands for any text, and the loss of
    /// that text is unknown.
    pub bits_per_character: Option<f64>,
    /// The perplexity of a token, `exp(nats)`. The more tokens are `<unk>`, the less it says.
    pub perplexity: f64,
    /// The fraction of the tokens that are `<unk>`.
    pub unknown: f64,
}

impl LanguageMetrics {
    /// The metrics of another mean loss, on the same text.
    #[must_use]
    pub fn with_nats(self, nats: f64) -> Self {
        let bits_per_character = self.bits_per_character.map(|bits| bits / self.nats * nats);
        Self { nats, bits_per_character, perplexity: nats.exp(), ..self }
    }

    /// Bits per character and perplexity, or the perplexity and the fraction of unknown tokens.
    pub fn comparable(&self) -> String {
        let Self { perplexity, unknown, .. } = self;
        match self.bits_per_character {
            Some(bits) => format!("{bits:.3} bits per character, perplexity {perplexity:.2}"),
            None => format!("perplexity {perplexity:.2} with {} of the tokens <unk>", percentage(*unknown)),
        }
    }
}

impl fmt::Display for LanguageMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.4} nats per token, {}", self.nats, self.comparable())
    }
}

/// How well a network predicts a text, and how well n-grams do.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LanguageEvaluation {
    /// The network.
    #[serde(flatten)]
    pub network: LanguageMetrics,
    /// The n-grams of the training split; `None` if it has more than two million tokens.
    pub ngrams: Option<NgramEvaluation>,
}

/// How well n-grams predict a text.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct NgramEvaluation {
    /// The length of the n-grams, by the last tenth of the training split.
    pub order: usize,
    /// Their metrics.
    #[serde(flatten)]
    pub metrics: LanguageMetrics,
}

impl fmt::Display for LanguageEvaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(NgramEvaluation { order, metrics }) = &self.ngrams else { return self.network.fmt(f) };
        let ngrams = format!("{order}-grams with Kneser–Ney smoothing");
        if metrics.nats <= self.network.nats {
            write!(f, "the network does NOT beat the {ngrams}: ")?;
        }
        write!(f, "{}; {ngrams}: {metrics}", self.network)
    }
}

impl Task for Generation {
    const ITEMS: &'static str = "tokens";
    const NETWORK_SETTINGS: &'static [&'static str] =
        &["tokenizer", "vocab_size", "cell", "embedding_dim", "hidden_size", "num_layers", "tie_weights"];

    type Config = GenerateConfig;
    type Source = DataSource;
    type Data = GenerateData;
    type Network = LanguageModel;
    type Objective = GenerateObjective;
    type Evaluation = LanguageEvaluation;
    type Predictor = Generator;

    fn default_config(source: &DataSource, _given: &Partial) -> Result<GenerateConfig> {
        GenerateConfig::new(source)
    }

    /// Corpus → splits → tokenizer → token ids → windows of parallel streams.
    fn prepare(config: &GenerateConfig, source: &DataSource, fitted: FittedParts<'_>) -> Result<GenerateData> {
        let CorpusSplit { train, valid, .. } = source.corpus()?.split(config.valid_fraction)?;
        let tokenizer = match fitted.run_dir() {
            Some(run_dir) => run_dir.read_tokenizer("embedding.weight")?,
            None => config.tokenizer.tokenizer(&config.tokenizer_config(), train.pieces())?,
        };
        let (train, valid) = (train.encode(&tokenizer)?, valid.encode(&tokenizer)?);
        let (streams, bptt) = validation_shape(config, &valid);
        let notes = [
            unknown_note("training", [train.num_unknown(), train.len()]),
            unknown_note("validation", [valid.num_unknown(), valid.len()]),
        ];
        Ok(GenerateData {
            characters_per_token: valid.num_chars() as f64 / valid.len().max(1) as f64,
            unknown: valid.num_unknown() as f64 / valid.len().max(1) as f64,
            notes: notes.into_iter().flatten().collect(),
            train: BpttBatches::new(train, config.fit.batch_size, config.bptt)?,
            valid: BpttBatches::new(valid, streams, bptt)?,
            tokenizer,
        })
    }

    fn artifacts(_config: &GenerateConfig, data: &GenerateData) -> Vec<(&'static str, String)> {
        vec![("tokenizer.json", data.tokenizer.to_json())]
    }

    fn notes(data: &GenerateData) -> Vec<String> {
        data.notes.clone()
    }

    fn items(data: &GenerateData) -> usize {
        data.train.num_targets()
    }

    fn num_parameters(config: &GenerateConfig, data: &GenerateData) -> usize {
        config.network(data.tokenizer.vocab_size()).num_parameters()
    }

    fn network(config: &GenerateConfig, data: &GenerateData, device: &Device) -> LanguageModel {
        config.network(data.tokenizer.vocab_size()).init(device)
    }

    fn input_shape(config: &GenerateConfig) -> Vec<usize> {
        vec![config.bptt]
    }

    fn objective(config: &GenerateConfig, _data: &GenerateData) -> GenerateObjective {
        GenerateObjective { state_reset: config.state_reset }
    }

    fn loaders(config: &GenerateConfig, data: &GenerateData, device: &Device) -> Loaders<BpttBatch> {
        let train = Sequential::new(data.train.clone());
        let valid = Sequential::new(data.valid.clone());
        let epoch = CurrentEpoch::default();
        let shape = [config.num_layers, config.fit.batch_size, config.hidden_size];
        let carried = Carried::new(train.carried.clone(), config.cell, shape);
        Loaders {
            train: Arc::new(Loader::new(train, 1, Order::EachEpoch(epoch.clone()), device)),
            valid: Arc::new(Loader::new(valid, 1, Order::Sequential, device)),
            steps_per_epoch: data.train.len(),
            epoch,
            carried: Some(carried),
        }
    }

    /// Predicts the validation split.
    fn evaluate(run: TrainedRun<Self>, device: &Device) -> Result<LanguageEvaluation> {
        let TrainedRun { data, network, .. } = run;
        let (mut total, mut tokens) = (0.0, 0);
        let mut state: Option<AnyState> = None;
        for window in 0..data.valid.len() {
            let TokenBatch { inputs, targets } = TokenBatch::gather(&data.valid, window, device);
            let [streams, steps] = inputs.dims();
            let (logits, next) = network.forward(inputs, state.take());
            let loss: f32 = token_loss(logits, targets, None).into_scalar();
            total += f64::from(loss) * (streams * steps) as f64;
            tokens += streams * steps;
            state = Some(next);
        }
        Ok(LanguageEvaluation { network: data.metrics(total / tokens as f64), ngrams: data.ngrams() })
    }
}

/// The numbers of streams and of steps per window for validation: few streams, so that most tokens have a long context.
fn validation_shape(config: &GenerateConfig, valid: &EncodedCorpus<Valid>) -> (usize, usize) {
    let targets = valid.len().saturating_sub(1);
    let bptt = config.bptt.min(targets).max(1);
    ((targets / bptt).clamp(1, VALIDATION_STREAMS), bptt)
}

/// Windows of parallel streams in their order, with the state that is carried from each to the next.
#[derive(Debug, Clone)]
struct Sequential<R: Role> {
    windows: BpttBatches<R>,
    carried: CarriedState,
}

impl<R: Role> Sequential<R> {
    fn new(windows: BpttBatches<R>) -> Self {
        Self { windows, carried: CarriedState::default() }
    }
}

impl<R: Role> BatchSource for Sequential<R> {
    type Batch = BpttBatch;

    const UNIT: &'static str = "windows";

    fn len(&self) -> usize {
        self.windows.len()
    }

    fn gather(&self, indices: &[usize], device: &Device) -> BpttBatch {
        let &[window] = indices else {
            panic!("streams are read one window at a time, got {indices:?}");
        };
        if window == 0 {
            // Each pass over the text begins with an empty state.
            self.carried.take();
        }
        BpttBatch { batch: TokenBatch::gather(&self.windows, window, device), carried: self.carried.clone() }
    }

    fn num_rows(&self, _indices: &[usize]) -> usize {
        self.windows.streams()
    }

    fn gather_rows(&self, indices: &[usize], rows: &[usize], _epoch: TrainingEpoch, device: &Device) -> BpttBatch {
        let BpttBatch { batch: TokenBatch { inputs, targets }, carried } = self.gather(indices, device);
        let rows = row_indices(rows, device);
        let batch = TokenBatch { inputs: inputs.select(0, rows.clone()), targets: targets.select(0, rows) };
        BpttBatch { batch, carried }
    }
}

/// A window of all streams, and the state before it.
#[derive(Debug, Clone)]
pub struct BpttBatch {
    batch: TokenBatch,
    carried: CarriedState,
}

/// The cross-entropy in nats per token.
#[derive(Debug, Clone)]
pub struct GenerateObjective {
    /// The fraction of the streams whose state is reset before each training window.
    state_reset: f64,
}

impl Objective<LanguageModel> for GenerateObjective {
    type Batch = BpttBatch;

    fn loss(&self, network: &LanguageModel, BpttBatch { batch, carried }: BpttBatch, training: bool) -> Loss {
        let [streams, steps] = batch.targets.dims();
        let items = streams * steps;
        let state_reset = if training { self.state_reset } else { 0.0 };
        let state = carried.take().map(|state| reset_some(state, state_reset, streams, &batch.inputs.device()));
        let (logits, state) = network.forward(batch.inputs, state);
        carried.put(state);
        Loss { mean: token_loss(logits, batch.targets, None), items }
    }
}

/// Sets the state of a random fraction of the streams to zero.
fn reset_some(state: AnyState, fraction: f64, streams: usize, device: &Device) -> AnyState {
    if fraction == 0.0 {
        return state;
    }
    let drawn = Tensor::<3>::random([1, streams, 1], Distribution::Uniform(0.0, 1.0), device);
    let kept = drawn.greater_equal_elem(fraction).float();
    state.map(|part| part * kept.clone())
}
