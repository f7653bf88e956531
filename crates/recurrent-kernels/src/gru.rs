//! The gated recurrent unit (Cho et al. 2014): state, gates and step.

use burn::tensor::Tensor;
use burn::tensor::activation::sigmoid;

use crate::empty_batch::EmptyBatch;
use crate::weights::{matmul, split_gates};
use crate::{Weights, impl_state};

/// The state of a GRU, which is also its output.
#[derive(Debug, Clone)]
pub struct GruState<const D: usize = 3> {
    /// The hidden state, `[batch, hidden]` or `[num_layers * directions, batch, hidden]`.
    pub hidden: Tensor<D>,
}
impl_state!(GruState { hidden });

/// Where the reset gate is applied in the candidate.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "a scan has one of it; a box would cost more than it saves")]
pub enum Reset {
    /// After the recurrent product, as in PyTorch, cuDNN and Keras: one product a step serves all gates.
    After {
        /// The candidate's recurrent bias `b_hn [hidden]`. The reset gate multiplies it, so it cannot be added to the
        /// candidate's other bias.
        bias_hn: Option<Tensor<1>>,
    },
    /// Before the recurrent product, as first published: two products a step.
    Before,
}

impl Reset {
    /// The candidate's recurrent bias `b_hn`, if there is one.
    pub(crate) fn bias_hn(&self) -> Option<&Tensor<1>> {
        match self {
            Self::After { bias_hn } => bias_hn.as_ref(),
            Self::Before => None,
        }
    }
}

/// The gate activations of a GRU at one step, `[batch, hidden]` each; see [`gru_step`] for the equations.
#[derive(Debug, Clone)]
pub struct GruGates {
    /// The reset gate r.
    pub reset: Tensor<2>,
    /// The update gate z: the fraction of the state that is kept.
    pub update: Tensor<2>,
    /// The candidate n.
    pub candidate: Tensor<2>,
}

impl GruGates {
    /// Computes the gates from the projected input `[batch, 3 * hidden]` and the state before the step,
    /// `[batch, hidden]`.
    pub fn new(projected: Tensor<2>, hidden: Tensor<2>, weights: &Weights, reset: &Reset) -> Self {
        let [x_r, x_z, x_n] = split_gates(projected);
        match reset {
            Reset::After { bias_hn } => {
                let [h_r, h_z, h_n] = split_gates(weights.recur(hidden));
                let h_n = match bias_hn {
                    Some(bias) => h_n + bias.clone().unsqueeze(),
                    None => h_n,
                };
                let r = sigmoid(x_r + h_r);
                Self { update: sigmoid(x_z + h_z), candidate: (x_n + r.clone() * h_n).tanh(), reset: r }
            }
            Reset::Before => {
                let size = hidden.dims()[1];
                let w_rz = weights.w_hh.clone().narrow(1, 0, 2 * size);
                let w_n = weights.w_hh.clone().narrow(1, 2 * size, size);
                let [h_r, h_z] = split_gates(matmul(hidden.clone(), w_rz));
                let r = sigmoid(x_r + h_r);
                let h_n = matmul(r.clone() * hidden, w_n);
                Self { update: sigmoid(x_z + h_z), candidate: (x_n + h_n).tanh(), reset: r }
            }
        }
    }
}

/// One step of a GRU, gates in the order `r, z, n`.
///
/// ```text
/// r = σ(W_ir x + b_r + W_hr h)                  reset gate
/// z = σ(W_iz x + b_z + W_hz h)                  update gate
/// n = tanh(W_in x + b_n + r ⊙ (W_hn h + b_hn))  candidate, reset after
/// n = tanh(W_in x + b_n + W_hn (r ⊙ h))         candidate, reset before
/// h' = (1 − z) ⊙ n + z ⊙ h
/// ```
///
/// `projected [batch, 3 * hidden]` is the input's contribution to the gates, from [`Weights::project`]; `state` and the
/// result are `[batch, hidden]`. The batch may be empty.
///
/// # Panics
/// If a shape does not fit the others.
pub fn gru_step(projected: Tensor<2>, state: GruState<2>, weights: &Weights, reset: &Reset) -> GruState<2> {
    let hidden = state.hidden;
    let [batch, size] = hidden.dims();
    if batch == 0 {
        let inputs = EmptyBatch::of(&projected).and(&hidden).and(&weights.w_hh).and_all(reset.bias_hn());
        return GruState { hidden: inputs.result([0, size]) };
    }
    let GruGates { update: z, candidate: n, .. } = GruGates::new(projected, hidden.clone(), weights, reset);
    // n + z ⊙ (h − n) equals (1 − z) ⊙ n + z ⊙ h and saves a product.
    GruState { hidden: n.clone() + z * (hidden - n) }
}
