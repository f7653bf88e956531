//! A run of any task.

use std::path::Path;

use burn::tensor::Device;
use recurrent_models::{Summarize, Summary};

use crate::config::check_num_parameters;
use crate::fine_tuning::{BaseRun, freeze};
use crate::fit::ranks::{Ranks, receive_run, send_run};
use crate::fit::{self, Callbacks, History, Schedule, StopReason};
use crate::partial::Partial;
use crate::settings::{Bound, MAX_EPOCHS};
use crate::{Error, FittedParts, Result, RunDir, Task, TaskConfig, TaskSource, TrainedRun};

/// A run of a task: its configuration, prepared data, and a folder with everything that predictions and resuming need.
///
/// [`create`](Self::create) begins a run and [`open`](Self::open) opens an existing one; then [`fit`](Self::fit) it,
/// [`evaluate`](Self::evaluate) it, and [predict](Self::predictor) with it.
#[derive(Debug)]
pub struct Run<T: Task> {
    config: T::Config,
    data: T::Data,
    run_dir: RunDir,
}

impl<T: Task> Run<T> {
    /// Checks the settings, prepares the data set, and creates the run's folder, which is locked until the run is dropped.
    /// With [`FitConfig::from`](crate::fit::FitConfig::from), training starts from the network of another run, whose
    /// [settings](crate::base_settings) this one has to have.
    ///
    /// With `force`, an existing run in the folder is replaced.
    ///
    /// # Errors
    /// If settings or data are wrong, the folder exists, or another process trains or evaluates the run to be replaced.
    pub fn create(config: T::Config, source: T::Source, folder: impl AsRef<Path>, force: bool) -> Result<Self> {
        let base = config.fit().from.as_deref().map(BaseRun::open).transpose()?;
        let fitted = match &base {
            Some(base) => {
                base.check_settings::<T>(&config)?;
                FittedParts::OfBase(base.run_dir())
            }
            None => FittedParts::Anew,
        };
        let data = prepare::<T>(&config, &source, fitted)?;
        let initial = base.map(|base| base.network::<T>(&config, &data)).transpose()?;
        check_freeze::<T>(&config, &data)?;
        let mut files = vec![("config.toml", RunDir::config_text(<T::Config as TaskConfig>::TASK, &config))];
        files.extend(T::artifacts(&config, &data));
        let run_dir = RunDir::create(folder, &files, force)?;
        if let Some(network) = initial {
            run_dir.write_initial_weights(&network)?;
        }
        Ok(Self { config, data, run_dir })
    }

