//! The claims of the lecture on recurrent networks, measured: RNN, LSTM and GRU beside each other.
//!
//! - [`ComparePlan`] says what is measured, and [`Comparison`] does it in a folder of its own, one finished [`Trial`]
//!   after the other, so that a run that was interrupted computes none of them again;
//! - [`Memory`] is a task that asks for memory, and [`Examples`] are rows of it; [`Damage`] spoils them;
//! - [`train`] is the one loop that every cell goes through: the same loss, the same rows in the same order, the same
//!   optimiser;
//! - [`Welch`] says how sure a difference between two cells is, and [`judge`] what it says of a [`Claim`].

mod claim;
mod comparison;
mod damage;
mod digits;
mod generated;
mod plan;
mod reader;
mod results;
mod significance;
mod speed;
mod task;
mod trial;

pub use claim::{Claim, Judged, Tested, Verdict, judge};
pub use comparison::{Comparison, Event};
pub use damage::Damage;
pub use digits::Digits;
pub use plan::{ComparePlan, Fairness, Part};
pub use reader::{Reader, ReaderShape};
pub use results::{Place, Results, Tried};
pub use significance::{Spread, Welch};
pub use speed::{Speed, speed};
pub use task::{Answers, Examples, Memory, Source};
pub use trial::{Outcome, Recipe, Trial, train};
