//! What a run of translation is to do, complete and checked.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use recurrent_data::{CodecKind, Located, Pairs, RAW_FOLDER, Ratios, locate, read_file, sha256};
use recurrent_models::networks::Seq2SeqConfig;
use recurrent_models::{AttentionKind, CellKind};
use serde::{Deserialize, Serialize};

use crate::fit::{FitPlan, Schedule};
use crate::run::{Plan, Task, a_share, at_least_one, lasting_name};
use crate::{Error, Result};

/// What a run of translation is to do: everything that its result depends on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TranslatePlan {
    /// Always `translate`: which task the plan is for.
    pub task: Task,
    /// A known data set's name, a table's path, or the path of the sentences to translate, one a line.
    pub data: String,
    /// The path of their translations, if they are in a file of their own.
    pub target_data: Option<String>,
    /// The sum of the data, so that a run goes on with what it began with.
    pub sha256: String,
    /// The column of the sentences to translate; the first, if not said.
    pub source_column: Option<String>,
    /// The column of their translations; the second, if not said.
    pub target_column: Option<String>,
    /// The column by which pairs stay together in one part, e.g. where they come from.
    pub group_column: Option<String>,
    /// How the groups are divided among training, validation and test.
    pub split: Ratios,
    /// What a token is, on both sides.
    pub codec: CodecKind,
    /// How many tokens each side has at most; 0 for the codec's default.
    pub vocabulary: usize,
    /// Whether tokens come in as one-hot vectors, as in the lecture, and not through an embedding.
    pub one_hot: bool,
    /// Features of a token, where there is an embedding.
    pub embedding: usize,
    /// Which recurrent layer.
    pub model: CellKind,
    /// Hidden units of each layer.
    pub hidden: usize,
    /// Layers of the encoder, and as many of the decoder.
    pub layers: usize,
    /// Whether the encoder reads in both directions.
    pub bidirectional: bool,
    /// How the decoder looks back at the sentence.
    pub attention: Attending,
    /// Dropout on embeddings, between layers, and before the output.
    pub dropout: f64,
    /// Whether the output's weights are the target embedding's.
    pub tied: bool,
    /// Tokens of a sentence at most; longer ones are cut.
    pub longest: usize,
    /// The share of the probability that training spreads over all tokens (Szegedy et al. 2016).
    pub smoothing: f64,
    /// The share of the decoder's inputs in training that it has said itself, and not the truth (Bengio et al. 2015, in
    /// the parallel form of Mihaylova & Martins 2019).
    pub sampling: f64,
    /// How many translations are followed at once when the run is scored.
    pub beam: usize,
    /// How much long translations are favoured: the power of their length that divides their log-probability.
    pub alpha: f64,
    /// How it is trained.
    #[serde(flatten)]
    pub fit: FitPlan,
}

/// How a decoder looks back at the sentence, if it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Attending {
    /// It has the encoder's last state alone.
    None,
    /// By [`AttentionKind::Dot`].
    Dot,
    /// By [`AttentionKind::General`].
    #[default]
    General,
    /// By [`AttentionKind::Additive`].
    Additive,
}

impl Attending {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::None, Self::Dot, Self::General, Self::Additive];

    /// The attention, if there is one.
    pub fn kind(self) -> Option<AttentionKind> {
        match self {
            Self::None => None,
            Self::Dot => Some(AttentionKind::Dot),
            Self::General => Some(AttentionKind::General),
            Self::Additive => Some(AttentionKind::Additive),
        }
    }
}

impl fmt::Display for Attending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind() {
            Some(kind) => kind.fmt(f),
            None => f.write_str("none"),
        }
    }
}

impl FromStr for Attending {
    type Err = String;

    fn from_str(name: &str) -> std::result::Result<Self, String> {
        let known = Self::ALL.into_iter().find(|attending| attending.to_string() == name);
        known.ok_or_else(|| format!("unknown attention `{name}`: expected none, dot, general or additive"))
    }
}

/// Opened pairs, and what is known about them.
#[derive(Debug)]
pub(super) struct Source {
    pub pairs: Pairs,
    pub sha256: String,
}

