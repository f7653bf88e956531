//! Recordings as features and tokens, and their batches.

use std::sync::Arc;

use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::SeedableRng;
use rand::rngs::StdRng;
use recurrent_audio::{Audio, AudioAugment, Features, LogMel, Normalization, SpecAugment};
use recurrent_data::{Role, Tokenizer, Transcript, TranscriptSubset};
use recurrent_models::kernels::ctc_min_frames;

use super::alignment::Alignment;
use super::recognizer::blank;
use super::training::SpeechBatch;
use super::{SpeechSource, SpokenUtterance, TranscribeConfig, WordTime};
use crate::fit::{BatchSource, TrainingEpoch, batches_by_length};
use crate::{Error, Result};

/// Recordings of a split as features. Cloning is cheap.
#[derive(Debug, Clone)]
pub(super) struct Examples {
    pub all: Arc<[Example]>,
    /// How they are changed in training.
    augmentation: Option<Arc<Augmentation>>,
    /// Epochs that train framewise.
    framewise: usize,
    blank: u32,
    ignored: u32,
    width: usize,
}

/// A recording.
#[derive(Debug, Clone)]
pub(super) struct Example {
    /// The transcript.
    pub text: String,
    /// When its words are spoken, if that is known.
    pub words: Option<Vec<WordTime>>,
    /// Normalized features.
    pub features: Features,
    /// The length in seconds.
    pub seconds: f64,
    tokens: Vec<u32>,
    frame_labels: Vec<u32>,
    /// The sound, if it is changed in training.
    audio: Option<Arc<Audio>>,
}

impl Example {
    /// The tokens of the transcript.
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }
}

/// What changes recordings in training.
#[derive(Debug)]
struct Augmentation {
    audio: Option<AudioAugment>,
    masks: Option<SpecAugment>,
    config: TranscribeConfig,
    tokenizer: Tokenizer,
    normalization: Normalization,
}

/// Recordings whose features are not normalized yet.
pub(super) struct Recorded {
    pub examples: Vec<Example>,
}

impl Recorded {
    /// Reads the recordings of a subset. Sound is kept if it `is_changed` later.
    pub fn read<R: Role>(
        source: &SpeechSource,
        subset: &TranscriptSubset<R>,
        config: &TranscribeConfig,
        is_changed: bool,
    ) -> Result<Self> {
        let mut log_mel = LogMel::new(config.log_mel())?;
        let rate = log_mel.config().sample_rate;
        let read = |transcript: &Transcript| {
            let SpokenUtterance { audio, words } = source.utterance(transcript, rate)?;
            Ok(Example {
                text: transcript.text.clone(),
                words,
                features: log_mel.extract(&audio)?,
                seconds: audio.seconds(),
                tokens: Vec::new(),
                frame_labels: Vec::new(),
                audio: is_changed.then(|| Arc::new(audio)),
            })
        };
        Ok(Self { examples: subset.transcripts().map(read).collect::<Result<_>>()? })
    }

    /// Normalizes the features, and encodes the texts of the subset that was read.
    ///
    /// # Errors
    /// If a recording is shorter than its transcript takes.
    pub fn encode<R: Role>(
        mut self,
        subset: &TranscriptSubset<R>,
        name: &str,
        config: &TranscribeConfig,
        tokenizer: &Tokenizer,
        normalization: &Normalization,
    ) -> Result<Examples> {
        let log_mel = config.log_mel();
        let alignment = Alignment { tokenizer, log_mel: &log_mel, blank: blank(tokenizer) };
        for (example, transcript) in self.examples.iter_mut().zip(subset.transcripts()) {
            normalization.apply(&mut example.features)?;
            example.tokens = tokenizer.encode(&example.text);
            let (least, found) = (ctc_min_frames(&example.tokens), example.features.len());
            if found < least {
                return Err(Error::Input {
                    what: format!("{name}, {} (line {})", transcript.recording, transcript.line),
                    expected: format!(
                        "a recording of at least {:.2} s for the {} tokens of its transcript (or a smaller `stack` or \
                         `hop_ms`)",
                        least as f64 * log_mel.frame_seconds(),
                        example.tokens.len()
                    ),
                    found: format!("{:.2} s", example.seconds),
                });
            }
            example.frame_labels = alignment.frames(&example.text, example.words.as_deref(), found);
        }
        Ok(Examples {
            all: self.examples.into(),
            augmentation: None,
            framewise: 0,
            blank: blank(tokenizer),
            ignored: tokenizer.special_tokens().bos,
            width: log_mel.width(),
        })
    }
}

impl Examples {
    /// The number of recordings.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// The seconds of all recordings.
    pub fn seconds(&self) -> f64 {
        self.all.iter().map(|example| example.seconds).sum()
    }

