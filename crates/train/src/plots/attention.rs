//! Attention weights as a heat map.

use anyhow::Result;

use super::canvas::{LABEL, MAX_ITEMS, PIXEL, cut_note, is_drawable};
use super::heat_map::{Cell, HeatMap, Side};

/// The attention weights `weights[target][source]`, with the `source` tokens along the top and the `target` tokens down the
/// side.
///
/// The largest weight has the darkest shade and is named in the legend. A weight that is missing or not finite is crossed
/// out. Only the first tokens of a long sentence are shown, with a note.
pub fn attention(title: &str, source: &[String], target: &[String], weights: &[Vec<f64>]) -> Result<String> {
    let notes = [cut_note(source.len(), "source tokens"), cut_note(target.len(), "target tokens")];
    let (source, target) = (first(source), first(target));
    let weight = |row: usize, column: usize| {
        let weight = weights.get(row).and_then(|row| row.get(column));
        weight.copied().filter(|&weight| is_drawable(weight))
    };
    let columns = 0..source.len();
    let rows: Vec<Vec<_>> =
        (0..target.len()).map(|row| columns.clone().map(|column| weight(row, column)).collect()).collect();
    let largest = rows.iter().flatten().flatten().fold(0.0, |a: f64, &b| a.max(b));
    let cell =
        |weight: &Option<f64>| Cell { shade: weight.map(|weight| weight / largest.max(1e-300)), lines: Vec::new() };
    let side = cell_size(source.len().max(target.len()));
    let heat_map = HeatMap {
        title,
        columns: Side::new("source", source),
        rows: Side::new("target", target),
        cell: (side, side),
        cells: rows.iter().map(|row| row.iter().map(cell).collect()).collect(),
        text_size: LABEL,
        legend: Some(("weight", format_weight(largest))),
        notes: notes.into_iter().flatten().collect(),
    };
    heat_map.svg()
}

fn first(tokens: &[String]) -> &[String] {
    &tokens[..tokens.len().min(MAX_ITEMS)]
}

/// The side of a cell, smaller for many tokens.
fn cell_size(tokens: usize) -> i32 {
    (30 - tokens as i32 / 3) * PIXEL
}

/// `0.83`; in scientific notation for very small weights.
fn format_weight(weight: f64) -> String {
    if weight == 0.0 || (0.01..1000.0).contains(&weight) { format!("{weight:.2}") } else { format!("{weight:.0e}") }
}

#[cfg(test)]
mod tests {
    use super::super::canvas::{EXTREME_VALUES, has_text, has_valid_coordinates};
    use super::*;

    fn tokens(count: usize) -> Vec<String> {
        (0..count).map(|token| format!("слово{token}")).collect()
    }

    #[test]
    fn tokens_and_the_largest_weight_are_named() {
        let weights = [vec![0.75, 0.25], vec![0.125, 0.875], vec![0.5, 0.5]];
        let draw = || attention("Внимание", &tokens(2), &["a", "<b>", "c"].map(String::from), &weights).unwrap();
        let svg = draw();
        for text in ["Внимание", "слово0", "слово1", "a", "&lt;b&gt;", "c", "source", "target", "weight: 0", "0.88"]
        {
            assert!(has_text(&svg, text), "{text}");
        }
        assert!(has_valid_coordinates(&svg) && svg == draw());
    }

    #[test]
    fn any_weights_can_be_plotted() {
        for weights in
            [vec![], vec![vec![]], vec![EXTREME_VALUES.to_vec(); 3], vec![vec![0.0; 9]; 9], vec![vec![f64::NAN]; 2]]
        {
            for (source, target) in [(0, 0), (0, 3), (3, 0), (1, 1), (2, 5), (6, 3)] {
                let svg = attention("", &tokens(source), &tokens(target), &weights).unwrap();
                assert!(has_valid_coordinates(&svg), "{source} {target} {weights:?}");
            }
        }
    }

    #[test]
    fn nan_and_missing_weights_are_crossed_out() {
        let svg = attention("", &tokens(2), &tokens(2), &[vec![0.5, f64::NAN], vec![0.5]]).unwrap();
        assert_eq!(svg.matches("<polyline").count(), 2);
    }

    #[test]
    fn a_long_sentence_is_truncated_with_a_note() {
        let svg = attention("", &tokens(57), &tokens(MAX_ITEMS), &vec![vec![0.1; 57]; MAX_ITEMS]).unwrap();
        assert!(has_text(&svg, "Shown are the first 40 of 57 source tokens.") && !svg.contains("target tokens"));
        assert!(has_text(&svg, "слово39") && !svg.contains("слово40"));
    }
}
