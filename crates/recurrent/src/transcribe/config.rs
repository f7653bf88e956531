//! The settings of transcription.

use recurrent_audio::LogMelConfig;
#[cfg(feature = "fit")]
use recurrent_audio::{AudioAugment, SpecAugment};
#[cfg(feature = "fit")]
use recurrent_data::TokenizerConfig;
use recurrent_data::{SplitFractions, TokenizerKind};
use recurrent_models::CellKind;
use recurrent_models::networks::{SequenceInput, SequenceTaggerConfig};

use super::SpeechSource;
use crate::fit::{FitConfig, Schedule};
use crate::settings::{Bound, MAX_LAYERS, MAX_TOKENS, MAX_UNITS, Settings};
use crate::tokenizer::TokenizerChoice;
use crate::{Error, Result};

/// The most different words for which whole words are the tokens by default.
const MAX_WORDS: usize = 100;

crate::settings! {
    /// The settings of transcription.
    #[non_exhaustive]
    pub struct TranscribeConfig {
        /// The synthetic speech spoken-digits, a registered data set (see `train data list`), a folder with one folder of WAV
        /// files per label, or a table with the columns wav, text and optionally speaker and split.
        data: String = SpeechSource::SPOKEN_DIGITS.into(), value_name = "NAME|FOLDER|TABLE";
        /// Fractions of the speakers for training, validation and test, where no column assigns them; of the recordings, if
        /// the speakers are not known.
        split: SplitFractions = SplitFractions::new(0.8, 0.1, 0.1).expect("they add up to 1");
        /// The tokens that are recognized: chars, words, bpe, unigram, or a Hugging Face tokenizer.json.
        tokenizer: TokenizerChoice = TokenizerKind::Chars.into(),
            default_text = Some("words if there are at most 100 different ones, or else chars");
        /// Maximum vocabulary size; 0 for no limit (bpe and unigram: 4000).
        vocab_size: usize = 0, bound = Bound::Range(0, MAX_TOKENS);
        /// Sample rate that recordings are converted to, in Hz.
        sample_rate: usize = 16_000, value_name = "HZ", bound = Bound::Range(1_000, 768_000);
        /// Mel filters.
        num_mels: usize = 40, bound = Bound::Range(1, 1_000);
        /// Length of a window of sound, in milliseconds.
        window_ms: f64 = 25.0, value_name = "MS", bound = Bound::UpTo(1_000.0);
        /// From one window to the next, in milliseconds.
        hop_ms: f64 = 10.0, value_name = "MS", bound = Bound::UpTo(1_000.0);
        /// Windows that are one step of the network.
        stack: usize = 3, bound = Bound::Range(1, 100);
        /// The recurrent cell: rnn, lstm, gru.
        cell: CellKind = CellKind::Gru;
        /// Hidden units of each layer and direction.
        hidden_size: usize = 128, bound = Bound::Range(1, MAX_UNITS);
        /// Number of layers.
        num_layers: usize = 2, bound = Bound::Range(1, MAX_LAYERS);
        /// Bidirectional layers, for recordings that are complete: such a network cannot stream.
        bidirectional: bool = false;
        /// Dropout between layers and before the output.
        dropout: f64 = 0.1, value_name = "FRACTION", bound = Bound::Fraction;
        /// Fraction of the epochs that train framewise, on an alignment, before CTC finds its own.
        ///
        /// By CTC alone a network learns for long to say nothing. The alignment has the ends of words where they are known,
        /// and else spreads the tokens evenly.
        framewise: f64 = 0.3, value_name = "FRACTION", bound = Bound::Fraction;
        /// Augmentation: speed is changed at random by up to this fraction.
        speed: f64 = 0.0, value_name = "FRACTION", bound = Bound::UpTo(0.5);
        /// Augmentation: gain is changed at random by up to so many decibels.
        gain: f64 = 0.0, value_name = "DB", bound = Bound::UpTo(60.0);
        /// Augmentation: probability of noise, 10 to 40 decibels below the speech.
        noise: f64 = 0.0, value_name = "FRACTION", bound = Bound::UpTo(1.0);
        /// Augmentation: masks of time, and as many of frequency (SpecAugment, Park et al. 2019).
        masks: usize = 1, bound = Bound::Range(0, 100);
    }
    task: "transcribe",
    check: Self::check_features,
    fit: FitConfig {
        epochs: 7,
        batch_size: 16,
        lr: 2e-3,
        schedule: Schedule::Cosine,
        patience: 0,
        ..FitConfig::default()
    },
}

impl TranscribeConfig {
    /// The recipe for some recordings: a stack of one-way GRUs.
    ///
    /// # Errors
    /// If the recordings cannot be read.
    pub fn new(source: &SpeechSource) -> Result<Self> {
        let words: std::collections::HashSet<&str> =
            source.transcripts().all().iter().flat_map(|transcript| transcript.text.split(' ')).collect();
        let tokens = if words.len() <= MAX_WORDS { TokenizerKind::Words } else { TokenizerKind::Chars };
        Ok(Self {
            data: source.absolute_name(),
            sha256: crate::TaskSource::sha256(source)?,
            tokenizer: tokens.into(),
            ..Self::defaults()
        })
    }

    /// How a tokenizer is fitted. Words are lower-cased.
    #[cfg(feature = "fit")]
    pub(super) fn tokenizer_config(&self) -> TokenizerConfig {
        let words = TokenizerKind::Words;
        TokenizerConfig::new(words).with_vocab_size(self.vocab_size).with_lowercase(self.tokenizer == words.into())
    }

    /// The features that the network reads.
    pub fn log_mel(&self) -> LogMelConfig {
        let mut config = LogMelConfig::default()
            .with_sample_rate(u32::try_from(self.sample_rate).unwrap_or(u32::MAX))
            .with_num_mels(self.num_mels)
            .with_stack(self.stack);
        (config.window_ms, config.hop_ms) = (self.window_ms, self.hop_ms);
        config
    }

    /// How the sound of training recordings is changed.
    #[cfg(feature = "fit")]
    pub(super) fn audio_augment(&self) -> Option<AudioAugment> {
        let Self { speed, gain, noise, .. } = *self;
        if speed == 0.0 && gain == 0.0 && noise == 0.0 {
            return None;
        }
        let mut augment = AudioAugment::default();
        augment.speed = (1.0 - speed, 1.0 + speed);
        augment.gain_db = (-gain, gain);
        augment.noise = noise;
        Some(augment)
    }

    /// How the features of training recordings are masked.
    #[cfg(feature = "fit")]
    pub(super) fn spec_augment(&self) -> Option<SpecAugment> {
        let mut augment = SpecAugment::default();
        (augment.time_masks, augment.mel_masks) = (self.masks, self.masks);
        (self.masks > 0).then_some(augment)
    }

    /// The shape of the features of a second of sound, `[frames, features]`, for summaries.
    pub(super) fn second(&self) -> [usize; 2] {
        let log_mel = self.log_mel();
        [(1.0 / log_mel.frame_seconds()).round().max(1.0) as usize, log_mel.width()]
    }

    fn check_features(&self) -> Result<()> {
        recurrent_audio::LogMel::new(self.log_mel()).map(drop).map_err(Error::from)
    }

    /// The network that the run trains, for a vocabulary of this size.
    pub fn network(&self, vocab_size: usize) -> SequenceTaggerConfig {
        SequenceTaggerConfig::new(SequenceInput::values(self.log_mel().width()), self.hidden_size, vocab_size)
            .with_cell(self.cell)
            .with_num_layers(self.num_layers)
            .with_bidirectional(self.bidirectional)
            .with_dropout(self.dropout)
    }
}
