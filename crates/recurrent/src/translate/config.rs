//! The settings of a translation.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use recurrent_data::{
    PairsSchema, ParallelCorpus, RAW_FOLDER, Ratios, Table, TokenizerConfig, TokenizerKind, locate, read_file, sha256,
};
use recurrent_models::networks::{Input, Seq2SeqConfig};
use recurrent_models::{AttentionKind, CellKind};
use serde::{Deserialize, Serialize};

use crate::fit::{FitConfig, Schedule};
use crate::settings::{Bound, Settings};
use crate::task::data_name;
use crate::tokenizer::TokenizerChoice;
use crate::{Error, Result};

crate::settings! {
    /// The settings of a translation.
    pub struct TranslateConfig {
        /// A registered data set, a table of pairs, or a file of sentences with target_data beside it.
        data: String = "phrases".into(), value_name = "NAME|FILE";
        /// The translations of data, line by line.
        target_data: Option<String> = None, value_name = "FILE";
        /// The column of the source sentences.
        source_column: Option<String> = None, value_name = "COL", default_text = Some("the first");
        /// The column of their translations.
        target_column: Option<String> = None, value_name = "COL", default_text = Some("the second");
        /// The column whose groups of pairs stay together in one split.
        group_column: Option<String> = None, value_name = "COL", default_text = Some("the source sentence");
        /// Fractions of the groups for training, validation and test.
        split: Ratios = Ratios::new(0.8, 0.1, 0.1).expect("they add up to 1"),
            default_text = Some("the data set's, or else 0.8,0.1,0.1");
        /// The tokenizer on both sides: chars, words, bpe, unigram, or a Hugging Face tokenizer.json.
        tokenizer: TokenizerChoice = TokenizerKind::Bpe.into();
        /// Maximum vocabulary size of each side; 0 for all characters or words, or 4000 subwords.
        vocab_size: usize = 600;
        /// One-hot input vectors, as in the lecture, instead of an embedding.
        one_hot: bool = false;
        /// Embedding dimension.
        embedding_dim: usize = 128, bound = Bound::AtLeast(1);
        /// The recurrent cell: rnn, lstm, gru.
        cell: CellKind = CellKind::Gru;
        /// Hidden units of each layer.
        hidden_size: usize = 256, bound = Bound::AtLeast(1);
        /// Number of layers of the encoder, and of the decoder.
        num_layers: usize = 1, bound = Bound::AtLeast(1);
        /// Bidirectional encoder.
        bidirectional: bool = true;
        /// Attention score of the decoder: none, dot, general, additive.
        attention: DecoderAttention = DecoderAttention::General;
        /// Dropout on embeddings, between layers, and before the output.
        dropout: f64 = 0.4, value_name = "FRACTION", bound = Bound::Fraction;
        /// Tie the output's weights to the target embedding's.
        tie_weights: bool = false;
        /// Maximum tokens of a sentence; longer ones are truncated.
        max_length: usize = 60, bound = Bound::AtLeast(1);
        /// Label smoothing (Szegedy et al. 2016).
        label_smoothing: f64 = 0.1, value_name = "FRACTION", bound = Bound::Fraction;
        /// Fraction of the decoder's training inputs that are its own predictions.
        ///
        /// Scheduled sampling (Bengio et al. 2015) in the parallel form of Mihaylova & Martins 2019.
        scheduled_sampling: f64 = 0.0, value_name = "FRACTION", bound = Bound::Fraction;
        /// Beams of the search when the run is evaluated.
        beam_size: usize = 5, bound = Bound::AtLeast(1);
        /// Power of a translation's length that divides its log-probability.
        length_penalty: f64 = 0.6, bound = Bound::NonNegative;
    }
    task: "translate",
    check: TranslateConfig::check_tied,
    fit: FitConfig {
        epochs: 30,
        batch_size: 32,
        lr: 3e-3,
        schedule: Schedule::Cosine,
        patience: 0,
        ..FitConfig::default()
    },
}

/// The attention of the decoder on the source sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DecoderAttention {
    /// No attention: the decoder starts from the encoder's final state.
    None,
    /// [`AttentionKind::Dot`].
    Dot,
    /// [`AttentionKind::General`].
    #[default]
    General,
    /// [`AttentionKind::Additive`].
    Additive,
}

impl DecoderAttention {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::None, Self::Dot, Self::General, Self::Additive];

    /// The attention score, if there is one.
    pub fn kind(self) -> Option<AttentionKind> {
        match self {
            Self::None => None,
            Self::Dot => Some(AttentionKind::Dot),
            Self::General => Some(AttentionKind::General),
            Self::Additive => Some(AttentionKind::Additive),
        }
    }
}

impl fmt::Display for DecoderAttention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind() {
            Some(kind) => kind.fmt(f),
            None => f.write_str("none"),
        }
    }
}

