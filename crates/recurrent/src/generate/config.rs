//! The settings of text generation.

use std::path::Path;

use recurrent_data::{Bytes, Corpus, RAW_FOLDER, TokenizerConfig, TokenizerKind, locate};
use recurrent_models::CellKind;
use recurrent_models::networks::LanguageModelConfig;

use crate::Result;
use crate::fit::FitConfig;
use crate::settings::{Bound, Settings};
use crate::task::data_name;
use crate::tokenizer::TokenizerChoice;

crate::settings! {
    /// The settings of text generation.
    pub struct GenerateConfig {
        /// A registered data set (see `train data list`) or a text file.
        data: String = "fables".into(), value_name = "NAME|FILE.txt";
        /// Fraction of the text, at its end, for validation.
        valid_fraction: f64 = 0.1, value_name = "FRACTION", bound = Bound::OpenFraction;
        /// The tokenizer: chars, words, bpe, unigram, or a Hugging Face tokenizer.json.
        tokenizer: TokenizerChoice = TokenizerKind::Chars.into();
        /// Maximum vocabulary size; 0 for all characters or words, or 4000 subwords.
        vocab_size: usize = 0;
        /// The recurrent cell: rnn, lstm, gru.
        cell: CellKind = CellKind::Lstm;
        /// Embedding dimension.
        embedding_dim: usize = 64, bound = Bound::AtLeast(1);
        /// Hidden units of each layer.
        hidden_size: usize = 256, bound = Bound::AtLeast(1);
        /// Number of layers.
        num_layers: usize = 1, bound = Bound::AtLeast(1);
        /// Dropout on the embedding, between layers, and before the output.
        dropout: f64 = 0.2, value_name = "FRACTION", bound = Bound::Fraction;
        /// Tie the output's weights to the embedding's.
        tie_weights: bool = false;
        /// Steps of truncated back-propagation through time.
        bptt: usize = 64, bound = Bound::AtLeast(1);
        /// Fraction of the streams whose state is reset before each training window.
        ///
        /// A network that is always trained with a long context never learns how a text begins, and generates poor text
        /// from an empty prompt.
        state_reset: f64 = 0.05, value_name = "FRACTION", bound = Bound::Fraction;
    }
    task: "generate",
    check: |_| Ok(()),
    fit: FitConfig { epochs: 10, batch_size: 32, lr: 4e-3, patience: 3, ..FitConfig::default() },
}

/// An opened text, and the settings of its manifest.
#[derive(Debug)]
pub struct GenerateSource {
    /// The name of the data set in a configuration.
    pub name: String,
    /// The text.
    pub corpus: Corpus,
    /// The validation fraction of a registered data set.
    pub valid_fraction: Option<f64>,
}

impl GenerateSource {
    /// Opens a registered data set by its name, or else a text file by its path.
    ///
    /// # Errors
    /// If neither exists, or the file is not UTF-8.
    pub fn open(data: &str) -> Result<Self> {
        let source = locate(data, Path::new(RAW_FOLDER))?;
        let schema = source.manifest.map(recurrent_data::DatasetManifest::text).transpose()?;
        let corpus = match &source.bytes {
            Bytes::Embedded(bytes) => Corpus::from_bytes(source.source(), *bytes)?,
            Bytes::File(path) => Corpus::open(path)?,
        };
        Ok(Self { name: data_name(&source), corpus, valid_fraction: schema.map(|schema| schema.valid) })
    }
}

impl GenerateConfig {
    /// The default settings for a text: a character model with one LSTM layer.
    pub fn new(source: &GenerateSource) -> Self {
        let defaults = Self::defaults();
        Self {
            data: source.name.clone(),
            sha256: source.corpus.sha256().to_string(),
            valid_fraction: source.valid_fraction.unwrap_or(defaults.valid_fraction),
            ..defaults
        }
    }

    /// How a tokenizer is fitted.
    pub(super) fn tokenizer_config(&self) -> TokenizerConfig {
        TokenizerConfig { vocabulary: self.vocab_size, ..TokenizerConfig::new(TokenizerKind::Chars) }
    }

    /// The network that the run trains, for a vocabulary of this size.
    pub fn network(&self, vocab_size: usize) -> LanguageModelConfig {
        LanguageModelConfig::new(vocab_size, self.embedding_dim, self.hidden_size)
            .with_cell(self.cell)
            .with_layers(self.num_layers)
            .with_dropout(self.dropout)
            .with_tied(self.tie_weights)
    }
}
