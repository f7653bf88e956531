//! The settings of a translation.

use std::fmt;
use std::str::FromStr;

use recurrent_data::{DataSource, DatasetManifest, SpecialTokens, SplitFractions, TokenizerKind, sha256};
#[cfg(feature = "fit")]
use recurrent_data::{ParallelCorpus, TokenizerConfig};
use recurrent_models::networks::Seq2SeqConfig;
use recurrent_models::{AttentionKind, CellKind};
use serde::{Deserialize, Serialize};

use crate::fit::{FitConfig, Schedule};
use crate::partial::Partial;
use crate::settings::{Bound, MAX_BEAMS, MAX_LAYERS, MAX_LENGTH_PENALTY, MAX_STEPS, MAX_TOKENS, MAX_UNITS, Settings};
use crate::task::{TaskSource, open_data};
use crate::tokenizer::TokenizerChoice;
use crate::{Error, Result, TaskConfig};

crate::settings! {
    /// The settings of a translation.
    #[non_exhaustive]
    pub struct TranslateConfig {
        /// A registered data set (see `train data list`), a table of pairs, or a file with a source sentence per line.
        data: String = "phrases".into(), value_name = "NAME|FILE";
        /// A file with the translations, line by line, if the source sentences are in a file of their own.
        target_data: Option<String> = None, value_name = "FILE";
        /// The column of the source sentences.
        source_column: Option<String> = None, value_name = "COL", default_text = Some("the first");
        /// The column of their translations.
        target_column: Option<String> = None, value_name = "COL", default_text = Some("the second");
        /// Pairs with the same value in this column stay in the same split.
        group_column: Option<String> = None, value_name = "COL", default_text = Some("the source sentence");
        /// Fractions of the groups for training, validation and test.
        split: SplitFractions = SplitFractions::new(0.8, 0.1, 0.1).expect("they add up to 1"),
            default_text = Some("the data set's, or else 0.8,0.1,0.1");
        /// Pairs of the training split to train on, spread evenly over it; 0 for all. Tokenizers and baselines are fitted
        /// on all.
        #[serde(default)]
        train_pairs: usize = 0, bound = Bound::Range(0, MAX_TOKENS);
        /// The tokenizer on both sides: chars, words, bpe, unigram, or a Hugging Face tokenizer.json.
        tokenizer: TokenizerChoice = TokenizerKind::Bpe.into();
        /// Maximum vocabulary size of each side, or of both together (joint); 0 for no limit (bpe and unigram: 4000).
        vocab_size: usize = 2000, bound = Bound::Range(0, MAX_TOKENS);
        /// One vocabulary and one embedding for both languages.
        joint: bool = false;
        /// One-hot input vectors instead of an embedding.
        one_hot: bool = false;
        /// Embedding dimension.
        embedding_dim: usize = 256, bound = Bound::Range(1, MAX_UNITS);
        /// The recurrent cell: rnn, lstm, gru.
        cell: CellKind = CellKind::Gru;
        /// Hidden units of each layer.
        hidden_size: usize = 256, bound = Bound::Range(1, MAX_UNITS);
        /// Number of layers of the encoder, and of the decoder.
        num_layers: usize = 1, bound = Bound::Range(1, MAX_LAYERS);
        /// Bidirectional encoder.
        bidirectional: bool = true;
        /// Attention of the decoder, by its score: none, dot, general (Luong et al. 2015), additive (Bahdanau et al. 2015).
        attention: DecoderAttention = DecoderAttention::General;
        /// Copy gate: the decoder can copy tokens of the source (See et al. 2017); needs joint and attention.
        copy: bool = false;
        /// Dropout on embeddings, between layers, and before the output.
        dropout: f64 = 0.3, value_name = "FRACTION", bound = Bound::Fraction;
        /// Weight tying: the output layer shares the target embedding's weights (with joint: that of both languages).
        tie_weights: bool = true, default_text = Some("true, unless the vectors are one-hot");
        /// Maximum tokens of a sentence; longer ones are truncated.
        max_length: usize = 60, bound = Bound::Range(1, MAX_STEPS);
        /// Label smoothing: probability that is spread over all tokens (Szegedy et al. 2016); 0 for none.
        label_smoothing: f64 = 0.1, value_name = "FRACTION", bound = Bound::Fraction;
        /// Scheduled sampling: fraction of the decoder's training inputs that are its own predictions (Bengio et al. 2015).
        ///
        /// In the parallel form of Mihaylova & Martins 2019.
        scheduled_sampling: f64 = 0.0, value_name = "FRACTION", bound = Bound::Fraction;
        /// Beam size of the evaluation; 1 for greedy search.
        beam_size: usize = 5, bound = Bound::Range(1, MAX_BEAMS);
        /// Length penalty of the evaluation: log-probabilities are divided by the length to this power; 0 for none.
        length_penalty: Option<f64> = None, bound = Bound::UpTo(MAX_LENGTH_PENALTY),
            default_text = Some("that with the best BLEU on the validation split");
    }
    task: "translate",
    check: TranslateConfig::check_network,
    fit: FitConfig {
        epochs: 12,
        average: 0.99,
        batch_size: 64,
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

/// An opened set of pairs: a table, or two files of sentences.
#[derive(Debug)]
pub struct TranslateSource {
    source: DataSource,
    /// The translations, if they are in a file of their own.
    target: Option<DataSource>,
}

impl TranslateSource {
    /// Opens a registered data set by its name, a table of pairs by its path, or two files of sentences.
    ///
    /// # Errors
    /// If there is none of them.
    pub fn open(data: &str, target_data: Option<&str>) -> Result<Self> {
        Ok(Self { source: open_data(data)?, target: target_data.map(open_data).transpose()? })
    }

    /// The pairs, from the columns that the settings name.
    #[cfg(feature = "fit")]
    pub(super) fn pairs(&self, config: &TranslateConfig) -> Result<ParallelCorpus> {
        let Self { source, target } = self;
        let column = Option::as_deref;
        Ok(match target {
            Some(target) => ParallelCorpus::from_aligned_bytes(
                (&source.label(), source.bytes()?),
                (&target.label(), target.bytes()?),
            )?,
            None => ParallelCorpus::from_table(
                source.table()?,
                column(&config.source_column),
                column(&config.target_column),
                column(&config.group_column),
            )?,
        })
    }
}

impl TaskSource for TranslateSource {
    fn open<C: TaskConfig>(given: &Partial) -> Result<Self> {
        let target_data: Option<String> = given.get("target_data");
        Self::open(&given.data::<C>(), target_data.as_deref())
    }

    fn sha256(&self) -> Result<String> {
        Ok(match &self.target {
            None => self.source.sha256()?.into(),
            Some(target) => sha256(&[self.source.bytes()?, target.bytes()?].concat()),
        })
    }
}

impl TranslateConfig {
    /// The recipe for a set of pairs: a GRU with attention on subwords.
    ///
    /// # Errors
    /// If the data cannot be read, or the data set is another task's.
    pub fn new(source: &TranslateSource) -> Result<Self> {
        let defaults = Self::defaults();
        let schema = source.source.manifest().map(DatasetManifest::pairs).transpose()?;
        let [source_column, target_column] = match (schema, &source.target) {
            (Some(schema), _) => [&schema.source, &schema.target].map(|language| Some(language.column.clone())),
            (None, Some(_)) => [None, None],
            (None, None) => {
                let headers = source.source.table()?.headers();
                [0, 1].map(|column| headers.get(column).cloned())
            }
        };
        Ok(Self {
            data: source.source.absolute_name(),
            target_data: source.target.as_ref().map(DataSource::absolute_name),
            sha256: source.sha256()?,
            source_column,
            target_column,
            group_column: schema.and_then(|schema| schema.group_column.clone()),
            split: schema.map_or(defaults.split, |schema| schema.split),
            ..defaults
        })
    }

    /// The lecture's network: one-hot characters, LSTM(128) → states → LSTM(128) → softmax over 100 characters, without
    /// attention.
    #[must_use]
    pub fn lecture(self) -> Self {
        Self {
            tokenizer: TokenizerKind::Chars.into(),
            vocab_size: 100,
            joint: false,
            one_hot: true,
            cell: CellKind::Lstm,
            hidden_size: 128,
            num_layers: 1,
            bidirectional: false,
            attention: DecoderAttention::None,
            copy: false,
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
        TokenizerConfig::new(TokenizerKind::Bpe).with_vocab_size(self.vocab_size)
    }

    /// The network that the run trains, for vocabularies of these sizes; `special` are the special tokens of the target.
    ///
    /// A copy gate copies the end token, and no other special one: padding and start are never generated, and an unknown
    /// word has no text.
    pub fn network(&self, [source, target]: [usize; 2], special: SpecialTokens) -> Seq2SeqConfig {
        let never_copied = [special.pad, special.bos, special.unk].map(|token| token as usize);
        Seq2SeqConfig::new(source, target, self.hidden_size)
            .with_embedding_dim((!self.one_hot).then_some(self.embedding_dim))
            .with_cell(self.cell)
            .with_num_layers(self.num_layers)
            .with_bidirectional(self.bidirectional)
            .with_attention(self.attention.kind())
            .with_dropout(self.dropout)
            .with_tie_weights(self.tie_weights)
            .with_share_embeddings(self.joint)
            .with_copy_except(self.copy.then(|| never_copied.to_vec()))
    }

    fn check_network(&self) -> Result<()> {
        let one_hot = |setting, expected| Err(Error::setting(setting, expected, "one-hot inputs"));
        if self.one_hot && self.tie_weights {
            return one_hot("tie_weights", "an embedding to share weights with");
        }
        if self.one_hot && self.joint {
            return one_hot("joint", "an embedding that both languages share");
        }
        let copy_without = |expected: &str, found: &str| Err(Error::setting("copy", expected, found));
        if self.copy && !self.joint {
            return copy_without(
                "a joint vocabulary, so that a token of the source is one of the target",
                "two vocabularies",
            );
        }
        if self.copy && self.attention == DecoderAttention::None {
            return copy_without("an attention, which says what is copied", "none");
        }
        Ok(())
    }
}
