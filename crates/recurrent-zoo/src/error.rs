//! What can be wrong with a file of weights, or with the layer that they are for.

use std::path::{Path, PathBuf};

/// The result of reading, converting or writing weights.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can be wrong with a file of weights, or with the layer that they are for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file cannot be read or written.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// An error of the file at `path`.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The error.
        error: Box<Error>,
    },
    /// The bytes are not what their format says.
    #[error("not a valid {format} file: {reason}")]
    Malformed {
        /// The name of the format.
        format: &'static str,
        /// What is wrong, and where.
        reason: String,
    },
    /// The format is known, but this build has not its feature.
    #[error("this is a {format} file; reading it needs the feature `{feature}` of recurrent-zoo")]
    MissingFeature {
        /// The name of the format.
        format: &'static str,
        /// The Cargo feature.
        feature: &'static str,
    },
    /// What the layers here, or the format of an export, do not have.
    #[error("{at}: {what}")]
    Unsupported {
        /// The tensor, layer, node or stack.
        at: String,
        /// What is not supported, and what to do.
        what: String,
    },
    /// A tensor is missing, or has another shape or type than its name says.
    #[error("tensor `{tensor}`: expected {expected}, found {found}")]
    Tensor {
        /// The tensor's name in the file.
        tensor: String,
        /// The shape or type that was expected.
        expected: String,
        /// The shape or type in the file.
        found: String,
    },
    /// The parts of a stack do not fit together.
    #[error("{at}: expected {expected}, found {found}")]
    Inconsistent {
        /// The part.
        at: String,
        /// What was expected.
        expected: String,
        /// What was found.
        found: String,
    },
    /// There is no recurrent stack of this name, or more than one.
    #[error("expected one recurrent stack {asked}, found {found}")]
    NoStack {
        /// What was asked for.
        asked: String,
        /// The names in the file, and why others were refused.
        found: String,
    },
    /// The layer is made for other weights.
    #[error("{what}: the layer has {layer}, the weights have {weights}")]
    Mismatch {
        /// What differs.
        what: &'static str,
        /// What the layer has.
        layer: String,
        /// What the weights have.
        weights: String,
    },
    /// The weights leave open what a new layer needs to know.
    #[error("the weights do not say {what}: set it with `with_variant`, or load them into a layer of your own")]
    Unknown {
        /// What is not known.
        what: &'static str,
    },
    /// The tensors of a file together are far larger than the file.
    #[error("{at}: the file's tensors together are more than {limit} bytes, far more than the file can hold")]
    TooLarge {
        /// The tensor at which the limit was passed.
        at: String,
        /// The limit in bytes.
        limit: u64,
    },
}

impl Error {
    /// The same error with the file that it is in.
    pub(crate) fn in_file(self, path: &Path) -> Self {
        match self {
            error @ (Self::Io { .. } | Self::File { .. }) => error,
            error => Self::File { path: path.into(), error: Box::new(error) },
        }
    }

    pub(crate) fn unsupported(at: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Unsupported { at: at.into(), what: what.into() }
    }

    pub(crate) fn tensor(name: impl Into<String>, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Tensor { tensor: name.into(), expected: expected.into(), found: found.into() }
    }

    pub(crate) fn inconsistent(at: impl Into<String>, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Inconsistent { at: at.into(), expected: expected.into(), found: found.into() }
    }
}
