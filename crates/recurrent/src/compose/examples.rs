//! Pieces as sequences, and their batches.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::ops::RangeInclusive;
use std::sync::Arc;

use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use recurrent_music::{MusicTokenizer, Pitch, Transposition};

use super::frame_model::FrameSteps;
use super::frame_reader::{FrameReader, is_step};
use crate::fit::{BatchSource, CarriedState, TrainingEpoch};

/// By how many semitones a piece is moved in training: all keys, each in one place.
const TRANSPOSITIONS: RangeInclusive<i8> = -5..=6;
/// Pieces are batched with others that have as many excerpts and, in steps of this, as many targets.
const SIMILAR: usize = 32;

/// The keys of a piano that are on in a frame, the lowest in the lowest bit.
pub(super) type Keys = u128;

/// A piece as the network reads it.
#[derive(Debug, Clone)]
pub(super) enum Sequence {
    /// Frames as token ids.
    Frames(Vec<u32>),
    /// Events as token ids.
    Events(Vec<u32>),
    /// The frames of a piano roll.
    Roll(Vec<Keys>),
}

/// A part of a sequence: what the network reads and predicts, with one step more than there are targets.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Excerpt {
    /// Token ids, and those that [remind](FrameReader::reminder) the network of the tokens before.
    Frames { before: Vec<u32>, ids: Vec<u32> },
    /// Token ids.
    Events(Vec<u32>),
    /// The first frame is the one before, silent at the beginning of a piece.
    Roll(Vec<Keys>),
}

impl Sequence {
    /// What is predicted: all tokens but the first, or all frames.
    pub fn num_targets(&self) -> usize {
        match self {
            Self::Frames(ids) | Self::Events(ids) => ids.len().saturating_sub(1),
            Self::Roll(frames) => frames.len(),
        }
    }

    /// Its token ids; none of a piano roll.
    pub fn ids(&self) -> &[u32] {
        match self {
            Self::Frames(ids) | Self::Events(ids) => ids,
            Self::Roll(_) => &[],
        }
    }

    /// Excerpts of up to so many steps of the recurrent network.
    fn excerpts(&self, steps: usize, tokenizer: &MusicTokenizer) -> Vec<Excerpt> {
        match self {
            Self::Frames(ids) => frame_excerpts(ids, steps, tokenizer),
            Self::Events(ids) => {
                let starts = (0..ids.len().saturating_sub(1)).step_by(steps);
                starts.map(|start| Excerpt::Events(ids[start..ids.len().min(start + steps + 1)].to_vec())).collect()
            }
            Self::Roll(frames) => {
                let all: Vec<Keys> = std::iter::once(0).chain(frames.iter().copied()).collect();
                let starts = (0..frames.len()).step_by(steps);
                starts.map(|start| Excerpt::Roll(all[start..all.len().min(start + steps + 1)].to_vec())).collect()
            }
        }
    }

    /// How a piece is moved by so many semitones; `None` if a piano does not have all of its pitches then.
    fn transposition(&self, tokenizer: &MusicTokenizer, semitones: i8) -> Option<Transposition> {
        match self {
            Self::Frames(ids) | Self::Events(ids) => {
                let transposition = tokenizer.transposition(ids, semitones);
                tokenizer.transposed(ids, transposition).map(|_| transposition)
            }
            Self::Roll(frames) => {
                let transposition = Transposition::chromatic(semitones);
                transposed_keys(frames, transposition).map(|_| transposition)
            }
        }
    }
}

