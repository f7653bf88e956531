//! Music for recurrent networks: from a file to tokens, and from tokens to something one can hear.
//!
//! | | type | what it is |
//! |---|---|---|
//! | 1 | [`Piece`] | notes in time: from a MIDI file ([`parse_midi`]), ABC notation ([`parse_abc`]), MusicXML ([`parse_musicxml`]), typed notes ([`parse_notes`]), chorales as JSON ([`ChoralesJson`]) or a composer ([`ChoralesByRule`]) |
//! | 2 | [`Frames`] | the same on a grid of time: what sounds in each frame, and what begins there |
//! | 3 | [`MusicTokenizer`] | the vocabulary: frames with their labels ([`encode_frames`]), or events ([`encode_events`]), as token ids |
//! | 4 | [`FrameGrammar`], [`EventGrammar`] | which token may follow, so that what a network composes is a piece, and the one that was asked for |
//! | 5 | [`Synth`] | sound, by additive synthesis |
//!
//! ```
//! use recurrent_music::{FramePiece, Melody, MusicTokenizer, MusicTokenizerConfig, Representation, Synth};
//! use recurrent_music::{decode_frames, encode_frames};
//!
//! # fn main() -> recurrent_music::Result<()> {
//! let melody = Melody::find("ode-to-joy")?.piece();
//! assert!(melody.to_midi()?.starts_with(b"MThd"));
//!
//! // Two frames of a quarter note, as tokens and back.
//! let representation = Representation::Frames;
//! let config = MusicTokenizerConfig { representation, per_quarter: 2, holds: true, labels: true };
//! let tokenizer = MusicTokenizer::new(config);
//! let frames = FramePiece::of(&melody, 2)?;
//! let ids = encode_frames(&tokenizer, &frames);
//! assert_eq!(decode_frames(&tokenizer, &ids), frames.frames.frames);
//!
//! // Mono sound, from -1 to 1.
//! let samples = Synth::new(22_050)?.render(&melody)?;
//! assert!(samples.len() > 22_050);
//! # Ok(())
//! # }
//! ```
//!
//! [`ChoralesByRule`] composes any number of pieces in four parts, and knows the exact probability of each: what a network
//! learns of them can be held against what there is to learn. [`analysis`] measures what was composed: its key, repetitions,
//! and copies.
//!
//! Errors are [`MusicError`]s: where, what was expected, what was found.
//!
//! Deliberately absent: pedals, pitch bends and other controllers of a performance; drums; notation beyond notes, such as
//! slurs and dynamics; tensors, since this crate knows no network.

mod abc;
pub mod analysis;
mod chorales_json;
mod clock;
mod composer;
mod divisor;
mod error;
mod file;
mod frames;
mod key;
mod labels;
mod melodies;
mod midi;
mod musicxml;
mod notation;
mod piece;
mod pitch;
mod remarks;
mod repeats;
#[cfg(feature = "soundfont")]
mod soundfont;
mod synth;
mod tokens;

pub use abc::{parse_abc, read_abc};
pub use chorales_json::ChoralesJson;
pub use composer::{Chorale, ChoraleFrame, ChoralesByRule};
pub use error::{MusicError, Result};
pub use file::MusicFile;
pub use frames::{Frame, FrameNote, Frames, bars};
pub use key::{Key, Mode};
pub use labels::{Labels, MeterClass, TempoClass};
pub use melodies::Melody;
pub use midi::{MidiFile, parse_midi, read_midi};
pub use musicxml::{MusicXmlFile, parse_musicxml, read_musicxml};
pub use notation::parse_notes;
pub use piece::{Meter, Note, Piece};
pub use pitch::Pitch;
pub use remarks::Remarks;
#[cfg(feature = "soundfont")]
pub use soundfont::render_with_soundfont;
pub use synth::{Family, Synth};
pub use tokens::{
    EventGrammar, FrameGrammar, FramePiece, GivenFrame, MusicTokenizer, MusicTokenizerConfig, PieceRequest,
    Representation, Token, Transposition, decode_events, decode_frames, encode_events, encode_frames,
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
