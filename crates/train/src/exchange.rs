//! `train import` and `train export`: weights from and to PyTorch, Keras and ONNX.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, ValueEnum};
use recurrent::classify::ClassifyConfig;
use recurrent::exchange::{ExportFormat, ImportConfig, export, import_classifier, import_forecaster, import_generator};
use recurrent::forecast::ForecastConfig;
use recurrent::generate::GenerateConfig;
use recurrent::models::networks::Pooling;
use recurrent::settings::{Setting, Settings};
use recurrent::weights::{NetworkParts, WeightFile};
use recurrent::{Partial, TaskConfig};

use crate::device::{self, DeviceArgs};
use crate::folder;
use crate::output::{note, print};

#[derive(Debug, Args)]
pub struct ImportArgs {
    /// A file of PyTorch (.pt, .safetensors), Keras (.keras, .h5) or ONNX
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// List what is in the file
    #[arg(long, conflicts_with = "task")]
    list: bool,
    /// The task to make a run of
    #[arg(long = "as", value_name = "TASK", value_enum, required_unless_present = "list")]
    task: Option<ImportTask>,
    /// The tokenizer of a text: a tokenizer.json, or a JSON list of characters in the order of their ids
    #[arg(long, value_name = "FILE.json")]
    tokenizer: Option<PathBuf>,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ImportTask {
    /// Recurrent layers and a dense layer
    Forecast,
    /// A language model
    Generate,
    /// A classifier of texts
    Classify,
}

impl ImportTask {
    fn name(self) -> &'static str {
        match self {
            Self::Forecast => ForecastConfig::TASK,
            Self::Generate => GenerateConfig::TASK,
            Self::Classify => ClassifyConfig::TASK,
        }
    }

    fn settings(self) -> Vec<&'static Setting> {
        match self {
            Self::Forecast => ForecastConfig::settings().collect(),
            Self::Generate => GenerateConfig::settings().collect(),
            Self::Classify => ClassifyConfig::settings().collect(),
        }
    }
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
    let Some(task) = args.task else {
        let file = WeightFile::open(&args.file).map_err(recurrent::Error::from)?;
        print(&file);
        file.other_tensors().iter().for_each(|tensor| print(format!("  {tensor}")));
        return Ok(ExitCode::SUCCESS);
    };
    let mut settings = match &args.config {
        Some(path) => Partial::read(path, task.name(), task.settings())?,
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
    let out = args.out.clone().unwrap_or_else(|| folder::new(&format!("{}-imported", task.name())));
    let device = device::open(&args.device)?;
    let notes = match task {
        ImportTask::Forecast => import_forecaster(&config, &out, &device),
        ImportTask::Generate => import_generator(&config, &out, &device),
        ImportTask::Classify => import_classifier(&config, &out, &device),
    }?;
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