fn frame_excerpts(ids: &[u32], steps: usize, tokenizer: &MusicTokenizer) -> Vec<Excerpt> {
    let last = ids.len().saturating_sub(1);
    let mut reader = FrameReader::new(tokenizer);
    let mut found: Vec<(usize, Vec<u32>)> = Vec::new();
    let mut taken = steps;
    for (at, id) in ids[..last].iter().enumerate() {
        if tokenizer.token(*id).is_some_and(is_step) {
            if taken == steps {
                found.push((at, reader.reminder()));
                taken = 0;
            }
            taken += 1;
        }
        reader.push(*id);
    }
    let ends: Vec<usize> = found.iter().skip(1).map(|(start, _)| *start).chain([last]).collect();
    let excerpt =
        |((start, before), end): ((usize, Vec<u32>), usize)| Excerpt::Frames { before, ids: ids[start..=end].to_vec() };
    found.into_iter().zip(ends).map(excerpt).collect()
}

fn transposed_keys(frames: &[Keys], by: Transposition) -> Option<Vec<Keys>> {
    let higher = |keys: &Keys| {
        let moved = match by.semitones() {
            down @ ..0 => keys >> u32::from(down.unsigned_abs()),
            up => keys << u32::from(up.unsigned_abs()),
        };
        let kept = moved.count_ones() == keys.count_ones() && moved >> Pitch::COUNT == 0;
        kept.then_some(moved)
    };
    frames.iter().map(higher).collect()
}

impl Excerpt {
    fn num_targets(&self) -> usize {
        match self {
            Self::Frames { ids, .. } | Self::Events(ids) => ids.len() - 1,
            Self::Roll(frames) => frames.len() - 1,
        }
    }

    fn transposed(&self, tokenizer: &MusicTokenizer, by: Transposition) -> Option<Self> {
        Some(match self {
            Self::Frames { before, ids } => {
                let [before, ids] = [before, ids].map(|ids| tokenizer.transposed(ids, by));
                Self::Frames { before: before?, ids: ids? }
            }
            Self::Events(ids) => Self::Events(tokenizer.transposed(ids, by)?),
            Self::Roll(frames) => Self::Roll(transposed_keys(frames, by)?),
        })
    }
}

/// The pieces of a split, in excerpts through which the network's state is carried. Cloning is cheap.
#[derive(Debug, Clone)]
pub(super) struct Examples {
    pieces: Arc<[Sequence]>,
    /// The excerpts of all pieces, one piece after the other, each with the number of its piece.
    excerpts: Arc<[(usize, Excerpt)]>,
    /// The first excerpt of each piece, and the end of them all.
    firsts: Arc<[usize]>,
    tokenizer: Arc<MusicTokenizer>,
    carried: CarriedState,
    moved: Option<Moved>,
}

/// How pieces are transposed in training.
#[derive(Debug, Clone)]
struct Moved {
    epochs: usize,
    /// The fraction of the pieces, as a mean over all epochs.
    fraction: f64,
    /// The ways in which each piece fits on a piano.
    ways: Arc<[Vec<Transposition>]>,
}

impl Moved {
    /// The fraction of the pieces in an epoch. It falls linearly: from 1 to 0 if the mean is a half.
    fn fraction_in(&self, epoch: usize) -> f64 {
        let [first, last] = [(2.0 * self.fraction).min(1.0), (2.0 * self.fraction - 1.0).max(0.0)];
        match self.epochs {
            0 | 1 => self.fraction,
            epochs => first + (last - first) * (epoch - 1) as f64 / (epochs - 1) as f64,
        }
    }

    fn draw(&self, piece: usize, epoch: TrainingEpoch) -> Option<Transposition> {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&epoch.seed.to_le_bytes());
        seed[8..16].copy_from_slice(&(piece as u64).to_le_bytes());
        let mut rng = StdRng::from_seed(seed);
        let is_moved = rng.random::<f64>() < self.fraction_in(epoch.number);
        is_moved.then(|| self.ways[piece].choose(&mut rng).copied()).flatten()
    }
}

/// Excerpts that are read at once.
#[derive(Debug, Clone)]
pub struct ComposeBatch {
    pub(super) inputs: Inputs,
    pub(super) targets: Targets,
    /// The number of targets of each row.
    pub(super) lengths: Vec<usize>,
    /// Whether the pieces begin here.
    pub(super) is_first: bool,
    /// The state after the excerpts before, of which those that have another after them are the first rows.
    pub(super) carried: CarriedState,
}

