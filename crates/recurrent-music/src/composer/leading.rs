//! How the voices go from one harmony to the next.

use super::harmony::Harmony;
use super::voicing::{Voicing, degree};
use crate::{Key, Mode};

/// A harmony in its voicing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sonority {
    pub(super) harmony: Harmony,
    pub(super) voicing: Voicing,
}

/// Whether the rules allow one sonority after another.
pub(super) fn is_allowed(key: Key, from: Sonority, to: Sonority) -> bool {
    leaps_are_singable(key, from.voicing, to.voicing)
        && !overlaps(from.voicing, to.voicing)
        && !has_parallels(from.voicing, to.voicing)
        && !has_direct_perfect(from.voicing, to.voicing)
        && tendencies_resolve(key, from, to)
}

fn leaps_are_singable(key: Key, from: Voicing, to: Voicing) -> bool {
    const WIDEST: [u8; 4] = [9, 5, 7, 12];
    (0..4).all(|voice| {
        let leap = from[voice].abs_diff(to[voice]);
        leap <= WIDEST[voice] && !matches!(leap, 6 | 10 | 11) && !is_augmented_second(key, from[voice], to[voice])
    })
}

/// From the sixth degree of minor to the leading tone or back.
fn is_augmented_second(key: Key, from: u8, to: u8) -> bool {
    let degrees = (degree(key, from), degree(key, to));
    key.mode() == Mode::Minor && from.abs_diff(to) == 3 && matches!(degrees, (8, 11) | (11, 8))
}

/// Whether a voice goes beyond where its neighbour has just been.
fn overlaps(from: Voicing, to: Voicing) -> bool {
    (0..3).any(|upper| to[upper] < from[upper + 1] || to[upper + 1] > from[upper])
}

/// Whether two voices move from a fifth to a fifth, or from an octave or unison to another, in any direction.
pub(super) fn has_parallels(from: Voicing, to: Voicing) -> bool {
    (0..4).any(|upper| {
        from[upper] != to[upper]
            && (upper + 1..4).any(|lower| {
                let interval = (from[upper] - from[lower]) % 12;
                from[lower] != to[lower] && matches!(interval, 0 | 7) && (to[upper] - to[lower]) % 12 == interval
            })
    })
}

/// Whether soprano and bass move in the same direction to a fifth or an octave, the soprano by a leap.
fn has_direct_perfect(from: Voicing, to: Voicing) -> bool {
    let same_direction = (to[0] > from[0] && to[3] > from[3]) || (to[0] < from[0] && to[3] < from[3]);
    same_direction && from[0].abs_diff(to[0]) > 2 && matches!((to[0] - to[3]) % 12, 0 | 7)
}

/// Whether leading tones rise and sevenths fall, unless the next harmony has them too.
fn tendencies_resolve(key: Key, from: Sonority, to: Sonority) -> bool {
    let next = to.harmony.tones(key.mode());
    let leading = from.harmony.leading_tone().filter(|tone| !next.contains(tone));
    let seventh = from.harmony.tones(key.mode()).get(3).filter(|tone| !next.contains(tone));
    from.voicing.iter().zip(to.voicing).all(|(&before, after)| {
        let tone = degree(key, before);
        let rises = after == before + 1;
        let falls = after < before && before - after <= 2;
        (leading != Some(tone) || rises) && (seventh != Some(&tone) || falls)
    })
}

/// The cost of a motion that is allowed: little for steps, common tones in the inner voices and contrary motion.
pub(super) fn cost(from: Voicing, to: Voicing) -> u32 {
    let leap = |voice: usize| from[voice].abs_diff(to[voice]);
    soprano_cost(leap(0)) + inner_cost(leap(1)) + inner_cost(leap(2)) + bass_cost(leap(3)) + direction_cost(from, to)
}

fn soprano_cost(leap: u8) -> u32 {
    match leap {
        0 => 6,
        1 | 2 => 0,
        3 | 4 => 4,
        5 => 8,
        7 => 12,
        _ => 14,
    }
}

fn inner_cost(leap: u8) -> u32 {
    match leap {
        0 => 0,
        1 | 2 => 1,
        3 | 4 => 4,
        5 => 7,
        _ => 11,
    }
}

