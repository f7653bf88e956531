//! Reliability diagrams.

use std::iter;

use anyhow::Result;
use plotters::prelude::*;

use super::axis::Axis;
use super::canvas::{PALETTE, PIXEL};
use super::chart::{Chart, Curve, Dot, Shape, diagonal, fraction, split_at_gaps};

/// A bin of predictions of similar confidence: mean confidence, accuracy, count.
pub type Bin = (f64, f64, usize);

/// The radii of the smallest and the largest dot, in pixels.
const RADII: (f64, f64) = (3.0, 11.0);

/// A reliability diagram: accuracy against confidence, a curve per model. The curve of an overconfident model lies below
/// the diagonal.
///
/// The area of a dot is proportional to its count, with a minimum. An empty bin, or one with a value outside [0, 1], leaves
/// a gap.
pub fn calibration(title: &str, curves: &[(&str, &[Bin])]) -> Result<String> {
    let drawn = iter::zip(curves, PALETTE.iter().cycle()).map(|((name, bins), color)| {
        let largest = bins.iter().map(|bin| bin.2).max().unwrap_or(0);
        let dots = bins.iter().filter_map(|bin| Some(Dot { point: point(bin)?, radius: radius(bin.2, largest) }));
        let style = color.mix(0.8).stroke_width(2 * PIXEL as u32);
        Curve { name, segments: split_at_gaps(bins.iter().map(point)), style, dots: dots.collect() }
    });
    let chart = Chart {
        title,
        shape: Shape::Square,
        x: Axis::fractions("confidence (larger dots: more predictions)"),
        y: Axis::fractions("accuracy"),
        curves: drawn.chain([diagonal("perfect calibration")]).collect(),
        mark: None,
    };
    chart.svg()
}

fn point(&(confidence, accuracy, count): &Bin) -> Option<(f64, f64)> {
    if count > 0 { fraction(confidence).zip(fraction(accuracy)) } else { None }
}

fn radius(count: usize, largest: usize) -> i32 {
    let (min, max) = RADII;
    let radius = max * (count as f64 / largest as f64).sqrt();
    (radius.max(min) * f64::from(PIXEL)).round() as i32
}

#[cfg(test)]
mod tests {
    use super::super::canvas::{EXTREME_VALUES, has_text, has_valid_coordinates};
    use super::*;

    #[test]
    fn curves_and_axes_are_named() {
        let bins = [(0.55, 0.5, 10), (0.75, 0.7, 20), (0.95, 0.9, 400)];
        let draw = || calibration("Уверенность", &[("GRU", &bins), ("LSTM & co", &bins[1..])]).unwrap();
        let svg = draw();
        for text in ["Уверенность", "GRU", "LSTM &amp; co", "perfect calibration", "accuracy", "0.2", "1.0"]
        {
            assert!(has_text(&svg, text), "{text}");
        }
        assert_eq!(svg.matches("<circle").count(), 5);
        assert!(has_valid_coordinates(&svg) && svg == draw());
    }

    #[test]
    fn any_bins_can_be_plotted() {
        let odd: Vec<Bin> = EXTREME_VALUES.iter().flat_map(|&a| EXTREME_VALUES.map(|b| (a, b, usize::MAX))).collect();
        let cases: [&[Bin]; 5] = [&[], &[(0.5, 0.5, 0)], &[(1.0, 0.0, 1)], &[(f64::NAN, f64::NAN, 3)], &odd];
        for bins in cases {
            assert!(has_valid_coordinates(&calibration("", &[("", bins); 9]).unwrap()), "{bins:?}");
        }
        assert!(has_valid_coordinates(&calibration("", &[]).unwrap()));
    }

    #[test]
    fn an_empty_bin_leaves_a_gap() {
        let svg = calibration("", &[("", &[(0.1, 0.1, 1), (0.2, 0.3, 0), (0.3, 0.3, 1)])]).unwrap();
        assert_eq!(svg.matches("<circle").count(), 2);
    }

    #[test]
    fn four_times_the_count_is_twice_the_radius() {
        assert_eq!([radius(400, 400), radius(100, 400), radius(1, 400)], [44, 22, 12]);
    }
}
