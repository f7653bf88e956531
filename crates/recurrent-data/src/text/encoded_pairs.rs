//! Pairs as token ids, and batches of them.

use std::{marker::PhantomData, sync::Arc};

use burn::tensor::{Device, Int, Tensor};

use super::bucket::{bucket, by_length};
use super::padding::{max_length, padded_rows};
use super::pair_split::PairSubset;
use super::tokenization::Tokenizer;
use crate::error::{DataError, Result};
use crate::role::Role;

/// Pairs of token ids: a source ends with `<eos>`, a target begins with `<bos>` and ends with `<eos>`.
///
/// A clone shares the ids.
#[derive(Debug, Clone)]
pub struct EncodedPairs<R: Role> {
    sources: Arc<[Vec<u32>]>,
    targets: Arc<[Vec<u32>]>,
    pads: (u32, u32),
    truncated: usize,
    role: PhantomData<R>,
}

impl<R: Role> PairSubset<R> {
    /// Encodes the pairs. Each text is truncated to `max_length` tokens, special tokens not included.
    ///
    /// # Errors
    /// If `max_length` is 0.
    pub fn encode(&self, source: &Tokenizer, target: &Tokenizer, max_length: usize) -> Result<EncodedPairs<R>> {
        if max_length == 0 {
            return Err(DataError::ZeroLength { setting: "max_length" });
        }
        let mut truncated = 0;
        let mut encode = |tokenizer: &Tokenizer, text: &str| {
            let mut ids = tokenizer.encode(text);
            truncated += usize::from(ids.len() > max_length);
            ids.truncate(max_length);
            ids
        };
        let eos = source.special_tokens().eos;
        let target_tokens = target.special_tokens();
        let (mut sources, mut targets) = (Vec::new(), Vec::new());
        for pair in self.pairs() {
            let mut ids = encode(source, &pair.source);
            ids.push(eos);
            sources.push(ids);
            let ids = encode(target, &pair.target);
            targets.push([vec![target_tokens.bos], ids, vec![target_tokens.eos]].concat());
        }
        Ok(EncodedPairs {
            sources: sources.into(),
            targets: targets.into(),
            pads: (source.special_tokens().pad, target_tokens.pad),
            truncated,
            role: PhantomData,
        })
    }
}

impl<R: Role> EncodedPairs<R> {
    /// The number of pairs, at least one.
    pub fn len(&self) -> usize {
        self.sources.len()
    }

    /// Whether there are no pairs; always `false`.
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// The number of truncated texts, sources and targets together.
    pub fn truncated(&self) -> usize {
        self.truncated
    }

    /// The ids of a source, then `<eos>`.
    ///
    /// # Panics
    /// If `index` is out of range.
    pub fn source(&self, index: usize) -> &[u32] {
        &self.sources[index]
    }

    /// `<bos>`, the ids of a target, `<eos>`.
    ///
    /// # Panics
    /// If `index` is out of range.
    pub fn target(&self, index: usize) -> &[u32] {
        &self.targets[index]
    }

    /// Cuts a shuffled order of indices into batches of similar length: pools of 50 batches are sorted by length. Shuffle
    /// the batches again, because each pool goes from short to long.
    ///
    /// # Panics
    /// If `batch_size` is 0 or an index is out of range.
    pub fn bucket(&self, order: &[usize], batch_size: usize) -> Vec<Vec<usize>> {
        bucket(order, batch_size, |index| self.lengths(index))
    }

    /// Batches of all pairs, from the shortest to the longest: the least padding, in a fixed order.
    ///
    /// # Panics
    /// If `batch_size` is 0.
    pub fn by_length(&self, batch_size: usize) -> Vec<Vec<usize>> {
        by_length(self.len(), batch_size, |index| self.lengths(index))
    }

    fn lengths(&self, index: usize) -> (usize, usize) {
        (self.source(index).len(), self.target(index).len())
    }
}

