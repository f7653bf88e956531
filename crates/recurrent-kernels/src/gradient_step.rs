//! What a gradient step does with a parameter.

use burn::tensor::Tensor;
#[cfg(feature = "cpu")]
use burn::tensor::TensorData;

use crate::reference;

/// The factors of a step of Adam (Kingma & Ba 2015, section 2, in the order of computation that it recommends), by choice
/// with decoupled weight decay (Loshchilov & Hutter 2019).
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct AdamFactors {
    /// β₁ and β₂.
    pub betas: [f32; 2],
    /// √(1 − β₂ᵗ) / (1 − β₁ᵗ), which corrects that the moments began at zero.
    pub correction: f32,
    /// ε √(1 − β₂ᵗ).
    pub epsilon: f32,
    /// The learning rate α.
    pub rate: f32,
    /// The factor of the parameters before the step: 1 without weight decay.
    pub keep: f32,
}

impl AdamFactors {
    /// The factors of step t, counted from 1.
    pub fn new(betas: [f32; 2], epsilon: f32, time: usize, rate: f64, weight_decay: f64) -> Self {
        let time = i32::try_from(time).unwrap_or(i32::MAX);
        let [first, second] = betas.map(|beta| 1.0 - beta.powi(time));
        let correction = second.sqrt();
        Self {
            betas,
            correction: correction / first,
            epsilon: epsilon * correction,
            rate: rate as f32,
            keep: (1.0 - rate * weight_decay) as f32,
        }
    }
}

/// A step of Adam: a parameter, its gradient, and the moments of the gradient before the step (at first zeros). Returns the
/// parameter and the moments after it.
///
/// On a CPU in single precision it is one pass over the four; made of tensor operations
/// ([`reference::adam_step`]), to the same bits, it is a dozen, which in small batches cost as much as the layers.
///
/// # Panics
/// If the shapes differ.
pub fn adam_step<const D: usize>(
    parameter: Tensor<D>,
    gradient: Tensor<D>,
    moments: [Tensor<D>; 2],
    factors: &AdamFactors,
) -> (Tensor<D>, [Tensor<D>; 2]) {
    for shape in [gradient.dims(), moments[0].dims(), moments[1].dims()] {
        assert_eq!(shape, parameter.dims(), "adam_step takes a gradient and moments of the parameter's shape");
    }
    #[cfg(feature = "cpu")]
    if crate::dispatch::is_on_cpu(&parameter) {
        let device = parameter.device();
        let mut parameter = parameter.into_data();
        let [mut first, mut second] = moments.map(Tensor::into_data);
        let of_moments = [elements_mut(&mut first), elements_mut(&mut second)];
        crate::cpu::adam(elements_mut(&mut parameter), elements(&gradient.into_data()), of_moments, factors);
        return (Tensor::from_data(parameter, &device), [first, second].map(|data| Tensor::from_data(data, &device)));
    }
    reference::adam_step(parameter, gradient, moments, factors)
}

/// The sum of the squares of a tensor's elements, `[1]`, and the tensor itself: on a CPU its memory is only lent.
pub fn sum_of_squares<const D: usize>(tensor: Tensor<D>) -> (Tensor<1>, Tensor<D>) {
    #[cfg(feature = "cpu")]
    if crate::dispatch::is_on_cpu(&tensor) {
        let device = tensor.device();
        let data = tensor.into_data();
        let sum = crate::cpu::sum_of_squares(elements(&data)) as f32;
        return (Tensor::from_data([sum], &device), Tensor::from_data(data, &device));
    }
    (tensor.clone().square().sum(), tensor)
}

/// A tensor times a factor `[1]`, which stays on its device. On a CPU, where it is known without waiting, a factor of 1 costs
/// nothing.
pub fn scale<const D: usize>(tensor: Tensor<D>, factor: &Tensor<1>) -> Tensor<D> {
    #[cfg(feature = "cpu")]
    if crate::dispatch::is_on_cpu(factor) {
        let factor: f32 = factor.clone().into_scalar();
        return if factor == 1.0 { tensor } else { tensor * factor };
    }
    tensor * factor.clone().unsqueeze()
}

#[cfg(feature = "cpu")]
const FLOATS: &str = "a tensor in single precision";

#[cfg(feature = "cpu")]
fn elements(data: &TensorData) -> &[f32] {
    data.as_slice().expect(FLOATS)
}

#[cfg(feature = "cpu")]
fn elements_mut(data: &mut TensorData) -> &mut [f32] {
    data.as_mut_slice().expect(FLOATS)
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use burn::tensor::{Device, Distribution};

    use super::*;

    #[test]
    fn kernel_has_the_bits_of_the_tensor_operations() {
        let device = Device::flex();
        let random = || Tensor::<2>::random([37, 19], Distribution::Normal(0.0, 1.0), &device);
        for weight_decay in [0.0, 0.1] {
            let mut fused = (random(), [Tensor::zeros([37, 19], &device), Tensor::zeros([37, 19], &device)]);
            let mut expected = fused.clone();
            for time in 1..=4 {
                let factors = AdamFactors::new([0.9, 0.999], 1e-5, time, 0.01, weight_decay);
                // Also one that is not contiguous.
                let gradient = if time == 3 { random().reshape([19, 37]).transpose() } else { random() };
                fused = adam_step(fused.0, gradient.clone(), fused.1, &factors);
                expected = reference::adam_step(expected.0, gradient, expected.1, &factors);
                assert_eq!(fused.0.to_data(), expected.0.to_data(), "step {time}");
                for (fused, expected) in fused.1.iter().zip(&expected.1) {
                    assert_eq!(fused.to_data(), expected.to_data(), "step {time}");
                }
            }
        }
    }

    #[test]
    fn what_others_hold_stays() {
        let device = Device::flex();
        let ones = Tensor::<1>::ones([5], &device);
        let factors = AdamFactors::new([0.9, 0.999], 1e-5, 1, 0.01, 0.0);
        let (changed, _) = adam_step(ones.clone(), ones.clone(), [ones.clone(), ones.clone()], &factors);
        assert!(changed.into_data().iter::<f32>().all(|parameter| parameter < 1.0));
        assert_eq!(ones.to_data(), TensorData::from([1.0f32; 5]));
        let (sum, same) = sum_of_squares(ones.clone());
        assert_eq!((sum.into_scalar::<f32>(), same.to_data()), (5.0, ones.to_data()));
        let halves = scale(same, &Tensor::from_data([0.5f32], &device));
        assert_eq!((halves.to_data(), ones.to_data()), ([0.5f32; 5].into(), [1.0f32; 5].into()));
    }
}
