//! A table of shades, with the names of its columns along the top and those of its rows down the side.

use anyhow::Result;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::canvas::{
    BELOW_TITLE, Canvas, DARK, GREY, GRID, LABEL, MARGIN, PIXEL, ROW, TITLE, WIDTH, centred, draw_title, fitted, svg,
    text_width, widest,
};

/// The most room a name has.
const NAME: i32 = 150 * PIXEL;
/// Between a name and the cells.
pub const GAP: i32 = 6 * PIXEL;
/// The narrowest picture.
const NARROW: i32 = 300 * PIXEL;
/// Between the lines of text in a cell, in shares of the size of its letters.
const LEADING: f64 = 1.2;
/// The shade of nothing, of a half and of everything: each is darker than the last for every reader, and in print.
const SHADES: [RGBColor; 3] = [WHITE, RGBColor(0x62, 0xAE, 0xDB), RGBColor(0x08, 0x2B, 0x5C)];

/// A picture from the top: title, name of the columns, names of each, then the rows, legend and notes.
pub struct HeatMap<'a> {
    pub title: &'a str,
    /// What runs along the top, and the name of each column.
    pub columns: Side<'a>,
    /// What runs down the left side, and the name of each row.
    pub rows: Side<'a>,
    /// The width and the height of a cell, in canvas units.
    pub cell: (i32, i32),
    /// Row by row.
    pub cells: Vec<Vec<Cell>>,
    /// The size of the letters in the cells.
    pub letters: i32,
    /// The name of the shades, and what the darkest stands for.
    pub legend: Option<(&'a str, String)>,
    pub notes: Vec<String>,
}

pub struct Side<'a> {
    name: &'a str,
    labels: Vec<String>,
}

pub struct Cell {
    /// From 0 to 1. A cell without a shade is crossed out.
    pub shade: Option<f64>,
    /// Its lines of text.
    pub lines: Vec<String>,
}

/// Where everything is, in canvas units.
struct Layout {
    width: i32,
    height: i32,
    left: i32,
    top: i32,
    bottom: i32,
    right: i32,
    /// Whether the names of the columns stand upright.
    upright: bool,
}

impl<'a> Side<'a> {
    pub fn new(name: &'a str, labels: &[String]) -> Self {
        Side { name, labels: labels.iter().map(|label| fitted(label, NAME, LABEL)).collect() }
    }

    /// What the longest name needs. Some fonts have Cyrillic letters that are wider than [`widest`] reckons.
    pub fn room(&self) -> i32 {
        widest(&self.labels, LABEL) * 9 / 8
    }
}

impl HeatMap<'_> {
    pub fn svg(&self) -> Result<String> {
        let layout = self.layout();
        svg(layout.width, layout.height, |canvas| self.draw(canvas, &layout))
    }

    fn layout(&self) -> Layout {
        let names = self.columns.room();
        let upright = names > self.cell.0 - GAP;
        let left = MARGIN + ROW + GAP + self.rows.room() + GAP;
        let top = BELOW_TITLE + ROW + if upright { names } else { ROW } + GAP;
        let right = left + self.cell.0 * self.columns.labels.len() as i32;
        let bottom = top + self.cell.1 * self.rows.labels.len() as i32;
        let text = text_width(self.title, TITLE).max(widest(&self.notes, LABEL)).min(WIDTH - 2 * MARGIN);
        let feet = self.notes.len() as i32 + i32::from(self.legend.is_some());
        Layout {
            width: (right + MARGIN).max(text + 2 * MARGIN).max(NARROW),
            height: bottom + GAP + feet * ROW + MARGIN,
            left,
            top,
            bottom,
            right,
            upright,
        }
    }

    fn draw(&self, canvas: &Canvas, layout: &Layout) -> Result<()> {
        draw_title(canvas, self.title, layout.width)?;
        self.draw_names(canvas, layout)?;
        self.draw_cells(canvas, layout)?;
        self.draw_feet(canvas, layout)
    }

    fn draw_names(&self, canvas: &Canvas, layout: &Layout) -> Result<()> {
        let &Layout { left, top, right, bottom, upright, .. } = layout;
        let side = centred(LABEL, GREY, HPos::Center);
        canvas.draw_text(self.columns.name, &side, ((left + right) / 2, BELOW_TITLE + ROW / 2))?;
        let side = side.transform(FontTransform::Rotate270);
        canvas.draw_text(self.rows.name, &side, (MARGIN + ROW / 2, (top + bottom) / 2))?;
        let column = match upright {
            true => centred(LABEL, DARK, HPos::Left).transform(FontTransform::Rotate270),
            false => centred(LABEL, DARK, HPos::Center),
        };
        let above = top - if upright { GAP } else { ROW / 2 };
        for (label, x) in self.columns.labels.iter().zip((left..right).step_by(self.cell.0 as usize)) {
            canvas.draw_text(label, &column, (x + self.cell.0 / 2, above))?;
        }
        let row = centred(LABEL, DARK, HPos::Right);
        for (label, y) in self.rows.labels.iter().zip((top..bottom).step_by(self.cell.1 as usize)) {
            canvas.draw_text(label, &row, (left - GAP, y + self.cell.1 / 2))?;
        }
        Ok(())
    }

    /// Cells with a line of the background between them.
    fn draw_cells(&self, canvas: &Canvas, layout: &Layout) -> Result<()> {
        let &Layout { left, top, right, bottom, .. } = layout;
        let corner = (right + PIXEL, bottom + PIXEL);
        canvas.draw(&Rectangle::new([(left, top), corner], GRID.filled()))?;
        for (y, row) in (top..bottom).step_by(self.cell.1 as usize).zip(&self.cells) {
            for (x, cell) in (left..right).step_by(self.cell.0 as usize).zip(row) {
                self.draw_cell(canvas, (x, y), cell)?;
            }
        }
        Ok(())
    }

    fn draw_cell(&self, canvas: &Canvas, (x, y): (i32, i32), cell: &Cell) -> Result<()> {
        let (width, height) = self.cell;
        let (from, to) = ((x + PIXEL, y + PIXEL), (x + width, y + height));
        let colour = cell.shade.map_or(WHITE, shade);
        canvas.draw(&Rectangle::new([from, to], colour.filled()))?;
        if cell.shade.is_none() {
            canvas.draw(&PathElement::new([from, to], GREY.stroke_width(PIXEL as u32)))?;
        }
        let leading = (f64::from(self.letters) * LEADING) as i32;
        let first = y + (PIXEL + height - leading * (cell.lines.len() as i32 - 1)) / 2;
        let style = centred(self.letters, ink(colour), HPos::Center);
        for (line, y) in cell.lines.iter().zip((first..).step_by(leading as usize)) {
            canvas.draw_text(line, &style, (x + (PIXEL + width) / 2, y))?;
        }
        Ok(())
    }

    fn draw_feet(&self, canvas: &Canvas, layout: &Layout) -> Result<()> {
        let mut y = layout.bottom + GAP + ROW / 2 + PIXEL;
        if let Some((name, most)) = &self.legend {
            draw_shades(canvas, name, most, y)?;
            y += ROW;
        }
        for note in &self.notes {
            let note = fitted(note, layout.width - 2 * MARGIN, LABEL);
            canvas.draw_text(&note, &centred(LABEL, GREY, HPos::Left), (MARGIN, y))?;
            y += ROW;
        }
        Ok(())
    }
}

