//! The sonorities of a mode and the ways between them.

use std::sync::OnceLock;

use super::harmony::Harmony;
use super::leading::{Sonority, cost, is_allowed};
use super::outline::Place;
use super::register::Register;
use super::voicing::{Voicing, voicings};
use crate::Mode;

/// A way to another sonority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edge {
    /// The number of the sonority.
    pub(super) to: usize,
    /// What its voicing and the motion to it cost.
    pub(super) cost: u32,
}

/// The sonorities by number, with C as the tonic, and the ways that the rules allow.
#[derive(Debug)]
pub(super) struct Graph {
    mode: Mode,
    register: Register,
    nodes: Vec<Node>,
}

#[derive(Debug)]
struct Node {
    sonority: Sonority,
    cost: u32,
    /// The ways on within a phrase.
    onward: Vec<Edge>,
    /// The ways to the opening of the next phrase.
    opening: Vec<Edge>,
}

impl Graph {
    /// The graph of a mode and a register. It is made at the first call.
    pub(super) fn of(mode: Mode, register: Register) -> &'static Self {
        static ALL: [[OnceLock<Graph>; 2]; 2] = [const { [const { OnceLock::new() }; 2] }; 2];
        ALL[mode as usize][register as usize].get_or_init(|| Self::new(mode, register))
    }

    fn new(mode: Mode, register: Register) -> Self {
        let of_harmony = |harmony: &Harmony| {
            let harmony = *harmony;
            voicings(mode, register, harmony)
                .into_iter()
                .map(move |(voicing, cost)| (Sonority { harmony, voicing }, cost))
        };
        let sonorities: Vec<_> = Harmony::ALL.iter().flat_map(of_harmony).collect();
        let node = |&(sonority, cost): &(Sonority, u32)| {
            let followers = sonority.harmony.followers(mode);
            let openings = if sonority.harmony.ends_phrases() { Harmony::openings(mode) } else { &[] };
            let [onward, opening] = [followers, openings].map(|targets| edges(mode, sonority, targets, &sonorities));
            Node { sonority, cost, onward, opening }
        };
        Self { mode, register, nodes: sonorities.iter().map(node).collect() }
    }

    /// The mode.
    pub(super) fn mode(&self) -> Mode {
        self.mode
    }

    /// The register.
    pub(super) fn register(&self) -> Register {
        self.register
    }

    /// A sonority by its number.
    pub(super) fn sonority(&self, number: usize) -> Sonority {
        self.nodes[number].sonority
    }

    /// The number of the sonority with a voicing.
    pub(super) fn number(&self, voicing: Voicing) -> Option<usize> {
        self.nodes.iter().position(|node| node.sonority.voicing == voicing)
    }

    /// The ways from one sonority to a place, or the ways to begin a piece.
    pub(super) fn ways(&self, from: Option<usize>, place: Place) -> Vec<Edge> {
        match from {
            Some(from) => self.edges(from, place).to_vec(),
            None => self.beginnings().collect(),
        }
    }

    /// A piece begins on the tonic over its root.
    fn beginnings(&self) -> impl Iterator<Item = Edge> {
        let nodes = self.nodes.iter().enumerate().filter(|(_, node)| node.sonority.harmony == Harmony::I);
        nodes.map(|(to, node)| Edge { to, cost: node.cost })
    }

    fn edges(&self, from: usize, place: Place) -> &[Edge] {
        let node = &self.nodes[from];
        if place.before == 0 { &node.opening } else { &node.onward }
    }

    /// For each place of a piece, which sonorities are allowed there so that the piece can be finished.
    pub(super) fn viable(&self, places: &[Place]) -> Vec<Vec<bool>> {
        let mut next: Option<(Place, Vec<bool>)> = None;
        let mut sets = Vec::with_capacity(places.len());
        for place in places.iter().rev() {
            let here = self.viable_before(*place, next.as_ref().map(|(place, set)| (*place, set.as_slice())));
            sets.extend(next.replace((*place, here)).map(|(_, set)| set));
        }
        sets.extend(next.map(|(_, set)| set));
        sets.reverse();
        sets
    }

    /// The sonorities that are allowed at a place and have a way into the set of the next place, if there is one.
    fn viable_before(&self, place: Place, next: Option<(Place, &[bool])>) -> Vec<bool> {
        let leads_on =
            |number: usize| next.is_none_or(|(place, set)| self.edges(number, place).iter().any(|edge| set[edge.to]));
        let nodes = self.nodes.iter().enumerate();
        nodes.map(|(number, node)| place.allows(node.sonority) && leads_on(number)).collect()
    }
}

