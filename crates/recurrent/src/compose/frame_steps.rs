//! Excerpts of pieces as the tensors that a network of frames reads.

use burn::tensor::{Device, Tensor, TensorData};
use recurrent_music::MusicTokenizer;

use super::frame_model::FrameSteps;
use super::frame_reader::{COUNTS, FrameReader, STEP_FEATURES, TOKEN_FEATURES, is_step};

impl FrameSteps {
    /// Excerpts of pieces, each with the ids that [remind](FrameReader::reminder) a reader of the tokens before. The first id
    /// of an excerpt is a step; its last is predicted, and not read.
    ///
    /// Steps are padded at the end of a row; tokens are not, they follow those of the row before.
    pub(super) fn new(excerpts: &[(&[u32], &[u32])], tokenizer: &MusicTokenizer, device: &Device) -> Self {
        let step = |id: &u32| tokenizer.token(*id).is_some_and(is_step);
        let read = |ids: &[u32]| ids[..ids.len() - 1].iter().filter(|id| step(id)).count();
        let lengths: Vec<usize> = excerpts.iter().map(|(_, ids)| read(ids)).collect();
        let width = lengths.iter().copied().max().unwrap_or(0).max(1);
        let mut steps = vec![0_i32; excerpts.len() * width * STEP_FEATURES];
        let mut tokens = Vec::new();
        let mut place_of = Vec::new();
        for (row, (before, ids)) in excerpts.iter().enumerate() {
            let mut reader = FrameReader::new(tokenizer);
            reader.skip(before);
            let mut next = row * width;
            for id in &ids[..ids.len() - 1] {
                if reader.push(*id) {
                    let features = reader.step_features(*id).map(|feature| feature as i32);
                    steps[next * STEP_FEATURES..][..STEP_FEATURES].copy_from_slice(&features);
                    next += 1;
                }
                tokens.extend(reader.token_features().map(|feature| feature as i32));
                place_of.push(((next - 1) * COUNTS + reader.count()) as i32);
            }
        }
        let count = place_of.len();
        Self {
            steps: Tensor::from_data(TensorData::new(steps, [excerpts.len(), width, STEP_FEATURES]), device),
            lengths,
            tokens: Tensor::from_data(TensorData::new(tokens, [count, TOKEN_FEATURES]), device),
            place_of: Tensor::from_data(TensorData::new(place_of, [count]), device),
        }
    }
}
