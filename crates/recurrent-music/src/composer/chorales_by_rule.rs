//! A series of chorales and their probabilities.

use super::choice::{Choices, Chooser, Score};
use super::chorale::{Chorale, ChoraleFrame};
use super::composition::compose;
use super::plan::{Plan, Setting};
use super::random::SplitMix64;
use super::register::Register;
use super::rhythm::BARS_PER_PHRASE;
use crate::{Key, Meter};

/// An endless series of chorales, the same for the same seed on every machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChoralesByRule {
    seed: u64,
}

impl ChoralesByRule {
    /// The series of a seed.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The chorale of a number. It doesn't depend on other chorales of the series.
    pub fn chorale(&self, index: u64) -> Chorale {
        let mut random = SplitMix64::of_stream(self.seed, index);
        compose_any(&mut random).expect("in every key, every outline can be filled to its end")
    }

    /// The natural logarithm of the probability that a chorale in a key, in a meter and of so many bars has these frames;
    /// `None` if the composer never writes them.
    pub fn log_probability(key: Key, meter: Meter, bars: usize, frames: &[ChoraleFrame]) -> Option<f64> {
        Self::log_probability_of_labels(key, meter, bars)?;
        let setting = setting(key, meter, bars)?;
        let (_, shift) = Register::of_key(key);
        let frames: Vec<_> = frames.iter().map(|frame| frame.transposed(-shift)).collect::<Option<_>>()?;
        let plan = Plan::of_frames(setting, &frames)?;
        let mut score = Score::default();
        compose(setting, &mut score, Some(&plan))?;
        Some(score.log_probability)
    }

    /// The natural logarithm of the probability of a key, a meter and a number of bars; `None` if the composer never
    /// chooses them.
    pub fn log_probability_of_labels(key: Key, meter: Meter, bars: usize) -> Option<f64> {
        let mut score = Score::default();
        choose_setting(&mut score, Some(setting(key, meter, bars)?))?;
        Some(score.log_probability)
    }
}

fn compose_any(chooser: &mut impl Chooser) -> Option<Chorale> {
    let setting = choose_setting(chooser, None)?;
    let (_, shift) = Register::of_key(setting.key);
    let frames = compose(setting, chooser, None)?.frames();
    let frames = frames.iter().map(|frame| frame.transposed(shift)).collect::<Option<_>>()?;
    let meter = Meter { beats: setting.beats, unit: 4 };
    Some(Chorale { key: setting.key, meter, bars: setting.phrases * BARS_PER_PHRASE, frames })
}

fn choose_setting(chooser: &mut impl Chooser, written: Option<Setting>) -> Option<Setting> {
    let keys = Choices::new(Key::all().map(|key| (key, 1)));
    let meters = Choices::new([(4, 2), (3, 1)]);
    let phrases = Choices::new([(1, 1), (2, 2), (3, 2), (4, 4), (5, 1)]);
    Some(Setting {
        key: chooser.choose(&keys, written.map(|setting| setting.key))?,
        beats: chooser.choose(&meters, written.map(|setting| setting.beats))?,
        phrases: chooser.choose(&phrases, written.map(|setting| setting.phrases))?,
    })
}

