//! The commands of the tasks: one file per task, and one line in [`TASKS`].

mod classify;
mod forecast;
mod generate;
mod sentences;
mod translate;

use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use burn::tensor::Device;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, FromArgMatches};
use recurrent::Partial;
use recurrent::fit::{AfterEpoch, History, StopReason};
use recurrent::models::Summary;
use recurrent::settings::Settings;
use recurrent::{Run, RunDir, Task, TaskConfig, TaskSource, replace};
use recurrent_study::Comparison;
use serde::Serialize;

use crate::cli::{BadInput, Format, NewRunArgs, PredictArgs, ResumeArgs, RunArgs, SummaryArgs, with_flags};
use crate::interrupt::INTERRUPTED;
use crate::output::{note, print};
use crate::report::{Block, Section};
use crate::{compare, device, folder, plots, progress, settings};

/// All tasks, in the order of the lecture.
pub static TASKS: &[&dyn TaskCommand] = &[
    &Entry::<recurrent::forecast::Forecasting>::NEW,
    &Entry::<recurrent::generate::Generation>::NEW,
    &Entry::<recurrent::translate::Translating>::NEW,
    &Entry::<recurrent::classify::Classifying>::NEW,
];

/// A task's part of the command line.
pub trait CommandLine: Task {
    /// The help text of its command.
    const ABOUT: &'static str;
    /// Other names of its command.
    const ALIASES: &'static [&'static str] = &[];
    /// The title of the plot of its loss.
    const LOSS: &'static str;
    /// Whether training shows burn-train's dashboard, if there is a terminal.
    const DASHBOARD: bool = true;

    /// Options of training that are not settings.
    type TrainOptions: Args;
    /// Options of a prediction.
    type PredictOptions: Args;

    /// The default settings for these options of training.
    fn with_options(defaults: Self::Config, options: &Self::TrainOptions) -> Self::Config {
        let _ = options;
        defaults
    }

    /// A sentence about the run, printed before training.
    fn describe(run: &Run<Self>) -> String;

    /// Called before the first step, for the options of training.
    fn before_training(run: &Run<Self>, options: &Self::TrainOptions) {
        let _ = (run, options);
    }

    /// A function that is called after each epoch, after the line about its loss.
    fn after_epoch(run: &Run<Self>, device: &Device) -> AfterEpoch {
        let _ = (run, device);
        Box::new(|_| ())
    }

    /// Evaluates a run, prints its scores, and writes scores and plots into its folder; returns them for a report.
    fn evaluate_and_print(run: &Run<Self>, device: &Device) -> Result<Section>;

    /// The command to use the run with, in a sentence.
    fn next_command(run: &Run<Self>) -> String;

    /// Predicts with a run.
    fn predict(args: &PredictArgs, options: &Self::PredictOptions, device: &Device) -> Result<()>;

    /// The layers of the task's default network, or of the lecture's.
    fn default_summary(device: &Device) -> Result<Summary>;

    /// Reduces the default settings to the time that the demo has.
    fn shorten(config: &mut Self::Config) {
        let _ = config;
    }
}

/// No options.
#[derive(Debug, Default, Args)]
pub struct NoOptions {}

/// The result of training.
pub enum Trained {
    /// It finished, and was evaluated.
    Evaluated(Section),
    /// It was interrupted.
    Interrupted,
}

/// The commands of a task, independent of its types.
pub trait TaskCommand: Sync {
    /// The name of the task and its command.
    fn name(&self) -> &'static str;
    /// Other names of its command.
    fn aliases(&self) -> &'static [&'static str];
    /// The command that trains a run.
    fn command(&self) -> clap::Command;
    /// The options of a prediction.
    fn predict_options(&self) -> clap::Command;
    /// `train TASK`.
    fn train(&self, matches: &ArgMatches) -> Result<ExitCode>;
    /// `train resume`.
    fn resume(&self, args: &ResumeArgs) -> Result<ExitCode>;
    /// `train evaluate`.
    fn evaluate(&self, args: &RunArgs) -> Result<()>;
    /// `train predict`.
    fn predict(&self, args: &PredictArgs, matches: &ArgMatches) -> Result<()>;
    /// `train summary`.
    fn summary(&self, run: Option<&Path>, device: &Device) -> Result<Summary>;
    /// Trains a small run for the demo.
    fn demo(&self, folder: &Path, device: &Device) -> Result<Trained>;
}

