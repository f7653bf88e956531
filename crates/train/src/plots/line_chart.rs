//! Lines of several models against a length or size.

use std::iter;

use anyhow::Result;
use plotters::style::Color;

use super::axis::{Axis, Scale};
use super::canvas::{DARK, PALETTE, PIXEL};
use super::chart::{Chart, Curve, Dot, Shape, segments};
use super::time_series::Line;

/// Lines with more points have no dots.
const MAX_DOTS: usize = 30;

/// Lines over equidistant points with these labels. `x_label` and `y_label` name the quantities.
///
/// The y axis is logarithmic if all values are positive and the largest is more than 50 times the smallest. A value that is
/// not finite leaves a gap.
pub fn line_chart(title: &str, x_label: &str, y_label: &str, labels: &[String], lines: &[Line]) -> Result<String> {
    let values: Vec<f64> = lines.iter().flat_map(|line| line.values).copied().collect();
    let scale = Scale::of_losses(&values, &[]);
    let y = Axis::values(y_label, [&*values], scale);
    draw(title, (x_label, y, scale), labels, lines)
}

/// [`line_chart`] of fractions, on an axis from 0 to 1.
pub fn fraction_chart(title: &str, x_label: &str, y_label: &str, labels: &[String], lines: &[Line]) -> Result<String> {
    draw(title, (x_label, Axis::fractions(y_label), Scale::Linear), labels, lines)
}

fn draw(title: &str, (x_label, y, scale): (&str, Axis, Scale), labels: &[String], lines: &[Line]) -> Result<String> {
    let rows = lines.iter().map(|line| line.values.len()).fold(labels.len(), usize::max);
    // Black completes the palette of Okabe and Ito.
    let colors = PALETTE.into_iter().chain([DARK]).cycle();
    let curves = iter::zip(lines, colors).map(|(line, color)| {
        let segments = segments(line.values, 0, scale);
        let points = segments.iter().flatten().filter(|_| rows <= MAX_DOTS);
        Curve {
            name: line.name,
            dots: points.map(|point| Dot { point: *point, radius: 4 * PIXEL }).collect(),
            style: color.stroke_width(2 * PIXEL as u32),
            segments,
        }
    });
    let x = Axis { name: x_label.to_owned(), ..Axis::rows(labels, rows, y.label_width()) };
    Chart { title, shape: Shape::Wide, x, y, curves: curves.collect(), mark: None }.svg()
}

#[cfg(test)]
mod tests {
    use super::super::canvas::{EXTREME_VALUES, has_text, is_svg};
    use super::*;

    #[test]
    fn lines_labels_and_quantities_are_named() {
        let lines = [Line { name: "RNN", values: &[0.9, 0.2] }, Line { name: "LSTM", values: &[0.9, 0.8] }];
        let labels = ["10", "100"].map(String::from);
        let svg = line_chart("Память", "T", "умение", &labels, &lines).unwrap();
        for text in ["Память", "умение", "T", "RNN", "LSTM", "10", "100"] {
            assert!(has_text(&svg, text), "{text}");
        }
        assert!(svg.matches("<circle").count() == 4 && is_svg(&svg));
    }

    #[test]
    fn a_fraction_chart_ranges_from_0_to_1() {
        let lines = [Line { name: "RNN", values: &[0.9, 0.002] }];
        let labels = ["10", "100"].map(String::from);
        let fractions = fraction_chart("", "T", "skill", &labels, &lines).unwrap();
        let values = line_chart("", "T", "skill", &labels, &lines).unwrap();
        assert!(has_text(&fractions, "0.6") && !has_text(&fractions, "0.005"));
        assert!(has_text(&values, "0.005") && !has_text(&values, "0.6"));
    }

    #[test]
    fn any_values_can_be_plotted() {
        for values in [&[] as &[f64], &[0.0], &[f64::NAN; 3], &[1e-9, 1e12], &EXTREME_VALUES] {
            let lines = [Line { name: "", values }, Line { name: "", values: &[1.0] }];
            for draw in [line_chart, fraction_chart] {
                let svg = draw("", "", "", &["1".into()], &lines).unwrap();
                assert!(is_svg(&svg) && !svg.contains("NaN"), "{values:?}");
            }
        }
    }
}
