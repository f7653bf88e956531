//! The program as its users meet it: typed commands, exit codes, files.

mod bad_input;
mod forecast;
mod program;
mod resume;
