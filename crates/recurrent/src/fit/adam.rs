//! The optimizer.

use burn::optim::{AdamState, AdaptiveMomentumState, LearningRate, Optimizer};
use burn::tensor::{Device, Tensor};
use recurrent_models::kernels::{AdamFactors, adam_step};

/// The decay of the moments, of each step.
const BETAS: [f32; 2] = [0.9, 0.999];
/// Burn's, a thousand times that of PyTorch.
const EPSILON: f32 = 1e-5;

/// Adam (Kingma & Ba 2015), by choice with decoupled weight decay (Loshchilov & Hutter 2019).
///
/// It computes what Burn's `Adam` does, and its checkpoints are the same; the step is one operation.
#[derive(Debug, Clone)]
pub(super) struct Adam {
    /// The fraction of the weights, times the learning rate, by which a step shrinks them.
    pub weight_decay: f64,
}

impl Optimizer for Adam {
    type State<const D: usize> = AdamState<D>;

    fn step<const D: usize>(
        &self,
        lr: LearningRate,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<AdamState<D>>,
    ) -> (Tensor<D>, Option<AdamState<D>>) {
        let momentum = state.map(|state| state.momentum).unwrap_or_else(|| {
            let zeros = parameter.zeros_like();
            AdaptiveMomentumState::new(0, zeros.clone(), zeros)
        });
        let time = momentum.time + 1;
        let factors = AdamFactors::new(BETAS, EPSILON, time, lr, self.weight_decay);
        let moments = [momentum.moment_1, momentum.moment_2];
        let (parameter, [first, second]) = adam_step(parameter, gradient, moments, &factors);
        (parameter, Some(AdamState::new(AdaptiveMomentumState::new(time, first, second))))
    }

    fn to_device<const D: usize>(mut state: AdamState<D>, device: &Device) -> AdamState<D> {
        state.momentum = state.momentum.to_device(device);
        state
    }
}

#[cfg(test)]
mod tests {
    use burn::optim::{AdamConfig, AdamWConfig};
    use burn::tensor::{Distribution, TensorData, Tolerance};

    use super::*;

    /// Five steps with random gradients, as two optimizers take them.
    fn steps(one: &impl Optimizer, other: &impl Optimizer, check: impl Fn(&TensorData, &TensorData)) {
        let device = Device::flex();
        let random = || Tensor::<2>::random([9, 5], Distribution::Normal(0.0, 1.0), &device);
        let start = random();
        let (mut found, mut expected) = ((start.clone(), None), (start, None));
        for _ in 0..5 {
            let gradient = random();
            found = one.step(0.02, found.0, gradient.clone(), found.1);
            expected = other.step(0.02, expected.0, gradient, expected.1);
            check(&found.0.to_data(), &expected.0.to_data());
        }
    }

    #[test]
    fn step_has_the_bits_of_burns_adam() {
        steps(&Adam { weight_decay: 0.0 }, &AdamConfig::new().build(), |found, expected| assert_eq!(found, expected));
    }

    #[test]
    fn decay_is_that_of_burns_adamw() {
        let adam_w = AdamWConfig::new().with_weight_decay(0.3).build();
        steps(&Adam { weight_decay: 0.3 }, &adam_w, |found, expected| {
            found.assert_approx_eq::<f32>(expected, Tolerance::absolute(1e-6));
        });
    }
}