/// All shades in a row, with `name` before them and what they begin and end with.
fn draw_shades(canvas: &Canvas, name: &str, most: &str, middle: i32) -> Result<()> {
    const STEPS: i32 = 20;
    let (step, half) = (6 * PIXEL, 5 * PIXEL);
    let style = centred(LABEL, GREY, HPos::Left);
    let before = if name.is_empty() { "0".to_string() } else { format!("{name}: 0") };
    canvas.draw_text(&before, &style, (MARGIN, middle))?;
    let left = MARGIN + text_width(&before, LABEL) + GAP;
    for i in 0..STEPS {
        let corners = [(left + i * step, middle - half), (left + (i + 1) * step, middle + half)];
        canvas.draw(&Rectangle::new(corners, shade(f64::from(i) / f64::from(STEPS - 1)).filled()))?;
    }
    let right = left + STEPS * step;
    canvas.draw(&Rectangle::new([(left, middle - half), (right, middle + half)], GRID.stroke_width(PIXEL as u32)))?;
    canvas.draw_text(most, &style, (right + GAP, middle))?;
    Ok(())
}

/// The colour of `share`, which is from 0 to 1.
fn shade(share: f64) -> RGBColor {
    let place = share.clamp(0.0, 1.0) * 2.0;
    let lower = if place < 1.0 { 0 } else { 1 };
    let [from, to] = [SHADES[lower], SHADES[lower + 1]];
    let mix =
        |from: u8, to: u8| (f64::from(from) + (f64::from(to) - f64::from(from)) * (place - lower as f64)).round() as u8;
    RGBColor(mix(from.0, to.0), mix(from.1, to.1), mix(from.2, to.2))
}

/// The letters that stand out more from `colour`.
fn ink(colour: RGBColor) -> RGBColor {
    if contrast(colour, WHITE) > contrast(colour, BLACK) { WHITE } else { BLACK }
}

/// How far two colours are apart, from 1 to 21, as the Web Content Accessibility Guidelines reckon.
fn contrast(a: RGBColor, b: RGBColor) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn luminance(colour: RGBColor) -> f64 {
    let linear = |part: u8| {
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(colour.0) + 0.7152 * linear(colour.1) + 0.0722 * linear(colour.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_is_darker() {
        let shades = (0..=100).map(|share| luminance(shade(f64::from(share) / 100.0)));
        assert!(shades.collect::<Vec<_>>().is_sorted_by(|lighter, darker| lighter > darker));
    }

    #[test]
    fn text_stands_out_from_every_shade() {
        for share in 0..=100 {
            let colour = shade(f64::from(share) / 100.0);
            assert!(contrast(colour, ink(colour)) > 4.5, "{share}");
        }
    }
}