    /// Opens an existing run, to resume or evaluate it. The data must be unchanged.
    ///
    /// # Errors
    /// If the folder is not a run of this task, or the data have changed.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        Self::load(RunDir::open(folder)?)
    }

    /// A run that several ranks train together: `make` creates or opens it on the first one, and the others get a copy, in a
    /// temporary folder. The data are their own, and have to be the same.
    ///
    /// # Errors
    /// As `make`; on the other ranks if the first one trains another task, is of another version or has other data.
    pub fn on_ranks<E: From<Error>>(ranks: &dyn Ranks, make: impl FnOnce() -> Result<Self, E>) -> Result<Self, E> {
        let task = <T::Config as TaskConfig>::TASK;
        if ranks.is_first() {
            let run = make()?;
            if !ranks.is_alone() {
                send_run(run.run_dir.root(), task, ranks)?;
            }
            return Ok(run);
        }
        let of_rank = |cause| Error::OnRank { rank: ranks.rank(), cause: Box::new(cause) };
        let copy = receive_run(task, ranks)?;
        Ok(Self::load(RunDir::open(copy.path())?.with_temporary(copy)).map_err(of_rank)?)
    }

    /// [Opens](Self::open) an existing run and locks it, until the run is dropped: no other process replaces it meanwhile.
    ///
    /// # Errors
    /// As [`open`](Self::open), and if another process trains or evaluates the run.
    pub fn open_locked(folder: impl AsRef<Path>) -> Result<Self> {
        Self::load(RunDir::open_locked(folder)?)
    }

    fn load(run_dir: RunDir) -> Result<Self> {
        let config: T::Config = run_dir.config()?;
        let settings = Partial::from(&config);
        for setting in ["data", "target_data"] {
            if let Some(data) = settings.get::<String>(setting) {
                run_dir.check_data(setting, &data)?;
            }
        }
        let source = T::Source::open::<T::Config>(&settings)?;
        let data = prepare::<T>(&config, &source, FittedParts::Of(&run_dir))?;
        if run_dir.has_weights() {
            run_dir.check_size(T::num_parameters(&config, &data))?;
        }
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

    /// The number of [items](Task::ITEMS) that an epoch trains on.
    pub fn items(&self) -> usize {
        T::items(&self.data)
    }

    /// What preparing the data changed, for the user.
    pub fn notes(&self) -> Vec<String> {
        T::notes(&self.data)
    }

    /// The layers of the network, with their output shapes and numbers of parameters.
    pub fn summary(&self, device: &Device) -> Summary {
        T::network(&self.config, &self.data, device).summary(&T::input_shape(&self.config))
    }

    /// Trains the network, or resumes training from the last checkpoint. It starts from random weights, or from those in
    /// `initial.safetensors`. Weights, metrics and checkpoints are written into
    /// the folder.
    ///
    /// # Errors
    /// If the loss becomes NaN or infinite, or a file cannot be written or read.
    pub fn fit(&self, device: &Device, callbacks: Callbacks) -> Result<(History, StopReason)> {
        let device = device.clone().autodiff();
        device.seed(self.config.fit().seed);
        let mut network = T::network(&self.config, &self.data, &device);
        self.run_dir.read_initial_weights(&mut network)?;
        let network = freeze(network, &self.config.fit().freeze)?;
        let objective = T::objective(&self.config, &self.data);
        let loaders = T::loaders(&self.config, &self.data, &device);
        fit::fit(network, objective, loaders, self.config.fit(), &self.run_dir, &device, callbacks)
    }

    /// Makes the network of the last epoch the one that is evaluated and predicts, in place of the best epoch's: for a
    /// run whose validation split is too small to choose an epoch by. Returns the epoch's number.
    ///
    /// # Errors
    /// If the run is not trained, its checkpoint is damaged, or the weights cannot be written.
    pub fn keep_last_epoch(&self, device: &Device) -> Result<usize> {
        let network = T::network(&self.config, &self.data, device);
        fit::keep_last_epoch(network, T::objective(&self.config, &self.data), &self.run_dir)
    }

    /// Evaluates the network of the best epoch and the baselines on the test split (generation: on the validation split).
    ///
    /// # Errors
    /// If the weights are missing or damaged, or a baseline cannot be fitted.
    pub fn evaluate(&self, device: &Device) -> Result<T::Evaluation> {
        let mut network = T::network(&self.config, &self.data, device);
        self.run_dir.read_weights(&mut network)?;
        let Self { config, data, run_dir } = self;
        T::evaluate(TrainedRun { config, data, run_dir, network }, device)
    }

    /// A predictor with the network of the best epoch.
    ///
    /// # Errors
    /// If the weights are missing or damaged.
    pub fn predictor(&self, device: &Device) -> Result<T::Predictor> {
        crate::Predictor::load(self.run_dir.root(), device)
    }

    /// Changes the total number of epochs, also in the run's folder.
    ///
    /// # Errors
    /// [`Error::Setting`] if they are out of bounds, more epochs are done already, or the learning rate follows a cosine
    /// schedule, which depends on the number of epochs; [`Error::RunDir`] if another process has locked the run.
    pub fn with_epochs(mut self, epochs: usize) -> Result<Self> {
        Bound::Range(1, MAX_EPOCHS).check("epochs", i64::try_from(epochs).unwrap_or(i64::MAX))?;
        let fit_config = self.config.fit();
        if fit_config.schedule == Schedule::Cosine && epochs != fit_config.epochs {
            let expected = format!(
                "{}, since the cosine schedule ends there (constant and exponential schedules can be extended)",
                fit_config.epochs
            );
            return Err(Error::setting("epochs", expected, epochs.to_string()));
        }
        let _lock = self.run_dir.lock()?;
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

/// Refuses parts to freeze that the network does not have.
fn check_freeze<T: Task>(config: &T::Config, data: &T::Data) -> Result<()> {
    if !config.fit().freeze.is_empty() {
        freeze(T::network(config, data, &Device::default()), &config.fit().freeze)?;
    }
    Ok(())
}

/// Checks settings and bytes, and prepares the data.
fn prepare<T: Task>(config: &T::Config, source: &T::Source, fitted: FittedParts<'_>) -> Result<T::Data> {
    config.check()?;
    config.check_sha256(&source.sha256()?)?;
    let data = T::prepare(config, source, fitted)?;
    check_num_parameters(T::num_parameters(config, &data))?;
    Ok(data)
}
