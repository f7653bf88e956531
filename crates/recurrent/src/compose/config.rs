//! The settings of composing.

use std::fmt;
use std::str::FromStr;

use recurrent_data::SplitFractions;
use recurrent_models::CellKind;
use recurrent_models::networks::{LanguageModelConfig, SequenceInput, SequenceTaggerConfig};
use recurrent_music::{MusicTokenizerConfig, Pitch, Representation};
use serde::{Deserialize, Serialize};

use super::MusicSource;
use super::frame_model::FrameModelConfig;
use super::network::ComposeNetworkConfig;
use crate::fit::{FitConfig, Schedule};
#[cfg(feature = "fit")]
use crate::partial::Partial;
use crate::settings::{Bound, MAX_LAYERS, MAX_STEPS, MAX_UNITS};
use crate::{Error, Result, TaskSource};

/// What a network reads and predicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Notation {
    /// Frames of equal length, as tokens: the pitches of each from the top, and a token between frames.
    Frames,
    /// Events, as tokens: a note begins or ends, time goes on, velocity or instrument change.
    Events,
    /// Frames of equal length, as vectors of the 88 keys of a piano, each on or off by itself.
    Roll,
}

impl Notation {
    /// All notations.
    pub const ALL: [Self; 3] = [Self::Frames, Self::Events, Self::Roll];
}

impl fmt::Display for Notation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Frames => "frames",
            Self::Events => "events",
            Self::Roll => "roll",
        })
    }
}

impl FromStr for Notation {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|notation| notation.to_string() == name);
        known.ok_or_else(|| format!("unknown notation `{name}`: expected frames, events or roll"))
    }
}

crate::setting_value!(Notation: "NOTATION");

crate::settings! {
    /// The settings of composing.
    #[non_exhaustive]
    pub struct ComposeConfig {
        /// The pieces chorales-by-rule, a registered data set (see `train data list`), a file of MIDI, MusicXML or ABC, a
        /// folder or a table of such files, or chorales as JSON.
        data: String = MusicSource::CHORALES_BY_RULE.into(), value_name = "NAME|FOLDER|FILE";
        /// Fractions of the pieces for training, validation and test, where the data do not assign them.
        split: SplitFractions = SplitFractions::new(0.8, 0.1, 0.1).expect("they add up to 1");
        /// Pieces of the training split to train on, the first ones; 0 for all of them.
        #[serde(default)]
        train_pieces: usize = 0, bound = Bound::Range(0, MAX_STEPS);
        /// What the network reads and predicts: frames, events, or roll, a piano roll of keys that are on or off.
        notation: Notation = Notation::Frames;
        /// Frames, or steps of time, of a quarter note.
        per_quarter: usize = 2, bound = Bound::Range(1, 96),
            default_text = Some("2 for chorales-by-rule, 1 for JSON, 4 for files; 12 for events");
        /// Frames: notes that are held have other tokens than notes that begin.
        holds: bool = true, default_text = Some("true; false for JSON, which does not tell them apart");
        /// Key, meter and tempo come before a piece, and its bars count down to the end, so that they can be asked for.
        labels: bool = true, default_text = Some("true; false for JSON, which does not tell them");
        /// Augmentation: fraction of the pieces that are moved by up to six semitones, anew in each epoch.
        ///
        /// It is the mean over all epochs, and falls linearly: 0.5 is all pieces in the first epoch and none in the last,
        /// since a composer favors some keys.
        transpose: f64 = 0.0, value_name = "FRACTION", bound = Bound::UpTo(1.0),
            default_text = Some("0 for chorales-by-rule, else 0.75");
        /// The recurrent cell: rnn, lstm, gru.
        cell: CellKind = CellKind::Lstm;
        /// Embedding dimension.
        embedding_dim: usize = 64, bound = Bound::Range(1, MAX_UNITS);
        /// Hidden units of each layer.
        hidden_size: usize = 128, bound = Bound::Range(1, MAX_UNITS);
        /// Number of layers.
        num_layers: usize = 1, bound = Bound::Range(1, MAX_LAYERS);
        /// Dropout on the embedding, between layers, and before the output.
        dropout: f64 = 0.0, value_name = "FRACTION", bound = Bound::Fraction;
        /// Events: the output layer shares the embedding's weights.
        tie_weights: bool = false;
        /// Truncated back-propagation: steps of a training excerpt. The state is carried from each excerpt of a piece to the
        /// next.
        bptt: usize = 16, bound = Bound::Range(1, MAX_STEPS), default_text = Some("16; 128 for events");
    }
    task: "compose",
    check: Self::check_notation,
    fit: FitConfig {
        epochs: 1,
        batch_size: 16,
        lr: 8e-3,
        schedule: Schedule::Cosine,
        patience: 0,
        ..FitConfig::default()
    },
}

