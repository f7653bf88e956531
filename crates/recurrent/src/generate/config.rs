//! The settings of text generation.

#[cfg(feature = "fit")]
use recurrent_data::TokenizerConfig;
use recurrent_data::{DataSource, DatasetManifest, TokenizerKind};
use recurrent_models::CellKind;
use recurrent_models::networks::LanguageModelConfig;

use crate::Result;
use crate::fit::{FitConfig, Schedule};
use crate::settings::{Bound, MAX_LAYERS, MAX_STEPS, MAX_TOKENS, MAX_UNITS, Settings};
use crate::tokenizer::TokenizerChoice;

crate::settings! {
    /// The settings of text generation.
    #[non_exhaustive]
    pub struct GenerateConfig {
        /// A registered data set (see `train data list`) or a text file.
        data: String = "fables".into(), value_name = "NAME|FILE.txt";
        /// Fraction of the text for validation, taken from its end.
        valid_fraction: f64 = 0.1, value_name = "FRACTION", bound = Bound::OpenFraction;
        /// The tokenizer: chars, words, bpe, unigram, or a Hugging Face tokenizer.json.
        tokenizer: TokenizerChoice = TokenizerKind::Chars.into();
        /// Maximum vocabulary size; 0 for no limit (bpe and unigram: 4000).
        vocab_size: usize = 0, bound = Bound::Range(0, MAX_TOKENS);
        /// The recurrent cell: rnn, lstm, gru.
        cell: CellKind = CellKind::Lstm;
        /// Embedding dimension.
        embedding_dim: usize = 64, bound = Bound::Range(1, MAX_UNITS);
        /// Hidden units of each layer.
        hidden_size: usize = 256, bound = Bound::Range(1, MAX_UNITS);
        /// Number of layers.
        num_layers: usize = 1, bound = Bound::Range(1, MAX_LAYERS);
        /// Dropout on the embedding, between layers, and before the output.
        dropout: f64 = 0.3, value_name = "FRACTION", bound = Bound::Fraction;
        /// Weight tying: the output layer shares the embedding's weights.
        tie_weights: bool = false;
        /// Window of truncated backpropagation through time, in tokens.
        bptt: usize = 64, bound = Bound::Range(1, MAX_STEPS);
        /// Fraction of the parallel streams whose state is reset to zero before each training window.
        ///
        /// A network that is always trained with a long context never learns how a text begins, and generates poor text
        /// from an empty prompt.
        state_reset: f64 = 0.05, value_name = "FRACTION", bound = Bound::Fraction;
    }
    task: "generate",
    check: |_| Ok(()),
    fit: FitConfig {
        epochs: 20,
        batch_size: 16,
        lr: 4e-3,
        schedule: Schedule::Cosine,
        patience: 3,
        ..FitConfig::default()
    },
}

impl GenerateConfig {
    /// The recipe for a text: a character model with one LSTM layer.
    ///
    /// # Errors
    /// If the data cannot be read, or the data set is another task's.
    pub fn new(source: &DataSource) -> Result<Self> {
        let defaults = Self::defaults();
        let schema = source.manifest().map(DatasetManifest::text).transpose()?;
        // The text, read once here, is known with its checksum.
        source.corpus()?;
        Ok(Self {
            data: source.absolute_name(),
            sha256: source.sha256()?.into(),
            valid_fraction: schema.map_or(defaults.valid_fraction, |schema| schema.valid_fraction),
            ..defaults
        })
    }

    /// How a tokenizer is fitted.
    #[cfg(feature = "fit")]
    pub(super) fn tokenizer_config(&self) -> TokenizerConfig {
        TokenizerConfig::new(TokenizerKind::Chars).with_vocab_size(self.vocab_size)
    }

    /// The network that the run trains, for a vocabulary of this size.
    pub fn network(&self, vocab_size: usize) -> LanguageModelConfig {
        LanguageModelConfig::new(vocab_size, self.embedding_dim, self.hidden_size)
            .with_cell(self.cell)
            .with_num_layers(self.num_layers)
            .with_dropout(self.dropout)
            .with_tie_weights(self.tie_weights)
    }
}
