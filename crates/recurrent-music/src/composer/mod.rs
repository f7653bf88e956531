//! A composer of four-part pieces by rule, whose probabilities are known exactly.
//!
//! A [`Chorale`] is a hymn of one to five phrases for soprano, alto, tenor and bass. It is made by a chain of weighted
//! choices: the key, the meter and the number of phrases; for each phrase, its cadence and the rhythm of its bars; then,
//! place by place, a harmony that may follow the one before, a voicing of it that the rules of voice leading allow, and
//! the passing notes, neighbour notes and suspensions on the way to it. Weights are whole numbers, and a choice that
//! could not be continued to the end of the piece has weight 0, so that nothing is ever taken back.
//!
//! Each of these choices can be read off the frames of the piece: the attacks show where harmonies begin, the pitches of
//! a voicing belong to one harmony only, and what remains is figuration. So there is one chain of choices for each piece,
//! and the probability of the piece is the product of theirs. A model that learns the source perfectly has the mean of
//! −[`log_probability`](ChoralesByRule::log_probability) as its loss, and none can have less.
//!
//! The weight of a voicing falls with its cost: voices that leap, a soprano that stands still, similar motion of the
//! outer voices, wide gaps, and doubled thirds cost most. Pieces are composed around C and moved to their key by half an
//! octave at most, so that all keys from C to F have the same probabilities, and so have those from F# to B.
//!
//! The rules are those of common harmony books: complete chords without doubled leading tones, voices in their ranges
//! that neither cross nor overlap, no parallel fifths or octaves, no direct ones between the outer voices with a leap
//! above, leading tones that rise and sevenths that fall.

mod choice;
mod chorale;
mod chorales_by_rule;
mod composition;
mod figuration;
mod graph;
mod harmony;
mod leading;
mod outline;
mod plan;
mod random;
mod register;
mod rhythm;
mod voicing;

pub use chorale::{Chorale, ChoraleFrame};
pub use chorales_by_rule::ChoralesByRule;

/// The voices: soprano, alto, tenor and bass.
pub const VOICES: usize = 4;

/// Frames of a quarter note.
pub const FRAMES_PER_BEAT: usize = 2;
