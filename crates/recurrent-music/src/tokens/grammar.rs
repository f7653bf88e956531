//! Which token may follow, so that a piece that is composed token by token is one.

use super::frame_codec::{held, is_held};
use super::label_grammar::LabelGrammar;
use super::{MAX_BAR_FRAMES, MAX_BARS_LEFT, MusicTokenizer, MusicTokenizerConfig, Token};
use crate::frames::{Frame, FrameNote};
use crate::labels::TempoClass;
use crate::{Key, Meter, Pitch};

/// The notes of a frame, from the top: those that are given, and those that are free. A frame has as many notes.
pub type GivenFrame = Vec<Option<FrameNote>>;

/// What is asked of a piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PieceRequest {
    /// Its key.
    pub key: Option<Key>,
    /// Its meter; without labels, that of the bars that are counted, 4/4 by default.
    pub meter: Option<Meter>,
    /// Its class of tempo.
    pub tempo: Option<TempoClass>,
    /// Its length in bars, at least 1.
    pub bars: Option<usize>,
    /// What its first frames have.
    pub given: Vec<GivenFrame>,
    /// The notes of every frame that is not given, if that is fixed.
    pub voices: Option<usize>,
    /// The lowest and the highest pitch that is free to choose.
    pub range: (Pitch, Pitch),
}

impl Default for PieceRequest {
    /// Any piece on a piano.
    fn default() -> Self {
        let range = (Pitch::LOWEST, Pitch::HIGHEST);
        Self { key: None, meter: None, tempo: None, bars: None, given: Vec::new(), voices: None, range }
    }
}

/// The most notes of a frame whose number is not fixed.
const MAX_NOTES: usize = 16;

/// What comes after the labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The first bar, of a piece whose frames are numbered.
    FirstBar,
    /// A note, or the end of the frame.
    Notes,
    Ended,
}

/// The tokens of a piece of frames, one after the other: it knows which ones may follow.
///
/// Notes of a frame go down from the top, none is held that did not sound, bars have the length of the meter and count
/// down to the end, and everything that was asked for holds. At least one token may follow until the piece has ended.
#[derive(Debug, Clone)]
pub struct FrameGrammar {
    config: MusicTokenizerConfig,
    request: PieceRequest,
    labels: LabelGrammar,
    stage: Stage,
    /// Bars left with this one; `None` while they are too many to be counted.
    bars_left: Option<usize>,
    /// The number of the frame in its bar.
    offset: usize,
    /// The frames that are complete.
    frames: Vec<Frame>,
    /// The notes of this one.
    current: Frame,
    /// Whether this one is silent, as was said.
    rests: bool,
}

impl FrameGrammar {
    /// Begins a piece, before `<start>`.
    pub fn new(tokenizer: &MusicTokenizer, request: PieceRequest) -> Self {
        let config = *tokenizer.config();
        let bars_left = request.bars.map(|bars| bars.max(1));
        let labels = LabelGrammar::new(config.labels, &request);
        let stage = if config.labels { Stage::FirstBar } else { Stage::Notes };
        let (frames, current) = (Vec::new(), Frame::new());
        Self { config, request, labels, stage, bars_left, offset: 0, frames, current, rests: false }
    }

    /// Whether the piece has ended.
    pub fn has_ended(&self) -> bool {
        self.stage == Stage::Ended
    }

    /// The frames that are complete.
    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// Whether a token may follow.
    pub fn allows(&self, token: Token) -> bool {
        if !self.labels.is_complete() {
            return self.labels.allows(token, &self.request);
        }
        match (self.stage, token) {
            (Stage::FirstBar, Token::Bar(left)) => self.bars_left.is_none_or(|bars| left == bars_token(bars)),
            (Stage::Notes, Token::Attack(pitch) | Token::Hold(pitch)) => {
                let sounding = pitch.transposed(self.labels.shift);
                sounding.is_some_and(|pitch| self.allows_note(pitch, matches!(token, Token::Attack(_))))
            }
            (Stage::Notes, Token::Rest) => self.allows_rest(),
            (Stage::Notes, Token::Frame | Token::Bar(_) | Token::At(_) | Token::End) => self.allows_frame_end(token),
            _ => false,
        }
    }

