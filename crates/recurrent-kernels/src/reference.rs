//! The reference implementation: scans made of tensor operations, step by step.
//!
//! It runs on each of Burn's backends, in each precision, with and without autodiff. The scans at the crate's root fall
//! back to it, and the tests compare the fused implementations with it, which is why it is public.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor};

use crate::cell::{Cell, GruCell, LstmCell, RnnCell};
use crate::empty_batch::EmptyBatch;
use crate::{
    AdamFactors, GruState, LstmState, Nonlinearity, Reset, RnnState, Scan, Scanned, State, TokenLogProbs, Weights,
    check_lengths, scan_steps, stack_states,
};

/// The reference implementation of [`rnn_scan`](crate::rnn_scan).
///
/// # Panics
/// If `x` has no step, a shape does not fit the others, or the lengths are invalid (see [`check_lengths`]).
pub fn rnn_scan(
    x: Tensor<3>,
    weights: Weights,
    nonlinearity: Nonlinearity,
    initial: impl Into<Option<RnnState<2>>>,
    scan: &Scan,
) -> Scanned<RnnState<2>> {
    scan_cell(x, &RnnCell { weights, nonlinearity }, initial.into(), scan)
}

/// The reference implementation of [`lstm_scan`](crate::lstm_scan).
///
/// # Panics
/// As [`rnn_scan`], and if `cell_clip` is not positive.
pub fn lstm_scan(
    x: Tensor<3>,
    weights: Weights,
    cell_clip: Option<f64>,
    initial: impl Into<Option<LstmState<2>>>,
    scan: &Scan,
) -> Scanned<LstmState<2>> {
    scan_cell(x, &LstmCell::new(weights, cell_clip), initial.into(), scan)
}

/// The reference implementation of [`gru_scan`](crate::gru_scan).
///
/// # Panics
/// As [`rnn_scan`].
pub fn gru_scan(
    x: Tensor<3>,
    weights: Weights,
    reset: Reset,
    initial: impl Into<Option<GruState<2>>>,
    scan: &Scan,
) -> Scanned<GruState<2>> {
    scan_cell(x, &GruCell { weights, reset }, initial.into(), scan)
}

/// The reference implementation of [`token_log_probs`](crate::token_log_probs).
///
/// # Panics
/// If there is not one target per row.
pub fn token_log_probs(logits: Tensor<2>, targets: Tensor<1, Int>) -> TokenLogProbs {
    let [rows, vocab] = logits.dims();
    if rows == 0 {
        let nothing = logits.sum_dim(1).reshape([0]);
        return TokenLogProbs { target: nothing.clone(), mean: nothing };
    }
    let ln_p = log_softmax(logits, 1);
    TokenLogProbs {
        target: ln_p.clone().gather(1, targets.reshape([rows, 1])).reshape([rows]),
        mean: ln_p.sum_dim(1).reshape([rows]) / vocab as f64,
    }
}

/// The reference implementation of [`embedding_bag`](crate::embedding_bag).
///
/// # Panics
/// If a bag has no indices.
pub fn embedding_bag(table: Tensor<2>, indices: Tensor<2, Int>) -> Tensor<2> {
    let ([_, width], [bags, count]) = (table.dims(), indices.dims());
    if bags == 0 {
        // The gradient of the table is zero then, not missing.
        return Tensor::zeros([0, width], (&table.device(), table.dtype())) + table.sum().reshape([1, 1]);
    }
    table.select(0, indices.reshape([bags * count])).reshape([bags, count, width]).sum_dim(1).reshape([bags, width])
}

pub(crate) fn scan_cell<C: Cell>(
    x: Tensor<3>,
    cell: &C,
    initial: Option<C::State<2>>,
    scan: &Scan,
) -> Scanned<C::State<2>> {
    let step = |projected, state| cell.step(projected, state);
    scan_from(x, cell.weights(), cell.bias_hn(), initial, scan, step)
}

