//! Words to those who listen.

use std::fmt::Display;
use std::io::{ErrorKind, Write};

/// A result, on standard output. Who closes a pipe early (`| head`) has heard enough; any other failure ends the
/// program, for a result that is lost is no success.
pub fn say(text: impl Display) {
    utter(format_args!("{text}\n"));
}

/// A piece of a result, at once and without a line's end.
pub fn utter(text: impl Display) {
    let mut out = std::io::stdout();
    match write!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            note(format!("error: cannot write to standard output: {error}"));
            std::process::exit(1);
        }
        _ => {}
    }
}

/// What goes on meanwhile, on standard error. Nobody has to listen.
pub fn note(text: impl Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