impl ComposeConfig {
    /// The recipe for some pieces: frames, in the detail that the pieces have.
    ///
    /// # Errors
    /// If the checksum of the pieces cannot be computed.
    pub fn new(source: &MusicSource) -> Result<Self> {
        Ok(Self { data: source.absolute_name(), sha256: source.sha256()?, ..source.recipe() })
    }

    /// The settings with the detail and the length of excerpts that events need, unless they were given.
    #[cfg(feature = "fit")]
    pub(super) fn for_notation(self, given: &Partial) -> Self {
        let is_events = given.get::<Notation>("notation") == Some(Notation::Events);
        if is_events { Self { per_quarter: 12, bptt: 128, ..self } } else { self }
    }

    /// The shape of an excerpt, for summaries: `[time]`, or `[time, 88]` of a piano roll.
    pub(super) fn input_shape(&self) -> Vec<usize> {
        match self.notation {
            Notation::Frames | Notation::Events => vec![self.bptt],
            Notation::Roll => vec![self.bptt, Pitch::COUNT],
        }
    }

    fn check_notation(&self) -> Result<()> {
        if self.notation != Notation::Events && self.tie_weights {
            return Err(Error::setting("tie_weights", "tied weights with `notation = \"events\"` only", "true"));
        }
        Ok(())
    }

    /// How pieces become tokens; a piano roll has the frames of tokens without labels.
    pub fn tokenizer(&self) -> MusicTokenizerConfig {
        let is_roll = self.notation == Notation::Roll;
        let representation =
            if self.notation == Notation::Events { Representation::Events } else { Representation::Frames };
        MusicTokenizerConfig {
            representation,
            per_quarter: u16::try_from(self.per_quarter).unwrap_or(u16::MAX),
            holds: self.holds && !is_roll,
            labels: self.labels && !is_roll,
        }
    }

    /// The network that the run trains, for a vocabulary of this size.
    pub fn network(&self, vocab_size: usize) -> ComposeNetworkConfig {
        match self.notation {
            Notation::Frames => ComposeNetworkConfig::Frames(
                FrameModelConfig::new(vocab_size, self.embedding_dim, self.hidden_size)
                    .with_cell(self.cell)
                    .with_num_layers(self.num_layers)
                    .with_dropout(self.dropout),
            ),
            Notation::Events => ComposeNetworkConfig::Events(
                LanguageModelConfig::new(vocab_size, self.embedding_dim, self.hidden_size)
                    .with_cell(self.cell)
                    .with_num_layers(self.num_layers)
                    .with_dropout(self.dropout)
                    .with_tie_weights(self.tie_weights),
            ),
            Notation::Roll => ComposeNetworkConfig::Roll(
                SequenceTaggerConfig::new(SequenceInput::values(Pitch::COUNT), self.hidden_size, Pitch::COUNT)
                    .with_cell(self.cell)
                    .with_num_layers(self.num_layers)
                    .with_dropout(self.dropout),
            ),
        }
    }
}