/// The ways from a sonority to those of the target harmonies.
fn edges(mode: Mode, from: Sonority, targets: &[(Harmony, u64)], sonorities: &[(Sonority, u32)]) -> Vec<Edge> {
    let is_target = |harmony: Harmony| targets.iter().any(|(target, _)| *target == harmony);
    let candidates = sonorities.iter().enumerate().filter(|(_, (sonority, _))| is_target(sonority.harmony));
    let allowed = candidates.filter(|(_, (sonority, _))| is_allowed(mode, from, *sonority));
    allowed.map(|(to, (sonority, own))| Edge { to, cost: own + cost(from.voicing, sonority.voicing) }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::outline::{Cadence, Outline};
    use super::super::rhythm::{BARS_PER_PHRASE, BarRhythm, bar_rhythms};
    use super::*;

    fn graphs() -> impl Iterator<Item = &'static Graph> {
        let modes = [Mode::Major, Mode::Minor].into_iter();
        modes.flat_map(|mode| Register::ALL.map(|register| Graph::of(mode, register)))
    }

    const CADENCES: [Cadence; 2] = [Cadence::Half, Cadence::Authentic];

    /// The places of phrases in which different harmonies are allowed, because their lengths differ or the beats of
    /// their last harmonies.
    fn phrases(beats: u8, cadence: Cadence, in_last_phrase: bool) -> Vec<Vec<Place>> {
        let mut found: Vec<Vec<Place>> = Vec::new();
        for bars in all_bars(beats) {
            let places = Place::of_phrase(&Outline { cadence, bars }, beats, in_last_phrase);
            let end = |places: &[Place]| places.iter().rev().take(3).map(|place| place.is_strong).collect::<Vec<_>>();
            if !found.iter().any(|other| other.len() == places.len() && end(other) == end(&places)) {
                found.push(places);
            }
        }
        found
    }

    fn all_bars(beats: u8) -> Vec<[BarRhythm; BARS_PER_PHRASE]> {
        (0..BARS_PER_PHRASE).fold(vec![[&[] as BarRhythm; BARS_PER_PHRASE]], |all, bar| {
            let rhythms = bar_rhythms(beats, bar).iter().map(|(rhythm, _)| *rhythm);
            let with = |rhythm| {
                all.iter().map(move |bars: &[BarRhythm; BARS_PER_PHRASE]| {
                    let mut bars = *bars;
                    bars[bar] = rhythm;
                    bars
                })
            };
            rhythms.flat_map(with).collect()
        })
    }

    /// The sonorities that are viable at the first place of a phrase, given those at the opening of the next one.
    fn viable_first(graph: &Graph, places: &[Place], next: Option<&[bool]>) -> Vec<bool> {
        let opening = Place { before: 0, ..places[0] };
        let mut set = next.map(<[bool]>::to_vec);
        let mut after = opening;
        for place in places.iter().rev() {
            set = Some(graph.viable_before(*place, set.as_deref().map(|set| (after, set))));
            after = *place;
        }
        set.unwrap_or_default()
    }

    /// By induction over the phrases, from the last one back: a set of sonorities that can open every last phrase can
    /// open every phrase before a phrase that it can open.
    #[test]
    fn every_piece_can_be_finished() {
        for graph in graphs() {
            for beats in [3, 4] {
                let mut openings = vec![true; graph.nodes.len()];
                for places in phrases(beats, Cadence::Authentic, true) {
                    let viable = viable_first(graph, &places, None);
                    openings.iter_mut().zip(viable).for_each(|(opens, viable)| *opens &= viable);
                }
                assert!(graph.beginnings().any(|edge| openings[edge.to]), "{:?} {:?}", graph.mode, graph.register);
                for places in CADENCES.into_iter().flat_map(|cadence| phrases(beats, cadence, false)) {
                    let viable = viable_first(graph, &places, Some(&openings));
                    assert!(
                        viable.iter().zip(&openings).all(|(viable, opens)| *viable || !opens),
                        "{:?} {:?}",
                        graph.mode,
                        graph.register
                    );
                }
            }
        }
    }

    #[test]
    fn a_voicing_belongs_to_one_harmony() {
        for graph in graphs() {
            assert!((0..graph.nodes.len()).all(|number| graph.number(graph.sonority(number).voicing) == Some(number)));
        }
        assert_eq!(Graph::of(Mode::Major, Register::Low).number([61, 60, 55, 48]), None);
    }
}
