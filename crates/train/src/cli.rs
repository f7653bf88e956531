//! The command line arguments.

use std::fmt;
use std::path::PathBuf;

use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use recurrent::data::RAW_FOLDER;
use recurrent::fit::FitConfig;
use recurrent::settings::{Setting, Settings};

use crate::compare::CompareArgs;
use crate::device::DeviceName;
use crate::tasks::{self, TASKS, TaskCommand};

/// Trains, evaluates and uses recurrent networks.
///
/// Without a command it runs the demo, which trains each task on a small scale, on embedded data, and writes a report.
#[derive(Debug, Parser)]
#[command(name = "train", version, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

/// The commands besides those of the tasks.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train each task on a small scale and write a report (the default)
    Demo(DemoArgs),
    /// Resume an interrupted run, or train it for more epochs
    Resume(ResumeArgs),
    /// Evaluate a run and its baselines
    Evaluate(RunArgs),
    /// Use a run: forecast rows, continue a text, translate or classify sentences
    Predict(PredictArgs),
    /// Complete words with a run of `generate`, while they are typed
    Complete(CompleteArgs),
    /// Compare RNN, LSTM and GRU on this machine: memory, gradient flow, gates, cost and data quality
    Compare(Box<CompareArgs>),
    /// Show the layers, output shapes and parameters of a task's network, or of a run's
    Summary(SummaryArgs),
    /// List, show and fetch data sets
    #[command(subcommand)]
    Data(DataCommand),
    /// List the devices and their limits
    Devices,
}

/// The parsed command line.
pub enum Parsed {
    /// The training of a task.
    Train(&'static dyn TaskCommand, ArgMatches),
    /// A prediction, with the options of the run's task.
    Predict(PredictArgs, ArgMatches),
    /// Any other command.
    Other(Command),
}

/// Parses the command line; exits the program on an error or after printing help.
pub fn parse() -> Parsed {
    let mut matches = command().get_matches();
    let Some((name, of_command)) = matches.remove_subcommand() else {
        return Parsed::Other(Command::Demo(DemoArgs::default()));
    };
    if let Some(task) = TASKS.iter().find(|task| task.name() == name) {
        return Parsed::Train(*task, of_command);
    }
    if name == "predict" {
        let args = PredictArgs::from_arg_matches(&of_command).unwrap_or_else(|error| error.exit());
        return Parsed::Predict(args, of_command);
    }
    // `from_arg_matches` needs the subcommand that was removed above.
    let matches = command().get_matches();
    Parsed::Other(Command::from_arg_matches(&matches).unwrap_or_else(|error| error.exit()))
}

/// The derived commands, and those of the tasks in `TASKS`: first the demo, then the tasks, then the others. `predict` has
/// the options of all tasks.
fn command() -> clap::Command {
    let derived = Cli::command().mut_subcommand("demo", |demo| demo.display_order(0));
    let tasks = TASKS.iter().zip(1..).map(|(task, order)| task.command().display_order(order));
    let with_tasks = derived.subcommands(tasks).mut_subcommand("predict", tasks::add_predict_options);
    let others = ["resume", "evaluate", "predict", "complete", "compare", "summary", "data", "devices"];
    others
        .into_iter()
        .zip(TASKS.len() + 1..)
        .fold(with_tasks, |command, (name, order)| command.mut_subcommand(name, |other| other.display_order(order)))
}

#[derive(Debug, Default, Args)]
pub struct DemoArgs {
    /// The folder of the demo's runs and its report [default: a new one under runs/]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub device: DeviceArgs,
}

/// The options of training besides the task's settings.
#[derive(Debug, Default, Args)]
pub struct NewRunArgs {
    /// Settings from a file, such as a run's config.toml; those on the command line take precedence
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

#[derive(Debug, Default, Args)]
pub struct DeviceArgs {
    /// The device: flex or ndarray (CPU), wgpu, vulkan, metal or cuda (GPU), as far as compiled in; :N picks one of
    /// several
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
    /// The total number of epochs [default: the run's setting]
    #[arg(long, value_name = "N")]
    pub epochs: Option<usize>,
}

#[derive(Debug, Args)]
pub struct PredictArgs {
    #[command(flatten)]
    pub run: RunArgs,
    /// The format of the output [default: csv for a forecast, text for the others]
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// The file to write it to [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Plain text
    Text,
    Csv,
    Json,
}

#[derive(Debug, Args)]
pub struct CompleteArgs {
    #[command(flatten)]
    pub run: RunArgs,
    /// The beginning of a text [default: interactive, or the lines of standard input]
    #[arg(value_name = "TEXT")]
    pub text: Option<String>,
    /// The number of completions
    #[arg(short, long, value_name = "N", default_value_t = 5)]
    pub n: usize,
}

#[derive(Debug, Args)]
pub struct SummaryArgs {
    /// A task, or a run's folder
    #[arg(value_name = "TASK|RUN")]
    pub of: PathBuf,
    #[command(flatten)]
    pub device: DeviceArgs,
}

#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// List the registered data sets, and whether each is embedded or fetched
    List(DataFolder),
    /// Show the description and the first lines of a data set
    Show(DataShowArgs),
    /// Fetch a data set that is not embedded
    Fetch(DataFetchArgs),
}

#[derive(Debug, Args)]
pub struct DataFolder {
    /// The folder of fetched data sets
    #[arg(long, value_name = "DIR", default_value = RAW_FOLDER)]
    pub folder: PathBuf,
}

#[derive(Debug, Args)]
pub struct DataShowArgs {
    /// A registered data set, or the manifest of another one
    #[arg(value_name = "NAME|FILE.toml")]
    pub name: String,
    #[command(flatten)]
    pub folder: DataFolder,
}

#[derive(Debug, Args)]
pub struct DataFetchArgs {
    #[command(flatten)]
    pub of: DataShowArgs,
    /// A local copy of the source's file, instead of a download
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
}

/// An error in the user's input that this crate finds.
#[derive(Debug)]
pub struct BadInput(pub String);

impl fmt::Display for BadInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadInput {}

/// Whether an error is in the user's input, and not in this program or machine.
pub fn is_bad_input(error: &anyhow::Error) -> bool {
    let ours = error.downcast_ref::<BadInput>().is_some();
    let library = error.downcast_ref::<recurrent::Error>().is_some_and(recurrent::Error::is_bad_input);
    ours || library
}

/// The message of an error, with the flags of settings in place of the fields that the libraries name.
pub fn describe(error: &anyhow::Error) -> String {
    match error.downcast_ref::<recurrent::Error>() {
        Some(recurrent::Error::Setting { setting, .. }) => {
            let text = error.to_string();
            format!("{}{}", flag(setting), &text[setting.len()..])
        }
        Some(recurrent::Error::Diverged { .. }) => with_flags(&error.to_string(), FitConfig::settings()),
        Some(recurrent::Error::Exists { .. }) => {
            format!("{error}; choose another folder with --out, or replace a run with --force")
        }
        _ => error.to_string(),
    }
}

/// A text of the libraries, with the flags of settings in place of their names in backticks: `lr` becomes --lr.
pub fn with_flags<'a>(text: &str, settings: impl Iterator<Item = &'a Setting>) -> String {
    settings.fold(text.to_string(), |text, setting| text.replace(&format!("`{}`", setting.name), &flag(setting.name)))
}

fn flag(setting: &str) -> String {
    format!("--{}", setting.replace('_', "-"))
}
