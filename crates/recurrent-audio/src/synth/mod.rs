//! Synthetic speech: words of small vocabularies by seeded speakers in seeded rooms, with exact times.
//!
//! A formant synthesizer after Klatt (1980), *Software for a cascade/parallel formant synthesizer*, JASA 67(3). From words to
//! sound:
//!
//! | | |
//! |---|---|
//! | [`Word`] | a text and its phonemes, of an inventory for each [`Language`] |
//! | phases | what the vocal tract aims at, one thing after the other: a closure, a burst, a vowel; durations and where formants lie depend on the sounds around |
//! | frames | 500 a second: the aims smoothed, since tongue and lips have inertia, and the pitch |
//! | samples | a voice source and noises, through resonators |
//!
//! A [`Speaker`] is a pitch, a length of the vocal tract, a speed, a voice and an accent. [`utterance`] lets one speak;
//! a [`Room`] adds reverberation, noise and the limits of a microphone. [`SynthSpeech`] is a corpus of utterances, each of
//! which follows from its index.
//!
//! The speech is intelligible: recognizers that were trained on recordings of people understand most of it. But its speakers
//! differ less than people do: a network that learned from it alone makes many mistakes with recordings.

mod corpus;
mod english;
mod glottis;
mod language;
mod phase;
mod phoneme;
mod pitch;
mod resonator;
mod room;
mod russian;
mod seed;
mod speaker;
mod track;
mod tract;
mod utterance;
mod vocabulary;
mod word;

pub use corpus::{SynthConfig, SynthSpeech};
pub use language::Language;
pub use room::Room;
pub use speaker::Speaker;
pub use tract::SYNTH_SAMPLE_RATE;
pub use utterance::{SpokenWord, Utterance, utterance};
pub use vocabulary::Vocabulary;
pub use word::Word;