fn bass_cost(leap: u8) -> u32 {
    match leap {
        0 => 3,
        1 | 2 => 0,
        3 | 4 => 1,
        5 => 1,
        7 => 3,
        12 => 4,
        _ => 6,
    }
}

fn direction_cost(from: Voicing, to: Voicing) -> u32 {
    let directions = [0, 1, 2, 3].map(|voice| to[voice].cmp(&from[voice]));
    let outer = match (directions[0], directions[3]) {
        (soprano, bass) if soprano == bass => 3,
        (soprano, bass) if soprano == bass.reverse() => 0,
        _ => 1,
    };
    let together = directions[0].is_ne() && directions.iter().all(|direction| *direction == directions[0]);
    outer + if together { 6 } else { 0 }
}

/// The cost of the soprano's line: it follows the arch of its phrase, goes on rather than back, and turns after a leap.
///
/// `bar` is the bar in the phrase; `last_but_one` and `last` are the pitches before `next`.
pub(super) fn line_cost(bar: usize, last_but_one: Option<u8>, last: Option<u8>, next: u8) -> u32 {
    const ARCH: [u8; 4] = [69, 72, 72, 69];
    let off = next.abs_diff(ARCH.get(bar).copied().unwrap_or(70));
    let register = u32::from(off.saturating_sub(3));
    let (Some(before), Some(from)) = (last_but_one, last) else { return register };
    let shape = match (before == from, from == next) {
        (true, true) => 4,
        (false, _) if before == next => 2,
        (false, _) if before.abs_diff(from) >= 5 && (next == from || (next > from) == (from > before)) => 4,
        _ => 0,
    };
    register + shape
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sonority(harmony: Harmony, voicing: Voicing) -> Sonority {
        Sonority { harmony, voicing }
    }

    #[test]
    fn parallels_are_found_between_any_voices() {
        assert!(has_parallels([72, 64, 55, 48], [74, 65, 57, 50]));
        assert!(has_parallels([67, 64, 60, 48], [69, 65, 62, 50]));
        // From an octave to an octave in contrary motion.
        assert!(has_parallels([72, 67, 64, 48], [67, 64, 60, 55]));
        assert!(!has_parallels([72, 67, 64, 48], [72, 69, 65, 53]));
    }

    #[test]
    fn tendency_tones_resolve() {
        let key = Key::new(0, Mode::Major);
        let dominant = sonority(Harmony::V7, [71, 65, 62, 55]);
        assert!(tendencies_resolve(key, dominant, sonority(Harmony::I, [72, 64, 60, 48])));
        assert!(!tendencies_resolve(key, dominant, sonority(Harmony::I, [67, 64, 60, 48])));
        assert!(!tendencies_resolve(key, dominant, sonority(Harmony::I, [72, 67, 60, 48])));
        let triad = sonority(Harmony::V, [67, 62, 59, 55]);
        assert!(tendencies_resolve(key, triad, sonority(Harmony::V42, [67, 62, 59, 53])));
    }

    #[test]
    fn awkward_motion_is_not_allowed() {
        let key = Key::new(9, Mode::Minor);
        assert!(is_augmented_second(key, 65, 68) && !is_augmented_second(key, 64, 67));
        assert!(!leaps_are_singable(key, [72, 64, 57, 45], [66, 64, 57, 45]));
        assert!(overlaps([72, 64, 57, 45], [76, 74, 57, 45]) && !overlaps([72, 64, 57, 45], [76, 72, 57, 45]));
        assert!(has_direct_perfect([67, 64, 60, 48], [72, 65, 57, 53]));
    }

    #[test]
    fn contrary_motion_and_steps_are_cheap() {
        let from = [72, 67, 64, 48];
        let steps = cost(from, [71, 67, 62, 50]);
        assert!(steps < cost(from, [74, 67, 65, 50]) && steps < cost(from, [67, 62, 59, 50]));
    }

    #[test]
    fn a_line_turns_back_after_a_leap() {
        let line = |before, from, next| line_cost(1, Some(before), Some(from), next);
        assert!(line(67, 72, 71) < line(67, 72, 74));
        assert!(line(71, 72, 74) < line(71, 72, 71));
        assert!(line(72, 72, 74) < line(72, 72, 72));
        assert!(line_cost(0, None, None, 69) < line_cost(0, None, None, 77));
    }
}
