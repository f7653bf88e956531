//! What a composer decides, and the frames that it makes.

use super::chorale::ChoraleFrame;
use super::figuration::Figuration;
use super::graph::Graph;
use super::outline::{Cadence, Outline, Place};
use super::register::Register;
use super::rhythm::{BARS_PER_PHRASE, BarRhythm, bar_rhythms};
use super::voicing::Voicing;
use super::{FRAMES_PER_BEAT, VOICES};
use crate::{Key, Pitch};

/// What is given before the first choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) key: Key,
    /// Beats of a bar.
    pub(super) beats: u8,
    pub(super) phrases: usize,
}

impl Setting {
    pub(super) fn graph(self) -> &'static Graph {
        Graph::of(self.key.mode(), Register::of_key(self.key).0)
    }
}

/// A harmony in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) place: Place,
    /// The number of the sonority in the graph of the key.
    pub(super) sonority: usize,
    pub(super) voicing: Voicing,
    /// How the voices came here from the slot before.
    pub(super) figuration: Figuration,
    /// The pitches at its beginning: the voicing but for a suspension.
    pub(super) onset: Voicing,
}

/// All choices of a piece, with C as the tonic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Plan {
    pub(super) outlines: Vec<Outline>,
    pub(super) slots: Vec<Slot>,
}

impl Plan {
    /// The frames of the piece before it is moved to its key.
    pub(super) fn frames(&self) -> Vec<ChoraleFrame> {
        let nexts = self.slots.iter().skip(1).map(Some).chain([None]);
        self.slots.iter().zip(nexts).flat_map(|(slot, next)| slot_frames(slot, next)).collect()
    }

    /// The only plan that can have made the frames; `None` if there is none. A plan that is found may still break the
    /// rules.
    pub(super) fn of_frames(setting: Setting, frames: &[ChoraleFrame]) -> Option<Self> {
        let bars = setting.phrases.checked_mul(BARS_PER_PHRASE)?;
        let length = bars.checked_mul(usize::from(setting.beats) * FRAMES_PER_BEAT)?;
        if frames.len() != length || frames.is_empty() {
            return None;
        }
        let outlines = frames.chunks(length / setting.phrases).map(|phrase| read_outline(setting, phrase));
        let outlines: Vec<_> = outlines.collect::<Option<_>>()?;
        let slots = read_slots(setting.graph(), &Place::of_piece(&outlines, setting.beats), frames)?;
        let plan = Self { outlines, slots };
        (plan.frames() == frames).then_some(plan)
    }
}

/// The frames of a slot: its beginning, and what moves at its split.
fn slot_frames(slot: &Slot, next: Option<&Slot>) -> impl Iterator<Item = ChoraleFrame> {
    let between = next.map_or([None; VOICES], |next| next.figuration.between);
    let (slot, split) = (*slot, slot.place.split());
    let is_suspended = move |voice: usize| slot.figuration.suspended == Some(voice);
    let sound = move |voice: usize, frame: usize| {
        if frame < split {
            return (slot.onset[voice], frame == 0 && !is_suspended(voice));
        }
        let moves = is_suspended(voice) || between[voice].is_some();
        (between[voice].unwrap_or(slot.voicing[voice]), frame == split && moves)
    };
    (0..slot.place.frames()).map(move |frame| ChoraleFrame::from_numbers([0, 1, 2, 3].map(|voice| sound(voice, frame))))
}

fn read_outline(setting: Setting, frames: &[ChoraleFrame]) -> Option<Outline> {
    let mut bars = [&[] as BarRhythm; BARS_PER_PHRASE];
    let heard = frames.chunks(usize::from(setting.beats) * FRAMES_PER_BEAT);
    for (number, (bar, frames)) in bars.iter_mut().zip(heard).enumerate() {
        *bar = read_rhythm(setting.beats, number, frames)?;
    }
    let graph = setting.graph();
    // Nothing moves at the end of a cadence.
    let last = graph.number(numbers(frames.last()?))?;
    Some(Outline { cadence: Cadence::ending_with(graph.sonority(last).harmony), bars })
}

