//! Speech for recurrent networks: from a file or a microphone to features, and speech that is made here.
//!
//! Sound moves forward through a chain of types:
//!
//! | | type | what it is |
//! |---|---|---|
//! | 1 | [`Audio`] | a recording: one channel of samples, from a WAV file of any kind, or from elsewhere |
//! | | [`PcmStream`] | the samples of a pipe, a WAV file of unknown length or raw ones, as they come |
//! | 2 | [`Resampler`] | the same sound at the sample rate that the features have |
//! | 3 | [`AudioAugment`] | in training, a recording that is a little different each time |
//! | 4 | [`LogMel`] | [`Features`]: the logarithm of the energy in bands, frame after frame |
//! | 5 | [`Normalization`] | features with mean 0 and deviation 1, by what they were in training |
//! | 6 | [`SpecAugment`] | in training, features with some frames and bands masked |
//!
//! Streaming is the rule, not a mode. [`PcmStream`] reads sound that never ends by itself, such as that of a recorder on
//! standard input, as soon as it comes; read to its end, a file has the same samples as by [`Audio::open`]. Resampler and
//! features take chunks of any size, and give the same bits as for the whole recording. Both are causal, and say how late
//! they are. `finish` gives what is left at the end, so that the last word is not lost, and `reset` forgets everything.
//!
//! ```
//! use recurrent_audio::synth::{SynthConfig, SynthSpeech};
//! use recurrent_audio::{LogMel, LogMelConfig, Normalization, Resampler};
//!
//! # fn main() -> recurrent_audio::Result<()> {
//! // An utterance of a synthetic speaker, and when each word was said.
//! let speech = SynthSpeech::new(SynthConfig::default().with_utterances(10).with_words(3, 3))?;
//! let utterance = speech.utterance(0);
//! assert_eq!(utterance.words.len(), 3);
//!
//! // Features of the training data, and their normalization.
//! let mut log_mel = LogMel::new(LogMelConfig::default())?;
//! let training = speech.iter().map(|utterance| log_mel.extract(&utterance.audio)).collect::<Result<Vec<_>, _>>()?;
//! let normalization = Normalization::fit(40, &training)?;
//!
//! // A microphone at another rate, a hundredth of a second at a time.
//! let microphone = recurrent_audio::resample(&utterance.audio, 44_100)?;
//! let mut resampler = Resampler::new(44_100, 16_000)?;
//! let mut frames = vec![];
//! for chunk in microphone.samples.chunks(441) {
//!     log_mel.push_into(&resampler.push(chunk), &mut frames);
//! }
//! log_mel.push_into(&resampler.finish(), &mut frames);
//! frames.extend(log_mel.finish().values);
//! normalization.apply_to(&mut frames);
//! assert_eq!(frames.len(), training[0].values.len());
//! # Ok(())
//! # }
//! ```
//!
//! [`synth`] makes speech by a formant synthesizer: digits and commands in English and Russian, by any number of speakers
//! in any number of rooms, with the exact times of words. It needs no data, and a network that learned from it knows no
//! real speaker.
//!
//! Errors are [`AudioError`]s: where, what was expected, what was found.
//!
//! Deliberately absent: formats other than WAV, which other programs convert; more than one channel, since speech has one;
//! features that look at what comes later, such as centered windows or a normalization by the utterance; tensors, since
//! this crate knows no network.

mod audio;
mod augment;
mod error;
mod mel;
mod noise;
mod pcm_stream;
mod random;
mod resample;
mod signature;
pub mod synth;
mod wav;

pub use audio::{Audio, MAX_FILE_BYTES, SAMPLE_RATES};
pub use augment::{AudioAugment, Augmented, SpecAugment, add_noise, change_gain, change_speed};
pub use error::{AudioError, Result};
pub use mel::{Features, LogMel, LogMelConfig, Normalization};
pub use noise::NoiseColor;
pub use pcm_stream::{PcmStream, RawPcm};
pub use resample::{Resampler, resample};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
