//! Transcription of speech: from samples to words, as a stream.
//!
//! The network is many-to-many without an alignment: log-mel features go through stacked recurrent layers and a dense layer
//! over tokens and a blank, and connectionist temporal classification (CTC, Graves et al. 2006) sums over all the times at
//! which the tokens may be emitted. It reads in one direction by default, so that words come out while somebody speaks.
//!
//! - [`SpeechSource`] opens a folder or table of WAV files, or makes the synthetic speech of `spoken-digits`;
//! - [`TranscribeConfig`] holds the settings, [`TranscribeRun`] trains and evaluates;
//! - [`Recognizer`] transcribes recordings, and [`RecognizerStream`] live sound in chunks of any size;
//! - [`FusionModel`] is a language model that takes part in its search.

#[cfg(feature = "fit")]
mod alignment;
mod config;
#[cfg(feature = "fit")]
mod evaluation;
#[cfg(feature = "fit")]
mod examples;
mod language_model;
mod recognition;
mod recognizer;
mod source;
mod stream;
#[cfg(feature = "fit")]
mod template_matching;
#[cfg(feature = "fit")]
mod training;

pub use config::TranscribeConfig;
#[cfg(feature = "fit")]
pub use evaluation::{TranscribedUtterance, TranscriptionEvaluation, TranscriptionScores};
pub use language_model::{FusionModel, LanguageModelScorer, LanguageModelState, ShallowFusion};
pub use recognition::{Recognition, RecognizedWord, RecognizerEvent, Transcription};
pub use recognizer::{RecognizeOptions, Recognizer};
pub use source::{SpeechSource, SpokenUtterance, WordTime};
pub use stream::{RecognizerStream, WakeOptions};
#[cfg(feature = "fit")]
pub use training::{SpeechBatch, TranscribeData, TranscribeObjective, TranscribeRun, Transcribing};
