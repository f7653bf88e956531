//! The vanilla recurrent network (Elman 1990, "Finding structure in time"): state and step.

use burn::tensor::Tensor;
use burn::tensor::activation::relu;
use serde::{Deserialize, Serialize};

use crate::empty_batch::EmptyBatch;
use crate::{Weights, impl_state};

/// The state of a vanilla RNN, which is also its output.
#[derive(Debug, Clone)]
pub struct RnnState<const D: usize = 3> {
    /// The hidden state, `[batch, hidden]` or `[num_layers * directions, batch, hidden]`.
    pub hidden: Tensor<D>,
}
impl_state!(RnnState { hidden });

/// The activation function of a vanilla RNN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Nonlinearity {
    /// Hyperbolic tangent: the state stays within ±1, and gradients vanish.
    #[default]
    Tanh,
    /// Rectifier: the state is unbounded, and gradients explode sooner (Le et al. 2015).
    Relu,
}

impl Nonlinearity {
    fn apply(self, x: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Tanh => x.tanh(),
            Self::Relu => relu(x),
        }
    }
}

/// One step of a vanilla RNN.
///
/// ```text
/// h' = φ(W_ih x + b + W_hh h)
/// ```
///
/// `projected [batch, hidden]` is `W_ih x + b`, from [`Weights::project`]; `state` and the result are `[batch, hidden]`.
/// The batch may be empty.
///
/// # Panics
/// If a shape does not fit the others.
pub fn rnn_step(
    projected: Tensor<2>,
    state: RnnState<2>,
    weights: &Weights,
    nonlinearity: Nonlinearity,
) -> RnnState<2> {
    let [batch, size] = state.hidden.dims();
    if batch == 0 {
        return RnnState { hidden: EmptyBatch::of(&projected).and(&state.hidden).and(&weights.w_hh).result([0, size]) };
    }
    RnnState { hidden: nonlinearity.apply(projected + weights.recur(state.hidden)) }
}
