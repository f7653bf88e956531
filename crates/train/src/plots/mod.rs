//! Pictures of training and of what a network says, as the text of an SVG file.
//!
//! | picture | shows |
//! |---|---|
//! | [`loss_curves`] | how the loss fell, epoch by epoch |
//! | [`over_time()`] | what was foretold, and what came |
//! | [`attention()`] | where a decoder looked while it wrote each token |
//! | [`confusion()`] | which class was taken for which |
//! | [`calibration()`] | whether a confidence of 0.9 is right 9 times in 10 |
//! | [`roc()`] | how many true alarms each false alarm buys |
//! | [`bars()`] | scores beside each other |
//! | [`gates()`] | what gates let through while a text is read |
//! | [`against()`] | several cells against a length or a size |
//!
//! A picture needs nothing beside itself: no script, no style sheet, no font file. The same numbers always give the
//! same text, which has no ids, so that one page can hold many pictures. Nothing here writes a file, and no number is
//! too odd to draw: NaN and infinities leave a gap in the line, and a series of none, one or equal values has its axes
//! all the same. What there is no room for is cut, and the picture says so.
//!
//! All of them are drawn on one `canvas`. Curves are a `chart` with two `axis`es, and tables of shades are a `heat`
//! map. A new kind of picture is one more file, which turns its numbers into one of these two or draws on the canvas
//! itself, as `bars` does.

mod against;
mod attention;
mod axis;
mod bars;
mod calibration;
mod canvas;
mod chart;
mod confusion;
mod gates;
mod heat;
mod loss;
mod over_time;
mod roc;

pub use against::{against, shares_against};
pub use attention::attention;
pub use bars::bars;
pub use calibration::calibration;
#[cfg(test)]
pub use canvas::nests;
pub use confusion::confusion;
pub use gates::gates;
pub use loss::loss_curves;
pub use over_time::{Line, over_time};
pub use roc::roc;