/// The [`TaskCommand`] of a task.
struct Entry<T>(PhantomData<fn() -> T>);

impl<T> Entry<T> {
    const NEW: Self = Self(PhantomData);
}

impl<T: CommandLine> TaskCommand for Entry<T> {
    fn name(&self) -> &'static str {
        T::Config::TASK
    }

    fn aliases(&self) -> &'static [&'static str] {
        T::ALIASES
    }

    fn command(&self) -> clap::Command {
        let command = clap::Command::new(T::Config::TASK).args(settings::args::<T::Config>());
        // Derived arguments bring the documentation of their struct as an about text, so the task's comes last.
        NewRunArgs::augment_args(T::TrainOptions::augment_args(command))
            .about(T::ABOUT)
            .visible_aliases(T::ALIASES.iter().copied())
    }

    fn predict_options(&self) -> clap::Command {
        T::PredictOptions::augment_args(clap::Command::new(T::Config::TASK))
    }

    fn train(&self, matches: &ArgMatches) -> Result<ExitCode> {
        let args = NewRunArgs::from_arg_matches(matches)?;
        let options = T::TrainOptions::from_arg_matches(matches)?;
        let device = device::open(&args.device)?;
        let mut given = settings::typed::<T::Config>(matches);
        if let Some(path) = &args.config {
            given = given.or(Partial::read(path, T::Config::TASK, T::Config::settings())?);
        }
        let source = T::Source::open::<T::Config>(&given)?;
        let defaults = T::with_options(T::default_config(&source, &given)?, &options);
        if given.get::<String>("sha256").is_some_and(|sha256| sha256 != defaults.sha256()) {
            note(format!(
                "note: {} has changed since this configuration was made: results will differ",
                defaults.data()
            ));
        }
        let config = given.apply(&defaults)?;
        let folder = args.out.clone().unwrap_or_else(|| folder::new(&run_name(&config)));
        let run = Run::<T>::create(config, source, &folder, args.force)?;
        print_summary(&run, &device);
        T::before_training(&run, &options);
        finish(&run, &device)
    }

    fn resume(&self, args: &ResumeArgs) -> Result<ExitCode> {
        let device = device::open(&args.run.device)?;
        let run = Run::<T>::open(&args.run.run)?;
        let run = match args.epochs {
            Some(epochs) => run.with_epochs(epochs)?,
            None => run,
        };
        finish(&run, &device)
    }

    fn evaluate(&self, args: &RunArgs) -> Result<()> {
        let device = device::open(&args.device)?;
        T::evaluate_and_print(&Run::open(&args.run)?, &device)?;
        Ok(())
    }

    fn predict(&self, args: &PredictArgs, matches: &ArgMatches) -> Result<()> {
        let options = T::PredictOptions::from_arg_matches(matches)?;
        T::predict(args, &options, &device::open(&args.run.device)?)
    }

    fn summary(&self, run: Option<&Path>, device: &Device) -> Result<Summary> {
        match run {
            Some(folder) => Ok(Run::<T>::open(folder)?.summary(device)),
            None => T::default_summary(device),
        }
    }

    fn demo(&self, folder: &Path, device: &Device) -> Result<Trained> {
        let source = T::Source::open::<T::Config>(&Partial::default())?;
        let mut config = T::default_config(&source, &Partial::default())?;
        T::shorten(&mut config);
        let run = Run::<T>::create(config, source, folder, false)?;
        print_summary(&run, device);
        // No dashboard, so that all lines stay readable.
        train(&run, device, false)
    }
}

/// `forecast-weather-lstm`: task, data, and cell if the task has one.
fn run_name<C: TaskConfig>(config: &C) -> String {
    let path = PathBuf::from(config.data());
    let data = path.file_stem().map_or_else(|| config.data().to_string(), |stem| stem.to_string_lossy().into_owned());
    let cell = Partial::from(config).get::<String>("cell").map_or_else(String::new, |cell| format!("-{cell}"));
    format!("{}-{data}{cell}", C::TASK)
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
    if Comparison::is_in(&args.run.run) {
        return compare::resume(args);
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
            let (run, owners) = (args.run.run.display(), owners.join(" and "));
            let name = task.name();
            return Err(
                BadInput(format!("{option}: it is for runs of {owners}, and {run} is a run of `{name}`")).into()
            );
        }
    }
    task.predict(args, matches)?;
    Ok(ExitCode::SUCCESS)
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

