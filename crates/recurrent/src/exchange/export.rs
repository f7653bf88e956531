//! A run as a folder for another framework.

use std::fmt;
use std::fs;
use std::path::Path;
use std::str::FromStr;

use burn::tensor::activation::softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};
use recurrent_data::Tokenizer;
use recurrent_models::Nonlinearity;
use recurrent_zoo::{CellVariant, Matrix, NetworkWeights, StackWeights, keras, onnx, pytorch};
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::{Value, json};

use super::network::{of_classifier, of_forecaster, of_language_model};
use super::seq2seq;
use crate::classify::Classifier;
use crate::forecast::Forecaster;
use crate::generate::Generator;
use crate::run_dir::parent;
use crate::translate::Translator;
use crate::{Error, Predictor, Result, RunDir, TaskConfig};

/// Rows of the example.
const ROWS: usize = 2;
/// Steps of the example's longest row.
const STEPS: usize = 6;

/// What a run is exported for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExportFormat {
    /// PyTorch: `model.safetensors`, with the names of a `state_dict`.
    Pytorch,
    /// Keras 3: `model.weights.h5`.
    Keras,
    /// ONNX: `model.onnx`.
    Onnx,
}

impl ExportFormat {
    /// All formats.
    pub const ALL: [Self; 3] = [Self::Pytorch, Self::Keras, Self::Onnx];

    /// The script that loads the export.
    fn script(self) -> &'static str {
        match self {
            Self::Pytorch => include_str!("load/pytorch.py"),
            Self::Keras => include_str!("load/keras.py"),
            Self::Onnx => include_str!("load/onnx.py"),
        }
    }

    /// The file of the weights.
    fn weights(self, network: &Portable) -> Result<(&'static str, Vec<u8>)> {
        let members = &network.members;
        Ok(match self {
            Self::Pytorch => ("model.safetensors", pytorch::network_to_safetensors(members)?),
            Self::Keras => ("model.weights.h5", keras::network_to_weights_h5(members)?),
            Self::Onnx => ("model.onnx", onnx::network_to_onnx(members, network.softmax)?),
        })
    }
}

impl fmt::Display for ExportFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pytorch => "pytorch",
            Self::Keras => "keras",
            Self::Onnx => "onnx",
        })
    }
}

impl FromStr for ExportFormat {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|format| format.to_string() == name);
        known.ok_or_else(|| format!("unknown format `{name}`: expected pytorch, keras or onnx"))
    }
}

