//! The errors of this crate.

use std::io;

/// A result whose error is a [`MusicError`] by default.
pub type Result<T, E = MusicError> = std::result::Result<T, E>;

/// What can be wrong with a file or a setting. The message says where it is, what was expected and what was found.
///
/// `path` is the file, or the name that the caller gave to bytes from elsewhere.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages describe the fields")]
pub enum MusicError {
    /// The file cannot be read.
    #[error("{path}: expected a readable file: {cause}")]
    Unreadable {
        path: String,
        #[source]
        cause: io::Error,
    },

    /// The file cannot be written.
    #[error("{path}: expected a place where a file can be written: {cause}")]
    Unwritable {
        path: String,
        #[source]
        cause: io::Error,
    },

    /// The file is larger than any piece should be.
    #[error("{path}: expected a file of at most {limit} bytes, found more")]
    TooLarge { path: String, limit: u64 },

    /// The file, or a part of it, is not what it should be. `place` is a byte, a track, a line and a column, or empty.
    #[error("{path}{}{place}: expected {expected}, found {found}", if place.is_empty() { "" } else { ", " })]
    Invalid { path: String, place: String, expected: String, found: String },

    /// A file has no notes.
    #[error("{path}: expected at least 1 note, found 0")]
    NoNotes { path: String },

    /// A text, such as the name of a key or of a pitch, cannot be read.
    #[error("{what}: expected {expected}, found `{found}`")]
    Unknown { what: &'static str, expected: String, found: String },
}

impl MusicError {
    pub(crate) fn invalid(
        path: &str,
        place: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self::Invalid { path: path.into(), place: place.into(), expected: expected.into(), found: found.into() }
    }

    pub(crate) fn unknown(what: &'static str, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Unknown { what, expected: expected.into(), found: found.into() }
    }
}

/// A text from a file in quotes, cut to 40 characters.
pub(crate) fn quoted(text: &str) -> String {
    let shown: String = text.chars().take(40).collect();
    let dots = if shown.len() < text.len() { "…" } else { "" };
    format!("`{shown}{dots}`")
}
