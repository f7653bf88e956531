//! A network with its loss.

use burn::module::Module;
use burn::train::{InferenceStep, LearnerModel, TrainStep};

use super::Loss;

/// Whether a loss is computed to train, with dropout, noise and the like, or to validate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// With all regularization.
    Train,
    /// Without.
    Validate,
}

/// A network with its loss: what [`fit`](super::fit) trains. [`objective!`](crate::objective) implements it.
pub trait Objective: LearnerModel + TrainStep<Output = Loss> + InferenceStep<Output = Loss> {
    /// The network, whose weights are saved.
    type Network: Module;

    /// The network.
    fn network(&self) -> &Self::Network;
}

/// Makes a module an [`Objective`]: `objective!(Type { network: Network }, Batch)`, where the module has the field
/// `network` and a method `loss(&self, batch: Batch, mode: Mode) -> Loss`.
#[macro_export]
macro_rules! objective {
    ($objective:ty { network: $network:ty }, $batch:ty) => {
        impl ::burn::train::TrainStep for $objective {
            type Input = $batch;
            type Output = $crate::fit::Loss;

            fn step(&self, batch: $batch) -> ::burn::train::TrainOutput<$crate::fit::Loss> {
                let loss = self.loss(batch, $crate::fit::Mode::Train);
                ::burn::train::TrainOutput::new(self, loss.mean.backward(), loss)
            }
        }

        impl ::burn::train::InferenceStep for $objective {
            type Input = $batch;
            type Output = $crate::fit::Loss;

            fn step(&self, batch: $batch) -> $crate::fit::Loss {
                self.loss(batch, $crate::fit::Mode::Validate)
            }
        }

        impl $crate::fit::Objective for $objective {
            type Network = $network;

            fn network(&self) -> &$network {
                &self.network
            }
        }
    };
}
