//! Spectrograms, with what a recognizer hears in them.

use std::collections::BTreeMap;
use std::iter;
use std::ops::Range;

use anyhow::Result;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::axis::{Axis, RIGHT, Scale};
use super::canvas::{
    Canvas, DARK, GRAY, GRID, LABEL, MARGIN, PALETTE, PIXEL, ROW, WIDTH, centered_style, draw_title, is_drawable, svg,
    truncated,
};
use super::chart::{Entry, draw_legend, legend, segments};
use super::heat_map::shade;

/// The maximum numbers of columns and rows; adjacent cells of a larger spectrogram are averaged.
const MAX_COLUMNS: usize = 300;
const MAX_ROWS: usize = 80;
/// The number of different shades. With few of them many adjacent cells are equal, and the plot is small.
const SHADES: u8 = 10;
/// The height of all cells, about.
const CELLS_HEIGHT: i32 = 200 * PIXEL;
/// The height of the plot of the posteriors.
const POSTERIORS_HEIGHT: i32 = 160 * PIXEL;
/// The fraction of the cells that are as light as the lightest.
const LIGHTEST: f64 = 0.01;
/// The distance of labels and lines.
const GAP: i32 = 6 * PIXEL;

/// The log energies of a recording, `mels[frame][mel]`, over the `posteriors` of some tokens, `(token, probabilities)`, on
/// one time axis. Between them are the words, `(text, start, end)` in seconds.
///
/// A frame takes `frame_seconds`. The probabilities of a token are spread evenly over the recording, each at the end of its
/// step, so that a step of the network may have several frames. What is not finite is left out.
pub fn spectrogram(
    title: &str,
    mels: &[Vec<f32>],
    frame_seconds: f64,
    posteriors: &[(String, Vec<f64>)],
    words: &[(String, f64, f64)],
) -> Result<String> {
    let levels = levels(&averaged(mels));
    let columns = levels.first().map_or(1, Vec::len).max(1) as i32;
    let seconds = Axis::including_zero("time, seconds", &[mels.len() as f64 * frame_seconds]);
    let bands = Axis::including_zero("mel band", &[mels.iter().map(Vec::len).max().unwrap_or(0) as f64]);
    let probabilities = Axis::fractions("probability");
    let left = bands.label_width().max(probabilities.label_width());
    let style = |color: RGBColor| color.stroke_width(2 * PIXEL as u32);
    let styles: Vec<_> = iter::zip(posteriors, PALETTE.into_iter().chain([DARK]).cycle().map(style)).collect();
    let names = styles.iter().map(|((token, _), style)| (token.as_str(), *style));
    let (entries, top) = legend(names, WIDTH, WIDTH / 3);
    // Cells of whole pixels have sharp edges.
    let pixels = |length: i32, parts: i32| (length / parts / PIXEL).max(1) * PIXEL;
    let cell = (pixels(WIDTH - RIGHT - left, columns), pixels(CELLS_HEIGHT, levels.len().max(1) as i32));
    let bottom = top + GAP + cell.1 * levels.len().max(1) as i32;
    let plot = Spectrogram { title, seconds, bands, probabilities, left, right: left + cell.0 * columns, top, bottom };
    svg(WIDTH, plot.height(), |canvas| {
        plot.draw_frame(canvas, &entries)?;
        for (row, levels) in levels.iter().enumerate() {
            plot.draw_row(canvas, cell, row as i32, levels)?;
        }
        plot.draw_words(canvas, words)?;
        styles.iter().rev().try_for_each(|((_, values), style)| plot.draw_posterior(canvas, values, *style))
    })
}

/// The layout from the top: title, legend, cells, words, posteriors, labels of the time axis, its name.
struct Spectrogram<'a> {
    title: &'a str,
    seconds: Axis,
    bands: Axis,
    probabilities: Axis,
    left: i32,
    right: i32,
    top: i32,
    /// The bottom of the cells.
    bottom: i32,
}

