//! A language model of n-grams, the baseline of a network.

use foldhash::{HashMap, HashMapExt};

/// The longest n-grams.
const MAX_ORDER: usize = 8;
/// Of so many tokens the last one chooses the order.
const HELD_OUT: usize = 10;

/// n-grams with interpolated, modified Kneser–Ney smoothing (Chen & Goodman 1999, section 3): each order discounts its
/// counts and gives what it takes to the next lower one, which counts in how many contexts a token occurs. The lowest order
/// is mixed with the uniform distribution.
#[derive(Debug)]
pub struct NgramModel {
    vocab_size: usize,
    /// Bits of a token in a key.
    bits: u32,
    /// By order, from 1: the counts of n-grams, which the highest order in use reads ...
    counts: Vec<Level>,
    /// ... and those of the tokens before them, which the lower ones read.
    continuations: Vec<Level>,
    /// The length of its n-grams.
    order: usize,
}

/// The n-grams of one length, by a key of all their tokens.
#[derive(Debug, Default)]
struct Level {
    ngrams: HashMap<u128, u32>,
    /// By a key of all tokens but the last.
    contexts: HashMap<u128, Context>,
    discounts: [f64; 3],
}

/// What follows a context.
#[derive(Debug, Default)]
struct Context {
    /// The sum of the counts.
    total: u64,
    /// How many different tokens were counted once, twice, and more often.
    different: [u32; 3],
}

impl NgramModel {
    /// The most tokens that are counted: n-grams of more need too much memory.
    pub const MAX_TOKENS: usize = 1 << 21;

    /// Whether n-grams are counted of a text with so many tokens: from ten to two million.
    pub fn is_for(num_tokens: usize) -> bool {
        (HELD_OUT..=Self::MAX_TOKENS).contains(&num_tokens)
    }

    /// Counts the n-grams of a text. The order is the one that predicts the last tenth of the text best from the rest. `None`
    /// if the text is too short or [too long](Self::is_for).
    pub fn fit(tokens: &[u32], vocab_size: usize) -> Option<Self> {
        if !Self::is_for(tokens.len()) {
            return None;
        }
        let bits = u32::BITS - (u32::try_from(vocab_size).ok()?.max(2) - 1).leading_zeros();
        let max_order = MAX_ORDER.min((u128::BITS / bits) as usize);
        let (first, last) = tokens.split_at(tokens.len() - tokens.len() / HELD_OUT);
        let mut candidate = Self::count(first, vocab_size, bits, max_order);
        let losses = (1..=max_order).map(|order| {
            candidate.order = order;
            (order, candidate.loss(last))
        });
        let (best, _) = losses.min_by(|a, b| a.1.total_cmp(&b.1))?;
        Some(Self::count(tokens, vocab_size, bits, best))
    }

    fn count(tokens: &[u32], vocab_size: usize, bits: u32, order: usize) -> Self {
        let mut counts: Vec<HashMap<u128, u32>> = vec![HashMap::new(); order];
        for end in 1..=tokens.len() {
            for (counts, length) in counts.iter_mut().zip(1..=end) {
                *counts.entry(key(&tokens[end - length..end], bits)).or_default() += 1;
            }
        }
        let continuations = counts.iter().zip(1_u32..).skip(1).map(|(longer, length)| {
            let mut continuations = HashMap::new();
            for ngram in longer.keys() {
                *continuations.entry(without_first(*ngram, length, bits)).or_default() += 1;
            }
            Level::new(continuations, bits)
        });
        let continuations = continuations.collect();
        let counts = counts.into_iter().map(|counts| Level::new(counts, bits)).collect();
        Self { vocab_size, bits, counts, continuations, order }
    }

    /// The length of the n-grams.
    pub fn order(&self) -> usize {
        self.order
    }

    /// The mean loss of all tokens of a text but the first, in nats.
    pub fn loss(&self, tokens: &[u32]) -> f64 {
        let losses = (1..tokens.len()).map(|at| -self.probability(&tokens[..at], tokens[at]).ln());
        losses.sum::<f64>() / (tokens.len() - 1).max(1) as f64
    }

    /// The probability of a token after others.
    fn probability(&self, before: &[u32], token: u32) -> f64 {
        let mut probability = 1.0 / self.vocab_size as f64;
        for length in 1..=self.order.min(before.len() + 1) {
            let levels = if length == self.order { &self.counts } else { &self.continuations };
            let level = &levels[length - 1];
            let context = key(&before[before.len() + 1 - length..], self.bits);
            let Some(after) = level.contexts.get(&context) else { break };
            let count = level.ngrams.get(&(context << self.bits | u128::from(token))).copied().unwrap_or(0);
            let kept = (f64::from(count) - level.discount(count)).max(0.0);
            let taken: f64 = after.different.iter().zip(level.discounts).map(|(n, d)| f64::from(*n) * d).sum();
            probability = (kept + taken * probability) / after.total as f64;
        }
        probability
    }
}