    /// The examples for training, framewise in the first epochs.
    pub fn with_framewise(self, framewise: usize) -> Self {
        Self { framewise, ..self }
    }

    /// The examples for training, changed at random.
    pub fn for_training(self, config: &TranscribeConfig, tokenizer: &Tokenizer, normalization: &Normalization) -> Self {
        let (audio, masks) = (config.audio_augment(), config.spec_augment());
        let augmentation = (audio.is_some() || masks.is_some()).then(|| {
            Arc::new(Augmentation {
                audio,
                masks,
                config: config.clone(),
                tokenizer: tokenizer.clone(),
                normalization: normalization.clone(),
            })
        });
        Self { augmentation, ..self }
    }

    fn select(&self, indices: &[usize]) -> Vec<&Example> {
        indices.iter().map(|index| &self.all[*index]).collect()
    }

    fn batch(&self, examples: &[&Example], framewise: bool, device: &Device) -> SpeechBatch {
        let lengths: Vec<usize> = examples.iter().map(|example| example.features.len()).collect();
        let time = lengths.iter().copied().max().unwrap_or(0).max(1);
        let mut values = vec![0.0; examples.len() * time * self.width];
        for (example, row) in examples.iter().zip(values.chunks_exact_mut(time * self.width)) {
            row[..example.features.values.len()].copy_from_slice(&example.features.values);
        }
        let features = Tensor::from_data(TensorData::new(values, [examples.len(), time, self.width]), device);
        let frame_labels = framewise.then(|| {
            let mut labels = vec![self.ignored as i32; examples.len() * time];
            for (example, row) in examples.iter().zip(labels.chunks_exact_mut(time)) {
                row.iter_mut().zip(&example.frame_labels).for_each(|(label, token)| *label = *token as i32);
            }
            Tensor::<2, Int>::from_data(TensorData::new(labels, [examples.len(), time]), device)
        });
        let targets = examples.iter().map(|example| example.tokens.clone()).collect();
        SpeechBatch { features, lengths, targets, frame_labels, blank: self.blank, ignored: self.ignored }
    }
}

impl Augmentation {
    /// An example that has been changed, or as it is where its tokens would not fit any more.
    fn apply(&self, example: &Example, rng: &mut StdRng) -> Result<Example> {
        let mut changed = Example { audio: None, ..example.clone() };
        if let (Some(augment), Some(audio)) = (&self.audio, &example.audio) {
            let augmented = augment.apply(audio, rng)?;
            let log_mel = self.config.log_mel();
            let mut features = LogMel::new(log_mel.clone())?.extract(&augmented.audio)?;
            self.normalization.apply(&mut features)?;
            if features.len() >= ctc_min_frames(&example.tokens) {
                let faster = |time: &WordTime| WordTime {
                    word: time.word.clone(),
                    start: time.start / augmented.speed,
                    end: time.end / augmented.speed,
                };
                let words: Option<Vec<WordTime>> =
                    example.words.as_ref().map(|words| words.iter().map(faster).collect());
                let alignment =
                    Alignment { tokenizer: &self.tokenizer, log_mel: &log_mel, blank: blank(&self.tokenizer) };
                changed.frame_labels = alignment.frames(&example.text, words.as_deref(), features.len());
                changed.features = features;
            }
        }
        if let Some(masks) = &self.masks {
            masks.apply(&mut changed.features, self.config.num_mels, rng)?;
        }
        Ok(changed)
    }
}

impl BatchSource for Examples {
    type Batch = SpeechBatch;

    const UNIT: &'static str = "recordings";

    fn len(&self) -> usize {
        self.all.len()
    }

    fn groups(&self, items: &[usize], batch_size: usize, rng: Option<&mut StdRng>) -> Option<Vec<Vec<usize>>> {
        Some(batches_by_length(items, batch_size, rng, |index| self.all[index].features.len()))
    }

    fn gather(&self, indices: &[usize], device: &Device) -> SpeechBatch {
        self.batch(&self.select(indices), false, device)
    }

    fn gather_for(&self, indices: &[usize], epoch: TrainingEpoch, device: &Device) -> SpeechBatch {
        let framewise = epoch.number <= self.framewise;
        let Some(augmentation) = &self.augmentation else {
            return self.batch(&self.select(indices), framewise, device);
        };
        let change = |index: &usize| {
            let seed = epoch.seed.wrapping_add((*index as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
            let example = &self.all[*index];
            // What cannot be changed, since its rate is at the edge of what there is, stays.
            augmentation.apply(example, &mut StdRng::seed_from_u64(seed)).unwrap_or_else(|_| example.clone())
        };
        let changed: Vec<Example> = indices.iter().map(change).collect();
        self.batch(&changed.iter().collect::<Vec<_>>(), framewise, device)
    }
}
