//! Standard output and standard error.

use std::fmt::Display;
use std::io::{ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// The width of a description in characters.
pub const WIDTH: usize = 100;

/// Whether another process speaks for this one.
static SILENT: AtomicBool = AtomicBool::new(false);

/// Prints nothing from now on.
pub fn silence() {
    SILENT.store(true, Ordering::Relaxed);
}

/// Prints again.
pub fn speak() {
    SILENT.store(false, Ordering::Relaxed);
}

/// Prints a result and a line break to standard output.
pub fn print(text: impl Display) {
    write(format_args!("{text}\n"));
}

/// Prints as [`print()`]. Returns `false` if the reader has closed the pipe: a command that has no end of its own then ends.
pub fn print_unless_closed(text: impl Display) -> bool {
    write_unless_closed(format_args!("{text}\n"))
}

/// Writes part of a result to standard output and flushes it. A reader that closes the pipe early (`| head`) is not an
/// error; any other failure exits the program, since the result is lost.
pub fn write(text: impl Display) {
    write_unless_closed(text);
}

fn write_unless_closed(text: impl Display) -> bool {
    if SILENT.load(Ordering::Relaxed) {
        return true;
    }
    let mut out = std::io::stdout();
    match write!(out, "{text}").and_then(|()| out.flush()) {
        Ok(()) => true,
        Err(error) if error.kind() == ErrorKind::BrokenPipe => false,
        Err(error) => {
            note(format!("error: cannot write to standard output: {error}"));
            std::process::exit(1);
        }
    }
}

/// Prints progress, notes and errors to standard error, if it is open.
pub fn note(text: impl Display) {
    if SILENT.load(Ordering::Relaxed) {
        return;
    }
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Text, wrapped between words.
pub fn wrapped(text: &str) -> String {
    let mut lines: Vec<String> = vec![];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_string()),
        }
    }
    lines.join("\n")
}

/// Rows of cells in columns, a line each.
pub fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_string()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// `2.5 MB`.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.0} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_suitable_units() {
        assert_eq!([7, 47_838, 1_115_394, 67_607_712].map(size), ["7 B", "48 kB", "1.1 MB", "67.6 MB"]);
    }
}
