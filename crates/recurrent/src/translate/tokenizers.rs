//! The tokenizers of both languages.

use recurrent_data::{SpecialTokens, Tokenizer};
use serde::{Deserialize, Serialize};

use super::TranslateConfig;
use crate::{Error, Result, RunDir};

/// The tokenizers of both languages, fitted on the training split alone, and the length of its targets.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Tokenizers {
    pub source: Tokenizer,
    pub target: Tokenizer,
    /// The tokens of the longest training target, its end token included.
    #[serde(default)]
    pub longest_target: Option<usize>,
}

impl Tokenizers {
    /// The file in a run's folder.
    pub const FILE: &'static str = "tokenizers.json";

    /// Reads them, and checks that the weights, if they exist yet, have a row per token.
    pub fn read(run_dir: &RunDir, config: &TranslateConfig) -> Result<Self> {
        let tokenizers: Self = serde_json::from_str(&run_dir.read(Self::FILE)?).map_err(|cause| Error::RunDir {
            path: run_dir.path(Self::FILE),
            expected: "the tokenizers of both languages".into(),
            found: cause.to_string(),
        })?;
        if run_dir.has_weights() && !config.one_hot {
            run_dir.check_rows("source.embedding.weight", tokenizers.source.vocab_size())?;
            run_dir.check_rows("target.embedding.weight", tokenizers.target.vocab_size())?;
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
