//! Drawing the next token.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How many of the last tokens count as repeated.
const REMEMBERED: usize = 64;

/// How the next token is drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SamplingConfig {
    /// What the logits are divided by: below 1 the likely becomes likelier, at 0 the likeliest is always taken.
    pub temperature: f64,
    /// Only so many of the likeliest tokens are drawn from (Fan et al. 2018); 0 for all.
    pub top_k: usize,
    /// Only the likeliest tokens that have this share of the probability together (Holtzman et al. 2020); 1 for all.
    pub top_p: f64,
    /// What the logit of a token that was there among the last 64 is divided by if positive, and multiplied by if not
    /// (Keskar et al. 2019); 1 for no difference.
    pub repetition_penalty: f64,
    /// Where the draws come from.
    pub seed: u64,
}

impl Default for SamplingConfig {
    fn default() -> Self {
        Self { temperature: 0.8, top_k: 0, top_p: 1.0, repetition_penalty: 1.0, seed: 0 }
    }
}

impl SamplingConfig {
    /// Checks the settings.
    ///
    /// # Errors
    /// The first that cannot be, with what was expected.
    pub fn check(&self) -> Result<()> {
        let Self { temperature, top_p, repetition_penalty, .. } = *self;
        let wrong = [
            ("temperature", "0 or a positive number", !(temperature.is_finite() && temperature >= 0.0), temperature),
            ("top_p", "a share above 0 and at most 1", !(top_p > 0.0 && top_p <= 1.0), top_p),
            (
                "repetition_penalty",
                "a number of at least 1",
                !(repetition_penalty.is_finite() && repetition_penalty >= 1.0),
                repetition_penalty,
            ),
        ];
        match wrong.into_iter().find(|(_, _, wrong, _)| *wrong) {
            None => Ok(()),
            Some((setting, expected, _, found)) => Err(Error::setting(setting, expected, found.to_string())),
        }
    }
}

/// Draws one token after the other.
#[derive(Debug)]
pub struct Sampler {
    sampling: SamplingConfig,
    random: StdRng,
    last: Vec<u32>,
}

impl Sampler {
    /// A sampler from its seed on.
    pub fn new(sampling: SamplingConfig) -> Self {
        Self { random: StdRng::seed_from_u64(sampling.seed), sampling, last: Vec::new() }
    }

    /// Remembers a token that is there already, against its repetition_penalty.
    pub fn remember(&mut self, token: u32) {
        self.last.push(token);
        if self.last.len() > REMEMBERED {
            self.last.remove(0);
        }
    }

    /// Draws a token by its logit, and remembers it. A logit of minus infinity is never drawn.
    ///
    /// # Panics
    /// If there is no logit above minus infinity.
    pub fn draw(&mut self, logits: &[f32]) -> u32 {
        let mut logits: Vec<f64> = logits.iter().map(|logit| f64::from(*logit)).collect();
        for token in &self.last {
            penalise(&mut logits[*token as usize], self.sampling.repetition_penalty);
        }
        let mut ranked: Vec<(u32, f64)> = (0..).zip(logits).filter(|(_, logit)| *logit > f64::NEG_INFINITY).collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let token = self.draw_ranked(&ranked);
        self.remember(token);
        token
    }

    /// Draws from tokens in the order of their logits.
    fn draw_ranked(&mut self, ranked: &[(u32, f64)]) -> u32 {
        let SamplingConfig { temperature, top_k, top_p, .. } = self.sampling;
        let (likeliest, highest) = *ranked.first().expect("a token that may be drawn");
        if temperature == 0.0 {
            return likeliest;
        }
        let kept = if top_k == 0 { ranked.len() } else { top_k.min(ranked.len()) };
        let mut weights: Vec<f64> =
            ranked[..kept].iter().map(|(_, logit)| ((logit - highest) / temperature).exp()).collect();
        let total: f64 = weights.iter().sum();
        let mut share = 0.0;
        let nucleus = weights.iter().take_while(|weight| {
            let before = share;
            share += **weight / total;
            before < top_p
        });
        let nucleus = nucleus.count();
        weights.truncate(nucleus);
        let mut left = self.random.random::<f64>() * weights.iter().sum::<f64>();
        for ((token, _), weight) in ranked.iter().zip(&weights) {
            left -= weight;
            if left < 0.0 {
                return *token;
            }
        }
        ranked[nucleus - 1].0
    }
}

