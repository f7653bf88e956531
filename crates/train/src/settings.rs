//! From what was typed and what a file says to a plan.
//!
//! Settings have the same words on the command line, in a file, and in the `plan.toml` of a run. They come in layers:
//! what was typed goes before what `--config` says, and that before the recipe's own.

use std::path::Path;

use anyhow::Result;
use clap::Args;
use recurrent::data::{Missing, Ratios, ScalerKind, TokenizerKind};
use recurrent::fit::Schedule;
use recurrent::models::CellKind;
use recurrent::models::networks::Pooling;
use recurrent::translate::DecoderAttention;
use recurrent::{Plan, Task};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::cli::BadInput;
use crate::output::note;

/// What can be typed, or stand in a file, for a task.
pub trait Settings: Serialize + DeserializeOwned {
    /// Which task it is.
    const TASK: Task;
}

/// The settings of a task: its own, and those of training, which every task has with defaults of its own.
macro_rules! settings {
    (
        $(#[$doc:meta])*
        $name:ident {
            $($own:tt)*
        }
        task: $task:ident, items: $items:literal, epochs: $epochs:literal, batch: $batch:literal, lr: $lr:literal, schedule: $schedule:literal,
        patience: $patience:literal
    ) => {
        $(#[$doc])*
        #[derive(Debug, Default, Args, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $($own)*
            #[arg(long, value_name = "N", help = concat!("Passes over the training part [default: ", $epochs, "]"))]
            pub epochs: Option<usize>,
            #[arg(long, value_name = "N", help = concat!($items, " a gradient step [default: ", $batch, "]"))]
            pub batch: Option<usize>,
            #[arg(long, value_name = "X", help = concat!("The learning rate of Adam [default: ", $lr, "]"))]
            pub lr: Option<f64>,
            #[arg(
                long,
                help = concat!("How the learning rate goes on: constant, exponential, cosine [default: ", $schedule, "]")
            )]
            pub schedule: Option<Schedule>,
            /// The largest norm of all gradients together; 0 for none [default: 1]
            #[arg(long, value_name = "NORM")]
            pub clip: Option<f64>,
            #[arg(
                long,
                value_name = "N",
                help = concat!(
                    "Epochs without a better validation loss until training stops; 0 for never [default: ", $patience, "]"
                )
            )]
            pub patience: Option<usize>,
            /// Where weights, order and dropout come from [default: 0]
            #[arg(long, value_name = "N")]
            pub seed: Option<u64>,
            /// In a file, a plan says which task it is for, and which bytes it was made with.
            #[arg(skip)]
            pub task: Option<Task>,
            #[arg(skip)]
            pub sha256: Option<String>,
        }

        impl Settings for $name {
            const TASK: Task = Task::$task;
        }
    };
}

settings! {
    /// The settings of a run of `forecast`.
    ForecastSettings {
        /// An embedded data set (weather, stocks) or a CSV file with a header [default: weather]
        #[arg(long, value_name = "NAME|FILE.csv")]
        pub data: Option<String>,
        /// The columns to foretell (a name with a comma can stand in a file of settings alone)
        #[arg(long, value_name = "COL,..", value_delimiter = ',')]
        pub target: Option<Vec<String>>,
        /// The columns to look at [default: the data set's, or else the target]
        #[arg(long, value_name = "COL,..", value_delimiter = ',')]
        pub inputs: Option<Vec<String>>,
        /// The column of dates [default: one that is called so]
        #[arg(long, value_name = "COL")]
        pub date: Option<String>,
        /// What to do about missing values: error, forward (the last value goes on), drop (the row) [default: error]
        #[arg(long)]
        pub missing: Option<Missing>,
        /// Shares of the rows for training, validation and test, in the order of time [default: 0.7,0.15,0.15]
        #[arg(long, value_name = "TRAIN,VALID,TEST")]
        pub split: Option<Ratios>,
        /// How columns are scaled: standard, minmax, none [default: standard]
        #[arg(long)]
        pub scaler: Option<ScalerKind>,
        /// Rows after which things repeat, for the seasonal naive forecast; 0 for none
        #[arg(long, value_name = "ROWS")]
        pub season: Option<usize>,
        /// Rows seen [default: 100]
        #[arg(long, value_name = "ROWS")]
        pub window: Option<usize>,
        /// Rows foretold at once [default: the data set's, or else 1]
        #[arg(long, value_name = "ROWS")]
        pub horizon: Option<usize>,
        /// The recurrent layer: rnn, lstm, gru [default: lstm]
        #[arg(long)]
        pub model: Option<CellKind>,
        /// Hidden units of each layer [default: 50,50]
        #[arg(long, value_name = "N,..", value_delimiter = ',')]
        pub hidden: Option<Vec<usize>>,
        /// Dropout between layers [default: 0]
        #[arg(long, value_name = "SHARE")]
        pub dropout: Option<f64>,
        /// Standard deviation of the noise on the scaled inputs in training [default: the data set's, or else 0]
        #[arg(long, value_name = "X")]
        pub noise: Option<f64>,
        /// Foretell the change from the last value, not the level [default: true if all targets are looked at]
        #[arg(long, value_name = "true|false")]
        pub residual: Option<bool>,
    }
    task: Forecast, items: "Windows", epochs: "40", batch: "32", lr: "0.001", schedule: "constant", patience: "10"
}

