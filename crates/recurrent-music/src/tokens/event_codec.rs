//! Events as tokens, and back.

use std::collections::BTreeMap;

use super::{MAX_SHIFT, MusicTokenizer, Token, VELOCITIES, tonic_shift};
use crate::labels::Labels;
use crate::{Note, Piece, Pitch};

/// Ticks of a step of time in a piece that was decoded.
const TICKS: u32 = 40;
/// The most steps of a piece that is decoded.
const MAX_STEPS: u32 = 1 << 24;

/// What sounds while events are decoded.
#[derive(Debug, Clone)]
struct Sounding {
    start: u32,
    velocity: u8,
}

/// A piece as token ids, from `<start>` to `<end>`. At one time notes end first, and then begin from the lowest.
///
/// Times are rounded to the nearest step, and notes last one step at least. A note that begins on a pitch of its instrument
/// that sounds already ends the one before it. With labels, pitches are those of the piece with a tonic of C, as in
/// [`encode_frames`](super::encode_frames).
pub fn encode_events(tokenizer: &MusicTokenizer, piece: &Piece) -> Vec<u32> {
    let config = tokenizer.config();
    let mut tokens = vec![Token::Start];
    let Labels { key, meter, tempo } = Labels::of(piece);
    let in_c = key.filter(|_| config.labels).and_then(|key| piece.transposed(-tonic_shift(key)));
    if config.labels {
        tokens.extend([Token::Key(key.filter(|_| in_c.is_some())), Token::Meter(meter), Token::Tempo(tempo)]);
    }
    let (mut now, mut velocity, mut program) = (0, None, 0);
    for (step, events) in events(in_c.as_ref().unwrap_or(piece), config.per_quarter) {
        let mut wait = step - now;
        while wait > 0 {
            let shift = wait.min(u32::from(MAX_SHIFT));
            tokens.push(Token::Shift(shift as u8));
            wait -= shift;
        }
        now = step;
        for event in events {
            if program != event.program {
                program = event.program;
                tokens.push(Token::Program(program));
            }
            match event.velocity {
                None => tokens.push(Token::Release(event.pitch)),
                Some(struck) => {
                    let class = velocity_class(struck);
                    if velocity != Some(class) {
                        velocity = Some(class);
                        tokens.push(Token::Velocity(class));
                    }
                    tokens.push(Token::Attack(event.pitch));
                }
            }
        }
    }
    tokens.push(Token::End);
    tokenizer.ids(tokens)
}

/// A note that begins (with its velocity) or ends; ends come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Event {
    begins: bool,
    program: u8,
    pitch: Pitch,
    velocity: Option<u8>,
}

/// The first step of a note, the one at which it ends, and its velocity.
type Span = (u32, u32, u8);

/// The events of a piece by step.
fn events(piece: &Piece, per_quarter: u16) -> BTreeMap<u32, Vec<Event>> {
    let step = |tick: u32| piece.step(tick, per_quarter);
    // By instrument and pitch: the notes in their order.
    let mut voices: BTreeMap<(u8, Pitch), Vec<Span>> = BTreeMap::new();
    for note in &piece.notes {
        let start = step(note.start);
        let end = step(note.end()).max(start + 1);
        voices.entry((note.program, note.pitch)).or_default().push((start, end, note.velocity));
    }
    let mut events: BTreeMap<u32, Vec<Event>> = BTreeMap::new();
    for ((program, pitch), mut notes) in voices {
        notes.sort_unstable();
        // Of notes that begin together, the last one is the longest.
        let next_start = |index: usize| notes.get(index + 1).map_or(u32::MAX, |(start, ..)| *start);
        for (index, (start, end, velocity)) in notes.iter().enumerate() {
            if next_start(index) == *start {
                continue;
            }
            let mut add = |step: u32, velocity: Option<u8>| {
                let event = Event { begins: velocity.is_some(), program, pitch, velocity };
                events.entry(step).or_default().push(event);
            };
            add(*start, Some(*velocity));
            add((*end).min(next_start(index)), None);
        }
    }
    events.values_mut().for_each(|events| events.sort_unstable());
    events
}

/// The piece of token ids, up to `<end>` or the last id. Every note ends: one without a release ends with the piece. Tokens
/// at a place where [`encode_events`] puts none are left out.
pub fn decode_events(tokenizer: &MusicTokenizer, ids: &[u32]) -> Piece {
    let config = tokenizer.config();
    let mut notes = Vec::new();
    let mut sounding: BTreeMap<(u8, Pitch), Sounding> = BTreeMap::new();
    let (mut now, mut velocity, mut program, mut shift) = (0_u32, VELOCITIES / 2, 0, 0);
    let note = |(program, pitch): (u8, Pitch), begun: Sounding, end: u32| Note {
        start: begun.start * TICKS,
        pitch,
        duration: (end - begun.start) * TICKS,
        velocity: begun.velocity,
        program,
    };
    for token in ids.iter().map_while(|id| tokenizer.token(*id)) {
        match token {
            Token::End => break,
            Token::Shift(steps) => now = (now + u32::from(steps)).min(MAX_STEPS),
            Token::Velocity(class) => velocity = class,
            Token::Program(found) => program = found,
            Token::Key(key) => shift = key.map_or(0, tonic_shift),
            Token::Attack(pitch) | Token::Release(pitch) => {
                let Some(pitch) = pitch.transposed(shift) else { continue };
                let voice = (program, pitch);
                if let Some(begun) = sounding.remove(&voice).filter(|begun| begun.start < now) {
                    notes.push(note(voice, begun, now));
                }
                if matches!(token, Token::Attack(_)) {
                    sounding.insert(voice, Sounding { start: now, velocity: velocity_of(velocity) });
                }
            }
            _ => {}
        }
    }
    for (voice, begun) in sounding {
        let end = now.max(begun.start + 1);
        notes.push(note(voice, begun, end));
    }
    notes.sort_unstable();
    let ticks_per_quarter = u16::try_from(TICKS * u32::from(config.per_quarter)).unwrap_or(u16::MAX);
    Piece { ticks_per_quarter, notes, ..Piece::default() }
}

