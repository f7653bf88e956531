//! Passing notes, neighbour notes and suspensions.

use super::choice::Choices;
use super::leading::has_parallels;
use super::outline::Place;
use super::plan::Slot;
use super::register::Register;
use super::voicing::{Voicing, degree};
use crate::Mode;

/// The notes outside the harmonies on the way from one to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Figuration {
    /// The notes by voice that end the harmony before and lead on.
    pub(super) between: [Option<u8>; 4],
    /// The voice that holds its old note into the harmony and resolves it downwards within.
    pub(super) suspended: Option<usize>,
}

impl Figuration {
    /// The pitches when the next harmony begins.
    pub(super) fn onset(self, from: Voicing, to: Voicing) -> Voicing {
        let mut onset = to;
        if let Some(voice) = self.suspended.filter(|voice| *voice < 4) {
            onset[voice] = from[voice];
        }
        onset
    }

    /// The pitches just before the next harmony begins.
    pub(super) fn upbeat(self, from: Voicing) -> Voicing {
        let mut upbeat = from;
        for (pitch, between) in upbeat.iter_mut().zip(self.between) {
            *pitch = between.unwrap_or(*pitch);
        }
        upbeat
    }

    fn notes_between(self) -> usize {
        self.between.iter().flatten().count()
    }
}

/// The weight of a plain voice.
const PLAIN: u64 = 6;
/// The weights of a passing note in each voice, from the top.
const PASSING: [u64; 4] = [9, 7, 7, 9];
/// The weights of each neighbour note.
const NEIGHBOUR: [u64; 4] = [1, 1, 1, 0];
/// The weight of a suspension.
const SUSPENSION: u64 = 5;

/// The figurations between a harmony and the next one, of the same phrase.
pub(super) fn figuration_choices(
    mode: Mode,
    register: Register,
    from: &Slot,
    to: Voicing,
    place: Place,
) -> Choices<Figuration> {
    let mut options = vec![(Figuration::default(), 1)];
    for voice in 0..4 {
        let notes = notes_between(mode, register, from, to, voice);
        let suspends = can_suspend(from, to, place, voice);
        let extended = |(figuration, weight): (Figuration, u64)| {
            let plain = [(figuration, weight * PLAIN)];
            let with_note = notes.iter().map(move |&(note, factor)| {
                let mut between = figuration.between;
                between[voice] = Some(note);
                (Figuration { between, ..figuration }, weight * factor)
            });
            let suspended = Figuration { suspended: Some(voice), ..figuration };
            let with_suspension = suspends.then_some((suspended, weight * SUSPENSION));
            plain.into_iter().chain(with_note).chain(with_suspension.filter(|_| figuration.suspended.is_none()))
        };
        options = options.into_iter().flat_map(extended).collect();
    }
    Choices::new(options.into_iter().filter(|(figuration, _)| is_allowed(from, to, *figuration)))
}