settings! {
    /// The settings of a run of `generate`.
    GenerateSettings {
        /// A known data set (see `train data list`) or a text file [default: fables]
        #[arg(long, value_name = "NAME|FILE.txt")]
        pub data: Option<String>,
        /// The share of the text, at its end, that validates [default: 0.1]
        #[arg(long, value_name = "SHARE")]
        pub valid: Option<f64>,
        /// What a token is: chars, words, bpe, unigram [default: chars]
        #[arg(long)]
        pub codec: Option<TokenizerKind>,
        /// How many tokens there are at most; 0 for all characters or words, or 4000 subwords [default: 0]
        #[arg(long, value_name = "N")]
        pub vocabulary: Option<usize>,
        /// A Hugging Face tokenizer to take the tokens from
        #[arg(long, value_name = "FILE.json")]
        pub tokenizer: Option<String>,
        /// The recurrent layer: rnn, lstm, gru [default: lstm]
        #[arg(long)]
        pub model: Option<CellKind>,
        /// Features of a token [default: 64]
        #[arg(long, value_name = "N")]
        pub embedding: Option<usize>,
        /// Hidden units of each layer [default: 256]
        #[arg(long, value_name = "N")]
        pub hidden: Option<usize>,
        /// Layers on top of one another [default: 1]
        #[arg(long, value_name = "N")]
        pub layers: Option<usize>,
        /// Dropout on the embedding, between layers, and before the output [default: 0.2]
        #[arg(long, value_name = "SHARE")]
        pub dropout: Option<f64>,
        /// Let the output share the embedding's weights
        #[arg(long, value_name = "true|false", num_args = 0..=1, default_missing_value = "true")]
        pub tied: Option<bool>,
        /// Steps that a gradient goes back [default: 64]
        #[arg(long, value_name = "N")]
        pub window: Option<usize>,
        /// The share of lanes that begin a window of training without a past, as a text begins [default: 0.05]
        #[arg(long, value_name = "SHARE")]
        pub fresh: Option<f64>,
    }
    task: Generate, items: "BpttBatches of the text side by side in", epochs: "10", batch: "32", lr: "0.004", schedule: "constant", patience: "3"
}

