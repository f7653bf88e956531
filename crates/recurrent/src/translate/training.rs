//! Training and evaluation of a translator.

use burn::tensor::{Device, Distribution, Int, Tensor};
use rand::rngs::StdRng;
use recurrent_data::{EncodedPairs, PairBatch, PairSplit, ReferenceSet, Role, Test, Train, Valid};
use recurrent_models::networks::Seq2Seq;

use super::decode::translate;
use super::evaluation::TokenLoss;
use super::length_penalty;
use super::tokenizers::Tokenizers;
use super::{
    BeamConfig, ChosenLengthPenalty, NearestNeighborBaseline, TestTranslation, TranslateConfig, TranslateSource,
    TranslationEvaluation, Translator,
};
use crate::fit::{BatchSource, Loaders, Loss, Objective, similar_batches, smoothed_token_loss};
use crate::partial::Partial;
use crate::task::count_unknown;
use crate::{FittedParts, Result, Run, Task, TrainedRun};

/// Pairs per batch in evaluation.
const EVALUATION_BATCH: usize = 128;

/// A run of [`Translating`].
pub type TranslateRun = Run<Translating>;

/// The task of translation.
#[derive(Debug)]
pub struct Translating;

/// Pairs as token ids.
#[derive(Debug)]
pub struct TranslateData {
    tokenizers: Tokenizers,
    train: EncodedPairs<Train>,
    valid: EncodedPairs<Valid>,
    test: EncodedPairs<Test>,
    /// The different sentences of the test split, with all their translations.
    test_sentences: Vec<ReferenceSet>,
    /// Sentences of the validation split, spread over it, by which the length penalty is chosen.
    valid_sentences: Vec<ReferenceSet>,
    nearest_neighbor: NearestNeighborBaseline,
    notes: Vec<String>,
}

impl TranslateData {
    /// The numbers of pairs of the training and validation splits, and of sentences of the test split.
    pub fn sizes(&self) -> [usize; 3] {
        [self.train.len(), self.valid.len(), self.test_sentences.len()]
    }

    /// The vocabulary sizes of source and target.
    pub fn vocab_sizes(&self) -> [usize; 2] {
        self.tokenizers.vocab_sizes()
    }

    /// The mean loss per token of the test split's references, in nats.
    fn test_loss(&self, network: &Seq2Seq, objective: &TranslateObjective, device: &Device) -> f64 {
        let (mut total, mut tokens) = (0.0, 0);
        for batch in self.test.by_length(EVALUATION_BATCH) {
            let batch = PairBatch::gather(&self.test, &batch, device);
            let Loss { mean, items } = objective.loss(network, batch, false);
            total += f64::from(mean.into_scalar::<f32>()) * items as f64;
            tokens += items;
        }
        total / tokens as f64
    }
}

