//! The program `train` as a user runs it: commands, exit codes, output and files.

mod backtest;
mod bad_input;
mod bundle;
mod checkpoints;
mod classify;
mod compare;
mod compose;
mod data;
mod exchange;
mod faults;
mod forecast;
mod forecast_covariates;
mod generate;
mod help;
mod listen;
mod numeric_flags;
mod program;
mod ranks;
mod resume;
#[path = "../../../recurrent-data/tests/fetch/server.rs"]
mod server;
mod sizes;
mod text_bad_input;
mod translate;
mod zoo;
