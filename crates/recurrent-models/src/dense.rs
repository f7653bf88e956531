//! The dense layer, which also accepts an empty batch.

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

/// The result for an `x` without elements. Not all of Burn's backends compute its product (Flex crashes, NdArray divides by
/// zero), so it is made without one. It stays in the autodiff graph: adding nothing of a scalar gives it a gradient of zero.
fn empty_linear<const D: usize>(x: Tensor<D>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<D> {
    let mut shape = x.dims();
    shape[D - 1] = weight.dims()[1];
    let empty = Tensor::zeros(shape, (&x.device(), x.dtype()));
    let operands = x.sum() + weight.sum();
    let operands = bias.into_iter().fold(operands, |sum, bias| sum + bias.sum());
    empty + operands.reshape([1; D])
}
