//! The rhythm of the harmonies in a phrase of four bars.

use super::choice::Choices;

/// The bars of a phrase.
pub(super) const BARS_PER_PHRASE: usize = 4;

/// The lengths in beats of the harmonies of a bar.
pub(super) type BarRhythm = &'static [u8];

/// The rhythms of a bar with their weights, for bars of so many beats. `bar` counts from 0 in the phrase; the last one
/// holds the cadence. Empty if no chorale has such a meter.
pub(super) fn bar_rhythms(beats: u8, bar: usize) -> &'static [(BarRhythm, u64)] {
    match (beats, bar + 1 == BARS_PER_PHRASE) {
        (4, false) => &[(&[1, 1, 1, 1], 5), (&[2, 1, 1], 2), (&[1, 1, 2], 2), (&[2, 2], 1)],
        (4, true) => &[(&[2, 2], 4), (&[1, 1, 2], 3), (&[4], 3)],
        (3, false) => &[(&[1, 1, 1], 1), (&[2, 1], 1)],
        (3, true) => &[(&[3], 1)],
        _ => &[],
    }
}

/// The choice of a bar's rhythm.
pub(super) fn rhythm_choices(beats: u8, bar: usize) -> Choices<BarRhythm> {
    Choices::new(bar_rhythms(beats, bar).iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_full() {
        for beats in [3, 4] {
            for bar in 0..BARS_PER_PHRASE {
                let rhythms = bar_rhythms(beats, bar);
                assert!(!rhythms.is_empty());
                assert!(rhythms.iter().all(|(rhythm, weight)| rhythm.iter().sum::<u8>() == beats && *weight > 0));
            }
        }
        assert!(bar_rhythms(6, 0).is_empty());
    }

    #[test]
    fn a_phrase_ends_with_a_long_harmony() {
        let mut ends = [3, 4].into_iter().flat_map(|beats| bar_rhythms(beats, BARS_PER_PHRASE - 1));
        assert!(ends.all(|(rhythm, _)| rhythm.last() >= Some(&2)));
    }
}
