//! What the network's outputs say about the future: a value, some quantiles, or the parameters of a distribution.

#[cfg(feature = "fit")]
mod loss;
mod negative_binomial;
mod output_kind;
mod reading;
#[cfg(feature = "fit")]
mod stirling;

pub use negative_binomial::check_counts;
pub use output_kind::{ForecastLoss, OutputKind};

use crate::{Error, Result};

/// The smallest scale of a distribution, of scaled values.
const MIN_SCALE: f64 = 1e-4;
/// The smallest mean of a distribution of counts, in scales of its column.
const MIN_MEAN: f64 = 1e-6;
/// The smallest shape of a distribution of counts.
const MIN_SHAPE: f64 = 1e-6;

/// The meaning of the raw outputs of a network, and their loss.
///
/// The first raw output of a target and step is a location, in the units of the scaled target. A network with residual
/// forecasts adds to it the value that it forecasts the change from. The others are, with `softplus(x) = ln(1 + eˣ)`:
///
/// | kind | other outputs | distribution |
/// |---|---|---|
/// | `point` | | the location |
/// | `quantiles` | `levels - 1` gaps: of the lower levels from the median down, then of the upper ones from the median up | the median is the location; each next quantile is `softplus(gap)` away from the one before |
/// | `normal` | scale | mean: the location; standard deviation: `softplus(scale) + 1e-4` |
/// | `student-t` | scale, freedom | scale as above; degrees of freedom: `2 + softplus(freedom)` |
/// | `negative-binomial` | shape | in the unit `s` of the column, which is shifted by `m`: mean `μ = s · (softplus(location + m/s) + 1e-6)`, shape `α = softplus(shape) + 1e-6`, variance `μ + α μ²` (Salinas et al. 2020) |
#[derive(Debug, Clone, PartialEq)]
pub struct DistributionHead {
    kind: OutputKind,
    loss: ForecastLoss,
    levels: Vec<f64>,
}

impl DistributionHead {
    /// A head of this kind. `loss` is that of point forecasts, `levels` are those of quantiles; the other kinds use
    /// neither.
    ///
    /// # Errors
    /// As [`check_levels`](Self::check_levels).
    pub fn new(kind: OutputKind, loss: ForecastLoss, levels: Vec<f64>) -> Result<Self> {
        Self::check_levels(&levels)?;
        Ok(Self { kind, loss, levels })
    }

    /// Checks the levels of quantiles, the setting `quantiles`.
    ///
    /// # Errors
    /// Unless they are between 0 and 1 and increase strictly, and 0.5 is one of them.
    pub fn check_levels(levels: &[f64]) -> Result<()> {
        let in_range = levels.iter().all(|level| *level > 0.0 && *level < 1.0);
        if in_range && levels.is_sorted_by(|a, b| a < b) && levels.contains(&0.5) {
            return Ok(());
        }
        let found: Vec<String> = levels.iter().map(f64::to_string).collect();
        let found = if found.is_empty() { "none".into() } else { found.join(",") };
        Err(Error::setting("quantiles", "levels between 0 and 1, increasing, with 0.5 among them", found))
    }

    /// What the network puts out.
    pub fn kind(&self) -> OutputKind {
        self.kind
    }

    /// The levels of the quantiles.
    pub fn levels(&self) -> &[f64] {
        &self.levels
    }

    /// The raw outputs of the network for each target and step.
    pub fn num_outputs(&self) -> usize {
        match self.kind {
            OutputKind::Point => 1,
            OutputKind::Quantiles => self.levels.len(),
            OutputKind::Normal | OutputKind::NegativeBinomial => 2,
            OutputKind::StudentT => 3,
        }
    }

    /// The number of levels below the median.
    fn lower_levels(&self) -> usize {
        self.levels.partition_point(|level| *level < 0.5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_levels_are_checked() {
        for levels in [&[0.5][..], &[0.1, 0.5, 0.9], &[0.25, 0.5], &[0.5, 1.0 - 1e-9]] {
            assert!(DistributionHead::check_levels(levels).is_ok(), "{levels:?}");
        }
        let error = |levels: &[f64]| DistributionHead::check_levels(levels).unwrap_err().to_string();
        let expected = "quantiles: expected levels between 0 and 1, increasing, with 0.5 among them, found ";
        assert_eq!(error(&[0.1, 0.9]), format!("{expected}0.1,0.9"));
        assert_eq!(error(&[]), format!("{expected}none"));
        for levels in [&[0.0, 0.5][..], &[0.5, 1.0], &[0.5, 0.5], &[0.9, 0.5], &[0.5, f64::NAN], &[-0.1, 0.5]] {
            assert!(error(levels).starts_with(expected), "{levels:?}");
        }
    }

    #[test]
    fn the_number_of_outputs() {
        let outputs = OutputKind::ALL.map(|kind| {
            DistributionHead::new(kind, ForecastLoss::Mse, vec![0.1, 0.5, 0.8, 0.9]).unwrap().num_outputs()
        });
        assert_eq!(outputs, [1, 4, 2, 3, 2]);
    }
}
