//! A whole scan as one operation of the backend.
//!
//! - [`operands`]: what goes into it and comes out of it;
//! - [`extension`]: the operation as Burn's dispatch knows it;
//! - [`autodiff`]: its gradients, which are the same on every backend;
//! - [`ScanBackend`]: what a backend has to bring; `cpu` is the one for backends whose tensors lie in the host's memory,
//!   `gpu` the one for CubeCL's, and `fusion` puts the latter off until somebody needs a number;
//! - [`layout`]: how a sequence lies in memory.
//!
//! A backend that the operation does not know would panic: ask [`is_fused`](crate::is_fused) first.

mod autodiff;
#[cfg(feature = "cpu")]
mod cpu;
mod extension;
#[cfg(feature = "gpu")]
mod fusion;
#[cfg(feature = "gpu")]
mod gpu;
mod layout;
mod operands;

use std::fmt::Debug;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch};
use burn::tensor::Tensor;

use self::extension::FusedScan;
use self::operands::{Inputs, Operands, Outputs, SLOTS};
pub(crate) use self::operands::{LayerOperands, Plan};
use crate::pass::{Keep, Need};
use crate::{Direction, Scanned, State, Weights};

/// A backend that runs a whole scan, forward and back.
pub trait ScanBackend: Backend {
    /// What the way back needs besides the inputs.
    type Kept: Debug + Send + 'static;

    /// Runs a scan; what is kept is there unless it is to be [nothing](Keep::Nothing).
    fn scan(inputs: &Inputs<Self>, plan: &Plan, keep: Keep) -> (Outputs<Self>, Option<Self::Kept>);

    /// Runs back over the same scan. `outputs` are the gradients of its [`Outputs`] as far as there are any; gives the
    /// inputs' gradients, those that are needed, in the [order](Operands::into_slots) of the inputs.
    fn scan_backward(
        inputs: &Inputs<Self>,
        plan: &Plan,
        kept: Self::Kept,
        outputs: [Option<FloatTensor<Self>>; 3],
        need: Need,
    ) -> [Option<FloatTensor<Self>>; SLOTS];
}

/// Runs a layer; one direction for each of `layers`.
pub(crate) fn scan<S: State<3>>(
    x: Tensor<3>,
    layers: Vec<(Direction, Weights, Option<Tensor<1>>)>,
    initial: Option<S>,
    plan: Plan,
) -> Scanned<S> {
    let layers = layers.into_iter().map(|(direction, weights, bias_hn)| LayerOperands {
        direction,
        w_ih: weights.w_ih.into_dispatch(),
        w_hh: weights.w_hh.into_dispatch(),
        bias: weights.bias.map(Tensor::into_dispatch),
        bias_hn: bias_hn.map(Tensor::into_dispatch),
    });
    let mut initial = initial.map(S::into_parts).into_iter().flatten().map(Tensor::into_dispatch);
    let inputs =
        Operands { x: x.into_dispatch(), layers: layers.collect(), hidden: initial.next(), cell: initial.next() };
    let (output, hidden, cell) = Dispatch::fused_scan(inputs, plan);
    let state = [hidden, cell].into_iter().take(S::PARTS).map(Tensor::from_dispatch);
    Scanned { output: Tensor::from_dispatch(output), state: S::from_parts(state.collect()) }
}
