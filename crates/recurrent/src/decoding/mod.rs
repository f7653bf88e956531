//! Decoding: from the next token's probabilities to a sequence.
//!
//! - [`Sampler`] samples one token at a time with a [`SamplingConfig`]: temperature, top-k, top-p, repetition penalty;
//! - [`beam_search`] finds the likeliest sequences of a batch; with a beam size of 1 it is greedy search;
//! - [`CtcGreedy`] and [`CtcBeam`] decode the outputs of a network trained with CTC, frame by frame.
//!
//! All work on token ids. A network takes part in a [`beam_search`] as a [`StepDecoder`].

mod beam;
mod ctc;
mod sampling;

use burn::tensor::{Device, Int, Tensor, TensorData};

pub use beam::{BeamSearch, Hypothesis, StepDecoder, beam_search};
pub use ctc::{
    CtcBeam, CtcBeamConfig, CtcGreedy, CtcHypothesis, CtcToken, Lexicon, LexiconState, PrefixScorer, Unconstrained,
    collapse,
};
pub use sampling::{Sampler, SamplingConfig};

/// Ids on a device, `[rows]`.
pub(crate) fn id_tensor(ids: &[u32], device: &Device) -> Tensor<1, Int> {
    let ids: Vec<i32> = ids.iter().map(|id| *id as i32).collect();
    let rows = ids.len();
    Tensor::from_data(TensorData::new(ids, [rows]), device)
}

/// Sequences of ids as a batch, `[rows, longest]`, padded at their ends; and their lengths, `[rows]`.
pub(crate) fn padded_ids(rows: &[&[u32]], padding: u32, device: &Device) -> (Tensor<2, Int>, Vec<usize>) {
    let lengths: Vec<usize> = rows.iter().map(|row| row.len()).collect();
    let longest = lengths.iter().max().copied().unwrap_or(0);
    let padded = rows.iter().flat_map(|row| row.iter().copied().chain(std::iter::repeat(padding)).take(longest));
    let ids: Vec<i32> = padded.map(|id| id as i32).collect();
    (Tensor::from_data(TensorData::new(ids, [rows.len(), longest]), device), lengths)
}
