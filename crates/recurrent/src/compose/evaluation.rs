//! How well music is predicted, and what is composed like.

use std::fmt;

use burn::tensor::{Device, Int, Tensor};
use recurrent_music::analysis::{LongestCopy, in_key_share, recognize_key, repeated_bars};
use recurrent_music::{Frame, FramePiece, Meter, MusicTokenizer, Pitch};
use serde::Serialize;

use super::examples::{Examples, Keys, Sequence, Targets};
use super::training::{ComposeData, EncodedPiece, Predictions, key_losses, predict};
use super::{ComposeConfig, ComposeNetwork, Composer, Composition, CompositionRequest};
use crate::Result;
use crate::decoding::SamplingConfig;
use crate::fit::{BatchSource, token_loss};
use crate::generate::NgramModel;

/// Pieces of a batch.
const BATCH: usize = 16;
/// Steps that are computed at once.
const STEPS: usize = 2048;
/// Pieces that are composed to be measured.
const COMPOSED: usize = 24;
/// Added to the counts of the baseline of a piano roll (Krichevsky & Trofimov 1981).
const PRIOR: f64 = 0.5;

/// How well a network predicts the test pieces, and what it composes.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ComposeEvaluation {
    /// The mean loss of a frame of the test pieces, in nats: that of all its notes and of what else is predicted, such as
    /// the end of the piece. All frames count.
    pub nats_per_frame: f64,
    /// The frames of the test pieces.
    pub frames: usize,
    /// The fraction of the tokens that are predicted as the likeliest; of a piano roll, the keys that are rightly on, as a
    /// fraction of those that are on in the piece or in the prediction (Bay et al. 2009).
    pub accuracy: f64,
    /// What no model can be better than: the mean loss of the rules that composed the test pieces, in nats a frame.
    pub source_nats_per_frame: Option<f64>,
    /// The baseline: n-grams, or each key by itself.
    pub baseline: Option<MusicBaseline>,
    /// What is composed.
    pub composed: MusicStatistics,
    /// The same of the test pieces.
    pub test: MusicStatistics,
    /// A piece that was composed.
    #[serde(skip)]
    pub sample: Composition,
}

/// A baseline on the same frames.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MusicBaseline {
    /// Its name.
    pub name: String,
    /// Its mean loss of a frame, in nats.
    pub nats_per_frame: f64,
}

/// What some pieces are like, on average.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MusicStatistics {
    /// The fraction of the notes, by their length, that belong to the piece's key, as it is recognized.
    pub in_key: f64,
    /// The fraction of the bars that are equal to an earlier bar of the piece.
    pub repeated_bars: f64,
    /// The longest passage that is also in a training piece, in some key, in frames.
    pub longest_copy: f64,
}

impl fmt::Display for MusicStatistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { in_key, repeated_bars, longest_copy } = self;
        write!(
            f,
            "{:.1} % of the notes in key, {:.1} % of the bars repeated, longest copy of training {longest_copy:.1} frames",
            100.0 * in_key,
            100.0 * repeated_bars
        )
    }
}

impl fmt::Display for ComposeEvaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { nats_per_frame, frames, accuracy, source_nats_per_frame, baseline, composed, test, .. } = self;
        if let Some(baseline) = baseline.as_ref().filter(|baseline| baseline.nats_per_frame <= *nats_per_frame) {
            writeln!(f, "The baseline is better: {} with {:.3} nats a frame.", baseline.name, baseline.nats_per_frame)?;
        }
        let accuracy = 100.0 * accuracy;
        writeln!(
            f,
            "Test: {nats_per_frame:.3} nats a frame ({frames} frames, all counted), accuracy {accuracy:.1} %."
        )?;
        if let Some(source) = source_nats_per_frame {
            let factor = nats_per_frame / source;
            writeln!(
                f,
                "The rules that composed these pieces have {source:.3} nats a frame; the network {factor:.3} times that."
            )?;
        }
        if let Some(baseline) = baseline.as_ref().filter(|baseline| baseline.nats_per_frame > *nats_per_frame) {
            writeln!(f, "The baseline, {}, has {:.3} nats a frame.", baseline.name, baseline.nats_per_frame)?;
        }
        writeln!(f, "Composed pieces: {composed}.")?;
        write!(f, "Test pieces: {test}.")
    }
}

/// What was predicted of some pieces.
#[derive(Debug, Clone, Copy, Default)]
struct Predicted {
    nats: f64,
    right: f64,
    of: f64,
}

impl std::ops::AddAssign for Predicted {
    fn add_assign(&mut self, other: Self) {
        self.nats += other.nats;
        self.right += other.right;
        self.of += other.of;
    }
}