/// What the network reads.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "a batch is alone")]
pub(super) enum Inputs {
    Frames(FrameSteps),
    /// Token ids, `[batch, time]`.
    Events(Tensor<2, Int>),
    /// The frame before each one, `[batch, time, 88]`.
    Roll(Tensor<3>),
}

/// What it predicts.
#[derive(Debug, Clone)]
pub(super) enum Targets {
    /// The next token ids, `[batch, time]`; [`MusicTokenizer::PADDING`] behind the end. Those of frames are one row.
    Tokens(Tensor<2, Int>),
    /// `[batch, time, 88]`, each 0 or 1.
    Keys(Tensor<3>),
}

impl Examples {
    /// The sequences of pieces, cut into excerpts of up to `bptt` steps.
    pub fn new(pieces: Vec<Sequence>, bptt: usize, tokenizer: &Arc<MusicTokenizer>) -> Self {
        let (mut excerpts, mut firsts) = (Vec::new(), vec![0]);
        for (index, piece) in pieces.iter().enumerate() {
            excerpts.extend(piece.excerpts(bptt, tokenizer).into_iter().map(|excerpt| (index, excerpt)));
            firsts.push(excerpts.len());
        }
        Self {
            pieces: pieces.into(),
            excerpts: excerpts.into(),
            firsts: firsts.into(),
            tokenizer: tokenizer.clone(),
            carried: CarriedState::default(),
            moved: None,
        }
    }

    /// The same, of which a `fraction` as a mean over all `epochs` is transposed at random.
    pub fn for_training(self, epochs: usize, fraction: f64) -> Self {
        let ways = |piece: &Sequence| {
            let way = |semitones| piece.transposition(&self.tokenizer, semitones);
            TRANSPOSITIONS.filter_map(way).collect::<Vec<_>>()
        };
        let moved = (fraction > 0.0).then(|| Moved { epochs, fraction, ways: self.pieces.iter().map(ways).collect() });
        Self { moved, ..self }
    }

    /// The state that the batches share.
    pub fn carried(&self) -> CarriedState {
        self.carried.clone()
    }

    fn num_excerpts(&self, piece: usize) -> usize {
        self.firsts[piece + 1] - self.firsts[piece]
    }

    fn is_first(&self, index: usize) -> bool {
        self.firsts[self.excerpts[index].0] == index
    }

    fn batch(&self, indices: &[usize], epoch: Option<TrainingEpoch>, device: &Device) -> ComposeBatch {
        let excerpt = |index: &usize| {
            let (piece, excerpt) = &self.excerpts[*index];
            let way = self.moved.as_ref().zip(epoch).and_then(|(moved, epoch)| moved.draw(*piece, epoch));
            let moved = way.map(|way| excerpt.transposed(&self.tokenizer, way).expect("the whole piece fits"));
            moved.map_or(Cow::Borrowed(excerpt), Cow::Owned)
        };
        let excerpts: Vec<Cow<'_, Excerpt>> = indices.iter().map(excerpt).collect();
        let is_first = indices.iter().all(|index| self.is_first(*index));
        ComposeBatch::new(&excerpts, &self.tokenizer, is_first, self.carried.clone(), device)
    }

