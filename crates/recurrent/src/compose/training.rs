//! Training and evaluation of a composer.

use std::sync::Arc;

use burn::tensor::activation::{log_sigmoid, relu};
use burn::tensor::{Device, Tensor, TensorData};
use recurrent_music::{Chorale, FramePiece, MusicTokenizer, Pitch, encode_events, encode_frames};

use super::evaluation::evaluate;
use super::examples::{ComposeBatch, Examples, Inputs, Keys, Sequence, Targets};
use super::facts::Facts;
use super::source::CorpusPiece;
use super::{ComposeConfig, ComposeEvaluation, ComposeNetwork, Composer, MusicSource, Notation};
use crate::fit::{Carried, Loaders, Loss, Objective, token_loss};
use crate::partial::Partial;
use crate::{FittedParts, Result, Run, Task, TrainedRun};

/// Pieces per batch of the validation.
const VALIDATION_BATCH: usize = 32;

/// A run of [`Composing`].
pub type ComposeRun = Run<Composing>;

/// The task of composing.
#[derive(Debug)]
pub struct Composing;

/// Pieces as sequences of tokens or frames.
#[derive(Debug)]
pub struct ComposeData {
    pub(super) tokenizer: Arc<MusicTokenizer>,
    pub(super) facts: Facts,
    train: Examples,
    valid: Examples,
    /// The training pieces, whole.
    pub(super) train_pieces: Vec<EncodedPiece>,
    /// The test pieces, whole.
    pub(super) test_pieces: Vec<EncodedPiece>,
    sizes: [usize; 3],
    notes: Vec<String>,
}

/// A piece, and how the network reads it.
#[derive(Debug, Clone)]
pub(super) struct EncodedPiece {
    pub frames: FramePiece,
    pub sequence: Sequence,
    /// The piece as it was composed, by rules that know its probability.
    pub chorale: Option<Chorale>,
}

impl ComposeData {
    /// The numbers of pieces of the training, validation and test splits.
    pub fn sizes(&self) -> [usize; 3] {
        self.sizes
    }

    /// The vocabulary.
    pub fn tokenizer(&self) -> &MusicTokenizer {
        &self.tokenizer
    }
}

/// Encodes pieces as a configuration says.
struct Encoder<'a> {
    config: &'a ComposeConfig,
    tokenizer: &'a MusicTokenizer,
}

impl Encoder<'_> {
    fn pieces(&self, pieces: &[&CorpusPiece]) -> Result<Vec<EncodedPiece>> {
        pieces.iter().map(|piece| self.piece(piece)).collect()
    }

    fn piece(&self, piece: &CorpusPiece) -> Result<EncodedPiece> {
        let frames = piece.frames(self.tokenizer.config().per_quarter)?;
        let sequence = match self.config.notation {
            Notation::Frames => Sequence::Frames(encode_frames(self.tokenizer, &frames)),
            Notation::Events => Sequence::Events(encode_events(self.tokenizer, &piece.piece)),
            Notation::Roll => Sequence::Roll(roll(&frames)),
        };
        Ok(EncodedPiece { frames, sequence, chorale: piece.chorale.clone() })
    }
}

/// The keys that are on in each frame.
fn roll(piece: &FramePiece) -> Vec<Keys> {
    let key = |pitch: Pitch| 1 << (pitch.number() - Pitch::LOWEST.number());
    piece.frames.frames.iter().map(|frame| frame.iter().fold(0, |keys, note| keys | key(note.pitch))).collect()
}

impl Task for Composing {
    const ITEMS: &'static str = "pieces";
    const NETWORK_SETTINGS: &'static [&'static str] = &[
        "notation",
        "per_quarter",
        "holds",
        "labels",
        "cell",
        "embedding_dim",
        "hidden_size",
        "num_layers",
        "tie_weights",
    ];

    type Config = ComposeConfig;
    type Source = MusicSource;
    type Data = ComposeData;
    type Network = ComposeNetwork;
    type Objective = ComposeObjective;
    type Evaluation = ComposeEvaluation;
    type Predictor = Composer;

    fn default_config(source: &MusicSource, given: &Partial) -> Result<ComposeConfig> {
        Ok(ComposeConfig::new(source)?.for_notation(given))
    }

    /// Pieces → splits → frames or events → token ids, or a piano roll.
    fn prepare(config: &ComposeConfig, source: &MusicSource, _fitted: FittedParts<'_>) -> Result<ComposeData> {
        let tokenizer = Arc::new(MusicTokenizer::new(config.tokenizer()));
        let mut split = source.split(&config.split)?;
        if config.train_pieces > 0 {
            split.train.truncate(config.train_pieces);
        }
        let encoder = Encoder { config, tokenizer: &tokenizer };
        let train = encoder.pieces(&split.train)?;
        let valid = encoder.pieces(&split.valid)?;
        let test = encoder.pieces(&split.test)?;
        let sizes = [train.len(), valid.len(), test.len()];
        let tempos = split.train.iter().map(|piece| piece.piece.tempo()).collect();
        let examples = |pieces: &[EncodedPiece]| {
            let sequences = pieces.iter().map(|piece| piece.sequence.clone()).collect();
            Examples::new(sequences, config.bptt, &tokenizer)
        };
        Ok(ComposeData {
            facts: Facts::of(train.iter().map(|piece| &piece.frames), tempos, config.transpose > 0.0),
            train: examples(&train),
            valid: examples(&valid),
            train_pieces: train,
            test_pieces: test,
            sizes,
            notes: source.notes().iter().chain(&split.notes).cloned().collect(),
            tokenizer,
        })
    }

    fn artifacts(_config: &ComposeConfig, data: &ComposeData) -> Vec<(&'static str, String)> {
        let facts = serde_json::to_string_pretty(&data.facts).expect("numbers and names can be written as JSON");
        vec![(Facts::FILE, facts + "\n")]
    }

    fn notes(data: &ComposeData) -> Vec<String> {
        data.notes.clone()
    }

    fn items(data: &ComposeData) -> usize {
        data.sizes[0]
    }

    fn num_parameters(config: &ComposeConfig, data: &ComposeData) -> usize {
        config.network(data.tokenizer.vocab_size()).num_parameters()
    }

    fn network(config: &ComposeConfig, data: &ComposeData, device: &Device) -> ComposeNetwork {
        config.network(data.tokenizer.vocab_size()).init(device)
    }

    fn input_shape(config: &ComposeConfig) -> Vec<usize> {
        config.input_shape()
    }

    fn objective(_config: &ComposeConfig, _data: &ComposeData) -> ComposeObjective {
        ComposeObjective
    }

    fn loaders(config: &ComposeConfig, data: &ComposeData, device: &Device) -> Loaders<ComposeBatch> {
        let train = data.train.clone().for_training(config.fit.epochs, config.transpose);
        let shape = [config.num_layers, config.fit.batch_size, config.hidden_size];
        let carried = Carried::new(train.carried(), config.cell, shape);
        let sizes = [config.fit.batch_size, VALIDATION_BATCH];
        Loaders::shuffled((train, data.valid.clone()), sizes, device).with_carried(carried)
    }

    /// Predicts the test pieces, and composes others.
    fn evaluate(run: TrainedRun<Self>, device: &Device) -> Result<ComposeEvaluation> {
        let TrainedRun { config, data, network, .. } = run;
        evaluate(config, data, network, device)
    }
}