/// Predicts the test pieces, fits the baseline, and composes.
pub(super) fn evaluate(
    config: &ComposeConfig,
    data: &ComposeData,
    network: ComposeNetwork,
    device: &Device,
) -> Result<ComposeEvaluation> {
    let frames: usize = data.test_pieces.iter().map(|piece| piece.frames.frames.frames.len()).sum();
    let a_frame = |nats: f64| nats / frames.max(1) as f64;
    let sequences = data.test_pieces.iter().map(|piece| piece.sequence.clone()).collect();
    let test = Examples::new(sequences, STEPS, &data.tokenizer);
    let mut predicted = Predicted::default();
    for indices in test.batches(&(0..test.len()).collect::<Vec<_>>(), BATCH, None) {
        let Predictions { logits, targets, lengths } = predict(&network, test.gather(&indices, device));
        predicted += match targets {
            Targets::Tokens(targets) => Predicted::of_tokens(logits, targets, &lengths),
            Targets::Keys(targets) => Predicted::of_keys(logits, targets, &lengths),
        };
    }
    let composed_by_rule = |piece: &EncodedPiece| piece.chorale.as_ref()?.log_probability_with_labels();
    let source: Option<f64> = data.test_pieces.iter().map(composed_by_rule).sum();
    let composer = Composer::new(network, data.tokenizer.clone(), data.facts.clone(), config.clone());
    let mut composed = compose(&composer)?;
    let training: Vec<_> = data.train_pieces.iter().map(|piece| pitches(&piece.frames.frames.frames)).collect();
    let copies = LongestCopy::new(training.iter().map(Vec::as_slice));
    Ok(ComposeEvaluation {
        nats_per_frame: a_frame(predicted.nats),
        frames,
        accuracy: predicted.right / predicted.of.max(1.0),
        source_nats_per_frame: source.map(|log_probability| a_frame(-log_probability)),
        baseline: baseline(data).map(|(name, nats)| MusicBaseline { name, nats_per_frame: a_frame(nats) }),
        composed: MusicStatistics::of(composed.iter().map(Composition::frame_piece), &copies),
        test: MusicStatistics::of(data.test_pieces.iter().map(|piece| piece.frames.clone()), &copies),
        sample: composed.swap_remove(0),
    })
}

impl Predicted {
    fn of_tokens(logits: Tensor<3>, targets: Tensor<2, Int>, lengths: &[usize]) -> Self {
        let tokens = lengths.iter().sum::<usize>() as f64;
        let likeliest = logits.clone().argmax(2).squeeze_dim::<2>(2);
        let is_token = targets.clone().not_equal_elem(MusicTokenizer::PADDING);
        let right: i64 = likeliest.equal(targets.clone()).bool_and(is_token).int().sum().into_scalar();
        let loss: f32 = token_loss(logits, targets, Some(MusicTokenizer::PADDING)).into_scalar();
        Self { nats: f64::from(loss) * tokens, right: right as f64, of: tokens }
    }

    fn of_keys(logits: Tensor<3>, targets: Tensor<3>, lengths: &[usize]) -> Self {
        let nats: f32 = key_losses(logits.clone(), targets.clone(), lengths).sum().into_scalar();
        let (time, logits, targets) = (logits.dims()[1], logits.into_data(), targets.into_data());
        let mut predicted = Self { nats: f64::from(nats), ..Self::default() };
        for (at, (logit, target)) in logits.iter::<f32>().zip(targets.iter::<f32>()).enumerate() {
            let (row, step) = (at / (time * Pitch::COUNT), at / Pitch::COUNT % time);
            let (is_on, was_on) = (logit > 0.0, target > 0.5);
            if step < lengths[row] && (is_on || was_on) {
                predicted.of += 1.0;
                predicted.right += f64::from(u8::from(is_on && was_on));
            }
        }
        predicted
    }
}

