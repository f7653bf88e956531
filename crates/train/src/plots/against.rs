//! Several lines against something that grows.

use std::iter;

use anyhow::Result;
use plotters::style::Color;

use super::axis::{Axis, Scale};
use super::canvas::{DARK, PALETTE, PIXEL};
use super::chart::{Chart, Curve, Dot, Shape, pieces};
use super::over_time::Line;

/// More points than these are no dots any more, but a line.
const DOTS: usize = 30;

/// Lines of equal rank against what `labels` name, which are at equal distances. `x_label` and `y_label` name the
/// quantities.
///
/// The axis of the values is logarithmic if all are positive and the largest is more than 50 times the smallest. A value
/// that is no number leaves a gap.
pub fn against(title: &str, x_label: &str, y_label: &str, labels: &[String], lines: &[Line]) -> Result<String> {
    let values: Vec<f64> = lines.iter().flat_map(|line| line.values).copied().collect();
    let scale = Scale::of_losses(&values, &[]);
    let y = Axis::values(y_label, [&*values], scale);
    drawn(title, (x_label, y, scale), labels, lines)
}

/// The same of shares, on an axis from 0 to 1.
pub fn shares_against(title: &str, x_label: &str, y_label: &str, labels: &[String], lines: &[Line]) -> Result<String> {
    drawn(title, (x_label, Axis::shares(y_label), Scale::Linear), labels, lines)
}

fn drawn(title: &str, (x_label, y, scale): (&str, Axis, Scale), labels: &[String], lines: &[Line]) -> Result<String> {
    let rows = lines.iter().map(|line| line.values.len()).fold(labels.len(), usize::max);
    // Black is the last of Okabe and Ito's colours.
    let colours = PALETTE.into_iter().chain([DARK]).cycle();
    let curves = iter::zip(lines, colours).map(|(line, colour)| {
        let pieces = pieces(line.values, 0, scale);
        let places = pieces.iter().flatten().filter(|_| rows <= DOTS);
        Curve {
            name: line.name,
            dots: places.map(|place| Dot { place: *place, radius: 4 * PIXEL }).collect(),
            style: colour.stroke_width(2 * PIXEL as u32),
            pieces,
        }
    });
    let x = Axis { name: x_label.to_owned(), ..Axis::rows(labels, rows, y.room()) };
    Chart { title, shape: Shape::Wide, x, y, curves: curves.collect(), mark: None }.svg()
}

#[cfg(test)]
mod tests {
    use super::super::canvas::{ODD, says, well_formed};
    use super::*;

    #[test]
    fn lines_lengths_and_quantities_are_named() {
        let lines = [Line { name: "RNN", values: &[0.9, 0.2] }, Line { name: "LSTM", values: &[0.9, 0.8] }];
        let labels = ["10", "100"].map(String::from);
        let svg = against("Память", "T", "умение", &labels, &lines).unwrap();
        for text in ["Память", "умение", "T", "RNN", "LSTM", "10", "100"] {
            assert!(says(&svg, text), "{text}");
        }
        assert!(svg.matches("<circle").count() == 4 && well_formed(&svg));
    }

    #[test]
    fn a_small_share_is_shown_as_small() {
        let lines = [Line { name: "RNN", values: &[0.9, 0.002] }];
        let labels = ["10", "100"].map(String::from);
        let shares = shares_against("", "T", "skill", &labels, &lines).unwrap();
        let amounts = against("", "T", "skill", &labels, &lines).unwrap();
        assert!(says(&shares, "0.6") && !says(&shares, "0.005"));
        assert!(says(&amounts, "0.005") && !says(&amounts, "0.6"));
    }

    #[test]
    fn any_values_give_a_picture() {
        for values in [&[] as &[f64], &[0.0], &[f64::NAN; 3], &[1e-9, 1e12], &ODD] {
            let lines = [Line { name: "", values }, Line { name: "", values: &[1.0] }];
            for draw in [against, shares_against] {
                let svg = draw("", "", "", &["1".into()], &lines).unwrap();
                assert!(well_formed(&svg) && !svg.contains("NaN"), "{values:?}");
            }
        }
    }
}
