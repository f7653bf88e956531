//! From one tensor to its steps.

use burn::tensor::Tensor;

/// Cuts a sequence into its steps: `[time, batch, features]` → `time` tensors `[batch, features]`.
///
/// Why not slice it `time` times? Under autodiff, the backward pass of a slice allocates a zero tensor of the *whole*
/// sequence and adds it to the others, so a loop over slices costs time². Here the sequence is halved again and again:
/// each of the log₂(time) levels touches the sequence a constant number of times.
pub fn unstack(sequence: Tensor<3>) -> Vec<Tensor<2>> {
    blocks(sequence, 1).into_iter().map(|step| step.squeeze_dim(0)).collect()
}

/// Cuts a sequence into blocks of at most `longest` steps each, in order, by halving.
pub(crate) fn blocks(sequence: Tensor<3>, longest: usize) -> Vec<Tensor<3>> {
    let mut blocks = Vec::new();
    halve(sequence, longest, &mut blocks);
    blocks
}

fn halve(sequence: Tensor<3>, longest: usize, blocks: &mut Vec<Tensor<3>>) {
    let time = sequence.dims()[0];
    if time <= longest {
        blocks.push(sequence);
        return;
    }
    let half = time / 2;
    halve(sequence.clone().narrow(0, 0, half), longest, blocks);
    halve(sequence.narrow(0, half, time - half), longest, blocks);
}