/// The name of the strongest simple rival, and its loss on all test pieces in nats. n-grams are counted in the first training
/// pieces, as many as [`NgramModel`] takes; `None` if those are too short.
fn baseline(data: &ComposeData) -> Option<(String, f64)> {
    let rolls = |pieces: &[EncodedPiece]| -> Option<Vec<Vec<Keys>>> {
        let roll = |piece: &EncodedPiece| match &piece.sequence {
            Sequence::Roll(frames) => Some(frames.clone()),
            Sequence::Frames(_) | Sequence::Events(_) => None,
        };
        pieces.iter().map(roll).collect()
    };
    if let (Some(train), Some(test)) = (rolls(&data.train_pieces), rolls(&data.test_pieces)) {
        return Some(("each key by itself, after the frame before".into(), KeyChains::fit(&train).loss(&test)));
    }
    let (mut train, mut counted) = (Vec::new(), 0);
    for piece in &data.train_pieces {
        let ids = piece.sequence.ids();
        if train.len() + ids.len() > NgramModel::MAX_TOKENS {
            break;
        }
        train.extend_from_slice(ids);
        counted += 1;
    }
    let model = NgramModel::fit(&train, data.tokenizer.vocab_size())?;
    let loss = |piece: &EncodedPiece| model.loss(piece.sequence.ids()) * piece.sequence.num_targets() as f64;
    let nats = data.test_pieces.iter().map(loss).sum();
    let of_pieces = (counted < data.train_pieces.len()).then(|| format!(", of {counted} pieces"));
    let name = format!("{}-grams with Kneser–Ney smoothing{}", model.order(), of_pieces.unwrap_or_default());
    Some((name, nats))
}

/// Each key as a chain of two states, on and off, of which a frame depends on the one before.
struct KeyChains {
    /// By key, and whether it was on before: how often it was off and on.
    counts: Vec<[[f64; 2]; 2]>,
}

impl KeyChains {
    fn fit(pieces: &[Vec<Keys>]) -> Self {
        let mut counts = vec![[[PRIOR; 2]; 2]; Pitch::COUNT];
        for (key, before, now) in pieces.iter().flat_map(|piece| transitions(piece)) {
            counts[key][before][now] += 1.0;
        }
        Self { counts }
    }

    fn loss(&self, pieces: &[Vec<Keys>]) -> f64 {
        let losses = pieces.iter().flat_map(|piece| transitions(piece)).map(|(key, before, now)| {
            let counts = self.counts[key][before];
            -(counts[now] / (counts[0] + counts[1])).ln()
        });
        losses.sum()
    }
}

/// Key, and whether it is on in a frame after silence or the frame before.
fn transitions(frames: &[Keys]) -> impl Iterator<Item = (usize, usize, usize)> {
    let before = std::iter::once(0).chain(frames.iter().copied());
    let is_on = |keys: Keys, key: usize| (keys >> key & 1) as usize;
    before
        .zip(frames)
        .flat_map(move |(before, now)| (0..Pitch::COUNT).map(move |key| (key, is_on(before, key), is_on(*now, key))))
}

/// Some pieces, by seeds from 0 on.
fn compose(composer: &Composer) -> Result<Vec<Composition>> {
    let piece = |seed: u64| {
        let sampling = SamplingConfig::default().with_temperature(1.0).with_seed(seed);
        composer.compose(&CompositionRequest::default().with_sampling(sampling))
    };
    (0..COMPOSED as u64).map(piece).collect()
}

/// The pitches of frames, from the top.
fn pitches(frames: &[Frame]) -> Vec<Vec<Pitch>> {
    frames.iter().map(|frame| frame.iter().map(|note| note.pitch).collect()).collect()
}

impl MusicStatistics {
    fn of(pieces: impl Iterator<Item = FramePiece>, copies: &LongestCopy) -> Self {
        let (mut sum, mut count) = ([0.0; 3], 0.0_f64);
        for FramePiece { labels, frames, .. } in pieces {
            let piece = frames.piece(1);
            let in_key = recognize_key(&piece).and_then(|key| in_key_share(&piece.notes, key));
            let repeated = repeated_bars(&piece, labels.meter.meter().unwrap_or(Meter::COMMON));
            let copied = copies.find(&pitches(&frames.frames)).map(|run| run.length as f64);
            let values = [in_key, repeated, copied].map(|value| value.unwrap_or(0.0));
            sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            count += 1.0;
        }
        let [in_key, repeated_bars, longest_copy] = sum.map(|sum| sum / count.max(1.0));
        Self { in_key, repeated_bars, longest_copy }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_of_keys_count_what_follows() {
        // Key 0 stays on; key 1 goes off after one frame.
        let chains = KeyChains::fit(&[vec![0b01, 0b11, 0b01]]);
        assert_eq!(chains.counts[0], [[0.5, 1.5], [0.5, 2.5]]);
        assert_eq!(chains.counts[1], [[1.5, 1.5], [1.5, 0.5]]);
        let silent =
            |key: usize| -(chains.counts[key][0][0] / (chains.counts[key][0][0] + chains.counts[key][0][1])).ln();
        let expected: f64 = (0..Pitch::COUNT).map(silent).sum();
        assert!((chains.loss(&[vec![0]]) - expected).abs() < 1e-12);
    }
}