/// The files of an export, by their names.
pub(super) type Files = Vec<(&'static str, Vec<u8>)>;

/// What made an export.
pub(super) const MADE_BY: &str = concat!("recurrent ", env!("CARGO_PKG_VERSION"));

/// Exports a trained run into a new folder:
///
/// ```text
/// model.safetensors     the weights; Keras's model.weights.h5, or model.onnx, which has the network in it
/// config.json           sizes, kinds of layers, labels
/// vocabulary.json       the tokens in the order of their ids
/// tokenizer.json        the run's tokenizer (tokenizers.json: of two languages); of a forecast transform.toml, columns and scaler
/// example.safetensors   inputs, and what this program computes for them
/// load.py               loads the weights, and compares
/// ```
///
/// # Errors
/// If the run is not trained, the network is one that the format does not have, or the folder exists.
pub fn export(run: impl AsRef<Path>, format: ExportFormat, folder: impl AsRef<Path>, device: &Device) -> Result<()> {
    let folder = folder.as_ref();
    if fs::symlink_metadata(folder).is_ok() {
        return Err(Error::Exists { path: folder.into(), found: "one" });
    }
    let run_dir = RunDir::open(run)?;
    let task = run_dir.header()?.task;
    let (mut files, copied) = match task.as_str() {
        <Translator as Predictor>::Config::TASK => {
            if format != ExportFormat::Pytorch {
                let expected = "pytorch, since Keras and ONNX have no decoder with attention".into();
                let found = format.to_string();
                return Err(Error::Input { what: "the format of a translator".into(), expected, found });
            }
            (seq2seq::files(&Translator::load(run_dir.root(), device)?, device)?, "tokenizers.json")
        }
        _ => {
            let network = Portable::of_run(&task, &run_dir, device)?;
            (network.files(format)?, network.copied)
        }
    };
    files.push((copied, run_dir.read(copied)?.into_bytes()));
    write_folder(folder, &files)
}

/// The tokens in the order of their ids, as text.
pub(super) fn tokens(tokenizer: &Tokenizer) -> Vec<String> {
    (0..tokenizer.vocab_size() as u32).map(|id| tokenizer.display_token(id)).collect()
}

pub(super) fn pretty(value: &Value) -> Vec<u8> {
    format!("{value:#}\n").into_bytes()
}

/// Writes a folder that appears with all its files.
fn write_folder(folder: &Path, files: &[(&str, Vec<u8>)]) -> Result<()> {
    let parent = parent(folder);
    fs::create_dir_all(parent).map_err(Error::io("cannot make the folder", parent))?;
    let new = tempfile::Builder::new().prefix(".new-").tempdir_in(parent);
    let new = new.map_err(Error::io("cannot make a folder in", parent))?;
    for (name, bytes) in files {
        let path = new.path().join(name);
        fs::write(&path, bytes).map_err(Error::io("cannot write", &path))?;
    }
    fs::rename(new.path(), folder).map_err(Error::io("cannot make the folder", folder))?;
    // Nothing is there any more that could be removed.
    let _ = new.keep();
    Ok(())
}

/// A trained network, apart from any framework.
struct Portable {
    task: &'static str,
    /// Their outputs are averaged.
    members: Vec<NetworkWeights>,
    /// Whether the outputs are probabilities.
    softmax: bool,
    labels: Vec<String>,
    tokenizer: Option<Tokenizer>,
    /// The file of the run that belongs to it.
    copied: &'static str,
    example: Example,
}

impl Portable {
    fn of_run(task: &str, run_dir: &RunDir, device: &Device) -> Result<Self> {
        let root = run_dir.root();
        match task {
            <Generator as Predictor>::Config::TASK => Self::of_generator(&Generator::load(root, device)?, device),
            <Classifier as Predictor>::Config::TASK => Self::of_classifier(&Classifier::load(root, device)?, device),
            <Forecaster as Predictor>::Config::TASK => Self::of_forecaster(&Forecaster::load(root, device)?, device),
            other => Err(Error::Input {
                what: root.display().to_string(),
                expected: "a run of a task to export".into(),
                found: format!("one of `{other}`"),
            }),
        }
    }

    fn of_generator(generator: &Generator, device: &Device) -> Result<Self> {
        let example = Example::of_ids(generator.tokenizer().vocab_size());
        let (logits, _state) = generator.network().forward(example.ids(device), None);
        Ok(Self {
            task: <Generator as Predictor>::Config::TASK,
            members: vec![of_language_model(generator.network())?],
            softmax: false,
            labels: Vec::new(),
            tokenizer: Some(generator.tokenizer().clone()),
            copied: "tokenizer.json",
            example: Example { lengths: None, ..example }.with_output(logits),
        })
    }

    fn of_classifier(classifier: &Classifier, device: &Device) -> Result<Self> {
        let (network, pooling) = (classifier.network(), classifier.config().pooling);
        let members =
            network.members.iter().map(|member| of_classifier(member, pooling)).collect::<Result<Vec<_>>>()?;
        let num_features = members.first().map_or(0, NetworkWeights::num_features);
        let example = Example::of_ids(classifier.tokenizer().vocab_size()).with_features(num_features);
        let (ids, features) = (example.ids(device), example.features(device));
        let output = network.mean(|member| {
            let logits = match &features {
                Some(features) => member.forward_with_features(ids.clone(), features.clone(), &example.lengths()),
                None => member.forward(ids.clone(), &example.lengths()),
            };
            softmax(logits, 1)
        });
        Ok(Self {
            task: <Classifier as Predictor>::Config::TASK,
            members,
            softmax: true,
            labels: classifier.labels().to_vec(),
            tokenizer: Some(classifier.tokenizer().clone()),
            copied: "tokenizer.json",
            example: example.with_output(output),
        })
    }

    fn of_forecaster(forecaster: &Forecaster, device: &Device) -> Result<Self> {
        let config = forecaster.config();
        let network = forecaster.network();
        let has_series = network.members.iter().any(|member| member.series.is_some());
        let has_decoder = network.members.iter().any(|member| member.has_decoder());
        for (is_used, what) in [
            (has_decoder, "a decoder over covariates or lags"),
            (config.residual_rows().is_some(), "a residual to an earlier value"),
            (config.patch_len > 1, "patches"),
            (has_series, "several series"),
        ] {
            if is_used {
                let expected = "recurrent layers and a dense layer alone, which other frameworks have".into();
                return Err(Error::Input { what: "the network".into(), expected, found: what.into() });
            }
        }
        let members = network.members.iter().map(of_forecaster).collect::<Result<Vec<_>>>()?;
        let num_features = members.first().map_or(0, NetworkWeights::num_features);
        let example = Example::of_values(num_features, config.window);
        let past = example.features(device).unwrap_or_else(|| Tensor::zeros([ROWS, config.window, 0], device));
        let output = network.mean(|member| member.forward_with_lengths(past.clone(), &example.lengths()));
        let [rows, horizon, width] = output.dims();
        Ok(Self {
            task: <Forecaster as Predictor>::Config::TASK,
            members,
            softmax: false,
            labels: Vec::new(),
            tokenizer: None,
            copied: "transform.toml",
            example: example.with_output(output.reshape([rows, horizon * width])),
        })
    }

    fn files(&self, format: ExportFormat) -> Result<Files> {
        let (name, weights) = format.weights(self)?;
        let mut files = vec![
            (name, weights),
            ("config.json", pretty(&self.config(format)?)),
            ("example.safetensors", self.example.to_bytes()?),
            ("load.py", format.script().into()),
        ];
        let vocabulary = self.tokenizer.iter().map(|tokenizer| ("vocabulary.json", pretty(&json!(tokens(tokenizer)))));
        files.extend(vocabulary);
        Ok(files)
    }

    /// What `load.py` builds the network from.
    fn config(&self, format: ExportFormat) -> Result<Value> {
        let Some(network) = self.members.first() else {
            return Err(Error::Training("the run has no network".into()));
        };
        let recurrent: Vec<Value> = network.stacks().iter().map(layer).collect();
        let dense = network.dense().iter().map(|layer| {
            json!({"inputs": layer.weight.columns(), "outputs": layer.weight.rows(), "bias": layer.bias.is_some()})
        });
        Ok(json!({
            "made_by": MADE_BY,
            "format": format.to_string(),
            "task": self.task,
            "members": self.members.len(),
            "vocab_size": network.embedding().map(Matrix::rows),
            "embedding_dim": network.embedding().map(Matrix::columns),
            "num_features": network.num_features(),
            "recurrent": recurrent,
            "head": network.head().name(),
            "dense": dense.collect::<Vec<_>>(),
            "tied": network.is_tied(),
            "softmax": self.softmax,
            "labels": self.labels,
        }))
    }
}

/// The configuration of a recurrent layer.
pub(super) fn layer(stack: &StackWeights) -> Value {
    let mut layer = json!({
        "cell": stack.variant().cell().to_string(),
        "input_size": stack.input_size(),
        "hidden_size": stack.hidden_size(),
        "num_layers": stack.num_layers(),
        "bidirectional": stack.directions() == 2,
        "bias": stack.has_bias(),
    });
    match stack.variant() {
        CellVariant::Rnn { nonlinearity } => layer["nonlinearity"] = json!(nonlinearity.map(nonlinearity_name)),
        CellVariant::Gru { reset_after } => layer["reset_after"] = json!(reset_after),
        CellVariant::Lstm => {}
    }
    layer
}

fn nonlinearity_name(nonlinearity: Nonlinearity) -> &'static str {
    match nonlinearity {
        Nonlinearity::Tanh => "tanh",
        Nonlinearity::Relu => "relu",
    }
}