/// A batch of pairs, padded with `<pad>`.
#[derive(Debug, Clone)]
pub struct PairBatch {
    /// The source ids: `[batch, source]`.
    pub source: Tensor<2, Int>,
    /// The length of each source without padding.
    pub source_lengths: Vec<usize>,
    /// The decoder's inputs, from `<bos>`: `[batch, target]`.
    pub inputs: Tensor<2, Int>,
    /// The decoder's targets, up to `<eos>`: `[batch, target]`.
    pub targets: Tensor<2, Int>,
    /// The length of each row of `inputs` and `targets` without padding.
    pub target_lengths: Vec<usize>,
}

impl PairBatch {
    /// The pairs at these indices, in this order.
    ///
    /// # Panics
    /// If an index is out of range.
    pub fn gather<R: Role>(pairs: &EncodedPairs<R>, indices: &[usize], device: &Device) -> Self {
        let sources = || indices.iter().map(|index| pairs.source(*index));
        let inputs = || indices.iter().map(|index| &pairs.target(*index)[..pairs.target(*index).len() - 1]);
        let targets = || indices.iter().map(|index| &pairs.target(*index)[1..]);
        let width = max_length(inputs());
        Self {
            source: padded_rows(sources(), max_length(sources()), pairs.pads.0, device),
            source_lengths: sources().map(<[u32]>::len).collect(),
            inputs: padded_rows(inputs(), width, pairs.pads.1, device),
            targets: padded_rows(targets(), width, pairs.pads.1, device),
            target_lengths: targets().map(<[u32]>::len).collect(),
        }
    }

    /// The number of pairs.
    pub fn len(&self) -> usize {
        self.source_lengths.len()
    }

    /// Whether there are no pairs.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ParallelCorpus, Table, TokenizerConfig, TokenizerKind, Whole};

    fn encode(max_length: usize) -> Result<EncodedPairs<Whole>> {
        let table = Table::from_bytes("p.tsv", b"en\tfr\nab\tba\na\tabab\nb\tb\n", None).unwrap();
        let whole = ParallelCorpus::from_table(&table, None, None, None).unwrap().whole();
        let tokenizer = Tokenizer::fit_strings(&TokenizerConfig::new(TokenizerKind::Chars), ["ab"]).unwrap();
        whole.encode(&tokenizer, &tokenizer, max_length)
    }

    #[test]
    fn long_texts_are_truncated_between_special_tokens() {
        let pairs = encode(10).unwrap();
        assert_eq!((pairs.source(0), pairs.target(0)), (&[4, 5, 2][..], &[1, 5, 4, 2][..]));
        assert_eq!(pairs.truncated(), 0);
        let short = encode(1).unwrap();
        assert_eq!((short.source(0), short.target(1), short.truncated()), (&[4, 2][..], &[1, 4, 2][..], 3));
        assert_eq!(encode(0).unwrap_err().to_string(), "max_length: expected at least 1, found 0");
    }

    #[test]
    fn batch_is_padded() {
        let pairs = encode(10).unwrap();
        let batch = PairBatch::gather(&pairs, &[1, 0], &Device::default());
        let ids = |tensor: Tensor<2, Int>| tensor.into_data().iter::<i64>().collect::<Vec<_>>();
        assert_eq!((batch.source.dims(), batch.inputs.dims(), batch.len()), ([2, 3], [2, 5], 2));
        assert_eq!((&batch.source_lengths[..], &batch.target_lengths[..]), (&[2, 3][..], &[5, 3][..]));
        assert_eq!(ids(batch.source), [4, 2, 0, 4, 5, 2]);
        assert_eq!(ids(batch.inputs), [1, 4, 5, 4, 5, 1, 5, 4, 0, 0]);
        assert_eq!(ids(batch.targets), [4, 5, 4, 5, 2, 5, 4, 2, 0, 0]);
        assert_eq!(pairs.by_length(2), [vec![2, 1], vec![0]]);
        assert_eq!(pairs.bucket(&[0, 1, 2], 2), [vec![2, 1], vec![0]]);
    }
}
