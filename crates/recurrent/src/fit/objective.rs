//! Objectives: the losses that networks are trained to minimize.

use std::fmt::Debug;

use burn::module::{Module, ModuleDisplay};
use burn::train::{InferenceStep, TrainOutput, TrainStep};

use super::Loss;

/// The loss of a network on a batch.
///
/// ```
/// use burn::nn::Linear;
/// use burn::tensor::Tensor;
/// use recurrent::fit::{Loss, Objective};
///
/// /// The mean squared error of inputs and targets, `[batch, features]` each.
/// #[derive(Debug, Clone)]
/// struct MeanSquaredError;
///
/// impl Objective<Linear> for MeanSquaredError {
///     type Batch = (Tensor<2>, Tensor<2>);
///
///     fn loss(&self, network: &Linear, (inputs, targets): Self::Batch, _training: bool) -> Loss {
///         let [items, _] = inputs.dims();
///         Loss { mean: (network.forward(inputs) - targets).powi_scalar(2).mean(), items }
///     }
/// }
/// ```
pub trait Objective<N>: Debug + Clone + Send + Sync + 'static {
    /// A batch of items with their targets.
    type Batch: Send + 'static;

    /// The loss of the network on a batch. `training` is false for the validation loss, which has no regularization such as
    /// label smoothing or word dropout.
    fn loss(&self, network: &N, batch: Self::Batch, training: bool) -> Loss;
}

/// A network with its objective, as burn-train's learner needs them.
#[derive(Module, Debug)]
pub(super) struct TrainingModule<N: Module, O: Debug + Clone + Send> {
    pub network: N,
    #[module(skip)]
    pub objective: O,
}

impl<N: Module + ModuleDisplay + 'static, O: Objective<N>> TrainStep for TrainingModule<N, O> {
    type Input = O::Batch;
    type Output = Loss;

    fn step(&self, batch: O::Batch) -> TrainOutput<Loss> {
        let loss = self.objective.loss(&self.network, batch, true);
        TrainOutput::new(self, loss.mean.backward(), loss)
    }
}

impl<N: Module + ModuleDisplay + 'static, O: Objective<N>> InferenceStep for TrainingModule<N, O> {
    type Input = O::Batch;
    type Output = Loss;

    fn step(&self, batch: O::Batch) -> Loss {
        self.objective.loss(&self.network, batch, false)
    }
}
