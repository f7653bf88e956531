//! `train`: recurrent networks from the command line.
//!
//! The command line becomes a checked configuration, the configuration a run in a folder of its own, and the folder a
//! predictor. Exit codes: 0 done; 2 bad input, with where and what was expected; 130 interrupted, with what was done so
//! far kept; 1 anything else.

// The macros of Burn's GPU backends nest deeper than the compiler's default.
#![recursion_limit = "256"]

mod cli;
mod compare;
mod complete;
mod data;
mod demo;
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

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use anyhow::Result;

use crate::cli::{Command, Typed};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let typed = cli::parse();
    // Burn panics where a device fails, after a message of its own.
    match std::panic::catch_unwind(AssertUnwindSafe(|| threads::join_in().and_then(|()| run(typed)))) {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => {
            output::note(format!("error: {}", cli::describe(&error)));
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

fn run(typed: Typed) -> Result<ExitCode> {
    match typed {
        Typed::Train(task, matches) => task.train(&matches),
        Typed::Predict(args, matches) => tasks::predict(&args, &matches),
        Typed::Other(command) => match command {
            Command::Demo(args) => demo::run(args),
            Command::Resume(args) => tasks::resume(&args),
            Command::Evaluate(args) => tasks::evaluate(&args),
            Command::Predict(_) => unreachable!("parsed as a prediction"),
            Command::Complete(args) => complete::run(&args),
            Command::Compare(args) => compare::run(*args),
            Command::Summary(args) => tasks::summary(&args),
            Command::Data(command) => data::run(command),
            Command::Devices => device::list(),
        },
    }
}
