//! `train`: recurrent networks from the command line.
//!
//! What was typed becomes a complete and checked plan, the plan a run in a folder of its own, the run a run_dir that
//! predicts. Exit codes: 0 done; 2 what was given is wrong, with where and what was expected; 130 interrupted, with
//! what was done so far kept; 1 anything else.

// The macros of Burn's GPU backends nest deeper than the compiler's default.
#![recursion_limit = "256"]

mod cli;
mod compare;
mod complete;
mod data;
mod device;
mod folder;
mod interrupt;
mod output;
mod plots;
mod progress;
mod report;
mod settings;
mod tasks;
mod threads;
mod tour;

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use crate::cli::{Cli, Command};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let command = Cli::parse().command.unwrap_or_default();
    // Burn panics where a device fails; the panic has said what it was.
    match std::panic::catch_unwind(AssertUnwindSafe(|| threads::join_in().and_then(|()| run(command)))) {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => {
            output::note(format!("error: {error}"));
            ExitCode::from(if cli::is_bad_input(&error) { 2 } else { 1 })
        }
        Err(_) => {
            if let Some(advice) = device::advice() {
                output::note(format!("error: {advice}"));
            }
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Tour(args) => tour::run(args),
        Command::Forecast(args) => tasks::forecast::train(&args),
        Command::Generate(args) => tasks::generate::train(&args),
        Command::Translate(args) => tasks::translate::train(&args),
        Command::Sentiment(args) => tasks::classify::train(&args),
        Command::Resume(args) => tasks::resume(&args),
        Command::Evaluate(args) => tasks::evaluate(&args),
        Command::Predict(args) => tasks::predict(&args),
        Command::Complete(args) => complete::run(&args),
        Command::Summary(args) => tasks::summary(&args),
        Command::Compare(args) => compare::run(*args),
        Command::Data(command) => data::run(command),
        Command::Devices => device::list(),
    }
}
