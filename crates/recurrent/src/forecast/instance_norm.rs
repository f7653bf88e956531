//! Reversible instance normalization.

use burn::tensor::Tensor;

/// Added to the variance of a window, so that a constant one has no deviation of 0.
const EPSILON: f64 = 1e-5;

/// The mean and the deviation of each target in each window, by which the window and its targets are normalized (Kim et al.
/// 2022, without the affine parameters). Series of any level then look alike, known and unknown ones.
#[derive(Debug, Clone)]
pub(super) struct InstanceNorm {
    /// `[batch, 1, targets]`.
    pub(super) mean: Tensor<3>,
    /// `[batch, 1, targets]`.
    pub(super) deviation: Tensor<3>,
}

impl InstanceNorm {
    /// The statistics of some features of `past [batch, window, features]`, one for each target, and the past normalized by
    /// them.
    pub(super) fn normalize(past: Tensor<3>, target_features: &[usize]) -> (Self, Tensor<3>) {
        let [batch, window, _] = past.dims();
        let column = |feature: &usize| past.clone().narrow(2, *feature, 1);
        let targets = Tensor::cat(target_features.iter().map(column).collect(), 2);
        let mean = targets.clone().mean_dim(1);
        let variance = (targets - mean.clone()).powi_scalar(2).mean_dim(1);
        let norm = Self { mean, deviation: (variance + EPSILON).sqrt() };
        let mut normalized = past;
        for (target, feature) in target_features.iter().enumerate() {
            let of_target = |statistic: &Tensor<3>| statistic.clone().narrow(2, target, 1);
            let values = normalized.clone().narrow(2, *feature, 1);
            let values = (values - of_target(&norm.mean)) / of_target(&norm.deviation);
            normalized = normalized.slice_assign([0..batch, 0..window, *feature..feature + 1], values);
        }
        (norm, normalized)
    }

    /// Normalizes `targets [batch, horizon, targets]`.
    #[cfg(feature = "fit")]
    pub(super) fn apply(&self, targets: Tensor<3>) -> Tensor<3> {
        (targets - self.mean.clone()) / self.deviation.clone()
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn windows_have_mean_0_and_deviation_1_after_it() {
        let past = Tensor::<3>::from_data([[[1.0, 7.0], [3.0, 7.0]], [[10.0, 7.0], [10.0, 8.0]]], &Device::flex());
        let (norm, normalized) = InstanceNorm::normalize(past, &[0]);
        let values = |tensor: Tensor<3>| tensor.into_data().iter::<f32>().collect::<Vec<_>>();
        assert_eq!(values(norm.mean.clone()), [2.0, 10.0]);
        let found = values(normalized);
        for (found, expected) in found.iter().zip([-1.0, 7.0, 1.0, 7.0, 0.0, 7.0, 0.0, 8.0]) {
            assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        }
        assert_eq!(values(norm.deviation)[1], (EPSILON as f32).sqrt());
    }
}