/// Prints the network and the data of a run.
fn print_summary<T: CommandLine>(run: &Run<T>, device: &Device) {
    print(run.summary(device));
    print(format!("\n{}", T::describe(run)));
    for text in run.notes() {
        note(format!("note: {}", with_flags(&text, T::Config::settings())));
    }
}

/// Trains until the end or an interruption, and prints the result.
fn finish<T: CommandLine>(run: &Run<T>, device: &Device) -> Result<ExitCode> {
    Ok(match train(run, device, T::DASHBOARD)? {
        Trained::Evaluated(_) => {
            let folder = run.run_dir().root().display();
            print(format!("\nThe run is in {folder}, plots in {folder}/plots. {}", T::next_command(run)));
            ExitCode::SUCCESS
        }
        Trained::Interrupted => ExitCode::from(INTERRUPTED),
    })
}

/// Trains until the end or an interruption, and evaluates; `dashboard` as [`CommandLine::DASHBOARD`].
fn train<T: CommandLine>(run: &Run<T>, device: &Device, dashboard: bool) -> Result<Trained> {
    let fit = run.config().fit();
    let size = progress::TrainingSize { epochs: fit.epochs, items: run.items(), unit: T::ITEMS };
    let callbacks = progress::callbacks(size, dashboard, T::after_epoch(run, device))?;
    let (history, reason) = run.fit(device, callbacks)?;
    let folder = run.run_dir().root().display();
    let Some(best) = history.best() else {
        print(format!("\nInterrupted in the first epoch. To continue: train resume {folder}"));
        return Ok(Trained::Interrupted);
    };
    let losses = plot_losses(run, &history)?;
    match reason {
        StopReason::Finished => {
            print(format!("\nAll {} epochs are done; the best is epoch {}.", fit.epochs, best.epoch))
        }
        StopReason::Patience => print(format!(
            "\nStopped early: no better validation loss since epoch {} (--patience {}).",
            best.epoch, fit.patience
        )),
        StopReason::Interrupted => {
            let done = history.epochs.len();
            print(format!("\nInterrupted after {done} of {} epochs. To continue: train resume {folder}", fit.epochs));
            return Ok(Trained::Interrupted);
        }
    }
    let mut section = T::evaluate_and_print(run, device)?;
    section.blocks.push(Block::Plot { caption: "The loss of every epoch.".into(), svg: losses });
    Ok(Trained::Evaluated(section))
}

fn plot_losses<T: CommandLine>(run: &Run<T>, history: &History) -> Result<String> {
    let train: Vec<f64> = history.epochs.iter().map(|epoch| epoch.train_loss).collect();
    let valid: Vec<f64> = history.epochs.iter().map(|epoch| epoch.valid_loss).collect();
    let best = history.best().map(|best| best.epoch);
    let svg = plots::loss_curves(T::LOSS, &train, &valid, best)?;
    run.run_dir().write("plots/loss.svg", &svg)?;
    Ok(svg)
}

/// Writes a plot into the run's folder; returns it for a report.
fn save_plot<T: Task>(run: &Run<T>, name: &str, caption: &str, svg: String) -> Result<Block> {
    run.run_dir().write(&format!("plots/{name}.svg"), &svg)?;
    Ok(Block::Plot { caption: caption.into(), svg })
}

/// Writes scores into the run's folder.
fn write_scores<T: Task>(run: &Run<T>, scores: &impl Serialize) -> Result<()> {
    let scores = serde_json::to_string_pretty(scores).context("scores cannot be written as JSON")?;
    Ok(run.run_dir().write("scores.json", scores + "\n")?)
}

/// Writes a prediction to a file or to standard output.
fn write_output(args: &PredictArgs, text: &str) -> Result<()> {
    match &args.output {
        Some(path) => replace(path, text.as_bytes())?,
        None => print(text.trim_end_matches('\n')),
    }
    Ok(())
}

/// The format of a prediction; the first supported one is the default.
fn format(args: &PredictArgs, supported: &[Format]) -> Result<Format> {
    let format = args.format.unwrap_or(supported[0]);
    if supported.contains(&format) {
        return Ok(format);
    }
    let supported: Vec<String> = supported.iter().map(|format| format!("{format:?}").to_lowercase()).collect();
    let found = format!("{format:?}").to_lowercase();
    Err(BadInput(format!("--format: expected {} for this run, found {found}", supported.join(" or "))).into())
}
