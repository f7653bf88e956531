//! `train`: recurrent networks from the command line.
//!
//! `train TASK` turns the command line into a checked configuration and trains a run in its own folder, from which
//! `train predict` predicts. Exit codes: 0 success; 2 bad input; 130 interrupted; 1 any other error.

// The types of Burn's GPU backends exceed the compiler's default.
#![recursion_limit = "256"]

mod args;
mod backtest;
mod cli;
mod compare;
mod complete;
mod data;
mod demo;
mod device;
mod error;
mod exchange;
mod folder;
mod interrupt;
mod language_model;
mod listen;
mod microphone;
mod output;
mod plots;
mod progress;
mod ranks;
mod report;
mod settings;
mod tasks;
mod threads;
mod zoo;

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use anyhow::Result;

use crate::cli::{Command, Parsed};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ranks::start();
    let parsed = cli::parse();
    // Burn panics if a device fails; the panic message is printed already.
    match std::panic::catch_unwind(AssertUnwindSafe(|| start().and_then(|()| run(parsed)))) {
        Ok(Ok(code)) => {
            ranks::leave();
            code
        }
        Ok(Err(error)) => {
            let code = if error::is_bad_input(&error) { 2 } else { 1 };
            ranks::fail(format!("error: {}", error::describe(&error)), code)
        }
        Err(_) => ranks::fail(device::advice().map_or_else(String::new, |advice| format!("error: {advice}")), 1),
    }
}

/// Prepares what all commands need.
fn start() -> Result<()> {
    interrupt::exit_on_ctrl_c("interrupted")?;
    threads::join_pool()
}

fn run(mut parsed: Parsed) -> Result<ExitCode> {
    if !parsed.is_training() {
        ranks::refuse()?;
    }
    let _unpacked = parsed.read_run().map(zoo::unpack).transpose()?;
    match parsed {
        Parsed::Train(task, matches) => task.train(&matches),
        Parsed::Predict(args, matches) => tasks::predict(&args, &matches),
        Parsed::Backtest(matches) => backtest::run(&matches),
        Parsed::Other(command) => match command {
            Command::Demo(args) => demo::run(args),
            Command::Resume(args) => tasks::resume(&args),
            Command::Evaluate(args) => tasks::evaluate(&args),
            Command::Predict(_) => unreachable!("parsed as Parsed::Predict"),
            Command::Complete(args) => complete::run(&args),
            Command::Listen(args) => listen::run(&args),
            Command::Compare(args) => compare::run(*args),
            Command::Summary(args) => tasks::summary(&args),
            Command::Zoo(command) => zoo::run(&command),
            Command::Import(args) => exchange::import(&args),
            Command::Export(args) => exchange::export_run(&args),
            Command::Data(command) => data::run(command),
            Command::Devices => device::list(),
        },
    }
}