    /// The indices of excerpts in batches. The excerpts of a batch of pieces follow each other; pieces that have ended are left out.
    ///
    /// Pieces are batched by their number of excerpts, so that all epochs have as many batches.
    pub(super) fn batches(&self, items: &[usize], batch_size: usize, rng: Option<&mut StdRng>) -> Vec<Vec<usize>> {
        let begins = |index: &&usize| self.is_first(**index);
        let mut pieces: Vec<usize> = items.iter().filter(begins).map(|index| self.excerpts[*index].0).collect();
        let size = |piece: usize| (self.num_excerpts(piece), self.pieces[piece].num_targets() / SIMILAR);
        pieces.sort_by_key(|piece| Reverse(size(*piece)));
        let mut together: Vec<&[usize]> = pieces.chunks(batch_size).collect();
        if let Some(rng) = rng {
            together.shuffle(rng);
        }
        let excerpts = |pieces: &[usize]| -> Vec<Vec<usize>> {
            let has = |piece: &&usize, number: usize| self.num_excerpts(**piece) > number;
            let nth = |number: usize| {
                let going_on = pieces.iter().take_while(|piece| has(piece, number));
                going_on.map(|piece| self.firsts[*piece] + number).collect()
            };
            (0..self.num_excerpts(pieces[0])).map(nth).collect()
        };
        together.into_iter().flat_map(excerpts).collect()
    }
}

impl BatchSource for Examples {
    type Batch = ComposeBatch;

    const UNIT: &'static str = "excerpts";

    fn len(&self) -> usize {
        self.excerpts.len()
    }

    fn groups(&self, items: &[usize], batch_size: usize, rng: Option<&mut StdRng>) -> Option<Vec<Vec<usize>>> {
        Some(self.batches(items, batch_size, rng))
    }

    fn num_batches(&self, batch_size: usize) -> usize {
        self.batches(&(0..self.len()).collect::<Vec<_>>(), batch_size, None).len()
    }

    fn gather(&self, indices: &[usize], device: &Device) -> ComposeBatch {
        self.batch(indices, None, device)
    }

    fn gather_for(&self, indices: &[usize], epoch: TrainingEpoch, device: &Device) -> ComposeBatch {
        self.batch(indices, Some(epoch), device)
    }
}

impl ComposeBatch {
    /// A batch of excerpts of one kind.
    fn new(
        excerpts: &[Cow<'_, Excerpt>],
        tokenizer: &MusicTokenizer,
        is_first: bool,
        carried: CarriedState,
        device: &Device,
    ) -> Self {
        let lengths: Vec<usize> = excerpts.iter().map(|excerpt| excerpt.num_targets()).collect();
        let time = lengths.iter().copied().max().unwrap_or(0).max(1);
        let rows = excerpts.iter().map(AsRef::as_ref);
        let tokens = |rows: &[&[u32]], offset| Tensor::from_data(padded(rows, time, offset), device);
        let (inputs, targets) = match excerpts.first().map(AsRef::as_ref) {
            Some(Excerpt::Roll(_)) => {
                let frames: Vec<&[Keys]> = rows.filter_map(Excerpt::keys).collect();
                let roll = |offset| Tensor::from_data(pressed(&frames, time, offset), device);
                (Inputs::Roll(roll(0)), Targets::Keys(roll(1)))
            }
            Some(Excerpt::Frames { .. }) => {
                let reminded: Vec<(&[u32], &[u32])> = rows.filter_map(Excerpt::reminded).collect();
                let next = reminded.iter().flat_map(|(_, ids)| &ids[1..]);
                let next: Vec<i32> = next.map(|id| *id as i32).collect();
                let next = Tensor::<1, Int>::from_data(next.as_slice(), device);
                let read = FrameSteps::new(&reminded, tokenizer, device);
                (Inputs::Frames(read), Targets::Tokens(next.unsqueeze()))
            }
            Some(Excerpt::Events(_)) | None => {
                let ids: Vec<&[u32]> = rows.filter_map(Excerpt::events).collect();
                (Inputs::Events(tokens(&ids, 0)), Targets::Tokens(tokens(&ids, 1)))
            }
        };
        Self { inputs, targets, lengths, is_first, carried }
    }
}

impl Excerpt {
    fn keys(&self) -> Option<&[Keys]> {
        if let Self::Roll(frames) = self { Some(frames) } else { None }
    }

    fn reminded(&self) -> Option<(&[u32], &[u32])> {
        if let Self::Frames { before, ids } = self { Some((before, ids)) } else { None }
    }

