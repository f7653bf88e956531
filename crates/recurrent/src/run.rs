//! A run of any task: prepared data, and a folder.

use std::path::Path;

use burn::tensor::Device;
use recurrent_models::{Summarize, Summary};

use crate::fit::{self, Callbacks, History, Schedule, StopReason};
use crate::settings::Partial;
use crate::{Error, Result, RunDir, Task, TaskConfig, TaskSource};

/// A run of a task: a configuration, prepared data, and a folder with all that a prediction and a resumed training
/// need.
///
/// [`create`](Self::create) makes one, [`open`](Self::open) finds it again; both give a run to [`fit`](Self::fit) and to
/// [`evaluate`](Self::evaluate).
#[derive(Debug)]
pub struct Run<T: Task> {
    config: T::Config,
    data: T::Data,
    run_dir: RunDir,
}

impl<T: Task> Run<T> {
    /// Prepares a data set and makes the run's folder. Whatever is wrong with settings or data is found here, before
    /// the first step. With `force`, a run that is in the folder is replaced.
    ///
    /// # Errors
    /// If settings or data are wrong, or the folder exists.
    pub fn create(config: T::Config, source: T::Source, folder: impl AsRef<Path>, force: bool) -> Result<Self> {
        let data = prepare::<T>(&config, &source, None)?;
        let mut files = vec![("config.toml", RunDir::config_text(<T::Config as TaskConfig>::TASK, &config))];
        files.extend(T::artifacts(&config, &data));
        let run_dir = RunDir::create(folder, &files, force)?;
        Ok(Self { config, data, run_dir })
    }

    /// Opens a run's folder, to resume or evaluate it. The data must be those that it began with.
    ///
    /// # Errors
    /// If the folder is not a run of this task, or the data have changed.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let run_dir = RunDir::open(folder)?;
        let config: T::Config = run_dir.config()?;
        let source = T::Source::open::<T::Config>(&Partial::from(&config))?;
        let data = prepare::<T>(&config, &source, Some(&run_dir))?;
        Ok(Self { config, data, run_dir })
    }

    /// The settings.
    pub fn config(&self) -> &T::Config {
        &self.config
    }

    /// The prepared data.
    pub fn data(&self) -> &T::Data {
        &self.data
    }

    /// The folder.
    pub fn run_dir(&self) -> &RunDir {
        &self.run_dir
    }

    /// How many items an epoch trains on.
    pub fn items(&self) -> usize {
        T::items(&self.data)
    }

    /// What was done to the data that a user should know of.
    pub fn notes(&self) -> Vec<String> {
        T::notes(&self.data)
    }

    /// The layers of the network, with shapes and parameters.
    pub fn summary(&self, device: &Device) -> Summary {
        T::network(&self.config, &self.data, device).summary(&T::input_shape(&self.config))
    }

    /// Trains the network, or resumes where training was interrupted. Weights, metrics and checkpoints are in the
    /// folder when it returns.
    ///
    /// # Errors
    /// If the loss becomes NaN or infinite, or a file cannot be written or read.
    pub fn fit(&self, device: &Device, callbacks: Callbacks) -> Result<(History, StopReason)> {
        let device = device.clone().autodiff();
        device.seed(self.config.fit().seed);
        let network = T::network(&self.config, &self.data, &device);
        let objective = T::objective(&self.config, &self.data, network);
        let loaders = T::loaders(&self.config, &self.data, &device);
        fit::fit(objective, loaders, self.config.fit(), &self.run_dir, &device, callbacks)
    }

    /// Scores the network of the best epoch on the test split (of a text, the validation split), beside the baselines.
    ///
    /// # Errors
    /// If the weights are missing or damaged, or a baseline cannot be fitted.
    pub fn evaluate(&self, device: &Device) -> Result<T::Evaluation> {
        let mut network = T::network(&self.config, &self.data, device);
        self.run_dir.read_weights(&mut network)?;
        T::evaluate(self, network, device)
    }

    /// What predicts with the network of the best epoch.
    ///
    /// # Errors
    /// If the weights are missing or damaged.
    pub fn predictor(&self, device: &Device) -> Result<T::Predictor> {
        crate::Predictor::load(self.run_dir.root(), device)
    }

    /// The same run with another number of epochs in all, written into its folder.
    ///
    /// # Errors
    /// If more are done already, or the schedule ends with the number of epochs that was set first.
    pub fn with_epochs(mut self, epochs: usize) -> Result<Self> {
        let planned = self.config.fit();
        if planned.schedule == Schedule::Cosine && epochs != planned.epochs {
            let expected = format!(
                "{}, since the cosine schedule ends there (constant and exponential schedules can be extended)",
                planned.epochs
            );
            return Err(Error::setting("epochs", expected, epochs.to_string()));
        }
        let done = fit::epochs_done(&self.run_dir)?;
        if epochs < done {
            return Err(Error::setting("epochs", format!("at least {done}, which are done"), epochs.to_string()));
        }
        self.config.fit_mut().epochs = epochs;
        self.config.check()?;
        self.run_dir.write_config(&self.config)?;
        Ok(self)
    }
}

/// Checks settings and bytes, and prepares the data.
fn prepare<T: Task>(config: &T::Config, source: &T::Source, run_dir: Option<&RunDir>) -> Result<T::Data> {
    config.check()?;
    config.check_sha256(&source.sha256()?)?;
    T::prepare(config, source, run_dir)
}
