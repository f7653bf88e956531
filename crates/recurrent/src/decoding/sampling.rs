//! Sampling the next token.

use std::collections::BTreeSet;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The number of latest tokens that the repetition penalty applies to.
const PENALTY_WINDOW: usize = 64;

/// How the next token is sampled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SamplingConfig {
    /// Divides the logits; below 1 the distribution is sharper. 0 always takes the likeliest token.
    pub temperature: f64,
    /// Samples from this many of the likeliest tokens (Fan et al. 2018); 0 for all.
    pub top_k: usize,
    /// Samples from the smallest set of likeliest tokens with this total probability (nucleus sampling, Holtzman et al.
    /// 2020); 1 for all.
    pub top_p: f64,
    /// Divides the positive logits of the tokens that are among the last 64, and multiplies the negative ones, once
    /// however often a token occurs (Keskar et al. 2019); 1 for no penalty.
    pub repetition_penalty: f64,
    /// Random seed.
    pub seed: u64,
}

impl Default for SamplingConfig {
    fn default() -> Self {
        Self { temperature: 0.8, top_k: 0, top_p: 1.0, repetition_penalty: 1.0, seed: 0 }
    }
}

impl SamplingConfig {
    /// The sampling temperature; 0 always takes the likeliest token.
    #[must_use]
    pub fn with_temperature(self, temperature: f64) -> Self {
        Self { temperature, ..self }
    }

    /// How many of the likeliest tokens are sampled from; 0 for all.
    #[must_use]
    pub fn with_top_k(self, top_k: usize) -> Self {
        Self { top_k, ..self }
    }

    /// The probability that the tokens sampled from have together.
    #[must_use]
    pub fn with_top_p(self, top_p: f64) -> Self {
        Self { top_p, ..self }
    }

    /// The penalty on recent tokens; 1 for none.
    #[must_use]
    pub fn with_repetition_penalty(self, repetition_penalty: f64) -> Self {
        Self { repetition_penalty, ..self }
    }

    /// The random seed.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::Setting`] for the first that is out of bounds.
    pub fn check(&self) -> Result<()> {
        let Self { temperature, top_p, repetition_penalty, .. } = *self;
        let checks = [
            ("temperature", "0 or a positive number", !(temperature.is_finite() && temperature >= 0.0), temperature),
            ("top_p", "a fraction above 0 and at most 1", !(top_p > 0.0 && top_p <= 1.0), top_p),
            (
                "repetition_penalty",
                "a number from 1 to 1000",
                !(1.0..=1000.0).contains(&repetition_penalty),
                repetition_penalty,
            ),
        ];
        match checks.into_iter().find(|(_, _, is_wrong, _)| *is_wrong) {
            None => Ok(()),
            Some((setting, expected, _, found)) => Err(Error::setting(setting, expected, found.to_string())),
        }
    }
}

/// Samples one token after the other.
#[derive(Debug)]
pub struct Sampler {
    config: SamplingConfig,
    rng: StdRng,
    recent: Vec<u32>,
}

impl Sampler {
    /// A sampler whose random numbers start at the configuration's seed.
    pub fn new(config: SamplingConfig) -> Self {
        Self { rng: StdRng::seed_from_u64(config.seed), config, recent: Vec::new() }
    }

    /// Records a token for the repetition penalty, such as one of the prompt.
    pub fn push(&mut self, token: u32) {
        self.recent.push(token);
        if self.recent.len() > PENALTY_WINDOW {
            self.recent.remove(0);
        }
    }

    /// Samples a token from its logits, `[vocab]`, and records it. A token with a logit of minus infinity is never sampled.
    /// The repetition penalty depends on the signs of the logits, so that they must not be normalized to
    /// log-probabilities.
    ///
    /// # Panics
    /// If all logits are minus infinity or NaN.
    pub fn sample(&mut self, logits: &[f32]) -> u32 {
        let mut logits: Vec<f64> = logits.iter().map(|logit| f64::from(*logit)).collect();
        let repeated: BTreeSet<u32> = self.recent.iter().copied().collect();
        for token in repeated {
            penalize(&mut logits[token as usize], self.config.repetition_penalty);
        }
        let mut ranked: Vec<(u32, f64)> = (0..).zip(logits).filter(|(_, logit)| *logit > f64::NEG_INFINITY).collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let token = self.sample_ranked(&ranked);
        self.push(token);
        token
    }

    /// Samples from tokens in descending order of their logits.
    fn sample_ranked(&mut self, ranked: &[(u32, f64)]) -> u32 {
        let SamplingConfig { temperature, top_k, top_p, .. } = self.config;
        let (likeliest, highest) = *ranked.first().expect("at least one logit is finite");
        if temperature == 0.0 {
            return likeliest;
        }
        let kept = if top_k == 0 { ranked.len() } else { top_k.min(ranked.len()) };
        let mut weights: Vec<f64> =
            ranked[..kept].iter().map(|(_, logit)| ((logit - highest) / temperature).exp()).collect();
        let total: f64 = weights.iter().sum();
        let mut cumulative = 0.0;
        let nucleus = weights.iter().take_while(|weight| {
            let before = cumulative;
            cumulative += **weight / total;
            before < top_p
        });
        let nucleus = nucleus.count();
        weights.truncate(nucleus);
        let mut left = self.rng.random::<f64>() * weights.iter().sum::<f64>();
        for ((token, _), weight) in ranked.iter().zip(&weights) {
            left -= weight;
            if left < 0.0 {
                return *token;
            }
        }
        ranked[nucleus - 1].0
    }
}