    /// Adds a token.
    pub fn push(&mut self, token: Token) {
        if !self.labels.is_complete() {
            return self.labels.push(token);
        }
        match token {
            Token::Bar(left) if self.stage == Stage::FirstBar => {
                self.bars_left = self.bars_left.or_else(|| counted(left));
                self.stage = Stage::Notes;
            }
            Token::Bar(left) => {
                self.end_frame();
                self.offset = 0;
                self.bars_left = self.bars_left.map_or_else(|| counted(left), |bars| Some(bars.saturating_sub(1)));
            }
            Token::At(_) | Token::Frame => {
                self.end_frame();
                self.offset += 1;
            }
            Token::End => {
                if self.config.labels {
                    self.end_frame();
                }
                self.stage = Stage::Ended;
            }
            Token::Rest => self.rests = true,
            Token::Attack(pitch) | Token::Hold(pitch) => {
                let attack = matches!(token, Token::Attack(_));
                self.current.extend(pitch.transposed(self.labels.shift).map(|pitch| FrameNote { pitch, attack }));
            }
            _ => {}
        }
    }

    fn end_frame(&mut self) {
        let frame = std::mem::take(&mut self.current);
        let goes_on = self.config.holds && frame.is_empty() && !self.rests;
        self.frames.push(if goes_on { held(self.frames.last()) } else { frame });
        self.rests = false;
    }

    /// What is given of this frame.
    fn given(&self) -> Option<&GivenFrame> {
        self.request.given.get(self.frames.len())
    }

    /// The notes that this frame has to have, if that is fixed.
    fn num_notes(&self) -> Option<usize> {
        self.given().map(Vec::len).or(self.request.voices)
    }

    fn allows_note(&self, pitch: Pitch, attack: bool) -> bool {
        let slot = self.current.len();
        if slot >= self.num_notes().unwrap_or(MAX_NOTES) || self.rests || self.has_all_frames() {
            return false;
        }
        // Without tokens for notes that are held, a note that sounds on has the token of one that begins.
        let attack_of = |note: &FrameNote| note.attack || !self.config.holds;
        let given = self.given().map_or(&[][..], |given| &given[slot..]);
        if let Some(Some(note)) = given.first() {
            return note.pitch == pitch && attack_of(note) == attack;
        }
        let below = given.iter().flatten().map(|note| note.pitch).next();
        let (lowest, highest) = self.request.range;
        let highest = self.current.last().map_or(highest, |above| above.pitch);
        let lowest = below.unwrap_or(lowest.min(highest));
        (lowest..=highest.max(lowest)).contains(&pitch) && (attack || self.may_hold(pitch, given))
    }

    /// Whether a pitch sounded in the frame before, in more notes than are held already or will be, as given.
    fn may_hold(&self, pitch: Pitch, given: &[Option<FrameNote>]) -> bool {
        let Some(before) = self.frames.last() else { return false };
        let sounded = before.iter().filter(|note| note.pitch == pitch).count();
        let is_held = |note: &&FrameNote| note.pitch == pitch && !note.attack;
        self.current.iter().filter(is_held).count() + given.iter().flatten().filter(is_held).count() < sounded
    }

    fn allows_frame_end(&self, token: Token) -> bool {
        if !self.config.labels {
            return match token {
                Token::Frame => !self.has_all_frames() && self.is_complete(),
                Token::End => self.current.is_empty() && self.may_end(),
                _ => false,
            };
        }
        if !self.is_complete() {
            return false;
        }
        let next = self.offset + 1;
        match token {
            Token::At(frame) => {
                usize::from(frame) == next.min(usize::from(MAX_BAR_FRAMES) - 1) && self.bar_goes_on() != Some(false)
            }
            Token::Bar(left) => {
                let next = match self.bars_left {
                    Some(bars) => bars > 1 && left == bars_token(bars - 1),
                    None => left >= MAX_BARS_LEFT - 1,
                };
                next && self.bar_goes_on() != Some(true)
            }
            Token::End => self.bars_left == Some(1) && self.bar_goes_on() != Some(true),
            _ => false,
        }
    }

    /// Whether another frame of this bar follows, if the meter tells.
    fn bar_goes_on(&self) -> Option<bool> {
        self.bar_frames().map(|frames| self.offset + 1 < frames)
    }

