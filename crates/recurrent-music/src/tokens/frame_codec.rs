//! Frames as tokens, and back.

use super::{MAX_BAR_FRAMES, MAX_BARS_LEFT, MusicTokenizer, Token, tonic_shift};
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

/// A piece as token ids, from `<start>` to `<end>`. If it does not fit on a piano with a tonic of C, its key is unknown.
pub fn encode_frames(tokenizer: &MusicTokenizer, piece: &FramePiece) -> Vec<u32> {
    let config = tokenizer.config();
    let mut tokens = vec![Token::Start];
    if config.labels {
        let in_c = piece.labels.key.and_then(|key| piece.transposed(-tonic_shift(key)));
        let Labels { key, meter, tempo } = piece.labels;
        tokens.extend([Token::Key(key.filter(|_| in_c.is_some())), Token::Meter(meter), Token::Tempo(tempo)]);
        let frames = &in_c.as_ref().unwrap_or(piece).frames.frames;
        for (position, notes) in piece.positions().into_iter().zip(notes(frames, config.holds)) {
            tokens.push(position);
            tokens.extend(notes);
        }
    } else {
        for notes in notes(&piece.frames.frames, config.holds) {
            tokens.extend(notes);
            tokens.push(Token::Frame);
        }
    }
    tokens.push(Token::End);
    tokenizer.ids(tokens)
}

/// The tokens of each frame's notes.
fn notes(frames: &[Frame], holds: bool) -> impl Iterator<Item = Vec<Token>> {
    let before = std::iter::once(&[][..]).chain(frames.iter().map(Vec::as_slice));
    before.zip(frames).map(move |(before, frame)| {
        if !holds {
            return frame.iter().map(|note| Token::Attack(note.pitch)).collect();
        }
        if frame.is_empty() {
            return vec![Token::Rest];
        }
        if is_held(before, frame) {
            return Vec::new();
        }
        let note = |note: &FrameNote| if note.attack { Token::Attack(note.pitch) } else { Token::Hold(note.pitch) };
        frame.iter().map(note).collect()
    })
}

/// Whether all notes of a frame are those of the frame before, held.
pub(super) fn is_held(before: &[FrameNote], frame: &[FrameNote]) -> bool {
    let same = |(before, note): (&FrameNote, &FrameNote)| before.pitch == note.pitch && !note.attack;
    before.len() == frame.len() && before.iter().zip(frame).all(same)
}

/// A frame in which all notes of the frame before are held.
pub(super) fn held(before: Option<&Frame>) -> Frame {
    let hold = |note: &FrameNote| FrameNote { attack: false, ..*note };
    before.map(|before| before.iter().map(hold).collect()).unwrap_or_default()
}

/// The frames of token ids up to `<end>`. Tokens at a place where [`encode_frames`] puts none are left out. Where tokens do
/// not tell notes that are held from those that begin, all that sound on are held.
pub fn decode_frames(tokenizer: &MusicTokenizer, ids: &[u32]) -> Vec<Frame> {
    let config = tokenizer.config();
    // The notes of each frame, if any are said; with labels there is no frame before the first position.
    let mut said: Vec<Option<Frame>> = if config.labels { Vec::new() } else { vec![None] };
    let mut shift = 0;
    for token in ids.iter().map_while(|id| tokenizer.token(*id)) {
        match token {
            Token::End => break,
            Token::Key(key) => shift = key.map_or(0, tonic_shift),
            Token::Frame | Token::Bar(_) | Token::At(_) => said.push(None),
            Token::Rest => said.iter_mut().last().into_iter().for_each(|frame| *frame = Some(Frame::new())),
            Token::Attack(pitch) | Token::Hold(pitch) => {
                let attack = matches!(token, Token::Attack(_));
                if let (Some(frame), Some(pitch)) = (said.last_mut(), pitch.transposed(shift)) {
                    frame.get_or_insert_default().push(FrameNote { pitch, attack });
                }
            }
            _ => {}
        }
    }
    if !config.labels {
        // What follows the last `<frame>`.
        said.pop();
    }
    let mut frames: Vec<Frame> = Vec::with_capacity(said.len());
    for frame in said {
        let frame = frame.unwrap_or_else(|| if config.holds { held(frames.last()) } else { Frame::new() });
        frames.push(frame);
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

    /// Six frames in bars of 3/4: a chord, its upper note held, a rest, and two notes, the first of them held.
    fn piece() -> FramePiece {
        let note = |pitch: u8, attack| FrameNote { pitch: Pitch::new(pitch).unwrap(), attack };
        let frames = vec![
            vec![note(67, true), note(60, true)],
            vec![note(67, false), note(62, true)],
            vec![],
            vec![note(62, true)],
            vec![note(62, false)],
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
            "<start> key:G meter:3/4 tempo:92 to 108 bar:-2 C5 F4 at:1 ~C5 G4 at:2 rest bar:-1 G4 at:1 at:2 G4 <end>"
        );
        assert_eq!(
            shown(&tokenizer(false, false), &piece()),
            "<start> G4 C4 <frame> G4 D4 <frame> <frame> D4 <frame> D4 <frame> D4 <frame> <end>"
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
            shown(&tokenizer(true, true), &higher).contains("key:A meter:3/4 tempo:92 to 108 bar:-2 C5 F4 at:1 ~C5 G4")
        );
        assert_eq!(higher.transposed(-2).unwrap(), piece());
        let tokenizer = tokenizer(true, true);
        let ids = encode_frames(&tokenizer, &piece());
        for semitones in -5..=6 {
            let moved = encode_frames(&tokenizer, &piece().transposed(semitones).unwrap());
            let transposition = tokenizer.transposition(&ids, semitones);
            assert_eq!(tokenizer.transposed(&ids, transposition).unwrap(), moved);
            assert_eq!(tokenizer.transposed(&ids[5..], transposition).unwrap(), moved[5..]);
        }
        assert_eq!(tokenizer.transposed(&ids, crate::Transposition::chromatic(42)), None);
        assert_eq!(piece().transposed(42), None);
    }
}
