//! What can be typed.

use std::fmt;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use recurrent::data::{Missing, Ratios, ScalerKind};
use recurrent::fit::Schedule;
use recurrent::forecast::Task;
use recurrent::models::CellKind;
use serde::Deserialize;

use crate::device::DeviceName;

/// Trains, evaluates and uses recurrent networks.
///
/// Without a command: forecasts Seattle's weather, on data that come with the program.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 110)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train a network to forecast columns of a table
    Forecast(Box<ForecastArgs>),
    /// Go on with a run that was interrupted, or give it more epochs
    Resume(ResumeArgs),
    /// Score a run on its test part, beside the naive forecasts
    Evaluate(RunArgs),
    /// Let a run foretell what comes next
    Predict(PredictArgs),
    /// Show layers, shapes and parameters of a task's network, or of a run's
    Summary(SummaryArgs),
}

impl Default for Command {
    fn default() -> Self {
        Self::Forecast(Box::default())
    }
}

#[derive(Debug, Default, Args)]
pub struct ForecastArgs {
    #[command(flatten)]
    pub settings: Settings,
    /// Settings from a file; a run's plan.toml is one. What is typed goes before what the file says
    #[arg(long, value_name = "FILE.toml")]
    pub config: Option<PathBuf>,
    /// The run's folder [default: a new one under runs/]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Replace the run in that folder, if there is one
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub device: DeviceArgs,
}

/// The settings of a forecasting run: the same words in a file as on the command line.
#[derive(Debug, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// An embedded data set (weather, stocks) or a CSV file with a header [default: weather]
    #[arg(long, value_name = "NAME|FILE.csv")]
    pub data: Option<String>,
    /// The columns to foretell (a name with a comma can stand in a file of settings alone)
    #[arg(long, value_name = "COL,..", value_delimiter = ',')]
    pub target: Option<Vec<String>>,
    /// The columns to look at [default: the data set's, or else the target]
    #[arg(long, value_name = "COL,..", value_delimiter = ',')]
    pub inputs: Option<Vec<String>>,
    /// The column of dates [default: one that is called so]
    #[arg(long, value_name = "COL")]
    pub date: Option<String>,
    /// What to do about missing values: error, forward (the last value goes on), drop (the row) [default: error]
    #[arg(long)]
    pub missing: Option<Missing>,
    /// Shares of the rows for training, validation and test, in the order of time [default: 0.7,0.15,0.15]
    #[arg(long, value_name = "TRAIN,VALID,TEST")]
    pub split: Option<Ratios>,
    /// How columns are scaled: standard, minmax, none [default: standard]
    #[arg(long)]
    pub scaler: Option<ScalerKind>,
    /// Rows after which things repeat, for the seasonal naive forecast; 0 for none
    #[arg(long, value_name = "ROWS")]
    pub season: Option<usize>,
    /// Rows seen [default: 100]
    #[arg(long, value_name = "ROWS")]
    pub window: Option<usize>,
    /// Rows foretold at once [default: the data set's, or else 1]
    #[arg(long, value_name = "ROWS")]
    pub horizon: Option<usize>,
    /// The recurrent layer: rnn, lstm, gru [default: lstm]
    #[arg(long)]
    pub model: Option<CellKind>,
    /// Hidden units of each layer [default: 50,50]
    #[arg(long, value_name = "N,..", value_delimiter = ',')]
    pub hidden: Option<Vec<usize>>,
    /// Dropout between layers [default: 0]
    #[arg(long, value_name = "SHARE")]
    pub dropout: Option<f64>,
    /// Standard deviation of the noise on the scaled inputs in training [default: the data set's, or else 0]
    #[arg(long, value_name = "X")]
    pub noise: Option<f64>,
    /// Foretell the change from the last value, not the level [default: true if all targets are looked at]
    #[arg(long, value_name = "true|false")]
    pub residual: Option<bool>,
    /// Passes over the training part [default: 40]
    #[arg(long, value_name = "N")]
    pub epochs: Option<usize>,
    /// Windows a gradient step [default: 32]
    #[arg(long, value_name = "N")]
    pub batch: Option<usize>,
    /// The learning rate of Adam [default: 0.001]
    #[arg(long, value_name = "X")]
    pub lr: Option<f64>,
    /// How the learning rate goes on: constant, exponential, cosine [default: constant]
    #[arg(long)]
    pub schedule: Option<Schedule>,
    /// The largest norm of all gradients together; 0 for none [default: 1]
    #[arg(long, value_name = "NORM")]
    pub clip: Option<f64>,
    /// Epochs without a better validation loss until training stops; 0 for never [default: 10]
    #[arg(long, value_name = "N")]
    pub patience: Option<usize>,
    /// Where weights, order and dropout come from [default: 0]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// In a file, a plan says which task it is for, and which bytes it was made with.
    #[arg(skip)]
    pub task: Option<Task>,
    #[arg(skip)]
    pub sha256: Option<String>,
}

#[derive(Debug, Default, Args)]
pub struct DeviceArgs {
    /// Where to compute: flex or ndarray (CPU), wgpu, vulkan or cuda (GPU), as far as compiled in; :N picks one of several
    #[arg(long, value_name = "NAME[:N]")]
    pub device: Option<DeviceName>,
}

#[derive(Debug, Args)]
pub struct RunArgs {
    /// The run's folder
    pub run: PathBuf,
    #[command(flatten)]
    pub device: DeviceArgs,
}

#[derive(Debug, Args)]
pub struct ResumeArgs {
    #[command(flatten)]
    pub run: RunArgs,
    /// How many epochs the run is to have in all [default: as planned]
    #[arg(long, value_name = "N")]
    pub epochs: Option<usize>,
}

#[derive(Debug, Args)]
pub struct PredictArgs {
    #[command(flatten)]
    pub run: RunArgs,
    /// Rows to go on from [default: the last that the run has seen]
    #[arg(long, value_name = "NAME|FILE.csv")]
    pub data: Option<String>,
    /// How many rows to foretell [default: the run's horizon]
    #[arg(long, value_name = "N")]
    pub steps: Option<usize>,
    /// The form of the answer
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Where to write it [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub enum Format {
    #[default]
    Csv,
    Json,
}

#[derive(Debug, Args)]
pub struct SummaryArgs {
    /// `forecast`, or a run's folder
    #[arg(value_name = "TASK|RUN")]
    pub of: PathBuf,
    #[command(flatten)]
    pub device: DeviceArgs,
}

/// Bad input that is found in this crate.
#[derive(Debug)]
pub struct BadInput(pub String);

impl fmt::Display for BadInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadInput {}

/// Whether an error is about what was given, and not about this program or machine.
pub fn is_bad_input(error: &anyhow::Error) -> bool {
    let ours = error.downcast_ref::<BadInput>().is_some();
    let library = error.downcast_ref::<recurrent::Error>().is_some_and(recurrent::Error::is_bad_input);
    ours || library
}
