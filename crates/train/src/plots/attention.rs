//! Where a decoder looked.

use anyhow::Result;

use super::canvas::{LABEL, MOST, PIXEL, cut_note, drawable};
use super::heat::{Cell, HeatMap, Side};

/// How much each of the `source` tokens, along the top, weighed when each of the `target` tokens, down the side, was
/// written: `weights[target][source]`.
///
/// The greatest weight of the picture is its darkest shade, and the legend says which that is. A weight that is missing
/// or no number is crossed out. Of a long sentence the first tokens are shown, and the picture says so.
pub fn attention(title: &str, source: &[String], target: &[String], weights: &[Vec<f64>]) -> Result<String> {
    let notes = [cut_note(source.len(), "source tokens"), cut_note(target.len(), "target tokens")];
    let (source, target) = (first(source), first(target));
    let weight = |row: usize, column: usize| {
        let weight = weights.get(row).and_then(|row| row.get(column));
        weight.copied().filter(|&weight| drawable(weight))
    };
    let columns = 0..source.len();
    let rows: Vec<Vec<_>> =
        (0..target.len()).map(|row| columns.clone().map(|column| weight(row, column)).collect()).collect();
    let most = rows.iter().flatten().flatten().fold(0.0, |a: f64, &b| a.max(b));
    let cell = |weight: &Option<f64>| Cell { shade: weight.map(|weight| weight / most.max(1e-300)), lines: Vec::new() };
    let side = cell_size(source.len().max(target.len()));
    let picture = HeatMap {
        title,
        columns: Side::new("source", source),
        rows: Side::new("target", target),
        cell: (side, side),
        cells: rows.iter().map(|row| row.iter().map(cell).collect()).collect(),
        letters: LABEL,
        legend: Some(("weight", written(most))),
        notes: notes.into_iter().flatten().collect(),
    };
    picture.svg()
}

fn first(tokens: &[String]) -> &[String] {
    &tokens[..tokens.len().min(MOST)]
}

/// Many tokens have smaller cells than few.
fn cell_size(tokens: usize) -> i32 {
    (30 - tokens as i32 / 3) * PIXEL
}

/// `0.83`; of a weight too small for that, its power of ten.
fn written(weight: f64) -> String {
    if weight == 0.0 || (0.01..1000.0).contains(&weight) { format!("{weight:.2}") } else { format!("{weight:.0e}") }
}

#[cfg(test)]
mod tests {
    use super::super::canvas::{ODD, says, sound};
    use super::*;

    fn tokens(count: usize) -> Vec<String> {
        (0..count).map(|token| format!("слово{token}")).collect()
    }

    #[test]
    fn tokens_and_the_greatest_weight_are_named() {
        let weights = [vec![0.75, 0.25], vec![0.125, 0.875], vec![0.5, 0.5]];
        let draw = || attention("Внимание", &tokens(2), &["a", "<b>", "c"].map(String::from), &weights).unwrap();
        let svg = draw();
        for text in ["Внимание", "слово0", "слово1", "a", "&lt;b&gt;", "c", "source", "target", "weight: 0", "0.88"]
        {
            assert!(says(&svg, text), "{text}");
        }
        assert!(sound(&svg) && svg == draw());
    }

    #[test]
    fn any_weights_give_a_picture() {
        for weights in [vec![], vec![vec![]], vec![ODD.to_vec(); 3], vec![vec![0.0; 9]; 9], vec![vec![f64::NAN]; 2]] {
            for (source, target) in [(0, 0), (0, 3), (3, 0), (1, 1), (2, 5), (6, 3)] {
                let svg = attention("", &tokens(source), &tokens(target), &weights).unwrap();
                assert!(sound(&svg), "{source} {target} {weights:?}");
            }
        }
    }

    #[test]
    fn what_is_no_number_is_crossed_out() {
        let svg = attention("", &tokens(2), &tokens(2), &[vec![0.5, f64::NAN], vec![0.5]]).unwrap();
        assert_eq!(svg.matches("<polyline").count(), 2);
    }

    #[test]
    fn a_long_sentence_is_cut_and_the_picture_says_so() {
        let svg = attention("", &tokens(57), &tokens(MOST), &vec![vec![0.1; 57]; MOST]).unwrap();
        assert!(says(&svg, "Shown are the first 40 of 57 source tokens.") && !svg.contains("target tokens"));
        assert!(says(&svg, "слово39") && !svg.contains("слово40"));
    }
}
