//! The weights of one layer in one direction.

use burn::tensor::Tensor;

use crate::unstack::{blocks, unstack};

/// Steps that one product projects.
const PROJECTED_AT_ONCE: usize = 16;

/// The weights of one layer in one direction, all gates side by side in PyTorch's order.
///
/// Every gate owns `hidden` neighbouring columns: LSTM has `i, f, g, o`, GRU `r, z, n`, the vanilla RNN a single one.
#[derive(Debug, Clone)]
pub struct Weights {
    /// From the input: `[input, gates * hidden]`.
    pub w_ih: Tensor<2>,
    /// From the hidden state: `[hidden, gates * hidden]`.
    pub w_hh: Tensor<2>,
    /// One bias a gate: `[gates * hidden]`. PyTorch's two biases of a gate are added into it.
    pub bias: Option<Tensor<1>>,
}

impl Weights {
    /// The part of all gates' pre-activations that comes from the input and the bias:
    /// `x [batch, input]` → `[batch, gates * hidden]`.
    pub fn project(&self, x: Tensor<2>) -> Tensor<2> {
        let projected = x.matmul(self.w_ih.clone());
        match &self.bias {
            Some(bias) => projected + bias.clone().unsqueeze(),
            None => projected,
        }
    }

    /// [`project`](Self::project) for every step of a sequence:
    /// `x [batch, time, input]` → `time` tensors `[batch, gates * hidden]`.
    ///
    /// One product serves a block of steps. It is the narrow input that is cut into blocks, and not the wide gates, and
    /// what is cut into steps then is small enough to stay in a cache.
    pub fn project_steps(&self, x: Tensor<3>) -> Vec<Tensor<2>> {
        let gates = self.w_ih.dims()[1];
        let project = |block: Tensor<3>| {
            let [time, batch, input] = block.dims();
            unstack(self.project(block.reshape([time * batch, input])).reshape([time, batch, gates]))
        };
        blocks(x.swap_dims(0, 1), PROJECTED_AT_ONCE).into_iter().flat_map(project).collect()
    }

    /// The part of all gates' pre-activations that comes from the hidden state:
    /// `h [batch, hidden]` → `[batch, gates * hidden]`.
    pub fn recur(&self, hidden: Tensor<2>) -> Tensor<2> {
        hidden.matmul(self.w_hh.clone())
    }
}

/// Cuts the gates apart: `[batch, N * hidden]` → `N` tensors `[batch, hidden]`.
pub(crate) fn split_gates<const N: usize>(gates: Tensor<2>) -> [Tensor<2>; N] {
    let hidden = gates.dims()[1] / N;
    std::array::from_fn(|gate| gates.clone().narrow(1, gate * hidden, hidden))
}
