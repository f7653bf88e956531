//! Autocorrelations.

use anyhow::Result;
use plotters::prelude::*;

use super::axis::{Axis, Scale};
use super::canvas::{BLUE, GRAY, PIXEL, VERMILION, is_drawable};
use super::chart::{Chart, Curve, Dot, Segment, Shape};

/// The 97.5 % quantile of the normal distribution.
const QUANTILE: f64 = 1.96;

/// The autocorrelations of `count` residuals at the lags from 1 on, as lines from 0 with a dot at their ends. Gray
/// lines show the band ±1.96 / √n, within which 95 % of those of noise lie; lags of known `seasons` have another color.
///
/// An autocorrelation that is not finite is left out.
pub fn autocorrelation(title: &str, correlations: &[f64], count: usize, seasons: &[usize]) -> Result<String> {
    let limit = QUANTILE / (count.max(1) as f64).sqrt();
    let is_season = |lag: usize| seasons.contains(&lag);
    let last = correlations.len().max(1) as f64 + 0.5;
    let level = |value: f64| vec![(0.5, value), (last, value)];
    let lags = |is_shown: &dyn Fn(usize) -> bool| -> Vec<(f64, f64)> {
        let lags = (1..).zip(correlations).filter(|(lag, value)| is_shown(*lag) && is_drawable(**value));
        lags.map(|(lag, value)| (lag as f64, *value)).collect()
    };
    let [of_seasons, of_others] = [lags(&is_season), lags(&|lag| !is_season(lag))];
    let others = stems("autocorrelation", &of_others, BLUE);
    let mut curves = vec![others];
    if !of_seasons.is_empty() {
        curves.push(stems("at the lag of a season", &of_seasons, VERMILION));
    }
    let line = GRAY.stroke_width(PIXEL as u32);
    let band = format!("95 % band of noise, ±{limit:.3}");
    curves.push(Curve {
        name: &band,
        segments: vec![level(limit), level(-limit), level(0.0)],
        style: line,
        dots: Vec::new(),
    });
    let y = Axis::values("autocorrelation", [correlations, &[limit, -limit]], Scale::Linear);
    let x = Axis::lags(correlations.len());
    Chart { title, shape: Shape::Wide, x, y, curves, mark: None }.svg()
}

/// Vertical lines from 0 with a dot at their ends.
fn stems<'a>(name: &'a str, points: &[(f64, f64)], color: RGBColor) -> Curve<'a> {
    let stem = |&(lag, value): &(f64, f64)| -> Segment { vec![(lag, 0.0), (lag, value)] };
    let dot = |point: &(f64, f64)| Dot { point: *point, radius: 3 * PIXEL };
    Curve {
        name,
        segments: points.iter().map(stem).collect(),
        style: color.stroke_width(2 * PIXEL as u32),
        dots: points.iter().map(dot).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::canvas::{EXTREME_VALUES, has_text, is_svg};
    use super::*;

    #[test]
    fn lags_band_and_seasons_are_named() {
        let correlations: Vec<f64> = (1..=30).map(|lag| 0.9_f64.powi(lag)).collect();
        let svg = autocorrelation("Residuals", &correlations, 400, &[7, 14, 365]).unwrap();
        for text in ["Residuals", "lag, rows", "autocorrelation", "at the lag of a season", "10", "30"] {
            assert!(has_text(&svg, text), "{text}");
        }
        // 1.96 / √400
        assert!(has_text(&svg, "95 % band of noise, ±0.098"));
        assert!(svg.matches("<circle").count() == 30 && is_svg(&svg));
        assert!(!has_text(&autocorrelation("", &correlations, 400, &[]).unwrap(), "at the lag of a season"));
    }

    #[test]
    fn any_values_can_be_plotted() {
        for values in [&[] as &[f64], &[0.0], &[f64::NAN; 3], &[1.0, -1.0], &EXTREME_VALUES] {
            for count in [0, 1, usize::MAX] {
                let svg = autocorrelation("", values, count, &[0, 1]).unwrap();
                assert!(is_svg(&svg) && !svg.contains("NaN"), "{values:?}");
            }
        }
    }
}
