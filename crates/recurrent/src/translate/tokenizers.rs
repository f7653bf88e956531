//! The tokenizers of both languages.

#[cfg(feature = "exchange")]
use std::fs::File;
#[cfg(feature = "exchange")]
use std::io::{BufReader, Read};
#[cfg(feature = "exchange")]
use std::path::Path;

#[cfg(feature = "fit")]
use recurrent_data::{PairSubset, Train};
use recurrent_data::{SpecialTokens, Tokenizer};
use recurrent_models::networks::Seq2SeqConfig;
use serde::{Deserialize, Serialize};

use super::TranslateConfig;
#[cfg(feature = "exchange")]
use crate::run_dir::MAX_TEXT_BYTES;
use crate::{Error, Result, RunDir};

/// The tokenizers of both languages, fitted on the training split alone, and the length of its targets.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Tokenizers {
    pub source: Tokenizer,
    /// The source's, if the vocabulary is joint.
    pub target: Tokenizer,
    /// The tokens of the longest training target, its end token included.
    #[serde(default)]
    pub longest_target: Option<usize>,
}

impl Tokenizers {
    /// The file in a run's folder.
    pub const FILE: &'static str = "tokenizers.json";

    /// Fits them on the training split, or loads the file that the settings name: one for both sides if the vocabulary is
    /// joint.
    #[cfg(feature = "fit")]
    pub fn fit(config: &TranslateConfig, train: &PairSubset<Train>) -> Result<Self> {
        let fit = |texts| config.tokenizer.tokenizer(&config.tokenizer_config(), texts);
        let (source, target) = if config.joint {
            let both = fit(train.sources().concat(train.targets()))?;
            (both.clone(), both)
        } else {
            (fit(train.sources())?, fit(train.targets())?)
        };
        Ok(Self { source, target, longest_target: None })
    }

    /// Opens a file of either kind: the [file](Self::FILE) of a run or an export, or a tokenizer of both languages, of any kind
    /// that [`Tokenizer::open`] takes.
    ///
    /// # Errors
    /// If it cannot be read, or is neither.
    #[cfg(feature = "exchange")]
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(Error::io("cannot read", path))?;
        if let Ok(tokenizers) = serde_json::from_reader(BufReader::new(file.take(MAX_TEXT_BYTES))) {
            return Ok(tokenizers);
        }
        let both = Tokenizer::open(path)?;
        Ok(Self { source: both.clone(), target: both, longest_target: None })
    }

    /// Whether both languages have one tokenizer.
    pub fn are_equal(&self) -> bool {
        self.source.to_json() == self.target.to_json()
    }

    /// Reads them, and checks that those of a joint vocabulary are equal and that the weights, if they exist yet, have a row
    /// per token.
    pub fn read(run_dir: &RunDir, config: &TranslateConfig) -> Result<Self> {
        let mut tokenizers: Self = serde_json::from_str(&run_dir.read(Self::FILE)?).map_err(|cause| Error::RunDir {
            path: run_dir.path(Self::FILE),
            expected: "the tokenizers of both languages".into(),
            found: cause.to_string(),
        })?;
        if config.joint {
            if !tokenizers.are_equal() {
                return Err(Error::RunDir {
                    path: run_dir.path(Self::FILE),
                    expected: "one tokenizer for both languages, since the vocabulary is joint (`joint`)".into(),
                    found: "two that differ".into(),
                });
            }
            tokenizers.target = tokenizers.source.clone();
        }
        if run_dir.has_weights() && !config.one_hot {
            run_dir.check_rows("source.embedding.weight", tokenizers.source.vocab_size())?;
            if !config.joint {
                run_dir.check_rows("target.embedding.weight", tokenizers.target.vocab_size())?;
            }
        }
        Ok(tokenizers)
    }

    /// The vocabulary sizes of source and target.
    pub fn vocab_sizes(&self) -> [usize; 2] {
        [self.source.vocab_size(), self.target.vocab_size()]
    }

    /// The special tokens of source and target.
    pub fn special_tokens(&self) -> [SpecialTokens; 2] {
        [self.source.special_tokens(), self.target.special_tokens()]
    }

    /// The network that the run trains.
    pub fn network(&self, config: &TranslateConfig) -> Seq2SeqConfig {
        config.network(self.vocab_sizes(), self.target.special_tokens())
    }

    /// The encoder's input of a sentence, as in training: its tokens, truncated to `max_length`, and the end token; and
    /// whether it was truncated.
    pub fn encode_source(&self, sentence: &str, max_length: usize) -> (Vec<u32>, bool) {
        let mut ids = self.source.encode(sentence);
        let truncated = ids.len() > max_length;
        ids.truncate(max_length);
        ids.push(self.source.special_tokens().eos);
        (ids, truncated)
    }
}
