//! What can go wrong between a plan and a prediction.

use std::io;
use std::path::{Path, PathBuf};

use recurrent_data::DataError;

/// A result whose error is an [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// Everything that can go wrong between a plan and a prediction.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each message names its fields, and would only be said twice")]
pub enum Error {
    /// Something is wrong with the data.
    #[error(transparent)]
    Data(#[from] DataError),

    /// A plan asks for something that cannot be.
    #[error("{setting}: expected {expected}, found {found}")]
    Plan { setting: &'static str, expected: String, found: String },

    /// The operating system said no.
    #[error("{}: {doing}: {cause}", path.display())]
    Io {
        path: PathBuf,
        doing: &'static str,
        #[source]
        cause: io::Error,
    },

    /// A run's folder is already there.
    #[error(
        "{}: expected no such folder, found {found}; name another with --out, or replace a run with --force",
        path.display()
    )]
    Exists { path: PathBuf, found: &'static str },

    /// A folder is no run_dir, or a run_dir lacks something or holds something else.
    #[error("{}: expected {expected}, found {found}", path.display())]
    RunDir { path: PathBuf, expected: String, found: String },

    /// The loss is no number any more.
    #[error(
        "the {part} loss became {loss} in epoch {epoch}: try a smaller --lr (now {learning_rate}) or --clip, or look \
         for extreme values in the data; the best epoch before, if there was one, is kept"
    )]
    Diverged { part: &'static str, loss: f64, epoch: usize, learning_rate: f64 },

    /// Training stopped for a reason of its own.
    #[error("training stopped: {0}")]
    Training(String),

    /// A forecast further than the model can see.
    #[error(
        "expected at most {horizon} steps, found {steps}: to go on, the model would have to foretell all that it \
         looks at, and it does not foretell {missing}"
    )]
    TooFar { horizon: usize, steps: usize, missing: String },
}

impl Error {
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |cause| Self::Io { path: path.to_path_buf(), doing, cause }
    }

    /// Whether what the user gave is at fault, and not this program or machine.
    pub fn is_bad_input(&self) -> bool {
        match self {
            Self::Data(error) => error.is_bad_input(),
            Self::Diverged { .. } | Self::Training(_) => false,
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
            _ => true,
        }
    }
}