/// Lowers a logit, whatever its sign; each repetition_penalty again.
fn penalise(logit: &mut f64, by: f64) {
    *logit = if *logit > 0.0 { *logit / by } else { *logit * by };
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGITS: [f32; 5] = [2.0, f32::NEG_INFINITY, 1.0, 0.0, -1.0];

    fn counts(sampling: SamplingConfig, draws: usize) -> [usize; 5] {
        let mut counts = [0; 5];
        let repeats = sampling.repetition_penalty > 1.0;
        let mut sampler = Sampler::new(sampling);
        for _ in 0..draws {
            if !repeats {
                sampler.last.clear();
            }
            counts[sampler.draw(&LOGITS) as usize] += 1;
        }
        counts
    }

    #[test]
    fn tokens_come_as_often_as_they_are_likely() {
        let counts = counts(SamplingConfig { temperature: 1.0, ..SamplingConfig::default() }, 20_000);
        let total: f64 = LOGITS.iter().map(|logit| f64::from(*logit).exp()).sum();
        for (count, logit) in counts.iter().zip(LOGITS) {
            let expected = f64::from(logit).exp() / total;
            assert!((*count as f64 / 20_000.0 - expected).abs() < 0.02, "{counts:?}");
        }
    }

    #[test]
    fn no_temperature_takes_the_likeliest() {
        assert_eq!(counts(SamplingConfig { temperature: 0.0, ..SamplingConfig::default() }, 10), [10, 0, 0, 0, 0]);
    }

    #[test]
    fn top_k_and_top_p_leave_the_rest_out() {
        let hot = SamplingConfig { temperature: 5.0, ..SamplingConfig::default() };
        let [a, b, c, d, e] = counts(SamplingConfig { top_k: 2, ..hot.clone() }, 500);
        assert!(a > 100 && c > 100 && b + d + e == 0, "{a} {b} {c} {d} {e}");
        // At a temperature of 1 the first has 0.64, the second 0.24 of the probability.
        let one = |top_p| counts(SamplingConfig { temperature: 1.0, top_p, ..SamplingConfig::default() }, 500);
        assert_eq!(one(0.6), [500, 0, 0, 0, 0]);
        let [a, b, c, d, e] = one(0.7);
        assert!(a > 100 && c > 50 && b + d + e == 0, "{a} {b} {c} {d} {e}");
    }

    #[test]
    fn what_was_there_comes_again_less_often() {
        let plain = counts(SamplingConfig { temperature: 0.0, ..SamplingConfig::default() }, 4);
        let varied =
            counts(SamplingConfig { temperature: 0.0, repetition_penalty: 3.0, ..SamplingConfig::default() }, 4);
        assert_eq!(plain[0], 4);
        assert!(varied[0] < 4 && varied[1] == 0, "{varied:?}");
    }

    #[test]
    fn the_same_seed_draws_the_same() {
        let draws = |seed| {
            let mut sampler = Sampler::new(SamplingConfig { temperature: 2.0, seed, ..SamplingConfig::default() });
            (0..20).map(|_| sampler.draw(&LOGITS)).collect::<Vec<_>>()
        };
        assert_eq!(draws(1), draws(1));
        assert_ne!(draws(1), draws(2));
    }

    #[test]
    fn settings_that_cannot_be_are_refused() {
        let wrong = SamplingConfig { top_p: 0.0, ..SamplingConfig::default() };
        assert_eq!(wrong.check().unwrap_err().to_string(), "--top-p: expected a share above 0 and at most 1, found 0");
        assert!(SamplingConfig { temperature: f64::NAN, ..SamplingConfig::default() }.check().is_err());
        assert!(SamplingConfig { repetition_penalty: 0.5, ..SamplingConfig::default() }.check().is_err());
        assert!(SamplingConfig::default().check().is_ok());
    }
}
