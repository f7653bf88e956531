//! The program as its users meet it: typed commands, exit codes, files.

mod bad_input;
mod data;
mod forecast;
mod program;
mod resume;
#[path = "../../../recurrent-data/tests/fetch/server.rs"]
mod server;
