//! What a run of sentiment is to do, complete and checked.

use std::path::Path;

use recurrent_data::{CodecKind, CodecRequest, Labelled, RAW_FOLDER, Ratios, TextCodec, locate, sha256};
use recurrent_models::CellKind;
use recurrent_models::networks::{Pooling, SequenceClassifierConfig, SequenceInput};
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::fit::FitPlan;
use crate::run::{Plan, Task, a_share, at_least_one, lasting_name};

/// What a run of sentiment is to do: everything that its result depends on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SentimentPlan {
    /// Always `sentiment`: which task the plan is for.
    pub task: Task,
    /// A known data set's name, or a table's path.
    pub data: String,
    /// The sum of the data, so that a run goes on with what it began with.
    pub sha256: String,
    /// The column of the sentences; one that is called so, if not said.
    pub text_column: Option<String>,
    /// The column of the labels.
    pub label_column: Option<String>,
    /// The column that says `train`, `valid` or `test`, if there is one.
    pub part_column: Option<String>,
    /// How the sentences are divided, where no column says.
    pub split: Ratios,
    /// What a token is.
    pub codec: CodecKind,
    /// How many tokens there are at most; 0 for as many as are found.
    pub vocabulary: usize,
    /// How often a token must be there in training to be known.
    pub min_count: usize,
    /// Features of a token.
    pub embedding: usize,
    /// Which recurrent layer.
    pub model: CellKind,
    /// Hidden units of each layer and direction.
    pub hidden: usize,
    /// Layers on top of one another.
    pub layers: usize,
    /// Whether they also run from the end to the start.
    pub bidirectional: bool,
    /// How the outputs of all steps become one.
    pub pooling: Pooling,
    /// Dropout on the embedding, between layers, and before the output.
    pub dropout: f64,
    /// The share of tokens that training reads as `<unk>` (Iyyer et al. 2015).
    pub word_dropout: f64,
    /// Tokens of a sentence at most; longer ones are cut.
    pub longest: usize,
    /// How it is trained.
    #[serde(flatten)]
    pub fit: FitPlan,
}

impl SentimentPlan {
    /// A bidirectional LSTM on words, for sentences that are known by their name or path.
    ///
    /// # Errors
    /// If there are no such data.
    pub fn new(data: &str) -> Result<Self> {
        let located = locate(data, Path::new(RAW_FOLDER))?;
        let facts = match located.manifest {
            Some(manifest) => Some(manifest.labelled()?),
            None => None,
        };
        Ok(Self {
            task: Task::Sentiment,
            sha256: sha256(&located.read()?),
            text_column: facts.map(|facts| facts.text.clone()),
            label_column: facts.map(|facts| facts.label.clone()),
            part_column: facts.and_then(|facts| facts.part.clone()),
            split: facts.map_or_else(|| Ratios::new(0.8, 0.1, 0.1).expect("a whole"), |facts| facts.split),
            data: lasting_name(&located),
            codec: CodecKind::Words,
            vocabulary: 20_000,
            min_count: 2,
            embedding: 64,
            model: CellKind::Lstm,
            hidden: 32,
            layers: 1,
            bidirectional: true,
            pooling: Pooling::Mean,
            dropout: 0.5,
            word_dropout: 0.3,
            longest: 200,
            fit: FitPlan { epochs: 40, batch: 32, lr: 5e-3, patience: 8, ..FitPlan::default() },
        })
    }

    /// The codec to fit. Words are told apart without their capitals.
    pub(super) fn codec_request(&self) -> CodecRequest {
        CodecRequest {
            kind: self.codec,
            vocabulary: self.vocabulary,
            min_count: self.min_count,
            lowercase: self.codec == CodecKind::Words,
        }
    }

    /// How many tokens the codec of the data has, and how many labels there are.
    ///
    /// # Errors
    /// If the sentences cannot be read.
    pub fn sizes(&self) -> Result<(usize, usize)> {
        let split = self.open()?.0.split(&self.split)?;
        let codec = TextCodec::fit_request(&self.codec_request(), split.train.texts())?;
        Ok((codec.len(), split.labels.len()))
    }

    /// Reads the sentences.
    pub(super) fn open(&self) -> Result<(Labelled, String)> {
        let located = locate(&self.data, Path::new(RAW_FOLDER))?;
        let column = Option::as_deref;
        let labelled = Labelled::from_table(
            &located.table()?,
            column(&self.text_column),
            column(&self.label_column),
            column(&self.part_column),
        )?;
        Ok((labelled, sha256(&located.read()?)))
    }

    /// The network that the run trains, for so many tokens and labels.
    pub fn network(&self, tokens: usize, labels: usize) -> SequenceClassifierConfig {
        SequenceClassifierConfig::new(SequenceInput::tokens(tokens, self.embedding), self.hidden, labels)
            .with_cell(self.model)
            .with_num_layers(self.layers)
            .with_bidirectional(self.bidirectional)
            .with_pooling(self.pooling)
            .with_dropout(self.dropout)
    }
}

impl Plan for SentimentPlan {
    const TASK: Task = Task::Sentiment;

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
        ] {
            at_least_one(setting, number)?;
        }
        a_share("--dropout", self.dropout)?;
        a_share("--word-dropout", self.word_dropout)?;
        self.fit.check()
    }
}
