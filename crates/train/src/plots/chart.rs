//! Curves between two axes, as one picture.

use anyhow::Result;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::axis::{Axis, RIGHT, Scale};
use super::canvas::{
    BELOW_TITLE, Canvas, DARK, GREY, GRID, LABEL, MARGIN, PIXEL, ROW, WIDTH, centred, draw_title, drawable, fitted,
    letters, svg, text_width,
};

/// Of a wide picture.
const HEIGHT: i32 = 480 * PIXEL;
/// Width of a picture with a square plot.
const NARROW: i32 = 600 * PIXEL;
/// Further rows of a legend are left out, so that there is always a plot below it.
const LEGEND_ROWS: i32 = 6;
/// Length of the piece of line before a name of the legend.
const SAMPLE: i32 = 24 * PIXEL;
/// Between that and the name.
const GAP: i32 = 8 * PIXEL;

/// The points of a line that follow each other without a gap.
pub type Piece = Vec<(f64, f64)>;

/// Where `values`, the first of which has the number `first`, lie in the plot.
pub fn pieces(values: &[f64], first: usize, scale: Scale) -> Vec<Piece> {
    let points = thinned(values, (WIDTH / PIXEL) as usize);
    let place = |(row, value)| ((row + first) as f64, scale.place(value));
    runs(points.into_iter().map(|point| point.map(place)))
}

/// The points, cut where one is missing.
pub fn runs(points: impl Iterator<Item = Option<(f64, f64)>>) -> Vec<Piece> {
    let points: Vec<_> = points.collect();
    let runs = points.split(Option::is_none).filter(|run| !run.is_empty());
    runs.map(|run| run.iter().flatten().copied().collect()).collect()
}

/// A straight grey line from nothing to everything, to compare the others with.
pub fn diagonal(name: &str) -> Curve<'_> {
    let style = GREY.stroke_width(PIXEL as u32);
    Curve { name, pieces: vec![vec![(0.0, 0.0), (1.0, 1.0)]], style, dots: Vec::new() }
}

/// `value` if it can be a share of a whole; a little beyond either end is an error of rounding.
pub fn share(value: f64) -> Option<f64> {
    (-1e-6..=1.0 + 1e-6).contains(&value).then(|| value.clamp(0.0, 1.0))
}

/// The least and the greatest value of each of at most `columns` equal stretches, in the order of their rows; `None`
/// for a stretch without a drawable value.
///
/// In a long series a stretch is about one column of pixels, which the line fills from the least value to the greatest
/// whatever lies between: the picture stays the same without the other points, and the file does not grow with the
/// series. In a short one a stretch is a single row, so that every point is kept and every gap is seen.
fn thinned(values: &[f64], columns: usize) -> Vec<Option<(usize, f64)>> {
    let points: Vec<_> = values.iter().copied().enumerate().collect();
    let stretches = points.chunks(values.len().div_ceil(columns).max(1));
    let mut kept: Vec<_> = stretches.flat_map(outermost).collect();
    kept.dedup();
    kept
}

fn outermost(stretch: &[(usize, f64)]) -> [Option<(usize, f64)>; 2] {
    let points = || stretch.iter().copied().filter(|point| drawable(point.1));
    let by_value = |a: &(usize, f64), b: &(usize, f64)| a.1.total_cmp(&b.1);
    let mut pair = [points().min_by(by_value), points().max_by(by_value)];
    pair.sort_by_key(|point| point.map(|(row, _)| row));
    pair
}

pub struct Curve<'a> {
    pub name: &'a str,
    pub pieces: Vec<Piece>,
    pub style: ShapeStyle,
    pub dots: Vec<Dot>,
}

/// A point that is drawn as such, not only as the corner of a line.
pub struct Dot {
    pub place: (f64, f64),
    /// In canvas units.
    pub radius: i32,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Shape {
    /// Time goes from left to right.
    Wide,
    /// Both axes show the same quantity, so the diagonal has to be one.
    Square,
}

/// A whole picture, laid out from the top: title, legend, label of the mark, plot, axis. The legend has rows of its own
/// and so never hides a line.
pub struct Chart<'a> {
    pub title: &'a str,
    pub shape: Shape,
    pub x: Axis,
    pub y: Axis,
    pub curves: Vec<Curve<'a>>,
    /// The epoch to mark.
    pub mark: Option<usize>,
}

/// Where a name of the legend begins, and the line that it is the name of.
struct Entry {
    name: String,
    at: (i32, i32),
    style: ShapeStyle,
}

type Plot<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<&'a Axis, &'a Axis>>;

