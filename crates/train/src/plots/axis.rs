//! An axis: its range and its ticks.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, ValueFormatter};
use plotters::prelude::*;

use super::canvas::{LABEL, MARGIN, PIXEL, WIDTH, is_drawable, text_width, truncated, widest};

/// The margin right of the plot area, wide enough for half of a date.
pub const RIGHT: i32 = 32 * PIXEL;

/// The scale of an axis.
#[derive(Clone, Copy, PartialEq)]
pub enum Scale {
    Linear,
    Logarithmic,
}

impl Scale {
    /// Logarithmic if all values are positive and the largest is more than 50 times the smallest.
    pub fn of_losses(train: &[f64], valid: &[f64]) -> Self {
        match extremes([train, valid]) {
            Some((low, high)) if low > 0.0 && high / low > 50.0 => Scale::Logarithmic,
            _ => Scale::Linear,
        }
    }

    /// The coordinate of a value.
    pub fn coordinate(self, value: f64) -> f64 {
        match self {
            Scale::Linear => value,
            Scale::Logarithmic => value.log10(),
        }
    }
}

/// The smallest and the largest drawable value.
fn extremes<'a>(series: impl IntoIterator<Item = &'a [f64]>) -> Option<(f64, f64)> {
    let values = series.into_iter().flatten().copied();
    let ends = values.filter(|&v| is_drawable(v)).map(|v| (v, v));
    ends.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

/// An axis of a plot.
pub struct Axis {
    pub name: String,
    /// The range, in coordinates of the scale.
    pub from: f64,
    pub to: f64,
    /// Coordinates and labels.
    pub ticks: Vec<(f64, String)>,
}

impl Axis {
    /// An axis for the values of all `series`, which may be constant or empty.
    pub fn values<'a>(name: &str, series: impl IntoIterator<Item = &'a [f64]>, scale: Scale) -> Self {
        let (low, high) = extremes(series).unwrap_or((0.0, 0.0));
        let (from, to) = padded(scale.coordinate(low), scale.coordinate(high));
        let ticks = match scale {
            Scale::Linear => linear_ticks(from, to),
            Scale::Logarithmic => logarithmic_ticks(from, to),
        };
        Axis { name: name.to_owned(), from, to, ticks }
    }

    /// An axis from the first epoch to the last.
    pub fn epochs(epochs: usize) -> Self {
        let step = Step::dividing(epochs.max(10) as f64, 10.0);
        let (from, to) = ends(1, epochs);
        let tick = |epoch| (epoch, number(epoch, 0, true));
        Axis { name: "epoch".to_owned(), from, to, ticks: step.multiples(from, to).map(tick).collect() }
    }

    /// An axis from lag 1 to the last, with padding for lines at either end.
    pub fn lags(lags: usize) -> Self {
        let step = Step::dividing(lags.max(10) as f64, 10.0);
        let (from, to) = (0.5, lags.max(1) as f64 + 0.5);
        let tick = |lag| (lag, number(lag, 0, true));
        Axis { name: "lag, rows".to_owned(), from, to, ticks: step.multiples(from, to).map(tick).collect() }
    }

    /// An axis from the first row to the last, for a plot area that begins at `left`. Equidistant labels, as many as fit
    /// without overlap and within the edges of the plot.
    pub fn rows(labels: &[String], rows: usize, left: i32) -> Self {
        let (from, to) = ends(0, rows);
        let width = WIDTH - RIGHT - left;
        let widths = labels.iter().map(|text| text_width(text, LABEL).min(WIDTH / 4));
        let max_labels = (width / (widths.max().unwrap_or(0) + 2 * LABEL)).clamp(1, 8) as usize;
        let fits = |(row, text): &(f64, String)| {
            let middle = left + ((row - from) / (to - from) * f64::from(width)) as i32;
            let half = text_width(text, LABEL) / 2;
            middle >= half && middle + half <= WIDTH
        };
        let chosen = labels.iter().enumerate().step_by(rows.div_ceil(max_labels).max(1));
        let ticks = chosen.map(|(row, text)| (row as f64, truncated(text, WIDTH / 4, LABEL)));
        Axis { name: String::new(), from, to, ticks: ticks.filter(fits).collect() }
    }

    /// An axis from 0 to 1, with padding for lines at either end.
    pub fn fractions(name: &str) -> Self {
        let (from, to) = (-0.02, 1.02);
        Axis { name: name.to_owned(), from, to, ticks: linear_ticks(from, to) }
    }

    /// An axis for bars, which includes 0 and all `values`.
    pub fn including_zero(name: &str, values: &[f64]) -> Self {
        let (low, high) = extremes([values, &[0.0]]).unwrap_or((0.0, 0.0));
        let (from, to) = if high - low < 1e-290 { (0.0, 1.0) } else { (low, high) };
        Axis { name: name.to_owned(), from, to, ticks: linear_ticks(from, to) }
    }

    /// The width of name and labels for a vertical axis at the left.
    pub fn label_width(&self) -> i32 {
        MARGIN + 2 * LABEL + widest(self.ticks.iter().map(|(_, text)| text), LABEL)
    }
}

