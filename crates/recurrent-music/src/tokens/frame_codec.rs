//! Frames as tokens, and back.

use super::{MAX_BAR_FRAMES, MAX_BARS_LEFT, MusicTokenizer, Token};
use crate::frames::{Frame, FrameNote, Frames, bars};
use crate::labels::Labels;
use crate::{Piece, Result};

/// A piece as frames, with what is said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FramePiece {
    /// Key, meter and tempo.
    pub labels: Labels,
    /// The frames.
    pub frames: Frames,
    /// The first frame of each bar; frames before the first bar count as one of their own.
    pub bars: Vec<u32>,
}

impl FramePiece {
    /// The frames of a piece.
    ///
    /// # Errors
    /// If there are more than a million.
    pub fn of(piece: &Piece, per_quarter: u16) -> Result<Self> {
        let frames = Frames::of(piece, per_quarter)?;
        Ok(Self { labels: Labels::of(piece), frames, bars: bars(piece, per_quarter) })
    }

    /// The piece so many semitones higher; `None` if a piano does not have all of its pitches.
    pub fn transposed(&self, semitones: i8) -> Option<Self> {
        let note = |note: &FrameNote| note.pitch.transposed(semitones).map(|pitch| FrameNote { pitch, ..*note });
        let frame = |frame: &Frame| frame.iter().map(note).collect::<Option<Frame>>();
        let frames = self.frames.frames.iter().map(frame).collect::<Option<Vec<_>>>()?;
        let frames = Frames { per_quarter: self.frames.per_quarter, frames };
        Some(Self { labels: self.labels.transposed(semitones), frames, bars: self.bars.clone() })
    }

    /// The token before each frame, where frames are numbered.
    fn positions(&self) -> Vec<Token> {
        let mut starts = self.bars.iter().copied().filter(|start| *start > 0).peekable();
        let mut left = 1 + starts.clone().filter(|start| (*start as usize) < self.frames.frames.len()).count();
        let mut first = 0;
        let position = |frame: u32| {
            if starts.next_if_eq(&frame).is_some() {
                (first, left) = (frame, left - 1);
            }
            match frame - first {
                0 => Token::Bar(u8::try_from(left).unwrap_or(MAX_BARS_LEFT).min(MAX_BARS_LEFT)),
                offset => Token::At(u8::try_from(offset).unwrap_or(MAX_BAR_FRAMES).min(MAX_BAR_FRAMES - 1)),
            }
        };
        (0..).take(self.frames.frames.len()).map(position).collect()
    }
}

/// A piece as token ids, from `<start>` to `<end>`.
pub fn encode_frames(tokenizer: &MusicTokenizer, piece: &FramePiece) -> Vec<u32> {
    let config = tokenizer.config();
    let note = |note: &FrameNote| match config.holds && !note.attack {
        true => Token::Hold(note.pitch),
        false => Token::Attack(note.pitch),
    };
    let mut tokens = vec![Token::Start];
    if config.labels {
        let Labels { key, meter, tempo } = piece.labels;
        tokens.extend([Token::Key(key), Token::Meter(meter), Token::Tempo(tempo)]);
        for (position, frame) in piece.positions().into_iter().zip(&piece.frames.frames) {
            tokens.push(position);
            tokens.extend(frame.iter().map(note));
        }
    } else {
        for frame in &piece.frames.frames {
            tokens.extend(frame.iter().map(note));
            tokens.push(Token::Frame);
        }
    }
    tokens.push(Token::End);
    tokenizer.ids(tokens)
}