impl Task for Translating {
    const ITEMS: &'static str = "pairs";
    const NETWORK_SETTINGS: &'static [&'static str] = &[
        "tokenizer",
        "vocab_size",
        "joint",
        "one_hot",
        "embedding_dim",
        "cell",
        "hidden_size",
        "num_layers",
        "bidirectional",
        "attention",
        "copy",
        "tie_weights",
    ];

    type Config = TranslateConfig;
    type Source = TranslateSource;
    type Data = TranslateData;
    type Network = Seq2Seq;
    type Objective = TranslateObjective;
    type Evaluation = TranslationEvaluation;
    type Predictor = Translator;

    fn default_config(source: &TranslateSource, given: &Partial) -> Result<TranslateConfig> {
        let config = TranslateConfig::new(source)?;
        let tie_weights = config.tie_weights && given.get("one_hot") != Some(true);
        Ok(TranslateConfig { tie_weights, ..config })
    }

    /// Pairs → splits → tokenizers → token ids.
    fn prepare(config: &TranslateConfig, source: &TranslateSource, fitted: FittedParts<'_>) -> Result<TranslateData> {
        let pairs = source.pairs(config)?;
        let PairSplit { train, valid, test, near_duplicates, .. } = pairs.split(&config.split)?;
        let mut tokenizers = match fitted.run_dir() {
            Some(run_dir) => Tokenizers::read(run_dir, config)?,
            None => Tokenizers::fit(config, &train)?,
        };
        let nearest_neighbor = NearestNeighborBaseline::new(train.pairs().map(|pair| (&*pair.source, &*pair.target)));
        let test_sentences = test.references();
        let mut valid_sentences = valid.references();
        let every = valid_sentences.len().div_ceil(length_penalty::MAX_SENTENCES).max(1);
        valid_sentences = valid_sentences.into_iter().step_by(every).collect();
        let max_length = config.max_length;
        let train = if config.train_pairs > 0 { train.spread_out(config.train_pairs) } else { train };
        let train = train.encode(&tokenizers.source, &tokenizers.target, max_length)?;
        let valid = valid.encode(&tokenizers.source, &tokenizers.target, max_length)?;
        let test = test.encode(&tokenizers.source, &tokenizers.target, max_length)?;
        // Without the start token.
        tokenizers.longest_target = (0..train.len()).map(|index| train.target(index).len() - 1).max();
        let truncated = train.truncated() + valid.truncated() + test.truncated();
        let mut notes = crate::task::counted([
            (pairs.duplicates(), "duplicate pair(s) were left out".into()),
            (near_duplicates, "near-duplicate(s) of training pairs were left out of validation and test".into()),
            (truncated, format!("sentence(s) were truncated to {max_length} tokens (`max_length`)")),
        ]);
        notes.extend(unknown_note("validation", &valid, &tokenizers));
        notes.extend(unknown_note("test", &test, &tokenizers));
        Ok(TranslateData { tokenizers, train, valid, test, test_sentences, valid_sentences, nearest_neighbor, notes })
    }

    fn artifacts(_config: &TranslateConfig, data: &TranslateData) -> Vec<(&'static str, String)> {
        let tokenizers = serde_json::to_string(&data.tokenizers).expect("tokenizers can be written as JSON");
        vec![(Tokenizers::FILE, tokenizers)]
    }

    fn notes(data: &TranslateData) -> Vec<String> {
        data.notes.clone()
    }

    fn items(data: &TranslateData) -> usize {
        data.train.len()
    }

    fn num_parameters(config: &TranslateConfig, data: &TranslateData) -> usize {
        data.tokenizers.network(config).num_parameters()
    }

    fn network(config: &TranslateConfig, data: &TranslateData, device: &Device) -> Seq2Seq {
        data.tokenizers.network(config).init(device)
    }

    fn input_shape(config: &TranslateConfig) -> Vec<usize> {
        vec![config.max_length]
    }

    fn objective(config: &TranslateConfig, data: &TranslateData) -> TranslateObjective {
        TranslateObjective {
            label_smoothing: config.label_smoothing,
            scheduled_sampling: config.scheduled_sampling,
            padding: data.tokenizers.target.special_tokens().pad,
        }
    }

    fn loaders(config: &TranslateConfig, data: &TranslateData, device: &Device) -> Loaders<PairBatch> {
        let splits = (data.train.clone(), data.valid.clone());
        Loaders::shuffled(splits, [config.fit.batch_size, EVALUATION_BATCH], device)
    }

    /// Translates the sentences of the test split. A length penalty that the settings leave open is chosen first, on the
    /// validation split, and saved.
    fn evaluate(run: TrainedRun<Self>, device: &Device) -> Result<TranslationEvaluation> {
        let TrainedRun { config, data, network, run_dir } = run;
        let best = |sentences: &[ReferenceSet], beam: BeamConfig| {
            let encode = |sentence: &ReferenceSet| data.tokenizers.encode_source(&sentence.source, config.max_length).0;
            let sources: Vec<Vec<u32>> = sentences.iter().map(encode).collect();
            let limit = beam.limit(&data.tokenizers, config);
            let found = translate(&network, &sources, &data.tokenizers, beam, limit, device);
            found.into_iter().map(|found| {
                let best = found.into_iter().next();
                let text = best.as_ref().map_or_else(String::new, |best| data.tokenizers.target.decode(&best.tokens));
                let probability = best.as_ref().map_or(0.0, |best| best.log_probability.exp());
                (text, probability, best.is_some_and(|best| !best.ended))
            })
        };
        let mut beam = BeamConfig::of(config);
        let chosen = if config.length_penalty.is_none() {
            let references: Vec<Vec<String>> =
                data.valid_sentences.iter().map(|sentence| sentence.references.clone()).collect();
            let translate = |beam| best(&data.valid_sentences, beam).map(|(text, ..)| text).collect();
            ChosenLengthPenalty::choose(run_dir, beam, &references, translate)?
        } else {
            None
        };
        if let Some(chosen) = &chosen {
            beam.length_penalty = chosen.length_penalty;
        }
        let translations = data.test_sentences.iter().zip(best(&data.test_sentences, beam));
        let translations = translations.map(|(sentence, (hypothesis, probability, cut))| TestTranslation {
            source: sentence.source.clone(),
            references: sentence.references.clone(),
            hypothesis,
            probability,
            nearest: data.nearest_neighbor.translate(&sentence.source),
            cut,
        });
        let attention = match config.attention.kind() {
            Some(kind) => format!("{kind} attention"),
            None => "no attention".into(),
        };
        let name = format!("{} ({attention})", config.cell.to_string().to_uppercase());
        let nats = data.test_loss(&network, &Self::objective(config, data), device);
        let [unknown, tokens] = unknown_targets(&data.test, data.tokenizers.target.special_tokens().unk);
        let loss = TokenLoss { nats, unknown: unknown as f64 / tokens as f64 };
        Ok(TranslationEvaluation::new(&name, loss, chosen, translations.collect()))
    }
}

