//! Values row by row.

use std::iter;

use anyhow::Result;
use plotters::prelude::*;

use super::axis::{Axis, Scale};
use super::canvas::{DARK, PALETTE, PIXEL};
use super::chart::{Chart, Curve, Shape, pieces};

/// One line of a chart.
pub struct Line<'a> {
    /// What the legend calls it.
    pub name: &'a str,
    /// One value a row, in the order of the rows.
    pub values: &'a [f64],
}

/// Values over time: the truth, which is the first of `lines`, dark and thin over the coloured others.
///
/// Row `i` of every line belongs to `labels[i]`; as many of the labels are written as have room below the picture.
/// `y_label` names the quantity and its unit.
pub fn over_time(title: &str, y_label: &str, labels: &[String], lines: &[Line]) -> Result<String> {
    let y = Axis::values(y_label, lines.iter().map(|line| line.values), Scale::Linear);
    let rows = lines.iter().map(|line| line.values.len());
    let rows = rows.fold(labels.len(), usize::max);
    let truth = DARK.stroke_width(PIXEL as u32);
    let others = PALETTE.map(|colour| colour.mix(0.75).stroke_width(2 * PIXEL as u32));
    let styles = iter::once(truth).chain(others.into_iter().cycle());
    let curves = iter::zip(lines, styles).map(|(line, style)| Curve {
        name: line.name,
        pieces: pieces(line.values, 0, Scale::Linear),
        style,
        dots: Vec::new(),
    });
    let x = Axis::rows(labels, rows, y.room());
    Chart { title, shape: Shape::Wide, x, y, curves: curves.collect(), mark: None }.svg()
}

#[cfg(test)]
mod tests {
    use super::super::canvas::{ODD, well_formed};
    use super::*;

    fn days(count: usize) -> Vec<String> {
        (0..count).map(|day| format!("day {day}")).collect()
    }

    fn wave(count: usize) -> Vec<f64> {
        (0..count).map(|row| (row as f64 * 1.7).sin()).collect()
    }

    fn one_line(values: &[f64]) -> String {
        let line = Line { name: "truth", values };
        over_time("", "", &days(values.len()), &[line]).unwrap()
    }

    #[test]
    fn any_rows_give_a_picture() {
        for values in [&[] as &[f64], &[0.0], &[f64::NAN; 3], &[-7.0; 3], &ODD] {
            for labels in [0, 1, 3, 1000] {
                let lines = [Line { name: "", values }, Line { name: "", values: &[] }];
                let svg = over_time("", "", &days(labels), &lines).unwrap();
                assert!(well_formed(&svg), "{values:?} with {labels} labels");
            }
        }
        assert!(well_formed(&over_time("", "", &[], &[]).unwrap()));
    }

    #[test]
    fn a_picture_has_its_size_in_pixels() {
        let header = r#"<svg width="960" height="480" stroke-linejoin="round" viewBox="0 0 3840 1920""#;
        assert!(one_line(&wave(9)).starts_with(header));
    }

    #[test]
    fn rows_are_named_by_a_handful_of_labels() {
        let values = wave(300);
        let lines = [Line { name: "truth", values: &values }, Line { name: "network", values: &values[1..] }];
        let svg = over_time("Weather", "temp_max, °C", &days(300), &lines).unwrap();
        for text in ["Weather", "temp_max, °C", "truth", "network", "day 0", "day 38"] {
            assert!(svg.contains(&format!("\n{text}\n")), "{text}");
        }
        assert!((5..=8).contains(&svg.matches("\nday ").count()));
    }

    #[test]
    fn any_text_is_escaped() {
        let text = "Ошибка <b> & \"c\" 'd'\0\n";
        let line = Line { name: text, values: &[1.0] };
        let svg = over_time(text, text, &[text.to_owned()], &[line]).unwrap();
        assert!(well_formed(&svg));
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
    fn a_long_series_makes_no_large_file() {
        // Lines between gaps, as many as there can be.
        let hole = |row: usize| {
            if (row / 6).is_multiple_of(2) { f64::NAN } else { 1.0 }
        };
        let (short, long) = (wave(5000), wave(500_000));
        let holes: Vec<f64> = (0..960 * 6).map(hole).collect();
        let lines = [&short, &long, &holes].map(|values| Line { name: "line", values });
        let svg = over_time("", "", &days(5000), &lines).unwrap();
        assert!(svg.len() < 300_000, "{} bytes", svg.len());
    }

    #[test]
    fn many_names_leave_room_for_the_plot() {
        let name = "a rather long name of a line ".repeat(9);
        let lines: Vec<_> = (0..99).map(|_| Line { name: &name, values: &[1.0, 2.0] }).collect();
        assert!(well_formed(&over_time("", &name, &[name.clone(), name.clone()], &lines).unwrap()));
    }
}
