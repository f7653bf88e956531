//! The networks that compose.

use burn::module::Module;
use burn::tensor::Device;
use recurrent_models::networks::{LanguageModel, LanguageModelConfig, SequenceTagger, SequenceTaggerConfig};
use recurrent_models::{Summarize, Summary};

use super::frame_model::{FrameModel, FrameModelConfig};

/// The configuration of a [`ComposeNetwork`].
#[derive(Debug, Clone, PartialEq)]
pub enum ComposeNetworkConfig {
    /// Of frames as tokens.
    Frames(FrameModelConfig),
    /// Of events.
    Events(LanguageModelConfig),
    /// Of a piano roll.
    Roll(SequenceTaggerConfig),
}

impl ComposeNetworkConfig {
    /// The number of parameters, without making the network; `usize::MAX` stands for any larger number.
    #[must_use]
    pub fn num_parameters(&self) -> usize {
        match self {
            Self::Frames(config) => config.num_parameters(),
            Self::Events(config) => config.num_parameters(),
            Self::Roll(config) => config.num_parameters(),
        }
    }

    /// Makes the network with fresh weights.
    #[must_use]
    pub fn init(&self, device: &Device) -> ComposeNetwork {
        match self {
            Self::Frames(config) => ComposeNetwork::Frames(config.init(device)),
            Self::Events(config) => ComposeNetwork::Events(config.init(device)),
            Self::Roll(config) => ComposeNetwork::Roll(config.init(device)),
        }
    }
}

/// A network that predicts how a piece goes on.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant, reason = "a network is alone")]
pub enum ComposeNetwork {
    /// The next token of a frame.
    Frames(FrameModel),
    /// The next event.
    Events(LanguageModel),
    /// The logit of each of 88 keys in the next frame.
    Roll(SequenceTagger),
}

impl Summarize for ComposeNetwork {
    /// `input` is `[time]`, or `[time, 88]` for a piano roll.
    fn summary(&self, input: &[usize]) -> Summary {
        match self {
            Self::Frames(network) => network.summary(input),
            Self::Events(network) => network.summary(input),
            Self::Roll(network) => network.summary(input),
        }
    }
}
