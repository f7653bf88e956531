//! The commands of the tasks: one file per task, and one line in [`TASKS`].

mod classify;
mod command_line;
mod compose;
mod forecast;
mod generate;
mod sampling;
mod sentences;
mod task_command;
mod transcribe;
mod translate;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args};
use recurrent::RunDir;
use recurrent::forecast::Backtest;
use recurrent_study::Comparison;

use self::task_command::Entry;
use crate::args::{PredictArgs, ResumeArgs, RunArgs};
use crate::device::{self, DeviceArgs};
use crate::error::BadInput;
use crate::output::print;
use crate::{backtest, compare, zoo};

pub use self::command_line::{Import, NoOptions, write_scores};
pub use self::sentences::{decode, note_unknown};
pub use self::task_command::{TaskCommand, Trained, configure, plot_losses, print_summary, run_name};

/// All tasks, in the order of the lecture.
pub static TASKS: &[&dyn TaskCommand] = &[
    &Entry::<recurrent::forecast::Forecasting>::NEW,
    &Entry::<recurrent::generate::Generation>::NEW,
    &Entry::<recurrent::translate::Translating>::NEW,
    &Entry::<recurrent::classify::Classifying>::NEW,
    &Entry::<recurrent::transcribe::Transcribing>::NEW,
    &Entry::<recurrent::compose::Composing>::NEW,
];

/// The tasks that `train import` makes runs of.
pub fn importable() -> impl Iterator<Item = (&'static dyn TaskCommand, Import)> {
    TASKS.iter().filter_map(|task| Some((*task, task.import()?)))
}

#[derive(Debug, Args)]
pub struct SummaryArgs {
    /// A task, a run's folder, or a pretrained model such as zoo:sentiment-en
    #[arg(value_name = "TASK|RUN")]
    pub of: PathBuf,
    #[command(flatten)]
    pub device: DeviceArgs,
}

/// The task of the run in a folder.
fn task_of(folder: &Path) -> Result<&'static dyn TaskCommand> {
    let found = RunDir::open(folder)?.header()?.task;
    TASKS.iter().find(|task| task.name() == found).copied().ok_or_else(|| {
        let known: Vec<&str> = TASKS.iter().map(|task| task.name()).collect();
        let folder = folder.display();
        BadInput(format!("{folder}: expected a run of {}, found one of `{found}`", known.join(", "))).into()
    })
}

/// `train resume`.
pub fn resume(args: &ResumeArgs) -> Result<ExitCode> {
    zoo::refuse(&args.run.run, "resume")?;
    if Comparison::is_in(&args.run.run) {
        return compare::resume(args);
    }
    if Backtest::is_in(&args.run.run) {
        return backtest::resume(args);
    }
    task_of(&args.run.run)?.resume(args)
}

/// `train evaluate`.
pub fn evaluate(args: &RunArgs) -> Result<ExitCode> {
    task_of(&args.run)?.evaluate(args)?;
    Ok(ExitCode::SUCCESS)
}

/// Adds the options of all tasks to `predict`, each once.
pub fn add_predict_options(mut command: clap::Command) -> clap::Command {
    for task in TASKS {
        for arg in task.predict_options().get_arguments() {
            if command.get_arguments().all(|known| known.get_id() != arg.get_id()) {
                command = command.arg(arg.clone());
            }
        }
    }
    command
}

/// `train predict`. Options of other tasks are rejected.
pub fn predict(args: &PredictArgs, matches: &ArgMatches) -> Result<ExitCode> {
    let task = task_of(&args.run.run)?;
    let has_option =
        |task: &dyn TaskCommand, id: &str| task.predict_options().get_arguments().any(|arg| arg.get_id() == id);
    for id in matches.ids().map(clap::Id::as_str) {
        let typed = matches.value_source(id) == Some(ValueSource::CommandLine);
        let owners: Vec<String> =
            TASKS.iter().filter(|task| has_option(**task, id)).map(|task| format!("`{}`", task.name())).collect();
        if typed && !owners.is_empty() && !has_option(task, id) {
            let option = if id == "sentences" { "SENTENCE".into() } else { format!("--{}", id.replace('_', "-")) };
            let (run, owners) = (args.run.run.display(), listed(&owners));
            let name = task.name();
            return Err(
                BadInput(format!("{option}: it is for runs of {owners}, and {run} is a run of `{name}`")).into()
            );
        }
    }
    task.predict(args, matches)?;
    Ok(ExitCode::SUCCESS)
}

/// `a`, `a and b`, or `a, b and c`.
fn listed(items: &[String]) -> String {
    match items {
        [most @ .., last] if !most.is_empty() => format!("{} and {last}", most.join(", ")),
        _ => items.concat(),
    }
}

/// `train summary`.
pub fn summary(args: &SummaryArgs) -> Result<ExitCode> {
    let device = device::open(&args.device)?;
    let is_name = |name: &str| args.of.as_os_str() == name;
    let named = TASKS.iter().find(|task| is_name(task.name()) || task.aliases().iter().any(|alias| is_name(alias)));
    print(match named {
        Some(task) => task.summary(None, &device)?,
        None => task_of(&args.of)?.summary(Some(&args.of), &device)?,
    });
    Ok(ExitCode::SUCCESS)
}
