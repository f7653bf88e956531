//! What a piece copies from others.

use std::collections::BTreeMap;

use crate::Pitch;
use crate::analysis::suffix_automaton::{Match, SuffixAutomaton};

/// An index of pieces that finds the longest run of frames that another piece has in common with one of them.
///
/// A piece is a sequence of frames, and a frame is the pitches that sound at a time. Two runs are the same if one is the
/// other, transposed by any number of semitones. Runs begin and end with a frame that sounds, since silence alone is no
/// copy; the rests between must agree. The order of the pitches of a frame, and doubles, do not matter.
///
/// The index is exact: it compares frames, not hashes. With n frames, it takes O(n log n) time and O(n) memory, about
/// 160 bytes a frame; a search for a piece of m frames takes O(m log n) time.
#[derive(Debug, Clone)]
pub struct LongestCopy {
    shapes: BTreeMap<Shape, Known>,
    /// The number of each step, in order of first occurrence.
    steps: BTreeMap<Step, u32>,
    automaton: SuffixAutomaton,
    /// Where the first frame of each step of each piece is.
    places: Vec<Place>,
}

/// A run of frames that occurs in a piece of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CopiedRun {
    /// How many frames it has, at least 1, with the rests within.
    pub length: usize,
    /// The frame at which it begins in the piece that was searched.
    pub start: usize,
    /// The piece of the index where it occurs, from 0: the first one that has it.
    pub piece: usize,
    /// The frame at which it begins there.
    pub piece_start: usize,
}

/// How far each pitch of a frame is below the top one, sorted and without doubles: the same for transposed frames.
type Shape = Vec<u8>;

/// A shape that occurs in the index.
#[derive(Debug, Clone, Copy)]
struct Known {
    /// The number of the shape, in order of first occurrence.
    number: usize,
    /// Where it occurs first.
    place: Place,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    piece: usize,
    frame: usize,
}

/// From a frame that sounds to the next one that does: what is the same for transposed pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Step {
    /// The number of the shape of the first frame.
    from: usize,
    /// The number of the shape of the second frame.
    to: usize,
    /// Frames from one to the other.
    frames: usize,
    /// How much higher the top pitch is.
    rise: i16,
}

/// A frame that sounds.
struct Chord {
    frame: usize,
    top: u8,
    shape: Shape,
}

impl LongestCopy {
    /// Indexes pieces.
    pub fn new<'a>(pieces: impl IntoIterator<Item = &'a [Vec<Pitch>]>) -> Self {
        let mut index = Self {
            shapes: BTreeMap::new(),
            steps: BTreeMap::new(),
            automaton: SuffixAutomaton::new(),
            places: Vec::new(),
        };
        pieces.into_iter().enumerate().for_each(|(piece, frames)| index.add(piece, frames));
        index
    }

    fn add(&mut self, piece: usize, frames: &[Vec<Pitch>]) {
        let chords = chords(frames);
        for Chord { frame, shape, .. } in &chords {
            let known = Known { number: self.shapes.len(), place: Place { piece, frame: *frame } };
            self.shapes.entry(shape.clone()).or_insert(known);
        }
        let steps = self.steps(&chords);
        self.automaton.begin();
        for (chord, step) in chords.iter().zip(steps.into_iter().flatten()) {
            let symbol = self.symbol(step);
            self.automaton.push(symbol, self.places.len());
            self.places.push(Place { piece, frame: chord.frame });
        }
    }

    /// The steps between chords; `None` if a shape does not occur in the index.
    fn steps(&self, chords: &[Chord]) -> Vec<Option<Step>> {
        let number = |chord: &Chord| self.shapes.get(&chord.shape).map(|known| known.number);
        let numbers: Vec<_> = chords.iter().map(number).collect();
        let step = |(chords, numbers): (&[Chord], &[Option<usize>])| {
            Some(Step {
                from: numbers[0]?,
                to: numbers[1]?,
                frames: chords[1].frame - chords[0].frame,
                rise: i16::from(chords[1].top) - i16::from(chords[0].top),
            })
        };
        chords.windows(2).zip(numbers.windows(2)).map(step).collect()
    }

    /// The symbol of a step for the automaton.
    fn symbol(&mut self, step: Step) -> u32 {
        // There are fewer steps than 2^32: that many would not fit into memory.
        let new = self.steps.len() as u32;
        *self.steps.entry(step).or_insert(new)
    }

    /// The longest run of a piece that occurs in a piece of the index, the first one if there are several; `None` if not
    /// even a single frame does.
    pub fn find(&self, frames: &[Vec<Pitch>]) -> Option<CopiedRun> {
        let chords = chords(frames);
        let mut longest = chords.iter().find_map(|chord| self.single(chord));
        let mut found = Match::default();
        for (last, step) in self.steps(&chords).into_iter().enumerate() {
            found = self.automaton.read(found, step.and_then(|step| self.steps.get(&step).copied()));
            let run = self.run(found, &chords[..=last + 1]);
            if run.map(|run| run.length) > longest.map(|run| run.length) {
                longest = run;
            }
        }
        longest
    }

    /// A run of one frame.
    fn single(&self, chord: &Chord) -> Option<CopiedRun> {
        let place = self.shapes.get(&chord.shape)?.place;
        Some(CopiedRun { length: 1, start: chord.frame, piece: place.piece, piece_start: place.frame })
    }

    /// The run of a match that ends at the last chord.
    fn run(&self, found: Match, chords: &[Chord]) -> Option<CopiedRun> {
        let before = found.length.checked_sub(1)?;
        let last = chords.last()?;
        let first = chords.iter().rev().nth(found.length)?;
        let place = self.places.get(found.end.checked_sub(before)?)?;
        let length = last.frame - first.frame + 1;
        Some(CopiedRun { length, start: first.frame, piece: place.piece, piece_start: place.frame })
    }
}

