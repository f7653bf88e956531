//! The trait of trained predictors.

use std::path::Path;

use burn::tensor::Device;

use crate::{Result, TaskConfig};

/// A trained network with everything that predictions need, loaded from the folder of a run. The training data are not
/// needed. It can be shared between threads.
pub trait Predictor: Sized + Send + Sync {
    /// The settings of its task.
    type Config: TaskConfig;
    /// An input.
    type Input: ?Sized;
    /// A prediction.
    type Output;

    /// Loads the network of the best epoch from the folder of a run.
    ///
    /// # Errors
    /// [`Error::RunDir`](crate::Error::RunDir) if the folder is not a run of this task, was written in another format,
    /// is damaged, or has no weights yet.
    fn load(folder: impl AsRef<Path>, device: &Device) -> Result<Self>;

    /// A prediction for each input, in their order. Implementations may batch inputs of similar length.
    ///
    /// # Errors
    /// If an input is invalid: empty, too short, or without a needed column.
    fn predict(&self, inputs: &[&Self::Input]) -> Result<Vec<Self::Output>>;

    /// The settings that it was trained with.
    fn config(&self) -> &Self::Config;
}
