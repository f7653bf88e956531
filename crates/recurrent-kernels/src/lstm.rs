//! Long short-term memory (Hochreiter & Schmidhuber 1997) with a forget gate (Gers et al. 2000): state, gates and step.

use burn::tensor::Tensor;
use burn::tensor::activation::sigmoid;

use crate::empty_batch::EmptyBatch;
use crate::weights::split_gates;
use crate::{Weights, impl_state};

/// The state of an LSTM.
#[derive(Debug, Clone)]
pub struct LstmState<const D: usize = 3> {
    /// The hidden state h, which is the output, `[batch, hidden]` or `[num_layers * directions, batch, hidden]`.
    pub hidden: Tensor<D>,
    /// The cell state c, of the same shape.
    pub cell: Tensor<D>,
}
impl_state!(LstmState { hidden, cell });

/// The gate activations of an LSTM at one step, `[batch, hidden]` each; see [`lstm_step`] for the equations.
#[derive(Debug, Clone)]
pub struct LstmGates {
    /// The input gate i.
    pub input: Tensor<2>,
    /// The forget gate f.
    pub forget: Tensor<2>,
    /// The candidate g.
    pub candidate: Tensor<2>,
    /// The output gate o.
    pub output: Tensor<2>,
}

impl LstmGates {
    /// Computes the gates from the projected input `[batch, 4 * hidden]` and the hidden state before the step,
    /// `[batch, hidden]`.
    pub fn new(projected: Tensor<2>, hidden: Tensor<2>, weights: &Weights) -> Self {
        let [i, f, g, o] = split_gates(projected + weights.recur(hidden));
        Self { input: sigmoid(i), forget: sigmoid(f), candidate: g.tanh(), output: sigmoid(o) }
    }
}

/// One step of an LSTM, gates in the order `i, f, g, o`.
///
/// ```text
/// i = σ(W_ii x + b_i + W_hi h)      input gate
/// f = σ(W_if x + b_f + W_hf h)      forget gate
/// g = tanh(W_ig x + b_g + W_hg h)   candidate
/// o = σ(W_io x + b_o + W_ho h)      output gate
/// c' = f ⊙ c + i ⊙ g
/// h' = o ⊙ tanh(c')
/// ```
///
/// `projected [batch, 4 * hidden]` is the input's contribution to the gates, from [`Weights::project`]; `state` and the
/// result are `[batch, hidden]`. The batch may be empty. With a `cell_clip`, c' is clipped to ± that value (Sak et al.
/// 2014), and its gradient is zero where it is clipped.
///
/// # Panics
/// If a shape does not fit the others.
pub fn lstm_step(projected: Tensor<2>, state: LstmState<2>, weights: &Weights, cell_clip: Option<f64>) -> LstmState<2> {
    let [batch, size] = state.hidden.dims();
    if batch == 0 {
        let inputs = EmptyBatch::of(&projected).and(&state.hidden).and(&state.cell).and(&weights.w_hh);
        return LstmState { hidden: inputs.result([0, size]), cell: inputs.result([0, size]) };
    }
    let LstmGates { input: i, forget: f, candidate: g, output: o } = LstmGates::new(projected, state.hidden, weights);
    let cell = f * state.cell + i * g;
    let cell = match cell_clip {
        Some(clip) => cell.clamp(-clip, clip),
        None => cell,
    };
    LstmState { hidden: o * cell.clone().tanh(), cell }
}
