//! Text on one line.

/// Replaces each run of white space by one space.
pub(super) fn single_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
