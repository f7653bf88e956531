//! What can be typed.

use std::fmt;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use recurrent::data::RAW_FOLDER;
use serde::Serialize;

use crate::compare::CompareArgs;
use crate::device::DeviceName;
use crate::settings::{ClassifySettings, ForecastSettings, GenerateSettings, TranslateSettings};

/// Trains, evaluates and uses recurrent networks.
///
/// Without a command: the tour. It forecasts, generates, translates and judges in turn, on data that come with the
/// program, in a few minutes, and leaves a report.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 110)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show everything: forecast, generate, translate and judge in turn, and write a report
    Tour(TourArgs),
    /// Train a network to forecast columns of a table
    Forecast(Box<NewRun<ForecastSettings>>),
    /// Train a network to go on with a text, character by character or subword by subword
    Generate(Box<GenerateArgs>),
    /// Train a network to translate sentences
    Translate(Box<TranslateArgs>),
    /// Train a network to tell labels from sentences, beside a bag of words
    Sentiment(Box<NewRun<ClassifySettings>>),
    /// Go on with a run that was interrupted, or give it more epochs
    Resume(ResumeArgs),
    /// Score a run again, beside its baselines
    Evaluate(RunArgs),
    /// Use a run: foretell rows, go on with a text, translate or judge sentences
    Predict(Box<PredictArgs>),
    /// Complete words with a run of `generate`, while they are typed
    Complete(CompleteArgs),
    /// Compare RNN, LSTM and GRU on this machine: memory, gradient flow, gates, cost and data quality
    Compare(Box<CompareArgs>),
    /// Show layers, shapes and parameters of a task's network, or of a run's
    Summary(SummaryArgs),
    /// List, show and fetch data sets
    #[command(subcommand)]
    Data(DataCommand),
    /// List what there is to compute on, with its limits
    Devices,
}

impl Default for Command {
    fn default() -> Self {
        Self::Tour(TourArgs::default())
    }
}

#[derive(Debug, Default, Args)]
pub struct TourArgs {
    /// The folder of the tour's runs and its report [default: a new one under runs/]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub device: DeviceArgs,
}

/// A run that is to be made.
#[derive(Debug, Default, Args)]
pub struct NewRun<S: Args> {
    #[command(flatten)]
    pub settings: S,
    /// Settings from a file; a run's plan.toml is one. What is typed goes before what the file says
    #[arg(long, value_name = "FILE.toml")]
    pub config: Option<PathBuf>,
    /// The run's folder [default: a new one under runs/]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Replace the run in that folder, if there is one
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub device: DeviceArgs,
}

#[derive(Debug, Default, Args)]
pub struct GenerateArgs {
    #[command(flatten)]
    pub run: NewRun<GenerateSettings>,
    /// Show the first steps of training as the network sees them: each token's number, and the one expected next
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub trace: usize,
}

#[derive(Debug, Default, Args)]
pub struct TranslateArgs {
    #[command(flatten)]
    pub run: NewRun<TranslateSettings>,
    /// Begin with the lecture's own network: one-hot characters, LSTM(128) → states → LSTM(128), no attention
    #[arg(long)]
    pub lecture: bool,
}

#[derive(Debug, Default, Args)]
pub struct DeviceArgs {
    /// Where to compute: flex or ndarray (CPU), wgpu, vulkan, metal or cuda (GPU), as far as compiled in; :N picks one of
    /// several
    #[arg(long, value_name = "NAME[:N]")]
    pub device: Option<DeviceName>,
}

#[derive(Debug, Args)]
pub struct RunArgs {
    /// The run's folder
    pub run: PathBuf,
    #[command(flatten)]
    pub device: DeviceArgs,
}

#[derive(Debug, Args)]
pub struct ResumeArgs {
    #[command(flatten)]
    pub run: RunArgs,
    /// How many epochs the run is to have in all [default: as planned]
    #[arg(long, value_name = "N")]
    pub epochs: Option<usize>,
}

