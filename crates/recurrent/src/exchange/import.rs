//! Weights of another framework as a run.

use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::tensor::Device;
use recurrent_data::{DataSource, Tokenizer};
use recurrent_models::CellOptions;
use recurrent_models::networks::Pooling;
use recurrent_zoo::{CellVariant, DenseWeights, Head, Matrix, NetworkParts, NetworkWeights, StackWeights, WeightFile};

use super::network::{into_classifier, into_forecaster, into_language_model};
use crate::classify::{Classifier, ClassifyConfig};
use crate::config::check_num_parameters;
use crate::forecast::{ForecastConfig, ForecastRun, Forecasting, OutputKind, PowerTransform, Residual};
use crate::generate::GenerateConfig;
use crate::{Ensemble, Error, FittedParts, Partial, Result, RunDir, Task, TaskConfig, open_data};

/// The logit of a token that a network does not know.
pub(super) const NEVER: f32 = -1e4;

/// What is imported, and how.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ImportConfig {
    /// The file of weights.
    pub file: PathBuf,
    /// Which tensors are the parts of the network.
    pub parts: NetworkParts,
    /// The tokenizer of a text: see [`Tokenizer::open`]. Of a translator, that of both languages, or the `tokenizers.json` of a
    /// run or an export.
    pub tokenizer: Option<PathBuf>,
    /// The tokenizer of a translator's source language, beside that of its target.
    pub source_tokenizer: Option<PathBuf>,
    /// The tokenizer of a translator's target language, beside that of its source.
    pub target_tokenizer: Option<PathBuf>,
    /// The labels of a classifier, in the order of its outputs.
    pub labels: Vec<String>,
    /// What a classifier's output layer reads. A file of weights does not say it.
    pub pooling: Pooling,
    /// Other settings of the run, the data among them.
    pub settings: Partial,
    /// Whether a run in the folder is replaced.
    pub force: bool,
}

impl ImportConfig {
    /// The weights in a file.
    pub fn new(file: impl Into<PathBuf>) -> Self {
        Self {
            file: file.into(),
            parts: NetworkParts::new(),
            tokenizer: None,
            source_tokenizer: None,
            target_tokenizer: None,
            labels: Vec::new(),
            pooling: Pooling::Last,
            settings: Partial::default(),
            force: false,
        }
    }

    /// Names the parts of the network.
    #[must_use]
    pub fn with_parts(mut self, parts: NetworkParts) -> Self {
        self.parts = parts;
        self
    }

    /// Sets the tokenizer's file.
    #[must_use]
    pub fn with_tokenizer(mut self, tokenizer: impl Into<PathBuf>) -> Self {
        self.tokenizer = Some(tokenizer.into());
        self
    }

    /// Sets the files of a translator's two tokenizers.
    #[must_use]
    pub fn with_tokenizers(mut self, source: impl Into<PathBuf>, target: impl Into<PathBuf>) -> Self {
        (self.source_tokenizer, self.target_tokenizer) = (Some(source.into()), Some(target.into()));
        self
    }

    /// Sets the labels.
    #[must_use]
    pub fn with_labels(mut self, labels: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.labels = labels.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the pooling.
    #[must_use]
    pub fn with_pooling(mut self, pooling: Pooling) -> Self {
        self.pooling = pooling;
        self
    }

    /// Sets other settings.
    #[must_use]
    pub fn with_settings(mut self, settings: Partial) -> Self {
        self.settings = settings;
        self
    }

    /// Sets whether a run in the folder is replaced.
    #[must_use]
    pub fn with_force(mut self, force: bool) -> Self {
        self.force = force;
        self
    }

    pub(super) fn wrong(&self, expected: impl Into<String>, found: impl Into<String>) -> Error {
        Error::Input { what: self.file.display().to_string(), expected: expected.into(), found: found.into() }
    }

    fn network(&self, head: Head) -> Result<NetworkWeights> {
        let file = WeightFile::open(&self.file)?;
        file.network(head, &self.parts).map_err(|error| self.wrong("a network of this task", error.to_string()))
    }

    fn data<C: TaskConfig>(&self) -> Result<DataSource> {
        open_data(&self.settings.data::<C>())
    }

    /// The tokenizer, and the network with a row for each of its tokens.
    fn with_vocabulary(&self, network: NetworkWeights) -> Result<(Tokenizer, NetworkWeights)> {
        let Some(path) = &self.tokenizer else {
            return Err(Error::setting("tokenizer", "the file of the network's tokenizer", "none"));
        };
        let tokenizer = Tokenizer::open(path)?;
        let Some(embedding) = network.embedding() else {
            return Err(self.wrong("an embedding, since the network reads tokens", "none"));
        };
        let vectors = embedding.rows();
        self.check_tokens(vectors, &tokenizer, path, &vectors.to_string())?;
        let tokens = tokenizer.vocab_size();
        Ok((tokenizer, with_tokens(network, tokens)?))
    }

    /// Refuses a tokenizer whose tokens are not those that a network has `vectors` for, but for special ones that it adds.
    pub(super) fn check_tokens(&self, vectors: usize, tokenizer: &Tokenizer, path: &Path, found: &str) -> Result<()> {
        let tokens = tokenizer.vocab_size();
        let specials = tokenizer.special_tokens();
        let are_added = (vectors..tokens).all(|id| specials.contains(id as u32));
        if vectors <= tokens && are_added {
            return Ok(());
        }
        Err(self.wrong(format!("{tokens} vectors, one for each token of {}", path.display()), found))
    }

    /// The only stack, if the networks of a task have layers of this kind.
    fn stack<'a>(&self, network: &'a NetworkWeights) -> Result<&'a StackWeights> {
        let [stack] = network.stacks() else {
            let found = network.stacks().iter().map(ToString::to_string).collect::<Vec<_>>().join(", then ");
            return Err(self.wrong("recurrent layers of one kind and size", found));
        };
        check_layer(stack).map_err(|found| self.wrong("layers as the networks of a task have them", found))?;
        Ok(stack)
    }
}

