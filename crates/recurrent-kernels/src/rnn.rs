//! The vanilla recurrent network (Elman 1990, "Finding structure in time").

use burn::tensor::Tensor;
use burn::tensor::activation::relu;
use serde::{Deserialize, Serialize};

#[cfg(any(feature = "cpu", feature = "gpu"))]
use crate::Equations;
use crate::layer::{Kernel, scan_direction, scan_layer};
use crate::{Scan, Scanned, Weights, impl_state};

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
///
/// It starts from `initial`, `[batch, hidden]`, or from zeros.
///
/// # Panics
/// If there is no step, a shape does not fit the others, a length is beyond the sequence, or not all tensors have the
/// dtype of `x`.
pub fn rnn_scan(
    x: Tensor<3>,
    weights: Weights,
    nonlinearity: Nonlinearity,
    initial: impl Into<Option<RnnState<2>>>,
    scan: &Scan,
) -> Scanned<RnnState<2>> {
    scan_direction(x, RnnKernel { weights, nonlinearity }, initial.into(), scan)
}

/// One layer of a vanilla RNN over a whole sequence, forward or, given a second direction's weights, forward and in
/// reverse: `x [batch, time, input]` → `[batch, time, directions * hidden]`. Both directions are one operation where a
/// scan [is one](crate::is_fused).
///
/// It starts from `initial`, `[directions, batch, hidden]`, or from zeros; of `lengths` [`Scan`] tells.
///
/// # Panics
/// As [`rnn_scan`] does.
pub fn rnn_layer(
    x: Tensor<3>,
    weights: Vec<Weights>,
    nonlinearity: Nonlinearity,
    initial: Option<RnnState<3>>,
    lengths: Option<&[usize]>,
) -> Scanned<RnnState<3>> {
    let kernels = weights.into_iter().map(|weights| RnnKernel { weights, nonlinearity });
    scan_layer(x, kernels.collect(), initial, lengths)
}

pub(crate) struct RnnKernel {
    pub(crate) weights: Weights,
    pub(crate) nonlinearity: Nonlinearity,
}

impl Kernel for RnnKernel {
    type State<const D: usize> = RnnState<D>;
    const GATES: usize = 1;

    #[cfg(any(feature = "cpu", feature = "gpu"))]
    fn equations(&self) -> Equations {
        Equations::Rnn(self.nonlinearity)
    }

    fn weights(&self) -> &Weights {
        &self.weights
    }

    fn step(&self, projected: Tensor<2>, state: RnnState<2>) -> RnnState<2> {
        rnn_step(projected, state, &self.weights, self.nonlinearity)
    }
}
