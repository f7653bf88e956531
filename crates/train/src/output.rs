//! Standard output and standard error.

use std::fmt::Display;
use std::io::{ErrorKind, Write};

/// Prints a result and a line break to standard output.
pub fn print(text: impl Display) {
    write(format_args!("{text}\n"));
}

/// Writes part of a result to standard output and flushes it. A reader that closes the pipe early (`| head`) is not an
/// error; any other failure exits the program, since the result is lost.
pub fn write(text: impl Display) {
    let mut out = std::io::stdout();
    match write!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            note(format!("error: cannot write to standard output: {error}"));
            std::process::exit(1);
        }
        _ => {}
    }
}

/// Prints progress, notes and errors to standard error, if it is open.
pub fn note(text: impl Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
