//! What tells one cell from another, measured: RNN, LSTM and GRU beside each other, on the lecture's claims.
//!
//! Of any stack of layers, one whose cell is your own included:
//!
//! - [`microscope`]: ‖∂L/∂hₜ‖ for every step of a sequence and every layer, and the exponent of its decay; [`metric`]
//!   shows it in training (both with the feature `fit`);
//! - [`spectrum`]: recurrent weights of a given spectral radius, which decides how a gradient begins;
//! - [`gates`]: what the gates of a layer let through, step by step; what has none shows none;
//! - [`cost`]: parameters, operations and memory of a token, counted, and hidden sizes of equal parameters; the costs
//!   are known of the three cells of the house.
//!
//! Of the three cells, by training (with the feature `fit`):
//!
//! - [`StudyConfig`] says what is measured, and [`Comparison`] does it in a folder of its own, one finished [`Trial`]
//!   after the other, so that a run that was interrupted computes none of them again;
//! - [`Memory`] is a task that asks for memory, and [`Examples`] are rows of it; [`Damage`] spoils them;
//! - [`train`] is the one loop that every cell goes through: the same loss, the same rows in the same order, the same
//!   optimiser;
//! - [`Look`] trains a network under the microscope, [`Explosion`] one whose gradients explode, and [`Reading`] shows the
//!   gates of one that has learned a text or a [`Signal`], which is a column of numbers;
//! - [`Welch`] says how sure a difference between two cells is, and [`judge`] what it says of a [`Claim`].

#[cfg(feature = "fit")]
mod claim;
#[cfg(feature = "fit")]
mod comparison;
pub mod cost;
#[cfg(feature = "fit")]
mod damage;
#[cfg(feature = "fit")]
mod digits;
pub mod gates;
#[cfg(feature = "fit")]
mod generated;
#[cfg(feature = "fit")]
mod look;
#[cfg(feature = "fit")]
pub mod metric;
#[cfg(feature = "fit")]
pub mod microscope;
#[cfg(feature = "fit")]
mod plan;
#[cfg(feature = "fit")]
mod reader;
#[cfg(feature = "fit")]
mod reading;
#[cfg(feature = "fit")]
mod results;
#[cfg(feature = "fit")]
mod signal;
#[cfg(feature = "fit")]
mod significance;
pub mod spectrum;
#[cfg(feature = "fit")]
mod speed;
#[cfg(feature = "fit")]
mod task;
#[cfg(feature = "fit")]
mod trial;

#[cfg(feature = "fit")]
pub use claim::{Claim, Judged, Tested, Verdict, judge};
#[cfg(feature = "fit")]
pub use comparison::{Comparison, Event};
#[cfg(feature = "fit")]
pub use damage::Damage;
#[cfg(feature = "fit")]
pub use digits::Digits;
#[cfg(feature = "fit")]
pub use look::{Exploded, Explosion, Gradient, Look, Looked};
#[cfg(feature = "fit")]
pub use plan::{Fairness, Part, StudyConfig};
#[cfg(feature = "fit")]
pub use reader::{Reader, ReaderShape, Rows};
#[cfg(feature = "fit")]
pub use reading::{Read, Reading};
#[cfg(feature = "fit")]
pub use results::{FAILS, Place, Results, Tried};
#[cfg(feature = "fit")]
pub use signal::Signal;
#[cfg(feature = "fit")]
pub use significance::{Spread, Welch};
#[cfg(feature = "fit")]
pub use speed::{Speed, speed};
#[cfg(feature = "fit")]
pub use task::{Answers, Examples, Memory, Source};
#[cfg(feature = "fit")]
pub use trial::{Outcome, Recipe, Trial, learn, train};