impl Ranged for &Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, coordinate: &f64, (start, end): (i32, i32)) -> i32 {
        let fraction = (coordinate - self.from) / (self.to - self.from);
        start + (fraction * f64::from(end - start)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() {
            return Vec::new();
        }
        self.ticks.iter().map(|(coordinate, _)| *coordinate).collect()
    }

    fn range(&self) -> Range<f64> {
        self.from..self.to
    }
}

impl ValueFormatter<f64> for &Axis {
    fn format_ext(&self, coordinate: &f64) -> String {
        let tick = self.ticks.iter().find(|(at, _)| at == coordinate);
        tick.map(|(_, label)| label.clone()).unwrap_or_default()
    }
}

/// The ends of an axis of `count` items that are numbered from `first`; a single one is in the middle.
fn ends(first: usize, count: usize) -> (f64, f64) {
    let first = first as f64;
    match count {
        0 | 1 => (first - 0.5, first + 0.5),
        _ => (first, first + (count - 1) as f64),
    }
}

/// The range from `low` to `high` with padding at both ends, also if they are equal.
fn padded(low: f64, high: f64) -> (f64, f64) {
    let largest = low.abs().max(high.abs());
    let padding = if largest < 1e-290 {
        1.0
    } else if high - low < 1e-9 * largest {
        0.1 * largest
    } else {
        0.05 * (high - low)
    };
    (low - padding, high + padding)
}

/// The distance between ticks: 1, 2 or 5 times a power of ten.
struct Step {
    digit: i64,
    exponent: i32,
}

impl Step {
    /// The smallest step that divides `span` into at most `parts`.
    fn dividing(span: f64, parts: f64) -> Self {
        let least = span / parts;
        let exponent = least.log10().floor() as i32;
        let digit = [1, 2, 5].into_iter().find(|&d| Step { digit: d, exponent }.size() >= least);
        match digit {
            Some(digit) => Step { digit, exponent },
            None => Step { digit: 1, exponent: exponent + 1 },
        }
    }

    fn size(&self) -> f64 {
        self.digit as f64 * 10f64.powi(self.exponent)
    }

    /// The multiples of the step from `from` to `to`, without accumulated rounding errors.
    fn multiples(&self, from: f64, to: f64) -> impl Iterator<Item = f64> {
        let size = self.size();
        let (first, last) = ((from / size).ceil() as i64, (to / size).floor() as i64);
        (first..=last).map(move |i| i as f64 * size)
    }
}

fn linear_ticks(from: f64, to: f64) -> Vec<(f64, String)> {
    let step = Step::dividing(to - from, 7.0);
    let plain = step.exponent >= -5 && from.abs().max(to.abs()) < 1e6;
    let tick = |value| (value, number(value, step.exponent, plain));
    step.multiples(from, to).map(tick).collect()
}