#[derive(Debug, Args)]
pub struct PredictArgs {
    #[command(flatten)]
    pub run: RunArgs,
    #[command(flatten)]
    pub forecast: ForecastOptions,
    #[command(flatten)]
    pub generate: GenerateOptions,
    #[command(flatten)]
    pub sentences: SentencesOptions,
    #[command(flatten)]
    pub translate: TranslateOptions,
    #[command(flatten)]
    pub sentiment: ClassifyOptions,
    /// The form of the answer [default: csv for a forecast, text for the others]
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// Where to write it [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// What can be asked of a forecaster.
#[derive(Debug, Default, Args, Serialize)]
#[command(next_help_heading = "Runs of forecast")]
pub struct ForecastOptions {
    /// Rows to go on from [default: the last that the run has seen]
    #[arg(long, value_name = "NAME|FILE.csv")]
    pub data: Option<String>,
    /// How many rows to foretell [default: the run's horizon]
    #[arg(long, value_name = "N")]
    pub steps: Option<usize>,
}

/// What can be asked of a generator.
#[derive(Debug, Default, Args, Serialize)]
#[command(next_help_heading = "Runs of generate")]
pub struct GenerateOptions {
    /// What the text begins with [default: the beginning of a line]
    #[arg(long, value_name = "TEXT")]
    pub prompt: Option<String>,
    /// Tokens to make [default: 400]
    #[arg(long, value_name = "N")]
    pub length: Option<usize>,
    /// Below 1 the likely becomes likelier, 0 always takes the likeliest [default: 0.8]
    #[arg(long, value_name = "X")]
    pub temperature: Option<f64>,
    /// Draw from so many of the likeliest tokens; 0 for all [default: 0]
    #[arg(long, value_name = "N")]
    pub top_k: Option<usize>,
    /// Draw from the likeliest tokens that have this share of the probability together [default: 1]
    #[arg(long, value_name = "SHARE")]
    pub top_p: Option<f64>,
    /// How much unlikelier what was there among the last 64 tokens becomes; 1 for not at all [default: 1]
    #[arg(long, value_name = "X")]
    pub repetition: Option<f64>,
    /// Always take the likeliest token
    #[arg(long, num_args = 0, default_missing_value = "true")]
    pub greedy: Option<bool>,
    /// Where the draws come from [default: 0]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// End before this text
    #[arg(long, value_name = "TEXT")]
    pub stop: Option<String>,
    /// Refuse a prompt with characters that were never seen in training, instead of reading them as `<unk>`
    #[arg(long, num_args = 0, default_missing_value = "true")]
    pub strict: Option<bool>,
}

/// What runs that take sentences are given.
#[derive(Debug, Default, Args, Serialize)]
#[command(next_help_heading = "Runs of translate and sentiment")]
pub struct SentencesOptions {
    /// Sentences [default: the lines of --input, or else of standard input]
    #[arg(value_name = "SENTENCE")]
    pub sentences: Vec<String>,
    /// A file with a sentence on each line; - for standard input
    #[arg(long, value_name = "FILE", conflicts_with = "sentences")]
    pub input: Option<PathBuf>,
}

/// What can be asked of a translator, and in part of a generator.
#[derive(Debug, Default, Args, Serialize)]
#[command(next_help_heading = "Runs of translate (--beam: of generate too)")]
pub struct TranslateOptions {
    /// How many translations (or texts) are followed at once [default: as the run was scored; generate: none, it draws]
    #[arg(long, value_name = "N")]
    pub beam: Option<usize>,
    /// The power of its length that divides a translation's log-probability [default: as the run was scored]
    #[arg(long, value_name = "X")]
    pub alpha: Option<f64>,
    /// Draw where the first sentence's translation looked back at
    #[arg(long, value_name = "FILE.svg")]
    pub attention: Option<PathBuf>,
}

/// What can be asked of a classifier.
#[derive(Debug, Default, Args, Serialize)]
#[command(next_help_heading = "Runs of sentiment")]
pub struct ClassifyOptions {
    /// Show which words moved each judgement (gradient times input)
    #[arg(long, num_args = 0, default_missing_value = "true")]
    pub explain: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For readers
    Text,
    Csv,
    Json,
}

#[derive(Debug, Args)]
pub struct CompleteArgs {
    #[command(flatten)]
    pub run: RunArgs,
    /// The beginning of a text [default: what is typed, or the lines of standard input]
    #[arg(value_name = "TEXT")]
    pub text: Option<String>,
    /// How many ways to go on
    #[arg(short, long, value_name = "N", default_value_t = 5)]
    pub n: usize,
}

#[derive(Debug, Args)]
pub struct SummaryArgs {
    /// `forecast`, `generate`, `translate` or `sentiment`, or a run's folder
    #[arg(value_name = "TASK|RUN")]
    pub of: PathBuf,
    #[command(flatten)]
    pub device: DeviceArgs,
}

#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// All data sets that are known by name, and how far each is at hand
    List(DataFolder),
    /// What a data set is, and its first lines
    Show(DataShowArgs),
    /// Fetch a data set that does not come with the program
    Fetch(DataFetchArgs),
}

#[derive(Debug, Args)]
pub struct DataFolder {
    /// Where fetched data sets lie, a folder each
    #[arg(long, value_name = "DIR", default_value = RAW_FOLDER)]
    pub folder: PathBuf,
}

#[derive(Debug, Args)]
pub struct DataShowArgs {
    /// A data set's name, or the manifest of one of your own
    #[arg(value_name = "NAME|FILE.toml")]
    pub name: String,
    #[command(flatten)]
    pub folder: DataFolder,
}

#[derive(Debug, Args)]
pub struct DataFetchArgs {
    #[command(flatten)]
    pub of: DataShowArgs,
    /// A file that is at hand already, in place of the one that the source gives
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
}

/// Bad input that is found in this crate.
#[derive(Debug)]
pub struct BadInput(pub String);

impl fmt::Display for BadInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadInput {}

/// Whether an error is about what was given, and not about this program or machine.
pub fn is_bad_input(error: &anyhow::Error) -> bool {
    let ours = error.downcast_ref::<BadInput>().is_some();
    let library = error.downcast_ref::<recurrent::Error>().is_some_and(recurrent::Error::is_bad_input);
    ours || library
}
