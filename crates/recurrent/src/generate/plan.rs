//! What a run of generation is to do, complete and checked.

use std::path::Path;

use recurrent_data::{Bytes, CodecKind, Corpus, Excerpt, RAW_FOLDER, TextCodec, Train, locate};
use recurrent_models::CellKind;
use recurrent_models::networks::LanguageModelConfig;
use serde::{Deserialize, Serialize};

use crate::fit::FitPlan;
use crate::run::{Plan, Task, a_share, at_least_one, lasting_name};
use crate::{Error, Result};

/// The share of a text that validates, where nobody says.
const VALID: f64 = 0.1;

/// What a run of generation is to do: everything that its result depends on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeneratePlan {
    /// Always `generate`: which task the plan is for.
    pub task: Task,
    /// A known data set's name, or a text file's path.
    pub data: String,
    /// The sum of the text, so that a run goes on with the one that it began with.
    pub sha256: String,
    /// The share of the text, at its end, that validates.
    pub valid: f64,
    /// What a token is.
    pub codec: CodecKind,
    /// How many tokens there are at most; 0 for as many as there are characters or words, or a subword codec's default.
    pub vocabulary: usize,
    /// A Hugging Face `tokenizer.json` to take the tokens from, instead of fitting a codec.
    pub tokenizer: Option<String>,
    /// Which recurrent layer.
    pub model: CellKind,
    /// Features of a token.
    pub embedding: usize,
    /// Hidden units of each layer.
    pub hidden: usize,
    /// Layers on top of one another.
    pub layers: usize,
    /// Dropout on the embedding, between layers, and before the output.
    pub dropout: f64,
    /// Whether the output's weights are the embedding's.
    pub tied: bool,
    /// Steps that a gradient goes back.
    pub window: usize,
    /// The share of lanes that begin a window of training without a past. A network that always goes on from a long past
    /// never learns how a text begins, and stammers when it is asked to begin one.
    pub fresh: f64,
    /// How it is trained; a batch is so many lanes of the text side by side.
    #[serde(flatten)]
    pub fit: FitPlan,
}

impl GeneratePlan {
    /// A character model of one LSTM layer, for a text that is known by its name or path.
    ///
    /// # Errors
    /// If there is no such text.
    pub fn new(data: &str) -> Result<Self> {
        let (data, corpus, valid) = open(data)?;
        Ok(Self {
            task: Task::Generate,
            sha256: corpus.sha256().to_string(),
            data,
            valid,
            codec: CodecKind::Chars,
            vocabulary: 0,
            tokenizer: None,
            model: CellKind::Lstm,
            embedding: 64,
            hidden: 256,
            layers: 1,
            dropout: 0.2,
            tied: false,
            window: 64,
            fresh: 0.05,
            fit: FitPlan { epochs: 10, batch: 32, lr: 4e-3, patience: 3, ..FitPlan::default() },
        })
    }

    /// The text.
    pub(super) fn corpus(&self) -> Result<Corpus> {
        Ok(open(&self.data)?.1)
    }

    /// The codec: fitted on the training part, or taken from a file.
    pub(super) fn fit_codec(&self, train: &Excerpt<Train>) -> Result<TextCodec> {
        Ok(match &self.tokenizer {
            Some(path) => TextCodec::open(Path::new(path))?,
            None => TextCodec::fit(self.codec, self.vocabulary, 1, train.pieces())?,
        })
    }

    /// How many tokens the codec of the data has.
    ///
    /// # Errors
    /// If the text or the tokenizer cannot be read.
    pub fn tokens(&self) -> Result<usize> {
        let (train, _) = self.corpus()?.split(self.valid)?;
        Ok(self.fit_codec(&train)?.len())
    }

    /// The network that the run trains, for a codec of so many tokens.
    pub fn network(&self, tokens: usize) -> LanguageModelConfig {
        LanguageModelConfig::new(tokens, self.embedding, self.hidden)
            .with_cell(self.model)
            .with_num_layers(self.layers)
            .with_dropout(self.dropout)
            .with_tie_weights(self.tied)
    }
}

impl Plan for GeneratePlan {
    const TASK: Task = Task::Generate;

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
            ("--window", self.window),
            ("--embedding", self.embedding),
            ("--hidden", self.hidden),
            ("--layers", self.layers),
        ] {
            at_least_one(setting, number)?;
        }
        a_share("--dropout", self.dropout)?;
        a_share("--fresh", self.fresh)?;
        if !(self.valid > 0.0 && self.valid < 1.0) {
            return Err(Error::Plan {
                setting: "--valid",
                expected: "a share between 0 and 1".into(),
                found: self.valid.to_string(),
            });
        }
        self.fit.check()
    }
}

/// Opens a text by its name or path: what to call it in a plan, the text, and the share that validates.
fn open(data: &str) -> Result<(String, Corpus, f64)> {
    let located = locate(data, Path::new(RAW_FOLDER))?;
    let valid = match located.manifest {
        Some(manifest) => manifest.text()?.valid,
        None => VALID,
    };
    let corpus = match &located.bytes {
        Bytes::Embedded(bytes) => Corpus::from_bytes(located.source(), *bytes)?,
        Bytes::File(path) => Corpus::open(path)?,
    };
    Ok((lasting_name(&located), corpus, valid))
}
