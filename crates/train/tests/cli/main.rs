//! The program as its users meet it: typed commands, exit codes, files.

mod bad_input;
mod compare;
mod data;
mod forecast;
mod generate;
mod help;
mod program;
mod resume;
mod classify;
#[path = "../../../recurrent-data/tests/fetch/server.rs"]
mod server;
mod text_bad_input;
mod translate;
