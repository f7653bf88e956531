//! Gradient norms over time and their rate of decay.

use std::fmt;

/// The factor by which a gradient has to shrink or grow over a whole sequence to count as vanishing or exploding.
const THRESHOLD: f64 = 1e3;

/// ‖∂L/∂hₜ‖ at every step: the Euclidean norm over batch and hidden units.
#[derive(Debug, Clone, PartialEq)]
pub struct GradientTrace {
    /// `norms[layer * directions + direction][step]`, the first step first; the first index is that of PyTorch's `h_n`.
    pub norms: Vec<Vec<f64>>,
    /// 1, or 2 for bidirectional layers, whose odd indices run in reverse.
    pub directions: usize,
}

/// What becomes of a gradient between the end of a sequence and its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trend {
    /// It shrinks by a factor of 1000 or more.
    Vanishing,
    /// It changes by a factor of less than 1000.
    Stable,
    /// It grows by a factor of 1000 or more, or is NaN or infinite.
    Exploding,
}

impl fmt::Display for Trend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vanishing => "vanishing",
            Self::Stable => "stable",
            Self::Exploding => "exploding",
        })
    }
}

impl GradientTrace {
    /// The norms of one layer and direction by lag: element `k` is `k` steps before the final state.
    ///
    /// # Panics
    /// If `index` is out of range.
    pub fn by_lag(&self, index: usize) -> Vec<f64> {
        let reverse = self.directions == 2 && index % 2 == 1;
        let norms = self.norms[index].iter().copied();
        if reverse { norms.collect() } else { norms.rev().collect() }
    }

    /// The log-linear decay rate of one layer and direction: the least-squares slope of ln ‖∂L/∂h_{T−k}‖ over `k`, from
    /// the norms that are finite and positive.
    ///
    /// Each step back multiplies the norm by about `exp(decay)`; a negative rate is a vanishing gradient, a positive one
    /// an exploding gradient. The rate is meaningful for a loss of the last output: a loss at every step adds a new
    /// gradient to every state.
    ///
    /// `None` with fewer than two usable norms.
    ///
    /// # Panics
    /// If `index` is out of range.
    pub fn decay(&self, index: usize) -> Option<f64> {
        let points = self.by_lag(index).into_iter().enumerate().filter(|(_, norm)| norm.is_finite() && *norm > 0.0);
        slope(&points.map(|(lag, norm)| (lag as f64, norm.ln())).collect::<Vec<_>>())
    }

    /// The norm at the far end of the sequence over the norm at the final state: ‖∂L/∂h₁‖ / ‖∂L/∂h_T‖.
    ///
    /// # Panics
    /// If `index` is out of range.
    pub fn ratio(&self, index: usize) -> f64 {
        let norms = self.by_lag(index);
        norms[norms.len() - 1] / norms[0]
    }

    /// Whether the gradient of one layer and direction vanishes or explodes over the sequence, by the line whose slope is
    /// [`decay`](Self::decay). A gradient that is zero from the second step back on vanishes.
    ///
    /// `None` for a single step, or a gradient of zero at the final state.
    ///
    /// # Panics
    /// If `index` is out of range.
    pub fn trend(&self, index: usize) -> Option<Trend> {
        let norms = &self.norms[index];
        if norms.iter().any(|norm| !norm.is_finite()) {
            return Some(Trend::Exploding);
        }
        let Some(decay) = self.decay(index) else {
            return (norms.len() > 1 && self.by_lag(index)[0] > 0.0).then_some(Trend::Vanishing);
        };
        let log_ratio = decay * (norms.len() - 1) as f64;
        Some(match THRESHOLD.ln() {
            threshold if log_ratio <= -threshold => Trend::Vanishing,
            threshold if log_ratio >= threshold => Trend::Exploding,
            _ => Trend::Stable,
        })
    }
}

/// The least-squares slope of two or more points.
fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let count = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0 / count, y + point.1 / count));
    let covariance: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    let variance: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    (points.len() > 1).then(|| covariance / variance)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(norms: &[f64]) -> GradientTrace {
        GradientTrace { norms: vec![norms.to_vec()], directions: 1 }
    }

    #[test]
    fn decay_is_the_exponent_per_step_back() {
        let halved: Vec<f64> = (0..30).map(|step| 0.5f64.powi(29 - step)).collect();
        assert!((trace(&halved).decay(0).unwrap() - 0.5f64.ln()).abs() < 1e-12);
        assert_eq!(trace(&halved).trend(0), Some(Trend::Vanishing));
        assert_eq!(trace(&halved).ratio(0), 0.5f64.powi(29));
        let doubled: Vec<f64> = halved.iter().map(|norm| 1.0 / norm).collect();
        assert!((trace(&doubled).decay(0).unwrap() - 2f64.ln()).abs() < 1e-12);
        assert_eq!(trace(&doubled).trend(0), Some(Trend::Exploding));
        assert_eq!(trace(&[0.9, 1.1, 1.0]).trend(0), Some(Trend::Stable));
    }

    #[test]
    fn lags_of_the_reverse_direction_start_at_the_first_step() {
        let norms = vec![vec![0.25, 0.5, 1.0], vec![1.0, 0.5, 0.25]];
        let trace = GradientTrace { norms, directions: 2 };
        assert_eq!(trace.decay(0), trace.decay(1));
        assert_eq!(trace.by_lag(1), [1.0, 0.5, 0.25]);
    }

    #[test]
    fn zero_and_non_finite_norms_are_left_out_of_the_decay() {
        assert_eq!(trace(&[0.0, f64::INFINITY, 0.25, 0.5, 1.0]).decay(0), trace(&[0.25, 0.5, 1.0]).decay(0));
        assert_eq!(trace(&[f64::NAN, 1.0, 1.0]).trend(0), Some(Trend::Exploding));
        assert_eq!(trace(&[0.0, 0.0, 1.0]).decay(0), None);
        assert_eq!(trace(&[0.0, 0.0, 1.0]).trend(0), Some(Trend::Vanishing));
        assert_eq!([&[0.0, 0.0][..], &[1.0, 0.0], &[1.0]].map(|norms| trace(norms).trend(0)), [None; 3]);
    }
}