    /// Frames of a bar, if the meter is known.
    fn bar_frames(&self) -> Option<usize> {
        let meter = if self.config.labels { self.labels.meter } else { self.labels.meter.or(Some(Meter::COMMON)) };
        meter.map(|meter| meter.bar(self.config.per_quarter) as usize)
    }

    fn allows_rest(&self) -> bool {
        let may_be_silent = self.num_notes().is_none_or(|notes| notes == 0);
        self.current.is_empty() && !self.rests && !self.has_all_frames() && may_be_silent
    }

    /// Whether this frame has all notes that it has to have.
    fn is_complete(&self) -> bool {
        if self.config.holds && self.current.is_empty() {
            return self.rests || self.may_go_on();
        }
        self.num_notes().is_none_or(|notes| self.current.len() == notes)
    }

    /// Whether all notes of the frame before may be held.
    fn may_go_on(&self) -> bool {
        let Some(before) = self.frames.last().filter(|before| !before.is_empty()) else { return false };
        let Some(given) = self.given() else { return self.request.voices.is_none_or(|voices| voices == before.len()) };
        let fill =
            |(given, before): (&Option<FrameNote>, &FrameNote)| given.unwrap_or(FrameNote { attack: false, ..*before });
        let filled: Frame = given.iter().zip(before).map(fill).collect();
        given.len() == before.len() && is_held(before, &filled)
    }

    /// Whether the piece has as many frames as were asked for, where they are not numbered.
    fn has_all_frames(&self) -> bool {
        !self.config.labels && self.all_frames().is_some_and(|all| self.frames.len() >= all)
    }

    fn may_end(&self) -> bool {
        let least = self.all_frames().unwrap_or(1).max(self.request.given.len());
        self.frames.len() >= least
    }

    fn all_frames(&self) -> Option<usize> {
        Some(self.request.bars?.max(1).saturating_mul(self.bar_frames()?))
    }
}

/// The number of bars left that a token tells; `None` if there are too many to be counted.
fn counted(left: u8) -> Option<usize> {
    (left < MAX_BARS_LEFT).then_some(usize::from(left))
}