    fn events(&self) -> Option<&[u32]> {
        if let Self::Events(ids) = self { Some(ids) } else { None }
    }
}

/// Token ids from the first (`offset` 0) or the second (1) on, one less than there are, `[batch, time]`.
fn padded(rows: &[&[u32]], time: usize, offset: usize) -> TensorData {
    let mut values = vec![MusicTokenizer::PADDING as i32; rows.len() * time];
    for (row, ids) in values.chunks_exact_mut(time).zip(rows) {
        row.iter_mut().zip(ids.windows(2)).for_each(|(value, pair)| *value = pair[offset] as i32);
    }
    TensorData::new(values, [rows.len(), time])
}

/// The same of the keys of a piano roll, `[batch, time, 88]`.
fn pressed(rows: &[&[Keys]], time: usize, offset: usize) -> TensorData {
    let mut values = vec![0.0_f32; rows.len() * time * Pitch::COUNT];
    for (row, frames) in values.chunks_exact_mut(time * Pitch::COUNT).zip(rows) {
        for (frame, pair) in row.chunks_exact_mut(Pitch::COUNT).zip(frames.windows(2)) {
            frame.iter_mut().enumerate().for_each(|(key, value)| *value = (pair[offset] >> key & 1) as f32);
        }
    }
    TensorData::new(values, [rows.len(), time, Pitch::COUNT])
}

#[cfg(test)]
mod tests {
    use recurrent_music::{FramePiece, Melody, MusicTokenizerConfig, Representation, encode_frames};

    use super::*;

    fn tokenizer() -> Arc<MusicTokenizer> {
        let representation = Representation::Frames;
        let config = MusicTokenizerConfig { representation, per_quarter: 1, holds: false, labels: false };
        Arc::new(MusicTokenizer::new(config))
    }

    fn events(length: u32) -> Sequence {
        Sequence::Events((1..=length).collect())
    }

    #[test]
    fn excerpts_have_every_target_once() {
        let examples = Examples::new(vec![events(12), events(2), events(9)], 4, &tokenizer());
        assert_eq!(examples.firsts[..], [0, 3, 4, 6]);
        assert_eq!(examples.excerpts[2], (0, Excerpt::Events(vec![9, 10, 11, 12])));
        assert_eq!(examples.excerpts[3], (1, Excerpt::Events(vec![1, 2])));
        let roll = Examples::new(vec![Sequence::Roll((1..=11).collect())], 4, &tokenizer());
        let frames: Vec<&[Keys]> = roll.excerpts.iter().filter_map(|(_, excerpt)| excerpt.keys()).collect();
        assert_eq!(frames, [&[0, 1, 2, 3, 4][..], &[4, 5, 6, 7, 8], &[8, 9, 10, 11]]);
    }

    #[test]
    fn excerpts_of_frames_begin_with_a_step() {
        let tokenizer = tokenizer();
        let piece = Melody::find("ode-to-joy").unwrap().piece();
        let ids = encode_frames(&tokenizer, &FramePiece::of(&piece, 1).unwrap());
        let excerpts = Sequence::Frames(ids.clone()).excerpts(3, &tokenizer);
        let parts: Vec<_> = excerpts.iter().filter_map(Excerpt::reminded).collect();
        assert!(parts.len() > 5);
        let mut joined = vec![ids[0]];
        for (_, part) in &parts {
            assert!(tokenizer.token(part[0]).is_some_and(is_step));
            assert_eq!(part[0], *joined.last().unwrap());
            joined.extend(&part[1..]);
        }
        assert_eq!(joined, ids);
        assert!(parts[0].0.is_empty() && parts[1..].iter().any(|(before, _)| !before.is_empty()));
    }

