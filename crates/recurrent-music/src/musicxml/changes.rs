//! What changes in the course of a score.

use std::collections::BTreeMap;

/// A place in a score as written: a measure, and a tick in it.
pub(super) type Position = (usize, u32);

/// Values, with the place from which each holds.
#[derive(Debug)]
pub(super) struct Changes<T>(BTreeMap<Position, T>);

impl<T> Default for Changes<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Copy + PartialEq> Changes<T> {
    /// Adds a change, unless there already is one: of parts that disagree, the first one decides.
    pub(super) fn add(&mut self, position: Position, value: T) {
        self.0.entry(position).or_insert(value);
    }

    /// The changes of measures that are played in an order, each with the tick at which it begins.
    ///
    /// After a jump holds what is written before the measure.
    pub(super) fn played(&self, order: &[(usize, u32)]) -> Vec<(u32, T)> {
        let mut changes: Vec<_> = order.iter().flat_map(|(measure, start)| self.of_measure(*measure, *start)).collect();
        changes.sort_by_key(|(tick, _)| *tick);
        // Of several at one tick, the last one counts.
        changes.reverse();
        changes.dedup_by_key(|(tick, _)| *tick);
        changes.reverse();
        changes.dedup_by(|next, last| next.1 == last.1);
        changes
    }

    /// What holds at the beginning of a measure, and the changes in it.
    fn of_measure(&self, measure: usize, start: u32) -> impl Iterator<Item = (u32, T)> {
        let held = self.0.range(..=(measure, 0)).next_back().map(|(_, value)| (start, *value));
        let within = self.0.range((measure, 1)..=(measure, u32::MAX));
        held.into_iter().chain(within.map(move |((_, tick), value)| (start + tick, *value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_back_brings_back_what_held_there() {
        let mut changes = Changes::default();
        changes.add((0, 0), 'a');
        changes.add((1, 2), 'b');
        changes.add((1, 2), 'c');
        assert_eq!(changes.played(&[(0, 0), (1, 4), (0, 8), (1, 12)]), [(0, 'a'), (6, 'b'), (8, 'a'), (14, 'b')]);
        assert_eq!(changes.played(&[(1, 0), (2, 4)]), [(0, 'a'), (2, 'b')]);
    }

    #[test]
    fn of_changes_at_one_tick_the_last_counts() {
        let mut changes = Changes::default();
        changes.add((0, 4), 'a');
        changes.add((1, 0), 'b');
        changes.add((1, 1), 'b');
        assert_eq!(changes.played(&[(0, 0), (1, 4)]), [(4, 'b')]);
    }
}
