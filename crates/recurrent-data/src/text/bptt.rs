//! Batches for truncated back-propagation through time.

use burn::tensor::{Device, Int, Tensor};

use super::encoded_corpus::EncodedCorpus;
use super::padding::padded_rows;
use crate::error::{DataError, Result};
use crate::role::Role;

/// A text cut into parallel streams of equal length, read `bptt` steps at a time, for a network that carries its state
/// from each batch to the next.
///
/// Stream 1 continues where stream 0 ends, and so on. The target of each step is the token after its input, across the
/// end of a batch and of a stream too. Of `n` tokens, each of `k` streams has `floor((n - 1) / k)` targets, all distinct;
/// the fewer than `k` at the end are dropped.
///
/// ```text
/// tokens     0  1  2  3  4  5  6  7  8  9 10       2 streams, bptt 2
///
///            batch 0      batch 1      batch 2
/// stream 0   0 1 → 1 2    2 3 → 3 4    4 → 5
/// stream 1   5 6 → 6 7    7 8 → 8 9    9 → 10
/// ```
///
/// Ids are read when they are asked for, and a clone shares them.
///
/// ```
/// use recurrent_data::{BpttBatches, Corpus, Tokenizer, TokenizerConfig, TokenizerKind};
///
/// let corpus = Corpus::from_bytes("song", "row, row, row your boat, gently down the stream\n".as_bytes())?;
/// let split = corpus.split(0.25)?;
/// let tokenizer = Tokenizer::fit(&TokenizerConfig::new(TokenizerKind::Chars), split.train.pieces())?;
///
/// let batches = BpttBatches::new(split.train.encode(&tokenizer)?, 2, 5)?;
/// let (inputs, targets) = batches.batch(0);
/// assert_eq!(tokenizer.decode(&inputs[..5]), "row, ");
/// assert_eq!(tokenizer.decode(&targets[..5]), "ow, r");
///
/// // Four characters at the end do not occur in the training text.
/// assert_eq!(split.valid.encode(&tokenizer)?.num_unknown(), 4);
/// # Ok::<(), recurrent_data::DataError>(())
/// ```
#[derive(Debug, Clone)]
pub struct BpttBatches<R: Role> {
    encoded: EncodedCorpus<R>,
    streams: usize,
    bptt: usize,
}

impl<R: Role> BpttBatches<R> {
    /// Batches of `streams` streams with `bptt` steps each. The first batch is always complete.
    ///
    /// # Errors
    /// If one of the two is 0, or there are too few tokens.
    pub fn new(encoded: EncodedCorpus<R>, streams: usize, bptt: usize) -> Result<Self> {
        let lengths = [("streams", streams), ("bptt", bptt)];
        if let Some((setting, _)) = lengths.into_iter().find(|(_, length)| *length == 0) {
            return Err(DataError::ZeroLength { setting });
        }
        let found = encoded.len();
        let most_steps = found.saturating_sub(1);
        let most_streams = most_steps / bptt;
        let (needed, purpose, hint) = if most_streams == 0 {
            let hint = match most_steps {
                0 => "use a longer text".to_string(),
                _ => format!("use a longer text, or at most {most_steps} steps"),
            };
            (bptt, format!("{bptt} steps and the token after them"), hint)
        } else if most_streams < streams {
            let hint = format!("use at most {most_streams} streams, or fewer steps");
            (bptt.saturating_mul(streams), format!("{streams} streams of {bptt} steps"), hint)
        } else {
            return Ok(Self { encoded, streams, bptt });
        };
        let (path, needed) = (encoded.source().to_string(), needed.saturating_add(1));
        Err(DataError::TooFewTokens { path, subset: R::NAME, purpose, needed, found, hint })
    }

    /// The number of streams: the batch size.
    pub fn streams(&self) -> usize {
        self.streams
    }

    /// The number of steps of a batch; the last one may have fewer.
    pub fn bptt(&self) -> usize {
        self.bptt
    }

    /// The token ids that the streams are cut from.
    pub fn encoded(&self) -> &EncodedCorpus<R> {
        &self.encoded
    }

    /// The number of batches, at least one.
    pub fn len(&self) -> usize {
        self.stream_length().div_ceil(self.bptt)
    }

    /// Whether there are no batches; always `false`.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of targets in all batches.
    pub fn num_targets(&self) -> usize {
        self.stream_length() * self.streams
    }

    /// The number of steps of batch `i`.
    ///
    /// # Panics
    /// If `i` is out of range.
    pub fn steps(&self, i: usize) -> usize {
        let len = self.len();
        assert!(i < len, "batch {i} of {len}");
        self.bptt.min(self.stream_length() - i * self.bptt)
    }

    /// The inputs and targets of batch `i`, `[streams, steps]` each, stream by stream.
    ///
    /// # Panics
    /// If `i` is out of range, or the token ids cannot be read any more.
    pub fn batch(&self, i: usize) -> (Vec<u32>, Vec<u32>) {
        let steps = self.steps(i);
        let mut inputs = Vec::with_capacity(self.streams * steps);
        let mut targets = Vec::with_capacity(self.streams * steps);
        for stream in 0..self.streams {
            let first = stream * self.stream_length() + i * self.bptt;
            let ids = self.encoded.ids(first..first + steps + 1);
            inputs.extend_from_slice(&ids[..steps]);
            targets.extend_from_slice(&ids[1..]);
        }
        (inputs, targets)
    }

