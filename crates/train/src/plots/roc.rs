//! ROC curves.

use std::iter;

use anyhow::Result;
use plotters::prelude::*;

use super::axis::Axis;
use super::canvas::{LABEL, PALETTE, PIXEL, truncated};
use super::chart::{Chart, Curve, Shape, diagonal, fraction, split_at_gaps};

/// The resolution, as a fraction of an axis; closer points are drawn once.
const RESOLUTION: f64 = 1e-3;
/// The maximum width of a name before its area.
const MAX_NAME_WIDTH: i32 = 360 * PIXEL;

/// A name, the points of the curve (false positive rate, true positive rate), and the area under it if known.
pub type Roc<'a> = (&'a str, &'a [(f64, f64)], Option<f64>);

/// The true positive rate against the false positive rate, with the areas under the curves in the legend.
///
/// A point outside [0, 1] leaves a gap. Points that would coincide are drawn once, so that the size of the plot does not
/// grow with the test split.
pub fn roc(title: &str, curves: &[Roc]) -> Result<String> {
    let names: Vec<_> = curves.iter().map(name_with_area).collect();
    let styles = PALETTE.iter().cycle().map(|color| color.mix(0.85).stroke_width(2 * PIXEL as u32));
    let drawn = iter::zip(curves, iter::zip(&names, styles)).map(|((_, points, _), (name, style))| Curve {
        name,
        segments: split_at_gaps(thinned(points).into_iter()),
        style,
        dots: Vec::new(),
    });
    let chart = Chart {
        title,
        shape: Shape::Square,
        x: Axis::fractions("false positive rate"),
        y: Axis::fractions("true positive rate"),
        curves: drawn.chain([diagonal("chance (area 0.500)")]).collect(),
        mark: None,
    };
    chart.svg()
}

fn name_with_area((name, _, area): &Roc) -> String {
    match area.and_then(fraction) {
        Some(area) => format!("{} (area {area:.3})", truncated(name, MAX_NAME_WIDTH, LABEL)),
        None => (*name).to_owned(),
    }
}

fn thinned(points: &[(f64, f64)]) -> Vec<Option<(f64, f64)>> {
    let mut points: Vec<_> = points.iter().map(|&(x, y)| fraction(x).zip(fraction(y))).collect();
    let cell = |(x, y): (f64, f64)| ((x / RESOLUTION).round() as i32, (y / RESOLUTION).round() as i32);
    points.dedup_by_key(|point| point.map(cell));
    points
}

#[cfg(test)]
mod tests {
    use super::super::canvas::{EXTREME_VALUES, has_text, has_valid_coordinates};
    use super::*;

    #[test]
    fn curves_are_named_with_their_areas() {
        let points = [(0.0, 0.0), (0.1, 0.8), (1.0, 1.0)];
        let draw = || roc("Пороги", &[("GRU", &points, Some(0.85)), ("LSTM", &points, None)]).unwrap();
        let svg = draw();
        for text in ["Пороги", "GRU (area 0.850)", "LSTM", "chance (area 0.500)", "false positive rate", "0.4"] {
            assert!(has_text(&svg, text), "{text}");
        }
        assert!(has_valid_coordinates(&svg) && svg == draw());
    }

    #[test]
    fn areas_are_not_truncated() {
        let svg = roc("", &[(&"a rather long name ".repeat(9), &[], Some(0.75))]).unwrap();
        assert!(svg.contains("… (area 0.750)\n"));
    }

    #[test]
    fn any_points_can_be_plotted() {
        let odd: Vec<_> = EXTREME_VALUES.iter().flat_map(|&a| EXTREME_VALUES.map(|b| (a, b))).collect();
        let cases: [&[_]; 4] = [&[], &[(0.0, 1.0)], &[(f64::NAN, 0.0); 3], &odd];
        for (points, area) in cases.into_iter().flat_map(|points| EXTREME_VALUES.map(|area| (points, area))) {
            assert!(has_valid_coordinates(&roc("", &[("", points, Some(area)); 9]).unwrap()), "{points:?}");
        }
        assert!(has_valid_coordinates(&roc("", &[]).unwrap()));
    }

    #[test]
    fn the_size_of_a_plot_of_many_points_is_bounded() {
        let points: Vec<_> = (0..=100_000).map(|i| f64::from(i) / 1e5).map(|x| (x, x.sqrt())).collect();
        let svg = roc("", &[("", &points, None)]).unwrap();
        assert!(svg.len() < 40_000, "{} bytes", svg.len());
    }
}
