//! The options of sampling, which generation and composing share.

use clap::Args;
use recurrent::decoding::SamplingConfig;

/// Options of sampling.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Runs of generate and compose")]
pub struct SamplingOptions {
    /// Sampling temperature; 0 always takes the likeliest token [default: generate: 0.8; compose: 1]
    #[arg(long, value_name = "X")]
    pub temperature: Option<f64>,
    /// Sample from this many of the likeliest tokens; 0 for all [default: 0]
    #[arg(long, value_name = "N")]
    pub top_k: Option<usize>,
    /// Sample from the likeliest tokens that have this probability together (nucleus sampling) [default: 1]
    #[arg(long, value_name = "FRACTION")]
    pub top_p: Option<f64>,
    /// Repetition penalty on the last 64 tokens; 1 for none [default: 1]
    #[arg(long, value_name = "X")]
    pub repetition_penalty: Option<f64>,
    /// Always take the likeliest token
    #[arg(long)]
    pub greedy: bool,
    /// Random seed of the sampling [default: 0]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

impl SamplingOptions {
    /// The first option of sampling that was given, but for the seed.
    pub fn given(&self) -> Option<&'static str> {
        let options = [
            ("--temperature", self.temperature.is_some()),
            ("--top-k", self.top_k.is_some()),
            ("--top-p", self.top_p.is_some()),
            ("--repetition-penalty", self.repetition_penalty.is_some()),
            ("--greedy", self.greedy),
        ];
        options.iter().find(|(_, given)| *given).map(|(option, _)| *option)
    }

    /// The settings of sampling, with these defaults.
    pub fn config(&self, defaults: SamplingConfig) -> SamplingConfig {
        let temperature = self.temperature.unwrap_or(defaults.temperature);
        let top_k = self.top_k.unwrap_or(defaults.top_k);
        let top_p = self.top_p.unwrap_or(defaults.top_p);
        let repetition_penalty = self.repetition_penalty.unwrap_or(defaults.repetition_penalty);
        let seed = self.seed.unwrap_or(defaults.seed);
        defaults
            .with_temperature(if self.greedy { 0.0 } else { temperature })
            .with_top_k(top_k)
            .with_top_p(top_p)
            .with_repetition_penalty(repetition_penalty)
            .with_seed(seed)
    }
}
