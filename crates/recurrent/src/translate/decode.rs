//! Sentences to translate, side by side.

use burn::tensor::Device;
use burn::tensor::activation::log_softmax;
use recurrent_data::Specials;
use recurrent_models::AnyState;
use recurrent_models::networks::{EncoderOutput, Seq2Seq};

use crate::decoding::{Beam, Hypothesis, Rows, beam_search, numbers, side_by_side};

/// Sentences that are translated at once.
const TOGETHER: usize = 64;

/// How the sentences of one network are numbered on both sides.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sides {
    pub source: Specials,
    pub target: Specials,
}

/// The likeliest translations of each sentence, best first, of at most `longest` tokens. Sentences of like length are
/// translated together.
pub(super) fn translate(
    network: &Seq2Seq,
    sources: &[Vec<u32>],
    sides: Sides,
    (width, alpha, longest): (usize, f64, usize),
    device: &Device,
) -> Vec<Vec<Hypothesis>> {
    let mut order: Vec<usize> = (0..sources.len()).collect();
    order.sort_by_key(|index| sources[*index].len());
    let mut found = vec![Vec::new(); sources.len()];
    for chunk in order.chunks(TOGETHER) {
        let rows: Vec<&[u32]> = chunk.iter().map(|index| &*sources[*index]).collect();
        let (ids, lengths) = side_by_side(&rows, sides.source.pad, device);
        let encoded = network.encode(ids, &lengths);
        let reach = 2 * lengths.iter().max().copied().unwrap_or(0) + 10;
        let beam = Beam { width, alpha, longest: longest.min(reach), end: sides.target.eos };
        let state = encoded.state.clone();
        let mut following = Following { network, encoded, state, specials: sides.target, device };
        let first = vec![sides.target.bos; chunk.len()];
        for (index, hypotheses) in chunk.iter().zip(beam_search(&mut following, &first, &beam)) {
            found[*index] = hypotheses;
        }
    }
    found
}

struct Following<'a> {
    network: &'a Seq2Seq,
    encoded: EncoderOutput,
    state: AnyState,
    specials: Specials,
    device: &'a Device,
}

impl Rows for Following<'_> {
    fn advance(&mut self, tokens: &[u32]) -> Vec<f32> {
        let ids = numbers(tokens, self.device);
        let stepped = self.network.step(&self.encoded, self.state.clone(), ids);
        self.state = stepped.state;
        let vocabulary = stepped.logits.dims()[1];
        let mut said: Vec<f32> = log_softmax(stepped.logits, 1).into_data().iter::<f32>().collect();
        for row in said.chunks_mut(vocabulary) {
            for never in [self.specials.pad, self.specials.bos, self.specials.unk] {
                row[never as usize] = f32::NEG_INFINITY;
            }
        }
        said
    }

    fn select(&mut self, rows: &[usize]) {
        if rows.len() == self.state.batch() && rows.iter().enumerate().all(|(place, row)| place == *row) {
            return;
        }
        let rows: Vec<u32> = rows.iter().map(|row| *row as u32).collect();
        let ids = numbers(&rows, self.device);
        self.encoded = self.encoded.select_rows(ids.clone());
        self.state = self.state.select_rows(ids);
    }
}
