//! What gates let through.

use anyhow::Result;

use super::canvas::{LABEL, PIXEL};
use super::heat::{Cell, HeatMap, Side};

/// Of a cell: a column is as wide as a letter.
const SIZE: (i32, i32) = (15 * PIXEL, 13 * PIXEL);

/// A gate over time: `values[unit][step]`, from 0 (shut) to 1 (open), one row a unit, below what was read at each step.
/// A value that is no number is crossed out.
///
/// The names are what a step and a row are called, and what the darkest shade stands for.
pub fn gates(title: &str, [step, unit, open]: [&str; 3], read: &[String], values: &[Vec<f32>]) -> Result<String> {
    let units: Vec<String> = (1..=values.len()).map(|unit| unit.to_string()).collect();
    // A space by itself would not be seen.
    let shown: Vec<String> = read.iter().map(|read| if read == " " { "·".into() } else { read.clone() }).collect();
    let cell =
        |value: &f32| Cell { shade: value.is_finite().then(|| f64::from(*value).clamp(0.0, 1.0)), lines: Vec::new() };
    let picture = HeatMap {
        title,
        columns: Side::new(step, &shown),
        rows: Side::new(unit, &units),
        cell: SIZE,
        cells: values.iter().map(|steps| steps.iter().take(read.len()).map(cell).collect()).collect(),
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
    fn what_is_read_and_units_are_named() {
        let read = ["л", " ", "<", "2015-12-31: 5.60"].map(String::from);
        let names = ["temp_max", "unit", "open"];
        let svg = gates("LSTM", names, &read, &[vec![0.0, 0.5, 1.0, 0.2], vec![f32::NAN; 4]]).unwrap();
        for text in ["LSTM", "л", "·", "&lt;", "2015-12-31: 5.60", "temp_max", "1", "2", "unit", "1, open"] {
            assert!(says(&svg, text), "{text}");
        }
        assert!(sound(&svg) && svg.matches("<polyline").count() == 4);
        assert!(sound(&gates("", [""; 3], &[], &[]).unwrap()));
    }
}