/// The notes that a voice may put between, with their weights.
fn notes_between(mode: Mode, register: Register, from: &Slot, to: Voicing, voice: usize) -> Vec<(u8, u64)> {
    let (here, there) = (from.voicing[voice], to[voice]);
    let (lowest, highest) = register.ranges()[voice];
    if from.place.beats > 2 {
        return Vec::new();
    }
    match here.abs_diff(there) {
        0 => [neighbour(mode, here, 1), neighbour(mode, here, -1)]
            .into_iter()
            .flatten()
            .filter(|note| (lowest..=highest).contains(note))
            .map(|note| (note, NEIGHBOUR[voice]))
            .collect(),
        3 | 4 => passing(mode, here, there).map(|note| (note, PASSING[voice])).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// Whether the degree belongs to the major or the natural minor scale.
fn is_natural(mode: Mode, pitch: u8) -> bool {
    match mode {
        Mode::Major => matches!(degree(pitch), 0 | 2 | 4 | 5 | 7 | 9 | 11),
        Mode::Minor => matches!(degree(pitch), 0 | 2 | 3 | 5 | 7 | 8 | 10),
    }
}

/// The note of the scale in the middle of a third, in minor raised where the plain one leaves too wide a step.
fn passing(mode: Mode, from: u8, to: u8) -> Option<u8> {
    let (low, high) = (from.min(to), from.max(to));
    let mut middle = (low + 1..high).filter(|note| note - low <= 2 && high - note <= 2);
    let raised = middle.clone().find(|note| degree(*note) == 9);
    middle.find(|note| is_natural(mode, *note)).or(raised)
}

/// The note of the scale a step above or below; in minor, below the tonic, the leading tone, and below that, the raised
/// sixth degree.
fn neighbour(mode: Mode, pitch: u8, direction: i8) -> Option<u8> {
    let step = |size: i8| pitch.checked_add_signed(direction * size);
    match (direction, degree(pitch)) {
        (-1, 0) => step(1),
        (-1, 11) => step(2),
        _ => [step(1), step(2)].into_iter().flatten().find(|note| is_natural(mode, *note)),
    }
}

/// Whether a voice above the bass can be late: by a step down, on a strong beat, from a note that the ear has heard and
/// that no other upper voice resolves to.
fn can_suspend(from: &Slot, to: Voicing, place: Place, voice: usize) -> bool {
    let (here, there) = (from.voicing[voice], to[voice]);
    let falls = there < here && here - there <= 2;
    let dissonant = to.iter().all(|pitch| pitch % 12 != here % 12);
    let clear = (0..3).all(|other| other == voice || to[other] % 12 != there % 12);
    voice < 3 && place.is_strong && falls && dissonant && clear && from.figuration.suspended != Some(voice)
}

fn is_allowed(from: &Slot, to: Voicing, figuration: Figuration) -> bool {
    let (upbeat, onset) = (figuration.upbeat(from.voicing), figuration.onset(from.voicing, to));
    // A voice that resolves a suspension moves together with the notes between.
    let most = if from.figuration.suspended.is_some() { 1 } else { 2 };
    let resolves_and_moves = from.figuration.suspended.is_some_and(|voice| figuration.between[voice].is_some());
    figuration.notes_between() <= most
        && !resolves_and_moves
        && is_ordered(upbeat)
        && is_ordered(onset)
        && notes_agree(figuration, upbeat)
        && !has_parallels(from.onset, upbeat)
        && !has_parallels(upbeat, onset)
}

fn is_ordered(voicing: Voicing) -> bool {
    voicing.windows(2).all(|pair| pair[0] > pair[1])
}

/// Two notes between sound in thirds or sixths, and none sounds a semitone from another voice.
fn notes_agree(figuration: Figuration, upbeat: Voicing) -> bool {
    let moves = |voice: usize| figuration.between[voice].is_some();
    (0..4).all(|upper| {
        (upper + 1..4).all(|lower| {
            let interval = upbeat[upper] - upbeat[lower];
            match (moves(upper), moves(lower)) {
                (true, true) => matches!(interval % 12, 3 | 4 | 8 | 9),
                (false, false) => true,
                _ => interval != 1,
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::outline::Cadence;
    use super::*;

    fn place(is_strong: bool, beats: u8) -> Place {
        Place { cadence: Cadence::Half, in_last_phrase: false, is_strong, beats, before: 2, after: 4 }
    }

    fn slot(voicing: Voicing, beats: u8) -> Slot {
        let figuration = Figuration::default();
        Slot { place: place(false, beats), sonority: 0, voicing, figuration, onset: voicing }
    }

    fn notes(choices: &Choices<Figuration>) -> Vec<[Option<u8>; 4]> {
        choices.options().iter().map(|(figuration, _)| figuration.between).collect()
    }

    fn choices(from: &Slot, to: Voicing, place: Place) -> Choices<Figuration> {
        figuration_choices(Mode::Major, Register::Low, from, to, place)
    }

    #[test]
    fn a_third_is_filled_with_the_note_of_the_scale() {
        assert_eq!(passing(Mode::Major, 64, 67), Some(65));
        assert_eq!(passing(Mode::Major, 65, 62), Some(64));
        assert_eq!(passing(Mode::Minor, 67, 71), Some(69));
        assert_eq!(passing(Mode::Minor, 68, 72), Some(70));
        assert_eq!(neighbour(Mode::Minor, 72, -1), Some(71));
        assert_eq!(neighbour(Mode::Minor, 71, -1), Some(69));
        assert_eq!(neighbour(Mode::Major, 67, 1), Some(69));
    }

    #[test]
    fn a_long_harmony_has_no_notes_between() {
        let to = [64, 60, 55, 48];
        let plain = choices(&slot([67, 64, 55, 48], 3), to, place(false, 1));
        assert_eq!(notes(&plain), [[None; 4]]);
        let filled = choices(&slot([67, 64, 55, 48], 1), to, place(false, 1));
        assert!(notes(&filled).contains(&[Some(65), Some(62), None, None]));
    }

    #[test]
    fn a_suspension_resolves_down_by_step_on_a_strong_beat() {
        let (from, to) = (slot([72, 69, 65, 53], 1), [71, 67, 62, 55]);
        let is_suspended = |is_strong| {
            let choices = choices(&from, to, place(is_strong, 1));
            choices.options().iter().any(|(figuration, _)| figuration.suspended == Some(0))
        };
        assert!(is_suspended(true) && !is_suspended(false));
        let figuration = Figuration { suspended: Some(0), ..Figuration::default() };
        assert_eq!(figuration.onset(from.voicing, to), [72, 67, 62, 55]);
    }
}
