//! Histograms.

use std::iter;

use anyhow::Result;
use plotters::style::Color;

use super::axis::{Axis, Scale, uniform_format};
use super::canvas::{BLUE, DARK, PIXEL, SKY_BLUE, VERMILION, is_drawable};
use super::chart::{Band, Chart, Curve, Segment, Shape};

/// How many of the values are in each of `bins` equal ranges, and vertical lines at `marks`, such as a median. `x_label`
/// names the quantity and its unit.
///
/// A value or mark that is not finite is left out.
pub fn histogram(title: &str, x_label: &str, values: &[f64], bins: usize, marks: &[(String, f64)]) -> Result<String> {
    let marked: Vec<f64> = marks.iter().map(|mark| mark.1).collect();
    let x = Axis::values(x_label, [values, &marked], Scale::Linear);
    let counts = counts(values, &x, bins.max(1));
    let largest = counts.iter().copied().max().unwrap_or(0) as f64;
    let bar_width = (x.to - x.from) / counts.len() as f64;
    let bar = |(bin, &count): (usize, &usize)| -> Segment {
        let [left, right] = [bin, bin + 1].map(|edge| x.from + edge as f64 * bar_width);
        vec![(left, 0.0), (left, count as f64), (right, count as f64), (right, 0.0)]
    };
    let bars = counts.iter().enumerate().filter(|(_, count)| **count > 0).map(bar).collect();
    let format_value = uniform_format(&marked);
    let shown = || marks.iter().filter(|mark| is_drawable(mark.1));
    let names: Vec<String> = shown().map(|(name, value)| format!("{name}: {}", format_value(*value))).collect();
    let curves = iter::zip(&names, shown()).zip([VERMILION, BLUE, DARK].into_iter().cycle());
    let curves = curves.map(|((name, mark), color)| Curve {
        name,
        segments: vec![vec![(mark.1, 0.0), (mark.1, largest.max(1.0))]],
        style: color.stroke_width(2 * PIXEL as u32),
        dots: Vec::new(),
    });
    let curves = curves.collect();
    let y = Axis::including_zero("count", &[largest]);
    let band = Band { name: "count", segments: bars, style: SKY_BLUE.filled() };
    Chart { title, shape: Shape::Wide, x, y, curves, mark: None }.svg_with_bands(&[band])
}

/// How many values are in each of the equal ranges of an axis.
fn counts(values: &[f64], x: &Axis, bins: usize) -> Vec<usize> {
    let mut counts = vec![0; bins];
    for value in values.iter().filter(|value| is_drawable(**value)) {
        let bin = (value - x.from) / (x.to - x.from) * bins as f64;
        counts[(bin as usize).min(bins - 1)] += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::super::canvas::{EXTREME_VALUES, has_text, has_valid_coordinates};
    use super::*;

    #[test]
    fn counts_and_marks_are_named() {
        let values: Vec<f64> = (0..100).map(|value| f64::from(value % 17) * 10.0).collect();
        let marks = [("median".into(), 80.0), ("95 % <".into(), 150.0), ("none".into(), f64::NAN)];
        let draw = || histogram("Задержка", "delay, ms", &values, 20, &marks).unwrap();
        let svg = draw();
        for text in ["Задержка", "delay, ms", "count", "median: 80.0", "95 % &lt;: 150.0", "100"] {
            assert!(has_text(&svg, text), "{text}");
        }
        assert!(!svg.contains("none:") && has_valid_coordinates(&svg) && svg == draw());
    }

    #[test]
    fn each_value_is_counted_once() {
        let values = [1.0, 1.0, 2.0, 3.0, f64::NAN, 10.0];
        let x = Axis::values("", [&values[..]], Scale::Linear);
        assert_eq!(counts(&values, &x, 3), [4, 0, 1]);
    }

    #[test]
    fn any_values_can_be_plotted() {
        for values in [&[] as &[f64], &[0.0], &[7.0; 5], &[f64::NAN; 3], &[-1.0, 1.0], &EXTREME_VALUES] {
            for (bins, marks) in [(0, vec![]), (1, vec![(String::new(), f64::INFINITY)]), (50, vec![("x".into(), 3.0)])]
            {
                assert!(has_valid_coordinates(&histogram("", "", values, bins, &marks).unwrap()), "{values:?}");
            }
        }
    }
}
