//! The ways to give a harmony to four voices.

use super::harmony::Harmony;
use crate::Key;

/// The MIDI numbers of the soprano, alto, tenor and bass.
pub(super) type Voicing = [u8; 4];

/// The lowest and the highest note of each voice, from the top; a little less than what singers have.
pub(super) const RANGES: [(u8, u8); 4] = [(60, 79), (55, 72), (48, 67), (40, 60)];

/// Semitones above the tonic, from 0 to 11.
pub(super) fn degree(key: Key, pitch: u8) -> u8 {
    (pitch + 12 - key.tonic()) % 12
}

/// The voicings of a harmony, sorted, each with its cost; none if the key lacks the harmony.
pub(super) fn voicings(key: Key, harmony: Harmony) -> Vec<(Voicing, u32)> {
    let tones = harmony.tones(key.mode());
    let Some(&lowest) = tones.get(harmony.inversion()) else { return Vec::new() };
    let pitches = |voice: usize| {
        let (low, high) = RANGES[voice];
        move || (low..=high).filter(move |pitch| tones.contains(&degree(key, *pitch)))
    };
    let [sopranos, altos, tenors, basses] = [0, 1, 2, 3].map(pitches);
    let mut found = Vec::new();
    for soprano in sopranos() {
        for alto in altos().filter(|alto| *alto < soprano && soprano - alto <= 12) {
            for tenor in tenors().filter(|tenor| *tenor < alto && alto - tenor <= 12) {
                for bass in basses().filter(|bass| *bass < tenor && degree(key, *bass) == lowest) {
                    let voicing = [soprano, alto, tenor, bass];
                    found.extend(cost(key, harmony, voicing).map(|cost| (voicing, cost)));
                }
            }
        }
    }
    found.sort_unstable();
    found
}

/// The cost of a voicing by itself; `None` if it isn't allowed.
fn cost(key: Key, harmony: Harmony, voicing: Voicing) -> Option<u32> {
    Some(doubling_cost(key, harmony, voicing)? + spacing_cost(voicing)? + register_cost(voicing))
}

/// How well the tones are shared among the voices: complete, best with the root twice, no tendency tone twice.
fn doubling_cost(key: Key, harmony: Harmony, voicing: Voicing) -> Option<u32> {
    let tones = harmony.tones(key.mode());
    let count = |tone: u8| voicing.iter().filter(|pitch| degree(key, **pitch) == tone).count();
    if tones.len() == 4 {
        return tones.iter().all(|tone| count(*tone) == 1).then_some(0);
    }
    let counts = [0, 1, 2].map(|tone| count(tones[tone]));
    if counts[1] > 1 && harmony.leading_tone() == Some(tones[1]) {
        return None;
    }
    match (harmony, counts) {
        // The root of a diminished triad is the leading tone.
        (Harmony::Vii6, [1, 2, 1]) => Some(0),
        (Harmony::Vii6, [1, 1, 2]) => Some(3),
        (Harmony::Vii6, _) => None,
        // In minor, the fifth of the supertonic is as tense as its root is far from it.
        (Harmony::Ii6, [2, 1, 1] | [1, 2, 1]) => Some(0),
        (Harmony::I64, counts) => (counts == [1, 1, 2]).then_some(0),
        // A complete dominant seventh may leave the tonic without its fifth.
        (Harmony::I, [3, 1, 0]) => Some(4),
        (_, [2, 1, 1]) => Some(0),
        (_, [1, 1, 2]) => Some(3),
        (_, [1, 2, 1]) => Some(if harmony == Harmony::Vi { 2 } else { 5 }),
        _ => None,
    }
}

/// Close in the upper voices, wide at the bottom.
fn spacing_cost([soprano, alto, tenor, bass]: Voicing) -> Option<u32> {
    let gap = tenor - bass;
    if gap > 19 || soprano - alto < 2 || alto - tenor < 2 {
        return None;
    }
    let over = |gap: u8, limit: u8| u32::from(gap.saturating_sub(limit));
    let muddy = if gap < 5 && bass < 50 { 4 } else { 0 };
    Some(over(soprano - alto, 9) + over(alto - tenor, 9) + over(gap, 14) + muddy)
}

/// The inner voices and the bass near the middle of their ranges.
fn register_cost([_, alto, tenor, bass]: Voicing) -> u32 {
    let off = |pitch: u8, middle: u8, free: u8| u32::from(pitch.abs_diff(middle).saturating_sub(free));
    off(alto, 64, 4) + off(tenor, 57, 4) + off(bass, 49, 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn voicings_keep_order_ranges_and_the_bass() {
        for key in Key::all() {
            for harmony in Harmony::ALL {
                let tones = harmony.tones(key.mode());
                let voicings = voicings(key, harmony);
                assert_eq!(voicings.is_empty(), tones.is_empty(), "{key} {harmony:?}");
                for (voicing, _) in voicings {
                    assert!(voicing.windows(2).all(|pair| pair[0] > pair[1]), "{voicing:?}");
                    assert!(voicing.iter().zip(RANGES).all(|(pitch, (low, high))| (low..=high).contains(pitch)));
                    assert_eq!(degree(key, voicing[3]), tones[harmony.inversion()]);
                }
            }
        }
    }

    #[test]
    fn a_leading_tone_is_never_doubled() {
        for key in Key::all() {
            for harmony in Harmony::ALL {
                let Some(tone) = harmony.leading_tone() else { continue };
                for (voicing, _) in voicings(key, harmony) {
                    assert_eq!(voicing.iter().filter(|pitch| degree(key, **pitch) == tone).count(), 1);
                }
            }
        }
    }
}