/// Powers of ten, and 2 and 5 times them if there is room; `from` and `to` are exponents.
fn logarithmic_ticks(from: f64, to: f64) -> Vec<(f64, String)> {
    let digits: &[i32] = if to - from < 3.5 { &[1, 2, 5] } else { &[1] };
    let stride = ((to - from) / 8.0).ceil() as usize;
    let plain = from > -4.0 && to < 6.0;
    let decades = (from.floor() as i32..=to.ceil() as i32).step_by(stride);
    let ticks = decades.flat_map(|exponent| {
        digits.iter().map(move |&digit| {
            let value = f64::from(digit) * 10f64.powi(exponent);
            (value.log10(), number(value, exponent, plain))
        })
    });
    ticks.filter(|(coordinate, _)| (from..=to).contains(coordinate)).collect()
}

/// `value`, rounded to the power of ten of `exponent`; in scientific notation unless `plain`.
pub fn number(value: f64, exponent: i32, plain: bool) -> String {
    if plain {
        let decimals = (-exponent).max(0) as usize;
        format!("{value:.decimals$}")
    } else if value == 0.0 {
        "0".to_owned()
    } else {
        let digits = (value.abs().log10().floor() as i32 - exponent).clamp(0, 12) as usize;
        format!("{value:.digits$e}")
    }
}

/// A formatter with the same number of decimals for all `values`; the largest has four digits.
pub fn uniform_format(values: &[f64]) -> impl Fn(f64) -> String {
    let largest = extremes([values]).map_or(0.0, |(low, high)| low.abs().max(high.abs()));
    let exponent = if largest < 1e-290 { 0 } else { largest.log10().floor() as i32 - 3 };
    let plain = (-8..=2).contains(&exponent);
    move |value| number(value, exponent, plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_numbers() {
        let texts = |ticks: Vec<(f64, String)>| ticks.into_iter().map(|(_, text)| text);
        let linear = |from, to| texts(linear_ticks(from, to)).collect::<Vec<_>>().join(" ");
        assert_eq!(linear(-0.05, 0.52), "0.0 0.1 0.2 0.3 0.4 0.5");
        assert_eq!(linear(-21.0, 33.0), "-20 -10 0 10 20 30");
        assert_eq!(linear(0.0, 2.5e7), "0 5e6 1.0e7 1.5e7 2.0e7 2.5e7");
        let logarithmic = |from, to| texts(logarithmic_ticks(from, to)).collect::<Vec<_>>().join(" ");
        assert_eq!(logarithmic(-1.5, 0.4), "0.05 0.1 0.2 0.5 1 2");
        assert_eq!(logarithmic(-9.0, 12.0), "1e-9 1e-6 1e-3 1e0 1e3 1e6 1e9 1e12");
    }

    #[test]
    fn the_loss_axis_is_logarithmic_over_a_wide_range() {
        let of = |train: &[f64]| Scale::of_losses(train, &[1.0]);
        assert!(of(&[51.0]) == Scale::Logarithmic);
        assert!(of(&[49.0]) == Scale::Linear);
        assert!(of(&[51.0, 0.0]) == Scale::Linear);
        assert!(of(&[f64::INFINITY]) == Scale::Linear);
    }

    #[test]
    fn uniform_format_uses_the_same_number_of_decimals() {
        let formatted =
            |values: &[f64]| values.iter().map(|&v| uniform_format(values)(v)).collect::<Vec<_>>().join(" ");
        assert_eq!(formatted(&[0.8731, 0.5]), "0.8731 0.5000");
        assert_eq!(formatted(&[24.25, -3.0]), "24.25 -3.00");
        assert_eq!(formatted(&[81_234.0, 3.25]), "81234 3");
        assert_eq!(formatted(&[0.0, 0.0]), "0 0");
        assert_eq!(formatted(&[2e-12, 1.5e-13]), "2.000e-12 1.50e-13");
        assert_eq!(formatted(&[2e12, 1.5e11]), "2.000e12 1.50e11");
    }
}