/// Lowers a logit of either sign.
fn penalize(logit: &mut f64, penalty: f64) {
    *logit = if *logit > 0.0 { *logit / penalty } else { *logit * penalty };
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGITS: [f32; 5] = [2.0, f32::NEG_INFINITY, 1.0, 0.0, -1.0];

    fn counts(config: SamplingConfig, samples: usize) -> [usize; 5] {
        let mut counts = [0; 5];
        let has_penalty = config.repetition_penalty > 1.0;
        let mut sampler = Sampler::new(config);
        for _ in 0..samples {
            if !has_penalty {
                sampler.recent.clear();
            }
            counts[sampler.sample(&LOGITS) as usize] += 1;
        }
        counts
    }

    #[test]
    fn frequencies_match_probabilities() {
        let counts = counts(SamplingConfig { temperature: 1.0, ..SamplingConfig::default() }, 20_000);
        let total: f64 = LOGITS.iter().map(|logit| f64::from(*logit).exp()).sum();
        for (count, logit) in counts.iter().zip(LOGITS) {
            let expected = f64::from(logit).exp() / total;
            assert!((*count as f64 / 20_000.0 - expected).abs() < 0.02, "{counts:?}");
        }
    }

    #[test]
    fn temperature_0_takes_the_likeliest_token() {
        assert_eq!(counts(SamplingConfig { temperature: 0.0, ..SamplingConfig::default() }, 10), [10, 0, 0, 0, 0]);
    }

    #[test]
    fn top_k_and_top_p_exclude_other_tokens() {
        let hot = SamplingConfig { temperature: 5.0, ..SamplingConfig::default() };
        let [a, b, c, d, e] = counts(SamplingConfig { top_k: 2, ..hot.clone() }, 500);
        assert!(a > 100 && c > 100 && b + d + e == 0, "{a} {b} {c} {d} {e}");
        // At a temperature of 1 the first token has a probability of 0.64, the second of 0.24.
        let one = |top_p| counts(SamplingConfig { temperature: 1.0, top_p, ..SamplingConfig::default() }, 500);
        assert_eq!(one(0.6), [500, 0, 0, 0, 0]);
        let [a, b, c, d, e] = one(0.7);
        assert!(a > 100 && c > 50 && b + d + e == 0, "{a} {b} {c} {d} {e}");
    }

    #[test]
    fn the_repetition_penalty_makes_repetitions_rarer() {
        let without = counts(SamplingConfig { temperature: 0.0, ..SamplingConfig::default() }, 4);
        let with = counts(SamplingConfig { temperature: 0.0, repetition_penalty: 3.0, ..SamplingConfig::default() }, 4);
        assert_eq!(without[0], 4);
        assert!(with[0] < 4 && with[1] == 0, "{with:?}");
    }

    #[test]
    fn the_repetition_penalty_applies_once_to_each_token() {
        let greedy = SamplingConfig { temperature: 0.0, repetition_penalty: 1.5, ..SamplingConfig::default() };
        let mut sampler = Sampler::new(greedy);
        (0..10).for_each(|_| sampler.push(0));
        // 2 / 1.5 is more than 1, 2 / 1.5^10 would be less.
        assert_eq!(sampler.sample(&LOGITS), 0);
        // Negative logits are multiplied: -1.5 is less than -1.2.
        assert_eq!(sampler.sample(&[-1.0, -1.2]), 1);
        assert_eq!(sampler.sample(&[-1.0, -1.2]), 0);
    }

    #[test]
    fn equal_seeds_sample_equal_tokens() {
        let samples = |seed| {
            let mut sampler = Sampler::new(SamplingConfig { temperature: 2.0, seed, ..SamplingConfig::default() });
            (0..20).map(|_| sampler.sample(&LOGITS)).collect::<Vec<_>>()
        };
        assert_eq!(samples(1), samples(1));
        assert_ne!(samples(1), samples(2));
    }

    #[test]
    fn settings_out_of_bounds_are_rejected() {
        let wrong = SamplingConfig { top_p: 0.0, ..SamplingConfig::default() };
        assert_eq!(wrong.check().unwrap_err().to_string(), "top_p: expected a fraction above 0 and at most 1, found 0");
        assert!(SamplingConfig { temperature: f64::NAN, ..SamplingConfig::default() }.check().is_err());
        assert!(SamplingConfig { repetition_penalty: 0.5, ..SamplingConfig::default() }.check().is_err());
        assert!(SamplingConfig::default().check().is_ok());
    }
}
