//! Which event may follow, so that a performance that is composed event by event is one.

use std::collections::BTreeMap;

use super::label_grammar::LabelGrammar;
use super::{MusicTokenizer, MusicTokenizerConfig, PieceRequest, Token};
use crate::{Meter, Pitch};

/// The most notes that sound together.
const MAX_SOUNDING: usize = 32;

/// The events of a piece, one after the other: it knows which ones may follow.
///
/// Only a note that sounds can end, none ends when it begins, and the piece ends when the bars that were asked for do.
/// At least one token may follow until then.
#[derive(Debug, Clone)]
pub struct EventGrammar {
    config: MusicTokenizerConfig,
    request: PieceRequest,
    labels: LabelGrammar,
    has_ended: bool,
    /// Steps since the beginning.
    now: usize,
    program: u8,
    /// The step at which each note that sounds began, by instrument and pitch.
    sounding: BTreeMap<(u8, Pitch), usize>,
    last: Token,
}

impl EventGrammar {
    /// Begins a piece, before `<start>`.
    pub fn new(tokenizer: &MusicTokenizer, request: PieceRequest) -> Self {
        let config = *tokenizer.config();
        let (labels, sounding) = (LabelGrammar::new(config.labels, &request), BTreeMap::new());
        Self { config, request, labels, has_ended: false, now: 0, program: 0, sounding, last: Token::Padding }
    }

    /// Whether the piece has ended.
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Whether a token may follow.
    pub fn allows(&self, token: Token) -> bool {
        if !self.labels.is_complete() {
            return self.labels.allows(token, &self.request);
        }
        !self.has_ended && self.allows_event(token)
    }

    fn allows_event(&self, token: Token) -> bool {
        let left = self.steps().map(|steps| steps.saturating_sub(self.now));
        let is_over = left == Some(0);
        match token {
            Token::End => left.is_none_or(|left| left == 0),
            Token::Shift(steps) => left.is_none_or(|left| usize::from(steps) <= left),
            Token::Release(pitch) => self.sounding.get(&(self.program, pitch)).is_some_and(|start| *start < self.now),
            Token::Attack(pitch) => {
                let Some(sounding) = pitch.transposed(self.labels.shift) else { return false };
                let (lowest, highest) = self.request.range;
                let is_new = self.sounding.get(&(self.program, pitch)).is_none_or(|start| *start < self.now);
                !is_over && is_new && (lowest..=highest).contains(&sounding) && self.sounding.len() < MAX_SOUNDING
            }
            Token::Velocity(_) => !is_over && !matches!(self.last, Token::Velocity(_)),
            Token::Program(_) => !is_over && !matches!(self.last, Token::Velocity(_) | Token::Program(_)),
            _ => false,
        }
    }

    /// Adds a token.
    pub fn push(&mut self, token: Token) {
        self.last = token;
        if !self.labels.is_complete() {
            return self.labels.push(token);
        }
        match token {
            Token::End => self.has_ended = true,
            Token::Shift(steps) => self.now += usize::from(steps),
            Token::Program(program) => self.program = program,
            Token::Attack(pitch) => {
                self.sounding.insert((self.program, pitch), self.now);
            }
            Token::Release(pitch) => {
                self.sounding.remove(&(self.program, pitch));
            }
            _ => {}
        }
    }

    /// The steps that were asked for.
    fn steps(&self) -> Option<usize> {
        let bar = self.labels.meter.unwrap_or(Meter::COMMON).bar(self.config.per_quarter) as usize;
        Some(self.request.bars?.max(1).saturating_mul(bar))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tokens::{Representation, decode_events, encode_events, id_by_chance};
    use crate::{Note, Piece};

    fn tokenizer(labels: bool) -> MusicTokenizer {
        let representation = Representation::Events;
        MusicTokenizer::new(MusicTokenizerConfig { representation, per_quarter: 4, holds: false, labels })
    }

    proptest! {
        #[test]
        fn every_encoded_piece_is_allowed(
            notes in prop::collection::btree_map((0_u32..90, 40_u8..60, 0_u8..2), (1_u32..9, 1_u8..128), 1..50),
            labels in any::<bool>(),
        ) {
            let notes: Vec<Note> = notes.into_iter().map(|((start, pitch, program), (duration, velocity))| {
                Note { start, pitch: Pitch::new(pitch).unwrap(), duration, velocity, program }
            }).collect();
            let piece = Piece { ticks_per_quarter: 4, notes, ..Piece::default() };
            let tokenizer = tokenizer(labels);
            let mut grammar = EventGrammar::new(&tokenizer, PieceRequest::default());
            for id in encode_events(&tokenizer, &piece) {
                let token = tokenizer.token(id).unwrap();
                prop_assert!(grammar.allows(token), "{token}");
                grammar.push(token);
            }
            prop_assert!(grammar.has_ended());
        }

        #[test]
        fn a_piece_ends_with_its_bars(mut seed in any::<u64>(), bars in 1_usize..5, labels in any::<bool>()) {
            let tokenizer = tokenizer(labels);
            let meter = Some(Meter { beats: 3, unit: 4 });
            let mut grammar = EventGrammar::new(&tokenizer, PieceRequest { meter, bars: Some(bars), ..PieceRequest::default() });
            let mut ids = Vec::new();
            while !grammar.has_ended() {
                let id = id_by_chance(&tokenizer, |token| grammar.allows(token), &mut seed);
                grammar.push(tokenizer.token(id).unwrap());
                ids.push(id);
            }
            let piece = decode_events(&tokenizer, &ids);
            let bar = Meter { beats: 3, unit: 4 }.bar(piece.ticks_per_quarter);
            prop_assert!(piece.end() <= bars as u32 * bar);
        }
    }
}