impl<R: Role> BatchSource for EncodedPairs<R> {
    type Batch = PairBatch;

    const UNIT: &'static str = "pairs";

    fn len(&self) -> usize {
        Self::len(self)
    }

    fn groups(&self, items: &[usize], batch_size: usize, rng: Option<&mut StdRng>) -> Option<Vec<Vec<usize>>> {
        Some(similar_batches(rng, || self.by_length(batch_size), || self.bucket(items, batch_size)))
    }

    fn gather(&self, indices: &[usize], device: &Device) -> PairBatch {
        PairBatch::gather(self, indices, device)
    }
}

/// The numbers of unknown and of all tokens of the targets, their end tokens included.
fn unknown_targets<R: Role>(pairs: &EncodedPairs<R>, unk: u32) -> [usize; 2] {
    count_unknown((0..pairs.len()).map(|index| &pairs.target(index)[1..]), unk)
}

/// A note on unknown tokens, if there are any.
fn unknown_note<R: Role>(subset: &str, pairs: &EncodedPairs<R>, tokenizers: &Tokenizers) -> Option<String> {
    let [source, target] = tokenizers.special_tokens();
    let sources = count_unknown((0..pairs.len()).map(|index| pairs.source(index)), source.unk);
    let targets = unknown_targets(pairs, target.unk);
    crate::task::unknown_note(subset, [sources[0] + targets[0], sources[1] + targets[1]])
}

/// The number of target tokens of a batch.
fn target_tokens(batch: &PairBatch) -> usize {
    batch.target_lengths.iter().sum()
}

/// The cross-entropy in nats per target token.
#[derive(Debug, Clone)]
pub struct TranslateObjective {
    label_smoothing: f64,
    scheduled_sampling: f64,
    padding: u32,
}

impl Objective<Seq2Seq> for TranslateObjective {
    type Batch = PairBatch;

    fn loss(&self, network: &Seq2Seq, batch: PairBatch, training: bool) -> Loss {
        let items = target_tokens(&batch);
        let encoded = network.encode(batch.source, &batch.source_lengths);
        let mut inputs = batch.inputs;
        if training && self.scheduled_sampling > 0.0 {
            let logits = network.decode(&encoded, inputs.clone()).logits.detach();
            inputs = replace_some(inputs, logits, self.scheduled_sampling);
        }
        let log_probs = network.target_log_probs(&encoded, inputs, batch.targets.clone());
        let label_smoothing = if training { self.label_smoothing } else { 0.0 };
        Loss { mean: smoothed_token_loss(log_probs, batch.targets, Some(self.padding), label_smoothing), items }
    }
}

/// Replaces a random fraction of the inputs, `[batch, time]`, by the network's own predictions; the first stays.
fn replace_some(inputs: Tensor<2, Int>, logits: Tensor<3>, fraction: f64) -> Tensor<2, Int> {
    let [batch, time] = inputs.dims();
    if time < 2 {
        return inputs;
    }
    let device = logits.device();
    let likeliest = logits.argmax(2).reshape([batch, time]);
    let predicted = Tensor::cat(vec![inputs.clone().narrow(1, 0, 1), likeliest.narrow(1, 0, time - 1)], 1);
    let replaced = Tensor::<2>::random([batch, time], Distribution::Uniform(0.0, 1.0), &device).lower_elem(fraction);
    inputs.mask_where(replaced, predicted)
}
