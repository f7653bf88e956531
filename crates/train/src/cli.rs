//! The command line arguments.

use std::path::PathBuf;

use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::args::{PredictArgs, ResumeArgs, RunArgs};
use crate::compare::CompareArgs;
use crate::complete::CompleteArgs;
use crate::data::DataCommand;
use crate::demo::DemoArgs;
use crate::exchange::{ExportArgs, ImportArgs};
use crate::listen::ListenArgs;
use crate::tasks::{self, SummaryArgs, TASKS, TaskCommand};
use crate::zoo::ZooCommand;
use crate::{backtest, ranks};

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
    /// Recognize live speech with a run of `transcribe`: standard input, or a file
    Listen(ListenArgs),
    /// Compare RNN, LSTM and GRU on this machine: memory, gradient flow, gates, cost and data quality
    Compare(Box<CompareArgs>),
    /// Show the layers, output shapes and parameters of a task's network, or of a run's
    Summary(SummaryArgs),
    /// List and show the pretrained models
    #[command(subcommand)]
    Zoo(ZooCommand),
    /// Make a run from weights of PyTorch, Keras or ONNX
    Import(Box<ImportArgs>),
    /// Export a run to PyTorch, Keras or ONNX
    Export(ExportArgs),
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
    /// The backtest of a forecast.
    Backtest(ArgMatches),
    /// Any other command.
    Other(Command),
}

impl Parsed {
    /// Whether the command trains one network, which several ranks can share.
    pub fn is_training(&self) -> bool {
        matches!(self, Self::Train(..) | Self::Other(Command::Resume(_)))
    }

    /// The folder of the run that a command reads.
    pub fn read_run(&mut self) -> Option<&mut PathBuf> {
        match self {
            Self::Predict(args, _) => Some(&mut args.run.run),
            Self::Other(Command::Evaluate(args)) => Some(&mut args.run),
            Self::Other(Command::Complete(args)) => Some(&mut args.run.run),
            Self::Other(Command::Listen(args)) => Some(&mut args.run.run),
            Self::Other(Command::Summary(args)) => Some(&mut args.of),
            Self::Other(Command::Export(args)) => Some(&mut args.run),
            _ => None,
        }
    }
}

/// Parses the command line; exits the program on an error or after printing help.
pub fn parse() -> Parsed {
    let mut matches = command().try_get_matches().unwrap_or_else(|error| exit(&error));
    let Some((name, of_command)) = matches.remove_subcommand() else {
        return Parsed::Other(Command::Demo(DemoArgs::default()));
    };
    if let Some(task) = TASKS.iter().find(|task| task.name() == name) {
        return Parsed::Train(*task, of_command);
    }
    if name == backtest::NAME {
        return Parsed::Backtest(of_command);
    }
    if name == "predict" {
        let args = PredictArgs::from_arg_matches(&of_command).unwrap_or_else(|error| exit(&error));
        return Parsed::Predict(args, of_command);
    }
    // `from_arg_matches` needs the subcommand that was removed above.
    let matches = command().get_matches();
    Parsed::Other(Command::from_arg_matches(&matches).unwrap_or_else(|error| exit(&error)))
}

/// Prints what is wrong with the command line, or the help that it asks for; of several ranks, the first one does.
fn exit(error: &clap::Error) -> ! {
    ranks::wait_for_first();
    error.exit()
}

/// The derived commands, and those of the tasks in `TASKS`: first the demo, then the tasks, then the others. `predict` has
/// the options of all tasks.
fn command() -> clap::Command {
    let derived = Cli::command().mut_subcommand("demo", |demo| demo.display_order(0));
    let tasks = TASKS.iter().zip(1..).map(|(task, order)| task.command().display_order(order));
    let with_tasks = derived
        .subcommands(tasks)
        .subcommand(backtest::command())
        .mut_subcommand("predict", tasks::add_predict_options);
    let others = [
        backtest::NAME,
        "resume",
        "evaluate",
        "predict",
        "complete",
        "listen",
        "compare",
        "summary",
        "zoo",
        "import",
        "export",
        "data",
        "devices",
    ];
    others
        .into_iter()
        .zip(TASKS.len() + 1..)
        .fold(with_tasks, |command, (name, order)| command.mut_subcommand(name, |other| other.display_order(order)))
}