impl Spectrogram<'_> {
    fn height(&self) -> i32 {
        self.posteriors().1 + 2 * ROW + MARGIN
    }

    /// The y coordinates of the posteriors.
    fn posteriors(&self) -> (i32, i32) {
        let top = self.bottom + GAP + ROW + GAP;
        (top, top + POSTERIORS_HEIGHT)
    }

    fn x(&self, seconds: f64) -> i32 {
        (&self.seconds).map(&seconds.clamp(self.seconds.from, self.seconds.to), (self.left, self.right))
    }

    /// Draws everything but the values.
    fn draw_frame(&self, canvas: &Canvas, entries: &[Entry]) -> Result<()> {
        draw_title(canvas, self.title, WIDTH)?;
        draw_legend(canvas, entries)?;
        let (top, bottom) = self.posteriors();
        self.draw_side(canvas, &self.bands, (self.top + GAP, self.bottom))?;
        self.draw_side(canvas, &self.probabilities, (top, bottom))?;
        let label = centered_style(LABEL, GRAY, HPos::Center);
        for (seconds, text) in &self.seconds.ticks {
            let x = self.x(*seconds);
            canvas.draw(&PathElement::new([(x, top), (x, bottom)], GRID.stroke_width(PIXEL as u32)))?;
            canvas.draw_text(text, &label, (x, bottom + ROW / 2))?;
        }
        let name = centered_style(LABEL, DARK, HPos::Center);
        canvas.draw_text(&self.seconds.name, &name, ((self.left + self.right) / 2, bottom + ROW + ROW / 2))?;
        Ok(())
    }

    /// Draws labels and name of a vertical axis.
    fn draw_side(&self, canvas: &Canvas, axis: &Axis, (top, bottom): (i32, i32)) -> Result<()> {
        let label = centered_style(LABEL, GRAY, HPos::Right);
        for (value, text) in &axis.ticks {
            let y = axis.map(value, (bottom, top));
            canvas.draw(&PathElement::new([(self.left, y), (self.right, y)], GRID.stroke_width(PIXEL as u32)))?;
            canvas.draw_text(text, &label, (self.left - GAP, y))?;
        }
        let name = centered_style(LABEL, DARK, HPos::Center).transform(FontTransform::Rotate270);
        canvas.draw_text(&axis.name, &name, (MARGIN + ROW / 2, (top + bottom) / 2))?;
        Ok(())
    }

    /// Draws the cells of a row. Those of one shade are one polygon, which goes along the bottom of the row from cell to cell
    /// and back: its text is half as long as that of rectangles.
    fn draw_row(&self, canvas: &Canvas, (width, height): (i32, i32), row: i32, levels: &[Option<u8>]) -> Result<()> {
        let bottom = self.bottom - height * row;
        let x = |column: usize| self.left + width * column as i32;
        for (level, runs) in runs(levels) {
            let corners = |run: &Range<usize>| {
                let (left, right, top) = (x(run.start), x(run.end), bottom - height);
                [(left, bottom), (left, top), (right, top), (right, bottom)]
            };
            let outline: Vec<_> = runs.iter().flat_map(corners).collect();
            let color = shade(f64::from(level) / f64::from(SHADES - 1));
            canvas.draw(&Polygon::new(outline, color.filled()))?;
        }
        Ok(())
    }

    /// Draws each word over a line for its time. A word has space up to where the next begins.
    fn draw_words(&self, canvas: &Canvas, words: &[(String, f64, f64)]) -> Result<()> {
        let words: Vec<_> = words.iter().filter(|(_, start, end)| is_drawable(*start) && is_drawable(*end)).collect();
        let style = centered_style(LABEL, DARK, HPos::Left);
        let y = self.bottom + GAP + ROW;
        for (index, (text, start, end)) in words.iter().enumerate() {
            let (from, to) = (self.x(*start), self.x(*end));
            let next = words.get(index + 1).map_or(WIDTH - MARGIN, |next| self.x(next.1) - GAP / 2);
            canvas.draw_text(&truncated(text, next - from, LABEL), &style, (from, y - ROW / 2 - PIXEL))?;
            canvas
                .draw(&PathElement::new([(from, y), (to.max(from + PIXEL), y)], DARK.stroke_width(2 * PIXEL as u32)))?;
        }
        Ok(())
    }

    fn draw_posterior(&self, canvas: &Canvas, values: &[f64], style: ShapeStyle) -> Result<()> {
        let (top, bottom) = self.posteriors();
        let step = self.seconds.to / values.len().max(1) as f64;
        let point = |(row, value): (f64, f64)| {
            (self.x((row + 1.0) * step), (&self.probabilities).map(&value.clamp(0.0, 1.0), (bottom, top)))
        };
        for segment in segments(values, 0, Scale::Linear) {
            let points: Vec<_> = segment.into_iter().map(point).collect();
            match points[..] {
                [point] => canvas.draw(&Circle::new(point, 3 * PIXEL, style.filled()))?,
                _ => canvas.draw(&PathElement::new(points, style))?,
            }
        }
        Ok(())
    }
}

/// The means of adjacent energies, `[row][column]`, so that there are not too many; NaN where no energy is finite.
fn averaged(mels: &[Vec<f32>]) -> Vec<Vec<f64>> {
    let bands = mels.iter().map(Vec::len).max().unwrap_or(0);
    let (frames_per_column, bands_per_row) = (mels.len().div_ceil(MAX_COLUMNS).max(1), bands.div_ceil(MAX_ROWS).max(1));
    let mean = |frames: &[Vec<f32>], band: usize| {
        let values = frames.iter().flat_map(|frame| frame.iter().skip(band).take(bands_per_row));
        let values: Vec<f64> = values.map(|value| f64::from(*value)).filter(|value| is_drawable(*value)).collect();
        values.iter().sum::<f64>() / values.len() as f64
    };
    let row = |band: usize| mels.chunks(frames_per_column).map(|frames| mean(frames, band)).collect();
    (0..bands).step_by(bands_per_row).map(row).collect()
}

