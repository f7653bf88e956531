//! Training and evaluation of a recognizer.

use burn::tensor::{Device, Int, Tensor};
use recurrent_audio::Normalization;
use recurrent_data::{Tokenizer, TranscriptSplit};
use recurrent_models::kernels::ctc_loss;
use recurrent_models::networks::SequenceTagger;

use super::evaluation::evaluate;
use super::examples::{Examples, Recorded};
use super::{Recognizer, SpeechSource, TranscribeConfig, TranscriptionEvaluation};
use crate::fit::{Loaders, Loss, Objective, token_loss};
use crate::partial::Partial;
use crate::task::{count_unknown, counted, unknown_note};
use crate::{FittedParts, Result, Run, Task, TrainedRun};

/// Recordings per batch of the validation.
const VALIDATION_BATCH: usize = 32;

/// A run of [`Transcribing`].
pub type TranscribeRun = Run<Transcribing>;

/// The task of transcribing speech.
#[derive(Debug)]
pub struct Transcribing;

/// Recordings as features, with their transcripts as tokens.
#[derive(Debug)]
pub struct TranscribeData {
    pub(super) tokenizer: Tokenizer,
    pub(super) normalization: Normalization,
    pub(super) train: Examples,
    pub(super) valid: Examples,
    pub(super) test: Examples,
    notes: Vec<String>,
}

impl TranscribeData {
    /// The numbers of recordings of the training, validation and test splits.
    pub fn sizes(&self) -> [usize; 3] {
        [self.train.len(), self.valid.len(), self.test.len()]
    }

    /// The lengths of the three splits in seconds.
    pub fn seconds(&self) -> [f64; 3] {
        [self.train.seconds(), self.valid.seconds(), self.test.seconds()]
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }
}

/// A batch of recordings.
#[derive(Debug, Clone)]
pub struct SpeechBatch {
    /// Normalized features, `[batch, time, features]`.
    pub features: Tensor<3>,
    /// The frames of each recording.
    pub lengths: Vec<usize>,
    /// The tokens of each transcript.
    pub targets: Vec<Vec<u32>>,
    /// The token of each frame, `[batch, time]`, in an epoch that trains framewise.
    pub frame_labels: Option<Tensor<2, Int>>,
    /// The token of a frame without a token.
    pub(super) blank: u32,
    /// The label of frames after the end.
    pub(super) ignored: u32,
}