/// Inputs of a network, and its outputs for them. They have a pattern, and no meaning.
struct Example {
    /// `[rows, steps]`, if the network reads tokens.
    ids: Option<Vec<i64>>,
    /// `[rows, steps, features]`, if it reads real values.
    features: Option<Vec<f32>>,
    num_features: usize,
    steps: usize,
    /// The valid steps of each row, unless the network has an output at each step.
    lengths: Option<Vec<i32>>,
    output: (Vec<usize>, Vec<f32>),
}

impl Example {
    fn of_ids(vocab_size: usize) -> Self {
        let ids = pattern(ROWS * STEPS, vocab_size);
        let lengths = Some(vec![STEPS as i32, STEPS as i32 - 2]);
        Self { ids: Some(ids), features: None, num_features: 0, steps: STEPS, lengths, output: Default::default() }
    }

    fn of_values(num_features: usize, steps: usize) -> Self {
        let lengths = Some(vec![steps as i32; ROWS]);
        let empty = Self { ids: None, features: None, num_features, steps, lengths, output: Default::default() };
        empty.with_features(num_features)
    }

    fn with_features(self, num_features: usize) -> Self {
        let values = (0..ROWS * self.steps * num_features).map(|index| (0.7 * index as f32).sin()).collect();
        Self { features: (num_features > 0).then_some(values), num_features, ..self }
    }