/// The rhythm of a bar: a harmony begins on the beats where at least three voices are attacked, because a suspension
/// holds one voice only and at most two voices move within a harmony.
fn read_rhythm(beats: u8, bar: usize, frames: &[ChoraleFrame]) -> Option<BarRhythm> {
    let begins = |frame: &ChoraleFrame| frame.attacks.iter().filter(|attack| **attack).count() >= 3;
    let starts = (0..beats).zip(frames.iter().step_by(FRAMES_PER_BEAT)).filter(|(_, frame)| begins(frame));
    let starts: Vec<_> = starts.map(|(beat, _)| beat).collect();
    let ends = starts.iter().skip(1).copied().chain([beats]);
    let lengths: Vec<_> = starts.iter().zip(ends).map(|(start, end)| end - start).collect();
    bar_rhythms(beats, bar).iter().map(|(rhythm, _)| *rhythm).find(|rhythm| *rhythm == lengths)
}

fn read_slots(graph: &Graph, places: &[Place], mut frames: &[ChoraleFrame]) -> Option<Vec<Slot>> {
    let mut between = [None; VOICES];
    let mut slots = Vec::with_capacity(places.len());
    for place in places {
        let (heard, rest) = frames.split_at_checked(place.frames())?;
        let slot = read_slot(graph, *place, heard, between)?;
        between = read_between(&slot, heard.get(place.split())?);
        slots.push(slot);
        frames = rest;
    }
    Some(slots)
}

fn read_slot(graph: &Graph, place: Place, heard: &[ChoraleFrame], between: [Option<u8>; VOICES]) -> Option<Slot> {
    let (first, split) = (heard.first()?, heard.get(place.split())?);
    let suspended = first.attacks.iter().position(|attack| !attack);
    let onset = numbers(first);
    let mut voicing = onset;
    if let Some(voice) = suspended {
        voicing[voice] = split.pitches[voice].number();
    }
    let sonority = graph.number(voicing)?;
    Some(Slot { place, sonority, voicing, figuration: Figuration { between, suspended }, onset })
}

/// The notes that lead on from a slot, by voice.
fn read_between(slot: &Slot, split: &ChoraleFrame) -> [Option<u8>; VOICES] {
    [0, 1, 2, 3].map(|voice| {
        let moves = split.attacks[voice] && slot.figuration.suspended != Some(voice);
        moves.then_some(split.pitches[voice].number())
    })
}

fn numbers(frame: &ChoraleFrame) -> Voicing {
    frame.pitches.map(Pitch::number)
}

#[cfg(test)]
mod tests {
    use super::super::composition::compose;
    use super::super::random::SplitMix64;
    use super::*;

    #[test]
    fn a_plan_is_read_off_its_frames() {
        for (stream, key) in (0..).zip(Key::all()) {
            for beats in [3, 4] {
                let setting = Setting { key, beats, phrases: 1 + stream as usize % 5 };
                let plan = compose(setting, &mut SplitMix64::of_stream(3, stream), None).unwrap();
                assert_eq!(Plan::of_frames(setting, &plan.frames()), Some(plan));
            }
        }
    }

    #[test]
    fn frames_without_attacks_have_no_plan() {
        let setting = Setting { key: Key::new(0, crate::Mode::Major), beats: 4, phrases: 1 };
        let frames = vec![ChoraleFrame::from_numbers([72, 64, 60, 48].map(|number| (number, false))); 32];
        assert_eq!(Plan::of_frames(setting, &frames), None);
        assert_eq!(Plan::of_frames(setting, &frames[1..]), None);
        assert_eq!(Plan::of_frames(Setting { phrases: 0, ..setting }, &[]), None);
    }
}
