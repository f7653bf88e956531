//! Long short-term memory (Hochreiter & Schmidhuber 1997) with a forget gate (Gers et al. 2000).

use burn::tensor::Tensor;
use burn::tensor::activation::sigmoid;

#[cfg(any(feature = "cpu", feature = "gpu"))]
use crate::Equations;
use crate::layer::{Kernel, scan_direction, scan_layer};
use crate::weights::split_gates;
use crate::{Scan, Scanned, Weights, impl_state};

/// The state of an LSTM: what it shows and what it remembers.
#[derive(Debug, Clone)]
pub struct LstmState<const D: usize = 3> {
    /// The hidden state h, the layer's output, `[batch, hidden]` or `[layers * directions, batch, hidden]`.
    pub hidden: Tensor<D>,
    /// The cell state c, the memory, of the same shape.
    pub cell: Tensor<D>,
}
impl_state!(LstmState { hidden, cell });

/// What the gates of an LSTM come to at a step, `[batch, hidden]` each; [`lstm_step`] has the equations.
#[derive(Debug, Clone)]
pub struct LstmGates {
    /// i: how much of the candidate gets into the cell.
    pub input: Tensor<2>,
    /// f: how much of the cell stays.
    pub forget: Tensor<2>,
    /// g: what may get into the cell.
    pub candidate: Tensor<2>,
    /// o: how much of the cell is shown.
    pub output: Tensor<2>,
}

impl LstmGates {
    /// From the projected input `[batch, 4 * hidden]` and the hidden state before the step, `[batch, hidden]`.
    pub fn new(projected: Tensor<2>, hidden: Tensor<2>, weights: &Weights) -> Self {
        let [i, f, g, o] = split_gates(projected + weights.recur(hidden));
        Self { input: sigmoid(i), forget: sigmoid(f), candidate: g.tanh(), output: sigmoid(o) }
    }
}

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
/// `projected [batch, 4 * hidden]` is the part of the gates that comes from x, from [`Weights::project`]. With a
/// `cell_clip`, c' is held within ± that number (Sak et al. 2014), and no gradient flows where it is held.
pub fn lstm_step(projected: Tensor<2>, state: LstmState<2>, weights: &Weights, cell_clip: Option<f64>) -> LstmState<2> {
    let LstmGates { input: i, forget: f, candidate: g, output: o } = LstmGates::new(projected, state.hidden, weights);
    let cell = f * state.cell + i * g;
    let cell = match cell_clip {
        Some(clip) => cell.clamp(-clip, clip),
        None => cell,
    };
    LstmState { hidden: o * cell.clone().tanh(), cell }
}

/// An LSTM over a whole sequence, `x [batch, time, input]`; see [`lstm_step`] for the equations.
///
/// It starts from `initial`, `[batch, hidden]`, or from zeros.
///
/// # Panics
/// If there is no step, a shape does not fit the others, a length is beyond the sequence, not all tensors have the
/// dtype of `x`, or `cell_clip` is not positive.
pub fn lstm_scan(
    x: Tensor<3>,
    weights: Weights,
    cell_clip: Option<f64>,
    initial: impl Into<Option<LstmState<2>>>,
    scan: &Scan,
) -> Scanned<LstmState<2>> {
    scan_direction(x, LstmKernel::new(weights, cell_clip), initial.into(), scan)
}

/// One layer of an LSTM over a whole sequence, forward or, given a second direction's weights, forward and in reverse:
/// `x [batch, time, input]` → `[batch, time, directions * hidden]`. Both directions are one operation where a scan
/// [is one](crate::is_fused).
///
/// It starts from `initial`, `[directions, batch, hidden]`, or from zeros; of `lengths` [`Scan`] tells.
///
/// # Panics
/// As [`lstm_scan`] does.
pub fn lstm_layer(
    x: Tensor<3>,
    weights: Vec<Weights>,
    cell_clip: Option<f64>,
    initial: Option<LstmState<3>>,
    lengths: Option<&[usize]>,
) -> Scanned<LstmState<3>> {
    let kernels = weights.into_iter().map(|weights| LstmKernel::new(weights, cell_clip));
    scan_layer(x, kernels.collect(), initial, lengths)
}

pub(crate) struct LstmKernel {
    weights: Weights,
    cell_clip: Option<f64>,
}

impl LstmKernel {
    pub(crate) fn new(weights: Weights, cell_clip: Option<f64>) -> Self {
        if let Some(clip) = cell_clip {
            assert!(clip > 0.0, "an LSTM's cell state is held within a positive number, got {clip}");
        }
        Self { weights, cell_clip }
    }
}

impl Kernel for LstmKernel {
    type State<const D: usize> = LstmState<D>;
    const GATES: usize = 4;

    #[cfg(any(feature = "cpu", feature = "gpu"))]
    fn equations(&self) -> Equations {
        Equations::Lstm { clip: self.cell_clip.map(|clip| clip as f32) }
    }

    fn weights(&self) -> &Weights {
        &self.weights
    }

    fn step(&self, projected: Tensor<2>, state: LstmState<2>) -> LstmState<2> {
        lstm_step(projected, state, &self.weights, self.cell_clip)
    }
}
