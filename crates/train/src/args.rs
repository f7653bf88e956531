//! The arguments that several commands share.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::device::DeviceArgs;
use crate::ranks::RanksArgs;

/// The options of training besides the task's settings.
#[derive(Debug, Default, Args)]
pub struct NewRunArgs {
    /// Settings from a file, such as a run's config.toml; those on the command line take precedence
    #[arg(long, value_name = "FILE.toml")]
    pub config: Option<PathBuf>,
    /// The run's folder [default: a new one under runs/]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Replace an existing run in the folder
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub device: DeviceArgs,
    #[command(flatten)]
    pub ranks: RanksArgs,
}

#[derive(Debug, Args)]
pub struct RunArgs {
    /// The run's folder, or a pretrained model such as zoo:sentiment-en
    pub run: PathBuf,
    #[command(flatten)]
    pub device: DeviceArgs,
}

#[derive(Debug, Args)]
pub struct ResumeArgs {
    #[command(flatten)]
    pub run: RunArgs,
    /// The total number of epochs [default: the run's setting]
    #[arg(long, value_name = "N")]
    pub epochs: Option<usize>,
    #[command(flatten)]
    pub ranks: RanksArgs,
}

#[derive(Debug, Args)]
pub struct PredictArgs {
    #[command(flatten)]
    pub run: RunArgs,
    /// The format of the output [default: csv for a forecast, text for the others]
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// The file to write it to [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Plain text
    Text,
    Csv,
    Json,
    /// Subtitles of a recording
    Srt,
}
