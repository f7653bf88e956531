//! The dense layer, which also accepts an empty batch.

use burn::nn::Linear;
use burn::tensor::module;
use burn::tensor::{Int, Tensor};

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
/// zero), so it is made without one; it stays in the autodiff graph of its operands.
fn empty_linear<const D: usize>(x: Tensor<D>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<D> {
    let mut shape = x.dims();
    shape[D - 1] = weight.dims()[1];
    let empty = shape.iter().position(|size| *size == 0).expect("no elements");
    let none = Tensor::<1, Int>::zeros([0], &x.device());
    let mut operands: Tensor<1> = x.swap_dims(0, empty).reshape([0]) + weight.select(0, none.clone()).reshape([0]);
    if let Some(bias) = bias {
        operands = operands + bias.select(0, none);
    }
    shape.swap(0, empty);
    operands.reshape(shape).swap_dims(0, empty)
}
