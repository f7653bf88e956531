//! Pictures of a training run, as the text of an SVG file: [`loss_curves`], and predictions [`over_time`].
//!
//! A picture needs nothing beside itself: no script, no style sheet, no font file. The same numbers always give the
//! same text. Nothing here writes a file, and no number is too odd to draw: NaN and infinities leave a gap in the line,
//! and a series of none, one or equal values has its axes all the same.
//!
//! The data's way: values → `Scale` → `Axis` and the pieces of each `Curve` → `Chart` → SVG.

use std::iter;
use std::ops::Range;

use anyhow::Result;
use plotters::coord::Shift;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, ValueFormatter};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// One line of a chart.
pub struct Line<'a> {
    /// What the legend calls it.
    pub name: &'a str,
    /// One value a row, in the order of the rows.
    pub values: &'a [f64],
}

/// Training and validation loss by epoch, the first epoch being 1.
///
/// The best epoch, if it is one of those drawn, is marked with a labelled vertical line. The axis of the loss is
/// logarithmic when all losses are positive and the largest is more than 50 times the smallest.
pub fn loss_curves(title: &str, train: &[f64], valid: &[f64], best_epoch: Option<usize>) -> Result<String> {
    let scale = Scale::of_losses(train, valid);
    let epochs = train.len().max(valid.len());
    let curve = |name, values, colour: RGBColor| Curve {
        name,
        pieces: pieces(values, 1, scale),
        style: colour.stroke_width(2 * PIXEL as u32),
    };
    let chart = Chart {
        title,
        x: Axis::epochs(epochs),
        y: Axis::values("loss", [train, valid], scale),
        curves: vec![curve("training", train, SKY_BLUE), curve("validation", valid, VERMILION)],
        mark: best_epoch.filter(|epoch| (1..=epochs).contains(epoch)),
    };
    chart.svg()
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
    });
    let chart = Chart { title, x: Axis::rows(labels, rows, y.room()), y, curves: curves.collect(), mark: None };
    chart.svg()
}

/// Canvas units in a pixel. Plotters rounds points to whole units, and a gentle slope in whole pixels would be a stair.
const PIXEL: i32 = 4;
const WIDTH: i32 = 960 * PIXEL;
const HEIGHT: i32 = 480 * PIXEL;
/// Between the picture's edge and what is drawn.
const MARGIN: i32 = 16 * PIXEL;
/// From the right end of the plot to the picture's edge: half of a date fits in.
const RIGHT: i32 = 32 * PIXEL;
/// Height of a line of text: one of the legend, or the label of the mark.
const ROW: i32 = 20 * PIXEL;
const LEGEND_TOP: i32 = MARGIN + 30 * PIXEL;
/// Further rows of a legend are left out, so that there is always a plot below it.
const LEGEND_ROWS: i32 = 6;

/// Tried in turn by whoever shows the picture.
const FONT: &str = "Helvetica, Arial, sans-serif";
const TITLE: i32 = 18 * PIXEL;
const LABEL: i32 = 13 * PIXEL;

const DARK: RGBColor = RGBColor(0x22, 0x22, 0x22);
const GREY: RGBColor = RGBColor(0x66, 0x66, 0x66);
const GRID: RGBColor = RGBColor(0xE6, 0xE6, 0xE6);
const VERMILION: RGBColor = RGBColor(0xD5, 0x5E, 0x00);
const SKY_BLUE: RGBColor = RGBColor(0x56, 0xB4, 0xE9);
/// The colours of Okabe and Ito, which colour-blind readers tell apart too, without the yellow that is lost on white.
const PALETTE: [RGBColor; 6] = [
    VERMILION,
    SKY_BLUE,
    RGBColor(0x00, 0x9E, 0x73),
    RGBColor(0xE6, 0x9F, 0x00),
    RGBColor(0xCC, 0x79, 0xA7),
    RGBColor(0x00, 0x72, 0xB2),
];

/// Whether `value` has a place in a picture. Beyond this bound the length of an axis would overflow.
fn drawable(value: f64) -> bool {
    value.abs() < 1e300
}

/// How a value becomes a height.
#[derive(Clone, Copy, PartialEq)]
enum Scale {
    Linear,
    Logarithmic,
}

impl Scale {
    fn of_losses(train: &[f64], valid: &[f64]) -> Self {
        match extremes([train, valid]) {
            Some((low, high)) if low > 0.0 && high / low > 50.0 => Scale::Logarithmic,
            _ => Scale::Linear,
        }
    }

    fn place(self, value: f64) -> f64 {
        match self {
            Scale::Linear => value,
            Scale::Logarithmic => value.log10(),
        }
    }
}

