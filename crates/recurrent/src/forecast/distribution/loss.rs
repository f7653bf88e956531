//! The losses of a head.

use std::f64::consts::TAU;

use burn::tensor::activation::softplus;
use burn::tensor::{Tensor, TensorData};

use super::stirling::stirling_error;
use super::{DistributionHead, ForecastLoss, MIN_MEAN, MIN_SCALE, MIN_SHAPE, OutputKind};

impl DistributionHead {
    /// The mean loss over batch, horizon and targets, `[1]`:
    ///
    /// - of points the mean squared or absolute error, or Huber's loss with `δ = 1`;
    /// - of quantiles twice the mean pinball loss over the levels (Koenker & Bassett 1978): for the median alone, the
    ///   mean absolute error;
    /// - of distributions the negative log-likelihood in nats: of the scaled value, or of the count itself.
    ///
    /// `raw` is `[batch, horizon, targets, outputs]`, `targets` the scaled values `[batch, horizon, targets]`. `scalers`
    /// are the shift and the scale of each target, with which counts are restored.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[must_use]
    pub fn loss(&self, raw: Tensor<4>, targets: Tensor<3>, scalers: &[(f64, f64)]) -> Tensor<1> {
        let [.., num_targets, outputs] = raw.dims();
        assert_eq!(outputs, self.num_outputs(), "{} outputs do not fit `{}`", outputs, self.kind);
        assert_eq!(num_targets, scalers.len(), "each target needs its shift and scale");
        let output = |index: usize| -> Tensor<3> { raw.clone().narrow(3, index, 1).squeeze_dim(3) };
        match self.kind {
            OutputKind::Point => self.point_loss(output(0) - targets),
            OutputKind::Quantiles => self.pinball_loss(raw, targets),
            OutputKind::Normal => normal_loss(targets - output(0), scale(output(1))),
            OutputKind::StudentT => student_loss(targets - output(0), scale(output(1)), softplus(output(2), 1.0) + 2.0),
            OutputKind::NegativeBinomial => {
                let (shifts, scales): (Vec<f64>, Vec<f64>) = scalers.iter().copied().unzip();
                let [shift, scale] = [shifts, scales].map(|values| {
                    Tensor::<3>::from_data(TensorData::new(values, [1, 1, num_targets]), &targets.device())
                });
                let counts = (targets * scale.clone() + shift.clone()).round().clamp_min(0.0);
                let mean = (softplus(output(0) + shift / scale.clone(), 1.0) + MIN_MEAN) * scale;
                negative_binomial_loss(counts, mean, softplus(output(1), 1.0) + MIN_SHAPE)
            }
        }
        .mean()
    }

    fn point_loss(&self, error: Tensor<3>) -> Tensor<3> {
        match self.loss {
            ForecastLoss::Mse => error.powi_scalar(2),
            ForecastLoss::Mae => error.abs(),
            ForecastLoss::Huber => {
                let error = error.abs();
                let squared = error.clone().clamp_max(1.0);
                squared.clone() * (error - squared * 0.5)
            }
        }
    }

    /// Twice the pinball loss, as a mean over the levels.
    fn pinball_loss(&self, raw: Tensor<4>, targets: Tensor<3>) -> Tensor<3> {
        let count = self.levels.len();
        let levels = Tensor::<4>::from_data(TensorData::new(self.levels.clone(), [1, 1, 1, count]), &raw.device());
        let error = targets.unsqueeze_dim::<4>(3) - self.quantiles(raw);
        // max(level · e, (level - 1) · e)
        let losses = error.clone() * levels + (-error).clamp_min(0.0);
        losses.mean_dim(3).squeeze_dim(3) * 2.0
    }

    /// The quantiles in the order of their levels, `[batch, horizon, targets, levels]`.
    fn quantiles(&self, raw: Tensor<4>) -> Tensor<4> {
        let (lower, upper) = (self.lower_levels(), self.levels.len() - 1 - self.lower_levels());
        let median = raw.clone().narrow(3, 0, 1);
        let away = |first: usize, count: usize| softplus(raw.clone().narrow(3, first, count), 1.0).cumsum(3);
        let mut parts = vec![median.clone()];
        if lower > 0 {
            parts.insert(0, (median.clone() - away(1, lower)).flip([3]));
        }
        if upper > 0 {
            parts.push(median + away(1 + lower, upper));
        }
        Tensor::cat(parts, 3)
    }
}

/// The scale of a distribution.
fn scale(raw: Tensor<3>) -> Tensor<3> {
    softplus(raw, 1.0) + MIN_SCALE
}

/// `½ z² + ln σ + ½ ln 2π`, with `z = error / σ`.
fn normal_loss(error: Tensor<3>, scale: Tensor<3>) -> Tensor<3> {
    let z = error / scale.clone();
    z.powi_scalar(2) * 0.5 + scale.log() + 0.5 * TAU.ln()
}

