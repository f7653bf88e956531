//! `train backtest`: forecasts from many origins, over several folds of the past.

mod args;
mod page;

use std::process::ExitCode;

use anyhow::Result;
use burn::tensor::Device;
use clap::{ArgMatches, Args, FromArgMatches};
use recurrent::data::DataSource;
use recurrent::fit::{History, StopReason};
use recurrent::forecast::{Backtest, BacktestScores, Fold, ForecastConfig, ForecastRun, Forecasting};
use recurrent::prelude::*;

use self::args::BacktestArgs;
use self::page::Final;
use crate::args::{NewRunArgs, ResumeArgs};
use crate::error::BadInput;
use crate::interrupt::{self, INTERRUPTED};
use crate::output::print;
use crate::tasks::{NoOptions, configure, plot_losses, print_summary, run_name, write_scores};
use crate::{device, folder, progress, settings};

/// The name of the command.
pub const NAME: &str = "backtest";

/// The command, with all settings of a forecast.
pub fn command() -> clap::Command {
    let command = clap::Command::new(NAME).args(settings::args::<ForecastConfig>());
    BacktestArgs::augment_args(NewRunArgs::augment_args(command))
        .about("Train and evaluate forecasts over several folds of the past, beside baselines")
}

/// `train backtest`.
pub fn run(matches: &ArgMatches) -> Result<ExitCode> {
    let args = NewRunArgs::from_arg_matches(matches)?;
    let options = BacktestArgs::from_arg_matches(matches)?;
    let device = device::open(&args.device)?;
    let (forecast, source): (ForecastConfig, DataSource) = configure::<Forecasting>(&args, &NoOptions {}, matches)?;
    let folder = args.out.clone().unwrap_or_else(|| folder::new(&run_name(NAME, &forecast)));
    measure(&Backtest::create(options.config(forecast), source, &folder, args.force)?, &device)
}

/// `train resume` for a backtest.
pub fn resume(args: &ResumeArgs) -> Result<ExitCode> {
    if args.epochs.is_some() {
        return Err(BadInput("--epochs: expected none: the folds of a backtest have the same epochs".into()).into());
    }
    let device = device::open(&args.run.device)?;
    measure(&Backtest::open(&args.run.run)?, &device)
}

/// Trains and evaluates all folds, and the final run; prints the tables and writes the report.
fn measure(backtest: &Backtest, device: &Device) -> Result<ExitCode> {
    let network = network(backtest);
    let (mut scores, mut histories) = (BacktestScores::default(), Vec::new());
    for fold in backtest.folds() {
        let run = backtest.run(fold)?;
        if fold.number() == 1 {
            print_summary(&run, device);
        }
        print(format!("\n{}", describe(backtest, fold)));
        let Some(history) = fit(backtest, &run, device)? else { return Ok(interrupted(backtest)) };
        if backtest.config().refit || fold.number() == 1 {
            histories.push(history);
        }
        let forecasts = run.evaluate(device)?;
        write_scores(&run, &forecasts.scores(&network))?;
        scores.add(fold, &network, &forecasts);
    }
    backtest.write_scores(&scores)?;
    for table in scores.tables() {
        print(format!("\n{table}"));
    }
    let last = match backtest.config().train_final {
        true => match train_final(backtest, &histories, device)? {
            Some(last) => Some(last),
            None => return Ok(interrupted(backtest)),
        },
        false => None,
    };
    let report = page::report(backtest, &scores, last.as_ref())?.to_html();
    backtest.run_dir().write("report.html", report)?;
    let root = backtest.run_dir().root().display();
    let example = if last.is_some() { "final" } else { "fold-1" };
    print(format!("\nThe report, with plots: {root}/report.html. To forecast: train predict {root}/{example}"));
    Ok(ExitCode::SUCCESS)
}

/// The name of the network in tables.
fn network(backtest: &Backtest) -> String {
    backtest.config().forecast.cell.to_string().to_uppercase()
}

/// A sentence about a fold.
fn describe(backtest: &Backtest, fold: &Fold) -> String {
    let ([from, to], [train, valid, _]) = (fold.labels(), fold.split());
    let is_new = backtest.config().refit || fold.number() == 1;
    let network = if is_new { "" } else { ", the network of fold 1" };
    format!(
        "Fold {} of {}: {train} rows for training, {valid} for validation, {} origins from {from} to {to}{network}.",
        fold.number(),
        backtest.folds().len(),
        fold.origins().len()
    )
}

/// Trains a run as far as it is not trained; `None` if it is interrupted.
fn fit(backtest: &Backtest, run: &ForecastRun, device: &Device) -> Result<Option<History>> {
    let epochs = run.config().fit.epochs;
    let size = progress::TrainingSize { epochs, items: run.items(), unit: Forecasting::ITEMS };
    // No dashboard, so that the lines about the folds stay readable.
    let (history, reason) = run.fit(device, progress::callbacks(size, false, Box::new(|_| ()))?)?;
    if reason == StopReason::Interrupted {
        return Ok(None);
    }
    interrupt::exit_on_ctrl_c(format!("interrupted; {}", next_command(backtest)))?;
    plot_losses(run, &history)?;
    Ok(Some(history))
}

fn next_command(backtest: &Backtest) -> String {
    format!("to continue: train resume {}", backtest.run_dir().root().display())
}

fn interrupted(backtest: &Backtest) -> ExitCode {
    print(format!("\nInterrupted; {}", next_command(backtest)));
    ExitCode::from(INTERRUPTED)
}

/// Trains the final run, for the median of the best epochs; `None` if it is interrupted.
fn train_final(backtest: &Backtest, histories: &[History], device: &Device) -> Result<Option<Final>> {
    let epochs = Backtest::final_epochs(histories);
    let run = backtest.final_run(epochs)?;
    print(format!("\nThe final run: {epochs} epoch(s), {} windows.", run.items()));
    if fit(backtest, &run, device)?.is_none() {
        return Ok(None);
    }
    run.keep_last_epoch(device)?;
    let forecasts = run.evaluate(device)?;
    write_scores(&run, &forecasts.scores(&network(backtest)))?;
    let forecast = run.predictor(device)?.forecast(None)?;
    Ok(Some(Final { epochs, series: forecasts.series().clone(), forecast }))
}
