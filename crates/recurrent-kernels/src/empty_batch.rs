//! Results for a batch without rows.
//!
//! PyTorch and `burn::nn` accept an empty batch. Most backends do not accept the matrix products and kernel launches that
//! it would lead to, so the results are made without any of them. They stay connected to the autodiff graph: every input
//! gets a gradient, and that of a weight is zero.

use burn::tensor::Tensor;

use crate::State;

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

    /// A state `[0, hidden]`.
    pub(crate) fn state<S: State<2>>(&self, hidden: usize) -> S {
        S::from_parts(vec![self.matrix(hidden); S::PARTS])
    }

    /// A state `[directions, 0, hidden]`.
    pub(crate) fn layer_state<S: State<3>>(&self, directions: usize, hidden: usize) -> S {
        S::from_parts(vec![self.sequence(directions, hidden).swap_dims(0, 1); S::PARTS])
    }
}

/// None of a tensor's elements, `[0]`.
fn no_elements<const D: usize>(tensor: &Tensor<D>) -> Tensor<1> {
    tensor.clone().slice([0..0]).reshape([0])
}