/// [`adam_step`](crate::adam_step) made of tensor operations.
pub fn adam_step<const D: usize>(
    parameter: Tensor<D>,
    gradient: Tensor<D>,
    [first, second]: [Tensor<D>; 2],
    factors: &AdamFactors,
) -> (Tensor<D>, [Tensor<D>; 2]) {
    let AdamFactors { betas, correction, epsilon, rate, keep } = *factors;
    let first = first * betas[0] + gradient.clone() * (1.0 - betas[0]);
    let second = second * betas[1] + gradient.square() * (1.0 - betas[1]);
    let step = first.clone() * correction / (second.clone().sqrt() + epsilon) * rate;
    (parameter * keep - step, [first, second])
}

/// Projects `x [batch, time, input]` by the weights and runs `step` over it with [`scan_steps`], for cells of other
/// crates. It starts from zeros unless there is an `initial` state `[batch, hidden]`. The batch may be empty.
///
/// # Panics
/// If `x` has no step, a shape does not fit the others, or the lengths are invalid (see [`check_lengths`]).
pub fn scan_projected<S: State<2>>(
    x: Tensor<3>,
    weights: &Weights,
    initial: Option<S>,
    scan: &Scan,
    step: impl Fn(Tensor<2>, S) -> S,
) -> Scanned<S> {
    scan_from(x, weights, None, initial, scan, step)
}

fn scan_from<S: State<2>>(
    x: Tensor<3>,
    weights: &Weights,
    bias_hn: Option<&Tensor<1>>,
    initial: Option<S>,
    scan: &Scan,
    step: impl Fn(Tensor<2>, S) -> S,
) -> Scanned<S> {
    let [batch, time, _] = x.dims();
    let [hidden, _] = weights.w_hh.dims();
    check_steps(&x);
    if batch == 0 {
        scan.lengths.inspect(|lengths| check_lengths(lengths, batch, time));
        let initial: Vec<_> = initial.into_iter().flat_map(S::into_parts).collect();
        let inputs = empty_batch(&x, weights).and_all(bias_hn).and_all(&initial);
        let state = S::from_parts(vec![inputs.result([0, hidden]); S::PARTS]);
        return Scanned { output: inputs.result([0, time, hidden]), state };
    }
    let initial = initial.unwrap_or_else(|| S::zeros([batch, hidden], (&x.device(), x.dtype())));
    scan_steps(weights.project_steps(x), initial, scan, step)
}

/// Panics if a sequence `[batch, time, input]` has no step.
pub(crate) fn check_steps(x: &Tensor<3>) {
    assert!(x.dims()[1] > 0, "x [batch, time, input] must have at least one step, got {:?}", x.dims());
}

/// The inputs of a scan of an empty batch.
pub(crate) fn empty_batch(x: &Tensor<3>, weights: &Weights) -> EmptyBatch {
    EmptyBatch::of(x).and(&weights.w_ih).and(&weights.w_hh).and_all(&weights.bias)
}

/// Runs `scan` once for each direction of a layer and concatenates the outputs, for cells of other crates. Each direction
/// starts from its row of `initial [directions, batch, hidden]`.
pub fn scan_directions<D, S: State<2>, L: State<3>>(
    directions: impl IntoIterator<Item = D>,
    initial: Option<L>,
    mut scan: impl FnMut(D, Option<S>) -> Scanned<S>,
) -> Scanned<L> {
    let scan_one = |(index, direction)| {
        let initial = initial.clone();
        let initial = initial.map(|state| state.map_into(|part| part.narrow(0, index, 1).squeeze_dim(0)));
        let Scanned { output, state } = scan(direction, initial);
        (output, state)
    };
    let (mut outputs, states): (Vec<_>, Vec<_>) = directions.into_iter().enumerate().map(scan_one).unzip();
    let output = match outputs[0].dims() {
        _ if outputs.len() == 1 => outputs.remove(0),
        [0, time, hidden] => {
            EmptyBatch::of(&outputs[0]).and_all(&outputs[1..]).result([0, time, outputs.len() * hidden])
        }
        _ => Tensor::cat(outputs, 2),
    };
    Scanned { output, state: stack_states(states) }
}
