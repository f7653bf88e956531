//! The plain path: scans made of tensor operations, step by step.
//!
//! They run on each of Burn's backends, in each precision, with and without autodiff, and are what the scans of the
//! crate's root fall back to. They are also the oracle that the fused operation is held against, which is why they can
//! be called by themselves.

use burn::tensor::Tensor;

use crate::gru::GruKernel;
use crate::layer::Kernel;
use crate::lstm::LstmKernel;
use crate::rnn::RnnKernel;
use crate::{GruState, LstmState, Nonlinearity, Reset, RnnState, Scan, Scanned, State, Weights, scan_steps};

/// [`rnn_scan`](crate::rnn_scan), step by step.
pub fn rnn_scan(
    x: Tensor<3>,
    weights: Weights,
    nonlinearity: Nonlinearity,
    initial: impl Into<Option<RnnState<2>>>,
    how: &Scan,
) -> Scanned<RnnState<2>> {
    scan(x, &RnnKernel { weights, nonlinearity }, initial.into(), how)
}

/// [`lstm_scan`](crate::lstm_scan), step by step.
pub fn lstm_scan(
    x: Tensor<3>,
    weights: Weights,
    cell_clip: Option<f64>,
    initial: impl Into<Option<LstmState<2>>>,
    how: &Scan,
) -> Scanned<LstmState<2>> {
    scan(x, &LstmKernel::new(weights, cell_clip), initial.into(), how)
}

/// [`gru_scan`](crate::gru_scan), step by step.
pub fn gru_scan(
    x: Tensor<3>,
    weights: Weights,
    reset: Reset,
    initial: impl Into<Option<GruState<2>>>,
    how: &Scan,
) -> Scanned<GruState<2>> {
    scan(x, &GruKernel { weights, reset }, initial.into(), how)
}

pub(crate) fn scan<K: Kernel>(
    x: Tensor<3>,
    kernel: &K,
    initial: Option<K::State<2>>,
    how: &Scan,
) -> Scanned<K::State<2>> {
    scan_weights(x, kernel.weights(), initial, how, |projected, state| kernel.step(projected, state))
}

/// Runs `step` over `x [batch, time, input]`: projects all of it by the weights and hands it on to [`scan_steps`]. It
/// starts from zeros unless there is an `initial` state `[batch, hidden]`.
pub fn scan_weights<S: State<2>>(
    x: Tensor<3>,
    weights: &Weights,
    initial: Option<S>,
    how: &Scan,
    step: impl Fn(Tensor<2>, S) -> S,
) -> Scanned<S> {
    let shape = [x.dims()[0], weights.w_hh.dims()[0]];
    let initial = initial.unwrap_or_else(|| S::zeros(shape, (&x.device(), x.dtype())));
    scan_steps(weights.project_steps(x), initial, how, step)
}

/// Runs `scan` for each direction of a layer, from its own part of `initial [directions, batch, hidden]`, and puts what
/// they give side by side.
pub fn scan_each<D, S: State<2>, L: State<3>>(
    directions: impl IntoIterator<Item = D>,
    initial: Option<L>,
    mut scan: impl FnMut(D, Option<S>) -> Scanned<S>,
) -> Scanned<L> {
    let one = |(index, direction)| {
        let initial = initial.clone();
        let initial = initial.map(|state| state.map_into(|part| part.narrow(0, index, 1).squeeze_dim(0)));
        let Scanned { output, state } = scan(direction, initial);
        (output, state)
    };
    let (mut outputs, states): (Vec<_>, Vec<_>) = directions.into_iter().enumerate().map(one).unzip();
    let output = if outputs.len() == 1 { outputs.remove(0) } else { Tensor::cat(outputs, 2) };
    Scanned { output, state: S::join(states, |parts| Tensor::stack(parts, 0)) }
}
