//! From divisions of a quarter note to ticks.

use super::LATEST;
use super::element::Element;
use crate::Result;
use crate::divisor::greatest_common_divisor;

/// Ticks of a quarter note, of which a division of any part is a whole number.
pub(super) fn ticks_per_quarter(root: Element<'_>) -> Result<u16> {
    let mut ticks = 1;
    for element in root.descendants("divisions") {
        let divisions = u64::from(divisions(element)?);
        let multiple = u64::from(ticks) * (divisions / greatest_common_divisor(u64::from(ticks), divisions));
        let expected = || format!("divisions whose least common multiple is at most {}", u16::MAX);
        ticks = u16::try_from(multiple).map_err(|_| element.error(expected(), multiple.to_string()))?;
    }
    Ok(ticks)
}

/// The divisions of a quarter note, at least 1.
pub(super) fn divisions(element: Element<'_>) -> Result<u32> {
    let divisions = whole(element.text()).filter(|divisions| *divisions > 0);
    divisions.ok_or_else(|| element.error_at_text("a whole number of divisions of a quarter note, at least 1"))
}

/// The ticks of a duration, where a division has so many.
pub(super) fn ticks(element: Element<'_>, ticks_per_division: u32) -> Result<u32> {
    let divisions = whole(element.text()).ok_or_else(|| element.error_at_text("a duration in whole divisions"))?;
    let ticks = divisions.checked_mul(ticks_per_division).filter(|ticks| *ticks <= LATEST);
    ticks.ok_or_else(|| element.error_at_text(format!("a duration of at most {LATEST} ticks")))
}

/// A number such as `4` or `4.0`.
fn whole(text: &str) -> Option<u32> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let is_whole = !whole.is_empty() && whole.bytes().all(|byte| byte.is_ascii_digit());
    (is_whole && rest.bytes().all(|byte| byte == b'0')).then(|| whole.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_may_be_written_with_a_point() {
        assert_eq!([whole("4"), whole("0"), whole("4.00"), whole("007")], [Some(4), Some(0), Some(4), Some(7)]);
        for text in ["", ".", ".0", "-4", "+4", "4.5", "1e3", "NaN", "inf", "4294967296", "4.0.0"] {
            assert_eq!(whole(text), None, "{text}");
        }
    }
}