impl TranslatePlan {
    /// An attentive GRU on subwords, for pairs that are known by their name or path.
    ///
    /// # Errors
    /// If there are no such data.
    pub fn new(data: &str, target_data: Option<&str>) -> Result<Self> {
        let located = locate(data, Path::new(RAW_FOLDER))?;
        let facts = match located.manifest {
            Some(manifest) => Some(manifest.pairs()?),
            None => None,
        };
        let target_data = match target_data {
            Some(path) => Some(lasting_name(&locate(path, Path::new(RAW_FOLDER))?)),
            None => None,
        };
        Ok(Self {
            task: Task::Translate,
            sha256: sum(&located, target_data.as_deref())?,
            target_data,
            source_column: facts.map(|facts| facts.source.column.clone()),
            target_column: facts.map(|facts| facts.target.column.clone()),
            group_column: facts.and_then(|facts| facts.group.clone()),
            split: facts.map_or_else(|| Ratios::new(0.8, 0.1, 0.1).expect("a whole"), |facts| facts.split),
            data: lasting_name(&located),
            codec: CodecKind::Bpe,
            vocabulary: 600,
            one_hot: false,
            embedding: 128,
            model: CellKind::Gru,
            hidden: 256,
            layers: 1,
            bidirectional: true,
            attention: Attending::General,
            dropout: 0.4,
            tied: false,
            longest: 60,
            smoothing: 0.1,
            sampling: 0.0,
            beam: 5,
            alpha: 0.6,
            fit: FitPlan {
                epochs: 30,
                batch: 32,
                lr: 3e-3,
                schedule: Schedule::Cosine,
                patience: 0,
                ..FitPlan::default()
            },
        })
    }

    /// The lecture's own network: one-hot characters, LSTM(128) → states → LSTM(128) → softmax over 100 symbols, and
    /// no attention.
    #[must_use]
    pub fn lecture(self) -> Self {
        Self {
            codec: CodecKind::Chars,
            vocabulary: 100,
            one_hot: true,
            model: CellKind::Lstm,
            hidden: 128,
            layers: 1,
            bidirectional: false,
            attention: Attending::None,
            dropout: 0.0,
            tied: false,
            smoothing: 0.0,
            sampling: 0.0,
            ..self
        }
    }

    /// Reads the pairs.
    pub(super) fn open(&self) -> Result<Source> {
        let located = locate(&self.data, Path::new(RAW_FOLDER))?;
        let sha256 = sum(&located, self.target_data.as_deref())?;
        let pairs = match &self.target_data {
            Some(target) => Pairs::from_aligned(Path::new(&self.data), Path::new(target))?,
            None => {
                let column = Option::as_deref;
                Pairs::from_table(
                    &located.table()?,
                    column(&self.source_column),
                    column(&self.target_column),
                    column(&self.group_column),
                )?
            }
        };
        Ok(Source { pairs, sha256 })
    }

    /// The network that the run trains, for codecs of so many tokens.
    pub fn network(&self, source_tokens: usize, target_tokens: usize) -> Seq2SeqConfig {
        Seq2SeqConfig::new(source_tokens, target_tokens, self.hidden)
            .with_embedding_dim((!self.one_hot).then_some(self.embedding))
            .with_cell(self.model)
            .with_num_layers(self.layers)
            .with_bidirectional(self.bidirectional)
            .with_attention(self.attention.kind())
            .with_dropout(self.dropout)
            .with_tie_weights(self.tied)
    }
}

impl Plan for TranslatePlan {
    const TASK: Task = Task::Translate;

    fn data(&self) -> &str {
        &self.data
    }

    fn sha256(&self) -> &str {
        &self.sha256
    }

    fn fit(&self) -> &FitPlan {
        &self.fit
    }

    fn fit_mut(&mut self) -> &mut FitPlan {
        &mut self.fit
    }

    fn check(&self) -> Result<()> {
        for (setting, number) in [
            ("--embedding", self.embedding),
            ("--hidden", self.hidden),
            ("--layers", self.layers),
            ("--longest", self.longest),
            ("--beam", self.beam),
        ] {
            at_least_one(setting, number)?;
        }
        a_share("--dropout", self.dropout)?;
        a_share("--smoothing", self.smoothing)?;
        a_share("--sampling", self.sampling)?;
        check_alpha(self.alpha)?;
        if self.tied && self.one_hot {
            return Err(Error::Plan {
                setting: "--tied",
                expected: "an embedding to share weights with".into(),
                found: "one-hot inputs".into(),
            });
        }
        self.fit.check()
    }
}

/// Sees that a power of the length is one.
pub(super) fn check_alpha(alpha: f64) -> Result<()> {
    if alpha.is_finite() && alpha >= 0.0 {
        return Ok(());
    }
    Err(Error::Plan { setting: "--alpha", expected: "0 or a positive number".into(), found: alpha.to_string() })
}

/// The sum of the data, in one file or in two.
fn sum(located: &Located, target: Option<&str>) -> Result<String> {
    let mut all = located.read()?.into_owned();
    if let Some(target) = target {
        all.extend(read_file(Path::new(target))?);
    }
    Ok(sha256(&all))
}
