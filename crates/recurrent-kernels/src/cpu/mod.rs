//! The CPU kernels: one call for a whole sequence, forward or backward, on slices.
//!
//! This module does not depend on Burn. [`forward`] borrows all its inputs in [`LayerArgs`] and returns vectors;
//! [`SavedForBackward`] holds what [`backward`] needs. [`Stepper`] runs a layer one step at a time, for streaming.
//! Callers outside this workspace should use the scans at the crate's root; this interface is public for streaming,
//! tests and benchmarks.
//!
//! The slices of a call are checked before a pointer is made of them (`checks`).
//!
//! From the bottom up: `isa` and `simd` (instruction sets and vectors), `memory` (buffers), `panels` and `tile` (packed
//! weights and the product of a few rows with them), `pointwise` (gates and states after a product), `time_loop` (all
//! steps of a group of rows), `matmul` (large products), `engine` (the passes), `stepper` and `thread_pool`. `log_probs` and
//! `embedding_bag` stand by themselves.
//!
//! The environment variable `RECURRENT_ISA` (`avx512`, `avx2`, `neon`, `portable`) selects another instruction set than
//! the best one, for tests.

mod checks;
mod elementwise;
mod embedding_bag;
mod engine;
mod gradients;
mod isa;
mod layer_args;
mod log_probs;
mod matmul;
mod memory;
mod panels;
mod pointwise;
mod simd;
mod stepper;
#[cfg(test)]
mod tests;
mod thread_pool;
mod tile;
mod time_loop;

pub(crate) use self::elementwise::{adam, sum_of_squares};
pub(crate) use self::embedding_bag::Bags;
pub use self::engine::{ForwardOutput, SavedForBackward};
pub use self::gradients::{DirectionGradients, Gradients, OutputGrads};
use self::isa::Isa;
pub use self::layer_args::{DirectionWeights, LayerArgs, Sizes};
pub(crate) use self::log_probs::LogProbs;
pub use self::memory::release_buffers;
pub use self::stepper::Stepper;
pub use crate::autograd::{NeedsGrad, SavePolicy};
pub use crate::{Equations, Layout};

/// The forward pass of a layer over a sequence.
///
/// # Panics
/// If a size is 0, there are not one or two directions, a slice does not have the size that the others imply, a length
/// exceeds the sequence, a clip is not positive, a state or bias is given that the cell does not have, or
/// `RECURRENT_ISA` names an instruction set that the machine does not have.
pub fn forward(args: &LayerArgs, policy: SavePolicy) -> ForwardOutput {
    args.check();
    engine::forward(args, policy, Isa::selected())
}

/// The backward pass of a layer, with the arguments of the [`forward`] pass that returned `saved`.
///
/// # Panics
/// As [`forward`], and if `saved` is of another problem (other equations, sizes, layout, directions or lengths) or a
/// gradient of an output does not have its size.
pub fn backward(args: &LayerArgs, saved: SavedForBackward, output_grads: &OutputGrads, needs: NeedsGrad) -> Gradients {
    args.check();
    args.check_output_grads(output_grads);
    assert!(saved.is_of(args), "the saved values are of another problem than {:?}", args.problem());
    engine::backward(args, saved, output_grads, needs, Isa::selected())
}
