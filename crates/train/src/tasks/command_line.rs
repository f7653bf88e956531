//! What the command line adds to a task.

use std::path::Path;
use std::sync::Once;

use anyhow::{Context, Result};
use burn::tensor::Device;
use clap::Args;
use recurrent::exchange::ImportConfig;
use recurrent::fit::AfterEpoch;
use recurrent::models::Summary;
use recurrent::{Run, Task, replace};
use serde::Serialize;

use crate::args::{Format, PredictArgs};
use crate::error::BadInput;
use crate::output::{note, print};
use crate::report::{Block, Section};

/// A task's part of the command line.
pub trait CommandLine: Task {
    /// The help text of its command.
    const ABOUT: &'static str;
    /// Other names of its command.
    const ALIASES: &'static [&'static str] = &[];
    /// The title of the plot of its loss.
    const LOSS: &'static str;
    /// Whether training shows burn-train's dashboard, if there is a terminal.
    const DASHBOARD: bool = true;

    /// How a run is made of weights of another framework, if it can be.
    const IMPORT: Option<Import> = None;

    /// Options of training that are not settings.
    type TrainOptions: Args;
    /// Options of a prediction.
    type PredictOptions: Args;

    /// The default settings for these options of training.
    fn with_options(defaults: Self::Config, options: &Self::TrainOptions) -> Self::Config {
        let _ = options;
        defaults
    }

    /// A sentence about the run, printed before training.
    fn describe(run: &Run<Self>) -> String;

    /// Called before the first step, for the options of training.
    fn before_training(run: &Run<Self>, options: &Self::TrainOptions) {
        let _ = (run, options);
    }

    /// A function that is called after each epoch, after the line about its loss.
    fn after_epoch(run: &Run<Self>, device: &Device) -> AfterEpoch {
        let _ = (run, device);
        Box::new(|_| ())
    }

    /// Evaluates a run, prints its scores, and writes scores and plots into its folder; returns them for a report.
    fn evaluate_and_print(run: &Run<Self>, device: &Device) -> Result<Section>;

    /// The command to use the run with, in a sentence.
    fn next_command(run: &Run<Self>) -> String;

    /// Predicts with a run.
    fn predict(args: &PredictArgs, options: &Self::PredictOptions, device: &Device) -> Result<()>;

    /// The layers of the task's default network, or of the lecture's.
    fn default_summary(device: &Device) -> Result<Summary>;

    /// Reduces the default settings to the time that the demo has.
    fn shorten(config: &mut Self::Config) {
        let _ = config;
    }
}

/// How weights of another framework become a run of a task.
#[derive(Clone, Copy)]
pub struct Import {
    /// What the file has to hold, for the help of `train import`.
    pub network: &'static str,
    /// Makes the run in a folder; returns what was assumed.
    pub run: fn(&ImportConfig, &Path, &Device) -> recurrent::Result<Vec<String>>,
}

/// No options.
#[derive(Debug, Default, Args)]
pub struct NoOptions {}

/// Writes a result into the run's folder. On a read-only disk it is only printed, and a note says so.
pub fn save<T: Task>(run: &Run<T>, name: &str, contents: impl AsRef<[u8]>) -> Result<()> {
    static NOTE: Once = Once::new();
    match run.run_dir().write(name, contents) {
        Err(error) if error.is_read_only() => {
            NOTE.call_once(|| note(format!("note: scores and plots are not saved: {error}")));
            Ok(())
        }
        written => Ok(written?),
    }
}

/// Writes a plot into the run's folder; returns it for a report.
pub fn save_plot<T: Task>(run: &Run<T>, name: &str, caption: &str, svg: String) -> Result<Block> {
    save(run, &format!("plots/{name}.svg"), &svg)?;
    Ok(Block::Plot { caption: caption.into(), svg })
}

/// Writes scores into the run's folder.
pub fn write_scores<T: Task>(run: &Run<T>, scores: &impl Serialize) -> Result<()> {
    let scores = serde_json::to_string_pretty(scores).context("scores cannot be written as JSON")?;
    save(run, "scores.json", scores + "\n")
}

/// Writes a prediction to a file or to standard output.
pub fn write_output(args: &PredictArgs, text: &str) -> Result<()> {
    match &args.output {
        Some(path) => replace(path, text.as_bytes())?,
        None => print(text.strip_suffix('\n').unwrap_or(text)),
    }
    Ok(())
}

/// The format of a prediction; the first supported one is the default.
pub fn format(args: &PredictArgs, supported: &[Format]) -> Result<Format> {
    let format = args.format.unwrap_or(supported[0]);
    if supported.contains(&format) {
        return Ok(format);
    }
    let supported: Vec<String> = supported.iter().map(|format| format!("{format:?}").to_lowercase()).collect();
    let found = format!("{format:?}").to_lowercase();
    Err(BadInput(format!("--format: expected {} for this run, found {found}", supported.join(" or "))).into())
}
