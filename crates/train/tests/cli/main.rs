//! The program as its users meet it: typed commands, exit codes, files.

mod bad_input;
mod classify;
mod compare;
mod data;
mod forecast;
mod generate;
mod help;
mod program;
mod resume;
#[path = "../../../recurrent-data/tests/fetch/server.rs"]
mod server;
mod text_bad_input;
mod translate;
