//! Words to those who listen. Nobody has to: a pipe that is closed early (`| head`) is no error.

use std::fmt::Display;
use std::io::Write;

/// A result, on standard output.
pub fn say(text: impl Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// What goes on meanwhile, on standard error.
pub fn note(text: impl Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
