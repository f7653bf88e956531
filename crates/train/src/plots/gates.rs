//! Gate activations as a heat map.

use anyhow::Result;

use super::canvas::{LABEL, PIXEL};
use super::heat_map::{Cell, HeatMap, Side};

/// The size of a cell.
const SIZE: (i32, i32) = (15 * PIXEL, 13 * PIXEL);

/// The activations of a gate, `values[unit][step]`, from 0 (closed) to 1 (open), one row per unit, with the `inputs` of the
/// steps along the top. A value that is not finite is crossed out.
///
/// The names are those of the steps, the units, and the darkest shade.
pub fn gates(title: &str, [step, unit, open]: [&str; 3], inputs: &[String], values: &[Vec<f32>]) -> Result<String> {
    let units: Vec<String> = (1..=values.len()).map(|unit| unit.to_string()).collect();
    // A space would be invisible.
    let visible = |input: &String| if input == " " { "·".into() } else { input.clone() };
    let columns: Vec<String> = inputs.iter().map(visible).collect();
    let cell =
        |value: &f32| Cell { shade: value.is_finite().then(|| f64::from(*value).clamp(0.0, 1.0)), lines: Vec::new() };
    let heat_map = HeatMap {
        title,
        columns: Side::new(step, &columns),
        rows: Side::new(unit, &units),
        cell: SIZE,
        cells: values.iter().map(|steps| steps.iter().take(inputs.len()).map(cell).collect()).collect(),
        text_size: LABEL,
        legend: Some(("", format!("1, {open}"))),
        notes: Vec::new(),
    };
    heat_map.svg()
}

#[cfg(test)]
mod tests {
    use super::super::canvas::{has_text, has_valid_coordinates};
    use super::*;

    #[test]
    fn inputs_and_units_are_named() {
        let inputs = ["л", " ", "<", "2015-12-31: 5.60"].map(String::from);
        let names = ["temp_max", "unit", "open"];
        let svg = gates("LSTM", names, &inputs, &[vec![0.0, 0.5, 1.0, 0.2], vec![f32::NAN; 4]]).unwrap();
        for text in ["LSTM", "л", "·", "&lt;", "2015-12-31: 5.60", "temp_max", "1", "2", "unit", "1, open"] {
            assert!(has_text(&svg, text), "{text}");
        }
        assert!(has_valid_coordinates(&svg) && svg.matches("<polyline").count() == 4);
        assert!(has_valid_coordinates(&gates("", [""; 3], &[], &[]).unwrap()));
    }
}
