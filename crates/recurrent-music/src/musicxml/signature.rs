//! Key and time signatures.

use super::element::Element;
use crate::{Key, Meter, Mode, Result};

/// The most sharps or flats of a key; beyond 7 there are double ones.
const MAX_SHARPS: i8 = 11;

/// The key of an element `key`, as written; `None` if it is neither major nor minor, or the element does not tell.
pub(super) fn key(element: Element<'_>) -> Result<Option<Key>> {
    let Some(fifths) = element.child("fifths") else { return Ok(None) };
    let expected = format!("at most {MAX_SHARPS} sharps or flats, such as 2 or -3");
    let sharps = fifths.number(&expected)?;
    if !(-MAX_SHARPS..=MAX_SHARPS).contains(&sharps) {
        return Err(fifths.error_at_text(expected));
    }
    let mode = element.child("mode").map(|mode| mode.text().to_ascii_lowercase());
    Ok(match mode.as_deref() {
        Some("major" | "ionian") => Some(Key::of_signature(sharps, Mode::Major)),
        Some("minor" | "aeolian") => Some(Key::of_signature(sharps, Mode::Minor)),
        _ => None,
    })
}

/// The meter of an element `time`, a composite one as the sum of its terms; `None` if the meter is free.
pub(super) fn meter(element: Element<'_>) -> Result<Option<Meter>> {
    if element.has("senza-misura") {
        return Ok(None);
    }
    let pairs = element.named("beats").zip(element.named("beat-type"));
    let terms: Vec<_> = pairs.map(|(beats, unit)| (beats.text(), unit.text())).collect();
    let expected = "a meter of at most 255 beats whose unit is a power of two up to 128, such as 3/4 or 3+2/8";
    let found = || terms.iter().map(|(beats, unit)| format!("{beats}/{unit}")).collect::<Vec<_>>().join("+");
    sum(&terms).map(Some).ok_or_else(|| element.error(expected, crate::error::quoted(&found())))
}

/// The sum of terms such as `3+2` and `8`, in the smallest of their units.
fn sum(terms: &[(&str, &str)]) -> Option<Meter> {
    let terms = terms.iter().map(|(beats, unit)| Some((beat_count(beats)?, unit_of(unit)?)));
    let terms = terms.collect::<Option<Vec<_>>>()?;
    let unit = terms.iter().map(|(_, unit)| *unit).max()?;
    let beats: u32 = terms.iter().map(|(beats, of)| u32::from(*beats) * u32::from(unit / of)).sum();
    Some(Meter { beats: u8::try_from(beats).ok().filter(|beats| *beats > 0)?, unit })
}

/// The beats of `3` or `3+2`.
fn beat_count(text: &str) -> Option<u8> {
    text.split('+').try_fold(0, |sum: u8, term| sum.checked_add(term.trim().parse().ok()?))
}

fn unit_of(text: &str) -> Option<u8> {
    text.parse().ok().filter(|unit: &u8| unit.is_power_of_two())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn composite_meters_are_summed() {
        let meter = |terms: &[(&str, &str)]| sum(terms).map(|meter| meter.to_string()).unwrap_or_default();
        assert_eq!(meter(&[("6", "8")]), "6/8");
        assert_eq!(meter(&[("3 + 2+2", "8")]), "7/8");
        assert_eq!(meter(&[("3", "4"), ("2", "8")]), "8/8");
        for terms in
            [("0", "4"), ("3", "5"), ("256", "4"), ("x", "4"), ("3", "0"), ("3", "256"), ("", "4"), ("-3", "4")]
        {
            assert_eq!(meter(&[terms]), "", "{terms:?}");
        }
        assert_eq!([meter(&[]), meter(&[("200", "4"), ("200", "4")])], ["", ""]);
    }
}
