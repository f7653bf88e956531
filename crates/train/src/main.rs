//! `train`: recurrent networks from the command line.
//!
//! What was typed becomes a complete and checked plan, the plan a run in a folder of its own, the run a bundle that
//! predicts. Exit codes: 0 done; 2 what was given is wrong, with where and what was expected; 130 interrupted, with
//! what was done so far kept; 1 anything else.

// The macros of Burn's GPU backends nest deeper than the compiler's default.
#![recursion_limit = "256"]

mod cli;
mod device;
mod folder;
mod forecast;
mod interrupt;
mod picture;
mod progress;
mod speak;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let command = Cli::parse().command.unwrap_or_default();
    let done = match command {
        Command::Forecast(args) => forecast::train(*args),
        Command::Resume(args) => forecast::resume(args),
        Command::Evaluate(args) => forecast::evaluate(args),
        Command::Predict(args) => forecast::predict(args),
        Command::Summary(args) => forecast::summary(args),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            speak::note(format!("error: {error}"));
            ExitCode::from(if cli::is_bad_input(&error) { 2 } else { 1 })
        }
    }
}
