//! Long short-term memory (Hochreiter & Schmidhuber 1997) with a forget gate (Gers et al. 2000).

use burn::tensor::Tensor;
use burn::tensor::activation::sigmoid;

use crate::weights::split_gates;
use crate::{Scan, Scanned, Weights, impl_state, scan_steps};

/// The state of an LSTM: what it shows and what it remembers.
#[derive(Debug, Clone)]
pub struct LstmState<const D: usize = 3> {
    /// The hidden state h, the layer's output, `[batch, hidden]` or `[layers * directions, batch, hidden]`.
    pub hidden: Tensor<D>,
    /// The cell state c, the memory, of the same shape.
    pub cell: Tensor<D>,
}
impl_state!(LstmState { hidden, cell });

/// One step of an LSTM, gates in the order `i, f, g, o`.
///
/// ```text
/// i = σ(W_ii x + b_i + W_hi h)      the input gate
/// f = σ(W_if x + b_f + W_hf h)      the forget gate
/// g = tanh(W_ig x + b_g + W_hg h)   the candidate
/// o = σ(W_io x + b_o + W_ho h)      the output gate
/// c' = f ⊙ c + i ⊙ g
/// h' = o ⊙ tanh(c')
/// ```
///
/// `projected [batch, 4 * hidden]` is the part of the gates that comes from x, from [`Weights::project`].
pub fn lstm_step(projected: Tensor<2>, state: LstmState<2>, weights: &Weights) -> LstmState<2> {
    let [i, f, g, o] = split_gates(projected + weights.recur(state.hidden));
    let cell = sigmoid(f) * state.cell + sigmoid(i) * g.tanh();
    LstmState { hidden: sigmoid(o) * cell.clone().tanh(), cell }
}

/// An LSTM over a whole sequence, `x [batch, time, input]`; see [`lstm_step`] for the equations.
pub fn lstm_scan(x: Tensor<3>, weights: Weights, initial: LstmState<2>, scan: &Scan) -> Scanned<LstmState<2>> {
    let projected = weights.project_steps(x);
    scan_steps(projected, initial, scan, |projected, state| lstm_step(projected, state, &weights))
}