settings! {
    /// The settings of a run of `translate`.
    TranslateSettings {
        /// A known data set, a table of pairs, or a file of sentences with --target-data [default: phrases]
        #[arg(long, value_name = "NAME|FILE")]
        pub data: Option<String>,
        /// The translations of --data, line by line
        #[arg(long, value_name = "FILE")]
        pub target_data: Option<String>,
        /// The column of the sentences [default: the first]
        #[arg(long, value_name = "COL")]
        pub source_column: Option<String>,
        /// The column of their translations [default: the second]
        #[arg(long, value_name = "COL")]
        pub target_column: Option<String>,
        /// The column by which pairs stay together in one part [default: the sentence itself]
        #[arg(long, value_name = "COL")]
        pub group_column: Option<String>,
        /// Shares of the pairs for training, validation and test [default: the data set's, or else 0.8,0.1,0.1]
        #[arg(long, value_name = "TRAIN,VALID,TEST")]
        pub split: Option<Ratios>,
        /// What a token is, on both sides: chars, words, bpe, unigram [default: bpe]
        #[arg(long)]
        pub codec: Option<TokenizerKind>,
        /// How many tokens each side has at most; 0 for all characters or words, or 4000 subwords [default: 600]
        #[arg(long, value_name = "N")]
        pub vocabulary: Option<usize>,
        /// Tokens come in as one-hot vectors, not through an embedding
        #[arg(long, value_name = "true|false", num_args = 0..=1, default_missing_value = "true")]
        pub one_hot: Option<bool>,
        /// Features of a token [default: 128]
        #[arg(long, value_name = "N")]
        pub embedding: Option<usize>,
        /// The recurrent layer: rnn, lstm, gru [default: gru]
        #[arg(long)]
        pub model: Option<CellKind>,
        /// Hidden units of each layer [default: 256]
        #[arg(long, value_name = "N")]
        pub hidden: Option<usize>,
        /// Layers of the encoder, and as many of the decoder [default: 1]
        #[arg(long, value_name = "N")]
        pub layers: Option<usize>,
        /// Read the sentence in both directions [default: true]
        #[arg(long, value_name = "true|false", num_args = 0..=1, default_missing_value = "true")]
        pub bidirectional: Option<bool>,
        /// How the decoder looks back at the sentence: none, dot, general, additive [default: general]
        #[arg(long)]
        pub attention: Option<DecoderAttention>,
        /// Dropout on embeddings, between layers, and before the output [default: 0.4]
        #[arg(long, value_name = "SHARE")]
        pub dropout: Option<f64>,
        /// Let the output share the target embedding's weights
        #[arg(long, value_name = "true|false", num_args = 0..=1, default_missing_value = "true")]
        pub tied: Option<bool>,
        /// Tokens of a sentence at most; longer ones are cut [default: 60]
        #[arg(long, value_name = "N")]
        pub longest: Option<usize>,
        /// The share of the probability that training spreads over all tokens [default: 0.1]
        #[arg(long, value_name = "SHARE")]
        pub smoothing: Option<f64>,
        /// The share of the decoder's inputs in training that it has said itself [default: 0]
        #[arg(long, value_name = "SHARE")]
        pub sampling: Option<f64>,
        /// How many translations are followed at once when the run is scored [default: 5]
        #[arg(long, value_name = "N")]
        pub beam: Option<usize>,
        /// The power of its length that divides a translation's log-probability [default: 0.6]
        #[arg(long, value_name = "X")]
        pub alpha: Option<f64>,
    }
    task: Translate, items: "ParallelCorpus", epochs: "30", batch: "32", lr: "0.003", schedule: "cosine", patience: "0"
}

settings! {
    /// The settings of a run of `sentiment`.
    ClassifySettings {
        /// A known data set or a table of labeled sentences [default: reviews]
        #[arg(long, value_name = "NAME|FILE")]
        pub data: Option<String>,
        /// The column of the sentences [default: one called text, sentence or review, or else the first]
        #[arg(long, value_name = "COL")]
        pub text_column: Option<String>,
        /// The column of the labels [default: one called label, sentiment or class, or else the last]
        #[arg(long, value_name = "COL")]
        pub label_column: Option<String>,
        /// The column that says train, valid or test [default: one called part, if there is one]
        #[arg(long, value_name = "COL")]
        pub part_column: Option<String>,
        /// Shares of the sentences for training, validation and test, where no column says [default: 0.8,0.1,0.1]
        #[arg(long, value_name = "TRAIN,VALID,TEST")]
        pub split: Option<Ratios>,
        /// What a token is: chars, words, bpe, unigram [default: words]
        #[arg(long)]
        pub codec: Option<TokenizerKind>,
        /// How many tokens there are at most; 0 for all [default: 20000]
        #[arg(long, value_name = "N")]
        pub vocabulary: Option<usize>,
        /// How often a token must be there in training to be known [default: 2]
        #[arg(long, value_name = "N")]
        pub min_count: Option<usize>,
        /// Features of a token [default: 64]
        #[arg(long, value_name = "N")]
        pub embedding: Option<usize>,
        /// The recurrent layer: rnn, lstm, gru [default: lstm]
        #[arg(long)]
        pub model: Option<CellKind>,
        /// Hidden units of each layer and direction [default: 32]
        #[arg(long, value_name = "N")]
        pub hidden: Option<usize>,
        /// Layers on top of one another [default: 1]
        #[arg(long, value_name = "N")]
        pub layers: Option<usize>,
        /// Read the sentence in both directions [default: true]
        #[arg(long, value_name = "true|false", num_args = 0..=1, default_missing_value = "true")]
        pub bidirectional: Option<bool>,
        /// How the outputs of all steps become one: last, mean, max, attention [default: mean]
        #[arg(long)]
        pub pooling: Option<Pooling>,
        /// Dropout on the embedding, between layers, and before the output [default: 0.5]
        #[arg(long, value_name = "SHARE")]
        pub dropout: Option<f64>,
        /// The share of tokens that training reads as `<unk>` [default: 0.3]
        #[arg(long, value_name = "SHARE")]
        pub word_dropout: Option<f64>,
        /// Tokens of a sentence at most; longer ones are cut [default: 200]
        #[arg(long, value_name = "N")]
        pub longest: Option<usize>,
    }
    task: Sentiment, items: "Sentences", epochs: "40", batch: "32", lr: "0.005", schedule: "constant", patience: "8"
}

