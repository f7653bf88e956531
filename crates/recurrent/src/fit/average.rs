//! An exponential moving average of the weights.

use std::path::Path;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::store::ModuleRecord;
use burn::tensor::Tensor;
use burn::tensor::container::TensorContainer;

use super::checkpoint::{SavedAverage, damaged};
use crate::Result;

/// The average of a network's weights over the steps of its training, on a device without autodiff:
///
/// ```text
/// d = min(decay, (1 + t) / (10 + t))     after t steps
/// w̄ ← d w̄ + (1 − d) w
/// ```
///
/// The smaller d of the first steps forgets the initial weights (as TensorFlow's `ExponentialMovingAverage` does with
/// `num_updates`).
pub(super) struct Average<M> {
    pub module: M,
    decay: f64,
    /// The steps that are averaged.
    updates: u64,
}

impl<M: Module> Average<M> {
    /// An average that begins with the weights of `module`; `None` for a decay of 0.
    pub fn new(module: &M, decay: f64) -> Option<Self> {
        (decay > 0.0).then(|| Self { module: module.valid(), decay, updates: 0 })
    }

    /// Takes the weights of `module` after a step into the average.
    pub fn update(&mut self, module: &M) {
        let t = self.updates as f64;
        let decay = self.decay.min((1.0 + t) / (10.0 + t));
        let mut weights = Weights { found: TensorContainer::new() };
        module.visit(&mut weights);
        self.module = self.module.clone().map(&mut Blend { weights: weights.found, decay });
        self.updates += 1;
    }

    /// What a checkpoint saves: the averaged weights and the number of steps.
    pub fn to_record(&self) -> (ModuleRecord, u64) {
        (self.module.clone().into_record(), self.updates)
    }

    /// The average that a checkpoint has saved in the file at `path`.
    ///
    /// # Errors
    /// If the file cannot be read, or is of another network.
    pub fn resume(self, path: &Path, saved: &SavedAverage) -> Result<Self> {
        let record = ModuleRecord::load(path).map_err(|cause| damaged(path, cause))?;
        let module = self.module.try_load_record(record).map_err(|cause| damaged(path, cause))?;
        Ok(Self { module, updates: saved.updates, ..self })
    }
}

/// Collects the weights of a module by their ids.
struct Weights {
    found: TensorContainer<ParamId>,
}

impl ModuleVisitor for Weights {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.found.register(param.id, param.val().without_autodiff());
    }
}

/// Moves each weight towards the one of its id.
struct Blend {
    weights: TensorContainer<ParamId>,
    decay: f64,
}

impl ModuleMapper for Blend {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.weights.remove::<Tensor<D>>(&param.id) {
            Some(weight) => param.map(|average| average * self.decay + weight * (1.0 - self.decay)),
            None => param,
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::{Linear, LinearConfig};
    use burn::tensor::Device;

    use super::*;

    /// A layer whose only weight is `value`, and has the id of that of `layer`.
    fn with_weight(layer: &Linear, value: f32) -> Linear {
        let mut layer = layer.clone();
        layer.weight = layer.weight.map(|weight| Tensor::full(weight.dims(), value, &weight.device()).require_grad());
        layer
    }

    #[test]
    fn the_average_follows_its_equation() {
        let device = Device::flex().autodiff();
        let layer = with_weight(&LinearConfig::new(1, 1).with_bias(false).init(&device), 1.0);
        assert!(Average::new(&layer, 0.0).is_none());
        let mut average = Average::new(&layer, 0.15).unwrap();
        let mut value = |weight: f32| {
            average.update(&with_weight(&layer, weight));
            average.module.weight.val().into_scalar::<f32>()
        };
        // By hand, with decays of 1/10, then 0.15 in place of 2/11 and 3/12.
        for (weight, expected) in [(2.0, 1.9), (4.0, 3.685), (0.0, 0.552_75)] {
            let found = value(weight);
            assert!((found - expected).abs() < 1e-6, "{found}, expected {expected}");
        }
        assert!(!average.module.weight.val().device().is_autodiff());
    }
}
