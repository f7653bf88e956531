//! Beam search over the sentences of a translation.

use burn::tensor::Device;
use burn::tensor::activation::log_softmax;
use recurrent_data::SpecialTokens;
use recurrent_models::AnyState;
use recurrent_models::networks::{EncoderOutput, Seq2Seq};

use super::TranslateConfig;
use super::length_penalty::{self, ChosenLengthPenalty};
use super::tokenizers::Tokenizers;
use crate::decoding::{BeamSearch, Hypothesis, StepDecoder, beam_search, id_tensor, padded_ids};
use crate::settings::{Bound, MAX_BEAMS, MAX_LENGTH_PENALTY};
use crate::{Result, RunDir};

/// Sentences per batch.
const BATCH: usize = 64;
/// The maximum lengths that can be asked for.
const LENGTHS: Bound = Bound::Range(1, 10_000);

/// The settings of the beam search.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct BeamConfig {
    /// Beams of each sentence; 1 is greedy search.
    pub beam_size: usize,
    /// The power of the length that divides a translation's log-probability.
    pub length_penalty: f64,
    /// The maximum number of tokens of a translation, its end token included. `None`: twice the longest training target,
    /// and no more than training targets were truncated to.
    pub max_length: Option<usize>,
}

impl BeamConfig {
    /// A search with so many beams, and the length to this power as the divisor of a translation's log-probability.
    pub fn new(beam_size: usize, length_penalty: f64) -> Self {
        Self { beam_size, length_penalty, max_length: None }
    }

    /// The maximum number of tokens of a translation.
    #[must_use]
    pub fn with_max_length(self, max_length: Option<usize>) -> Self {
        Self { max_length, ..self }
    }

    /// The beam search of these settings; the length penalty is 0.6 if they have none.
    pub fn of(config: &TranslateConfig) -> Self {
        Self::new(config.beam_size, config.length_penalty.unwrap_or(length_penalty::DEFAULT))
    }

    /// The beam search of a run: with the length penalty of its settings, or else the one that was chosen when it was
    /// evaluated.
    ///
    /// # Errors
    /// If the folder has a damaged choice.
    pub(super) fn of_run(run_dir: &RunDir, config: &TranslateConfig) -> Result<Self> {
        let beam = Self::of(config);
        let chosen = match config.length_penalty {
            Some(_) => None,
            None => ChosenLengthPenalty::read(run_dir)?,
        };
        Ok(chosen.map_or(beam, |chosen| Self { length_penalty: chosen.length_penalty, ..beam }))
    }

    pub(super) fn check(&self) -> Result<()> {
        Bound::Range(1, MAX_BEAMS).check("beam_size", self.beam_size.try_into().unwrap_or(i64::MAX))?;
        Bound::UpTo(MAX_LENGTH_PENALTY).check("length_penalty", self.length_penalty)?;
        match self.max_length {
            Some(max_length) => LENGTHS.check("max_length", max_length.try_into().unwrap_or(i64::MAX)),
            None => Ok(()),
        }
    }

    /// The maximum number of tokens of a translation by a run, its end token included.
    pub(super) fn limit(&self, tokenizers: &Tokenizers, config: &TranslateConfig) -> usize {
        let trained = config.max_length.saturating_add(1);
        let longest = tokenizers.longest_target.unwrap_or(trained);
        self.max_length.unwrap_or_else(|| longest.saturating_mul(2).min(trained)).max(1)
    }
}

/// The best translations of each sentence, best first, of at most `max_length` tokens, their end tokens included.
/// Sentences of similar length are batched; no translation depends on the others of its batch.
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
        let BeamConfig { beam_size, length_penalty, .. } = beam;
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

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};
    use recurrent_data::{Tokenizer, TokenizerConfig, TokenizerKind};

    use super::*;
    use crate::settings::Settings;

    fn tokenizers(longest_target: Option<usize>) -> Tokenizers {
        let chars = Tokenizer::fit_strings(&TokenizerConfig::new(TokenizerKind::Chars), ["abcdefgh"]).unwrap();
        Tokenizers { source: chars.clone(), target: chars, longest_target }
    }

    #[test]
    fn the_limit_follows_the_training_targets() {
        let config = TranslateConfig { max_length: 60, ..TranslateConfig::defaults() };
        let beam = BeamConfig::of(&config);
        let limit = |beam: BeamConfig, longest| beam.limit(&tokenizers(longest), &config);
        assert_eq!(limit(beam, Some(12)), 24);
        // Targets were truncated to 60 tokens, and an end token.
        assert_eq!([limit(beam, Some(61)), limit(beam, None), limit(beam, Some(usize::MAX))], [61; 3]);
        assert_eq!(limit(beam, Some(0)), 1);
        assert_eq!(limit(beam.with_max_length(Some(200)), Some(12)), 200);
        let error = beam.with_max_length(Some(0)).check().unwrap_err();
        assert_eq!(error.to_string(), "max_length: expected between 1 and 10000, found 0");
    }

    #[test]
    fn no_translation_depends_on_the_others() {
        let device = Device::flex();
        let mut rng = StdRng::seed_from_u64(1);
        for case in 0..12_usize {
            let config = TranslateConfig {
                hidden_size: 8,
                embedding_dim: 6,
                bidirectional: case % 2 == 0,
                attention: crate::translate::DecoderAttention::ALL[case % 4],
                joint: case % 4 > 0,
                copy: case % 4 > 1,
                ..TranslateConfig::defaults()
            };
            let tokenizers = tokenizers(None);
            let network = tokenizers.network(&config).init(&device);
            let mut sentence = || {
                let length = rng.random_range(1..12);
                (0..length).map(|_| rng.random_range(4..12)).chain([2]).collect::<Vec<u32>>()
            };
            let sources: Vec<Vec<u32>> = (0..9).map(|_| sentence()).collect();
            let beam = BeamConfig::new(1 + case % 3, 0.6);
            let run = |sources: &[Vec<u32>]| translate(&network, sources, &tokenizers, beam, 15, &device);
            for (source, together) in sources.iter().zip(run(&sources)) {
                let alone = run(std::slice::from_ref(source)).swap_remove(0);
                let tokens = |found: &[Hypothesis]| (found[0].tokens.clone(), found[0].ended);
                assert_eq!(tokens(&together), tokens(&alone), "case {case}, {source:?}");
                assert!((together[0].log_probability - alone[0].log_probability).abs() < 1e-3);
            }
        }
    }
}
