//! How far values can be apart by rounding alone.

/// The relative difference of two values that a few additions or multiplications in another order can make.
const ROUNDING: f64 = 64.0 * f64::EPSILON;

/// The largest difference of two of these values that can be a rounding error.
pub(crate) fn rounding_error(values: impl Iterator<Item = f64>) -> f64 {
    ROUNDING * values.fold(0.0, |largest: f64, value| largest.max(value.abs()))
}
