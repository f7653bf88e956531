//! The choice of a tokenizer: one that is fitted, or a file.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use recurrent_data::TokenizerKind;
#[cfg(feature = "fit")]
use recurrent_data::{Texts, Tokenizer, TokenizerConfig, Train};
use serde::{Deserialize, Serialize};

/// A kind of tokenizer to fit on the training split, or the path of a Hugging Face `tokenizer.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum TokenizerChoice {
    /// Fitted on the training split.
    Kind(TokenizerKind),
    /// Loaded from a file.
    File(String),
}

#[cfg(feature = "fit")]
impl TokenizerChoice {
    /// Fits the tokenizer on the training split as `config` says, or loads it.
    ///
    /// # Errors
    /// If it cannot be fitted, or the file is not a tokenizer.
    pub(crate) fn tokenizer(&self, config: &TokenizerConfig, texts: Texts<'_, Train>) -> crate::Result<Tokenizer> {
        Ok(match self {
            Self::Kind(kind) => Tokenizer::fit(&config.clone().with_kind(*kind), texts)?,
            Self::File(path) => Tokenizer::from_file(std::path::Path::new(path))?,
        })
    }
}

impl From<TokenizerKind> for TokenizerChoice {
    fn from(kind: TokenizerKind) -> Self {
        Self::Kind(kind)
    }
}

impl From<String> for TokenizerChoice {
    fn from(text: String) -> Self {
        text.parse().map_or_else(|_| Self::File(text), Self::Kind)
    }
}

impl From<TokenizerChoice> for String {
    fn from(choice: TokenizerChoice) -> Self {
        choice.to_string()
    }
}

impl FromStr for TokenizerChoice {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.to_string().into())
    }
}

impl fmt::Display for TokenizerChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind(kind) => kind.fmt(f),
            Self::File(path) => f.write_str(path),
        }
    }
}

crate::setting_value!(TokenizerChoice: "KIND|FILE.json");
