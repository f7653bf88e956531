//! Curves on two axes.

use anyhow::Result;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::axis::{Axis, RIGHT, Scale};
use super::canvas::{
    BELOW_TITLE, Canvas, DARK, GRAY, GRID, LABEL, MARGIN, PIXEL, ROW, WIDTH, centered_style, draw_title, is_drawable,
    svg, text_style, text_width, truncated,
};

/// The height of a wide chart.
const HEIGHT: i32 = 480 * PIXEL;
/// The width of a chart with a square plot area.
const NARROW: i32 = 600 * PIXEL;
/// The maximum number of rows of the legend; further entries are left out.
const LEGEND_ROWS: i32 = 6;
/// The length of the sample line before a name of the legend.
const SAMPLE: i32 = 24 * PIXEL;
/// The distance between sample line and name.
const GAP: i32 = 8 * PIXEL;

/// Consecutive points of a line without a gap.
pub type Segment = Vec<(f64, f64)>;

/// The segments of a line through `values`, numbered from `first`.
pub fn segments(values: &[f64], first: usize, scale: Scale) -> Vec<Segment> {
    let points = thinned(values, (WIDTH / PIXEL) as usize);
    let coordinates = |(row, value)| ((row + first) as f64, scale.coordinate(value));
    split_at_gaps(points.into_iter().map(|point| point.map(coordinates)))
}

/// The points, split where one is missing.
pub fn split_at_gaps(points: impl Iterator<Item = Option<(f64, f64)>>) -> Vec<Segment> {
    let points: Vec<_> = points.collect();
    let split_at_gaps = points.split(Option::is_none).filter(|run| !run.is_empty());
    split_at_gaps.map(|run| run.iter().flatten().copied().collect()).collect()
}

/// A gray diagonal from (0, 0) to (1, 1), for reference.
pub fn diagonal(name: &str) -> Curve<'_> {
    let style = GRAY.stroke_width(PIXEL as u32);
    Curve { name, segments: vec![vec![(0.0, 0.0), (1.0, 1.0)]], style, dots: Vec::new() }
}

/// `value` if it is in [0, 1], up to rounding errors.
pub fn fraction(value: f64) -> Option<f64> {
    (-1e-6..=1.0 + 1e-6).contains(&value).then(|| value.clamp(0.0, 1.0))
}

/// The smallest and the largest value of each of at most `columns` equal chunks, in the order of their rows; `None` for a
/// chunk without a drawable value.
///
/// In a long series a chunk is about one column of pixels, which the line covers from the smallest to the largest value
/// anyway, so the plot looks the same and the file does not grow with the series. In a short series a chunk is one row, so
/// that all points and gaps are kept.
fn thinned(values: &[f64], columns: usize) -> Vec<Option<(usize, f64)>> {
    let points: Vec<_> = values.iter().copied().enumerate().collect();
    let chunks = points.chunks(values.len().div_ceil(columns).max(1));
    let mut kept: Vec<_> = chunks.flat_map(chunk_extremes).collect();
    kept.dedup();
    kept
}

fn chunk_extremes(chunk: &[(usize, f64)]) -> [Option<(usize, f64)>; 2] {
    let points = || chunk.iter().copied().filter(|point| is_drawable(point.1));
    let by_value = |a: &(usize, f64), b: &(usize, f64)| a.1.total_cmp(&b.1);
    let mut pair = [points().min_by(by_value), points().max_by(by_value)];
    pair.sort_by_key(|point| point.map(|(row, _)| row));
    pair
}

pub struct Curve<'a> {
    pub name: &'a str,
    pub segments: Vec<Segment>,
    pub style: ShapeStyle,
    pub dots: Vec<Dot>,
}

/// A shaded area.
pub struct Band<'a> {
    pub name: &'a str,
    /// The outline of each part.
    pub segments: Vec<Segment>,
    pub style: ShapeStyle,
}

/// A dot on a curve.
pub struct Dot {
    pub point: (f64, f64),
    /// In canvas units.
    pub radius: i32,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Shape {
    /// A wide plot area, as for time series.
    Wide,
    /// A square plot area, for two axes with the same range.
    Square,
}

/// A chart. The layout from the top: title, legend, label of the mark, plot area, x axis.
pub struct Chart<'a> {
    pub title: &'a str,
    pub shape: Shape,
    pub x: Axis,
    pub y: Axis,
    pub curves: Vec<Curve<'a>>,
    /// The epoch to mark with a vertical line.
    pub mark: Option<usize>,
}

/// An entry of a legend.
pub struct Entry {
    name: String,
    at: (i32, i32),
    style: ShapeStyle,
}

type Plot<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<&'a Axis, &'a Axis>>;

