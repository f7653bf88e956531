//! Where something stands in a file.

use std::fmt;

use crate::MusicError;
use crate::error::quoted;

/// A line and a column of a file, both from 1; columns are characters.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) path: &'a str,
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Place<'_> {
    /// The error that something else was expected here.
    pub(super) fn error(&self, expected: impl Into<String>, found: impl Into<String>) -> MusicError {
        MusicError::invalid(self.path, self.to_string(), expected, found)
    }

    /// The error that a text was found here, shown in quotes and cut to 40 characters.
    pub(super) fn error_at_text(&self, expected: impl Into<String>, text: &str) -> MusicError {
        self.error(expected, quoted(text))
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut() {
        let place = Place { path: "a.abc", line: 2, column: 3 };
        let error = place.error_at_text("a key", &"é".repeat(50)).to_string();
        assert_eq!(error, format!("a.abc, line 2, column 3: expected a key, found `{}…`", "é".repeat(40)));
    }
}
