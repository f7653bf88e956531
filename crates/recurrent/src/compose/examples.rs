//! Pieces as sequences, and their batches.

use std::sync::Arc;

use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use recurrent_music::{MusicTokenizer, Pitch};

use crate::fit::{BatchSource, TrainingEpoch, batches_by_length};

/// By how many semitones a piece is moved in training: all keys, each in one place.
const TRANSPOSITIONS: std::ops::RangeInclusive<i8> = -5..=6;

/// The keys of a piano that are on in a frame, the lowest in the lowest bit.
pub(super) type Keys = u128;

/// A piece, or an excerpt of one, as the network reads it.
#[derive(Debug, Clone)]
pub(super) enum Sequence {
    /// Token ids.
    Tokens(Vec<u32>),
    /// The frames of a piano roll.
    Roll(Vec<Keys>),
}

impl Sequence {
    /// The steps that are predicted: all tokens but the first, or all frames.
    pub fn num_targets(&self) -> usize {
        match self {
            Self::Tokens(ids) => ids.len().saturating_sub(1),
            Self::Roll(frames) => frames.len(),
        }
    }

    /// Excerpts with up to so many targets. Those of a piano roll begin in silence.
    pub fn excerpts(self, targets: usize) -> Vec<Self> {
        match self {
            Self::Tokens(ids) => {
                let starts = (0..ids.len().saturating_sub(1)).step_by(targets.max(1));
                starts.map(|start| Self::Tokens(ids[start..ids.len().min(start + targets + 1)].to_vec())).collect()
            }
            Self::Roll(frames) => frames.chunks(targets.max(1)).map(|frames| Self::Roll(frames.to_vec())).collect(),
        }
    }

    /// The sequence of a piece so many semitones higher; `None` if a piano does not have all of its pitches.
    fn transposed(&self, tokenizer: &MusicTokenizer, semitones: i8) -> Option<Self> {
        match self {
            Self::Tokens(ids) => tokenizer.transposed(ids, semitones).map(Self::Tokens),
            Self::Roll(frames) => {
                let by = u32::from(semitones.unsigned_abs());
                let higher = |keys: &Keys| {
                    let moved = if semitones < 0 { keys >> by } else { keys << by };
                    let kept = moved.count_ones() == keys.count_ones() && moved >> Pitch::COUNT == 0;
                    kept.then_some(moved)
                };
                frames.iter().map(higher).collect::<Option<_>>().map(Self::Roll)
            }
        }
    }
}

/// The sequences of a split. Cloning is cheap.
#[derive(Debug, Clone)]
pub(super) struct Examples {
    all: Arc<[Sequence]>,
    tokenizer: Arc<MusicTokenizer>,
    /// The epochs of training in which they are transposed.
    transposed_epochs: usize,
}

/// A batch of pieces.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "a batch is alone")]
pub enum ComposeBatch {
    /// Token ids.
    Tokens {
        /// `[batch, time]`.
        inputs: Tensor<2, Int>,
        /// The next tokens, `[batch, time]`; [`MusicTokenizer::PADDING`] behind the end.
        targets: Tensor<2, Int>,
        /// The number of targets of each piece.
        lengths: Vec<usize>,
    },
    /// Frames of a piano roll.
    Roll {
        /// The frame before each one, `[batch, time, 88]`; silence before the first.
        inputs: Tensor<3>,
        /// `[batch, time, 88]`.
        targets: Tensor<3>,
        /// The frames of each piece.
        lengths: Vec<usize>,
    },
}

impl Examples {
    /// The sequences of pieces, cut into excerpts of up to `bptt` targets.
    pub fn new(pieces: Vec<Sequence>, bptt: usize, tokenizer: &Arc<MusicTokenizer>) -> Self {
        let all = pieces.into_iter().flat_map(|piece| piece.excerpts(bptt)).collect();
        Self { all, tokenizer: tokenizer.clone(), transposed_epochs: 0 }
    }

    /// The same, transposed at random in the first epochs of training.
    pub fn for_training(self, transposed_epochs: usize) -> Self {
        Self { transposed_epochs, ..self }
    }

    /// A sequence as it is in an epoch: moved to another key, if it fits on a piano there.
    fn transposed(&self, index: usize, epoch: TrainingEpoch) -> Option<Sequence> {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&epoch.seed.to_le_bytes());
        seed[8..16].copy_from_slice(&(index as u64).to_le_bytes());
        let semitones = StdRng::from_seed(seed).random_range(TRANSPOSITIONS);
        self.all[index].transposed(&self.tokenizer, semitones)
    }
}

impl BatchSource for Examples {
    type Batch = ComposeBatch;

    const UNIT: &'static str = "pieces";

    fn len(&self) -> usize {
        self.all.len()
    }

    fn batches(&self, items: &[usize], batch_size: usize, rng: Option<&mut StdRng>) -> Vec<Vec<usize>> {
        batches_by_length(items, batch_size, rng, |index| self.all[index].num_targets())
    }

    fn gather(&self, indices: &[usize], device: &Device) -> ComposeBatch {
        ComposeBatch::new(&indices.iter().map(|index| &self.all[*index]).collect::<Vec<_>>(), device)
    }

    fn gather_for(&self, indices: &[usize], epoch: TrainingEpoch, device: &Device) -> ComposeBatch {
        if epoch.number > self.transposed_epochs {
            return self.gather(indices, device);
        }
        let moved = |index: &usize| self.transposed(*index, epoch).unwrap_or_else(|| self.all[*index].clone());
        let moved: Vec<Sequence> = indices.iter().map(moved).collect();
        ComposeBatch::new(&moved.iter().collect::<Vec<_>>(), device)
    }
}