/// What the layers of tasks do not have, in the words of an error.
pub(super) fn check_layer(stack: &StackWeights) -> Result<(), String> {
    let options = CellOptions::default();
    match stack.variant() {
        CellVariant::Rnn { nonlinearity: Some(of) } if of != options.nonlinearity => Err("an RNN of relu".into()),
        CellVariant::Gru { reset_after: Some(of) } if of != options.reset_after => {
            Err("a GRU whose reset gate is applied before the recurrent product".into())
        }
        _ if !stack.has_bias() => Err("layers without biases".into()),
        _ => Ok(()),
    }
}

/// The network with embeddings of zeros, and logits that are never sampled, for the tokens that its tokenizer adds.
fn with_tokens(network: NetworkWeights, tokens: usize) -> Result<NetworkWeights> {
    let Some(embedding) = network.embedding().filter(|embedding| embedding.rows() < tokens) else {
        return Ok(network);
    };
    let extended = extend(embedding, tokens)?;
    let mut dense = network.dense().to_vec();
    if let (Head::EachStep, Some(output)) = (network.head(), dense.last_mut()) {
        let mut bias = output.bias.take().unwrap_or_else(|| vec![0.0; output.weight.rows()]);
        bias.resize(tokens, NEVER);
        *output = DenseWeights { weight: extend(&output.weight, tokens)?, bias: Some(bias) };
    }
    Ok(NetworkWeights::new(Some(extended), network.stacks().to_vec(), network.head().clone(), dense)?)
}

pub(super) fn extend(matrix: &Matrix, rows: usize) -> Result<Matrix> {
    let mut values = matrix.values().to_vec();
    values.resize(rows * matrix.columns(), 0.0);
    Ok(Matrix::new(rows, matrix.columns(), values)?)
}

/// Makes a run of `generate` from a language model: an embedding, recurrent layers and an output layer. Returns what was
/// assumed, for the user.
///
/// # Errors
/// If the file is no such network, the tokenizer has other tokens, the settings or the data are wrong, or the folder
/// exists.
pub fn import_generator(config: &ImportConfig, folder: impl AsRef<Path>, device: &Device) -> Result<Vec<String>> {
    let (tokenizer, network) = config.with_vocabulary(config.network(Head::EachStep)?)?;
    let stack = config.stack(&network)?;
    if stack.directions() == 2 {
        return Err(config.wrong("layers in one direction, to generate a text", "two directions"));
    }
    let embedding_dim = network.embedding().map_or(0, Matrix::columns);
    if (network.num_features(), network.num_outputs()) != (0, tokenizer.vocab_size()) {
        let expected = format!("tokens in, and {} logits out", tokenizer.vocab_size());
        return Err(config.wrong(expected, network.to_string()));
    }
    let run = config.settings.clone().apply(&GenerateConfig {
        cell: stack.variant().cell(),
        embedding_dim,
        hidden_size: stack.hidden_size(),
        num_layers: stack.num_layers(),
        tie_weights: network.is_tied(),
        ..GenerateConfig::new(&config.data::<GenerateConfig>()?)?
    })?;
    let shape = run.network(tokenizer.vocab_size());
    check_num_parameters(shape.num_parameters())?;
    let trained = into_language_model(shape.init(device), &network)?;
    write_run(&run, folder.as_ref(), &[("tokenizer.json", tokenizer.to_json())], config.force, &trained)?;
    Ok(notes(network.stacks()))
}