/// The class of a velocity from 1 to 127.
fn velocity_class(velocity: u8) -> u8 {
    velocity.min(127) / (128 / VELOCITIES)
}

/// The velocity in the middle of a class.
fn velocity_of(class: u8) -> u8 {
    class * (128 / VELOCITIES) + 64 / VELOCITIES
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tokens::{MusicTokenizerConfig, Representation};

    fn tokenizer(labels: bool) -> MusicTokenizer {
        let representation = Representation::Events;
        MusicTokenizer::new(MusicTokenizerConfig { representation, per_quarter: 4, holds: false, labels })
    }

    fn note(start: u32, pitch: u8, duration: u32, velocity: u8, program: u8) -> Note {
        Note { start, pitch: Pitch::new(pitch).unwrap(), duration, velocity, program }
    }

    fn piece(mut notes: Vec<Note>) -> Piece {
        notes.sort_unstable();
        Piece { ticks_per_quarter: 160, notes, ..Piece::default() }
    }

    fn shown(tokenizer: &MusicTokenizer, ids: &[u32]) -> String {
        ids.iter().map(|id| tokenizer.token(*id).unwrap().to_string()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn notes_begin_and_end_in_time() {
        let tokenizer = tokenizer(true);
        let piece = piece(vec![note(0, 60, 160, 80, 0), note(160, 64, 8000, 80, 0), note(160, 43, 160, 20, 32)]);
        assert_eq!(
            shown(&tokenizer, &encode_events(&tokenizer, &piece)),
            "<start> key:? meter:4/4 tempo:108 to 128 velocity:10 C4 +4 /C4 E4 program:32 velocity:2 G2 +4 /G2 +48 +48 \
             +48 +48 +4 program:0 /E4 <end>"
        );
    }

    #[test]
    fn every_note_ends() {
        let tokenizer = tokenizer(false);
        let pitch = |number| Pitch::new(number).unwrap();
        let tokens = [
            Token::Start,
            Token::Release(pitch(50)),
            Token::Attack(pitch(60)),
            Token::Shift(2),
            Token::Attack(pitch(60)),
            Token::Attack(pitch(62)),
        ];
        let decoded = decode_events(&tokenizer, &tokenizer.ids(tokens));
        let spans: Vec<_> = decoded.notes.iter().map(|n| (n.start, n.pitch.number(), n.duration)).collect();
        assert_eq!(spans, [(0, 60, 80), (80, 60, 40), (80, 62, 40)]);
    }

    proptest! {
        /// Notes on the grid, none on a pitch of its instrument that sounds already, with velocities in the middle of classes.
        #[test]
        fn pieces_come_back_from_their_events(
            starts in prop::collection::btree_set((0_u32..200, 40_u8..70, 0_u8..3), 1..40),
            lengths in prop::collection::vec((1_u32..90, 0..VELOCITIES), 40),
            labels in any::<bool>(),
            key in prop::option::of(0_usize..24),
        ) {
            let starts: Vec<_> = starts.into_iter().collect();
            let next = |(start, pitch, program): (u32, u8, u8)| {
                starts.iter().filter(|other| (other.1, other.2) == (pitch, program) && other.0 > start).map(|other| other.0).min()
            };
            let notes = starts.iter().zip(&lengths).map(|(at, (length, class))| {
                let end = (at.0 + length).min(next(*at).unwrap_or(u32::MAX));
                note(at.0 * TICKS, at.1, (end - at.0) * TICKS, velocity_of(*class), at.2)
            });
            let mut piece = piece(notes.collect());
            piece.keys.extend(key.and_then(|index| crate::Key::all().nth(index)).map(|key| (0, key)));
            let tokenizer = tokenizer(labels);
            prop_assert_eq!(decode_events(&tokenizer, &encode_events(&tokenizer, &piece)).notes, piece.notes);
        }

        #[test]
        fn any_tokens_are_a_piece(ids in prop::collection::vec(0_u32..500, 0..200)) {
            let piece = decode_events(&tokenizer(true), &ids);
            prop_assert!(piece.notes.iter().all(|note| note.duration > 0));
        }
    }
}
