//! Scores beside each other.

use anyhow::Result;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::axis::{Axis, alike};
use super::canvas::{
    BELOW_TITLE, BLUE, Canvas, DARK, GREY, GRID, LABEL, MARGIN, MOST, PIXEL, ROW, WIDTH, centred, cut_note, draw_title,
    drawable, fitted, svg, widest,
};

/// From the middle of a bar to the middle of the next.
const STEP: i32 = 28 * PIXEL;
const THICK: i32 = 18 * PIXEL;
/// Between a bar and its name or its value.
const GAP: i32 = 8 * PIXEL;

/// A horizontal bar for each of `rows`, in their order, with its value written at its end. `unit` names the quantity
/// and its unit below the bars.
///
/// All bars begin at 0. Values are written with as many decimals as each other. In place of a value that is no number
/// the picture says so.
pub fn bars(title: &str, unit: &str, rows: &[(&str, f64)]) -> Result<String> {
    let values: Vec<_> = rows.iter().map(|row| row.1).collect();
    let shown = &rows[..rows.len().min(MOST)];
    let written = alike(&values);
    let bar = |&(name, value): &(&str, f64)| match drawable(value) {
        true => Bar { name: fitted(name, WIDTH / 3, LABEL), length: value, value: written(value) },
        false => Bar { name: fitted(name, WIDTH / 3, LABEL), length: 0.0, value: "no number".to_owned() },
    };
    let bars: Vec<_> = shown.iter().map(bar).collect();
    let note = cut_note(rows.len(), "rows");
    Bars { title, axis: Axis::lengths(unit, &values[..shown.len()]), bars, note }.svg()
}

struct Bar {
    name: String,
    length: f64,
    value: String,
}

/// A picture from the top: title, bars, labels of the axis, its name, note.
struct Bars<'a> {
    title: &'a str,
    axis: Axis,
    bars: Vec<Bar>,
    note: Option<String>,
}

impl Bars<'_> {
    fn svg(&self) -> Result<String> {
        let height = self.bottom() + 2 * ROW + if self.note.is_some() { ROW } else { 0 } + MARGIN;
        svg(WIDTH, height, |canvas| self.draw(canvas))
    }

    fn bottom(&self) -> i32 {
        BELOW_TITLE + STEP * self.bars.len() as i32 + GAP
    }

    /// Where `value` lies, between the names and the room for the values.
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
        canvas.draw(&PathElement::new(zero, GREY.stroke_width(PIXEL as u32)))?;
        Ok(())
    }

    fn draw_axis(&self, canvas: &Canvas) -> Result<()> {
        let bottom = self.bottom();
        for (place, label) in &self.axis.ticks {
            let x = self.x(*place);
            canvas.draw(&PathElement::new([(x, BELOW_TITLE), (x, bottom)], GRID.stroke_width(PIXEL as u32)))?;
            canvas.draw_text(label, &centred(LABEL, GREY, HPos::Center), (x, bottom + ROW / 2))?;
        }
        let [left, right] = [self.axis.from, self.axis.to].map(|end| self.x(end));
        let name = fitted(&self.axis.name, right - left, LABEL);
        canvas.draw_text(&name, &centred(LABEL, DARK, HPos::Center), ((left + right) / 2, bottom + ROW + ROW / 2))?;
        if let Some(note) = &self.note {
            canvas.draw_text(note, &centred(LABEL, GREY, HPos::Left), (MARGIN, bottom + 2 * ROW + ROW / 2))?;
        }
        Ok(())
    }

    fn draw_bar(&self, canvas: &Canvas, bar: &Bar, middle: i32) -> Result<()> {
        let (zero, end) = (self.x(0.0), self.x(bar.length));
        let corners = [(zero.min(end), middle - THICK / 2), (zero.max(end), middle + THICK / 2)];
        canvas.draw(&Rectangle::new(corners, BLUE.filled()))?;
        let (anchor, at) = if bar.length < 0.0 { (HPos::Right, end - GAP) } else { (HPos::Left, end + GAP) };
        canvas.draw_text(&bar.value, &centred(LABEL, DARK, anchor), (at, middle))?;
        let names = MARGIN + widest(self.bars.iter().map(|bar| &bar.name), LABEL);
        canvas.draw_text(&bar.name, &centred(LABEL, DARK, HPos::Right), (names, middle))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::canvas::{ODD, says, sound};
    use super::*;

    #[test]
    fn bars_and_their_values_are_named() {
        let rows = [("GRU", 0.8731), ("самый частый <класс>", 0.5)];
        let draw = || bars("Верность", "share of the test part", &rows).unwrap();
        let svg = draw();
        let texts =
            ["Верность", "share of the test part", "GRU", "0.8731", "самый частый &lt;класс&gt;", "0.5000", "0.4"];
        for text in texts {
            assert!(says(&svg, text), "{text}");
        }
        assert!(sound(&svg) && svg == draw());
    }

    #[test]
    fn any_values_give_a_picture() {
        let odd = ODD.map(|value| ("odd", value));
        let cases: [&[(&str, f64)]; 6] =
            [&[], &[("", 0.0)], &[("", -3.0)], &[("", f64::NAN)], &[("", -1e299), ("", 1e299)], &odd];
        for rows in cases {
            assert!(sound(&bars("", "", rows).unwrap()), "{rows:?}");
        }
    }

    #[test]
    fn what_is_no_number_is_said_to_be_none() {
        assert!(says(&bars("", "", &[("a", f64::NAN), ("b", 1.0)]).unwrap(), "no number"));
    }

    #[test]
    fn too_many_bars_are_cut_and_the_picture_says_so() {
        let svg = bars("", "", &[("bar", 1.0); 57]).unwrap();
        assert!(says(&svg, "Shown are the first 40 of 57 rows."));
        assert_eq!(svg.matches("\nbar\n").count(), MOST);
    }

    #[test]
    fn names_and_values_of_any_length_leave_room_for_the_bars() {
        let name = "a rather long name of a score ".repeat(9);
        assert!(sound(&bars(&name, &name, &[(&name, -1e-9), (&name, 1e9)]).unwrap()));
    }
}