impl Chart<'_> {
    pub fn svg(&self) -> Result<String> {
        let (legend, top) = self.legend();
        let top = top + ROW + 4 * PIXEL;
        svg(self.width(), self.height(top), |canvas| self.draw(canvas, &legend, top))
    }

    fn width(&self) -> i32 {
        match self.shape {
            Shape::Wide => WIDTH,
            Shape::Square => NARROW,
        }
    }

    /// Of a picture whose plot begins at `top`.
    fn height(&self, top: i32) -> i32 {
        match self.shape {
            Shape::Wide => HEIGHT,
            Shape::Square => top + (NARROW - RIGHT - self.y.room()) + self.below() + MARGIN,
        }
    }

    /// The height that the labels and the name of the lower axis take.
    fn below(&self) -> i32 {
        if self.x.name.is_empty() { 2 * LABEL } else { 4 * LABEL }
    }

    fn draw(&self, canvas: &Canvas, legend: &[Entry], top: i32) -> Result<()> {
        draw_title(canvas, self.title, self.width())?;
        draw_legend(canvas, legend)?;
        let mut plot = ChartBuilder::on(canvas)
            .margin_top(top)
            .margin_right(RIGHT)
            .margin_bottom(MARGIN)
            .x_label_area_size(self.below())
            .margin_left(MARGIN)
            .y_label_area_size(self.y.room() - MARGIN)
            .build_cartesian_2d(&self.x, &self.y)?;
        self.draw_axes(&mut plot)?;
        self.draw_mark(canvas, &plot)?;
        self.draw_curves(&plot)
    }

    /// The names from left to right, in as many rows as they need, and where the rows end.
    fn legend(&self) -> (Vec<Entry>, i32) {
        let mut entries = Vec::new();
        let (mut x, mut y) = (MARGIN, BELOW_TITLE);
        for curve in &self.curves {
            let name = fitted(curve.name, self.longest_name(), LABEL);
            let width = SAMPLE + GAP + text_width(&name, LABEL);
            if x > MARGIN && x + width > self.width() - MARGIN {
                (x, y) = (MARGIN, y + ROW);
            }
            if y >= BELOW_TITLE + LEGEND_ROWS * ROW {
                return (entries, y);
            }
            entries.push(Entry { name, at: (x, y), style: curve.style });
            x += width + 3 * GAP;
        }
        (entries, y + ROW)
    }

    /// A wide picture has room for three beside each other.
    fn longest_name(&self) -> i32 {
        match self.shape {
            Shape::Wide => WIDTH / 3,
            Shape::Square => NARROW - 2 * MARGIN - SAMPLE - GAP,
        }
    }

    fn draw_axes(&self, plot: &mut Plot) -> Result<()> {
        let (_, height) = plot.plotting_area().dim_in_pixel();
        plot.configure_mesh()
            .bold_line_style(GRID.stroke_width(PIXEL as u32))
            .light_line_style(TRANSPARENT)
            .axis_style(GREY.stroke_width(PIXEL as u32))
            .set_all_tick_mark_size(4 * PIXEL)
            .label_style(letters(LABEL, GREY))
            .axis_desc_style(letters(LABEL, DARK))
            .x_desc(&self.x.name)
            .y_desc(fitted(&self.y.name, height as i32, LABEL))
            .draw()?;
        Ok(())
    }

    /// From the last to the first, so that the first lies on top. A point between two gaps is no line, and is drawn as
    /// a dot.
    fn draw_curves(&self, plot: &Plot) -> Result<()> {
        let area = plot.plotting_area();
        for curve in self.curves.iter().rev() {
            for piece in &curve.pieces {
                match piece[..] {
                    [point] if curve.dots.is_empty() => {
                        area.draw(&Circle::new(point, 3 * PIXEL, curve.style.filled()))?;
                    }
                    _ => area.draw(&PathElement::new(piece.as_slice(), curve.style))?,
                }
            }
            for dot in &curve.dots {
                area.draw(&Circle::new(dot.place, dot.radius, curve.style.filled()))?;
            }
        }
        Ok(())
    }

    /// A line from the bottom of the plot to the top, and its label above the plot, where there are no data.
    fn draw_mark(&self, canvas: &Canvas, plot: &Plot) -> Result<()> {
        let Some(epoch) = self.mark else {
            return Ok(());
        };
        let label = format!("best epoch: {epoch}");
        let (x, bottom) = plot.backend_coord(&(epoch as f64, self.y.from));
        let (_, top) = plot.backend_coord(&(epoch as f64, self.y.to));
        let half = text_width(&label, LABEL) / 2;
        let middle = x.clamp(self.y.room() + half, self.width() - MARGIN - half);
        canvas.draw_text(&label, &centred(LABEL, DARK, HPos::Center), (middle, top - ROW / 2))?;
        canvas.draw(&PathElement::new([(x, top), (x, bottom)], GREY.stroke_width(PIXEL as u32)))?;
        Ok(())
    }
}

fn draw_legend(canvas: &Canvas, legend: &[Entry]) -> Result<()> {
    for Entry { name, at: (x, y), style } in legend {
        // On the middle of a pixel, where a thin sample is sharp.
        let middle = y + ROW / 2 + PIXEL / 2;
        canvas.draw(&PathElement::new([(*x, middle), (x + SAMPLE, middle)], *style))?;
        canvas.draw_text(name, &centred(LABEL, DARK, HPos::Left), (x + SAMPLE + GAP, middle))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(count: usize) -> Vec<f64> {
        (0..count).map(|row| (row as f64 * 1.7).sin()).collect()
    }

    #[test]
    fn what_is_no_number_leaves_a_gap() {
        let values = [1.0, 2.0, f64::NAN, 3.0, f64::INFINITY, 4.0, 5.0, 6.0];
        let found = pieces(&values, 1, Scale::Linear);
        let expected = [vec![(1.0, 1.0), (2.0, 2.0)], vec![(4.0, 3.0)], vec![(6.0, 4.0), (7.0, 5.0), (8.0, 6.0)]];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_long_series_keeps_its_extremes_and_its_gaps() {
        let mut values = wave(5000);
        values[1234] = 99.0;
        values[4321] = -99.0;
        values[2000..2100].fill(f64::NAN);
        let points = thinned(&values, 960);
        assert!(points.len() <= 2 * 960);
        assert!(points.contains(&Some((1234, 99.0))) && points.contains(&Some((4321, -99.0))));
        assert_eq!(points.split(Option::is_none).count(), 2);
        assert!(points.iter().flatten().is_sorted_by_key(|(row, _)| row));
    }
}
