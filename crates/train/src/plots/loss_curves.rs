//! Loss curves.

use anyhow::Result;
use plotters::prelude::*;

use super::axis::{Axis, Scale};
use super::canvas::{PIXEL, SKY_BLUE, VERMILION};
use super::chart::{Chart, Curve, Shape, segments};

/// Training and validation loss by epoch, from epoch 1.
///
/// The best epoch is marked with a labeled vertical line. The axis of the loss is logarithmic if all losses are positive and
/// the largest is more than 50 times the smallest.
pub fn loss_curves(title: &str, train: &[f64], valid: &[f64], best_epoch: Option<usize>) -> Result<String> {
    let scale = Scale::of_losses(train, valid);
    let epochs = train.len().max(valid.len());
    let curve = |name, values, color: RGBColor| Curve {
        name,
        segments: segments(values, 1, scale),
        style: color.stroke_width(2 * PIXEL as u32),
        dots: Vec::new(),
    };
    let chart = Chart {
        title,
        shape: Shape::Wide,
        x: Axis::epochs(epochs),
        y: Axis::values("loss", [train, valid], scale),
        curves: vec![curve("training", train, SKY_BLUE), curve("validation", valid, VERMILION)],
        mark: best_epoch.filter(|epoch| (1..=epochs).contains(epoch)),
    };
    chart.svg()
}

#[cfg(test)]
mod tests {
    use super::super::canvas::{EXTREME_VALUES, is_svg};
    use super::*;

    #[test]
    fn any_losses_can_be_plotted() {
        let series: [&[f64]; 6] = [&[], &[0.0], &[f64::NAN], &[7.0; 3], &[1e-9, 1e12], &EXTREME_VALUES];
        for (train, valid) in series.iter().flat_map(|a| series.map(|b| (a, b))) {
            for best in [None, Some(0), Some(1), Some(6), Some(usize::MAX)] {
                let svg = loss_curves("", train, valid, best).unwrap();
                assert!(is_svg(&svg), "{train:?} {valid:?} {best:?}");
                assert!(!svg.contains("NaN") && !svg.contains("inf"), "{train:?} {valid:?}");
            }
        }
    }

    #[test]
    fn losses_are_named_and_the_best_epoch_is_marked() {
        let svg = loss_curves("GRU", &[3.0, 2.0, 1.0], &[3.0, 2.5, 2.7], Some(2)).unwrap();
        for text in ["GRU", "training", "validation", "loss", "epoch", "best epoch: 2"] {
            assert!(svg.contains(&format!("\n{text}\n")), "{text}");
        }
        assert!(!loss_curves("GRU", &[1.0], &[1.0], Some(2)).unwrap().contains("best"));
    }
}
