//! Composing music: from labels, or a few notes, to a piece.
//!
//! One-to-many: a piece is a sequence of tokens. A frame is its pitches from the top, and key, meter, tempo and the number
//! of bars are tokens as well, so that they can be asked for. The recurrent layers of a [`FrameModel`] go from frame to
//! frame; the pitches of a frame are predicted one after the other, each knowing those above it. Performances are events, of
//! which the language model of [`generate`](crate::generate) predicts the next. A piano roll, in which the keys of a frame
//! know nothing of each other, is there by choice, for comparison with published figures (Boulanger-Lewandowski et al. 2012).
//!
//! - [`MusicSource`] opens MIDI, MusicXML and ABC files, or makes the pieces of `chorales-by-rule`;
//! - [`ComposeConfig`] holds the settings, [`ComposeRun`] trains and evaluates;
//! - [`Composer`] composes: from nothing, from labels, from how a piece begins, or around a voice that is given.

mod composer;
mod composition;
mod config;
#[cfg(feature = "fit")]
mod evaluation;
#[cfg(feature = "fit")]
mod examples;
mod facts;
mod frame_model;
mod frame_reader;
#[cfg(feature = "fit")]
mod frame_steps;
mod music_files;
mod network;
mod request;
#[cfg_attr(not(feature = "fit"), allow(dead_code, reason = "only training splits and encodes pieces"))]
mod source;
#[cfg(feature = "fit")]
mod training;

pub use composer::Composer;
pub use composition::Composition;
pub use config::{ComposeConfig, Notation};
#[cfg(feature = "fit")]
pub use evaluation::{ComposeEvaluation, MusicBaseline, MusicStatistics};
#[cfg(feature = "fit")]
pub use examples::ComposeBatch;
pub use frame_model::{FrameModel, FrameModelConfig, FrameSteps};
pub use network::{ComposeNetwork, ComposeNetworkConfig};
pub use request::CompositionRequest;
pub use source::{CorpusPiece, MusicSource};
#[cfg(feature = "fit")]
pub use training::{ComposeData, ComposeObjective, ComposeRun, Composing};
