//! The commands of any task.

use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use burn::tensor::Device;
use clap::{ArgMatches, Args, FromArgMatches};
use recurrent::fit::ranks::{Alone, Ranks};
use recurrent::fit::{Callbacks, History, StopReason};
use recurrent::models::Summary;
use recurrent::settings::Settings;
use recurrent::{Partial, Run, TaskConfig, TaskSource};

use super::command_line::{CommandLine, Import};
use crate::args::{NewRunArgs, PredictArgs, ResumeArgs, RunArgs};
use crate::error::with_flags;
use crate::interrupt::{self, INTERRUPTED};
use crate::output::{note, print};
use crate::report::{Block, Section};
use crate::{device, folder, plots, progress, ranks, settings};

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
    /// How `train import` makes a run, if it can.
    fn import(&self) -> Option<Import>;
    /// Reads a file of settings.
    fn read_settings(&self, path: &Path) -> recurrent::Result<Partial>;
}

/// The [`TaskCommand`] of a task.
pub struct Entry<T>(PhantomData<fn() -> T>);

impl<T> Entry<T> {
    /// The only value.
    pub const NEW: Self = Self(PhantomData);
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
        let ranks = ranks::join(&args.ranks)?;
        let device = device::open(&args.device)?;
        let run = Run::<T>::on_ranks(&*ranks, || {
            let (config, source) = configure::<T>(&args, &options, matches)?;
            let folder = args.out.clone().unwrap_or_else(|| folder::new(&run_name(T::Config::TASK, &config)));
            anyhow::Ok(Run::<T>::create(config, source, &folder, args.force)?)
        })?;
        if ranks.is_first() {
            print_summary(&run, &device);
            T::before_training(&run, &options);
        }
        finish(&run, &device, ranks)
    }

    fn resume(&self, args: &ResumeArgs) -> Result<ExitCode> {
        let ranks = ranks::join(&args.ranks)?;
        let device = device::open(&args.run.device)?;
        let run = Run::<T>::on_ranks(&*ranks, || {
            let run = Run::<T>::open_locked(&args.run.run)?;
            match args.epochs {
                Some(epochs) => run.with_epochs(epochs),
                None => Ok(run),
            }
        })?;
        finish(&run, &device, ranks)
    }

    fn evaluate(&self, args: &RunArgs) -> Result<()> {
        let device = device::open(&args.device)?;
        T::evaluate_and_print(&Run::open_locked(&args.run)?, &device)?;
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
        train(&run, device, false, Arc::new(Alone))
    }

    fn import(&self) -> Option<Import> {
        T::IMPORT
    }

    fn read_settings(&self, path: &Path) -> recurrent::Result<Partial> {
        Partial::read(path, T::Config::TASK, T::Config::settings())
    }
}

/// The settings of a new run, and its data: what was typed, then a file of settings, then the defaults for the data.
pub fn configure<T: CommandLine>(
    args: &NewRunArgs,
    options: &T::TrainOptions,
    matches: &ArgMatches,
) -> Result<(T::Config, T::Source)> {
    let mut given = settings::typed::<T::Config>(matches);
    if let Some(path) = &args.config {
        given = given.or(Entry::<T>::NEW.read_settings(path)?);
    }
    if let Some(from) = given.get::<String>("from") {
        given = given.or(recurrent::base_settings::<T>(&from)?);
    }
    let source = T::Source::open::<T::Config>(&given)?;
    let defaults = T::with_options(T::default_config(&source, &given)?, options);
    if given.get::<String>("sha256").is_some_and(|sha256| sha256 != defaults.sha256()) {
        note(format!("note: {} has changed since this configuration was made: results will differ", defaults.data()));
    }
    Ok((given.apply(&defaults)?, source))
}

/// `forecast-weather-lstm`: command, data, and cell if the task has one.
pub fn run_name<C: TaskConfig>(command: &str, config: &C) -> String {
    let path = PathBuf::from(config.data());
    let data = path.file_stem().map_or_else(|| config.data().to_string(), |stem| stem.to_string_lossy().into_owned());
    let cell = Partial::from(config).get::<String>("cell").map_or_else(String::new, |cell| format!("-{cell}"));
    format!("{command}-{data}{cell}")
}

/// Prints the network and the data of a run.
pub fn print_summary<T: CommandLine>(run: &Run<T>, device: &Device) {
    print(run.summary(device));
    print(format!("\n{}", T::describe(run)));
    if let Some(from) = &run.config().fit().from {
        print(format!("Training starts from the network of {from}."));
    }
    for text in run.notes() {
        note(format!("note: {}", with_flags(&text, T::Config::settings())));
    }
}

/// Trains until the end or an interruption, and prints the result.
fn finish<T: CommandLine>(run: &Run<T>, device: &Device, ranks: Arc<dyn Ranks>) -> Result<ExitCode> {
    if !ranks.is_first() {
        let (_, reason) = run.fit(device, Callbacks { ranks, ..Callbacks::quiet() })?;
        return Ok(match reason {
            StopReason::Interrupted => ExitCode::from(INTERRUPTED),
            _ => ExitCode::SUCCESS,
        });
    }
    Ok(match train(run, device, T::DASHBOARD, ranks)? {
        Trained::Evaluated(_) => {
            let folder = run.run_dir().root().display();
            print(format!("\nThe run is in {folder}, plots in {folder}/plots. {}", T::next_command(run)));
            ExitCode::SUCCESS
        }
        Trained::Interrupted => ExitCode::from(INTERRUPTED),
    })
}

/// Trains until the end or an interruption, and evaluates; `dashboard` as [`CommandLine::DASHBOARD`].
fn train<T: CommandLine>(run: &Run<T>, device: &Device, dashboard: bool, ranks: Arc<dyn Ranks>) -> Result<Trained> {
    let fit = run.config().fit();
    let size = progress::TrainingSize { epochs: fit.epochs, items: run.items(), unit: T::ITEMS };
    let callbacks = progress::callbacks(size, dashboard, T::after_epoch(run, device))?;
    let (history, reason) = run.fit(device, Callbacks { ranks, ..callbacks })?;
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
    interrupt::exit_on_ctrl_c(format!("interrupted; to score the trained network: train evaluate {folder}"))?;
    let mut section = T::evaluate_and_print(run, device)?;
    interrupt::exit_on_ctrl_c("interrupted")?;
    section.blocks.push(Block::Plot { caption: "The loss of every epoch.".into(), svg: losses });
    Ok(Trained::Evaluated(section))
}

/// Plots the loss of every epoch into the run's folder.
pub fn plot_losses<T: CommandLine>(run: &Run<T>, history: &History) -> Result<String> {
    let train: Vec<f64> = history.epochs.iter().map(|epoch| epoch.train_loss).collect();
    let valid: Vec<f64> = history.epochs.iter().map(|epoch| epoch.valid_loss).collect();
    let best = history.best().map(|best| best.epoch);
    let svg = plots::loss_curves(T::LOSS, &train, &valid, best)?;
    run.run_dir().write("plots/loss.svg", &svg)?;
    Ok(svg)
}
