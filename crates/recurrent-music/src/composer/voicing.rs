//! The ways to give a harmony to four voices.

use super::harmony::Harmony;
use super::register::Register;
use crate::Mode;

/// The MIDI numbers of the soprano, alto, tenor and bass.
pub(super) type Voicing = [u8; 4];

/// Semitones above the tonic, which is C, from 0 to 11.
pub(super) fn degree(pitch: u8) -> u8 {
    pitch % 12
}

/// The voicings of a harmony, sorted, each with its cost; none if the mode lacks the harmony.
pub(super) fn voicings(mode: Mode, register: Register, harmony: Harmony) -> Vec<(Voicing, u32)> {
    let tones = harmony.tones(mode);
    let Some(&lowest) = tones.get(harmony.inversion()) else { return Vec::new() };
    let pitches = |voice: usize| {
        let (low, high) = register.ranges()[voice];
        move || (low..=high).filter(move |pitch| tones.contains(&degree(*pitch)))
    };
    let [sopranos, altos, tenors, basses] = [0, 1, 2, 3].map(pitches);
    let mut found = Vec::new();
    for soprano in sopranos() {
        for alto in altos().filter(|alto| *alto < soprano && soprano - alto <= 12) {
            for tenor in tenors().filter(|tenor| *tenor < alto && alto - tenor <= 12) {
                for bass in basses().filter(|bass| *bass < tenor && degree(*bass) == lowest) {
                    let voicing = [soprano, alto, tenor, bass];
                    found.extend(cost(mode, register, harmony, voicing).map(|cost| (voicing, cost)));
                }
            }
        }
    }
    found.sort_unstable();
    found
}

/// The cost of a voicing by itself; `None` if it isn't allowed.
fn cost(mode: Mode, register: Register, harmony: Harmony, voicing: Voicing) -> Option<u32> {
    Some(doubling_cost(mode, harmony, voicing)? + spacing_cost(voicing)? + register_cost(register, voicing))
}

/// How well the tones are shared among the voices: complete, best with the root twice, no tendency tone twice.
fn doubling_cost(mode: Mode, harmony: Harmony, voicing: Voicing) -> Option<u32> {
    let tones = harmony.tones(mode);
    let count = |tone: u8| voicing.iter().filter(|pitch| degree(**pitch) == tone).count();
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
        // In first inversion, the bass is doubled as often as the root.
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
fn register_cost(register: Register, [_, alto, tenor, bass]: Voicing) -> u32 {
    let [_, alto_middle, tenor_middle, bass_middle] = register.middles();
    let off = |pitch: u8, middle: u8, free: u8| u32::from(pitch.abs_diff(middle).saturating_sub(free));
    off(alto, alto_middle, 4) + off(tenor, tenor_middle, 4) + off(bass, bass_middle, 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All voicings, with their ranges and tones.
    fn all() -> impl Iterator<Item = (Mode, Register, Harmony, Voicing)> {
        let modes = [Mode::Major, Mode::Minor].into_iter();
        let settings = modes.flat_map(|mode| Register::ALL.map(|register| (mode, register)));
        let harmonies = settings.flat_map(|(mode, register)| Harmony::ALL.map(|harmony| (mode, register, harmony)));
        harmonies.flat_map(|(mode, register, harmony)| {
            let voicings = voicings(mode, register, harmony).into_iter();
            voicings.map(move |(voicing, _)| (mode, register, harmony, voicing))
        })
    }

    #[test]
    fn voicings_keep_order_ranges_and_the_bass() {
        for (mode, register, harmony, voicing) in all() {
            assert!(voicing.windows(2).all(|pair| pair[0] > pair[1]), "{voicing:?}");
            let mut pitches = voicing.iter().zip(register.ranges());
            assert!(pitches.all(|(pitch, (low, high))| (low..=high).contains(pitch)), "{voicing:?}");
            assert_eq!(degree(voicing[3]), harmony.tones(mode)[harmony.inversion()]);
        }
    }

    #[test]
    fn every_harmony_of_a_mode_has_voicings() {
        for (mode, register) in [Mode::Major, Mode::Minor].into_iter().zip(Register::ALL) {
            for harmony in Harmony::ALL {
                let (voicings, tones) = (voicings(mode, register, harmony), harmony.tones(mode));
                assert_eq!(voicings.is_empty(), tones.is_empty(), "{harmony:?}");
            }
        }
    }

    #[test]
    fn a_leading_tone_is_never_doubled() {
        for (_, _, harmony, voicing) in all() {
            let Some(tone) = harmony.leading_tone() else { continue };
            assert_eq!(voicing.iter().filter(|pitch| degree(**pitch) == tone).count(), 1, "{harmony:?} {voicing:?}");
        }
    }
}