impl Task for Transcribing {
    const ITEMS: &'static str = "recordings";
    const NETWORK_SETTINGS: &'static [&'static str] = &[
        "tokenizer",
        "vocab_size",
        "sample_rate",
        "num_mels",
        "window_ms",
        "hop_ms",
        "stack",
        "cell",
        "hidden_size",
        "num_layers",
        "bidirectional",
    ];

    type Config = TranscribeConfig;
    type Source = SpeechSource;
    type Data = TranscribeData;
    type Network = SequenceTagger;
    type Objective = TranscribeObjective;
    type Evaluation = TranscriptionEvaluation;
    type Predictor = Recognizer;

    fn default_config(source: &SpeechSource, _given: &Partial) -> Result<TranscribeConfig> {
        TranscribeConfig::new(source)
    }

    /// Recordings → splits by speaker → log-mel features, normalized as in training → tokens and frame labels.
    fn prepare(config: &TranscribeConfig, source: &SpeechSource, fitted: FittedParts<'_>) -> Result<TranscribeData> {
        let TranscriptSplit { train, valid, test, .. } = source.transcripts().split(&config.split)?;
        let tokenizer = match fitted.run_dir() {
            Some(run_dir) => run_dir.read_tokenizer(Recognizer::OUTPUT)?,
            None => config.tokenizer.tokenizer(&config.tokenizer_config(), train.texts())?,
        };
        let recorded = (
            Recorded::read(source, &train, config, config.audio_augment().is_some())?,
            Recorded::read(source, &valid, config, false)?,
            Recorded::read(source, &test, config, false)?,
        );
        let normalization = match fitted.run_dir() {
            Some(run_dir) => Recognizer::read_normalization(run_dir, config)?,
            None => {
                let features = recorded.0.examples.iter().map(|example| &example.features);
                Normalization::fit(config.num_mels, features)?
            }
        };
        let name = source.transcripts().source();
        let encoded = (
            recorded.0.encode(&train, name, config, &tokenizer, &normalization)?,
            recorded.1.encode(&valid, name, config, &tokenizer, &normalization)?,
            recorded.2.encode(&test, name, config, &tokenizer, &normalization)?,
        );
        let unk = tokenizer.special_tokens().unk;
        let silent = encoded.0.all.iter().filter(|example| example.text.is_empty()).count();
        let mut notes = counted([(silent, "training recording(s) have no words".into())]);
        for (subset, examples) in [("validation", &encoded.1), ("test", &encoded.2)] {
            let counts = count_unknown(examples.all.iter().map(|example| example.tokens()), unk);
            notes.extend(unknown_note(subset, counts));
        }
        let train = encoded.0.for_training(config, &tokenizer, &normalization);
        Ok(TranscribeData { tokenizer, normalization, train, valid: encoded.1, test: encoded.2, notes })
    }

    fn artifacts(_config: &TranscribeConfig, data: &TranscribeData) -> Vec<(&'static str, String)> {
        let normalization = serde_json::to_string(&data.normalization).expect("numbers can be written as JSON");
        vec![("tokenizer.json", data.tokenizer.to_json()), (Recognizer::NORMALIZATION, normalization)]
    }

    fn notes(data: &TranscribeData) -> Vec<String> {
        data.notes.clone()
    }

    fn items(data: &TranscribeData) -> usize {
        data.train.len()
    }

    fn num_parameters(config: &TranscribeConfig, data: &TranscribeData) -> usize {
        config.network(data.tokenizer.vocab_size()).num_parameters()
    }

    fn network(config: &TranscribeConfig, data: &TranscribeData, device: &Device) -> SequenceTagger {
        config.network(data.tokenizer.vocab_size()).init(device)
    }

    fn input_shape(config: &TranscribeConfig) -> Vec<usize> {
        config.second().into()
    }

    fn objective(_config: &TranscribeConfig, _data: &TranscribeData) -> TranscribeObjective {
        TranscribeObjective
    }

    fn loaders(config: &TranscribeConfig, data: &TranscribeData, device: &Device) -> Loaders<SpeechBatch> {
        let train = data.train.clone().with_framewise(config.fit.epochs_of(config.framewise));
        Loaders::shuffled((train, data.valid.clone()), [config.fit.batch_size, VALIDATION_BATCH], device)
    }

    /// Transcribes the recordings of the test split as a stream.
    fn evaluate(run: TrainedRun<Self>, device: &Device) -> Result<TranscriptionEvaluation> {
        let TrainedRun { config, data, network, .. } = run;
        let (tokenizer, normalization) = (data.tokenizer.clone(), data.normalization.clone());
        evaluate(&Recognizer::new(network, tokenizer, normalization, config.clone()), data, device)
    }
}

/// CTC in nats per token; framewise, the cross-entropy in nats per frame.
#[derive(Debug, Clone)]
pub struct TranscribeObjective;

impl Objective<SequenceTagger> for TranscribeObjective {
    type Batch = SpeechBatch;

    fn loss(&self, network: &SequenceTagger, batch: SpeechBatch, _training: bool) -> Loss {
        let SpeechBatch { features, lengths, targets, frame_labels, blank, ignored } = batch;
        let logits = network.forward_values(features, &lengths);
        if let Some(labels) = frame_labels {
            return Loss { mean: token_loss(logits, labels, Some(ignored)), items: lengths.iter().sum() };
        }
        // Silence counts as one token.
        let items = targets.iter().map(|target| target.len().max(1)).sum();
        Loss { mean: ctc_loss(logits, &lengths, &targets, blank).sum() / items as f64, items }
    }
}