/// The least and the greatest drawable value.
fn extremes<'a>(series: impl IntoIterator<Item = &'a [f64]>) -> Option<(f64, f64)> {
    let values = series.into_iter().flatten().copied();
    let ends = values.filter(|&v| drawable(v)).map(|v| (v, v));
    ends.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

/// One side of the plot: what stretch of the scale it shows, and which places on it are labelled.
struct Axis {
    name: String,
    from: f64,
    to: f64,
    ticks: Vec<(f64, String)>,
}

impl Axis {
    /// The heights of all `series`, which may be zero or missing altogether.
    fn values<'a>(name: &str, series: impl IntoIterator<Item = &'a [f64]>, scale: Scale) -> Self {
        let (low, high) = extremes(series).unwrap_or((0.0, 0.0));
        let (from, to) = padded(scale.place(low), scale.place(high));
        let ticks = match scale {
            Scale::Linear => linear_ticks(from, to),
            Scale::Logarithmic => logarithmic_ticks(from, to),
        };
        Axis { name: name.to_owned(), from, to, ticks }
    }

    /// From the first epoch to the last.
    fn epochs(epochs: usize) -> Self {
        let step = Step::dividing(epochs.max(10) as f64, 10.0);
        let (from, to) = ends(1, epochs);
        let tick = |epoch| (epoch, number(epoch, 0, true));
        Axis { name: "epoch".to_owned(), from, to, ticks: step.multiples(from, to).map(tick).collect() }
    }

    /// From the first row to the last, on a plot that begins at `left`. The labels stand at equal distances, as many as
    /// do not touch each other; one that would be cut off at the picture's edge is left out.
    fn rows(labels: &[String], rows: usize, left: i32) -> Self {
        let (from, to) = ends(0, rows);
        let width = WIDTH - RIGHT - left;
        let widths = labels.iter().map(|text| text_width(text, LABEL).min(WIDTH / 4));
        let most = (width / (widths.max().unwrap_or(0) + 2 * LABEL)).clamp(1, 8) as usize;
        let fits = |(row, text): &(f64, String)| {
            let middle = left + ((row - from) / (to - from) * f64::from(width)) as i32;
            let half = text_width(text, LABEL) / 2;
            middle >= half && middle + half <= WIDTH
        };
        let chosen = labels.iter().enumerate().step_by(rows.div_ceil(most).max(1));
        let ticks = chosen.map(|(row, text)| (row as f64, fitted(text, WIDTH / 4, LABEL)));
        Axis { name: String::new(), from, to, ticks: ticks.filter(fits).collect() }
    }

    /// The width that the name and the labels take when the axis stands at the left.
    fn room(&self) -> i32 {
        let labels = self.ticks.iter().map(|(_, text)| text_width(text, LABEL));
        MARGIN + 2 * LABEL + labels.max().unwrap_or(0)
    }
}

impl Ranged for &Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, place: &f64, (start, end): (i32, i32)) -> i32 {
        let share = (place - self.from) / (self.to - self.from);
        start + (share * f64::from(end - start)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() {
            return Vec::new();
        }
        self.ticks.iter().map(|(place, _)| *place).collect()
    }

    fn range(&self) -> Range<f64> {
        self.from..self.to
    }
}

impl ValueFormatter<f64> for &Axis {
    fn format_ext(&self, place: &f64) -> String {
        let tick = self.ticks.iter().find(|(at, _)| at == place);
        tick.map(|(_, label)| label.clone()).unwrap_or_default()
    }
}

/// The ends of an axis of `count` things, of which the first has the number `first`; a single one stands in the middle.
fn ends(first: usize, count: usize) -> (f64, f64) {
    let first = first as f64;
    match count {
        0 | 1 => (first - 0.5, first + 0.5),
        _ => (first, first + (count - 1) as f64),
    }
}

/// The stretch from `low` to `high` with some air at both ends: one where both are equal has a length, too.
fn padded(low: f64, high: f64) -> (f64, f64) {
    let largest = low.abs().max(high.abs());
    let air = if largest < 1e-290 {
        1.0
    } else if high - low < 1e-9 * largest {
        0.1 * largest
    } else {
        0.05 * (high - low)
    };
    (low - air, high + air)
}

/// The distance between ticks: 1, 2 or 5 times a power of ten.
struct Step {
    digit: i64,
    exponent: i32,
}

impl Step {
    /// The smallest step that cuts `span` into at most `parts`.
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

    /// The multiples of the step from `from` to `to`, each computed by itself, so that no error adds up.
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

/// Whole powers of ten, and their doubles and quintuples where these do not crowd; `from` and `to` are exponents.
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
    ticks.filter(|(place, _)| (from..=to).contains(place)).collect()
}

