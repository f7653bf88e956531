//! Whether a network knows how sure it may be.

use std::iter;

use anyhow::Result;
use plotters::prelude::*;

use super::axis::Axis;
use super::canvas::{PALETTE, PIXEL};
use super::chart::{Chart, Curve, Dot, Shape, diagonal, runs, share};

/// Predictions of about the same confidence: their mean confidence, the share of them that was right, and how many
/// there are.
pub type Bin = (f64, f64, usize);

/// The smallest and the largest dot, in pixels.
const RADII: (f64, f64) = (3.0, 11.0);

/// A reliability diagram: of the predictions of a confidence, the share that was right. The surer a network is without
/// reason, the further below the diagonal its curve lies.
///
/// A dot's area is to the largest of its curve as its count is; very small ones are drawn larger, to be seen. A bin
/// without predictions, or with a number that is no share, leaves a gap.
pub fn calibration(title: &str, curves: &[(&str, &[Bin])]) -> Result<String> {
    let drawn = iter::zip(curves, PALETTE.iter().cycle()).map(|((name, bins), colour)| {
        let most = bins.iter().map(|bin| bin.2).max().unwrap_or(0);
        let dots = bins.iter().filter_map(|bin| Some(Dot { place: place(bin)?, radius: radius(bin.2, most) }));
        let style = colour.mix(0.8).stroke_width(2 * PIXEL as u32);
        Curve { name, pieces: runs(bins.iter().map(place)), style, dots: dots.collect() }
    });
    let chart = Chart {
        title,
        shape: Shape::Square,
        x: Axis::shares("confidence (a larger dot: more predictions)"),
        y: Axis::shares("share that was right"),
        curves: drawn.chain([diagonal("as sure as right")]).collect(),
        mark: None,
    };
    chart.svg()
}

fn place(&(confidence, accuracy, count): &Bin) -> Option<(f64, f64)> {
    if count > 0 { share(confidence).zip(share(accuracy)) } else { None }
}

fn radius(count: usize, most: usize) -> i32 {
    let (least, greatest) = RADII;
    let radius = greatest * (count as f64 / most as f64).sqrt();
    (radius.max(least) * f64::from(PIXEL)).round() as i32
}

#[cfg(test)]
mod tests {
    use super::super::canvas::{ODD, says, sound};
    use super::*;

    #[test]
    fn curves_and_axes_are_named() {
        let bins = [(0.55, 0.5, 10), (0.75, 0.7, 20), (0.95, 0.9, 400)];
        let draw = || calibration("Уверенность", &[("GRU", &bins), ("LSTM & co", &bins[1..])]).unwrap();
        let svg = draw();
        for text in ["Уверенность", "GRU", "LSTM &amp; co", "as sure as right", "share that was right", "0.2", "1.0"]
        {
            assert!(says(&svg, text), "{text}");
        }
        assert_eq!(svg.matches("<circle").count(), 5);
        assert!(sound(&svg) && svg == draw());
    }

    #[test]
    fn any_bins_give_a_picture() {
        let odd: Vec<Bin> = ODD.iter().flat_map(|&a| ODD.map(|b| (a, b, usize::MAX))).collect();
        let cases: [&[Bin]; 5] = [&[], &[(0.5, 0.5, 0)], &[(1.0, 0.0, 1)], &[(f64::NAN, f64::NAN, 3)], &odd];
        for bins in cases {
            assert!(sound(&calibration("", &[("", bins); 9]).unwrap()), "{bins:?}");
        }
        assert!(sound(&calibration("", &[]).unwrap()));
    }

    #[test]
    fn an_empty_bin_leaves_a_gap() {
        let svg = calibration("", &[("", &[(0.1, 0.1, 1), (0.2, 0.3, 0), (0.3, 0.3, 1)])]).unwrap();
        assert_eq!(svg.matches("<circle").count(), 2);
    }

    #[test]
    fn four_times_as_many_are_twice_as_wide() {
        assert_eq!([radius(400, 400), radius(100, 400), radius(1, 400)], [44, 22, 12]);
    }
}
