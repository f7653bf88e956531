//! What a threshold trades.

use std::iter;

use anyhow::Result;
use plotters::prelude::*;

use super::axis::Axis;
use super::canvas::{LABEL, PALETTE, PIXEL, fitted};
use super::chart::{Chart, Curve, Shape, diagonal, runs, share};

/// Points closer than this share of an axis look like one.
const FINEST: f64 = 1e-3;
/// The room of a name before its area, which is never cut off.
const LONGEST: i32 = 360 * PIXEL;

/// A name, the curve's points, each a false and a true positive rate, and the area under them if it is known.
pub type Roc<'a> = (&'a str, &'a [(f64, f64)], Option<f64>);

/// The true positive rate over the false positive rate, for each threshold; the areas stand in the legend.
///
/// A point with a number that is no share leaves a gap. Points that would lie on each other are drawn once, so that the
/// picture does not grow with the test set.
pub fn roc(title: &str, curves: &[Roc]) -> Result<String> {
    let names: Vec<_> = curves.iter().map(named).collect();
    let styles = PALETTE.iter().cycle().map(|colour| colour.mix(0.85).stroke_width(2 * PIXEL as u32));
    let drawn = iter::zip(curves, iter::zip(&names, styles)).map(|((_, points, _), (name, style))| Curve {
        name,
        pieces: runs(thinned(points).into_iter()),
        style,
        dots: Vec::new(),
    });
    let chart = Chart {
        title,
        shape: Shape::Square,
        x: Axis::shares("false positive rate"),
        y: Axis::shares("true positive rate"),
        curves: drawn.chain([diagonal("chance (area 0.500)")]).collect(),
        mark: None,
    };
    chart.svg()
}

fn named((name, _, area): &Roc) -> String {
    match area.and_then(share) {
        Some(area) => format!("{} (area {area:.3})", fitted(name, LONGEST, LABEL)),
        None => (*name).to_owned(),
    }
}

fn thinned(points: &[(f64, f64)]) -> Vec<Option<(f64, f64)>> {
    let mut points: Vec<_> = points.iter().map(|&(x, y)| share(x).zip(share(y))).collect();
    let cell = |(x, y): (f64, f64)| ((x / FINEST).round() as i32, (y / FINEST).round() as i32);
    points.dedup_by_key(|point| point.map(cell));
    points
}

#[cfg(test)]
mod tests {
    use super::super::canvas::{ODD, says, sound};
    use super::*;

    #[test]
    fn curves_are_named_with_their_areas() {
        let points = [(0.0, 0.0), (0.1, 0.8), (1.0, 1.0)];
        let draw = || roc("Пороги", &[("GRU", &points, Some(0.85)), ("LSTM", &points, None)]).unwrap();
        let svg = draw();
        for text in ["Пороги", "GRU (area 0.850)", "LSTM", "chance (area 0.500)", "false positive rate", "0.4"] {
            assert!(says(&svg, text), "{text}");
        }
        assert!(sound(&svg) && svg == draw());
    }

    #[test]
    fn an_area_is_never_cut_off() {
        let svg = roc("", &[(&"a rather long name ".repeat(9), &[], Some(0.75))]).unwrap();
        assert!(svg.contains("… (area 0.750)\n"));
    }

    #[test]
    fn any_points_give_a_picture() {
        let odd: Vec<_> = ODD.iter().flat_map(|&a| ODD.map(|b| (a, b))).collect();
        let cases: [&[_]; 4] = [&[], &[(0.0, 1.0)], &[(f64::NAN, 0.0); 3], &odd];
        for (points, area) in cases.into_iter().flat_map(|points| ODD.map(|area| (points, area))) {
            assert!(sound(&roc("", &[("", points, Some(area)); 9]).unwrap()), "{points:?}");
        }
        assert!(sound(&roc("", &[]).unwrap()));
    }

    #[test]
    fn many_points_make_no_large_file() {
        let points: Vec<_> = (0..=100_000).map(|i| f64::from(i) / 1e5).map(|x| (x, x.sqrt())).collect();
        let svg = roc("", &[("", &points, None)]).unwrap();
        assert!(svg.len() < 40_000, "{} bytes", svg.len());
    }
}
