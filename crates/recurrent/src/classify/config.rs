//! The settings of a classification.

#[cfg(feature = "fit")]
use recurrent_data::TokenizerConfig;
use recurrent_data::{DataSource, DatasetManifest, DefaultColumns, SplitFractions, TokenizerKind};
use recurrent_models::CellKind;
use recurrent_models::networks::{Pooling, SequenceClassifierConfig, SequenceInput};

use super::evidence::{self, Evidence};
use crate::Result;
use crate::fit::FitConfig;
use crate::settings::{Bound, MAX_LAYERS, MAX_STEPS, MAX_TOKENS, MAX_UNITS, Settings};
use crate::tokenizer::TokenizerChoice;

crate::settings! {
    /// The settings of a classification.
    #[non_exhaustive]
    pub struct ClassifyConfig {
        /// A registered data set (see `train data list`) or a table of labeled sentences.
        data: String = "reviews".into(), value_name = "NAME|FILE";
        /// The column of the sentences.
        text_column: Option<String> = None, value_name = "COL",
            default_text = Some("one named text, sentence or review, or else the first");
        /// The column of the labels.
        label_column: Option<String> = None, value_name = "COL",
            default_text = Some("one named label, sentiment or class, or else the last");
        /// The column that assigns each sentence to train, valid or test.
        split_column: Option<String> = None, value_name = "COL", default_text = Some("one named part, if there is one");
        /// The column that says what kind each sentence is: scores are told by kind too.
        kind_column: Option<String> = None, value_name = "COL", default_text = Some("one named kind, if there is one");
        /// Fractions of the sentences for training, validation and test, where no column assigns them.
        split: SplitFractions = SplitFractions::new(0.8, 0.1, 0.1).expect("they add up to 1");
        /// The tokenizer: chars, words, bpe, unigram, or a Hugging Face tokenizer.json.
        tokenizer: TokenizerChoice = TokenizerKind::Words.into();
        /// Maximum vocabulary size; 0 for no limit.
        vocab_size: usize = 20_000, bound = Bound::Range(0, MAX_TOKENS);
        /// Minimum count of a token in the training split to be in the vocabulary.
        min_count: usize = 2, bound = Bound::Range(0, MAX_TOKENS);
        /// Embedding dimension.
        embedding_dim: usize = 64, bound = Bound::Range(1, MAX_UNITS);
        /// The recurrent cell: rnn, lstm, gru.
        cell: CellKind = CellKind::Lstm;
        /// Hidden units of each layer and direction.
        hidden_size: usize = 32, bound = Bound::Range(1, MAX_UNITS);
        /// Number of layers.
        num_layers: usize = 1, bound = Bound::Range(1, MAX_LAYERS);
        /// Bidirectional layers.
        bidirectional: bool = true;
        /// Pooling of the outputs over time: last, mean, max, attention.
        pooling: Pooling = Pooling::Mean;
        /// Dropout on the embedding, between layers, and before the output.
        dropout: f64 = 0.5, value_name = "FRACTION", bound = Bound::Fraction;
        /// Word dropout: fraction of the tokens that training reads as `<unk>` (Iyyer et al. 2015).
        word_dropout: f64 = 0.3, value_name = "FRACTION", bound = Bound::Fraction;
        /// Read beside each token its weight of evidence for each label, by the counts of the training split.
        ///
        /// They are the ratios by which Naive Bayes weights n-grams (Wang & Manning 2012), of the token, of the pair with the
        /// token before it and of its characters. With more than 20 labels there are none.
        evidence: bool = true;
        /// Networks that are trained side by side, and whose probabilities are averaged.
        ensemble: usize = 5, value_name = "N", bound = Bound::Range(1, 64);
        /// Maximum tokens of a sentence; longer ones are truncated.
        max_length: usize = 200, bound = Bound::Range(1, MAX_STEPS);
    }
    task: "classify",
    check: |_| Ok(()),
    fit: FitConfig { epochs: 40, batch_size: 64, lr: 2e-3, average: 0.998, patience: 2, ..FitConfig::default() },
}

impl ClassifyConfig {
    /// The recipe for labeled sentences: a bidirectional LSTM on words. The columns are the data set's, or else the
    /// [`DefaultColumns`] of the table.
    ///
    /// # Errors
    /// If the data cannot be read, or the data set is another task's.
    pub fn new(source: &DataSource) -> Result<Self> {
        let defaults = Self::defaults();
        let schema = source.manifest().map(DatasetManifest::labeled).transpose()?;
        let columns = match schema {
            Some(schema) => DefaultColumns {
                text: schema.text_column.clone(),
                label: schema.label_column.clone(),
                split: schema.split_column.clone(),
                kind: schema.kind_column.clone(),
            },
            None => DefaultColumns::of(source.table()?),
        };
        Ok(Self {
            data: source.absolute_name(),
            sha256: source.sha256()?.into(),
            text_column: Some(columns.text),
            label_column: Some(columns.label),
            split_column: columns.split,
            kind_column: columns.kind,
            split: schema.map_or(defaults.split, |schema| schema.split),
            ..defaults
        })
    }

    /// How a tokenizer is fitted. Words are lower-cased.
    #[cfg(feature = "fit")]
    pub(super) fn tokenizer_config(&self) -> TokenizerConfig {
        let words = TokenizerKind::Words;
        TokenizerConfig::new(words)
            .with_vocab_size(self.vocab_size)
            .with_min_count(self.min_count)
            .with_lowercase(self.tokenizer == words.into())
    }

    /// Whether the networks read evidence, for so many labels.
    pub(super) fn reads_evidence(&self, num_labels: usize) -> bool {
        self.evidence && num_labels <= evidence::MAX_LABELS
    }

    /// Each network that the run trains, for a vocabulary of this size and this number of labels.
    pub fn network(&self, vocab_size: usize, num_labels: usize) -> SequenceClassifierConfig {
        SequenceClassifierConfig::new(
            SequenceInput::tokens(vocab_size, self.embedding_dim),
            self.hidden_size,
            num_labels,
        )
        .with_cell(self.cell)
        .with_num_layers(self.num_layers)
        .with_bidirectional(self.bidirectional)
        .with_pooling(self.pooling)
        .with_dropout(self.dropout)
        .with_num_features(if self.reads_evidence(num_labels) {
            Evidence::num_features(num_labels)
        } else {
            0
        })
    }
}
