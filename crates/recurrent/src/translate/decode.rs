//! Beam search over the sentences of a translation.

use burn::tensor::Device;
use burn::tensor::activation::log_softmax;
use recurrent_data::SpecialTokens;
use recurrent_models::AnyState;
use recurrent_models::networks::{EncoderOutput, Seq2Seq};

use super::TranslateConfig;
use super::tokenizers::Tokenizers;
use crate::Result;
use crate::decoding::{BeamSearch, Hypothesis, StepDecoder, beam_search, id_tensor, padded_ids};
use crate::settings::{Bound, MAX_BEAMS, MAX_LENGTH_PENALTY};

/// Sentences per batch.
const BATCH: usize = 64;

/// The settings of the beam search.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct BeamConfig {
    /// Beams of each sentence; 1 is greedy search.
    pub beam_size: usize,
    /// The power of the length that divides a translation's log-probability.
    pub length_penalty: f64,
}

impl BeamConfig {
    /// A search with so many beams, and the length to this power as the divisor of a translation's log-probability.
    pub fn new(beam_size: usize, length_penalty: f64) -> Self {
        Self { beam_size, length_penalty }
    }

    /// The beam search of the run's evaluation.
    pub fn of(config: &TranslateConfig) -> Self {
        Self { beam_size: config.beam_size, length_penalty: config.length_penalty }
    }

    pub(super) fn check(&self) -> Result<()> {
        Bound::Range(1, MAX_BEAMS).check("beam_size", self.beam_size.try_into().unwrap_or(i64::MAX))?;
        Bound::UpTo(MAX_LENGTH_PENALTY).check("length_penalty", self.length_penalty)
    }
}

/// The best translations of each sentence, best first, of at most `max_length` tokens. Sentences of similar length are
/// batched.
pub(super) fn translate(
    network: &Seq2Seq,
    sources: &[Vec<u32>],
    tokenizers: &Tokenizers,
    beam: BeamConfig,
    max_length: usize,
    device: &Device,
) -> Vec<Vec<Hypothesis>> {
    let [source_tokens, target_tokens] = tokenizers.special_tokens();
    let mut order: Vec<usize> = (0..sources.len()).collect();
    order.sort_by_key(|index| sources[*index].len());
    let mut translations = vec![Vec::new(); sources.len()];
    for chunk in order.chunks(BATCH) {
        let rows: Vec<&[u32]> = chunk.iter().map(|index| &*sources[*index]).collect();
        let (ids, lengths) = padded_ids(&rows, source_tokens.pad, device);
        let encoded = network.encode(ids, &lengths);
        let limit = 2 * lengths.iter().max().copied().unwrap_or(0) + 10;
        let BeamConfig { beam_size, length_penalty } = beam;
        let max_length = max_length.min(limit);
        let search = BeamSearch { beam_size, length_penalty, max_length, end: target_tokens.eos };
        let state = encoded.state.clone();
        let mut decoder = SentenceDecoder { network, encoded, state, special_tokens: target_tokens, device };
        let first = vec![target_tokens.bos; chunk.len()];
        for (index, hypotheses) in chunk.iter().zip(beam_search(&mut decoder, &first, &search)) {
            translations[*index] = hypotheses;
        }
    }
    translations
}

/// Decodes a batch of sentences.
struct SentenceDecoder<'a> {
    network: &'a Seq2Seq,
    encoded: EncoderOutput,
    state: AnyState,
    special_tokens: SpecialTokens,
    device: &'a Device,
}

impl StepDecoder for SentenceDecoder<'_> {
    fn step(&mut self, tokens: &[u32]) -> Vec<f32> {
        let ids = id_tensor(tokens, self.device);
        let stepped = self.network.step(&self.encoded, self.state.clone(), ids);
        self.state = stepped.state;
        let vocab_size = stepped.logits.dims()[1];
        let mut log_probabilities: Vec<f32> = log_softmax(stepped.logits, 1).into_data().iter::<f32>().collect();
        for row in log_probabilities.chunks_mut(vocab_size) {
            for excluded in [self.special_tokens.pad, self.special_tokens.bos, self.special_tokens.unk] {
                row[excluded as usize] = f32::NEG_INFINITY;
            }
        }
        log_probabilities
    }

    fn reorder(&mut self, rows: &[usize]) {
        if rows.len() == self.state.batch() && rows.iter().enumerate().all(|(index, row)| index == *row) {
            return;
        }
        let rows: Vec<u32> = rows.iter().map(|row| *row as u32).collect();
        let ids = id_tensor(&rows, self.device);
        self.encoded = self.encoded.select_rows(ids.clone());
        self.state = self.state.select_rows(ids);
    }
}