/// Settings on their way to a plan.
#[derive(Debug)]
pub struct Layers {
    given: Table,
}

impl Layers {
    /// What was typed over what a file says.
    pub fn read<S: Settings>(typed: &S, config: Option<&Path>) -> Result<Self> {
        let mut given = match config {
            Some(path) => table(&from_file::<S>(path)?),
            None => Table::new(),
        };
        given.extend(table(typed));
        Ok(Self { given })
    }

    /// A setting by itself, for a recipe that depends on it.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.given.get(name).and_then(|value| value.clone().try_into().ok())
    }

    /// The recipe's plan with the settings in their places.
    pub fn over<P: Plan>(mut self, recipe: &P) -> Result<P> {
        if self.get::<String>("sha256").is_some_and(|planned| planned != recipe.sha256()) {
            let data = recipe.data();
            note(format!("note: {data} has other bytes than the plan was made with, so this will be another run"));
        }
        for settled in ["data", "target_data", "sha256"] {
            self.given.remove(settled);
        }
        let mut plan = table(recipe);
        plan.extend(self.given);
        let plan: P = Value::Table(plan).try_into().map_err(|cause| BadInput(format!("settings: {cause}")))?;
        plan.check()?;
        Ok(plan)
    }
}

/// Settings from a TOML file.
fn from_file<S: Settings>(path: &Path) -> Result<S> {
    /// Whose settings they are is looked at first: the plan of another task has words that this one does not know.
    #[derive(Deserialize)]
    struct Head {
        task: Option<Task>,
    }
    let bad = |what: String| BadInput(format!("{}: {what}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|cause| bad(format!("expected a file of settings: {cause}")))?;
    if let Ok(Head { task: Some(task) }) = toml::from_str(&text)
        && task != S::TASK
    {
        return Err(bad(format!("expected settings of `{}`, found those of `{task}`", S::TASK)).into());
    }
    Ok(toml::from_str(&text).map_err(|cause| {
        let line = cause.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
        bad(format!("line {line}: {}", cause.message()))
    })?)
}

/// What is said, by its name; what is not said is left out.
fn table(settings: &impl Serialize) -> Table {
    Table::try_from(settings).expect("settings and plans have a form in TOML")
}

/// The first thing that is said at all, as it would be typed.
pub fn first_said(asked: &impl Serialize) -> Option<String> {
    let said = table(asked).into_iter().find(|(_, value)| value.as_array().is_none_or(|list| !list.is_empty()));
    said.map(|(name, _)| if name == "sentences" { "SENTENCE".into() } else { format!("--{}", name.replace('_', "-")) })
}

#[cfg(test)]
mod tests {
    use recurrent::generate::GenerateConfig;

    use super::*;

    #[test]
    fn what_is_typed_goes_before_the_file_and_the_file_before_the_recipe() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.toml");
        std::fs::write(&path, "hidden = 12\nepochs = 3\n").unwrap();
        let typed = GenerateSettings { epochs: Some(7), tied: Some(true), ..GenerateSettings::default() };
        let recipe = GenerateConfig::new("fables").unwrap();
        let plan = Layers::read(&typed, Some(&path)).unwrap().over(&recipe).unwrap();
        assert_eq!((plan.hidden, plan.fit.epochs, plan.tied), (12, 7, true));
        assert_eq!((plan.embedding, plan.fit.batch), (recipe.embedding, recipe.fit.batch));
    }

    #[test]
    fn the_plan_of_another_task_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.toml");
        std::fs::write(&path, "task = \"translate\"\nlongest = 60\n").unwrap();
        let error = Layers::read(&GenerateSettings::default(), Some(&path)).unwrap_err();
        assert!(error.to_string().contains("expected settings of `generate`, found those of `translate`"), "{error}");
    }

    #[test]
    fn a_question_is_seen_by_what_it_says() {
        let asked = crate::cli::GenerateOptions { top_k: Some(3), ..Default::default() };
        assert_eq!(first_said(&asked), Some("--top-k".into()));
        assert_eq!(first_said(&crate::cli::SentencesOptions::default()), None);
    }
}