/// The frames of token ids up to `<end>`. Tokens at a place where [`encode_frames`] puts none are left out. Where tokens do
/// not tell notes that are held from those that begin, all that sound on are held.
pub fn decode_frames(tokenizer: &MusicTokenizer, ids: &[u32]) -> Vec<Frame> {
    let config = tokenizer.config();
    let mut frames: Vec<Frame> = if config.labels { Vec::new() } else { vec![Frame::new()] };
    for token in ids.iter().map_while(|id| tokenizer.token(*id)) {
        match token {
            Token::End => break,
            Token::Frame | Token::Bar(_) | Token::At(_) => frames.push(Frame::new()),
            Token::Attack(pitch) | Token::Hold(pitch) => {
                if let Some(frame) = frames.last_mut() {
                    frame.push(FrameNote { pitch, attack: matches!(token, Token::Attack(_)) });
                }
            }
            _ => {}
        }
    }
    if !config.labels {
        // What follows the last `<frame>`.
        frames.pop();
    }
    let frames = Frames { per_quarter: config.per_quarter, frames };
    if config.holds { frames.frames } else { frames.tied().frames }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::{MeterClass, TempoClass};
    use crate::tokens::{MusicTokenizerConfig, Representation};
    use crate::{Meter, Pitch};

    fn tokenizer(holds: bool, labels: bool) -> MusicTokenizer {
        MusicTokenizer::new(MusicTokenizerConfig {
            representation: Representation::Frames,
            per_quarter: 1,
            holds,
            labels,
        })
    }

    /// Five frames in bars of 3/4: a chord, its upper note held, a rest, and two notes.
    fn piece() -> FramePiece {
        let note = |pitch: u8, attack| FrameNote { pitch: Pitch::new(pitch).unwrap(), attack };
        let frames = vec![
            vec![note(67, true), note(60, true)],
            vec![note(67, false), note(62, true)],
            vec![],
            vec![note(62, true)],
            vec![note(62, true)],
        ];
        let meter = MeterClass::of(Meter { beats: 3, unit: 4 });
        let labels = Labels { key: "G".parse().ok(), meter, tempo: TempoClass::of(100.0) };
        FramePiece { labels, frames: Frames { per_quarter: 1, frames }, bars: vec![0, 3] }
    }

    fn shown(tokenizer: &MusicTokenizer, piece: &FramePiece) -> String {
        let ids = encode_frames(tokenizer, piece);
        ids.iter().map(|id| tokenizer.token(*id).unwrap().to_string()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn labels_and_positions_are_tokens() {
        assert_eq!(
            shown(&tokenizer(true, true), &piece()),
            "<start> key:G meter:3/4 tempo:92 to 108 bar:-2 G4 C4 at:1 ~G4 D4 at:2 bar:-1 D4 at:1 D4 <end>"
        );
        assert_eq!(
            shown(&tokenizer(false, false), &piece()),
            "<start> G4 C4 <frame> G4 D4 <frame> <frame> D4 <frame> D4 <frame> <end>"
        );
    }

    #[test]
    fn frames_come_back_from_their_tokens() {
        for (holds, labels) in [(false, false), (false, true), (true, false), (true, true)] {
            let tokenizer = tokenizer(holds, labels);
            let frames = decode_frames(&tokenizer, &encode_frames(&tokenizer, &piece()));
            let expected = if holds { piece().frames } else { piece().frames.tied() };
            assert_eq!(frames, expected.frames, "{holds} {labels}");
        }
    }

    #[test]
    fn long_pieces_count_down_from_the_most_bars() {
        let mut piece = piece();
        piece.frames.frames = vec![vec![]; 40];
        piece.bars = (0..40).collect();
        let positions = piece.positions();
        assert!(positions[..8].iter().all(|token| *token == Token::Bar(MAX_BARS_LEFT)), "{positions:?}");
        assert_eq!((positions[8], positions[39]), (Token::Bar(32), Token::Bar(1)));
        piece.bars = vec![];
        assert_eq!(piece.positions()[..3], [Token::Bar(1), Token::At(1), Token::At(2)]);
    }

    #[test]
    fn transposition_changes_pitches_and_key() {
        let higher = piece().transposed(2).unwrap();
        assert!(
            shown(&tokenizer(true, true), &higher).contains("key:A meter:3/4 tempo:92 to 108 bar:-2 A4 D4 at:1 ~A4 E4")
        );
        assert_eq!(higher.transposed(-2).unwrap(), piece());
        let tokenizer = tokenizer(true, true);
        let ids = encode_frames(&tokenizer, &piece());
        assert_eq!(tokenizer.transposed(&ids, 2).unwrap(), encode_frames(&tokenizer, &higher));
        assert_eq!(tokenizer.transposed(&ids, 42), None);
        assert_eq!(piece().transposed(42), None);
    }
}
