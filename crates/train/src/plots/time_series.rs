//! Time series.

use std::iter;

use anyhow::Result;
use plotters::prelude::*;

use super::axis::{Axis, Scale};
use super::canvas::{DARK, PALETTE, PIXEL};
use super::chart::{Chart, Curve, Shape, segments};

/// One line of a chart.
pub struct Line<'a> {
    /// Its name in the legend.
    pub name: &'a str,
    /// One value per row.
    pub values: &'a [f64],
}

/// Values over time. The first of `lines`, the actual values, is dark and thin on top of the colored others.
///
/// Row `i` of every line belongs to `labels[i]`; as many labels are shown as fit. `y_label` names the quantity and its unit.
pub fn time_series(title: &str, y_label: &str, labels: &[String], lines: &[Line]) -> Result<String> {
    let y = Axis::values(y_label, lines.iter().map(|line| line.values), Scale::Linear);
    let rows = lines.iter().map(|line| line.values.len());
    let rows = rows.fold(labels.len(), usize::max);
    let actual = DARK.stroke_width(PIXEL as u32);
    let others = PALETTE.map(|color| color.mix(0.75).stroke_width(2 * PIXEL as u32));
    let styles = iter::once(actual).chain(others.into_iter().cycle());
    let curves = iter::zip(lines, styles).map(|(line, style)| Curve {
        name: line.name,
        segments: segments(line.values, 0, Scale::Linear),
        style,
        dots: Vec::new(),
    });
    let x = Axis::rows(labels, rows, y.label_width());
    Chart { title, shape: Shape::Wide, x, y, curves: curves.collect(), mark: None }.svg()
}

#[cfg(test)]
mod tests {
    use super::super::canvas::{EXTREME_VALUES, is_svg};
    use super::*;

    fn days(count: usize) -> Vec<String> {
        (0..count).map(|day| format!("day {day}")).collect()
    }

    fn wave(count: usize) -> Vec<f64> {
        (0..count).map(|row| (row as f64 * 1.7).sin()).collect()
    }

    fn one_line(values: &[f64]) -> String {
        let line = Line { name: "actual", values };
        time_series("", "", &days(values.len()), &[line]).unwrap()
    }

    #[test]
    fn any_rows_can_be_plotted() {
        for values in [&[] as &[f64], &[0.0], &[f64::NAN; 3], &[-7.0; 3], &EXTREME_VALUES] {
            for labels in [0, 1, 3, 1000] {
                let lines = [Line { name: "", values }, Line { name: "", values: &[] }];
                let svg = time_series("", "", &days(labels), &lines).unwrap();
                assert!(is_svg(&svg), "{values:?} with {labels} labels");
            }
        }
        assert!(is_svg(&time_series("", "", &[], &[]).unwrap()));
    }

    #[test]
    fn the_size_is_in_pixels() {
        let header = r#"<svg width="960" height="480" stroke-linejoin="round" viewBox="0 0 3840 1920""#;
        assert!(one_line(&wave(9)).starts_with(header));
    }

    #[test]
    fn some_rows_are_labeled() {
        let values = wave(300);
        let lines = [Line { name: "actual", values: &values }, Line { name: "network", values: &values[1..] }];
        let svg = time_series("Weather", "temp_max, °C", &days(300), &lines).unwrap();
        for text in ["Weather", "temp_max, °C", "actual", "network", "day 0", "day 38"] {
            assert!(svg.contains(&format!("\n{text}\n")), "{text}");
        }
        assert!((5..=8).contains(&svg.matches("\nday ").count()));
    }

    #[test]
    fn any_text_is_escaped() {
        let text = "Ошибка <b> & \"c\" 'd'\0\n";
        let line = Line { name: text, values: &[1.0] };
        let svg = time_series(text, text, &[text.to_owned()], &[line]).unwrap();
        assert!(is_svg(&svg));
        let escaped = "Ошибка &lt;b&gt; &amp; &quot;c&quot; &apos;d&apos;";
        assert_eq!(svg.matches(escaped).count(), 4);
        assert!(!svg.contains('\0'));
    }

    #[test]
    fn a_value_between_two_gaps_is_a_dot() {
        let values = [1.0, 2.0, f64::NAN, 3.0, f64::INFINITY, 4.0, 5.0, 6.0];
        assert_eq!(one_line(&values).matches("<circle").count(), 1);
    }

    #[test]
    fn the_size_of_a_plot_of_a_long_series_is_bounded() {
        // As many lines between gaps as possible.
        let gap = |row: usize| {
            if (row / 6).is_multiple_of(2) { f64::NAN } else { 1.0 }
        };
        let (short, long) = (wave(5000), wave(500_000));
        let with_gaps: Vec<f64> = (0..960 * 6).map(gap).collect();
        let lines = [&short, &long, &with_gaps].map(|values| Line { name: "line", values });
        let svg = time_series("", "", &days(5000), &lines).unwrap();
        assert!(svg.len() < 300_000, "{} bytes", svg.len());
    }

    #[test]
    fn a_long_legend_leaves_space_for_the_plot() {
        let name = "a rather long name of a line ".repeat(9);
        let lines: Vec<_> = (0..99).map(|_| Line { name: &name, values: &[1.0, 2.0] }).collect();
        assert!(is_svg(&time_series("", &name, &[name.clone(), name.clone()], &lines).unwrap()));
    }
}