/// `(ν + 1)/2 · ln(1 + z²/ν) + ln σ + ½ ln πν + ln Γ(ν/2) - ln Γ((ν + 1)/2)`.
fn student_loss(error: Tensor<3>, scale: Tensor<3>, freedom: Tensor<3>) -> Tensor<3> {
    let z = error / scale.clone();
    let half = freedom.clone() * 0.5;
    // The last three terms, of which the large parts cancel.
    let series = stirling_error(half.clone()) - stirling_error(half.clone() + 0.5);
    let constant = series + (0.5 + 0.5 * TAU.ln()) - half.clone() * (half.clone() * 2.0).recip().log1p();
    (half + 0.5) * (z.powi_scalar(2) / freedom).log1p() + scale.log() + constant
}

/// The negative log-likelihood of counts `k`, with `r = 1/α`:
/// `-ln Γ(k + r) + ln Γ(r) + ln Γ(k + 1) - r ln(r/(r + μ)) - k ln(μ/(r + μ))`.
///
/// Its large parts cancel: what is left is half the deviance, `k ln(k/μ) + (k + r) ln((r + μ)/(k + r))`, and remainders of
/// Stirling's formula.
fn negative_binomial_loss(counts: Tensor<3>, mean: Tensor<3>, shape: Tensor<3>) -> Tensor<3> {
    let r = shape.recip();
    let (total, expected) = (counts.clone() + r.clone(), mean.clone() + r.clone());
    let excess = counts.clone() - mean.clone();
    let is_positive = counts.clone().clamp_max(1.0);
    let positive = counts.clone().clamp_min(1.0);
    let deviance = counts.clone() * log_ratio(positive.clone(), mean, excess.clone())
        + total.clone() * log_ratio(expected, total.clone(), -excess);
    let of_counts = is_positive * (positive.clone().log() * 0.5 + 0.5 * TAU.ln() + stirling_error(positive));
    let of_shape = stirling_error(total) - stirling_error(r.clone()) - (counts / r).log1p() * 0.5;
    deviance + of_counts - of_shape
}

