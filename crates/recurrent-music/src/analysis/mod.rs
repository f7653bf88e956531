//! Measures of music: its key, its repetitions, and what it copies.

mod bars;
mod copies;
mod fingerprint;
mod key;
mod suffix_automaton;

pub use bars::repeated_bars;
pub use copies::{CopiedRun, LongestCopy};
pub use fingerprint::{Fingerprint, fingerprint, fingerprint_of_frames};
pub use key::{in_key_share, key_of, recognize_key};
