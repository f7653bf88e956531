//! The alignments of a prefix with the frames so far.

use std::iter::successors;
use std::sync::Arc;

use super::CtcToken;

/// The log-probabilities of one frame.
pub(super) struct Frame<'a> {
    pub(super) log_probs: &'a [f32],
    pub(super) time: usize,
}

impl Frame<'_> {
    pub(super) fn log_prob(&self, symbol: u32) -> f64 {
        let log_prob = self.log_probs.get(symbol as usize).copied();
        log_prob.filter(|log_prob| log_prob.is_finite()).map_or(f64::NEG_INFINITY, f64::from)
    }

    /// The tokens that are not pruned, without the blank, and their log-probabilities.
    pub(super) fn likely_tokens(&self, blank: u32, prune: f32) -> Vec<(u32, f64)> {
        let symbols = || (0..).zip(self.log_probs.iter().copied()).filter(|(_, log_prob)| log_prob.is_finite());
        let best = symbols().map(|(_, log_prob)| log_prob).fold(f32::NEG_INFINITY, f32::max);
        let likely = symbols().filter(|(symbol, log_prob)| *symbol != blank && *log_prob >= best - prune);
        likely.map(|(symbol, log_prob)| (symbol, f64::from(log_prob))).collect()
    }
}

/// Alignments of one prefix.
#[derive(Debug, Clone)]
pub(super) struct Alignments {
    /// The log-probability of all.
    pub(super) total: f64,
    /// The log-probability of the likeliest.
    best: f64,
    /// The tokens of the likeliest.
    path: Option<Arc<Emission>>,
}

impl Alignments {
    /// No alignment.
    pub(super) const NONE: Self = Self { total: f64::NEG_INFINITY, best: f64::NEG_INFINITY, path: None };

    /// The alignment of no frames.
    pub(super) const EMPTY: Self = Self { total: 0.0, best: 0.0, path: None };

    /// These alignments and others; of two that are as likely, the path of these is kept.
    pub(super) fn or(self, other: Self) -> Self {
        let total = log_add(self.total, other.total);
        Self { total, ..if other.best > self.best { other } else { self } }
    }

    /// The alignments with a blank behind them.
    pub(super) fn blank(self, log_prob: f64) -> Self {
        Self { total: self.total + log_prob, best: self.best + log_prob, path: self.path }
    }

    /// The alignments with their last token once more.
    pub(super) fn repeat(&self, token: u32, frame: &Frame<'_>) -> Self {
        let log_prob = frame.log_prob(token);
        let extended = |last: &Arc<Emission>| {
            let token = last.token.extended(frame.time, log_prob as f32);
            Arc::new(Emission { token, before: last.before.clone() })
        };
        let path = self.path.as_ref().map(extended);
        Self { total: self.total + log_prob, best: self.best + log_prob, path }
    }

    /// The alignments with a new token behind them.
    pub(super) fn emit(self, token: u32, frame: &Frame<'_>) -> Self {
        let log_prob = frame.log_prob(token);
        let emission = Emission { token: CtcToken::new(token, frame.time, log_prob as f32), before: self.path };
        Self { total: self.total + log_prob, best: self.best + log_prob, path: Some(Arc::new(emission)) }
    }

    /// The tokens of the likeliest alignment.
    pub(super) fn tokens(&self) -> Vec<CtcToken> {
        let emissions = successors(self.path.as_deref(), |emission| emission.before.as_deref());
        let mut tokens: Vec<CtcToken> = emissions.map(|emission| emission.token).collect();
        tokens.reverse();
        tokens
    }

    /// The end of the last token in the likeliest alignment; 0 without tokens.
    pub(super) fn end(&self) -> usize {
        self.path.as_ref().map_or(0, |last| last.token.end)
    }

    /// Where the emissions lie in memory.
    #[cfg(test)]
    pub(super) fn addresses(&self) -> Vec<usize> {
        let emissions = successors(self.path.as_ref(), |emission| emission.before.as_ref());
        emissions.map(|emission| Arc::as_ptr(emission) as usize).collect()
    }
}

/// A token of an alignment, and those before it, which other alignments share.
#[derive(Debug)]
struct Emission {
    token: CtcToken,
    before: Option<Arc<Emission>>,
}

impl Drop for Emission {
    /// Drops one emission after the other: the recursion of the default would overflow the stack after many tokens.
    fn drop(&mut self) {
        let mut next = self.before.take();
        while let Some(emission) = next {
            next = Arc::into_inner(emission).and_then(|mut emission| emission.before.take());
        }
    }
}

/// log(e^a + e^b).
pub(super) fn log_add(a: f64, b: f64) -> f64 {
    let (high, low) = if a > b { (a, b) } else { (b, a) };
    if low == f64::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}
