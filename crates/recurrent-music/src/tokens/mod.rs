//! Pieces as tokens.

mod event_codec;
mod event_grammar;
mod frame_codec;
mod grammar;
mod label_grammar;

use std::collections::HashMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::labels::{MeterClass, TempoClass};
use crate::{Key, Pitch};

pub use event_codec::{decode_events, encode_events};
pub use event_grammar::EventGrammar;
pub use frame_codec::{FramePiece, decode_frames, encode_frames};
pub use grammar::{FrameGrammar, GivenFrame, PieceRequest};

/// The most bars that are counted down to the end of a piece; more are `MAX_BARS_LEFT` as well.
pub const MAX_BARS_LEFT: u8 = 33;
/// The most frames of a bar that have a token of their own.
pub const MAX_BAR_FRAMES: u8 = 64;
/// The longest time shift, in grid steps.
pub const MAX_SHIFT: u8 = 48;
/// The classes of velocity.
pub const VELOCITIES: u8 = 16;

/// A token of music.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Token {
    /// Behind the end of a piece, in a batch.
    Padding,
    /// Before a piece.
    Start,
    /// After a piece.
    End,
    /// The end of a frame, where frames are not numbered.
    Frame,
    /// Silence in a frame, where a frame without notes is one in which all notes are held.
    Rest,
    /// The first frame of a bar, and how many bars are left with this one.
    Bar(u8),
    /// A later frame of a bar, counted from 1.
    At(u8),
    /// A note begins.
    Attack(Pitch),
    /// A note sounds on.
    Hold(Pitch),
    /// A note ends.
    Release(Pitch),
    /// Time goes on by so many steps, from 1.
    Shift(u8),
    /// The class of velocity of the notes that follow.
    Velocity(u8),
    /// The instrument of the notes that follow.
    Program(u8),
    /// The key of the piece, if it is known.
    Key(Option<Key>),
    /// The meter of the piece.
    Meter(MeterClass),
    /// The tempo of the piece.
    Tempo(TempoClass),
}

/// What the tokens of a piece are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Representation {
    /// Frames of equal length: the pitches of each from the top, and a token between frames.
    Frames,
    /// Events: a note begins or ends, time goes on, velocity or instrument change (Oore et al. 2018).
    Events,
}

/// How pieces become tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MusicTokenizerConfig {
    /// What the tokens are.
    pub representation: Representation,
    /// Frames, or steps of time, of a quarter note.
    pub per_quarter: u16,
    /// Frames: whether notes that are held have other tokens than those that begin.
    pub holds: bool,
    /// Whether key, meter and tempo come before a piece, and frames are numbered in bars that count down to the end.
    pub labels: bool,
}

/// The vocabulary of music, which depends on its configuration alone.
///
/// As frames with labels, a piece is
///
/// ```text
/// <start> key:G meter:3/4 tempo:76..92  bar:-2 C4 G3 E3 C2  at:1 D4 ~G3 ~E3 ~C2  at:2  bar:-1 .. <end>
/// ```
///
/// where `~` marks a note that is held, and a frame without notes is one in which all are. If the key is known, pitches are
/// those of the piece moved to a tonic of C, so that what is learned in one key holds in all. Without labels and holds, a
/// piece is `<start> G4 D4 B3 G2 <frame> A4 .. <frame> <end>`.
#[derive(Debug, Clone)]
pub struct MusicTokenizer {
    config: MusicTokenizerConfig,
    tokens: Vec<Token>,
    ids: HashMap<Token, u32>,
}

impl MusicTokenizer {
    /// The id of the padding.
    pub const PADDING: u32 = 0;

    /// The vocabulary of a configuration.
    pub fn new(config: MusicTokenizerConfig) -> Self {
        let pitches = || (Pitch::LOWEST.number()..=Pitch::HIGHEST.number()).filter_map(Pitch::new);
        let mut tokens = vec![Token::Padding, Token::Start, Token::End];
        tokens.extend(pitches().map(Token::Attack));
        match config.representation {
            Representation::Frames => {
                if config.holds {
                    tokens.extend(pitches().map(Token::Hold));
                    tokens.push(Token::Rest);
                }
                if config.labels {
                    tokens.extend((1..=MAX_BARS_LEFT).map(Token::Bar));
                    tokens.extend((1..MAX_BAR_FRAMES).map(Token::At));
                } else {
                    tokens.push(Token::Frame);
                }
            }
            Representation::Events => {
                tokens.extend(pitches().map(Token::Release));
                tokens.extend((1..=MAX_SHIFT).map(Token::Shift));
                tokens.extend((0..VELOCITIES).map(Token::Velocity));
                tokens.extend((0..128).map(Token::Program));
            }
        }
        if config.labels {
            tokens.push(Token::Key(None));
            tokens.extend(Key::all().map(|key| Token::Key(Some(key))));
            tokens.extend(MeterClass::all().map(Token::Meter));
            tokens.extend(TempoClass::all().map(Token::Tempo));
        }
        let ids = tokens.iter().copied().zip(0..).collect();
        Self { config, tokens, ids }
    }

    /// How pieces become tokens.
    pub fn config(&self) -> &MusicTokenizerConfig {
        &self.config
    }

    /// The number of tokens.
    pub fn vocab_size(&self) -> usize {
        self.tokens.len()
    }

    /// The token of an id; `None` if there is no such id.
    pub fn token(&self, id: u32) -> Option<Token> {
        self.tokens.get(id as usize).copied()
    }

    /// All tokens, in the order of their ids.
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// The id of a token; `None` if this vocabulary does not have it.
    pub fn id(&self, token: Token) -> Option<u32> {
        self.ids.get(&token).copied()
    }

