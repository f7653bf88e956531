//! Plots as SVG text.
//!
//! | plot | shows |
//! |---|---|
//! | [`loss_curves()`] | training and validation loss by epoch |
//! | [`time_series()`] | forecasts and actual values |
//! | [`fan_chart()`] | a forecast with its intervals |
//! | [`autocorrelation()`] | autocorrelations of residuals |
//! | [`attention()`] | attention weights of a decoder |
//! | [`confusion()`] | confusion matrix |
//! | [`calibration()`] | accuracy against confidence |
//! | [`roc()`] | true against false positive rate |
//! | [`bar_chart()`] | scores of several models |
//! | [`gates()`] | gate activations by step and unit |
//! | [`piano_roll()`] | the notes of a piece by time and pitch |
//! | [`spectrogram()`] | the energies of a recording, and when its tokens are recognized |
//! | [`histogram()`] | how often values are how large |
//! | [`line_chart()`], [`fraction_chart()`] | values of several models against a length or size |
//!
//! A plot is self-contained and deterministic: no scripts, style sheets or fonts, and no ids, so that one page can hold
//! many. Nothing here writes a file. Any values can be plotted: NaN and infinities leave a gap in a line, and an empty or
//! constant series has axes too. What does not fit is left out, and a note in the plot says so.
//!
//! All plots are drawn on a `canvas`. Curves are a `chart` with two `axis`es, tables of shades a `heat_map`. A new kind of
//! plot is one more file that uses one of these two, or draws on the canvas itself, as `bar_chart`, `piano_roll` and
//! `spectrogram` do.

mod attention;
mod autocorrelation;
mod axis;
mod bar_chart;
mod calibration;
mod canvas;
mod chart;
mod confusion;
mod fan_chart;
mod gates;
mod heat_map;
mod histogram;
mod line_chart;
mod loss_curves;
mod piano_roll;
mod roc;
mod spectrogram;
mod time_series;

pub use attention::attention;
pub use autocorrelation::autocorrelation;
pub use bar_chart::bar_chart;
pub use calibration::calibration;
#[cfg(test)]
pub use canvas::is_well_formed;
pub use confusion::confusion;
pub use fan_chart::{Fan, Interval, fan_chart};
pub use gates::gates;
pub use histogram::histogram;
pub use line_chart::{fraction_chart, line_chart};
pub use loss_curves::loss_curves;
pub use piano_roll::piano_roll;
pub use roc::roc;
pub use spectrogram::spectrogram;
pub use time_series::{Line, time_series};