    #[test]
    fn batches_go_through_pieces_in_their_order() {
        let pieces = [3, 12, 30, 9, 8, 17, 2].map(events).to_vec();
        let examples = Examples::new(pieces, 8, &tokenizer());
        let all: Vec<usize> = (0..examples.len()).collect();
        for seed in 0..20 {
            let mut items = all.clone();
            let mut rng = StdRng::seed_from_u64(seed);
            items.shuffle(&mut rng);
            let batches = examples.batches(&items, 3, Some(&mut rng));
            assert_eq!(batches.len(), examples.num_batches(3));
            let mut seen: Vec<usize> = batches.concat();
            seen.sort_unstable();
            assert_eq!(seen, all);
            let mut before: Vec<usize> = Vec::new();
            for batch in batches {
                if examples.is_first(batch[0]) {
                    assert!(batch.iter().all(|index| examples.is_first(*index)));
                } else {
                    // The first rows of the batch before go on.
                    assert_eq!(batch, before[..batch.len()].iter().map(|index| index + 1).collect::<Vec<_>>());
                }
                before = batch;
            }
        }
    }

    #[test]
    fn batches_are_padded_at_the_end() {
        let rows = [&[1, 5, 6, 2][..], &[1, 2]];
        padded(&rows, 3, 0).assert_eq(&TensorData::from([[1, 5, 6], [1, 0, 0]]), false);
        padded(&rows, 3, 1).assert_eq(&TensorData::from([[5, 6, 2], [2, 0, 0]]), false);
    }

    #[test]
    fn a_roll_predicts_each_frame_from_the_one_before() {
        let frames: &[Keys] = &[0, 0b1, 0b10, 0b110];
        let lowest = |offset| -> Vec<f32> {
            let data = pressed(&[frames], 4, offset);
            data.iter::<f32>().collect::<Vec<_>>().chunks(Pitch::COUNT).flat_map(|frame| frame[..3].to_vec()).collect()
        };
        assert_eq!(lowest(0), [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(lowest(1), [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn all_excerpts_of_a_piece_are_moved_alike() {
        let piece = || Sequence::Roll(vec![1 << 40; 4]);
        let examples = Examples::new(vec![piece(), piece()], 2, &tokenizer()).for_training(1, 1.0);
        let key = |index: usize, seed| {
            let batch = examples.gather_for(&[index], TrainingEpoch { number: 1, seed }, &Device::flex());
            let Targets::Keys(keys) = batch.targets else { panic!("keys") };
            keys.narrow(1, 0, 1).flatten::<1>(0, 2).argmax(0).into_scalar::<i64>()
        };
        let keys: Vec<i64> = (0..50).map(|seed| key(0, seed)).collect();
        assert!(keys.iter().all(|key| (35..=46).contains(key)) && keys.iter().any(|key| *key != keys[0]));
        assert!((0..50).all(|seed| key(0, seed) == key(1, seed)));
        assert!((0..50).any(|seed| key(0, seed) != key(2, seed)));
    }

    #[test]
    fn pieces_stay_on_a_piano() {
        let whole_piano = Sequence::Roll(vec![1, 1 << 87]);
        let examples = Examples::new(vec![whole_piano], 2, &tokenizer()).for_training(1, 1.0);
        let ways = &examples.moved.unwrap().ways[0];
        assert_eq!(ways[..], [Transposition::chromatic(0)]);
    }

    #[test]
    fn fewer_pieces_are_moved_in_each_epoch() {
        let moved = |fraction, epochs| Moved { epochs, fraction, ways: Arc::new([]) };
        let fractions = |fraction| [1, 2, 3].map(|epoch| moved(fraction, 3).fraction_in(epoch));
        assert_eq!(fractions(0.5), [1.0, 0.5, 0.0]);
        assert_eq!(fractions(0.75), [1.0, 0.75, 0.5]);
        assert_eq!(fractions(0.25), [0.5, 0.25, 0.0]);
        assert_eq!(fractions(1.0), [1.0; 3]);
        assert_eq!(moved(0.3, 1).fraction_in(1), 0.3);
    }
}