fn chords(frames: &[Vec<Pitch>]) -> Vec<Chord> {
    let chord = |(frame, pitches): (usize, &Vec<Pitch>)| {
        let top = pitches.iter().max()?.number();
        let mut shape: Shape = pitches.iter().map(|pitch| top - pitch.number()).collect();
        shape.sort_unstable();
        shape.dedup();
        Some(Chord { frame, top, shape })
    };
    frames.iter().enumerate().filter_map(chord).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Frames = Vec<Vec<Pitch>>;

    fn frames(frames: &[&[u8]]) -> Frames {
        frames.iter().map(|numbers| numbers.iter().map(|number| Pitch::new(*number).unwrap()).collect()).collect()
    }

    fn melody(numbers: &[u8]) -> Frames {
        numbers.iter().map(|number| Pitch::new(*number).into_iter().collect()).collect()
    }

    fn index(pieces: &[Frames]) -> LongestCopy {
        LongestCopy::new(pieces.iter().map(Vec::as_slice))
    }

    #[test]
    fn a_transposed_run_is_found_where_it_is() {
        let index = index(&[melody(&[60, 61, 62]), melody(&[70, 72, 72, 74, 69, 50])]);
        let run = index.find(&melody(&[40, 60, 60, 62, 57, 90])).unwrap();
        assert_eq!(run, CopiedRun { length: 4, start: 1, piece: 1, piece_start: 1 });
    }

    #[test]
    fn chords_must_agree_in_all_voices() {
        let index = index(&[frames(&[&[67, 64, 60], &[69, 65, 60]])]);
        let length = |chords: &[&[u8]]| index.find(&frames(chords)).map(|run| run.length);
        assert_eq!(length(&[&[69, 66, 62], &[71, 67, 62]]), Some(2));
        assert_eq!(length(&[&[62, 66, 69], &[67, 71, 62, 62]]), Some(2));
        assert_eq!(length(&[&[69, 66, 62], &[71, 67, 63]]), Some(1));
        assert_eq!(length(&[&[69, 62], &[71, 62]]), None);
    }

    #[test]
    fn rests_count_within_a_run_and_not_around_it() {
        let index = index(&[melody(&[0, 60, 0, 0, 62, 0])]);
        let length = |numbers: &[u8]| index.find(&melody(numbers)).map(|run| run.length);
        assert_eq!(length(&[0, 0, 50, 0, 0, 52, 0, 0]), Some(4));
        assert_eq!(length(&[50, 0, 52]), Some(1));
        assert_eq!(length(&[0, 0]), None);
    }

    #[test]
    fn a_copy_of_a_whole_piece_is_as_long_as_the_piece() {
        let pieces: Vec<_> = (0..5u32)
            .map(|seed| melody(&(0..300u32).map(|i| 40 + ((i * i * 7 + seed * i * 13) % 31) as u8).collect::<Vec<_>>()))
            .collect();
        let index = index(&pieces);
        for piece in &pieces {
            assert_eq!(index.find(piece).unwrap().length, 300);
        }
        assert_eq!(LongestCopy::new([]).find(&pieces[0]), None);
    }

    fn is_copy(a: &[Vec<Pitch>], b: &[Vec<Pitch>]) -> bool {
        let set = |frame: &Vec<Pitch>, shift: i16| {
            let mut numbers: Vec<_> = frame.iter().map(|pitch| i16::from(pitch.number()) + shift).collect();
            numbers.sort_unstable();
            numbers.dedup();
            numbers
        };
        (-8..=8).any(|shift| a.iter().zip(b).all(|(a, b)| set(a, shift) == set(b, 0)))
    }

    /// The length of the longest common run, by trying all of them.
    fn longest(piece: &[Vec<Pitch>], pieces: &[Frames]) -> Option<usize> {
        let copied = |run: &[Vec<Pitch>]| {
            !run[0].is_empty()
                && !run[run.len() - 1].is_empty()
                && pieces.iter().any(|other| other.windows(run.len()).any(|other| is_copy(run, other)))
        };
        (1..=piece.len()).rev().find(|length| piece.windows(*length).any(copied))
    }

    fn any_piece(most: usize) -> impl Strategy<Value = Frames> {
        let pitch = (60u8..63).prop_map(|number| Pitch::new(number).unwrap());
        prop::collection::vec(prop::collection::vec(pitch, 0..3), 0..most)
    }

    proptest! {
        #[test]
        fn the_run_is_the_longest_one_and_is_there(
            pieces in prop::collection::vec(any_piece(16), 0..4),
            piece in any_piece(16),
        ) {
            let run = index(&pieces).find(&piece);
            prop_assert_eq!(run.map(|run| run.length), longest(&piece, &pieces));
            if let Some(run) = run {
                let there = &pieces[run.piece][run.piece_start..][..run.length];
                prop_assert!(is_copy(&piece[run.start..][..run.length], there));
            }
        }
    }
}