    /// How the ids of a whole piece are moved by so many semitones.
    pub fn transposition(&self, piece: &[u32], semitones: i8) -> Transposition {
        let key = piece.iter().map_while(|id| self.token(*id)).find_map(|token| match token {
            Token::Key(key) => Some(key),
            _ => None,
        });
        let pitches = match key.flatten() {
            // Moved to a tonic of C, the pitches are the same, or an octave apart.
            Some(key) => semitones + tonic_shift(key) - tonic_shift(key.transposed(semitones)),
            None => semitones,
        };
        Transposition { semitones, pitches }
    }

    /// The ids of a piece, or of an excerpt of it, moved as its [`transposition`](Self::transposition) says; `None` if a
    /// piano does not have all of its pitches then.
    pub fn transposed(&self, ids: &[u32], transposition: Transposition) -> Option<Vec<u32>> {
        let Transposition { semitones, pitches } = transposition;
        let higher = |id: &u32| match self.token(*id)? {
            Token::Key(key) => self.id(Token::Key(key.map(|key| key.transposed(semitones)))),
            other => self.id(other.transposed(pitches)?),
        };
        ids.iter().map(higher).collect()
    }

    /// The ids of tokens that the vocabulary has.
    pub(crate) fn ids(&self, tokens: impl IntoIterator<Item = Token>) -> Vec<u32> {
        tokens.into_iter().filter_map(|token| self.id(token)).collect()
    }
}

/// How the tokens of a piece are moved to another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transposition {
    semitones: i8,
    /// By how much the pitches of its tokens are, which are relative to the tonic if the key is known.
    pitches: i8,
}

impl Transposition {
    /// That of pitches that are not relative to a tonic.
    pub fn chromatic(semitones: i8) -> Self {
        Self { semitones, pitches: semitones }
    }

    /// By how many semitones the piece is higher.
    pub fn semitones(self) -> i8 {
        self.semitones
    }
}

/// By how many semitones a piece is above the same piece with a tonic of C: from 5 below to 6 above.
pub(crate) fn tonic_shift(key: Key) -> i8 {
    let tonic = key.tonic() as i8;
    if tonic > 6 { tonic - 12 } else { tonic }
}

impl Token {
    /// The pitch of a note that begins, sounds on or ends.
    pub fn pitch(self) -> Option<Pitch> {
        match self {
            Self::Attack(pitch) | Self::Hold(pitch) | Self::Release(pitch) => Some(pitch),
            _ => None,
        }
    }

    /// Whether the token is said before the first note.
    pub fn is_label(self) -> bool {
        matches!(self, Self::Key(_) | Self::Meter(_) | Self::Tempo(_))
    }

    fn transposed(self, semitones: i8) -> Option<Self> {
        Some(match self {
            Self::Attack(pitch) => Self::Attack(pitch.transposed(semitones)?),
            Self::Hold(pitch) => Self::Hold(pitch.transposed(semitones)?),
            Self::Release(pitch) => Self::Release(pitch.transposed(semitones)?),
            other => other,
        })
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Padding => f.write_str("<pad>"),
            Self::Start => f.write_str("<start>"),
            Self::End => f.write_str("<end>"),
            Self::Frame => f.write_str("<frame>"),
            Self::Rest => f.write_str("rest"),
            Self::Bar(left) => write!(f, "bar:-{left}"),
            Self::At(frame) => write!(f, "at:{frame}"),
            Self::Attack(pitch) => write!(f, "{pitch}"),
            Self::Hold(pitch) => write!(f, "~{pitch}"),
            Self::Release(pitch) => write!(f, "/{pitch}"),
            Self::Shift(steps) => write!(f, "+{steps}"),
            Self::Velocity(class) => write!(f, "velocity:{class}"),
            Self::Program(program) => write!(f, "program:{program}"),
            Self::Key(None) => f.write_str("key:?"),
            Self::Key(Some(key)) => write!(f, "key:{key}"),
            Self::Meter(class) => match class.meter() {
                Some(meter) => write!(f, "meter:{meter}"),
                None => f.write_str("meter:?"),
            },
            Self::Tempo(class) => write!(f, "tempo:{class}"),
        }
    }
}

/// One of the tokens that may follow, by chance.
#[cfg(test)]
fn id_by_chance(tokenizer: &MusicTokenizer, allows: impl Fn(Token) -> bool, seed: &mut u64) -> u32 {
    let allowed = tokenizer.tokens().iter().filter(|token| allows(**token)).filter_map(|token| tokenizer.id(*token));
    let allowed: Vec<u32> = allowed.collect();
    assert!(!allowed.is_empty(), "nothing may follow");
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    allowed[(*seed >> 33) as usize % allowed.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_tokens_are_one_to_one() {
        for representation in [Representation::Frames, Representation::Events] {
            for (holds, labels) in [(false, false), (false, true), (true, false), (true, true)] {
                let tokenizer =
                    MusicTokenizer::new(MusicTokenizerConfig { representation, per_quarter: 4, holds, labels });
                for id in 0..tokenizer.vocab_size() as u32 {
                    assert_eq!(tokenizer.token(id).and_then(|token| tokenizer.id(token)), Some(id));
                }
                assert_eq!(tokenizer.id(Token::Padding), Some(MusicTokenizer::PADDING));
                let texts: std::collections::BTreeSet<String> =
                    tokenizer.tokens().iter().map(ToString::to_string).collect();
                assert_eq!(texts.len(), tokenizer.vocab_size());
            }
        }
    }
}
