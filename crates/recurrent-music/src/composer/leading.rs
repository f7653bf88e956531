//! How the voices go from one harmony to the next.

use super::harmony::Harmony;
use super::register::Register;
use super::voicing::{Voicing, degree};
use crate::Mode;

/// A harmony in its voicing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sonority {
    pub(super) harmony: Harmony,
    pub(super) voicing: Voicing,
}

/// Whether the rules allow one sonority after another.
pub(super) fn is_allowed(mode: Mode, from: Sonority, to: Sonority) -> bool {
    leaps_are_singable(mode, from.voicing, to.voicing)
        && !overlaps(from.voicing, to.voicing)
        && !has_parallels(from.voicing, to.voicing)
        && !has_direct_perfect(from.voicing, to.voicing)
        && tendencies_resolve(mode, from, to)
}

fn leaps_are_singable(mode: Mode, from: Voicing, to: Voicing) -> bool {
    const WIDEST: [u8; 4] = [7, 5, 5, 12];
    (0..4).all(|voice| {
        let leap = from[voice].abs_diff(to[voice]);
        leap <= WIDEST[voice] && !matches!(leap, 6 | 8..=11) && !is_augmented_second(mode, from[voice], to[voice])
    })
}

/// From the sixth degree of minor to the leading tone or back.
fn is_augmented_second(mode: Mode, from: u8, to: u8) -> bool {
    let degrees = (degree(from), degree(to));
    mode == Mode::Minor && from.abs_diff(to) == 3 && matches!(degrees, (8, 11) | (11, 8))
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
fn tendencies_resolve(mode: Mode, from: Sonority, to: Sonority) -> bool {
    let next = to.harmony.tones(mode);
    let leading = from.harmony.leading_tone().filter(|tone| !next.contains(tone));
    let seventh = from.harmony.tones(mode).get(3).filter(|tone| !next.contains(tone));
    from.voicing.iter().zip(to.voicing).all(|(&before, after)| {
        let tone = degree(before);
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
        0 => 8,
        1 | 2 => 0,
        3 | 4 => 4,
        5 => 6,
        _ => 12,
    }
}

fn inner_cost(leap: u8) -> u32 {
    match leap {
        0 => 0,
        1 | 2 => 1,
        3 | 4 => 4,
        _ => 7,
    }
}

fn bass_cost(leap: u8) -> u32 {
    match leap {
        0 => 3,
        1 | 2 => 0,
        3..=5 => 1,
        7 => 3,
        _ => 4,
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

/// The cost of the soprano's line: it stays in the middle, goes on rather than back, and turns after a leap.
///
/// `last_but_one` and `last` are the pitches before `next`.
pub(super) fn line_cost(register: Register, last_but_one: Option<u8>, last: Option<u8>, next: u8) -> u32 {
    let off = 2 * u32::from(next.abs_diff(register.middles()[0]).saturating_sub(3));
    let (Some(before), Some(from)) = (last_but_one, last) else { return off };
    let shape = match (before == from, from == next) {
        (true, true) => 6,
        (false, _) if before == next => 2,
        (false, _) if before.abs_diff(from) >= 5 && (next == from || (next > from) == (from > before)) => 4,
        _ => 0,
    };
    off + shape
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
        let mode = Mode::Major;
        let dominant = sonority(Harmony::V7, [71, 65, 62, 55]);
        assert!(tendencies_resolve(mode, dominant, sonority(Harmony::I, [72, 64, 60, 48])));
        assert!(!tendencies_resolve(mode, dominant, sonority(Harmony::I, [67, 64, 60, 48])));
        assert!(!tendencies_resolve(mode, dominant, sonority(Harmony::I, [72, 67, 60, 48])));
        let triad = sonority(Harmony::V, [67, 62, 59, 55]);
        assert!(tendencies_resolve(mode, triad, sonority(Harmony::V42, [67, 62, 59, 53])));
    }

    #[test]
    fn awkward_motion_is_not_allowed() {
        assert!(is_augmented_second(Mode::Minor, 68, 71) && !is_augmented_second(Mode::Minor, 67, 70));
        assert!(!leaps_are_singable(Mode::Major, [72, 64, 57, 45], [66, 64, 57, 45]));
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
        let line = |before, from, next| line_cost(Register::Low, Some(before), Some(from), next);
        assert!(line(67, 72, 71) < line(67, 72, 74));
        assert!(line(67, 69, 71) < line(67, 69, 67));
        assert!(line(72, 72, 74) < line(72, 72, 72));
        assert!(line_cost(Register::Low, None, None, 69) < line_cost(Register::Low, None, None, 76));
    }
}