/// Makes a run of `classify` from a network: an embedding, recurrent layers, a pooling and an output layer. Returns what was
/// assumed, for the user.
///
/// # Errors
/// As [`import_generator`], and if there is not one label for each output.
pub fn import_classifier(config: &ImportConfig, folder: impl AsRef<Path>, device: &Device) -> Result<Vec<String>> {
    let head = match config.pooling {
        Pooling::Last => Head::Last,
        Pooling::Mean => Head::Mean,
        Pooling::Max => Head::Max,
        Pooling::Attention => {
            return Err(Error::setting("pooling", "last, mean or max, which have no weights", "attention"));
        }
    };
    let (tokenizer, network) = config.with_vocabulary(config.network(head)?)?;
    let stack = config.stack(&network)?;
    if network.num_outputs() != config.labels.len() {
        let expected = format!("{} labels, one for each output", network.num_outputs());
        return Err(Error::setting("labels", expected, config.labels.len().to_string()));
    }
    let run = config.settings.clone().apply(&ClassifyConfig {
        cell: stack.variant().cell(),
        embedding_dim: network.embedding().map_or(0, Matrix::columns),
        hidden_size: stack.hidden_size(),
        num_layers: stack.num_layers(),
        bidirectional: stack.directions() == 2,
        pooling: config.pooling,
        evidence: false,
        ensemble: 1,
        ..ClassifyConfig::new(&config.data::<ClassifyConfig>()?)?
    })?;
    let shape = run.network(tokenizer.vocab_size(), config.labels.len());
    check_num_parameters(shape.num_parameters())?;
    let trained = into_classifier(shape.init(device), &network)?;
    let labels = serde_json::to_string(&config.labels).unwrap_or_default();
    let files = [("tokenizer.json", tokenizer.to_json()), (Classifier::LABELS, labels)];
    write_run(&run, folder.as_ref(), &files, config.force, &Ensemble::new(1, || trained.clone()))?;
    Ok(notes(network.stacks()))
}

/// Makes a run of `forecast` from recurrent layers and a dense layer. The scaler is fitted on the training split of the
/// data, as for a new run: weights that were trained on values of another scale need `scaler = "none"` and scaled data.
/// Returns what was assumed, for the user.
///
/// # Errors
/// If the file is no such network, the settings or the data are wrong, or the folder exists.
pub fn import_forecaster(config: &ImportConfig, folder: impl AsRef<Path>, device: &Device) -> Result<Vec<String>> {
    let network = config.network(Head::Last)?;
    for stack in network.stacks() {
        check_layer(stack).map_err(|found| config.wrong("layers as the networks of a task have them", found))?;
        if stack.directions() == 2 {
            return Err(config.wrong("layers in one direction", "two directions"));
        }
    }
    let (Some(first), true) = (network.stacks().first(), network.embedding().is_none()) else {
        return Err(config.wrong("a network that reads real values", "an embedding"));
    };
    let source = config.data::<ForecastConfig>()?;
    let run = config.settings.clone().apply(&ForecastConfig {
        cell: first.variant().cell(),
        hidden_size: network.stacks().iter().flat_map(|of| vec![of.hidden_size(); of.num_layers()]).collect(),
        calendar: false,
        future: Vec::new(),
        patch_len: 1,
        lags: Vec::new(),
        transform: PowerTransform::None,
        deseasonalize: false,
        residual: Residual::None,
        instance_norm: false,
        output: OutputKind::Point,
        ensemble: 1,
        ..ForecastConfig::for_columns(&source, &config.settings)?
    })?;
    // Before there is a folder.
    let data = Forecasting::prepare(&run, &source, FittedParts::Anew)?;
    let untrained = Forecasting::network(&run, &data, device);
    let (features, outputs) = (run.columns().len(), run.target.len() * run.horizon);
    let is_plain = untrained.members.iter().all(|member| !member.has_decoder() && member.series.is_none());
    if !is_plain || (network.num_features(), network.num_outputs()) != (features, outputs) {
        let expected = format!("{features} features in (`features`), and {outputs} values of targets and horizon out");
        let found = format!("{} features in, and {} values out", network.num_features(), network.num_outputs());
        return Err(config.wrong(expected, found));
    }
    let trained = into_forecaster(untrained, &network)?;
    let run = ForecastRun::create(run, source, folder, config.force)?;
    run.run_dir().write_weights(&trained)?;
    run.run_dir().write_initial_weights(&trained)?;
    Ok(notes(network.stacks()))
}

/// What a file of weights leaves open, and is assumed.
pub(super) fn notes(stacks: &[StackWeights]) -> Vec<String> {
    let open = CellVariant::Rnn { nonlinearity: None };
    let assumed = stacks.iter().any(|stack| stack.variant() == open);
    let note = "the file does not say whether the RNN's activation is tanh or relu: it is taken as tanh";
    assumed.then(|| note.to_string()).into_iter().collect()
}

/// Makes the folder of a run with trained weights, from which training begins, too.
pub(super) fn write_run<C: TaskConfig>(
    config: &C,
    folder: &Path,
    files: &[(&str, String)],
    force: bool,
    network: &impl Module,
) -> Result<()> {
    let mut all = vec![("config.toml", RunDir::config_text(C::TASK, config))];
    all.extend(files.iter().cloned());
    let run_dir = RunDir::create(folder, &all, force)?;
    run_dir.write_weights(network)?;
    run_dir.write_initial_weights(network)
}
