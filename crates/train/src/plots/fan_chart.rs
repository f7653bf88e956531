//! Fan charts: forecasts with intervals.

use std::iter;

use anyhow::Result;
use plotters::prelude::*;

use super::axis::{Axis, Scale};
use super::canvas::{BLUE, DARK, PIXEL, VERMILION, is_drawable};
use super::chart::{Band, Chart, Curve, Shape, segments};

/// How much of the color the bands have, from the outermost to the innermost; the rest is white.
const TINTS: (f64, f64) = (0.15, 0.55);

/// A central interval of a forecast.
pub struct Interval<'a> {
    /// Its name in the legend, such as `80 %`.
    pub name: &'a str,
    /// The lower and the upper end, one pair per row of the forecast.
    pub ends: &'a [(f64, f64)],
}

/// A forecast after its history.
pub struct Fan<'a> {
    /// The values before the forecast.
    pub history: &'a [f64],
    /// The median, one value per row.
    pub median: &'a [f64],
    /// The intervals, the widest first.
    pub intervals: &'a [Interval<'a>],
    /// The values that came, as far as they are known.
    pub actual: &'a [f64],
}

/// History, median forecast with shaded central intervals, and the actual values if they are known. `labels` are those
/// of the rows of the history and then of the forecast; as many are shown as fit. `y_label` names the quantity and its
/// unit.
///
/// A value that is not finite leaves a gap.
pub fn fan_chart(title: &str, y_label: &str, labels: &[String], fan: &Fan) -> Result<String> {
    let first = fan.history.len();
    let steps = fan.intervals.iter().map(|interval| interval.ends.len());
    let steps = steps.fold(fan.median.len().max(fan.actual.len()), usize::max);
    let ends: Vec<f64> = fan.intervals.iter().flat_map(|interval| interval.ends).flat_map(|(a, b)| [*a, *b]).collect();
    let y = Axis::values(y_label, [fan.history, fan.median, fan.actual, &ends], Scale::Linear);
    let curve = |name, values, first, style| Curve {
        name,
        segments: segments(values, first, Scale::Linear),
        style,
        dots: Vec::new(),
    };
    let thin = |color: RGBColor| color.stroke_width(PIXEL as u32);
    let mut curves = vec![curve("history", fan.history, 0, thin(DARK))];
    // From the last value of the history, so that the line has no gap.
    let last = fan.history.last().copied();
    let actual: Vec<f64> = last.into_iter().chain(fan.actual.iter().copied()).collect();
    if !fan.actual.is_empty() {
        curves.push(curve("actual", &actual, first - usize::from(last.is_some()), thin(VERMILION)));
    }
    curves.push(curve("median forecast", fan.median, first, BLUE.stroke_width(2 * PIXEL as u32)));
    let most = fan.intervals.len().saturating_sub(1).max(1) as f64;
    let tint = |index: usize| TINTS.0 + (TINTS.1 - TINTS.0) * index as f64 / most;
    let bands = fan.intervals.iter().enumerate().map(|(index, interval)| Band {
        name: interval.name,
        segments: band_segments(interval.ends, first),
        style: tinted(BLUE, tint(index)).filled(),
    });
    let x = Axis::rows(labels, labels.len().max(first + steps), y.label_width());
    Chart { title, shape: Shape::Wide, x, y, curves, mark: None }.svg_with_bands(&bands.collect::<Vec<_>>())
}

/// A color mixed with white. It is opaque, so that bands on top of each other look as in the legend.
fn tinted(RGBColor(red, green, blue): RGBColor, tint: f64) -> RGBColor {
    let [red, green, blue] = [red, green, blue].map(|part| (255.0 - tint * (255.0 - f64::from(part))).round() as u8);
    RGBColor(red, green, blue)
}

