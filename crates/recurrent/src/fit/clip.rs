//! Gradient clipping by the global norm (Pascanu et al. 2013).

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use recurrent_models::kernels::{scale, sum_of_squares};

/// Scales all gradients by one factor, so that their global norm is at most `max_norm`, as PyTorch's `clip_grad_norm_`
/// does: `g · min(1, max_norm / (norm + 1e-6))`.
///
/// Returns the norm before clipping, `[1]`, which stays on the device; `None` if the module has no gradient. An infinite
/// `max_norm` measures the norm and leaves the gradients unchanged.
pub fn clip_global_norm<M: Module>(grads: &mut GradientsParams, module: &M, max_norm: f64) -> Option<Tensor<1>> {
    let mut squares = SumOfSquares { grads, sum: None };
    module.visit(&mut squares);
    let norm = squares.sum?.sqrt();
    if max_norm.is_finite() {
        let factor = (norm.clone() + 1e-6).recip().mul_scalar(max_norm).clamp_max(1.0);
        module.visit(&mut Scale { grads, factor });
    }
    Some(norm)
}

struct SumOfSquares<'a> {
    grads: &'a mut GradientsParams,
    sum: Option<Tensor<1>>,
}

impl ModuleVisitor for SumOfSquares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(grad) = self.grads.remove::<D>(param.id) {
            let (square, grad) = sum_of_squares(grad);
            self.grads.register(param.id, grad);
            self.sum = Some(match self.sum.take() {
                Some(sum) => sum + square,
                None => square,
            });
        }
    }
}

struct Scale<'a> {
    grads: &'a mut GradientsParams,
    factor: Tensor<1>,
}

impl ModuleVisitor for Scale<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(grad) = self.grads.remove::<D>(param.id) {
            self.grads.register(param.id, scale(grad, &self.factor));
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::{Linear, LinearConfig};
    use burn::tensor::Device;

    use super::*;

    /// Gradients of 3 and 4 in two parameters: a global norm of 5.
    fn three_and_four() -> (Linear, GradientsParams) {
        let device = Device::flex();
        let linear = LinearConfig::new(1, 1).init(&device);
        let mut grads = GradientsParams::new();
        grads.register(linear.weight.id, Tensor::<2>::full([1, 1], 3.0, &device));
        let bias = linear.bias.as_ref().expect("a bias");
        grads.register(bias.id, Tensor::<1>::full([1], 4.0, &device));
        (linear, grads)
    }

    fn values(linear: &Linear, grads: &GradientsParams) -> [f32; 2] {
        let bias = linear.bias.as_ref().expect("a bias").id;
        [
            grads.get::<2>(linear.weight.id).expect("a gradient").into_scalar(),
            grads.get::<1>(bias).expect("a gradient").into_scalar(),
        ]
    }

    #[test]
    fn the_norm_covers_all_parameters() {
        let (linear, mut grads) = three_and_four();
        let norm: f32 = clip_global_norm(&mut grads, &linear, 1.0).expect("gradients").into_scalar();
        assert!((norm - 5.0).abs() < 1e-6);
        let [weight, bias] = values(&linear, &grads);
        assert!((weight - 0.6).abs() < 1e-5 && (bias - 0.8).abs() < 1e-5, "{weight}, {bias}");
    }

    #[test]
    fn a_norm_below_the_limit_is_unchanged() {
        let (linear, mut grads) = three_and_four();
        clip_global_norm(&mut grads, &linear, 5.1);
        assert_eq!(values(&linear, &grads), [3.0, 4.0]);
        clip_global_norm(&mut grads, &linear, f64::INFINITY);
        assert_eq!(values(&linear, &grads), [3.0, 4.0]);
    }

    #[test]
    fn a_module_without_gradients_has_no_norm() {
        let (linear, _) = three_and_four();
        assert!(clip_global_norm(&mut GradientsParams::new(), &linear, 1.0).is_none());
    }
}