impl Chart<'_> {
    pub fn svg(&self) -> Result<String> {
        self.svg_with_bands(&[])
    }

    /// The chart with bands behind its curves, the first of them behind the others.
    pub fn svg_with_bands(&self, bands: &[Band]) -> Result<String> {
        let (legend, top) = self.legend(bands);
        let top = top + ROW + 4 * PIXEL;
        svg(self.width(), self.height(top), |canvas| self.draw(canvas, (&legend, top), bands))
    }

    fn width(&self) -> i32 {
        match self.shape {
            Shape::Wide => WIDTH,
            Shape::Square => NARROW,
        }
    }

    /// The height of the chart if the plot area begins at `top`.
    fn height(&self, top: i32) -> i32 {
        match self.shape {
            Shape::Wide => HEIGHT,
            Shape::Square => top + (NARROW - RIGHT - self.y.label_width()) + self.x_axis_height() + MARGIN,
        }
    }

    /// The height of labels and name of the x axis.
    fn x_axis_height(&self) -> i32 {
        if self.x.name.is_empty() { 2 * LABEL } else { 4 * LABEL }
    }

    fn draw(&self, canvas: &Canvas, (legend, top): (&[Entry], i32), bands: &[Band]) -> Result<()> {
        draw_title(canvas, self.title, self.width())?;
        draw_legend(canvas, legend)?;
        let mut plot = ChartBuilder::on(canvas)
            .margin_top(top)
            .margin_right(RIGHT)
            .margin_bottom(MARGIN)
            .x_label_area_size(self.x_axis_height())
            .margin_left(MARGIN)
            .y_label_area_size(self.y.label_width() - MARGIN)
            .build_cartesian_2d(&self.x, &self.y)?;
        self.draw_axes(&mut plot)?;
        self.draw_mark(canvas, &plot)?;
        for band in bands {
            for segment in &band.segments {
                plot.plotting_area().draw(&Polygon::new(segment.as_slice(), band.style))?;
            }
        }
        self.draw_curves(&plot)
    }

    /// The entries of the legend, and the y coordinate below them.
    fn legend(&self, bands: &[Band]) -> (Vec<Entry>, i32) {
        let curves = self.curves.iter().map(|curve| (curve.name, curve.style));
        let bands = bands.iter().map(|band| (band.name, band.style.stroke_width(10 * PIXEL as u32)));
        legend(curves.chain(bands), self.width(), self.max_name_width())
    }

    /// The maximum width of a name; a wide chart has space for three in a row.
    fn max_name_width(&self) -> i32 {
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
            .axis_style(GRAY.stroke_width(PIXEL as u32))
            .set_all_tick_mark_size(4 * PIXEL)
            .label_style(text_style(LABEL, GRAY))
            .axis_desc_style(text_style(LABEL, DARK))
            .x_desc(&self.x.name)
            .y_desc(truncated(&self.y.name, height as i32, LABEL))
            .draw()?;
        Ok(())
    }

    /// Draws the curves in reverse order, so that the first is on top. A point between two gaps is drawn as a dot.
    fn draw_curves(&self, plot: &Plot) -> Result<()> {
        let area = plot.plotting_area();
        for curve in self.curves.iter().rev() {
            for segment in &curve.segments {
                match segment[..] {
                    [point] if curve.dots.is_empty() => {
                        area.draw(&Circle::new(point, 3 * PIXEL, curve.style.filled()))?;
                    }
                    _ => area.draw(&PathElement::new(segment.as_slice(), curve.style))?,
                }
            }
            for dot in &curve.dots {
                area.draw(&Circle::new(dot.point, dot.radius, curve.style.filled()))?;
            }
        }
        Ok(())
    }

    /// Draws a vertical line through the plot area, with its label above.
    fn draw_mark(&self, canvas: &Canvas, plot: &Plot) -> Result<()> {
        let Some(epoch) = self.mark else {
            return Ok(());
        };
        let label = format!("best epoch: {epoch}");
        let (x, bottom) = plot.backend_coord(&(epoch as f64, self.y.from));
        let (_, top) = plot.backend_coord(&(epoch as f64, self.y.to));
        let half = text_width(&label, LABEL) / 2;
        let middle = x.clamp(self.y.label_width() + half, self.width() - MARGIN - half);
        canvas.draw_text(&label, &centered_style(LABEL, DARK, HPos::Center), (middle, top - ROW / 2))?;
        canvas.draw(&PathElement::new([(x, top), (x, bottom)], GRAY.stroke_width(PIXEL as u32)))?;
        Ok(())
    }
}

/// The entries of a legend, in rows from left to right, and the y coordinate below them.
pub fn legend<'a>(
    names: impl Iterator<Item = (&'a str, ShapeStyle)>,
    width: i32,
    max_name_width: i32,
) -> (Vec<Entry>, i32) {
    let mut entries = Vec::new();
    let (mut x, mut y) = (MARGIN, BELOW_TITLE);
    for (name, style) in names {
        let name = truncated(name, max_name_width, LABEL);
        let entry_width = SAMPLE + GAP + text_width(&name, LABEL);
        if x > MARGIN && x + entry_width > width - MARGIN {
            (x, y) = (MARGIN, y + ROW);
        }
        if y >= BELOW_TITLE + LEGEND_ROWS * ROW {
            return (entries, y);
        }
        entries.push(Entry { name, at: (x, y), style });
        x += entry_width + 3 * GAP;
    }
    (entries, y + ROW)
}

pub fn draw_legend(canvas: &Canvas, legend: &[Entry]) -> Result<()> {
    for Entry { name, at: (x, y), style } in legend {
        // On the middle of a pixel, so that a thin line is sharp.
        let middle = y + ROW / 2 + PIXEL / 2;
        canvas.draw(&PathElement::new([(*x, middle), (x + SAMPLE, middle)], *style))?;
        canvas.draw_text(name, &centered_style(LABEL, DARK, HPos::Left), (x + SAMPLE + GAP, middle))?;
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
    fn values_that_are_not_finite_leave_gaps() {
        let values = [1.0, 2.0, f64::NAN, 3.0, f64::INFINITY, 4.0, 5.0, 6.0];
        let found = segments(&values, 1, Scale::Linear);
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
