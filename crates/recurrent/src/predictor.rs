//! What every trained predictor can do.

use std::path::Path;

use burn::tensor::Device;
use recurrent_models::Summary;

use crate::{Result, TaskConfig};

/// A trained network with all that a prediction needs, loaded from the folder of a run. The data that it was trained on
/// are not needed. It can be shared between threads.
pub trait Predictor: Sized + Send + Sync {
    /// The settings of its task.
    type Config: TaskConfig;
    /// What it predicts from.
    type Input: ?Sized;
    /// A prediction.
    type Output;

    /// Loads the network of the best epoch from the folder of a run.
    ///
    /// # Errors
    /// [`Error::RunDir`](crate::Error::RunDir) if the folder is not a run of this task, was written in another format,
    /// is damaged, or has no weights yet.
    fn load(folder: impl AsRef<Path>, device: &Device) -> Result<Self>;

    /// Predicts for each of several inputs, in their order. Inputs of like length are computed together.
    ///
    /// # Errors
    /// If an input is empty, too short, or lacks something.
    fn predict(&self, inputs: &[&Self::Input]) -> Result<Vec<Self::Output>>;

    /// The settings that it was trained with.
    fn config(&self) -> &Self::Config;

    /// The layers of its network, with shapes and parameters.
    fn summary(&self) -> Summary;
}