/// The cross-entropy in nats per token; of a piano roll, in nats per frame.
#[derive(Debug, Clone)]
pub struct ComposeObjective;

impl Objective<ComposeNetwork> for ComposeObjective {
    type Batch = ComposeBatch;

    fn loss(&self, network: &ComposeNetwork, batch: ComposeBatch, _training: bool) -> Loss {
        let Predictions { logits, targets, lengths } = predict(network, batch);
        let items = lengths.iter().sum();
        let mean = match targets {
            Targets::Tokens(targets) => token_loss(logits, targets, Some(MusicTokenizer::PADDING)),
            Targets::Keys(targets) => key_losses(logits, targets, &lengths).sum() / items as f64,
        };
        Loss { mean, items }
    }
}

/// What a network predicts of a batch.
pub(super) struct Predictions {
    /// `[batch, time, tokens or keys]`, as the targets.
    pub logits: Tensor<3>,
    pub targets: Targets,
    /// The number of targets of each row.
    pub lengths: Vec<usize>,
}

/// Predicts a batch, from the state that is carried to it, and carries the state on.
pub(super) fn predict(network: &ComposeNetwork, batch: ComposeBatch) -> Predictions {
    let ComposeBatch { inputs, targets, lengths, is_first, carried } = batch;
    // Pieces that have ended were the last rows.
    let going_on = |part: Tensor<3>| part.narrow(1, 0, lengths.len());
    let state = carried.take().filter(|_| !is_first).map(|state| state.map(going_on));
    let (logits, state) = match (network, inputs) {
        (ComposeNetwork::Frames(network), Inputs::Frames(read)) => {
            let (logits, state) = network.forward(read, state);
            (logits.unsqueeze(), state)
        }
        (ComposeNetwork::Events(network), Inputs::Events(ids)) => network.forward_with_lengths(ids, &lengths, state),
        (ComposeNetwork::Roll(network), Inputs::Roll(frames)) => network.forward_values_from(frames, &lengths, state),
        _ => unreachable!("network and batch are made by one configuration"),
    };
    carried.put(state);
    Predictions { logits, targets, lengths }
}

/// The binary cross-entropy of each key, `[batch, time, 88]`, 0 behind the end of a piece.
///
/// - `logits`, `targets`: `[batch, time, 88]`.
pub(super) fn key_losses(logits: Tensor<3>, targets: Tensor<3>, lengths: &[usize]) -> Tensor<3> {
    let [_, time, _] = logits.dims();
    let inside = |length: &usize| (0..time).map(|at| if at < *length { 1.0_f32 } else { 0.0 }).collect::<Vec<_>>();
    let mask: Vec<f32> = lengths.iter().flat_map(inside).collect();
    let mask = Tensor::<3>::from_data(TensorData::new(mask, [lengths.len(), time, 1]), &logits.device());
    // -log σ(x) where a key is on and -log σ(-x) where it is off is max(x, 0) - x y + log(1 + e^-|x|).
    let losses = relu(logits.clone()) - logits.clone() * targets - log_sigmoid(logits.abs());
    losses * mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_costs_the_logarithm_of_its_probability() {
        let device = Device::flex();
        let logits = Tensor::<3>::from_data([[[0.0, 2.0, -3.0], [9.0, 9.0, 9.0]]], &device);
        let targets = Tensor::<3>::from_data([[[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]]], &device);
        let losses: Vec<f32> = key_losses(logits, targets, &[1]).into_data().iter().collect();
        let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
        let expected = [-(sigmoid(0.0).ln()), -((1.0 - sigmoid(2.0)).ln()), -(sigmoid(-3.0).ln()), 0.0, 0.0, 0.0];
        for (found, expected) in losses.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{losses:?}");
        }
    }
}
