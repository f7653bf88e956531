//! The gated recurrent unit (Cho et al. 2014).

use std::mem::discriminant;

use burn::tensor::Tensor;
use burn::tensor::activation::sigmoid;

#[cfg(any(feature = "cpu", feature = "gpu"))]
use crate::Equations;
use crate::layer::{Kernel, scan_direction, scan_layer};
use crate::weights::split_gates;
use crate::{Scan, Scanned, Weights, impl_state};

/// The state of a GRU, which is its output.
#[derive(Debug, Clone)]
pub struct GruState<const D: usize = 3> {
    /// The hidden state, `[batch, hidden]` or `[layers * directions, batch, hidden]`.
    pub hidden: Tensor<D>,
}
impl_state!(GruState { hidden });

/// Where the reset gate stands in the candidate.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "a scan has one of it; a box would cost more than it saves")]
pub enum Reset {
    /// After the recurrent product, as in PyTorch, cuDNN and Keras: one product a step serves all gates. The
    /// candidate's recurrent bias `[hidden]` lies inside the reset and so cannot be added to the other one.
    After {
        /// `b_hn`, if the layer has biases.
        bias_hn: Option<Tensor<1>>,
    },
    /// Before the recurrent product, as first published: two products a step.
    Before,
}

/// What the gates of a GRU come to at a step, `[batch, hidden]` each; [`gru_step`] has the equations.
#[derive(Debug, Clone)]
pub struct GruGates {
    /// r: how much of the state the candidate is made of.
    pub reset: Tensor<2>,
    /// z: how much of the state stays.
    pub update: Tensor<2>,
    /// n: what takes the place of the rest.
    pub candidate: Tensor<2>,
}

impl GruGates {
    /// From the projected input `[batch, 3 * hidden]` and the state before the step, `[batch, hidden]`.
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
                let [h_r, h_z] = split_gates(hidden.clone().matmul(w_rz));
                let r = sigmoid(x_r + h_r);
                let h_n = (r.clone() * hidden).matmul(w_n);
                Self { update: sigmoid(x_z + h_z), candidate: (x_n + h_n).tanh(), reset: r }
            }
        }
    }
}

/// One step of a GRU, gates in the order `r, z, n`.
///
/// ```text
/// r = σ(W_ir x + b_r + W_hr h)                  the reset gate
/// z = σ(W_iz x + b_z + W_hz h)                  the update gate
/// n = tanh(W_in x + b_n + r ⊙ (W_hn h + b_hn))  the candidate, reset after
/// n = tanh(W_in x + b_n + W_hn (r ⊙ h))         the candidate, reset before
/// h' = (1 − z) ⊙ n + z ⊙ h
/// ```
///
/// `projected [batch, 3 * hidden]` is the part of the gates that comes from x, from [`Weights::project`].
pub fn gru_step(projected: Tensor<2>, state: GruState<2>, weights: &Weights, reset: &Reset) -> GruState<2> {
    let hidden = state.hidden;
    let GruGates { update: z, candidate: n, .. } = GruGates::new(projected, hidden.clone(), weights, reset);
    // n + z ⊙ (h − n) is the same blend with one product less.
    GruState { hidden: n.clone() + z * (hidden - n) }
}

/// A GRU over a whole sequence, `x [batch, time, input]`; see [`gru_step`] for the equations.
///
/// It starts from `initial`, `[batch, hidden]`, or from zeros.
///
/// # Panics
/// If there is no step, a shape does not fit the others, a length is beyond the sequence, or not all tensors have the
/// dtype of `x`.
pub fn gru_scan(
    x: Tensor<3>,
    weights: Weights,
    reset: Reset,
    initial: impl Into<Option<GruState<2>>>,
    scan: &Scan,
) -> Scanned<GruState<2>> {
    scan_direction(x, GruKernel { weights, reset }, initial.into(), scan)
}

/// One layer of a GRU over a whole sequence, forward or, given a second direction, forward and in reverse:
/// `x [batch, time, input]` → `[batch, time, directions * hidden]`. Both directions are one operation where a scan
/// [is one](crate::is_fused).
///
/// It starts from `initial`, `[directions, batch, hidden]`, or from zeros; of `lengths` [`Scan`] tells.
///
/// # Panics
/// As [`gru_scan`] does, and if the reset gate does not stand in the same place in both directions.
pub fn gru_layer(
    x: Tensor<3>,
    directions: Vec<(Weights, Reset)>,
    initial: Option<GruState<3>>,
    lengths: Option<&[usize]>,
) -> Scanned<GruState<3>> {
    let places = directions.windows(2).all(|two| discriminant(&two[0].1) == discriminant(&two[1].1));
    assert!(places, "the reset gate stands in the same place in both directions of a layer");
    let kernels = directions.into_iter().map(|(weights, reset)| GruKernel { weights, reset });
    scan_layer(x, kernels.collect(), initial, lengths)
}

pub(crate) struct GruKernel {
    pub(crate) weights: Weights,
    pub(crate) reset: Reset,
}

impl Kernel for GruKernel {
    type State<const D: usize> = GruState<D>;
    const GATES: usize = 3;

    #[cfg(any(feature = "cpu", feature = "gpu"))]
    fn equations(&self) -> Equations {
        Equations::Gru { reset_after: matches!(self.reset, Reset::After { .. }) }
    }

    fn weights(&self) -> &Weights {
        &self.weights
    }

    fn bias_hn(&self) -> Option<&Tensor<1>> {
        match &self.reset {
            Reset::After { bias_hn } => bias_hn.as_ref(),
            Reset::Before => None,
        }
    }

    fn step(&self, projected: Tensor<2>, state: GruState<2>) -> GruState<2> {
        gru_step(projected, state, &self.weights, &self.reset)
    }
}
