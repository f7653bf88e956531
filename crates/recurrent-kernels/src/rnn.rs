//! The vanilla recurrent network (Elman 1990, "Finding structure in time").

use burn::tensor::Tensor;
use burn::tensor::activation::relu;
use serde::{Deserialize, Serialize};

use crate::{Scan, Scanned, Weights, impl_state, scan_steps};

/// The state of a vanilla RNN, which is its output.
#[derive(Debug, Clone)]
pub struct RnnState<const D: usize = 3> {
    /// The hidden state, `[batch, hidden]` or `[layers * directions, batch, hidden]`.
    pub hidden: Tensor<D>,
}
impl_state!(RnnState { hidden });

/// The function that bounds a vanilla RNN's state, or does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Nonlinearity {
    /// Hyperbolic tangent: the state stays within ±1, and gradients vanish.
    #[default]
    Tanh,
    /// Rectifier: the state has no upper bound, and gradients explode sooner (Le et al. 2015).
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
/// `projected [batch, hidden]` is `W_ih x + b`, from [`Weights::project`].
pub fn rnn_step(
    projected: Tensor<2>,
    state: RnnState<2>,
    weights: &Weights,
    nonlinearity: Nonlinearity,
) -> RnnState<2> {
    RnnState { hidden: nonlinearity.apply(projected + weights.recur(state.hidden)) }
}

/// A vanilla RNN over a whole sequence, `x [batch, time, input]`; see [`rnn_step`] for the equations.
pub fn rnn_scan(
    x: Tensor<3>,
    weights: Weights,
    nonlinearity: Nonlinearity,
    initial: RnnState<2>,
    scan: &Scan,
) -> Scanned<RnnState<2>> {
    let projected = weights.project_steps(x);
    scan_steps(projected, initial, scan, |projected, state| rnn_step(projected, state, &weights, nonlinearity))
}
