//! Numbers as text.

use crate::significance::MeanStd;

/// A mean and its standard deviation: `0.912 ± 0.010`, `5,416` for a count, or `1.6e9`.
pub fn mean_std(value: &MeanStd) -> String {
    if value.mean.abs() >= 1e6 {
        return format!("{:.1e}", value.mean);
    }
    if value.count == 1 && value.mean.fract() == 0.0 {
        return grouped(value.mean);
    }
    let decimals = decimals(value.mean);
    match value.count {
        1 => format!("{:.decimals$}", value.mean),
        _ => format!("{:.decimals$} ± {:.decimals$}", value.mean, value.std),
    }
}

/// The mean and standard deviation of a sample; empty text for an empty sample.
pub fn sample(values: &[f64]) -> String {
    MeanStd::of(values).map_or(String::new(), |value| mean_std(&value))
}

/// Three significant digits, or all digits before the decimal point: `0.0512`, `1.23`, `45.6`, `5,416`.
pub fn short(value: f64) -> String {
    if value.abs() >= 1000.0 { grouped(value) } else { format!("{value:.*}", decimals(value)) }
}

/// An integer with thousands separators.
pub fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::from(if value <= -0.5 { "-" } else { "" });
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A p-value with its relation: `= 0.032`, or `< 0.001`.
pub fn p_value(p: f64) -> String {
    if p < 0.001 { "< 0.001".into() } else { format!("= {p:.3}") }
}

/// A fraction in percent: `12 %`.
pub fn percent(fraction: f64) -> String {
    format!("{:.0} %", 100.0 * fraction)
}

fn decimals(value: f64) -> usize {
    match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        size if size >= 0.1 || size == 0.0 => 3,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_follow_the_magnitude() {
        assert_eq!(sample(&[0.5, 0.6]), "0.550 ± 0.071");
        assert_eq!(sample(&[5416.0]), "5,416");
        assert_eq!(sample(&[0.25]), "0.250");
        assert_eq!(sample(&[1_637_685_248.0]), "1.6e9");
        assert_eq!([0.01234, 12.34, 123_456.7].map(short), ["0.0123", "12.3", "123,457"]);
        assert_eq!([999.0, -1_234_567.0, 0.0].map(grouped), ["999", "-1,234,567", "0"]);
        assert_eq!([0.0, 0.0312].map(p_value), ["< 0.001", "= 0.031"]);
    }
}