/// `value` with no more digits than the power of ten of `exponent` calls for: 0.3 where plain printing of three tenths,
/// added up, would give 0.30000000000000004. Written with an exponent unless `plain`.
fn number(value: f64, exponent: i32, plain: bool) -> String {
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

/// About how wide `text` will be. The font is the reader's, so this errs on the wide side.
fn text_width(text: &str, size: i32) -> i32 {
    let ems = text.chars().map(|c| if c < '\u{1100}' { 0.6 } else { 1.0 });
    (ems.sum::<f64>() * f64::from(size)) as i32
}

/// `text` on one line of at most `room`, its end cut off if need be. Plotters escapes what XML reserves but passes on
/// what XML forbids; a space replaces that.
fn fitted(text: &str, room: i32, size: i32) -> String {
    let forbidden = |c: char| c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}');
    let mut text = text.replace(forbidden, " ");
    if text_width(&text, size) > room {
        while !text.is_empty() && text_width(&text, size) + size > room {
            text.pop();
        }
        text.push('…');
    }
    text
}

/// The points of a line that follow each other without a gap.
type Piece = Vec<(f64, f64)>;

/// Where `values`, the first of which has the number `first`, lie in the plot.
fn pieces(values: &[f64], first: usize, scale: Scale) -> Vec<Piece> {
    let points = thinned(values, (WIDTH / PIXEL) as usize);
    let place = |&(row, value): &(usize, f64)| ((row + first) as f64, scale.place(value));
    let runs = points.split(Option::is_none).filter(|run| !run.is_empty());
    runs.map(|run| run.iter().flatten().map(place).collect()).collect()
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

struct Curve<'a> {
    name: &'a str,
    pieces: Vec<Piece>,
    style: ShapeStyle,
}

/// A whole picture, laid out from the top: title, legend, label of the mark, plot, axis. The legend has rows of its own
/// and so never hides a line.
struct Chart<'a> {
    title: &'a str,
    x: Axis,
    y: Axis,
    curves: Vec<Curve<'a>>,
    /// The epoch to mark.
    mark: Option<usize>,
}

type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Plot<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<&'a Axis, &'a Axis>>;

impl Chart<'_> {
    fn svg(&self) -> Result<String> {
        let mut svg = String::new();
        let canvas = SVGBackend::with_string(&mut svg, (WIDTH as u32, HEIGHT as u32));
        self.draw(&canvas.into_drawing_area())?;
        Ok(sized_in_pixels(&svg))
    }

    fn draw(&self, canvas: &Canvas) -> Result<()> {
        canvas.fill(&WHITE)?;
        let title = fitted(self.title, WIDTH - 2 * MARGIN, TITLE);
        canvas.draw_text(&title, &letters(TITLE, DARK), (MARGIN, MARGIN))?;
        let below = if self.x.name.is_empty() { 2 } else { 4 } * LABEL;
        let mut plot = ChartBuilder::on(canvas)
            .margin_top(self.draw_legend(canvas)? + ROW + 4 * PIXEL)
            .margin_right(RIGHT)
            .margin_bottom(MARGIN)
            .x_label_area_size(below)
            .margin_left(MARGIN)
            .y_label_area_size(self.y.room() - MARGIN)
            .build_cartesian_2d(&self.x, &self.y)?;
        self.draw_axes(&mut plot)?;
        self.draw_mark(canvas, &plot)?;
        self.draw_curves(&plot)?;
        canvas.present()?;
        Ok(())
    }

    /// The names from left to right, in as many rows as they need. Returns where the rows end.
    fn draw_legend(&self, canvas: &Canvas) -> Result<i32> {
        let (sample, gap) = (24 * PIXEL, 8 * PIXEL);
        let (mut x, mut y) = (MARGIN, LEGEND_TOP);
        for curve in &self.curves {
            let name = fitted(curve.name, WIDTH / 3, LABEL);
            let width = sample + gap + text_width(&name, LABEL);
            if x > MARGIN && x + width > WIDTH - MARGIN {
                (x, y) = (MARGIN, y + ROW);
            }
            if y >= LEGEND_TOP + LEGEND_ROWS * ROW {
                return Ok(y);
            }
            // On the middle of a pixel, where a thin sample is sharp.
            let middle = y + ROW / 2 + PIXEL / 2;
            canvas.draw(&PathElement::new([(x, middle), (x + sample, middle)], curve.style))?;
            let style = letters(LABEL, DARK).pos(Pos::new(HPos::Left, VPos::Center));
            canvas.draw_text(&name, &style, (x + sample + gap, middle))?;
            x += width + 3 * gap;
        }
        Ok(y + ROW)
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
                    [point] => area.draw(&Circle::new(point, 3 * PIXEL, curve.style.filled()))?,
                    _ => area.draw(&PathElement::new(piece.as_slice(), curve.style))?,
                }
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
        let middle = x.clamp(self.y.room() + half, WIDTH - MARGIN - half);
        let style = letters(LABEL, DARK).pos(Pos::new(HPos::Center, VPos::Center));
        canvas.draw_text(&label, &style, (middle, top - ROW / 2))?;
        canvas.draw(&PathElement::new([(x, top), (x, bottom)], GREY.stroke_width(PIXEL as u32)))?;
        Ok(())
    }
}

