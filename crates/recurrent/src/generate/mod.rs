//! Generation: from the beginning of a text to its end, one character or subword after the other.
//!
//! The recipe is the lecture's character model: a network that says of every next character how likely it is, trained
//! on windows of one long text whose state is carried from each to the next (truncated back-propagation through time:
//! Williams & Peng 1990), and asked again and again for one more.
//!
//! - [`GeneratePlan`] says what to do; [`GenerateRun`] does it;
//! - [`Generator`] is what remains: it goes on with a text ([`generate`](Generator::generate)) and offers the likeliest
//!   endings of a word ([`complete`](Generator::complete)).

mod plan;
mod predictor;
#[cfg(feature = "fit")]
mod recipe;

pub use plan::GeneratePlan;
pub use predictor::{Completion, Generated, Generation, Generator};
#[cfg(feature = "fit")]
pub use recipe::{Carried, GenerateRun, GenerateTask, Measures, Stretch, Traced};