/// `ln(a/b)` of positive numbers and their difference: without loss of digits where they are near each other.
fn log_ratio(a: Tensor<3>, b: Tensor<3>, difference: Tensor<3>) -> Tensor<3> {
    let relative = difference / b.clone();
    let is_far = relative.clone().abs().greater_elem(0.5);
    let near = relative.clamp(-0.5, 0.5).log1p();
    near.mask_where(is_far, a.log() - b.log())
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use proptest::prelude::*;

    use super::*;

    const LEVELS: [f64; 4] = [0.1, 0.4, 0.5, 0.9];
    const TARGETS: [f64; 4] = [0.5, -1.0, 2.0, 0.25];
    const TWO: [f64; 8] = [0.25, -0.5, 0.5, 1.0, -1.0, 2.0, 0.3, -3.0];

    fn head(kind: OutputKind, loss: ForecastLoss) -> DistributionHead {
        DistributionHead::new(kind, loss, LEVELS.to_vec()).unwrap()
    }

    /// The loss of raw outputs for one window, a horizon of 2 and two targets, and its gradient.
    fn loss(head: &DistributionHead, raw: &[f64], targets: [f64; 4], scalers: [(f64, f64); 2]) -> (f64, Vec<f64>) {
        let device = Device::flex().autodiff();
        let data = TensorData::new(raw.to_vec(), [1, 2, 2, head.num_outputs()]);
        let raw = Tensor::<4>::from_data(data, &device).require_grad();
        let targets = Tensor::from_data(TensorData::new(targets.to_vec(), [1, 2, 2]), &device);
        let loss = head.loss(raw.clone(), targets, &scalers);
        let gradient = raw.grad(&loss.backward()).unwrap();
        (loss.into_scalar::<f32>().into(), gradient.into_data().iter::<f64>().collect())
    }

    fn assert_loss(kind: OutputKind, raw: &[f64], expected: f64, gradient: &[f64]) {
        let found = loss(&head(kind, ForecastLoss::Mse), raw, TARGETS, [(0.0, 1.0); 2]);
        assert_close(found, expected, gradient);
    }

    fn assert_close(found: (f64, Vec<f64>), expected: f64, gradient: &[f64]) {
        assert!((found.0 - expected).abs() < 2e-6 * expected.abs().max(1.0), "{} {expected}", found.0);
        assert_eq!(found.1.len(), gradient.len());
        for (a, b) in found.1.iter().zip(gradient) {
            assert!((a - b).abs() < 2e-6 * b.abs().max(1.0), "{:?} {gradient:?}", found.1);
        }
    }

    /// By `mse_loss`, `l1_loss` and `huber_loss` of `torch.nn.functional`.
    #[test]
    fn point_losses_agree_with_torch() {
        let expected = [
            (ForecastLoss::Mse, 2.828125, [-0.125, 0.75, -1.5, 0.0]),
            (ForecastLoss::Mae, 1.1875, [-0.25, 0.25, -0.25, 0.0]),
            (ForecastLoss::Huber, 0.8828125, [-0.0625, 0.25, -0.25, 0.0]),
        ];
        for (of, expected, gradient) in expected {
            let head = head(OutputKind::Point, of);
            assert_close(loss(&head, &[0.25, 0.5, -1.0, 0.25], TARGETS, [(0.0, 1.0); 2]), expected, &gradient);
        }
    }

    /// By `torch.distributions.Normal` in double precision.
    #[test]
    fn normal_loss_agrees_with_torch() {
        let gradient = [
            -0.27797073601181566,
            0.14372028815847793,
            0.21740152256713918,
            -0.042360933771051844,
            -0.16577340002488927,
            -0.10241468773317047,
            5.273242102637371,
            -0.013308123041796748,
        ];
        assert_loss(OutputKind::Normal, &TWO, 0.8119284404239688, &gradient);
    }

    /// By `torch.distributions.StudentT` in double precision.
    #[test]
    fn student_loss_agrees_with_torch() {
        let raw = [0.25, -0.5, 1.0, 0.5, 1.0, -2.0, -1.0, 2.0, 30.0, 0.3, -3.0, 0.0];
        let gradient = [
            -0.3338576801755638,
            0.13259596381302854,
            -0.005844650746678835,
            0.19811486937758846,
            -0.026257593691984136,
            -0.002712616231757829,
            -0.16094845410124936,
            -0.09642069294483738,
            -6.680150679555519e-05,
            5.196350408788193,
            -0.009563150679338177,
            -0.007531757839889738,
        ];
        assert_loss(OutputKind::StudentT, &raw, 0.9371311359417944, &gradient);
    }

    /// By torch: each quantile and its pinball loss on its own.
    #[test]
    fn quantile_loss_agrees_with_torch() {
        let raw = [0.25, -0.5, 1.0, 0.3, 0.5, 1.0, -2.0, 0.1, -1.0, 2.0, 3.0, -1.5, 0.3, -3.0, 0.0, 0.7];
        let gradient = [
            -0.1125,
            0.02359629179988409,
            0.009138232232875063,
            0.007180531460145736,
            0.2625,
            -0.13707348349312592,
            -0.013410328727488225,
            0.006562239843486748,
            -0.2375,
            0.05504981737361765,
            0.011907176585280415,
            -0.020522871428215086,
            0.1375,
            -0.0029641170735979242,
            0.00625,
            0.008352347152102075,
        ];
        assert_loss(OutputKind::Quantiles, &raw, 1.114562818466516, &gradient);
    }

    #[test]
    fn the_loss_of_the_median_alone_is_the_mean_absolute_error() {
        let head = DistributionHead::new(OutputKind::Quantiles, ForecastLoss::Mse, vec![0.5]).unwrap();
        assert_eq!(loss(&head, &[0.25, 0.5, -1.0, 0.25], TARGETS, [(0.0, 1.0); 2]).0, 1.1875);
    }

    /// By torch with `lgamma` in double precision; the value also by `scipy.stats.nbinom`. The counts are 4, 0, 9, 25.
    #[test]
    fn negative_binomial_loss_agrees_with_torch() {
        let gradient = [
            -0.007121397948892661,
            0.07175653205363274,
            0.055986383555742175,
            -0.2005863244265704,
            -0.2190249876055965,
            -0.011713057580159744,
            -0.7187055870350519,
            -0.28597540950139866,
        ];
        let head = head(OutputKind::NegativeBinomial, ForecastLoss::Mse);
        let found = loss(&head, &TWO, [0.5, -2.5, 3.0, 3.75], [(3.0, 2.0), (10.0, 4.0)]);
        assert_close(found, 3.8151181941659624, &gradient);
    }

    /// By `scipy.stats.nbinom.logpmf`: without the cancellation of large logarithms.
    #[test]
    fn the_likelihood_of_large_counts_keeps_its_digits() {
        for (count, mean, shape, expected) in LARGE_COUNTS {
            let [count, mean, shape] =
                [count, mean, shape].map(|value| Tensor::full([1, 1, 1], value, &Device::flex()));
            let found: f32 = negative_binomial_loss(count, mean, shape).into_scalar();
            assert!((f64::from(found) / expected - 1.0).abs() < 1e-4, "{found} {expected}");
        }
    }

    /// A count, mean and shape, and the negative log-likelihood.
    const LARGE_COUNTS: [(f64, f64, f64, f64); 6] = [
        (12000.0, 11000.0, 0.05, 8.896550076501153),
        (100000.0, 101000.0, 0.0001, 8.323179185334084),
        (10.0, 10.0, 1e-06, 2.078566642705397),
        (0.0, 3.0, 1e-06, 2.9999954999342955),
        (0.0, 1000.0, 50.0, 0.21639596568420572),
        (1000.0, 0.5, 4.0, 412.2086939220758),
    ];

    proptest! {
        #[test]
        fn losses_and_gradients_are_finite(
            raw in prop::collection::vec(-1e4..1e4f64, 16),
            targets in [-100.0..100.0, -1.0..1.0, 0.0..1e4, -100.0..100.0f64],
        ) {
            for kind in OutputKind::ALL {
                let head = head(kind, ForecastLoss::Huber);
                let (loss, gradient) =
                    loss(&head, &raw[..4 * head.num_outputs()], targets, [(3.0, 2.0), (500.0, 100.0)]);
                prop_assert!(loss.is_finite() && gradient.iter().all(|value| value.is_finite()), "{kind} {loss}");
            }
        }
    }
}
