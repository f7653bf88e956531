//! The trait of a task: data, network, loss, evaluation and predictor.

use recurrent_data::{DataSource, RAW_FOLDER};

use crate::partial::Partial;
use crate::{Result, TaskConfig};

#[cfg(feature = "fit")]
mod training {
    use burn::module::{Module, ModuleDisplay};
    use burn::tensor::Device;
    use recurrent_models::Summarize;

    use super::TaskSource;
    use crate::TaskConfig;
    use crate::fit::{Loaders, Objective};
    use crate::partial::Partial;
    use crate::settings::Settings;
    use crate::{Predictor, Result, RunDir};

    /// A run whose network is trained, to be evaluated.
    #[derive(Debug)]
    pub struct TrainedRun<'a, T: Task> {
        /// The settings.
        pub config: &'a T::Config,
        /// The prepared data.
        pub data: &'a T::Data,
        /// The folder, for what the evaluation saves.
        pub run_dir: &'a RunDir,
        /// The network of the best epoch.
        pub network: T::Network,
    }

    /// Where the tokenizer or scaler of a run is from.
    #[derive(Debug, Clone, Copy)]
    pub enum FittedParts<'a> {
        /// FittedParts on the training split.
        Anew,
        /// Read from the run, which exists already.
        Of(&'a RunDir),
        /// Read from the run that this one starts from.
        OfBase(&'a RunDir),
    }

    impl<'a> FittedParts<'a> {
        /// The folder that it is read from.
        pub fn run_dir(self) -> Option<&'a RunDir> {
            match self {
                Self::Anew => None,
                Self::Of(run_dir) | Self::OfBase(run_dir) => Some(run_dir),
            }
        }
    }

    /// A task: how a data set is opened and prepared, the network and its loss, the evaluation, and the predictor. [`Run`](crate::Run)
    /// does everything else: the run's folder, training, checkpoints, resuming.
    pub trait Task: Sized + Send + Sync + 'static {
        /// The name of the items in progress reports: `windows`, `tokens`, `pairs`.
        const ITEMS: &'static str = "items";

        /// The settings.
        type Config: TaskConfig;
        /// An opened data set.
        type Source: TaskSource;
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

        /// The default settings for a data set: those of the task, with what the data set's manifest says. They may depend
        /// on settings that were given, such as the columns to use.
        ///
        /// # Errors
        /// If a setting is needed that neither the manifest nor the user gives.
        fn default_config(source: &Self::Source, given: &Partial) -> Result<Self::Config> {
            let _ = (source, given);
            Ok(Self::Config::defaults())
        }

        /// The settings of the network and its tokenizer, which a run takes over from the one that it starts from.
        const NETWORK_SETTINGS: &'static [&'static str] = &[];

        /// Splits and encodes a data set. A tokenizer or scaler is fitted on the training split, or is the one of `fitted`.
        ///
        /// # Errors
        /// If the data do not fit the settings.
        fn prepare(config: &Self::Config, source: &Self::Source, fitted: FittedParts<'_>) -> Result<Self::Data>;

        /// The parts of the network that start with fresh weights in a run that starts from `base`, since the data ask for
        /// others, such as a layer over other labels.
        ///
        /// # Errors
        /// If the network cannot start from this run.
        fn fresh_parts(config: &Self::Config, data: &Self::Data, base: &RunDir) -> Result<Vec<&'static str>> {
            let _ = (config, data, base);
            Ok(Vec::new())
        }

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

        /// The number of parameters of the network, computed from sizes alone: a network that is too large is an error
        /// before memory is allocated. 0 if it is not known.
        fn num_parameters(config: &Self::Config, data: &Self::Data) -> usize {
            let _ = (config, data);
            0
        }

        /// A network with fresh weights.
        fn network(config: &Self::Config, data: &Self::Data, device: &Device) -> Self::Network;

        /// The shape of an input without the batch dimension, for the summary of the network.
        fn input_shape(config: &Self::Config) -> Vec<usize> {
            let _ = config;
            Vec::new()
        }

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
        fn evaluate(run: TrainedRun<Self>, device: &Device) -> Result<Self::Evaluation>;
    }
}

#[cfg(feature = "fit")]
pub use training::{FittedParts, Task, TrainedRun};

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

    /// The SHA-256 of all bytes, which must be the configuration's; empty for generated data.
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

/// For a task that generates its data.
impl TaskSource for () {
    fn open<C: TaskConfig>(_given: &Partial) -> Result<Self> {
        Ok(())
    }

    fn sha256(&self) -> Result<String> {
        Ok(String::new())
    }
}

/// Notes such as `3 sentence(s) were truncated`, for the counts that are not 0.
#[cfg(feature = "fit")]
pub(crate) fn counted<const N: usize>(notes: [(usize, String); N]) -> Vec<String> {
    notes.into_iter().filter(|(count, _)| *count > 0).map(|(count, note)| format!("{count} {note}")).collect()
}

/// The numbers of unknown and of all tokens of some texts.
#[cfg(feature = "fit")]
pub(crate) fn count_unknown<'a>(texts: impl Iterator<Item = &'a [u32]>, unk: u32) -> [usize; 2] {
    texts.fold([0, 0], |[unknown, tokens], ids| {
        [unknown + ids.iter().filter(|id| **id == unk).count(), tokens + ids.len()]
    })
}

/// A note on the unknown tokens of a subset, if there are any.
#[cfg(feature = "fit")]
pub(crate) fn unknown_note(subset: &str, [unknown, tokens]: [usize; 2]) -> Option<String> {
    let share = percentage(unknown as f64 / tokens.max(1) as f64);
    (unknown > 0).then(|| format!("{unknown} of the {tokens} tokens of the {subset} split ({share}) are <unk>"))
}

/// A fraction in percent, never rounded to 0 %.
#[cfg(feature = "fit")]
pub(crate) fn percentage(fraction: f64) -> String {
    if fraction > 0.0 && fraction < 0.0005 { "less than 0.1 %".into() } else { format!("{:.1} %", 100.0 * fraction) }
}