/// The setting of these labels; `None` if no chorale has them.
fn setting(key: Key, meter: Meter, bars: usize) -> Option<Setting> {
    let is_whole = meter.unit == 4 && bars.is_multiple_of(BARS_PER_PHRASE);
    is_whole.then_some(Setting { key, beats: meter.beats, phrases: bars / BARS_PER_PHRASE })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::{Mode, Pitch};

    const SERIES: ChoralesByRule = ChoralesByRule { seed: 1 };

    /// Draws, and keeps the logarithm of the probability and the entropies of the choices that were met.
    struct Expectation {
        random: SplitMix64,
        score: Score,
        entropy: f64,
    }

    impl Chooser for Expectation {
        fn choose<T: Copy + PartialEq>(&mut self, choices: &Choices<T>, _: Option<T>) -> Option<T> {
            self.entropy += choices.entropy();
            let drawn = self.random.choose(choices, None);
            self.score.choose(choices, drawn)
        }
    }

    /// Takes the options that a list of positions says, and the first ones after its end.
    #[derive(Default)]
    struct Branch {
        positions: Vec<usize>,
        /// How many options each choice had, and the logarithm of the probability before it.
        met: Vec<(usize, f64)>,
        score: Score,
    }

    impl Branch {
        /// The positions of the next branch that has the same first `depth` positions.
        fn next(mut self, depth: usize) -> Option<Vec<usize>> {
            self.positions.resize(self.met.len(), 0);
            while self.positions.len() > depth {
                let last = self.positions.pop()?;
                if last + 1 < self.met[self.positions.len()].0 {
                    self.positions.push(last + 1);
                    return Some(self.positions);
                }
            }
            None
        }
    }

    impl Chooser for Branch {
        fn choose<T: Copy + PartialEq>(&mut self, choices: &Choices<T>, _: Option<T>) -> Option<T> {
            let position = self.positions.get(self.met.len()).copied().unwrap_or(0);
            self.met.push((choices.options().len(), self.score.log_probability));
            let option = choices.options().get(position).map(|(option, _)| *option);
            self.score.choose(choices, option)
        }
    }

    /// The frames and the logarithm of the probability of every way to end a phrase whose first choices are given, and
    /// the logarithm of the probability of the latter.
    fn endings(setting: Setting, first: Vec<usize>) -> (Vec<(Vec<ChoraleFrame>, f64)>, f64) {
        let (depth, mut next) = (first.len(), Some(first));
        let (mut found, mut before) = (Vec::new(), 0.0);
        while let Some(positions) = next {
            let mut branch = Branch { positions, ..Branch::default() };
            let plan = compose(setting, &mut branch, None).unwrap();
            before = branch.met[depth].1;
            let (_, shift) = Register::of_key(setting.key);
            let frames = plan.frames().iter().map(|frame| frame.transposed(shift).unwrap()).collect();
            found.push((frames, branch.score.log_probability));
            next = branch.next(depth);
        }
        (found, before)
    }

    #[test]
    fn the_probabilities_of_all_endings_add_up() {
        for (name, beats, free) in [("C", 3, 11), ("F", 4, 11), ("A", 4, 9), ("Ebm", 3, 9), ("G#m", 4, 9)] {
            let key = name.parse().unwrap();
            let setting = Setting { key, beats, phrases: 1 };
            let mut whole = Branch { positions: vec![0, 1, 1, 1], ..Branch::default() };
            compose(setting, &mut whole, None).unwrap();
            let mut first = whole.positions;
            // Three choices make a harmony.
            first.resize(whole.met.len() - free, 0);
            let (endings, before) = endings(setting, first);
            let meter = Meter { beats: setting.beats, unit: 4 };
            let total: f64 = endings
                .iter()
                .map(|(frames, walked)| {
                    let read = ChoralesByRule::log_probability(key, meter, 4, frames).unwrap();
                    assert!((read - walked).abs() < 1e-9);
                    read.exp()
                })
                .sum();
            assert!((total / before.exp() - 1.0).abs() < 1e-9, "{key}: {total}");
            let pieces: HashSet<_> = endings.iter().map(|(frames, _)| frames).collect();
            assert!(pieces.len() == endings.len() && pieces.len() > 50, "{key}: {}", pieces.len());
        }
    }

    #[test]
    fn the_mean_log_probability_is_the_entropy() {
        let differences: Vec<_> = (0..500)
            .map(|index| {
                let random = SplitMix64::of_stream(7, index);
                let mut expectation = Expectation { random, score: Score::default(), entropy: 0.0 };
                let chorale = compose_any(&mut expectation).unwrap();
                let labels =
                    ChoralesByRule::log_probability_of_labels(chorale.key, chorale.meter, chorale.bars).unwrap();
                let surprise = -(labels + chorale.log_probability());
                assert!((surprise + expectation.score.log_probability).abs() < 1e-9);
                surprise - expectation.entropy
            })
            .collect();
        let count = differences.len() as f64;
        let mean = differences.iter().sum::<f64>() / count;
        let variance = differences.iter().map(|difference| (difference - mean).powi(2)).sum::<f64>() / count;
        assert!(mean.abs() < 4.0 * (variance / count).sqrt(), "{mean} {variance}");
    }

    #[test]
    fn the_probabilities_of_the_labels_add_up() {
        let meters = [3, 4, 5].map(|beats| Meter { beats, unit: 4 });
        let labels = Key::all().flat_map(|key| meters.map(|meter| (key, meter)));
        let all = labels.flat_map(|(key, meter)| (0..30).map(move |bars| (key, meter, bars)));
        let logarithms =
            all.filter_map(|(key, meter, bars)| ChoralesByRule::log_probability_of_labels(key, meter, bars));
        assert!((logarithms.map(f64::exp).sum::<f64>() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_series_is_the_same_everywhere() {
        let chorale = SERIES.chorale(12);
        assert_eq!(chorale, ChoralesByRule::new(1).chorale(12));
        let sum = |pitches: [Pitch; 4]| pitches.iter().map(|pitch| u32::from(pitch.number())).sum::<u32>();
        let checks = (1..).zip(&chorale.frames).map(|(position, frame)| position * sum(frame.pitches)).sum::<u32>();
        assert_eq!((chorale.key.to_string().as_str(), chorale.bars, checks), ("Ab", 12, 1_076_560));
    }

    #[test]
    fn chorales_differ() {
        let mut frames: Vec<_> = (0..200).map(|index| SERIES.chorale(index).frames).collect();
        frames.extend((0..200).map(|index| ChoralesByRule::new(2).chorale(index).frames));
        frames.sort_by_key(|frames| format!("{frames:?}"));
        frames.dedup();
        assert_eq!(frames.len(), 400);
    }

    #[test]
    fn chorales_keep_the_rules() {
        const RANGES: [(u8, u8); 4] = [(60, 81), (55, 74), (48, 69), (40, 62)];
        for chorale in (0..150).map(|index| SERIES.chorale(index)) {
            let voices: Vec<_> = chorale.frames.iter().map(|frame| frame.pitches.map(Pitch::number)).collect();
            for frame in &voices {
                assert!(frame.windows(2).all(|pair| pair[0] > pair[1]), "voices cross");
                assert!(frame.iter().zip(RANGES).all(|(pitch, (low, high))| (low..=high).contains(pitch)), "range");
            }
            assert!(voices.windows(2).all(|pair| !has_parallels(pair[0], pair[1])), "parallels");
            let last = voices[voices.len() - 1];
            let dominant = voices.iter().rev().find(|frame| frame[3] != last[3]).unwrap();
            let above_tonic = |pitch: u8| (pitch + 12 - chorale.key.tonic()) % 12;
            let cadence = [dominant[3], last[3], last[0]].map(above_tonic);
            assert_eq!(cadence, [7, 0, 0], "the final cadence");
        }
    }

    /// Whether two voices go from a fifth or an octave to the same interval.
    fn has_parallels(from: [u8; 4], to: [u8; 4]) -> bool {
        let pairs = (0..4).flat_map(|upper| (upper + 1..4).map(move |lower| (upper, lower)));
        pairs.into_iter().any(|(upper, lower)| {
            let [before, after] = [from, to].map(|frame| (frame[upper] - frame[lower]) % 12);
            from[upper] != to[upper] && from[lower] != to[lower] && before == after && matches!(after, 0 | 7)
        })
    }

    #[test]
    fn other_labels_and_lengths_are_impossible() {
        let Chorale { key, meter, bars, frames } = SERIES.chorale(3);
        assert!(ChoralesByRule::log_probability(key, meter, bars, &frames).is_some_and(|log| log < 0.0));
        let wrong = [
            ChoralesByRule::log_probability(key.transposed(1), meter, bars, &frames),
            ChoralesByRule::log_probability(key, Meter { unit: 8, ..meter }, bars, &frames),
            ChoralesByRule::log_probability(key, Meter { beats: 0, ..meter }, bars, &frames),
            ChoralesByRule::log_probability(key, meter, bars + 4, &frames),
            ChoralesByRule::log_probability(key, meter, usize::MAX - 3, &frames),
            ChoralesByRule::log_probability(key, meter, 0, &[]),
            ChoralesByRule::log_probability(key, meter, bars, &frames[1..]),
        ];
        assert_eq!(wrong, [None; 7]);
        assert_eq!(ChoralesByRule::log_probability_of_labels(key, Meter { beats: 5, unit: 4 }, 4), None);
    }

    #[test]
    fn a_note_outside_the_key_is_impossible() {
        let chorale = SERIES.chorale(5);
        for frame in (0..chorale.frames.len()).step_by(7) {
            let mut changed = chorale.clone();
            // No harmony of either mode has the lowered second degree.
            let key = chorale.key;
            let lowered = Pitch::new(72 + (key.tonic() + 1) % 12).unwrap();
            changed.frames[frame].pitches[0] = lowered;
            assert_eq!(changed.log_probability(), f64::NEG_INFINITY);
        }
    }

    proptest! {
        #[test]
        fn any_frames_have_a_probability_or_none(
            index in 0_u64..50,
            changes in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..4, 21_u8..=108, any::<bool>()), 1..4),
        ) {
            let mut chorale = SERIES.chorale(index);
            let original = chorale.clone();
            for (place, voice, pitch, attack) in changes {
                let frame = *place.get(&chorale.frames);
                let position = place.index(chorale.frames.len());
                chorale.frames[position] = frame;
                chorale.frames[position].pitches[voice] = Pitch::new(pitch).unwrap();
                chorale.frames[position].attacks[voice] = attack;
            }
            let log = chorale.log_probability();
            prop_assert!(log < 0.0 && (log.is_finite() || chorale != original));
        }
    }

    #[test]
    fn both_modes_and_meters_are_used() {
        let chorales: Vec<_> = (0..40).map(|index| SERIES.chorale(index)).collect();
        for mode in [Mode::Major, Mode::Minor] {
            for beats in [3, 4] {
                assert!(chorales.iter().any(|chorale| chorale.key.mode() == mode && chorale.meter.beats == beats));
            }
        }
    }
}
