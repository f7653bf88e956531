//! The trait of a task: data, network, loss, evaluation and predictor.

use recurrent_data::{Bytes, DataSource};

use crate::fit::FitConfig;
use crate::settings::Settings;
use crate::{Error, Result};

/// The configuration of a task: everything that the result of a run depends on. It is saved in the run's folder before the
/// first step, and reproduces the run. [`settings!`](macro@crate::settings) implements it.
pub trait TaskConfig: Settings + Clone + PartialEq + std::fmt::Debug + Send + Sync + 'static {
    /// The task's name, on the command line and in a run's folder.
    const TASK: &'static str;

    /// The name or path of the data.
    fn data(&self) -> &str;

    /// The SHA-256 of the data.
    fn sha256(&self) -> &str;

    /// How the network is trained.
    fn fit(&self) -> &FitConfig;

    /// How the network is trained, mutably.
    fn fit_mut(&mut self) -> &mut FitConfig;

    /// Checks all settings without opening the data.
    ///
    /// # Errors
    /// [`Error::Setting`] for the first that is not allowed, with what was expected.
    fn check(&self) -> Result<()>;

    /// Compares the checksum of data with the one of this configuration.
    ///
    /// # Errors
    /// [`Error::Input`] if they differ.
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
    use burn::module::{Module, ModuleDisplay};
    use burn::tensor::Device;
    use recurrent_models::Summarize;

    use super::TaskConfig;
    use crate::fit::{Loaders, Objective};
    use crate::settings::{Partial, Settings};
    use crate::{Predictor, Result, Run, RunDir};

    /// A task: how a data set is opened and prepared, the network and its loss, the evaluation, and the predictor. [`Run`]
    /// does everything else: the run's folder, training, checkpoints, resuming.
    pub trait Task: Sized + Send + Sync + 'static {
        /// The name of the items in progress reports: `windows`, `tokens`, `pairs`.
        const ITEMS: &'static str;

        /// The settings.
        type Config: TaskConfig;
        /// An opened data set.
        type Source: Send;
        /// A data set that is split and encoded.
        type Data: std::fmt::Debug + Send + Sync;
        /// The network.
        type Network: Module + ModuleDisplay + Summarize + 'static;
        /// The loss of the network.
        type Objective: Objective<Self::Network>;
        /// The scores of the network and the baselines.
        type Evaluation;
        /// The trained network in use.
        type Predictor: Predictor<Config = Self::Config>;

        /// Opens the data set that these settings name, or the default one.
        ///
        /// # Errors
        /// If the data set does not exist or cannot be read.
        fn open(given: &Partial) -> Result<Self::Source>;

        /// The default settings for a data set: those of the task, with what the data set's manifest says. They may depend
        /// on settings that were given, such as the columns to use.
        ///
        /// # Errors
        /// If a setting is needed that neither the manifest nor the user gives.
        fn default_config(source: &Self::Source, given: &Partial) -> Result<Self::Config> {
            let _ = (source, given);
            Ok(Self::Config::defaults())
        }

        /// The SHA-256 of a data set, which must equal the configuration's; empty for generated data.
        fn sha256(source: &Self::Source) -> &str {
            let _ = source;
            ""
        }

        /// Splits and encodes a data set. A tokenizer or scaler is fitted on the training split, or read from `run_dir` if
        /// the run exists already.
        ///
        /// # Errors
        /// If the data do not fit the settings.
        fn prepare(config: &Self::Config, source: Self::Source, run_dir: Option<&RunDir>) -> Result<Self::Data>;

        /// The files that the predictor needs besides configuration and weights, `(name, text)`.
        fn artifacts(config: &Self::Config, data: &Self::Data) -> Vec<(&'static str, String)> {
            let _ = (config, data);
            Vec::new()
        }

        /// What preparing the data changed, for the user: `3 sentence(s) were truncated ..`.
        fn notes(data: &Self::Data) -> Vec<String> {
            let _ = data;
            Vec::new()
        }

        /// The number of [items](Self::ITEMS) that an epoch trains on.
        fn items(data: &Self::Data) -> usize;

        /// A network with fresh weights.
        fn network(config: &Self::Config, data: &Self::Data, device: &Device) -> Self::Network;

        /// The shape of an input without the batch dimension, for the summary of the network.
        fn input_shape(config: &Self::Config) -> Vec<usize>;

        /// The loss of the network.
        fn objective(config: &Self::Config, data: &Self::Data) -> Self::Objective;

        /// The data loaders of the training and validation splits.
        fn loaders(
            config: &Self::Config,
            data: &Self::Data,
            device: &Device,
        ) -> Loaders<<Self::Objective as Objective<Self::Network>>::Batch>;

        /// Evaluates a trained network and the baselines on the test split (generation: on the validation split).
        ///
        /// # Errors
        /// If a baseline cannot be fitted or saved.
        fn evaluate(run: &Run<Self>, network: Self::Network, device: &Device) -> Result<Self::Evaluation>;
    }
}

#[cfg(feature = "fit")]
pub use training::Task;

/// The name of a data set in a configuration: of a registered one its name, of a file its absolute path.
pub(crate) fn data_name(source: &DataSource) -> String {
    match (&source.manifest, &source.bytes) {
        (None, Bytes::File(path)) => {
            std::path::absolute(path).map_or_else(|_| source.name.clone(), |path| path.display().to_string())
        }
        _ => source.name.clone(),
    }
}

/// Notes such as `3 sentence(s) were truncated`, for the counts that are not 0.
#[cfg(feature = "fit")]
pub(crate) fn counted<const N: usize>(notes: [(usize, String); N]) -> Vec<String> {
    notes.into_iter().filter(|(count, _)| *count > 0).map(|(count, note)| format!("{count} {note}")).collect()
}
