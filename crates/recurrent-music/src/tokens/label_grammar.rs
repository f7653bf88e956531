//! Which label may follow, before the first note of a piece.

use super::{PieceRequest, Token, tonic_shift};
use crate::Meter;
use crate::labels::MeterClass;

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Start,
    Key,
    Meter,
    Tempo,
    Nothing,
}

/// The tokens before the first note, one after the other: `<start>` and, with labels, key, meter and tempo, those that were
/// asked for.
#[derive(Debug, Clone)]
pub(super) struct LabelGrammar {
    has_labels: bool,
    next: Next,
    /// The meter, if it was asked for or is known by now.
    pub meter: Option<Meter>,
    /// By how many semitones the pitches are above those of the tokens.
    pub shift: i8,
}

impl LabelGrammar {
    /// Begins a piece, before `<start>`.
    pub fn new(has_labels: bool, request: &PieceRequest) -> Self {
        Self { has_labels, next: Next::Start, meter: request.meter, shift: 0 }
    }

    /// Whether all labels are there.
    pub fn is_complete(&self) -> bool {
        self.next == Next::Nothing
    }

    /// Whether a token may follow.
    pub fn allows(&self, token: Token, request: &PieceRequest) -> bool {
        match (self.next, token) {
            (Next::Start, Token::Start) => true,
            (Next::Key, Token::Key(key)) => request.key.is_none() || request.key == key,
            (Next::Meter, Token::Meter(class)) => request.meter.is_none_or(|meter| MeterClass::of(meter) == class),
            (Next::Tempo, Token::Tempo(class)) => request.tempo.is_none_or(|tempo| tempo == class),
            _ => false,
        }
    }

    /// Adds a token.
    pub fn push(&mut self, token: Token) {
        match token {
            Token::Key(key) => self.shift = key.map_or(0, tonic_shift),
            Token::Meter(class) => self.meter = self.meter.or_else(|| class.meter()),
            _ => {}
        }
        self.next = match self.next {
            Next::Start if self.has_labels => Next::Key,
            Next::Key => Next::Meter,
            Next::Meter => Next::Tempo,
            _ => Next::Nothing,
        };
    }
}