impl ComposeBatch {
    /// A batch of sequences of one kind.
    pub(super) fn new(sequences: &[&Sequence], device: &Device) -> Self {
        let lengths: Vec<usize> = sequences.iter().map(|sequence| sequence.num_targets()).collect();
        let time = lengths.iter().copied().max().unwrap_or(0).max(1);
        let shape = [sequences.len(), time];
        if let Some(Sequence::Roll(_)) = sequences.first() {
            return Self::roll(sequences, lengths, shape, device);
        }
        let padding = || vec![MusicTokenizer::PADDING as i32; shape[0] * time];
        let (mut inputs, mut targets) = (padding(), padding());
        for (row, sequence) in sequences.iter().enumerate() {
            let Sequence::Tokens(ids) = sequence else { continue };
            for (at, pair) in (row * time..).zip(ids.windows(2)) {
                (inputs[at], targets[at]) = (pair[0] as i32, pair[1] as i32);
            }
        }
        let tensor = |ids| Tensor::from_data(TensorData::new(ids, shape), device);
        Self::Tokens { inputs: tensor(inputs), targets: tensor(targets), lengths }
    }

    fn roll(sequences: &[&Sequence], lengths: Vec<usize>, [batch, time]: [usize; 2], device: &Device) -> Self {
        let mut inputs = vec![0.0_f32; batch * time * Pitch::COUNT];
        let mut targets = inputs.clone();
        for (row, sequence) in sequences.iter().enumerate() {
            let Sequence::Roll(frames) = sequence else { continue };
            for (at, keys) in frames.iter().enumerate() {
                let first = (row * time + at) * Pitch::COUNT;
                for key in (0..Pitch::COUNT).filter(|key| keys >> key & 1 == 1) {
                    targets[first + key] = 1.0;
                    if at + 1 < frames.len() {
                        inputs[first + Pitch::COUNT + key] = 1.0;
                    }
                }
            }
        }
        let tensor = |values| Tensor::from_data(TensorData::new(values, [batch, time, Pitch::COUNT]), device);
        Self::Roll { inputs: tensor(inputs), targets: tensor(targets), lengths }
    }
}

#[cfg(test)]
mod tests {
    use recurrent_music::{MusicTokenizerConfig, Representation};

    use super::*;

    fn tokenizer() -> Arc<MusicTokenizer> {
        let representation = Representation::Frames;
        let config = MusicTokenizerConfig { representation, per_quarter: 1, holds: false, labels: false };
        Arc::new(MusicTokenizer::new(config))
    }

    #[test]
    fn excerpts_have_every_target_once() {
        let ids: Vec<u32> = (1..12).collect();
        let excerpts = Sequence::Tokens(ids.clone()).excerpts(4);
        let targets: Vec<u32> = excerpts
            .iter()
            .flat_map(|excerpt| match excerpt {
                Sequence::Tokens(ids) => ids[1..].to_vec(),
                Sequence::Roll(_) => Vec::new(),
            })
            .collect();
        assert_eq!(targets, ids[1..]);
        let frames = Sequence::Roll(vec![1; 11]).excerpts(4);
        assert_eq!(frames.iter().map(Sequence::num_targets).collect::<Vec<_>>(), [4, 4, 3]);
    }

    #[test]
    fn batches_are_padded_at_the_end() {
        let device = Device::flex();
        let (long, short) = (Sequence::Tokens(vec![1, 5, 6, 2]), Sequence::Tokens(vec![1, 2]));
        let batch = ComposeBatch::new(&[&long, &short], &device);
        let ComposeBatch::Tokens { inputs, targets, lengths, .. } = batch else { panic!("tokens") };
        inputs.into_data().assert_eq(&TensorData::from([[1, 5, 6], [1, 0, 0]]), false);
        targets.into_data().assert_eq(&TensorData::from([[5, 6, 2], [2, 0, 0]]), false);
        assert_eq!(lengths, [3, 1]);
    }

    #[test]
    fn a_roll_predicts_each_frame_from_the_one_before() {
        let roll = Sequence::Roll(vec![0b1, 0b10, 0b110]);
        let batch = ComposeBatch::new(&[&roll], &Device::flex());
        let ComposeBatch::Roll { inputs, targets, .. } = batch else { panic!("a roll") };
        let lowest = |values: Tensor<3>| -> Vec<f32> { values.slice([0..1, 0..3, 0..3]).into_data().iter().collect() };
        assert_eq!(lowest(inputs), [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
        assert_eq!(lowest(targets), [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0]);
    }

    #[test]
    fn transposition_depends_on_epoch_and_piece_and_keeps_the_piano() {
        let middle = || Sequence::Roll(vec![1 << 40]);
        let examples = Examples::new(vec![middle(), middle()], 8, &tokenizer()).for_training(1);
        let key = |index, seed| match examples.transposed(index, TrainingEpoch { number: 1, seed }) {
            Some(Sequence::Roll(frames)) => frames[0].trailing_zeros(),
            other => panic!("{other:?}"),
        };
        let keys: Vec<u32> = (0..50).map(|seed| key(0, seed)).collect();
        assert!(keys.iter().all(|key| (35..=46).contains(key)) && keys.iter().any(|key| *key != keys[0]));
        assert_eq!(key(0, 7), key(0, 7));
        assert!((0..50).any(|seed| key(0, seed) != key(1, seed)));
        for (at, semitones) in [(0, -1), (87, 1)] {
            assert!(Sequence::Roll(vec![1 << at]).transposed(&tokenizer(), semitones).is_none());
        }
    }
}
