//! What a task is: from an opened data set to a predictor.

use recurrent_data::{DataSource, RAW_FOLDER};

use crate::fit::FitConfig;
use crate::settings::{Partial, Settings};
use crate::{Error, Result};

/// The configuration of a task: everything that the result of a run depends on. It is written into the run's folder
/// before the first step, and makes the same run again. [`settings!`](crate::settings) implements it.
pub trait TaskConfig: Settings + Clone + PartialEq + std::fmt::Debug + Send + Sync + 'static {
    /// The task's name, on the command line and in a run's folder.
    const TASK: &'static str;

    /// The name or path of the data.
    fn data(&self) -> &str;

    /// The SHA-256 of the data.
    fn sha256(&self) -> &str;

    /// How the network is trained.
    fn fit(&self) -> &FitConfig;

    /// How the network is trained, to change it.
    fn fit_mut(&mut self) -> &mut FitConfig;

    /// Checks all settings without opening the data.
    ///
    /// # Errors
    /// [`Error::Setting`] for the first that is not allowed, with what was expected.
    fn check(&self) -> Result<()>;

    /// Checks that data have the bytes that this configuration was made with.
    ///
    /// # Errors
    /// [`Error::Input`] if they have others.
    fn check_sha256(&self, found: &str) -> Result<()> {
        if found == self.sha256() {
            return Ok(());
        }
        Err(Error::Input {
            what: "the data of the run".into(),
            expected: format!("the bytes that it began with (sha256 {})", self.sha256()),
            found: format!("{} with other bytes (sha256 {found})", self.data()),
        })
    }
}

#[cfg(feature = "fit")]
mod training {
    use burn::module::Module;
    use burn::tensor::Device;
    use burn::train::{InferenceStep, TrainStep};
    use recurrent_models::Summarize;

    use super::{TaskConfig, TaskSource};
    use crate::fit::{Loaders, Objective};
    use crate::settings::Partial;
    use crate::{Predictor, Result, Run, RunDir};

    /// The batches that an objective is trained and validated on.
    pub type LoadersOf<O> = Loaders<<O as TrainStep>::Input, <O as InferenceStep>::Input>;

    /// A task: how a data set is opened and prepared, what network is trained on it and with what loss, how it is
    /// evaluated, and what predicts from the run's folder. [`Run`] does everything else.
    pub trait Task: Sized + Send + Sync + 'static {
        /// What the items of an epoch are, for progress: `windows`, `tokens`, `pairs`.
        const ITEMS: &'static str;

        /// The settings.
        type Config: TaskConfig;
        /// An opened data set.
        type Source: TaskSource;
        /// A data set that is split, and encoded by what was fitted on its training split.
        type Data: std::fmt::Debug + Send + Sync;
        /// The network.
        type Network: Module + Summarize;
        /// The network with its loss.
        type Objective: Objective<Network = Self::Network>;
        /// How good the network is, beside the baselines.
        type Evaluation;
        /// What predicts with the trained network.
        type Predictor: Predictor<Config = Self::Config>;

        /// The recipe for a data set: the default settings, with what its manifest says. It may depend on settings that
        /// were given, such as which columns to use.
        ///
        /// # Errors
        /// If the data set does not say enough.
        fn recipe(source: &Self::Source, given: &Partial) -> Result<Self::Config>;

        /// Splits and encodes a data set. A tokenizer or scaler is fitted on the training split, or, where there is a
        /// run already, read from its folder.
        ///
        /// # Errors
        /// If the data do not fit the settings.
        fn prepare(config: &Self::Config, source: &Self::Source, run_dir: Option<&RunDir>) -> Result<Self::Data>;

        /// The files that a prediction needs besides configuration and weights, by name.
        fn artifacts(config: &Self::Config, data: &Self::Data) -> Vec<(&'static str, String)>;

        /// What was done to the data that a user should know of, in words.
        fn notes(data: &Self::Data) -> Vec<String> {
            let _ = data;
            Vec::new()
        }

        /// How many items, see [`ITEMS`](Self::ITEMS), an epoch trains on.
        fn items(data: &Self::Data) -> usize;

        /// A network with fresh weights.
        fn network(config: &Self::Config, data: &Self::Data, device: &Device) -> Self::Network;

        /// The shape of an input, without the batch, for a summary of the network.
        fn input_shape(config: &Self::Config) -> Vec<usize>;

        /// The network with its loss.
        fn objective(config: &Self::Config, data: &Self::Data, network: Self::Network) -> Self::Objective;

        /// The batches of both splits that training sees.
        fn loaders(config: &Self::Config, data: &Self::Data, device: &Device) -> LoadersOf<Self::Objective>;

        /// Scores a trained network on the test split (of a text, the validation split), beside the baselines.
        ///
        /// # Errors
        /// If a baseline cannot be fitted or saved.
        fn evaluate(run: &Run<Self>, network: Self::Network, device: &Device) -> Result<Self::Evaluation>;
    }
}

#[cfg(feature = "fit")]
pub use training::{LoadersOf, Task};

/// Opens a registered data set by its name, embedded or fetched into [`RAW_FOLDER`], or else a file by its path.
///
/// # Errors
/// If there is neither.
pub fn open_data(data: &str) -> Result<DataSource> {
    Ok(DataSource::open(data, RAW_FOLDER)?)
}

/// What a task opens to make its configuration and its data: mostly a [`DataSource`].
pub trait TaskSource: Sized {
    /// Opens the data that these settings name, or the default data of the task.
    ///
    /// # Errors
    /// If there are none.
    fn open<C: TaskConfig>(given: &Partial) -> Result<Self>;

    /// The SHA-256 of all bytes.
    ///
    /// # Errors
    /// If they cannot be read.
    fn sha256(&self) -> Result<String>;
}

impl TaskSource for DataSource {
    fn open<C: TaskConfig>(given: &Partial) -> Result<Self> {
        open_data(&given.data::<C>())
    }

    fn sha256(&self) -> Result<String> {
        Ok(self.sha256()?.to_string())
    }
}

/// Notes on data, such as `3 sentences were truncated`, for the counts that are not 0.
#[cfg(feature = "fit")]
pub(crate) fn counted<const N: usize>(notes: [(usize, String); N]) -> Vec<String> {
    notes.into_iter().filter(|(count, _)| *count > 0).map(|(count, note)| format!("{count} {note}")).collect()
}
