//! The outline of a piece: the cadences of its phrases and where its harmonies begin.

use super::FRAMES_PER_BEAT;
use super::choice::Choices;
use super::harmony::Harmony;
use super::leading::Sonority;
use super::rhythm::{BARS_PER_PHRASE, BarRhythm};
use super::voicing::degree;

/// How a phrase ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cadence {
    /// On the dominant.
    Half,
    /// With the dominant and the tonic, both over their roots.
    Authentic,
}

impl Cadence {
    /// The cadences of a phrase, `number` counting from 0: the last phrase of a piece closes on the tonic.
    pub(super) fn choices(number: usize, phrases: usize) -> Choices<Self> {
        let half = match (number + 1 == phrases, number % 2) {
            (true, _) => 0,
            (false, 0) => 3,
            (false, _) => 1,
        };
        Choices::new([(Self::Half, half), (Self::Authentic, 4 - half)])
    }

    /// The cadence that ends with a harmony.
    pub(super) fn ending_with(harmony: Harmony) -> Self {
        if harmony == Harmony::V { Self::Half } else { Self::Authentic }
    }
}

/// The cadence of a phrase and the rhythms of its bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outline {
    pub(super) cadence: Cadence,
    pub(super) bars: [BarRhythm; BARS_PER_PHRASE],
}

/// Where a harmony stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// The cadence of the phrase.
    pub(super) cadence: Cadence,
    /// Whether the phrase is the last one of the piece.
    pub(super) in_last_phrase: bool,
    /// Whether it begins on a strong beat: the first of a bar or the third of four.
    pub(super) is_strong: bool,
    /// The length in beats.
    pub(super) beats: u8,
    /// How many harmonies of the phrase come before it.
    pub(super) before: usize,
    /// How many harmonies of the phrase come after it.
    pub(super) after: usize,
}

impl Place {
    /// The places of a piece of bars of so many beats.
    pub(super) fn of_piece(outlines: &[Outline], beats: u8) -> Vec<Self> {
        let phrases = outlines.iter().enumerate();
        phrases.flat_map(|(number, outline)| Self::of_phrase(outline, beats, number + 1 == outlines.len())).collect()
    }

    /// The places of a phrase.
    pub(super) fn of_phrase(outline: &Outline, beats: u8, in_last_phrase: bool) -> Vec<Self> {
        let count: usize = outline.bars.iter().map(|bar| bar.len()).sum();
        let mut places = Vec::with_capacity(count);
        for rhythm in outline.bars {
            let mut start = 0;
            for &length in rhythm {
                let before = places.len();
                places.push(Self {
                    cadence: outline.cadence,
                    in_last_phrase,
                    is_strong: start == 0 || (beats, start) == (4, 2),
                    beats: length,
                    before,
                    after: count - 1 - before,
                });
                start += length;
            }
        }
        places
    }

    /// Its length in frames.
    pub(super) fn frames(self) -> usize {
        usize::from(self.beats) * FRAMES_PER_BEAT
    }

    /// The frame, from its beginning, in which a suspension resolves or a note leads on to the next harmony: the middle,
    /// or the second beat of a longer one.
    pub(super) fn split(self) -> usize {
        usize::from(self.beats.min(2))
    }

    /// Whether the cadence allows a sonority here. The piece ends with the tonic in the soprano, and the six-four chord
    /// belongs to a strong beat of the cadence.
    pub(super) fn allows(self, sonority: Sonority) -> bool {
        let harmony = sonority.harmony;
        match (self.cadence, self.after) {
            (Cadence::Half, 0) => harmony == Harmony::V,
            (Cadence::Authentic, 0) => {
                harmony == Harmony::I && (!self.in_last_phrase || degree(sonority.voicing[0]) == 0)
            }
            (Cadence::Authentic, 1) => matches!(harmony, Harmony::V | Harmony::V7),
            (_, after) => harmony != Harmony::I64 || (self.is_strong && after <= 2),
        }
    }

    /// The cost of the soprano's degree: it comes to an authentic cadence by step, and to the tonic.
    pub(super) fn cadence_cost(self, soprano: u8) -> u32 {
        match (self.cadence, self.after, soprano) {
            (Cadence::Authentic, 0, 0) | (Cadence::Authentic, 1, 2 | 11) => 0,
            (Cadence::Authentic, 0 | 1, _) => 4,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outline(bars: [BarRhythm; BARS_PER_PHRASE]) -> Outline {
        Outline { cadence: Cadence::Authentic, bars }
    }

    #[test]
    fn places_know_their_beats() {
        let four = outline([&[2, 1, 1], &[1, 1, 2], &[2, 2], &[4]]);
        let places = Place::of_piece(&[four, four], 4);
        let phrase: Vec<_> = places.iter().map(|place| (place.before, place.after, place.is_strong)).collect();
        assert_eq!(phrase[..4], [(0, 8, true), (1, 7, true), (2, 6, false), (3, 5, true)]);
        assert_eq!(phrase[..9], phrase[9..]);
        assert!(!places[8].in_last_phrase && places[9].in_last_phrase);
        assert_eq!((places[0].frames(), places[0].split(), places[1].split()), (4, 2, 1));
        let three = Place::of_piece(&[outline([&[2, 1], &[1, 1, 1], &[2, 1], &[3]])], 3);
        assert_eq!(three.iter().filter(|place| place.is_strong).count(), 4);
    }

    #[test]
    fn the_piece_ends_with_the_tonic_outside() {
        let places = Place::of_piece(&[outline([&[1, 1, 1, 1], &[1, 1, 1, 1], &[1, 1, 1, 1], &[1, 1, 2]])], 4);
        let tonic = |soprano| Sonority { harmony: Harmony::I, voicing: [soprano, 60, 55, 48] };
        let dominant = Sonority { harmony: Harmony::V7, voicing: [71, 65, 62, 55] };
        let six_four = Sonority { harmony: Harmony::I64, voicing: [72, 64, 60, 55] };
        assert!(places[14].allows(tonic(72)) && !places[14].allows(tonic(64)));
        assert!(places[13].allows(dominant) && !places[13].allows(tonic(72)));
        let allowed: Vec<_> = (0..15).filter(|place| places[*place].allows(six_four)).collect();
        assert_eq!(allowed, [12]);
    }
}
