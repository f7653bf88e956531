//! How a network reads the tokens of frames.

use recurrent_music::{Frame, FrameNote, MusicTokenizer, Pitch, Token};

/// The notes of a frame that have a place of their own: the three highest and the lowest.
const PLACES: usize = 4;
/// Values of a place: none, or a pitch that begins or is held.
const PLACE_VALUES: usize = 1 + 2 * Pitch::COUNT;
/// Values of the number of notes of a frame so far: more are the last.
pub(super) const COUNTS: usize = PLACES + 1;
/// The tokens before a piece of which a network is reminded in each frame, and the number of a bar.
const REMINDERS: usize = 3;

/// Features of a step.
pub(super) const STEP_FEATURES: usize = 1 + REMINDERS + PLACES;
/// Features of a token.
pub(super) const TOKEN_FEATURES: usize = PLACES;

/// The numbers of values that [`FrameReader::step_features`] and [`FrameReader::token_features`] have.
pub(super) fn feature_sizes(vocab_size: usize) -> [usize; 2] {
    [vocab_size + PLACES * PLACE_VALUES, PLACES * PLACE_VALUES]
}

/// Reads the tokens of a piece of frames, one after the other.
///
/// A note adds to its frame; every other token ends it, and is a step of the recurrent network: it then knows the frame as
/// a whole. What the network is told are features, which are indices into a table of embeddings whose rows are added.
#[derive(Debug, Clone)]
pub(super) struct FrameReader<'a> {
    tokenizer: &'a MusicTokenizer,
    /// Key, meter and bar, as ids; 0 if there are none.
    reminders: [u32; REMINDERS],
    /// What sounds in the last frame that is complete.
    sounding: Frame,
    /// The notes of this frame so far.
    current: Frame,
    rests: bool,
}

/// Whether a token is a step.
pub(super) fn is_step(token: Token) -> bool {
    token.pitch().is_none() && token != Token::Rest
}

impl<'a> FrameReader<'a> {
    pub fn new(tokenizer: &'a MusicTokenizer) -> Self {
        Self { tokenizer, reminders: [0; REMINDERS], sounding: Frame::new(), current: Frame::new(), rests: false }
    }

    /// Reads a token; whether it is a step.
    pub fn push(&mut self, id: u32) -> bool {
        let Some(token) = self.tokenizer.token(id) else { return false };
        match token {
            Token::Attack(pitch) => self.current.push(FrameNote { pitch, attack: true }),
            Token::Hold(pitch) => self.current.push(FrameNote { pitch, attack: false }),
            Token::Rest => self.rests = true,
            _ => self.end_frame(),
        }
        match token {
            Token::Key(_) => self.reminders[0] = id,
            Token::Meter(_) => self.reminders[1] = id,
            Token::Bar(_) => self.reminders[2] = id,
            _ => {}
        }
        is_step(token)
    }

    /// Reads tokens of which nothing is predicted.
    #[cfg(feature = "fit")]
    pub fn skip(&mut self, ids: &[u32]) {
        for id in ids {
            self.push(*id);
        }
    }

    fn end_frame(&mut self) {
        let said = std::mem::take(&mut self.current);
        let holds_all = said.is_empty() && !self.rests && self.tokenizer.config().holds;
        match holds_all {
            true => self.sounding.iter_mut().for_each(|note| note.attack = false),
            false => self.sounding = said,
        }
        self.rests = false;
    }

    /// What the recurrent network reads in the step of the token that was just read.
    pub fn step_features(&self, id: u32) -> [u32; STEP_FEATURES] {
        let mut features = [0; STEP_FEATURES];
        features[0] = id;
        features[1..=REMINDERS].copy_from_slice(&self.reminders);
        place_features(&self.sounding, self.tokenizer.vocab_size(), &mut features[1 + REMINDERS..]);
        features
    }

    /// What is known of the frame so far, when the next token is predicted.
    pub fn token_features(&self) -> [u32; TOKEN_FEATURES] {
        let mut features = [0; TOKEN_FEATURES];
        place_features(&self.current, 0, &mut features);
        features
    }

    /// How many notes of the frame were said, up to the last of [`COUNTS`].
    pub fn count(&self) -> usize {
        self.current.len().min(COUNTS - 1)
    }