/// The number in the token of so many bars left.
fn bars_token(bars: usize) -> u8 {
    u8::try_from(bars).unwrap_or(MAX_BARS_LEFT).min(MAX_BARS_LEFT)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tokens::{FramePiece, Representation, decode_frames, encode_frames, id_by_chance};
    use crate::{Note, Piece};

    fn tokenizer(holds: bool, labels: bool) -> MusicTokenizer {
        MusicTokenizer::new(MusicTokenizerConfig {
            representation: Representation::Frames,
            per_quarter: 2,
            holds,
            labels,
        })
    }

    /// Composes by taking the tokens that may follow by chance; the frames.
    fn compose(tokenizer: &MusicTokenizer, request: PieceRequest, mut seed: u64) -> Vec<Frame> {
        let mut grammar = FrameGrammar::new(tokenizer, request);
        let mut ids = Vec::new();
        for _ in 0..20_000 {
            if grammar.has_ended() {
                break;
            }
            let id = id_by_chance(tokenizer, |token| grammar.allows(token), &mut seed);
            grammar.push(tokenizer.token(id).unwrap());
            ids.push(id);
        }
        let frames = decode_frames(tokenizer, &ids);
        if grammar.has_ended() && tokenizer.config().holds {
            assert_eq!(grammar.frames(), frames);
        }
        frames
    }

    fn given(pitch: u8, attack: bool) -> Option<FrameNote> {
        Some(FrameNote { pitch: Pitch::new(pitch).unwrap(), attack })
    }

    proptest! {
        #[test]
        fn every_encoded_piece_is_allowed(
            notes in prop::collection::btree_map((0_u32..60, 40_u8..80), 1_u32..9, 1..50),
            holds in any::<bool>(),
            labels in any::<bool>(),
        ) {
            let notes: Vec<Note> = notes.into_iter().map(|((start, pitch), duration)| {
                Note { start, pitch: Pitch::new(pitch).unwrap(), duration, velocity: 80, program: 0 }
            }).collect();
            let mut piece = Piece { ticks_per_quarter: 2, notes, ..Piece::default() };
            // The last bar is full.
            piece.notes[0].duration = piece.end().next_multiple_of(8) - piece.notes[0].start;
            let tokenizer = tokenizer(holds, labels);
            let piece = FramePiece::of(&piece, 2).unwrap();
            prop_assume!(piece.frames.frames.iter().all(|frame| frame.len() <= MAX_NOTES));
            let mut grammar = FrameGrammar::new(&tokenizer, PieceRequest::default());
            for id in encode_frames(&tokenizer, &piece) {
                let token = tokenizer.token(id).unwrap();
                prop_assert!(grammar.allows(token), "{token}");
                grammar.push(token);
            }
            prop_assert!(grammar.has_ended());
        }

        #[test]
        fn a_piece_is_what_was_asked_for(
            seed in any::<u64>(), holds in any::<bool>(), labels in any::<bool>(), bars in 1_usize..40, voices in 1_usize..5
        ) {
            let request = PieceRequest {
                meter: Some(Meter { beats: 3, unit: 4 }),
                bars: Some(bars),
                voices: Some(voices),
                given: vec![vec![None, given(60, true)], vec![given(70, true), None, given(60, false)], vec![]],
                range: (Pitch::new(50).unwrap(), Pitch::new(65).unwrap()),
                ..PieceRequest::default()
            };
            let frames = compose(&tokenizer(holds, labels), request, seed);
            prop_assert_eq!(frames.len(), bars * 6);
            let counts: Vec<usize> = frames.iter().map(Vec::len).collect();
            prop_assert_eq!(&counts[..3], &[2, 3, 0]);
            prop_assert!(counts[3..].iter().all(|count| *count == voices));
            for frame in &frames {
                prop_assert!(frame.is_sorted_by_key(|note| std::cmp::Reverse(note.pitch)), "{frame:?}");
            }
            prop_assert!(frames[3..].iter().flatten().all(|note| (50..=65).contains(&note.pitch.number())));
            prop_assert_eq!((frames[1][0].pitch.number(), frames[1][2].pitch.number()), (70, 60));
            prop_assert!(frames[0][0].pitch.number() >= 60 && frames[1][1].pitch.number() >= 60);
        }
    }

    #[test]
    fn pieces_without_a_length_end_by_themselves() {
        for (holds, labels) in [(true, true), (false, false)] {
            let frames =
                compose(&tokenizer(holds, labels), PieceRequest { voices: Some(2), ..PieceRequest::default() }, 3);
            assert!(!frames.is_empty());
        }
    }

    #[test]
    fn labels_that_were_asked_for_are_the_only_ones() {
        let request = PieceRequest {
            key: "Am".parse().ok(),
            meter: Some(Meter { beats: 6, unit: 8 }),
            tempo: Some(TempoClass::of(100.0)),
            bars: Some(100),
            ..PieceRequest::default()
        };
        let tokenizer = tokenizer(true, true);
        let mut grammar = FrameGrammar::new(&tokenizer, request);
        let mut begun = Vec::new();
        for _ in 0..5 {
            let allowed: Vec<Token> =
                tokenizer.tokens().iter().copied().filter(|token| grammar.allows(*token)).collect();
            assert_eq!(allowed.len(), 1, "{allowed:?}");
            grammar.push(allowed[0]);
            begun.push(allowed[0].to_string());
        }
        assert_eq!(begun.join(" "), "<start> key:Am meter:6/8 tempo:92 to 108 bar:-33");
    }

    #[test]
    fn pitches_are_asked_for_as_they_sound() {
        let tokenizer = tokenizer(true, true);
        let a4 = Pitch::new(69).unwrap();
        let request = PieceRequest { range: (a4, a4), ..PieceRequest::default() };
        let mut grammar = FrameGrammar::new(&tokenizer, request);
        for token in ["<start>", "key:Am", "meter:4/4", "tempo:92 to 108", "bar:-1"] {
            grammar.push(*tokenizer.tokens().iter().find(|known| known.to_string() == token).unwrap());
        }
        let allowed = tokenizer.tokens().iter().filter(|token| grammar.allows(**token));
        // With a tonic of C, A4 is C5.
        assert_eq!(allowed.map(ToString::to_string).collect::<Vec<_>>(), ["C5", "rest"]);
    }
}
