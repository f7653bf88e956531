//! The walk through all choices of a piece.

use super::choice::{Choices, Chooser};
use super::figuration::{Figuration, figuration_choices};
use super::graph::{Edge, Graph};
use super::harmony::Harmony;
use super::leading::line_cost;
use super::outline::{Cadence, Outline, Place};
use super::plan::{Plan, Setting, Slot};
use super::rhythm::{BARS_PER_PHRASE, BarRhythm, rhythm_choices};
use super::voicing::degree;

/// How much dearer than the best voicing another one may be.
const MARGIN: u32 = 16;

/// Makes all choices of a piece, one after the other: first the outlines of the phrases, then for each place a harmony,
/// its voicing, and what happens on the way to it.
///
/// `written` is the plan of the finished piece for a chooser that follows one. `None` if the chooser takes nothing
/// somewhere.
pub(super) fn compose(setting: Setting, chooser: &mut impl Chooser, written: Option<&Plan>) -> Option<Plan> {
    let mut plan = Plan::default();
    for number in 0..setting.phrases {
        let written = written.and_then(|plan| plan.outlines.get(number));
        plan.outlines.push(choose_outline(setting, number, chooser, written)?);
    }
    let graph = setting.graph();
    let places = Place::of_piece(&plan.outlines, setting.beats);
    for (place, viable) in places.iter().zip(graph.viable(&places)) {
        let written = written.and_then(|written| written.slots.get(plan.slots.len()));
        let slot = choose_slot(graph, *place, &viable, &plan.slots, chooser, written)?;
        plan.slots.push(slot);
    }
    Some(plan)
}

fn choose_outline(
    setting: Setting,
    number: usize,
    chooser: &mut impl Chooser,
    written: Option<&Outline>,
) -> Option<Outline> {
    let cadences = Cadence::choices(number, setting.phrases);
    let cadence = chooser.choose(&cadences, written.map(|outline| outline.cadence))?;
    let mut bars = [&[] as BarRhythm; BARS_PER_PHRASE];
    for (bar, rhythm) in bars.iter_mut().enumerate() {
        *rhythm = chooser.choose(&rhythm_choices(setting.beats, bar), written.map(|outline| outline.bars[bar]))?;
    }
    Some(Outline { cadence, bars })
}

fn choose_slot(
    graph: &Graph,
    place: Place,
    viable: &[bool],
    before: &[Slot],
    chooser: &mut impl Chooser,
    written: Option<&Slot>,
) -> Option<Slot> {
    let from = before.last();
    let mut ways = graph.ways(from.map(|slot| slot.sonority), place);
    ways.retain(|way| viable[way.to]);

    let harmonies = harmony_choices(graph, place, from, &ways);
    let harmony = chooser.choose(&harmonies, written.map(|slot| graph.sonority(slot.sonority).harmony))?;
    ways.retain(|way| graph.sonority(way.to).harmony == harmony);

    let sonorities = sonority_choices(graph, place, before, &ways);
    let sonority = chooser.choose(&sonorities, written.map(|slot| slot.sonority))?;
    let voicing = graph.sonority(sonority).voicing;

    let figurations = match from.filter(|_| place.before > 0) {
        Some(from) => figuration_choices(graph.mode(), graph.register(), from, voicing, place),
        None => Choices::new([(Figuration::default(), 1)]),
    };
    let figuration = chooser.choose(&figurations, written.map(|slot| slot.figuration))?;
    let onset = from.map_or(voicing, |from| figuration.onset(from.voicing, voicing));
    Some(Slot { place, sonority, voicing, figuration, onset })
}

/// The harmonies that one of the ways leads to.
fn harmony_choices(graph: &Graph, place: Place, from: Option<&Slot>, ways: &[Edge]) -> Choices<Harmony> {
    let mode = graph.mode();
    let weights = match from {
        None => &[(Harmony::I, 1)],
        Some(_) if place.before == 0 => Harmony::openings(mode),
        Some(slot) => graph.sonority(slot.sonority).harmony.followers(mode),
    };
    let is_reached = |harmony: Harmony| ways.iter().any(|way| graph.sonority(way.to).harmony == harmony);
    Choices::new(weights.iter().copied().filter(|(harmony, _)| is_reached(*harmony)))
}

/// The sonorities at the ends of the ways.
fn sonority_choices(graph: &Graph, place: Place, before: &[Slot], ways: &[Edge]) -> Choices<usize> {
    let mut sopranos = before.iter().rev().map(|slot| slot.voicing[0]);
    let (last, last_but_one) = (sopranos.next(), sopranos.next());
    let cost = |way: &Edge| {
        let soprano = graph.sonority(way.to).voicing[0];
        let line = line_cost(graph.register(), last_but_one, last, soprano);
        (way.to, way.cost + line + place.cadence_cost(degree(soprano)))
    };
    Choices::by_cost(&ways.iter().map(cost).collect::<Vec<_>>(), MARGIN)
}
