//! Heat maps: tables of shades with labeled rows and columns.

use anyhow::Result;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::canvas::{
    BELOW_TITLE, Canvas, DARK, GRAY, GRID, LABEL, MARGIN, PIXEL, ROW, TITLE, WIDTH, centered_style, draw_title, svg,
    text_width, truncated, widest,
};

/// The maximum width of a label.
const NAME: i32 = 150 * PIXEL;
/// The distance between labels and cells.
pub const GAP: i32 = 6 * PIXEL;
/// The minimum width of a heat map.
const NARROW: i32 = 300 * PIXEL;
/// The line height in a cell, relative to the text size.
const LEADING: f64 = 1.2;
/// The shades of 0, 0.5 and 1, with decreasing luminance.
const SHADES: [RGBColor; 3] = [WHITE, RGBColor(0x62, 0xAE, 0xDB), RGBColor(0x08, 0x2B, 0x5C)];

/// A heat map. The layout from the top: title, name and labels of the columns, rows, legend, notes.
pub struct HeatMap<'a> {
    pub title: &'a str,
    /// The columns, with labels along the top.
    pub columns: Side<'a>,
    /// The rows, with labels at the left.
    pub rows: Side<'a>,
    /// The width and height of a cell, in canvas units.
    pub cell: (i32, i32),
    /// `[row][column]`.
    pub cells: Vec<Vec<Cell>>,
    /// The text size in the cells.
    pub text_size: i32,
    /// The name of the values, and the label of the darkest shade.
    pub legend: Option<(&'a str, String)>,
    pub notes: Vec<String>,
}

pub struct Side<'a> {
    name: &'a str,
    labels: Vec<String>,
}

pub struct Cell {
    /// The shade, from 0 to 1; a cell without one is crossed out.
    pub shade: Option<f64>,
    /// The lines of text in the cell.
    pub lines: Vec<String>,
}

/// The positions of the parts, in canvas units.
struct Layout {
    width: i32,
    height: i32,
    left: i32,
    top: i32,
    bottom: i32,
    right: i32,
    /// Whether the labels of the columns are vertical.
    vertical: bool,
}

impl<'a> Side<'a> {
    pub fn new(name: &'a str, labels: &[String]) -> Self {
        Side { name, labels: labels.iter().map(|label| truncated(label, NAME, LABEL)).collect() }
    }

    /// The width of the longest label, with a reserve for wide Cyrillic fonts.
    pub fn width(&self) -> i32 {
        widest(&self.labels, LABEL) * 9 / 8
    }
}

impl HeatMap<'_> {
    pub fn svg(&self) -> Result<String> {
        let layout = self.layout();
        svg(layout.width, layout.height, |canvas| self.draw(canvas, &layout))
    }

    fn layout(&self) -> Layout {
        let names = self.columns.width();
        let vertical = names > self.cell.0 - GAP;
        let left = MARGIN + ROW + GAP + self.rows.width() + GAP;
        let top = BELOW_TITLE + ROW + if vertical { names } else { ROW } + GAP;
        let right = left + self.cell.0 * self.columns.labels.len() as i32;
        let bottom = top + self.cell.1 * self.rows.labels.len() as i32;
        let text = text_width(self.title, TITLE).max(widest(&self.notes, LABEL)).min(WIDTH - 2 * MARGIN);
        let footer_rows = self.notes.len() as i32 + i32::from(self.legend.is_some());
        Layout {
            width: (right + MARGIN).max(text + 2 * MARGIN).max(NARROW),
            height: bottom + GAP + footer_rows * ROW + MARGIN,
            left,
            top,
            bottom,
            right,
            vertical,
        }
    }

    fn draw(&self, canvas: &Canvas, layout: &Layout) -> Result<()> {
        draw_title(canvas, self.title, layout.width)?;
        self.draw_labels(canvas, layout)?;
        self.draw_cells(canvas, layout)?;
        self.draw_footer(canvas, layout)
    }

    fn draw_labels(&self, canvas: &Canvas, layout: &Layout) -> Result<()> {
        let &Layout { left, top, right, bottom, vertical, .. } = layout;
        let side = centered_style(LABEL, GRAY, HPos::Center);
        canvas.draw_text(self.columns.name, &side, ((left + right) / 2, BELOW_TITLE + ROW / 2))?;
        let side = side.transform(FontTransform::Rotate270);
        canvas.draw_text(self.rows.name, &side, (MARGIN + ROW / 2, (top + bottom) / 2))?;
        let column = match vertical {
            true => centered_style(LABEL, DARK, HPos::Left).transform(FontTransform::Rotate270),
            false => centered_style(LABEL, DARK, HPos::Center),
        };
        let above = top - if vertical { GAP } else { ROW / 2 };
        for (label, x) in self.columns.labels.iter().zip((left..right).step_by(self.cell.0 as usize)) {
            canvas.draw_text(label, &column, (x + self.cell.0 / 2, above))?;
        }
        let row = centered_style(LABEL, DARK, HPos::Right);
        for (label, y) in self.rows.labels.iter().zip((top..bottom).step_by(self.cell.1 as usize)) {
            canvas.draw_text(label, &row, (left - GAP, y + self.cell.1 / 2))?;
        }
        Ok(())
    }

    /// Draws the cells, with a line of the background between them.
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
        let color = cell.shade.map_or(WHITE, shade);
        canvas.draw(&Rectangle::new([from, to], color.filled()))?;
        if cell.shade.is_none() {
            canvas.draw(&PathElement::new([from, to], GRAY.stroke_width(PIXEL as u32)))?;
        }
        let leading = (f64::from(self.text_size) * LEADING) as i32;
        let first = y + (PIXEL + height - leading * (cell.lines.len() as i32 - 1)) / 2;
        let style = centered_style(self.text_size, ink(color), HPos::Center);
        for (line, y) in cell.lines.iter().zip((first..).step_by(leading as usize)) {
            canvas.draw_text(line, &style, (x + (PIXEL + width) / 2, y))?;
        }
        Ok(())
    }

    fn draw_footer(&self, canvas: &Canvas, layout: &Layout) -> Result<()> {
        let mut y = layout.bottom + GAP + ROW / 2 + PIXEL;
        if let Some((name, darkest)) = &self.legend {
            draw_shades(canvas, name, darkest, y)?;
            y += ROW;
        }
        for note in &self.notes {
            let note = truncated(note, layout.width - 2 * MARGIN, LABEL);
            canvas.draw_text(&note, &centered_style(LABEL, GRAY, HPos::Left), (MARGIN, y))?;
            y += ROW;
        }
        Ok(())
    }
}