impl Level {
    fn new(ngrams: HashMap<u128, u32>, bits: u32) -> Self {
        let mut contexts: HashMap<u128, Context> = HashMap::new();
        // How many n-grams were counted once, twice, three and four times.
        let mut counted = [0_u32; 4];
        for (ngram, count) in &ngrams {
            let context = contexts.entry(ngram >> bits).or_default();
            context.total += u64::from(*count);
            context.different[class(*count)] += 1;
            if let Some(counted) = counted.get_mut(*count as usize - 1) {
                *counted += 1;
            }
        }
        Self { ngrams, contexts, discounts: discounts(counted.map(f64::from)) }
    }

    fn discount(&self, count: u32) -> f64 {
        if count == 0 { 0.0 } else { self.discounts[class(count)] }
    }
}

/// The index of the discount of a count.
fn class(count: u32) -> usize {
    count.min(3) as usize - 1
}

/// The discounts of n-grams that were counted once, twice, and more often (Chen & Goodman 1999, equation 26), from how many
/// there are of each count up to four.
fn discounts([n1, n2, n3, n4]: [f64; 4]) -> [f64; 3] {
    let y = n1 / (n1 + 2.0 * n2);
    let estimates = [1.0 - 2.0 * y * n2 / n1, 2.0 - 3.0 * y * n3 / n2, 3.0 - 4.0 * y * n4 / n3];
    // Of a few n-grams the estimates may not exist.
    let or_half = |(estimate, count): (f64, f64)| {
        if estimate.is_finite() { estimate.clamp(0.0, count) } else { count / 2.0 }
    };
    let [once, twice, more] = estimates;
    [(once, 1.0), (twice, 2.0), (more, 3.0)].map(or_half)
}

/// The tokens of an n-gram in one number, the last in its lowest bits.
fn key(tokens: &[u32], bits: u32) -> u128 {
    tokens.iter().fold(0, |key, token| key << bits | u128::from(*token))
}

/// The key of an n-gram of `length` tokens without its first one.
fn without_first(ngram: u128, length: u32, bits: u32) -> u128 {
    ngram & ((1 << (bits * (length - 1))) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text of three tokens in which some contexts are frequent and others rare.
    fn text() -> Vec<u32> {
        (0_u32..200).map(|at| (at * at / 7 + at) % 3).collect()
    }

    #[test]
    fn probabilities_are_a_distribution_after_every_context() {
        let text = text();
        for order in 1..=4 {
            let model = NgramModel::count(&text, 5, 3, order);
            for before in [&[][..], &[0], &[2, 1], &[1, 1, 1], &[4, 4, 0], &[3]] {
                let sum: f64 = (0..5).map(|token| model.probability(before, token)).sum();
                assert!((sum - 1.0).abs() < 1e-12, "order {order}, after {before:?}: {sum}");
                assert!((0..5).all(|token| model.probability(before, token) > 0.0), "order {order}, after {before:?}");
            }
        }
    }

    /// 0 0 1 0 0 2 has the bigrams 00 twice and 01, 10, 02 once. Of order 2: y = 3/5, and the discounts are 1 - 2 · 3/5 · 1/3
    /// and, without any three, 2. After 0 the rest of the probability is (2 · 3/5 + 1 · 2) / 4 = 4/5, and the continuations are
    /// 0 twice (after 0 and after 1), 1 once and 2 once: y = 1/2, the discounts are 1/2 and 2, and so P₁ = (1 - 1/2)/4 + 3/4 · 1/3
    /// for 1, with (2 · 1/2 + 1 · 2) / 4 = 3/4 for the uniform distribution.
    #[test]
    fn probabilities_are_those_computed_by_hand() {
        let model = NgramModel::count(&[0, 0, 1, 0, 0, 2], 3, 2, 2);
        let p1 = 0.125 + 0.75 / 3.0;
        let expected = (1.0 - 0.6) / 4.0 + 0.8 * p1;
        assert!((model.probability(&[0], 1) - expected).abs() < 1e-12, "{}", model.probability(&[0], 1));
    }

    #[test]
    fn order_follows_from_the_text() {
        // Each token follows from the one before it.
        let cycle: Vec<u32> = (0..300).map(|at| at % 6).collect();
        let model = NgramModel::fit(&cycle, 6).unwrap();
        assert!(model.order() >= 2 && model.loss(&cycle) < 0.2, "order {}, {}", model.order(), model.loss(&cycle));
        // Nothing follows from anything.
        let mut state = 1_u32;
        let noise = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 30
        });
        let model = NgramModel::fit(&noise.take(3000).collect::<Vec<_>>(), 4).unwrap();
        assert_eq!(model.order(), 1);
    }

    #[test]
    fn a_text_that_is_too_short_or_too_long_has_no_model() {
        assert!(NgramModel::fit(&[0; 9], 1).is_none());
        assert!(NgramModel::fit(&vec![0; NgramModel::MAX_TOKENS + 1], 1).is_none());
    }
}
