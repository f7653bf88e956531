//! `train import` and `train export`: weights from and to PyTorch, Keras and ONNX.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};
use recurrent::Partial;
use recurrent::exchange::{ExportFormat, ImportConfig, export};
use recurrent::models::networks::Pooling;
use recurrent::weights::{NetworkParts, WeightFile};

use crate::device::{self, DeviceArgs};
use crate::folder;
use crate::output::{note, print};
use crate::tasks::{self, TaskCommand};

#[derive(Debug, Args)]
pub struct ImportArgs {
    /// A file of PyTorch (.pt, .safetensors), Keras (.keras, .h5) or ONNX
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// List what is in the file
    #[arg(long, conflicts_with = "task")]
    list: bool,
    /// The task to make a run of
    #[arg(long = "as", value_name = "TASK", value_parser = task_names(), required_unless_present = "list")]
    task: Option<String>,
    /// The tokenizer of a text: a tokenizer.json, or a JSON list of characters in the order of their ids; of a translator, one
    /// for both languages, or the tokenizers.json of an export
    #[arg(long, value_name = "FILE.json")]
    tokenizer: Option<PathBuf>,
    /// The tokenizer of the language that a translator reads
    #[arg(long, value_name = "FILE.json", requires = "target_tokenizer", conflicts_with = "tokenizer")]
    source_tokenizer: Option<PathBuf>,
    /// The tokenizer of the language that it writes
    #[arg(long, value_name = "FILE.json", requires = "source_tokenizer", conflicts_with = "tokenizer")]
    target_tokenizer: Option<PathBuf>,
    /// The labels of a classifier, in the order of its outputs
    #[arg(long, value_name = "LABEL,..", value_delimiter = ',')]
    labels: Vec<String>,
    /// What the output layer of a classifier reads: last, mean, max
    #[arg(long, default_value_t = Pooling::Last)]
    pooling: Pooling,
    /// A registered data set or a file, to evaluate on and to go on training with [default: the task's]
    #[arg(long, value_name = "NAME|FILE")]
    data: Option<String>,
    /// Other settings of the run from a file, such as the target of a forecast
    #[arg(long, value_name = "FILE.toml")]
    config: Option<PathBuf>,
    /// The recurrent layers, from the bottom to the top [default: all]
    #[arg(long, value_name = "NAME,..", value_delimiter = ',')]
    stacks: Vec<String>,
    /// The tensor of the embedding [default: found by its shape]
    #[arg(long, value_name = "NAME")]
    embedding: Option<String>,
    /// The weights of the output layer [default: found by their shape]
    #[arg(long, value_name = "NAME")]
    output_layer: Option<String>,
    /// Leave out what else is in the file, instead of refusing it
    #[arg(long)]
    partial: bool,
    /// The run's folder [default: a new one under runs/]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace an existing run in the folder
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    device: DeviceArgs,
}

/// The names of the tasks, each with what is expected in the file.
fn task_names() -> PossibleValuesParser {
    tasks::importable().map(|(task, import)| PossibleValue::new(task.name()).help(import.network)).into()
}

#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The run's folder, or a pretrained model such as zoo:fables
    pub run: PathBuf,
    /// pytorch, keras or onnx
    #[arg(long)]
    format: ExportFormat,
    /// A new folder for the weights and a script that loads them
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    device: DeviceArgs,
}

/// `train import`.
pub fn import(args: &ImportArgs) -> Result<ExitCode> {
    let asked = |task: &dyn TaskCommand| args.task.as_deref() == Some(task.name());
    let Some((task, import)) = tasks::importable().find(|(task, _)| asked(*task)) else {
        let file = WeightFile::open(&args.file).map_err(recurrent::Error::from)?;
        print(&file);
        file.other_tensors().iter().for_each(|tensor| print(format!("  {tensor}")));
        return Ok(ExitCode::SUCCESS);
    };
    let mut settings = match &args.config {
        Some(path) => task.read_settings(path)?,
        None => Partial::default(),
    };
    if let Some(data) = &args.data {
        settings.set("data", data.clone().into());
    }
    let mut parts = NetworkParts::new().with_stacks(&args.stacks).with_partial(args.partial);
    (parts.embedding, parts.output) = (args.embedding.clone(), args.output_layer.clone());
    let mut config = ImportConfig::new(&args.file)
        .with_parts(parts)
        .with_labels(&args.labels)
        .with_pooling(args.pooling)
        .with_settings(settings)
        .with_force(args.force);
    config.tokenizer.clone_from(&args.tokenizer);
    config.source_tokenizer.clone_from(&args.source_tokenizer);
    config.target_tokenizer.clone_from(&args.target_tokenizer);
    let out = args.out.clone().unwrap_or_else(|| folder::new(&format!("{}-imported", task.name())));
    let device = device::open(&args.device)?;
    let notes = (import.run)(&config, &out, &device)?;
    notes.iter().for_each(|text| note(format!("note: {text}")));
    let out = out.display();
    print(format!("The run is in {out}. To use it: train predict {out}; to train it: train resume {out}"));
    Ok(ExitCode::SUCCESS)
}

/// `train export`.
pub fn export_run(args: &ExportArgs) -> Result<ExitCode> {
    export(&args.run, args.format, &args.out, &device::open(&args.device)?)?;
    let out = args.out.display();
    print(format!("The export is in {out}. To compare it with this program: python {out}/load.py"));
    Ok(ExitCode::SUCCESS)
}
