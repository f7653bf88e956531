//! The weights of one layer in one direction.

use burn::tensor::Tensor;

use crate::empty_batch::EmptyBatch;
use crate::unbind::{split_blocks, unbind};

/// Steps per matrix product of the input projection.
const PROJECTION_STEPS: usize = 16;

/// The weights of one layer in one direction, all gates side by side in PyTorch's order.
///
/// Every gate owns `hidden` adjacent columns: LSTM has `i, f, g, o`, GRU `r, z, n`, the vanilla RNN a single one.
#[derive(Debug, Clone)]
pub struct Weights {
    /// Input weights, `[input, gates * hidden]`: the transpose of PyTorch's `weight_ih`.
    pub w_ih: Tensor<2>,
    /// Recurrent weights, `[hidden, gates * hidden]`: the transpose of PyTorch's `weight_hh`.
    pub w_hh: Tensor<2>,
    /// Bias, `[gates * hidden]`: the sum of PyTorch's `bias_ih` and `bias_hh`.
    pub bias: Option<Tensor<1>>,
}

impl Weights {
    /// The input's contribution to the pre-activations of all gates, bias included:
    /// `x [batch, input]` → `[batch, gates * hidden]`.
    pub fn project(&self, x: Tensor<2>) -> Tensor<2> {
        if x.dims()[0] == 0 {
            return self.no_rows(EmptyBatch::of(&x).and(&self.w_ih));
        }
        let projected = x.matmul(self.w_ih.clone());
        match &self.bias {
            Some(bias) => projected + bias.clone().unsqueeze(),
            None => projected,
        }
    }

    fn no_rows(&self, inputs: EmptyBatch) -> Tensor<2> {
        inputs.and_all(&self.bias).result([0, self.w_ih.dims()[1]])
    }

    /// [`project`](Self::project) for every step of a sequence:
    /// `x [batch, time, input]` → `time` tensors `[batch, gates * hidden]`.
    ///
    /// One product serves a block of steps. Splitting the narrow input rather than the wide gates keeps each block small
    /// enough for the cache.
    pub fn project_steps(&self, x: Tensor<3>) -> Vec<Tensor<2>> {
        let gates = self.w_ih.dims()[1];
        if x.dims()[0] == 0 {
            return vec![self.no_rows(EmptyBatch::of(&x).and(&self.w_ih)); x.dims()[1]];
        }
        let project = |block: Tensor<3>| {
            let [time, batch, input] = block.dims();
            unbind(self.project(block.reshape([time * batch, input])).reshape([time, batch, gates]))
        };
        split_blocks(x.swap_dims(0, 1), PROJECTION_STEPS).into_iter().flat_map(project).collect()
    }

    /// The hidden state's contribution to the pre-activations of all gates:
    /// `h [batch, hidden]` → `[batch, gates * hidden]`.
    pub fn recur(&self, hidden: Tensor<2>) -> Tensor<2> {
        matmul(hidden, self.w_hh.clone())
    }
}

/// A matrix product whose left side may have no rows.
pub(crate) fn matmul(left: Tensor<2>, right: Tensor<2>) -> Tensor<2> {
    match left.dims() {
        [0, _] => EmptyBatch::of(&left).and(&right).result([0, right.dims()[1]]),
        _ => left.matmul(right),
    }
}

/// Splits the gates: `[batch, N * hidden]` → `N` tensors `[batch, hidden]`.
pub(crate) fn split_gates<const N: usize>(gates: Tensor<2>) -> [Tensor<2>; N] {
    let [batch, columns] = gates.dims();
    let hidden = columns / N;
    if batch == 0 {
        return std::array::from_fn(|_| EmptyBatch::of(&gates).result([0, hidden]));
    }
    std::array::from_fn(|gate| gates.clone().narrow(1, gate * hidden, hidden))
}
