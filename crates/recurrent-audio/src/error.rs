//! The errors of this crate.

use std::io;

/// A result whose error is an [`AudioError`] by default.
pub type Result<T, E = AudioError> = std::result::Result<T, E>;

/// What can be wrong with a file or a setting. The message says where it is, what was expected and what was found.
///
/// `path` is the file, or the name that the caller gave to bytes from elsewhere.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages describe the fields")]
pub enum AudioError {
    /// The file cannot be read.
    #[error("{path}: expected a readable file: {cause}")]
    Unreadable {
        path: String,
        #[source]
        cause: io::Error,
    },

    /// The path is a directory.
    #[error("{path}: expected a file, found a directory")]
    IsDirectory { path: String },

    /// The file is larger than any recording should be.
    #[error("{path}: expected a file of at most {limit} bytes, found more")]
    TooLarge { path: String, limit: u64 },

    /// The file cannot be written.
    #[error("{path}: expected a place where a file can be written: {cause}")]
    Unwritable {
        path: String,
        #[source]
        cause: io::Error,
    },

    /// The file has another format.
    #[error("{path}: expected a WAV file, found {found}")]
    NotWav { path: String, found: String },

    /// The samples of a WAV file are compressed, or coded in a rare way.
    #[error("{path}: expected integer or float samples (PCM), found {found}; convert the file to 16-bit PCM")]
    UnsupportedEncoding { path: String, found: String },

    /// A field of a WAV file's header has a value that no file can have.
    #[error("{path}, {field}: expected {expected}, found {found}")]
    InvalidHeader { path: String, field: &'static str, expected: String, found: String },

    /// A WAV file lacks the chunk with its format or the one with its samples.
    #[error("{path}: expected a `{chunk}` chunk, found the end of the file")]
    MissingChunk { path: String, chunk: &'static str },

    /// A WAV file ends before its samples do.
    #[error("{path}: expected {expected} bytes of samples as its header says, found {found}; the file is truncated")]
    Truncated { path: String, expected: u64, found: u64 },

    /// A recording without samples.
    #[error("{path}: expected at least 1 sample, found 0")]
    NoSamples { path: String },

    /// A sample is NaN or infinite.
    #[error("{path}, sample {index} of channel {channel}: expected a finite number, found {found}")]
    NotFinite { path: String, index: usize, channel: usize, found: f64 },

    /// A setting has a value that is not allowed.
    #[error("{setting}: expected {expected}, found {found}")]
    InvalidSetting { setting: &'static str, expected: String, found: String },

    /// A recording has another sample rate than the features are made of.
    #[error("sample_rate: expected a recording of {expected} Hz, found {found} Hz; resample it first")]
    WrongSampleRate { expected: u32, found: u32 },

    /// There is nothing that a normalization could be fitted on.
    #[error("expected at least 1 frame of features to fit the normalization on, found 0")]
    NoFrames,

    /// Features have another width than a whole number of frames of the normalization.
    #[error("expected features whose width is a multiple of {expected} mels, found {found}")]
    WrongWidth { expected: usize, found: usize },

    /// A pronunciation has a symbol that is no phoneme of its language.
    #[error("word `{word}`: expected phonemes of {language}, separated by spaces, found `{found}`; there are {known}")]
    UnknownPhoneme { word: String, language: &'static str, found: String, known: String },

    /// A word has no pronunciation, or an empty one.
    #[error("word `{word}`: expected at least 1 pronunciation, each with phonemes, found none")]
    NoPronunciation { word: String },
}

impl AudioError {
    /// The name of the setting that is at fault, with which the message then begins: a program can show its own name
    /// for it, such as that of a command-line flag.
    #[must_use]
    pub fn setting(&self) -> Option<&'static str> {
        match self {
            Self::InvalidSetting { setting, .. } => Some(setting),
            Self::WrongSampleRate { .. } => Some("sample_rate"),
            _ => None,
        }
    }

    pub(crate) fn invalid(setting: &'static str, expected: impl Into<String>, found: impl ToString) -> Self {
        Self::InvalidSetting { setting, expected: expected.into(), found: found.to_string() }
    }
}

/// Fails unless a setting has an allowed value.
pub(crate) fn check(valid: bool, setting: &'static str, expected: &str, found: impl ToString) -> Result<()> {
    if valid { Ok(()) } else { Err(AudioError::invalid(setting, expected, found)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_begin_with_their_setting() {
        let errors = [
            check(false, "num_mels", "at least 1", 0).unwrap_err(),
            AudioError::WrongSampleRate { expected: 16_000, found: 8_000 },
        ];
        for error in errors {
            assert!(error.to_string().starts_with(&format!("{}: expected ", error.setting().unwrap())), "{error}");
        }
        assert!(check(true, "num_mels", "at least 1", 1).is_ok());
    }

    #[test]
    fn causes_are_part_of_the_message() {
        let error = AudioError::Unwritable { path: "a.wav".into(), cause: io::Error::other("no space left") };
        assert_eq!(error.to_string(), "a.wav: expected a place where a file can be written: no space left");
        assert!(std::error::Error::source(&error).is_some());
    }
}