/// The shades of energies, from the lightest to the darkest; `None` for NaN.
fn levels(energies: &[Vec<f64>]) -> Vec<Vec<Option<u8>>> {
    let mut sorted: Vec<f64> = energies.iter().flatten().copied().filter(|energy| !energy.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    let low = sorted.get((sorted.len() as f64 * LIGHTEST) as usize).copied().unwrap_or(0.0);
    let range = sorted.last().map_or(0.0, |high| high - low).max(1e-9);
    let level = |energy: &f64| {
        let fraction = ((energy - low) / range).clamp(0.0, 1.0);
        (!energy.is_nan()).then(|| (fraction * f64::from(SHADES - 1)).round() as u8)
    };
    energies.iter().map(|row| row.iter().map(level).collect()).collect()
}

/// The runs of adjacent columns of each shade.
fn runs(levels: &[Option<u8>]) -> BTreeMap<u8, Vec<Range<usize>>> {
    let mut runs: BTreeMap<u8, Vec<Range<usize>>> = BTreeMap::new();
    let mut start = 0;
    for run in levels.chunk_by(PartialEq::eq) {
        let end = start + run.len();
        if let Some(level) = run[0] {
            runs.entry(level).or_default().push(start..end);
        }
        start = end;
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::super::canvas::{EXTREME_VALUES, has_text, has_valid_coordinates};
    use super::*;

    fn mels(frames: usize, bands: usize) -> Vec<Vec<f32>> {
        let energy = |frame: usize, band: usize| ((frame as f32 * 0.1).sin() - (band as f32 * 0.3).cos()) * 4.0;
        (0..frames).map(|frame| (0..bands).map(|band| energy(frame, band)).collect()).collect()
    }

    #[test]
    fn words_tokens_and_axes_are_named() {
        let posteriors = [("two".into(), vec![0.0, 0.1, 0.9, 0.2]), ("<b>".into(), vec![1.0, 0.9, 0.1, 0.8])];
        let words = [("два".into(), 0.2, 0.5), ("three".into(), 0.9, 1.4)];
        let draw = || spectrogram("Запись", &mels(200, 40), 0.01, &posteriors, &words).unwrap();
        let svg = draw();
        let texts =
            ["Запись", "два", "three", "two", "&lt;b&gt;", "time, seconds", "1.0", "mel band", "40", "probability"];
        for text in texts {
            assert!(has_text(&svg, text), "{text}");
        }
        assert!(has_valid_coordinates(&svg) && svg == draw());
    }

    #[test]
    fn any_values_can_be_plotted() {
        let extreme = || EXTREME_VALUES.map(|value| value as f32).to_vec();
        for mels in [vec![], vec![vec![]], vec![vec![0.0; 3]; 2], vec![extreme(); 9], vec![vec![1.0], extreme()]] {
            for values in [vec![], vec![0.5], EXTREME_VALUES.to_vec()] {
                for seconds in [0.0, 0.01, f64::NAN] {
                    let words = [(String::new(), f64::NAN, 0.0), ("a".into(), 5.0, -3.0), ("b".into(), 0.0, 1e9)];
                    let svg = spectrogram("", &mels, seconds, &[(String::new(), values.clone())], &words).unwrap();
                    assert!(has_valid_coordinates(&svg), "{mels:?} {values:?} {seconds}");
                }
            }
        }
    }

    #[test]
    fn a_long_recording_is_averaged() {
        let energies = averaged(&mels(10_000, 200));
        assert!(energies.len() <= MAX_ROWS && energies.iter().all(|row| row.len() <= MAX_COLUMNS));
        assert_eq!(averaged(&[vec![1.0, f32::NAN], vec![3.0]])[0], [1.0, 3.0]);
    }

    #[test]
    fn equal_cells_of_a_row_are_one_polygon() {
        let found = runs(&[Some(1), Some(1), None, Some(2), Some(1)]);
        assert_eq!(found[&1], [0..2, 4..5]);
        assert!(found.len() == 2 && found[&2].first() == Some(&(3..4)) && found[&2].len() == 1);
        let svg = spectrogram("", &vec![vec![0.0; 5]; 200], 0.01, &[], &[]).unwrap();
        assert_eq!(svg.matches("<polygon").count(), 5);
    }

    #[test]
    fn the_size_of_a_plot_is_bounded() {
        let noise = |index: usize| (index as u32).wrapping_mul(2_654_435_761) as f32;
        let mels: Vec<Vec<f32>> =
            (0..3_000).map(|frame| (0..40).map(|band| noise(40 * frame + band)).collect()).collect();
        let posteriors = [("a".to_owned(), vec![0.5; 3_000])];
        assert!(spectrogram("", &mels, 0.01, &posteriors, &[]).unwrap().len() < 700_000);
    }
}