/// The style of text of `size`. Plotters writes a smaller size than it is given, by this factor.
fn letters(size: i32, colour: RGBColor) -> TextStyle<'static> {
    (FONT, 1.24 * f64::from(size)).into_font().color(&colour)
}

/// Shows what was drawn in canvas units at its size in pixels. On the way the corners of lines are made
/// round: pointed ones would jut out beyond the values.
fn sized_in_pixels(svg: &str) -> String {
    let drawn = format!(r#"width="{WIDTH}" height="{HEIGHT}""#);
    let (width, height) = (WIDTH / PIXEL, HEIGHT / PIXEL);
    let shown = format!(r#"width="{width}" height="{height}" stroke-linejoin="round""#);
    svg.replacen(&drawn, &shown, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ODD: [f64; 6] = [f64::NAN, 1.0, f64::INFINITY, -f64::MAX, 1e-320, 1e299];

    /// Whether every tag is closed in order, and `&` only begins the escapes of XML's five reserved characters.
    fn well_formed(svg: &str) -> bool {
        let mut open = Vec::new();
        let tags = svg.split('<').skip(1).map(|rest| rest.split_once('>'));
        let closed = tags.into_iter().all(|tag| match tag.map(|(tag, _)| tag) {
            None => false,
            Some(tag) if tag.ends_with('/') => true,
            Some(tag) => match tag.strip_prefix('/') {
                Some(name) => open.pop() == Some(name),
                None => {
                    open.push(tag.split(' ').next().unwrap());
                    true
                }
            },
        });
        let escapes = ["lt;", "gt;", "amp;", "quot;", "apos;"];
        let escaped = |rest: &str| escapes.iter().any(|escape| rest.starts_with(escape));
        svg.starts_with("<svg") && closed && open.is_empty() && svg.split('&').skip(1).all(escaped)
    }

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
    fn any_losses_give_a_picture() {
        let series: [&[f64]; 6] = [&[], &[0.0], &[f64::NAN], &[7.0; 3], &[1e-9, 1e12], &ODD];
        for (train, valid) in series.iter().flat_map(|a| series.map(|b| (a, b))) {
            for best in [None, Some(0), Some(1), Some(6), Some(usize::MAX)] {
                let svg = loss_curves("", train, valid, best).unwrap();
                assert!(well_formed(&svg), "{train:?} {valid:?} {best:?}");
                assert!(!svg.contains("NaN") && !svg.contains("inf"), "{train:?} {valid:?}");
            }
        }
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
    fn losses_are_named_and_the_best_epoch_is_marked() {
        let svg = loss_curves("GRU", &[3.0, 2.0, 1.0], &[3.0, 2.5, 2.7], Some(2)).unwrap();
        for text in ["GRU", "training", "validation", "loss", "epoch", "best epoch: 2"] {
            assert!(svg.contains(&format!("\n{text}\n")), "{text}");
        }
        assert!(!loss_curves("GRU", &[1.0], &[1.0], Some(2)).unwrap().contains("best"));
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
    fn long_text_is_cut_to_its_room() {
        assert_eq!(fitted("validation", 80, 10), "validation");
        assert_eq!(fitted("validation", 50, 10), "valida…");
        assert_eq!(fitted("validation", 0, 10), "…");
    }

    #[test]
    fn what_is_no_number_leaves_a_gap() {
        let values = [1.0, 2.0, f64::NAN, 3.0, f64::INFINITY, 4.0, 5.0, 6.0];
        let found = pieces(&values, 1, Scale::Linear);
        let expected = [vec![(1.0, 1.0), (2.0, 2.0)], vec![(4.0, 3.0)], vec![(6.0, 4.0), (7.0, 5.0), (8.0, 6.0)]];
        assert_eq!(found, expected);
        assert_eq!(one_line(&values).matches("<circle").count(), 1);
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
    fn many_names_leave_room_for_the_plot() {
        let name = "a rather long name of a line ".repeat(9);
        let lines: Vec<_> = (0..99).map(|_| Line { name: &name, values: &[1.0, 2.0] }).collect();
        assert!(well_formed(&over_time("", &name, &[name.clone(), name.clone()], &lines).unwrap()));
    }
}