    /// The ids that bring another reader to where this one is, before the step of the next token.
    #[cfg(feature = "fit")]
    pub fn reminder(&self) -> Vec<u32> {
        let mut after = self.clone();
        after.end_frame();
        let note = |note: &FrameNote| {
            self.tokenizer.id(if note.attack { Token::Attack(note.pitch) } else { Token::Hold(note.pitch) })
        };
        self.reminders.iter().copied().filter(|id| *id > 0).chain(after.sounding.iter().filter_map(note)).collect()
    }
}

/// The features of the notes of a frame, one for each place, behind `first` other values.
fn place_features(notes: &[FrameNote], first: usize, features: &mut [u32]) {
    let placed = |place: usize| match place + 1 == PLACES && notes.len() > PLACES {
        true => notes.last(),
        false => notes.get(place),
    };
    for (place, feature) in features.iter_mut().enumerate() {
        let value = placed(place).map_or(0, |note| {
            1 + 2 * usize::from(note.pitch.number() - Pitch::LOWEST.number()) + usize::from(note.attack)
        });
        *feature = (first + place * PLACE_VALUES + value) as u32;
    }
}

#[cfg(all(test, feature = "fit"))]
mod tests {
    use recurrent_music::{ChoralesByRule, MusicTokenizerConfig, Representation, encode_frames};

    use super::*;

    fn tokenizer(holds: bool, labels: bool) -> MusicTokenizer {
        let representation = Representation::Frames;
        MusicTokenizer::new(MusicTokenizerConfig { representation, per_quarter: 2, holds, labels })
    }

    #[test]
    fn features_are_in_their_tables() {
        let tokenizer = tokenizer(true, true);
        let [steps, tokens] = feature_sizes(tokenizer.vocab_size()).map(|size| size as u32);
        let highest = |count: usize| vec![FrameNote { pitch: Pitch::HIGHEST, attack: true }; count];
        let mut reader = FrameReader::new(&tokenizer);
        for count in 0..10 {
            (reader.sounding, reader.current) = (highest(count), highest(count));
            let last = tokenizer.vocab_size() as u32 - 1;
            assert!(reader.step_features(last).iter().all(|feature| *feature < steps));
            assert!(reader.token_features().iter().all(|feature| *feature < tokens));
        }
        assert_eq!(reader.step_features(3).iter().max(), Some(&(steps - 1)));
        assert_eq!(reader.token_features().iter().max(), Some(&(tokens - 1)));
    }

    #[test]
    fn frames_are_known_as_a_whole_at_each_step() {
        for (holds, labels) in [(false, false), (true, false), (true, true)] {
            let tokenizer = tokenizer(holds, labels);
            let mut piece = ChoralesByRule::new(3).chorale(4).frame_piece();
            // Pitches as they are.
            piece.labels.key = None;
            let mut reader = FrameReader::new(&tokenizer);
            let mut frames = Vec::new();
            for id in encode_frames(&tokenizer, &piece) {
                let in_piece = !tokenizer.token(id).unwrap().is_label() && id != 1;
                if reader.push(id) && in_piece {
                    frames.push(reader.sounding.clone());
                }
            }
            // With labels, the first step is that of the first position, before any frame.
            let heard = frames.into_iter().skip(usize::from(labels));
            for (index, (heard, frame)) in heard.zip(&piece.frames.frames).enumerate() {
                let note = |note: &FrameNote| FrameNote { attack: note.attack || !holds, ..*note };
                let expected: Frame = frame.iter().map(note).collect();
                assert_eq!(heard, expected, "frame {index}");
            }
        }
    }

    #[test]
    fn a_reminder_is_all_that_a_reader_knows() {
        for (holds, labels) in [(false, false), (true, false), (true, true)] {
            let tokenizer = tokenizer(holds, labels);
            let ids = encode_frames(&tokenizer, &ChoralesByRule::new(3).chorale(4).frame_piece());
            for start in 1..ids.len() {
                if !is_step(tokenizer.token(ids[start]).unwrap()) {
                    continue;
                }
                let mut whole = FrameReader::new(&tokenizer);
                whole.skip(&ids[..start]);
                let mut reminded = FrameReader::new(&tokenizer);
                reminded.skip(&whole.reminder());
                for id in &ids[start..] {
                    assert_eq!(whole.push(*id), reminded.push(*id));
                    assert_eq!(whole.step_features(*id), reminded.step_features(*id));
                    assert_eq!(whole.token_features(), reminded.token_features());
                }
            }
        }
    }
}
