//! What runs of every task have in common: a plan, a folder, and training that can be interrupted and gone on with.

use std::fmt;
use std::path::Path;

use recurrent_data::{Bytes, DataSource};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::fit::FitConfig;
use crate::{Error, Result, RunDir};

/// What a network is trained for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// From the last rows of a table to the next.
    Forecast,
    /// From the beginning of a text to its end.
    Generate,
    /// From a sentence of one language to another.
    Translate,
    /// From a sentence to one of several labels.
    Sentiment,
}

impl Task {
    /// All of them, in the order of the lecture.
    pub const ALL: [Self; 4] = [Self::Forecast, Self::Generate, Self::Translate, Self::Sentiment];

    /// The task of the run in a folder.
    ///
    /// # Errors
    /// If the folder is not a run's.
    pub fn of(folder: &Path) -> Result<Self> {
        #[derive(Deserialize)]
        struct Head {
            task: Task,
        }
        Ok(RunDir::open(folder)?.plan::<Head>()?.task)
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Forecast => "forecast",
            Self::Generate => "generate",
            Self::Translate => "translate",
            Self::Sentiment => "sentiment",
        })
    }
}

/// What a run is to do: everything that its result depends on. It is written into the run's folder before the first
/// step, and makes the same run again.
pub trait Plan: Serialize + DeserializeOwned {
    /// Which task it is for.
    const TASK: Task;

    /// The name or path of the data.
    fn data(&self) -> &str;

    /// The sum of the data, so that a run goes on with what it began with.
    fn sha256(&self) -> &str;

    /// How the network is trained.
    fn fit(&self) -> &FitConfig;

    /// How the network is trained, to change it.
    fn fit_mut(&mut self) -> &mut FitConfig;

    /// Checks all that can be checked without the data.
    ///
    /// # Errors
    /// The first setting that cannot be, with what was expected.
    fn check(&self) -> Result<()>;

    /// Reads the plan of a run of this task.
    ///
    /// # Errors
    /// If the run is another task's, or its plan is damaged.
    fn of(run_dir: &RunDir) -> Result<Self> {
        let task = Task::of(run_dir.root())?;
        if task != Self::TASK {
            return Err(Error::RunDir {
                path: run_dir.root().to_path_buf(),
                expected: format!("a run of `{}`", Self::TASK),
                found: format!("a run of `{task}`"),
            });
        }
        let plan: Self = run_dir.plan()?;
        plan.check()?;
        Ok(plan)
    }

    /// Sees that data have the bytes that the run began with.
    ///
    /// # Errors
    /// If they have others.
    fn check_bytes(&self, sha256: &str) -> Result<()> {
        if sha256 == self.sha256() {
            return Ok(());
        }
        Err(Error::Plan {
            setting: "the data of the run",
            expected: format!("the bytes that it began with (sha256 {})", self.sha256()),
            found: format!("{} with other bytes (sha256 {sha256})", self.data()),
        })
    }
}

/// A run: data made ready, and a folder.
#[cfg(feature = "fit")]
pub trait Run: Sized {
    /// What it is to do.
    type Plan: Plan;

    /// What its progress counts.
    const UNIT: &'static str;

    /// Opens a run's folder to go on with it, or to score it. The data must be those that it began with.
    ///
    /// # Errors
    /// If the folder is not a run of this task, or the data have changed.
    fn open(folder: &Path) -> Result<Self>;

    /// What it is to do.
    fn plan(&self) -> &Self::Plan;

    /// What it is to do, to change it.
    fn plan_mut(&mut self) -> &mut Self::Plan;

    /// The folder.
    fn run_dir(&self) -> &RunDir;

    /// How many items, in its unit, an epoch trains on.
    fn items(&self) -> usize;

    /// Trains the network, or goes on where training was interrupted. Weights, metrics and checkpoints are in the
    /// folder when it returns.
    ///
    /// # Errors
    /// If the loss is no number any more, or a file cannot be written or read.
    fn fit(
        &self,
        device: &burn::tensor::Device,
        session: crate::fit::Callbacks,
    ) -> Result<(crate::fit::History, crate::fit::StopReason)>;

    /// The same run with another number of epochs in all, written into its folder.
    ///
    /// # Errors
    /// If more are done already, or the schedule reaches its end with the epochs first planned, and so has no next.
    fn with_epochs(mut self, epochs: usize) -> Result<Self> {
        let fit = self.plan().fit();
        if fit.schedule == crate::fit::Schedule::Cosine && epochs != fit.epochs {
            return Err(Error::Plan {
                setting: "--epochs",
                expected: format!(
                    "{}, for the cosine schedule ends there (constant and exponential go on)",
                    fit.epochs
                ),
                found: epochs.to_string(),
            });
        }
        let done = crate::fit::epochs_done(self.run_dir())?;
        if epochs < done {
            return Err(Error::Plan {
                setting: "--epochs",
                expected: format!("at least {done}, for so many are done"),
                found: epochs.to_string(),
            });
        }
        self.plan_mut().fit_mut().epochs = epochs;
        self.plan().check()?;
        self.run_dir().write_toml("plan.toml", self.plan())?;
        Ok(self)
    }
}

/// The name under which a config stores its data: a registered data set by its name, a file by its absolute path.
pub fn lasting_name(located: &DataSource) -> String {
    match (&located.manifest, &located.bytes) {
        (None, Bytes::File(path)) => {
            std::path::absolute(path).map_or_else(|_| located.name.clone(), |path| path.display().to_string())
        }
        _ => located.name.clone(),
    }
}

/// Sees that a setting is at least 1.
pub(crate) fn at_least_one(setting: &'static str, number: usize) -> Result<()> {
    if number > 0 {
        return Ok(());
    }
    Err(Error::Plan { setting, expected: "at least 1".into(), found: "0".into() })
}

/// Sees that a setting is a share in [0, 1).
pub(crate) fn a_share(setting: &'static str, share: f64) -> Result<()> {
    if (0.0..1.0).contains(&share) {
        return Ok(());
    }
    Err(Error::Plan { setting, expected: "a share in [0, 1)".into(), found: share.to_string() })
}