    /// The number of targets of each stream.
    fn stream_length(&self) -> usize {
        (self.encoded.len() - 1) / self.streams
    }
}

/// Some steps of all streams.
#[derive(Debug, Clone)]
pub struct TokenBatch {
    /// The input ids: `[streams, steps]`.
    pub inputs: Tensor<2, Int>,
    /// The ids one token later: `[streams, steps]`.
    pub targets: Tensor<2, Int>,
}

impl TokenBatch {
    /// The batch at this index. The initial state of a network is the final state of the batch before.
    ///
    /// # Panics
    /// If the index is out of range, or the token ids cannot be read any more.
    pub fn gather<R: Role>(batches: &BpttBatches<R>, index: usize, device: &Device) -> Self {
        let steps = batches.steps(index);
        let (inputs, targets) = batches.batch(index);
        let tensor = |ids: Vec<u32>| padded_rows(ids.chunks(steps), steps, 0, device);
        Self { inputs: tensor(inputs), targets: tensor(targets) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Corpus, Tokenizer, TokenizerConfig, TokenizerKind, Whole};

    /// Token ids that count up from 4.
    fn counting(count: usize) -> EncodedCorpus<Whole> {
        let text: String = ('\u{100}'..).take(count).collect();
        let tokenizer = Tokenizer::fit_strings(&TokenizerConfig::new(TokenizerKind::Chars), [&text]).unwrap();
        Corpus::from_bytes("t.txt", text.into_bytes()).unwrap().whole().encode(&tokenizer).unwrap()
    }

    #[test]
    fn batches_continue_where_the_last_one_ended() {
        let batches = BpttBatches::new(counting(11), 2, 2).unwrap();
        assert_eq!((batches.len(), batches.num_targets(), batches.steps(0), batches.steps(2)), (3, 10, 2, 1));
        assert_eq!(batches.batch(0), (vec![4, 5, 9, 10], vec![5, 6, 10, 11]));
        assert_eq!(batches.batch(1), (vec![6, 7, 11, 12], vec![7, 8, 12, 13]));
        assert_eq!(batches.batch(2), (vec![8, 13], vec![9, 14]));
    }

    #[test]
    fn token_batch_holds_steps_of_every_stream() {
        let batches = BpttBatches::new(counting(11), 2, 2).unwrap();
        let batch = TokenBatch::gather(&batches, 1, &Device::default());
        assert_eq!((batch.inputs.dims(), batch.targets.dims()), ([2, 2], [2, 2]));
        assert_eq!(batch.inputs.into_data().iter::<i64>().collect::<Vec<_>>(), [6, 7, 11, 12]);
        assert_eq!(batch.targets.into_data().iter::<i64>().collect::<Vec<_>>(), [7, 8, 12, 13]);
    }

    #[test]
    fn too_few_tokens_are_rejected() {
        let message = |count, streams, bptt| BpttBatches::new(counting(count), streams, bptt).unwrap_err().to_string();
        assert_eq!(
            message(10, 1, 10),
            "t.txt (whole): expected at least 11 tokens for 10 steps and the token after them, found 10; \
             use a longer text, or at most 9 steps"
        );
        assert_eq!(
            message(30, 4, 10),
            "t.txt (whole): expected at least 41 tokens for 4 streams of 10 steps, found 30; \
             use at most 2 streams, or fewer steps"
        );
        assert!(BpttBatches::new(counting(41), 4, 10).is_ok());
        assert_eq!(message(30, 0, 10), "streams: expected at least 1, found 0");
        assert_eq!(message(30, 1, 0), "bptt: expected at least 1, found 0");
        assert!(message(30, usize::MAX, usize::MAX).contains("found 30"));
    }

    proptest! {
        #[test]
        fn each_target_occurs_once_and_follows_its_input(
            count in 2_usize..300,
            streams in 1_usize..8,
            bptt in 1_usize..40,
        ) {
            let Ok(batches) = BpttBatches::new(counting(count), streams, bptt) else {
                prop_assert!((count - 1) / bptt < streams);
                return Ok(());
            };
            let mut all_targets = vec![];
            let mut last = vec![None; batches.streams()];
            for i in 0..batches.len() {
                let (inputs, targets) = batches.batch(i);
                let steps = batches.steps(i);
                prop_assert_eq!(steps == bptt || i + 1 == batches.len(), true);
                for (stream, (input, target)) in inputs.chunks(steps).zip(targets.chunks(steps)).enumerate() {
                    prop_assert!(input.iter().zip(target).all(|(input, target)| input + 1 == *target));
                    prop_assert!(last[stream].is_none_or(|last| last == input[0]));
                    last[stream] = target.last().copied();
                }
                all_targets.extend(targets);
            }
            all_targets.sort();
            let kept = (count - 1) / batches.streams() * batches.streams();
            prop_assert_eq!(kept, batches.num_targets());
            prop_assert_eq!(all_targets, (5..5 + kept as u32).collect::<Vec<_>>());
        }
    }
}