/// The outlines of a band, one for each stretch of rows that can be drawn, as rows with their two ends.
fn band_segments(ends: &[(f64, f64)], first: usize) -> Vec<Vec<(f64, f64)>> {
    let rows: Vec<_> = iter::zip(first.., ends).collect();
    let can_draw = |row: &(usize, &(f64, f64))| is_drawable(row.1.0) && is_drawable(row.1.1);
    let stretches = rows.split(|row| !can_draw(row)).filter(|stretch| !stretch.is_empty());
    let outline = |stretch: &[(usize, &(f64, f64))]| {
        // A single row is as wide as half the distance to its neighbors.
        let half = if stretch.len() == 1 { 0.25 } else { 0.0 };
        let side = |lower: bool| {
            stretch.iter().flat_map(move |(row, ends)| {
                let value = if lower { ends.0 } else { ends.1 };
                let row = *row as f64;
                if half > 0.0 { vec![(row - half, value), (row + half, value)] } else { vec![(row, value)] }
            })
        };
        let mut outline: Vec<(f64, f64)> = side(true).collect();
        outline.extend(side(false).collect::<Vec<_>>().into_iter().rev());
        outline
    };
    stretches.map(outline).collect()
}

#[cfg(test)]
mod tests {
    use super::super::canvas::{EXTREME_VALUES, has_text, is_svg};
    use super::*;

    fn days(count: usize) -> Vec<String> {
        (1..=count).map(|day| format!("day {day}")).collect()
    }

    #[test]
    fn history_forecast_and_intervals_are_named() {
        let history: Vec<f64> = (0..20).map(|row| (f64::from(row) * 0.7).sin()).collect();
        let narrow: Vec<(f64, f64)> = (1..=5).map(|step| (-0.1 * f64::from(step), 0.1 * f64::from(step))).collect();
        let wide: Vec<(f64, f64)> = narrow.iter().map(|(a, b)| (2.0 * a, 2.0 * b)).collect();
        let intervals = [Interval { name: "95 %", ends: &wide }, Interval { name: "50 %", ends: &narrow }];
        let fan = Fan { history: &history, median: &[0.0; 5], intervals: &intervals, actual: &[0.1, 0.2] };
        let draw = |fan: &Fan| fan_chart("Weather", "temp_max, °C", &days(25), fan).unwrap();
        let svg = draw(&fan);
        for text in ["Weather", "temp_max, °C", "history", "actual", "median forecast", "95 %", "50 %", "day 1"] {
            assert!(has_text(&svg, text), "{text}");
        }
        assert!(svg.matches("<polygon").count() == 2 && is_svg(&svg));
        assert!(!has_text(&draw(&Fan { actual: &[], ..fan }), "actual"));
    }

    /// Row 3 has no upper end, so that there are two outlines; the one of row 4 alone is as wide as half a row.
    #[test]
    fn an_outline_goes_along_the_lower_and_back_along_the_upper_ends() {
        let ends = [(1.0, 5.0), (2.0, 6.0), (3.0, f64::NAN), (4.0, 8.0)];
        let expected = [
            vec![(1.0, 1.0), (2.0, 2.0), (2.0, 6.0), (1.0, 5.0)],
            vec![(3.75, 4.0), (4.25, 4.0), (4.25, 8.0), (3.75, 8.0)],
        ];
        assert_eq!(band_segments(&ends, 1), expected);
    }

    #[test]
    fn any_values_can_be_plotted() {
        for values in [&[] as &[f64], &[0.0], &[f64::NAN; 3], &[-7.0; 3], &EXTREME_VALUES] {
            let ends: Vec<(f64, f64)> = values.iter().map(|value| (*value, -value)).collect();
            let intervals = [Interval { name: "", ends: &ends }];
            for history in [&[] as &[f64], &[1.0, f64::NAN], values] {
                for labels in [0, 1, 9] {
                    let fan = Fan { history, median: values, intervals: &intervals, actual: values };
                    let svg = fan_chart("", "", &days(labels), &fan).unwrap();
                    assert!(is_svg(&svg) && !svg.contains("NaN"), "{values:?}");
                }
            }
        }
    }
}
