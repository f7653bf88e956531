//! A whole scan as one operation of the backend.
//!
//! - [`operands`]: the inputs and outputs of the operation;
//! - [`scan_backend`]: what a backend has to implement; `cpu` does so for backends whose tensors are in host memory, `gpu`
//!   for CubeCL's, and `fusion` defers the latter in Burn's lazy execution;
//! - [`extension`]: the operation as Burn's dispatch sees it;
//! - [`autodiff`]: its gradients, the same on every backend.
//!
//! The operation panics on a backend that does not support it: check [`is_fused`](crate::is_fused) first.

mod autodiff;
#[cfg(feature = "cpu")]
mod cpu;
mod extension;
#[cfg(feature = "gpu")]
mod fusion;
#[cfg(feature = "gpu")]
mod gpu;
mod operands;
mod scan_backend;

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use self::extension::FusedScan;
pub(crate) use self::operands::ScanConfig;
use self::operands::{DirectionOperands, Operands};
use crate::{Direction, Scanned, State, Weights};

/// Runs a layer with one or two directions, each with its weights and, for a reset-after GRU, its `bias_hn`.
pub(crate) fn scan<S: State<3>>(
    x: Tensor<3>,
    directions: Vec<(Direction, Weights, Option<Tensor<1>>)>,
    initial: Option<S>,
    config: ScanConfig,
) -> Scanned<S> {
    let directions = directions.into_iter().map(|(direction, weights, bias_hn)| DirectionOperands {
        direction,
        w_ih: weights.w_ih.into_dispatch(),
        w_hh: weights.w_hh.into_dispatch(),
        bias: weights.bias.map(Tensor::into_dispatch),
        bias_hn: bias_hn.map(Tensor::into_dispatch),
    });
    let mut initial = initial.map(S::into_parts).into_iter().flatten().map(Tensor::into_dispatch);
    let inputs = Operands {
        x: x.into_dispatch(),
        directions: directions.collect(),
        initial_hidden: initial.next(),
        initial_cell: initial.next(),
    };
    let (output, hidden, cell) = Dispatch::fused_scan(inputs, config);
    let state = [hidden, cell].into_iter().take(S::PARTS).map(Tensor::from_dispatch);
    Scanned { output: Tensor::from_dispatch(output), state: S::from_parts(state.collect()) }
}
