//! Operations that also accept a batch without rows.
//!
//! Burn's backends differ there: of a product without elements Flex crashes and NdArray divides by zero, slices leave the
//! autodiff graph, and gradients of concatenations are out of bounds. So the results are made without the operation.

use burn::nn::Linear;
use burn::tensor::Tensor;
use burn::tensor::module;

/// `x [.., input]` → `[.., output]` by a layer's weights.
pub(crate) fn dense<const D: usize>(layer: &Linear, x: Tensor<D>) -> Tensor<D> {
    if has_elements(&x) {
        return layer.forward(x);
    }
    empty_linear(x, layer.weight.val(), layer.bias.as_ref().map(|bias| bias.val()))
}

/// `x [.., input]`, `weight [input, output]` and `bias [output]` → `[.., output]`.
pub(crate) fn linear<const D: usize>(x: Tensor<D>, weight: Tensor<2>, bias: Tensor<1>) -> Tensor<D> {
    if has_elements(&x) { module::linear(x, weight, Some(bias)) } else { empty_linear(x, weight, Some(bias)) }
}

fn has_elements<const D: usize>(x: &Tensor<D>) -> bool {
    x.dims().iter().all(|size| *size > 0)
}

/// [`Tensor::cat`].
pub(crate) fn concat<const D: usize>(parts: Vec<Tensor<D>>, dim: usize) -> Tensor<D> {
    if parts.iter().all(has_elements) {
        return Tensor::cat(parts, dim);
    }
    let mut shape = parts[0].dims();
    shape[dim] = parts.iter().map(|part| part.dims()[dim]).sum();
    let sums = parts.into_iter().map(Tensor::sum);
    empty(shape, sums.reduce(|sum, part| sum + part).expect("a part"))
}

fn empty_linear<const D: usize>(x: Tensor<D>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<D> {
    let mut shape = x.dims();
    shape[D - 1] = weight.dims()[1];
    let operands = x.sum() + weight.sum();
    empty(shape, bias.into_iter().fold(operands, |sum, bias| sum + bias.sum()))
}

/// The result `shape`, which has no elements, of an operation on `operands`, the sum of all of them. It stays in their
/// autodiff graph: their gradients are sums of no elements, zeros.
pub(crate) fn empty<const D: usize>(shape: [usize; D], operands: Tensor<1>) -> Tensor<D> {
    Tensor::zeros(shape, (&operands.device(), operands.dtype())) + operands.reshape([1; D])
}
