//! Excerpts of pieces as the tensors that a network of frames reads.

use burn::tensor::{Device, Tensor, TensorData};
use recurrent_music::MusicTokenizer;

use super::frame_model::FrameSteps;
use super::frame_reader::{COUNTS, FrameReader, STEP_FEATURES, TOKEN_FEATURES, is_step};

impl FrameSteps {
    /// Excerpts of pieces, each with the ids that [remind](FrameReader::reminder) a reader of the tokens before. The first id
    /// of an excerpt is a step; its last is predicted, and not read.
    ///
    /// Rows are padded at the end, to a width of `time` tokens.
    pub(super) fn new(excerpts: &[(&[u32], &[u32])], time: usize, tokenizer: &MusicTokenizer, device: &Device) -> Self {
        let step = |id: &u32| tokenizer.token(*id).is_some_and(is_step);
        let read = |ids: &[u32]| ids[..ids.len() - 1].iter().filter(|id| step(id)).count();
        let lengths: Vec<usize> = excerpts.iter().map(|(_, ids)| read(ids)).collect();
        let width = lengths.iter().copied().max().unwrap_or(0).max(1);
        let mut steps = vec![0_i32; excerpts.len() * width * STEP_FEATURES];
        let mut tokens = vec![0_i32; excerpts.len() * time * TOKEN_FEATURES];
        let mut place_of = vec![0_i32; excerpts.len() * time];
        for (row, (before, ids)) in excerpts.iter().enumerate() {
            let mut reader = FrameReader::new(tokenizer);
            reader.skip(before);
            let mut next = row * width;
            for (at, id) in (row * time..).zip(&ids[..ids.len() - 1]) {
                if reader.push(*id) {
                    write(&mut steps, next, &reader.step_features(*id));
                    next += 1;
                }
                write(&mut tokens, at, &reader.token_features());
                place_of[at] = ((next - 1) * COUNTS + reader.count()) as i32;
            }
        }
        let rows = excerpts.len();
        let tensor = |values, width, count| Tensor::from_data(TensorData::new(values, [rows, width, count]), device);
        Self {
            steps: tensor(steps, width, STEP_FEATURES),
            lengths,
            tokens: tensor(tokens, time, TOKEN_FEATURES),
            place_of: Tensor::from_data(TensorData::new(place_of, [rows * time]), device),
        }
    }
}

/// Writes the features of a place.
fn write(all: &mut [i32], place: usize, features: &[u32]) {
    let first = place * features.len();
    all[first..].iter_mut().zip(features).for_each(|(slot, feature)| *slot = *feature as i32);
}
