//! The errors of this crate.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use recurrent_audio::AudioError;
use recurrent_data::DataError;
use recurrent_music::MusicError;

/// A result whose error is an [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong between a configuration and a prediction.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each message names its fields")]
pub enum Error {
    /// Something is wrong with the data.
    #[error(transparent)]
    Data(#[from] DataError),

    /// Something is wrong with a recording.
    #[error(transparent)]
    Audio(#[from] AudioError),

    /// Something is wrong with a piece of music.
    #[error(transparent)]
    Music(#[from] MusicError),

    /// Weights of another framework are wrong, or not such as the networks here have.
    #[cfg(feature = "exchange")]
    #[error(transparent)]
    Weights(#[from] recurrent_zoo::Error),

    /// A setting has a value that is not allowed.
    #[error("{setting}: expected {expected}, found {found}")]
    Setting { setting: Cow<'static, str>, expected: String, found: String },

    /// A file of settings is wrong.
    #[error("{}: line {line}: {message}", path.display())]
    SettingsFile { path: PathBuf, line: usize, message: String },

    /// An input of a predictor, or the data of a run, is wrong.
    #[error("{what}: expected {expected}, found {found}")]
    Input { what: String, expected: String, found: String },

    /// The operating system reported an error.
    #[error("{}: {action}: {cause}", path.display())]
    Io {
        path: PathBuf,
        action: &'static str,
        #[source]
        cause: io::Error,
    },

    /// A run's folder exists already.
    #[error("{}: expected no such folder, found {found}", path.display())]
    Exists { path: PathBuf, found: &'static str },

    /// A folder is not a run's, or a file in it is missing or damaged.
    #[error("{}: expected {expected}, found {found}", path.display())]
    RunDir { path: PathBuf, expected: String, found: String },

    /// The loss became NaN or infinite.
    #[error(
        "the {split} loss became {loss} in epoch {epoch}: try a lower learning rate (`lr`, now {learning_rate}) or a \
         lower `clip_norm`, or look for extreme values in the data; the weights of the best epoch so far are kept"
    )]
    Diverged { split: &'static str, loss: f64, epoch: usize, learning_rate: f64 },

    /// Training stopped for another reason.
    #[error("training stopped: {0}")]
    Training(String),

    /// Something is wrong on one of several processes that train together.
    #[error("rank {rank}: {cause}")]
    OnRank { rank: usize, cause: Box<Self> },

    /// A forecast beyond the horizon, by a network that does not forecast all its features.
    #[error(
        "expected at most {horizon} steps, found {steps}: beyond its horizon the network needs forecasts of all its \
         features, and it does not forecast {missing}"
    )]
    BeyondHorizon { horizon: usize, steps: usize, missing: String },
}

impl Error {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |cause| Self::Io { path: path.to_path_buf(), action, cause }
    }

    /// [`Error::Setting`]: a setting that is not allowed.
    pub fn setting(setting: &'static str, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Setting { setting: setting.into(), expected: expected.into(), found: found.into() }
    }

    /// Whether a file cannot be written because its disk or folder is read-only.
    pub fn is_read_only(&self) -> bool {
        matches!(self, Self::Io { cause, .. } if crate::run_dir::is_read_only(cause))
    }

    /// Whether the error is in the caller's input, and not in this program or machine.
    pub fn is_bad_input(&self) -> bool {
        match self {
            Self::Data(error) => error.is_bad_input(),
            Self::Audio(AudioError::Unwritable { .. })
            | Self::Music(MusicError::Unwritable { .. })
            | Self::Diverged { .. }
            | Self::Training(_) => false,
            Self::OnRank { cause, .. } => cause.is_bad_input(),
            // A wrong path is bad input; a full disk is not.
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