    fn with_output<const D: usize>(self, output: Tensor<D>) -> Self {
        let shape = output.dims().to_vec();
        Self { output: (shape, output.into_data().iter::<f32>().collect()), ..self }
    }

    fn ids(&self, device: &Device) -> Tensor<2, Int> {
        Tensor::from_data(TensorData::new(self.ids.clone().unwrap_or_default(), [ROWS, self.steps]), device)
    }

    fn features(&self, device: &Device) -> Option<Tensor<3>> {
        let values = TensorData::new(self.features.clone()?, [ROWS, self.steps, self.num_features]);
        Some(Tensor::from_data(values, device))
    }

    fn lengths(&self) -> Vec<usize> {
        self.lengths.iter().flatten().map(|&length| length as usize).collect()
    }

    fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut tensors: Vec<NamedTensor> = Vec::new();
        if let Some(ids) = &self.ids {
            tensors.push(("ids", Dtype::I64, vec![ROWS, self.steps], int64(ids)));
        }
        if let Some(lengths) = &self.lengths {
            let bytes = lengths.iter().flat_map(|length| length.to_le_bytes()).collect();
            tensors.push(("lengths", Dtype::I32, vec![ROWS], bytes));
        }
        if let Some(features) = &self.features {
            tensors.push(("features", Dtype::F32, vec![ROWS, self.steps, self.num_features], floats(features)));
        }
        let (shape, values) = &self.output;
        tensors.push(("output", Dtype::F32, shape.clone(), floats(values)));
        tensors_to_bytes(&tensors)
    }
}

/// Token ids with a pattern, and no meaning.
pub(super) fn pattern(count: usize, vocab_size: usize) -> Vec<i64> {
    (0..count).map(|index| (7 * index % vocab_size) as i64).collect()
}

/// The bytes of whole numbers.
pub(super) fn int64(values: &[i64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// The bytes of real values.
pub(super) fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// A tensor to be written: name, type, shape and bytes.
pub(super) type NamedTensor = (&'static str, Dtype, Vec<usize>, Vec<u8>);

/// A safetensors file of these tensors.
pub(super) fn tensors_to_bytes(tensors: &[NamedTensor]) -> Result<Vec<u8>> {
    let mut views = Vec::new();
    let cannot = |cause| Error::Training(format!("the example cannot be written: {cause}"));
    for (name, dtype, shape, bytes) in tensors {
        views.push((*name, TensorView::new(*dtype, shape.clone(), bytes).map_err(cannot)?));
    }
    safetensors::serialize(views, None).map_err(cannot)
}
