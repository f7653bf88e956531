//! The remainder of Stirling's formula, as a function of tensors.

use burn::tensor::Tensor;

/// Where the series takes over from the recurrence.
const SHIFT: f64 = 8.0;

/// The remainder `δ` of Stirling's formula `ln Γ(x) = (x - ½) ln x - x + ½ ln 2π + δ(x)`, of `x > 0`.
///
/// Logarithms of the gamma function occur as differences of large numbers; with `δ` these are taken before rounding.
///
/// From 8 on it is the first three terms of the asymptotic series, which are within `1 / (1680 x⁷) < 3e-10` of it
/// (Abramowitz & Stegun 1972, 6.1.41); below 8 it follows from `Γ(x + 8) = x (x + 1) ⋯ (x + 7) Γ(x)`. In single precision
/// the value is within 1e-5 of the exact one, relative or absolute. Differentiable.
pub(super) fn stirling_error<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let is_small = x.clone().lower_elem(SHIFT);
    // Both are computed everywhere, and finite everywhere, so that the one that is not used has no gradient.
    let small = shifted(x.clone().clamp(f64::from(f32::MIN_POSITIVE), SHIFT));
    series(x.clamp_min(SHIFT)).mask_where(is_small, small)
}

/// `1/(12x) - 1/(360x³) + 1/(1260x⁵)`.
fn series<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let inverse = x.recip();
    let square = inverse.clone() * inverse.clone();
    inverse * ((square.clone() * (1.0 / 1260.0) - 1.0 / 360.0) * square + 1.0 / 12.0)
}

/// `δ(x + 8) + (x + 15/2) ln (x + 8) - 8 - (x + ½) ln x - ln ((x + 1) ⋯ (x + 7))`.
fn shifted<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let far = x.clone() + SHIFT;
    let product = (2..8).fold(x.clone() + 1.0, |product, step| product * (x.clone() + f64::from(step)));
    series(far.clone()) + (far.clone() - 0.5) * far.log() - SHIFT - (x.clone() + 0.5) * x.log() - product.log()
}

#[cfg(test)]
mod tests {
    use burn::tensor::{DType, Device, TensorData};

    use super::*;

    /// `x`, `torch.lgamma(x)` and its gradient, in double precision.
    const LOG_GAMMA: [(f64, f64, f64); 10] = [
        (0.0001, 9.210282658633963, -10000.577051183514),
        (0.01, 4.599479878042022, -100.56088545786866),
        (0.3, 1.0957979948180756, -3.502524222200133),
        (1.0, 0.0, -0.5772156649015328),
        (2.5, 0.2846828704729192, 0.7031566406452431),
        (7.999, 8.523145786158915, 2.015508332090348),
        (8.0, 8.525161361065415, 2.0156414779556098),
        (20.0, 39.339884187199495, 2.970523992242149),
        (1000.0, 5905.220423209181, 6.907255195648812),
        (1e6, 12815504.569147611, 13.81551005796419),
    ];

    /// The error of the logarithm of the gamma function by Stirling's formula, and of its gradient: relative where it is
    /// above 1, absolute below.
    fn errors(dtype: DType) -> (f64, f64) {
        let xs: Vec<f64> = LOG_GAMMA.iter().map(|case| case.0).collect();
        let data = TensorData::new(xs, [LOG_GAMMA.len()]);
        let x = Tensor::<1>::from_data(data, (&Device::flex().autodiff(), dtype)).require_grad();
        let half_log_tau = 0.5 * std::f64::consts::TAU.ln();
        let log_gamma = (x.clone() - 0.5) * x.clone().log() - x.clone() + half_log_tau + stirling_error(x.clone());
        let gradient = x.grad(&log_gamma.clone().sum().backward()).unwrap();
        let error = |found: Tensor<1>, expected: fn(&(f64, f64, f64)) -> f64| {
            let found: Vec<f64> = found.into_data().iter::<f64>().collect();
            let error = |(found, expected): (f64, f64)| (found - expected).abs() / expected.abs().max(1.0);
            found.into_iter().zip(LOG_GAMMA.iter().map(expected)).map(error).fold(0.0, f64::max)
        };
        (error(log_gamma, |case| case.1), error(gradient, |case| case.2))
    }

    #[test]
    fn agrees_with_torch() {
        let (value, gradient) = errors(DType::F64);
        assert!(value < 3e-10 && gradient < 3e-10, "{value} {gradient}");
        let (value, gradient) = errors(DType::F32);
        assert!(value < 1e-5 && gradient < 1e-5, "{value} {gradient}");
    }
}