/// Draws the legend: all shades in a row, from 0 to the label of the darkest.
fn draw_shades(canvas: &Canvas, name: &str, darkest: &str, middle: i32) -> Result<()> {
    const STEPS: i32 = 20;
    let (step, half) = (6 * PIXEL, 5 * PIXEL);
    let style = centered_style(LABEL, GRAY, HPos::Left);
    let before = if name.is_empty() { "0".to_string() } else { format!("{name}: 0") };
    canvas.draw_text(&before, &style, (MARGIN, middle))?;
    let left = MARGIN + text_width(&before, LABEL) + GAP;
    for i in 0..STEPS {
        let corners = [(left + i * step, middle - half), (left + (i + 1) * step, middle + half)];
        canvas.draw(&Rectangle::new(corners, shade(f64::from(i) / f64::from(STEPS - 1)).filled()))?;
    }
    let right = left + STEPS * step;
    canvas.draw(&Rectangle::new([(left, middle - half), (right, middle + half)], GRID.stroke_width(PIXEL as u32)))?;
    canvas.draw_text(darkest, &style, (right + GAP, middle))?;
    Ok(())
}

/// The color of a fraction from 0 to 1.
pub fn shade(fraction: f64) -> RGBColor {
    let position = fraction.clamp(0.0, 1.0) * 2.0;
    let lower = if position < 1.0 { 0 } else { 1 };
    let [from, to] = [SHADES[lower], SHADES[lower + 1]];
    let mix = |from: u8, to: u8| {
        (f64::from(from) + (f64::from(to) - f64::from(from)) * (position - lower as f64)).round() as u8
    };
    RGBColor(mix(from.0, to.0), mix(from.1, to.1), mix(from.2, to.2))
}

/// The text color, black or white, with the higher contrast.
fn ink(color: RGBColor) -> RGBColor {
    if contrast(color, WHITE) > contrast(color, BLACK) { WHITE } else { BLACK }
}

/// The contrast ratio of two colors, from 1 to 21 (Web Content Accessibility Guidelines).
fn contrast(a: RGBColor, b: RGBColor) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn luminance(color: RGBColor) -> f64 {
    let linear = |part: u8| {
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(color.0) + 0.7152 * linear(color.1) + 0.0722 * linear(color.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn larger_fractions_are_darker() {
        let shades = (0..=100).map(|percent| luminance(shade(f64::from(percent) / 100.0)));
        assert!(shades.collect::<Vec<_>>().is_sorted_by(|lighter, darker| lighter > darker));
    }

    #[test]
    fn text_has_contrast_on_all_shades() {
        for percent in 0..=100 {
            let color = shade(f64::from(percent) / 100.0);
            assert!(contrast(color, ink(color)) > 4.5, "{percent}");
        }
    }
}
