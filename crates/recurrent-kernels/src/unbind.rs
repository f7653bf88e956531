//! Splitting a sequence into its steps.

use burn::tensor::Tensor;

/// Splits a sequence into its steps, as `torch.unbind` does: `[time, batch, features]` → `time` tensors
/// `[batch, features]`.
///
/// The sequence is halved recursively. A loop over `time` slices would cost O(time²) in the backward pass, because the
/// gradient of each slice is a zero tensor of the whole sequence; halving costs O(time · log time).
pub fn unbind(sequence: Tensor<3>) -> Vec<Tensor<2>> {
    split_blocks(sequence, 1).into_iter().map(|step| step.squeeze_dim(0)).collect()
}

/// Splits a sequence into consecutive blocks of at most `max_steps` steps, by halving.
pub(crate) fn split_blocks(sequence: Tensor<3>, max_steps: usize) -> Vec<Tensor<3>> {
    let mut blocks = Vec::new();
    halve(sequence, max_steps, &mut blocks);
    blocks
}

fn halve(sequence: Tensor<3>, max_steps: usize, blocks: &mut Vec<Tensor<3>>) {
    let time = sequence.dims()[0];
    if time <= max_steps {
        blocks.push(sequence);
        return;
    }
    let half = time / 2;
    halve(sequence.clone().narrow(0, 0, half), max_steps, blocks);
    halve(sequence.narrow(0, half, time - half), max_steps, blocks);
}
