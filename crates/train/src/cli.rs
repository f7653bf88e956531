//! The command line.

use std::fmt;
use std::path::PathBuf;

use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use recurrent::data::RAW_FOLDER;

use crate::compare::CompareArgs;
use crate::device::DeviceName;
use crate::tasks::{self, TASKS, TaskCommand};

/// Trains, evaluates and uses recurrent networks.
///
/// Without a command: the demo. It trains each task in small, on data that come with the program, and writes a report.
#[derive(Debug, Parser)]
#[command(name = "train", version, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

/// The commands besides those of the tasks.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train each task in small and write a report (the default)
    Demo(DemoArgs),
    /// Resume a run that was interrupted, or give it more epochs
    Resume(ResumeArgs),
    /// Evaluate a run again, beside its baselines
    Evaluate(RunArgs),
    /// Use a run: forecast rows, continue a text, translate or classify sentences
    Predict(PredictArgs),
    /// Complete words with a run of `generate`, as they are typed
    Complete(CompleteArgs),
    /// Compare RNN, LSTM and GRU on this machine: memory, gradient flow, gates, cost and data quality
    Compare(Box<CompareArgs>),
    /// Show layers, shapes and parameters of a task's network, or of a run's
    Summary(SummaryArgs),
    /// List, show and fetch data sets
    #[command(subcommand)]
    Data(DataCommand),
    /// List the devices that can compute, with their limits
    Devices,
}

/// What was typed.
pub enum Typed {
    /// The training of a task.
    Train(&'static dyn TaskCommand, ArgMatches),
    /// A prediction, with the options of the run's task.
    Predict(PredictArgs, ArgMatches),
    /// Any other command.
    Other(Command),
}

/// Parses the command line; ends the program on an error or a question for help.
pub fn parse() -> Typed {
    let mut matches = command().get_matches();
    let Some((name, of_command)) = matches.remove_subcommand() else {
        return Typed::Other(Command::Demo(DemoArgs::default()));
    };
    if let Some(task) = TASKS.iter().find(|task| task.name() == name) {
        return Typed::Train(*task, of_command);
    }
    if name == "predict" {
        let args = PredictArgs::from_arg_matches(&of_command).unwrap_or_else(|error| error.exit());
        return Typed::Predict(args, of_command);
    }
    // The derived parser takes all matches again.
    let matches = command().get_matches();
    Typed::Other(Command::from_arg_matches(&matches).unwrap_or_else(|error| error.exit()))
}

/// The derived commands, with those of the tasks after the demo, and with the tasks' options of `predict`.
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

/// What the training of every task takes besides its settings.
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
    /// How many epochs the run shall have in all [default: as set]
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
    /// For readers
    Text,
    Csv,
    Json,
}

#[derive(Debug, Args)]
pub struct CompleteArgs {
    #[command(flatten)]
    pub run: RunArgs,
    /// The beginning of a text [default: what is typed, or the lines of standard input]
    #[arg(value_name = "TEXT")]
    pub text: Option<String>,
    /// How many completions to show
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
    /// All data sets that are known by name, and how far each is at hand
    List(DataFolder),
    /// What a data set is, and its first lines
    Show(DataShowArgs),
    /// Fetch a data set that does not come with the program
    Fetch(DataFetchArgs),
}

#[derive(Debug, Args)]
pub struct DataFolder {
    /// Where fetched data sets lie, a folder each
    #[arg(long, value_name = "DIR", default_value = RAW_FOLDER)]
    pub folder: PathBuf,
}

#[derive(Debug, Args)]
pub struct DataShowArgs {
    /// A data set's name, or the manifest of one of your own
    #[arg(value_name = "NAME|FILE.toml")]
    pub name: String,
    #[command(flatten)]
    pub folder: DataFolder,
}

#[derive(Debug, Args)]
pub struct DataFetchArgs {
    #[command(flatten)]
    pub of: DataShowArgs,
    /// A file that is at hand already, in place of the one that the source gives
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
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

/// Whether an error is about the input, and not about this program or machine.
pub fn is_bad_input(error: &anyhow::Error) -> bool {
    let ours = error.downcast_ref::<BadInput>().is_some();
    let library = error.downcast_ref::<recurrent::Error>().is_some_and(recurrent::Error::is_bad_input);
    ours || library
}

/// An error in the terms of the command line: libraries name fields, a user types flags.
pub fn describe(error: &anyhow::Error) -> String {
    match error.downcast_ref::<recurrent::Error>() {
        Some(recurrent::Error::Setting { setting, .. }) => {
            let text = error.to_string();
            format!("--{}{}", setting.replace('_', "-"), &text[setting.len()..])
        }
        Some(recurrent::Error::Exists { .. }) => {
            format!("{error}; choose another folder with --out, or replace a run with --force")
        }
        _ => error.to_string(),
    }
}
