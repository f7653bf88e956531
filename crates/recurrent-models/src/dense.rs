//! The dense layer, which also accepts an empty batch.

use burn::nn::Linear;
use burn::tensor::module;
use burn::tensor::{Int, Tensor};

/// `x [.., input]` → `[.., output]` by a layer's weights.
pub(crate) fn dense<const D: usize>(layer: &Linear, x: Tensor<D>) -> Tensor<D> {
    linear(x, layer.weight.val(), layer.bias.as_ref().map(|bias| bias.val()))
}

/// `x [.., input]`, `weight [input, output]` and `bias [output]` → `[.., output]`.
///
/// Of a batch without rows, Burn's backends do not all compute the product (Flex crashes, NdArray divides by zero). The
/// result is then made without it, and stays in the autodiff graph of its operands.
pub(crate) fn linear<const D: usize>(x: Tensor<D>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<D> {
    let mut shape = x.dims();
    let Some(empty) = shape.iter().position(|size| *size == 0) else {
        return module::linear(x, weight, bias);
    };
    let none = Tensor::<1, Int>::zeros([0], &x.device());
    let [_, output] = weight.dims();
    let mut operands: Tensor<1> = x.swap_dims(0, empty).reshape([0]) + weight.select(0, none.clone()).reshape([0]);
    if let Some(bias) = bias {
        operands = operands + bias.select(0, none);
    }
    shape[D - 1] = output;
    shape.swap(0, empty);
    operands.reshape(shape).swap_dims(0, empty)
}
