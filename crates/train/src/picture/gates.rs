//! What gates let through.

use anyhow::Result;

use super::canvas::{LABEL, PIXEL};
use super::heat::{Cell, HeatMap, Side};

/// Of a cell: a column is as wide as a letter.
const SIZE: (i32, i32) = (15 * PIXEL, 13 * PIXEL);

/// A gate over time: `values[unit][step]`, from 0 (shut) to 1 (open), one row a unit, below the characters that were
/// read. A value that is no number is crossed out.
///
/// `names` are what a row is called, and what the darkest shade stands for.
pub fn gates(title: &str, [unit, open]: [&str; 2], characters: &[String], values: &[Vec<f32>]) -> Result<String> {
    let units: Vec<String> = (1..=values.len()).map(|unit| unit.to_string()).collect();
    let shown: Vec<String> = characters.iter().map(|character| character.replace(' ', "␣")).collect();
    let cell =
        |value: &f32| Cell { shade: value.is_finite().then(|| f64::from(*value).clamp(0.0, 1.0)), lines: Vec::new() };
    let picture = HeatMap {
        title,
        columns: Side::new("", &shown),
        rows: Side::new(unit, &units),
        cell: SIZE,
        cells: values.iter().map(|steps| steps.iter().take(characters.len()).map(cell).collect()).collect(),
        letters: LABEL,
        legend: Some(("", format!("1, {open}"))),
        notes: Vec::new(),
    };
    picture.svg()
}

#[cfg(test)]
mod tests {
    use super::super::canvas::{says, sound};
    use super::*;

    #[test]
    fn characters_and_units_are_named() {
        let characters = ["л", " ", "<"].map(String::from);
        let svg = gates("LSTM", ["unit", "open"], &characters, &[vec![0.0, 0.5, 1.0], vec![f32::NAN; 3]]).unwrap();
        for text in ["LSTM", "л", "␣", "&lt;", "1", "2", "unit", "1, open"] {
            assert!(says(&svg, text), "{text}");
        }
        assert!(sound(&svg) && svg.matches("<polyline").count() == 3);
        assert!(sound(&gates("", ["", ""], &[], &[]).unwrap()));
    }
}
