//! What the text in a cell stands for.

use crate::dates;

/// Cells, in any case, that stand for a missing value.
const MISSING: [&str; 5] = ["", "NA", "N/A", "null", "-"];

/// Characters that group the digits of a number by thousands.
const THOUSANDS_MARKS: [char; 7] = [',', '.', '\'', '’', ' ', '\u{a0}', '\u{202f}'];

pub(crate) fn is_missing(cell: &str) -> bool {
    MISSING.iter().any(|word| cell.eq_ignore_ascii_case(word))
}

/// Finite in single precision, in which networks compute.
pub(crate) fn is_finite(number: f64) -> bool {
    (number as f32).is_finite()
}

/// The number that a cell stands for, if it is one: a number with a decimal point, or a truth value as 1 or 0, in the
/// spellings of R and spreadsheets, Python and JSON.
pub(crate) fn number(cell: &str) -> Option<f64> {
    match cell {
        "TRUE" | "True" | "true" => Some(1.0),
        "FALSE" | "False" | "false" => Some(0.0),
        _ => cell.parse().ok(),
    }
}

/// Whether a cell is meant as a number. It may be one that is refused when it is read: NaN, or with marks.
pub(crate) fn is_number(cell: &str) -> bool {
    number(cell).is_some() || has_marks(cell)
}

/// Whether a cell is a number with a decimal comma, or with digits grouped by thousands: `1000,5`, `1,000` or `1.000,5`.
/// Which of both `1,000` is cannot be known.
pub(crate) fn has_marks(cell: &str) -> bool {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_grouped = |text: &str, mark: char| {
        let (first, groups) = text.split_once(mark).unwrap_or((text, "000"));
        is_digits(first) && first.len() <= 3 && groups.split(mark).all(|group| is_digits(group) && group.len() == 3)
    };
    let is_whole = |text: &str| is_digits(text) || THOUSANDS_MARKS.into_iter().any(|mark| is_grouped(text, mark));
    let is_decimal = |text: &str| {
        text.rsplit_once([',', '.']).is_some_and(|(whole, decimals)| is_whole(whole) && is_digits(decimals))
    };
    let unsigned = cell.strip_prefix(['-', '+', '−']).unwrap_or(cell);
    // Most texts are told apart by their first character.
    let begins = unsigned.starts_with(|first: char| first.is_ascii_digit());
    begins && cell.parse::<f64>().is_err() && (is_whole(unsigned) || is_decimal(unsigned))
}

/// Whether a cell is a number, a date, or a missing value: what a name of a column is not.
pub(crate) fn is_data(cell: &str) -> bool {
    is_missing(cell) || is_number(cell) || dates::is_date(cell) || is_day_or_month_first(cell)
}

/// Whether a cell looks like `31.12.2020` or `12/31/2020`. It is not read as a date, since day and month can be confused.
fn is_day_or_month_first(cell: &str) -> bool {
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    ['.', '/', '-'].into_iter().any(|mark| {
        let parts: Vec<&str> = cell.split(mark).collect();
        let [first, second, year] = parts[..] else { return false };
        first.len() <= 2 && second.len() <= 2 && year.len() == 4 && parts.iter().all(is_number)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truth_values_are_numbers() {
        assert_eq!(["TRUE", "True", "true"].map(number), [Some(1.0); 3]);
        assert_eq!(["FALSE", "False", "false"].map(number), [Some(0.0); 3]);
        for cell in ["tRUE", "T", "yes", "truest", ""] {
            assert!(number(cell).is_none() && !is_number(cell), "{cell}");
        }
        assert_eq!(number("-1.5e1"), Some(-15.0));
    }

    #[test]
    fn numbers_with_marks_are_told_from_texts() {
        for cell in ["1000,00", "-0,5", "1,000", "1.000,5", "1'000.5", "1 000", "1.234.567", "12,345,678.9", "−3,1"] {
            assert!(has_marks(cell), "{cell}");
        }
        for cell in ["1000.00", "1e3", "NaN", "", "-", "192.168.0.1", "1.2.3", "a,b", "1,", ",5", "12 34", "2020-01-01"]
        {
            assert!(!has_marks(cell), "{cell}");
        }
    }
}
