//! Results for a batch without rows.
//!
//! PyTorch and `burn::nn` accept an empty batch, but not every backend accepts products and concatenations of empty tensors,
//! and Burn detaches empty slices from the autodiff graph. So these results are made without any of them. They stay
//! connected to the graph, and the gradients of the weights are zero.

use burn::tensor::Tensor;

/// A tensor without elements that depends on all inputs of an operation.
pub(crate) struct EmptyBatch(Tensor<1>);

impl EmptyBatch {
    /// Starts from an input of any shape.
    pub(crate) fn of<const D: usize>(input: &Tensor<D>) -> Self {
        Self(no_elements(input))
    }

    /// Adds another input.
    pub(crate) fn and<const D: usize>(self, input: &Tensor<D>) -> Self {
        Self(self.0 + no_elements(input))
    }

    /// Adds several inputs of one rank.
    pub(crate) fn and_all<'a, const D: usize>(self, inputs: impl IntoIterator<Item = &'a Tensor<D>>) -> Self {
        inputs.into_iter().fold(self, Self::and)
    }

    /// Combines the inputs of both.
    pub(crate) fn join(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }

    /// `[0, columns]`.
    pub(crate) fn matrix(&self, columns: usize) -> Tensor<2> {
        self.0.clone().reshape([0, columns])
    }

    /// `[0, time, features]`.
    pub(crate) fn sequence(&self, time: usize, features: usize) -> Tensor<3> {
        self.0.clone().reshape([0, time, features])
    }

    /// `[count, 0, features]`.
    pub(crate) fn stacked(&self, count: usize, features: usize) -> Tensor<3> {
        self.sequence(count, features).swap_dims(0, 1)
    }
}

/// An empty vector that depends on `tensor`. Burn detaches empty slices, so this multiplies by an empty vector instead; the
/// gradient is a sum of no elements, which is zero whatever the tensor holds.
fn no_elements<const D: usize>(tensor: &Tensor<D>) -> Tensor<1> {
    tensor.clone().sum() * Tensor::zeros([0], (&tensor.device(), tensor.dtype()))
}
