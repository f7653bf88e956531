//! Numbers as text.

/// A value with this many decimal places, or in scientific notation if they would leave fewer than two digits of it.
///
/// ```
/// use recurrent::metrics::significant;
///
/// assert_eq!([significant(0.25, 4), significant(1.234e-9, 4)], ["0.2500", "1.23e-9"]);
/// ```
pub fn significant(value: f64, decimals: usize) -> String {
    let smallest = 10_f64.powi(1 - i32::try_from(decimals).unwrap_or(i32::MAX));
    if value == 0.0 || value.is_nan() || value.abs() >= smallest {
        format!("{value:.decimals$}")
    } else {
        format!("{value:.2e}")
    }
}

#[cfg(test)]
mod tests {
    use super::significant;

    #[test]
    fn small_values_keep_significant_digits() {
        for (value, decimals, text) in [
            (0.0, 4, "0.0000"),
            (1.5, 4, "1.5000"),
            (-0.0123, 3, "-0.012"),
            (0.001, 4, "0.0010"),
            (0.000_123_4, 4, "1.23e-4"),
            (1e-9, 4, "1.00e-9"),
            (f64::NAN, 4, "NaN"),
            (f64::INFINITY, 2, "inf"),
        ] {
            assert_eq!(significant(value, decimals), text);
        }
    }
}
