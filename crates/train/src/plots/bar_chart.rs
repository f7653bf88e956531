//! Horizontal bars.

use anyhow::Result;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::axis::{Axis, uniform_format};
use super::canvas::{
    BELOW_TITLE, BLUE, Canvas, DARK, GRAY, GRID, LABEL, MARGIN, MAX_ITEMS, PIXEL, ROW, WIDTH, centered_style, cut_note,
    draw_title, is_drawable, svg, truncated, widest,
};

/// The distance between the middles of two bars.
const STEP: i32 = 28 * PIXEL;
const BAR_HEIGHT: i32 = 18 * PIXEL;
/// The distance of a bar to its name and its value.
const GAP: i32 = 8 * PIXEL;

/// A horizontal bar for each of `rows`, `(name, value)`, with its value at its end. `unit` names the quantity and its unit.
///
/// All bars begin at 0, and all values have the same number of decimals. A value that is not finite is shown as `n/a`.
pub fn bar_chart(title: &str, unit: &str, rows: &[(&str, f64)]) -> Result<String> {
    let values: Vec<_> = rows.iter().map(|row| row.1).collect();
    let shown = &rows[..rows.len().min(MAX_ITEMS)];
    let format_value = uniform_format(&values);
    let bar = |&(name, value): &(&str, f64)| match is_drawable(value) {
        true => Bar { name: truncated(name, WIDTH / 3, LABEL), length: value, value: format_value(value) },
        false => Bar { name: truncated(name, WIDTH / 3, LABEL), length: 0.0, value: "n/a".to_owned() },
    };
    let bars: Vec<_> = shown.iter().map(bar).collect();
    let note = cut_note(rows.len(), "rows");
    BarChart { title, axis: Axis::including_zero(unit, &values[..shown.len()]), bars, note }.svg()
}

struct Bar {
    name: String,
    length: f64,
    value: String,
}

/// The layout from the top: title, bars, labels of the axis, its name, note.
struct BarChart<'a> {
    title: &'a str,
    axis: Axis,
    bars: Vec<Bar>,
    note: Option<String>,
}

impl BarChart<'_> {
    fn svg(&self) -> Result<String> {
        let height = self.bottom() + 2 * ROW + if self.note.is_some() { ROW } else { 0 } + MARGIN;
        svg(WIDTH, height, |canvas| self.draw(canvas))
    }

    fn bottom(&self) -> i32 {
        BELOW_TITLE + STEP * self.bars.len() as i32 + GAP
    }

    /// The x coordinate of a value, between the names and the space for the values.
    fn x(&self, value: f64) -> i32 {
        let values = widest(self.bars.iter().map(|bar| &bar.value), LABEL) + GAP;
        let names = MARGIN + widest(self.bars.iter().map(|bar| &bar.name), LABEL) + GAP;
        let left = names + if self.axis.from < 0.0 { values } else { 0 };
        (&self.axis).map(&value, (left, WIDTH - MARGIN - values))
    }

    fn draw(&self, canvas: &Canvas) -> Result<()> {
        draw_title(canvas, self.title, WIDTH)?;
        self.draw_axis(canvas)?;
        for (bar, middle) in self.bars.iter().zip((BELOW_TITLE + STEP / 2..).step_by(STEP as usize)) {
            self.draw_bar(canvas, bar, middle)?;
        }
        let zero = [(self.x(0.0), BELOW_TITLE), (self.x(0.0), self.bottom())];
        canvas.draw(&PathElement::new(zero, GRAY.stroke_width(PIXEL as u32)))?;
        Ok(())
    }

    fn draw_axis(&self, canvas: &Canvas) -> Result<()> {
        let bottom = self.bottom();
        for (place, label) in &self.axis.ticks {
            let x = self.x(*place);
            canvas.draw(&PathElement::new([(x, BELOW_TITLE), (x, bottom)], GRID.stroke_width(PIXEL as u32)))?;
            canvas.draw_text(label, &centered_style(LABEL, GRAY, HPos::Center), (x, bottom + ROW / 2))?;
        }
        let [left, right] = [self.axis.from, self.axis.to].map(|end| self.x(end));
        let name = truncated(&self.axis.name, right - left, LABEL);
        canvas.draw_text(
            &name,
            &centered_style(LABEL, DARK, HPos::Center),
            ((left + right) / 2, bottom + ROW + ROW / 2),
        )?;
        if let Some(note) = &self.note {
            canvas.draw_text(note, &centered_style(LABEL, GRAY, HPos::Left), (MARGIN, bottom + 2 * ROW + ROW / 2))?;
        }
        Ok(())
    }

    fn draw_bar(&self, canvas: &Canvas, bar: &Bar, middle: i32) -> Result<()> {
        let (zero, end) = (self.x(0.0), self.x(bar.length));
        let corners = [(zero.min(end), middle - BAR_HEIGHT / 2), (zero.max(end), middle + BAR_HEIGHT / 2)];
        canvas.draw(&Rectangle::new(corners, BLUE.filled()))?;
        let (anchor, at) = if bar.length < 0.0 { (HPos::Right, end - GAP) } else { (HPos::Left, end + GAP) };
        canvas.draw_text(&bar.value, &centered_style(LABEL, DARK, anchor), (at, middle))?;
        let names = MARGIN + widest(self.bars.iter().map(|bar| &bar.name), LABEL);
        canvas.draw_text(&bar.name, &centered_style(LABEL, DARK, HPos::Right), (names, middle))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::canvas::{EXTREME_VALUES, has_text, has_valid_coordinates};
    use super::*;

    #[test]
    fn bars_and_values_are_labeled() {
        let rows = [("GRU", 0.8731), ("самый частый <класс>", 0.5)];
        let draw = || bar_chart("Верность", "fraction of the test split", &rows).unwrap();
        let svg = draw();
        let texts =
            ["Верность", "fraction of the test split", "GRU", "0.8731", "самый частый &lt;класс&gt;", "0.5000", "0.4"];
        for text in texts {
            assert!(has_text(&svg, text), "{text}");
        }
        assert!(has_valid_coordinates(&svg) && svg == draw());
    }

    #[test]
    fn any_values_can_be_plotted() {
        let odd = EXTREME_VALUES.map(|value| ("odd", value));
        let cases: [&[(&str, f64)]; 6] =
            [&[], &[("", 0.0)], &[("", -3.0)], &[("", f64::NAN)], &[("", -1e299), ("", 1e299)], &odd];
        for rows in cases {
            assert!(has_valid_coordinates(&bar_chart("", "", rows).unwrap()), "{rows:?}");
        }
    }

    #[test]
    fn nan_is_not_available() {
        assert!(has_text(&bar_chart("", "", &[("a", f64::NAN), ("b", 1.0)]).unwrap(), "n/a"));
    }

    #[test]
    fn too_many_bars_are_left_out_with_a_note() {
        let svg = bar_chart("", "", &[("bar", 1.0); 57]).unwrap();
        assert!(has_text(&svg, "Shown are the first 40 of 57 rows."));
        assert_eq!(svg.matches("\nbar\n").count(), MAX_ITEMS);
    }

    #[test]
    fn long_names_and_values_leave_space_for_the_bars() {
        let name = "a rather long name of a score ".repeat(9);
        assert!(has_valid_coordinates(&bar_chart(&name, &name, &[(&name, -1e-9), (&name, 1e9)]).unwrap()));
    }
}