impl FromStr for DecoderAttention {
    type Err = String;

    fn from_str(name: &str) -> std::result::Result<Self, String> {
        let known = Self::ALL.into_iter().find(|attention| attention.to_string() == name);
        known.ok_or_else(|| format!("unknown attention `{name}`: expected none, dot, general or additive"))
    }
}

crate::setting_value!(DecoderAttention: "SCORE");

/// An opened parallel corpus, and its schema if it is a registered data set.
#[derive(Debug)]
pub struct TranslateSource {
    /// The name of the data set in a configuration.
    pub name: String,
    /// The path of the translations, if they are in a separate file.
    pub target_data: Option<String>,
    /// The schema of a registered data set.
    pub schema: Option<&'static PairsSchema>,
    /// The SHA-256 of all bytes.
    pub sha256: String,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Table(Table),
    Aligned(ParallelCorpus),
}

impl TranslateSource {
    /// Opens a registered data set by its name, a table of pairs by its path, or two files of sentences.
    ///
    /// # Errors
    /// If they do not exist, or a file is not text.
    pub fn open(data: &str, target_data: Option<&str>) -> Result<Self> {
        let source = locate(data, Path::new(RAW_FOLDER))?;
        let schema = source.manifest.map(recurrent_data::DatasetManifest::pairs).transpose()?;
        let mut bytes = source.read()?.into_owned();
        let (target_data, content) = match target_data {
            None => (None, Content::Table(Table::from_bytes(source.source(), &bytes, None)?)),
            Some(path) => {
                let target = read_file(Path::new(path))?;
                let corpus = ParallelCorpus::from_aligned_bytes((&source.source(), &bytes), (path, &target))?;
                bytes.extend(target);
                (Some(data_name(&locate(path, Path::new(RAW_FOLDER))?)), Content::Aligned(corpus))
            }
        };
        Ok(Self { name: data_name(&source), target_data, schema, sha256: sha256(&bytes), content })
    }

    /// The pairs, from the columns that the settings name.
    #[cfg(feature = "fit")]
    pub(super) fn pairs(self, config: &TranslateConfig) -> Result<ParallelCorpus> {
        let column = Option::as_deref;
        Ok(match self.content {
            Content::Aligned(pairs) => pairs,
            Content::Table(table) => ParallelCorpus::from_table(
                &table,
                column(&config.source_column),
                column(&config.target_column),
                column(&config.group_column),
            )?,
        })
    }
}

impl TranslateConfig {
    /// The default settings for a parallel corpus: a GRU with attention on subwords.
    pub fn new(source: &TranslateSource) -> Self {
        let defaults = Self::defaults();
        let schema = source.schema;
        Self {
            data: source.name.clone(),
            target_data: source.target_data.clone(),
            sha256: source.sha256.clone(),
            source_column: schema.map(|schema| schema.source.column.clone()),
            target_column: schema.map(|schema| schema.target.column.clone()),
            group_column: schema.and_then(|schema| schema.group.clone()),
            split: schema.map_or(defaults.split, |schema| schema.split),
            ..defaults
        }
    }

    /// The lecture's network: one-hot characters, LSTM(128) → states → LSTM(128) → softmax over 100 characters, without
    /// attention.
    #[must_use]
    pub fn lecture(self) -> Self {
        Self {
            tokenizer: TokenizerKind::Chars.into(),
            vocab_size: 100,
            one_hot: true,
            cell: CellKind::Lstm,
            hidden_size: 128,
            num_layers: 1,
            bidirectional: false,
            attention: DecoderAttention::None,
            dropout: 0.0,
            tie_weights: false,
            label_smoothing: 0.0,
            scheduled_sampling: 0.0,
            ..self
        }
    }

    /// How the tokenizers are fitted.
    #[cfg(feature = "fit")]
    pub(super) fn tokenizer_config(&self) -> TokenizerConfig {
        TokenizerConfig { vocabulary: self.vocab_size, ..TokenizerConfig::new(TokenizerKind::Bpe) }
    }

    /// The network that the run trains, for vocabularies of these sizes.
    pub fn network(&self, [source, target]: [usize; 2]) -> Seq2SeqConfig {
        Seq2SeqConfig::new(source, target, self.hidden_size)
            .with_input(if self.one_hot { Input::OneHot } else { Input::Embedding(self.embedding_dim) })
            .with_cell(self.cell)
            .with_layers(self.num_layers)
            .with_bidirectional(self.bidirectional)
            .with_attention(self.attention.kind())
            .with_dropout(self.dropout)
            .with_tied(self.tie_weights)
    }

    fn check_tied(&self) -> Result<()> {
        if self.tie_weights && self.one_hot {
            return Err(Error::setting("tie_weights", "an embedding to share weights with", "one-hot inputs"));
        }
        Ok(())
    }
}
