//! The interface between the differentiable operation and a backend.

use std::fmt::Debug;

use burn::backend::Backend;
use burn::backend::tensor::FloatTensor;

use super::operands::{INPUT_SLOTS, Inputs, Outputs, ScanConfig};
use crate::autograd::{NeedsGrad, SavePolicy};

/// A backend that runs a whole scan, forward and backward.
pub trait ScanBackend: Backend {
    /// What the backward pass needs besides the inputs.
    type Saved: Debug + Send + 'static;

    /// The forward pass. The saved values are there unless the policy is to save [nothing](SavePolicy::Nothing).
    fn scan(inputs: &Inputs<Self>, config: &ScanConfig, policy: SavePolicy) -> (Outputs<Self>, Option<Self::Saved>);

    /// The backward pass of the same scan. `output_grads` are the gradients of its [`Outputs`], as far as there are any.
    /// Returns the requested gradients of the inputs, in the [order](super::operands::Operands::into_slots) of the inputs.
    fn scan_backward(
        inputs: &Inputs<Self>,
        config: &ScanConfig,
        saved: Self::Saved,
        output_grads: [Option<FloatTensor<Self>>; 3],
        needs: NeedsGrad,
    ) -> [Option<FloatTensor<Self>>; INPUT_SLOTS];
}
