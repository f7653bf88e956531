//! Results for a batch without rows.
//!
//! PyTorch and `burn::nn` accept an empty batch, but not every operation of every backend accepts empty tensors, and Burn
//! detaches empty slices from the autodiff graph. So the results are made by multiplying empty tensors by a scalar that
//! depends on all inputs: they stay connected to the graph, and the gradients of the weights are zero, as in PyTorch.

use burn::tensor::Tensor;

/// The inputs of an operation, reduced to a scalar `[1]` whose value does not matter.
pub(crate) struct EmptyBatch(Tensor<1>);

impl EmptyBatch {
    /// Starts from an input of any shape.
    pub(crate) fn of<const D: usize>(input: &Tensor<D>) -> Self {
        Self(input.clone().sum())
    }

    /// Adds another input.
    pub(crate) fn and<const D: usize>(self, input: &Tensor<D>) -> Self {
        Self(self.0 + input.clone().sum())
    }

    /// Adds several inputs of one rank.
    pub(crate) fn and_all<'a, const D: usize>(self, inputs: impl IntoIterator<Item = &'a Tensor<D>>) -> Self {
        inputs.into_iter().fold(self, Self::and)
    }

    /// Combines the inputs of both.
    pub(crate) fn join(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }

    /// A result of the given shape, which has a dimension of size 0. The gradient of the scalar is a sum of no elements,
    /// which is zero whatever the inputs hold.
    pub(crate) fn result<const D: usize>(&self, shape: [usize; D]) -> Tensor<D> {
        Tensor::zeros(shape, (&self.0.device(), self.0.dtype())) + self.0.clone().reshape([1; D])
    }
}
