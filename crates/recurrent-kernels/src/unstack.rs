//! From one tensor to its steps.

use burn::tensor::Tensor;

/// Cuts a sequence into its steps: `[time, batch, features]` → `time` tensors `[batch, features]`.
///
/// Why not slice it `time` times? Under autodiff, the backward pass of a slice allocates a zero tensor of the *whole*
/// sequence and adds it to the others, so a loop over slices costs time². Here the sequence is halved again and again:
/// each of the log₂(time) levels touches the sequence a constant number of times.
pub fn unstack(sequence: Tensor<3>) -> Vec<Tensor<2>> {
    let mut steps = Vec::with_capacity(sequence.dims()[0]);
    halve(sequence, &mut steps);
    steps
}

fn halve(sequence: Tensor<3>, steps: &mut Vec<Tensor<2>>) {
    match sequence.dims()[0] {
        0 => {}
        1 => steps.push(sequence.squeeze_dim(0)),
        time => {
            let half = time / 2;
            halve(sequence.clone().narrow(0, 0, half), steps);
            halve(sequence.narrow(0, half, time - half), steps);
        }
    }
}
