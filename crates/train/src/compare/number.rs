//! Numbers, as readers like them.

use recurrent::compare::Spread;

/// A mean and how far it spreads: `0.912 ± 0.010`, `5,416` of what is counted, or `1.6e9`.
pub fn spread(spread: &Spread) -> String {
    if spread.mean.abs() >= 1e6 {
        return format!("{:.1e}", spread.mean);
    }
    if spread.count == 1 && spread.mean.fract() == 0.0 {
        return grouped(spread.mean);
    }
    let decimals = decimals(spread.mean);
    match spread.count {
        1 => format!("{:.decimals$}", spread.mean),
        _ => format!("{:.decimals$} ± {:.decimals$}", spread.mean, spread.deviation),
    }
}

/// Three digits, or more of a whole number: `0.0512`, `1.23`, `45.6`, `5,416`.
pub fn short(number: f64) -> String {
    if number.abs() >= 1000.0 { grouped(number) } else { format!("{number:.*}", decimals(number)) }
}

/// A whole number with a comma before each three digits.
pub fn grouped(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    let mut text = String::from(if number <= -0.5 { "-" } else { "" });
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A probability, with its sign: `= 0.032`, or `< 0.001`.
pub fn probability(p: f64) -> String {
    if p < 0.001 { "< 0.001".into() } else { format!("= {p:.3}") }
}

fn decimals(number: f64) -> usize {
    match number.abs() {
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
    fn numbers_have_as_many_digits_as_they_deserve() {
        let spread_of = |numbers: &[f64]| spread(&Spread::of(numbers).unwrap());
        assert_eq!(spread_of(&[0.5, 0.6]), "0.550 ± 0.071");
        assert_eq!(spread_of(&[5416.0]), "5,416");
        assert_eq!(spread_of(&[0.25]), "0.250");
        assert_eq!(spread_of(&[1_637_685_248.0]), "1.6e9");
        assert_eq!([0.01234, 12.34, 123_456.7].map(short), ["0.0123", "12.3", "123,457"]);
        assert_eq!([999.0, -1_234_567.0, 0.0].map(grouped), ["999", "-1,234,567", "0"]);
        assert_eq!([0.0, 0.0312].map(probability), ["< 0.001", "= 0.031"]);
    }
}
