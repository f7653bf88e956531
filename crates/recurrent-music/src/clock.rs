//! From ticks to seconds, for many ticks.

use crate::Piece;

/// The time of every tick of a piece, found in logarithmic time.
#[derive(Debug)]
pub(crate) struct Clock {
    /// Sorted by tick; the first one is at tick 0.
    changes: Vec<Change>,
}

/// From a tick on, a tempo holds.
#[derive(Debug, Clone, Copy)]
struct Change {
    tick: u32,
    seconds: f64,
    seconds_per_tick: f64,
}

impl Change {
    fn seconds(&self, tick: u32) -> f64 {
        self.seconds + f64::from(tick - self.tick) * self.seconds_per_tick
    }
}

impl Clock {
    /// The clock of a piece; its changes of tempo may come in any order.
    pub(crate) fn new(piece: &Piece) -> Self {
        let per_tick = |tempo: u32| f64::from(tempo) / 1e6 / f64::from(piece.ticks_per_quarter.max(1));
        let mut tempos = piece.tempos.clone();
        tempos.sort_by_key(|(tick, _)| *tick);
        let mut latest = Change { tick: 0, seconds: 0.0, seconds_per_tick: per_tick(500_000) };
        let mut changes = vec![latest];
        for (tick, tempo) in tempos {
            latest = Change { tick, seconds: latest.seconds(tick), seconds_per_tick: per_tick(tempo) };
            changes.push(latest);
        }
        Self { changes }
    }

    /// When a tick is, in seconds from the beginning.
    pub(crate) fn seconds(&self, tick: u32) -> f64 {
        let after = self.changes.partition_point(|change| change.tick <= tick);
        self.changes[..after].last().map_or(0.0, |change| change.seconds(tick))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_clock_adds_up_the_time_between_changes(
            mut tempos in prop::collection::vec((0u32..2000, 100_000u32..2_000_000), 0..6),
            ticks in prop::collection::vec(0u32..3000, 1..20),
        ) {
            tempos.sort_by_key(|(tick, _)| *tick);
            let piece = Piece { ticks_per_quarter: 96, tempos, ..Piece::default() };
            let clock = Clock::new(&piece);
            for tick in ticks {
                let tempo_at = |tick| piece.tempos.iter().take_while(|change| change.0 <= tick).last().map_or(500_000, |change| change.1);
                let expected: f64 = (0..tick).map(|tick| f64::from(tempo_at(tick)) / 96e6).sum();
                prop_assert!((clock.seconds(tick) - expected).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn the_order_of_tempos_does_not_matter() {
        let [sorted, unsorted] = [vec![(5, 1_000_000), (10, 250_000)], vec![(10, 250_000), (5, 1_000_000)]]
            .map(|tempos| Clock::new(&Piece { ticks_per_quarter: 1, tempos, ..Piece::default() }));
        assert_eq!(sorted.seconds(12), 8.0);
        assert_eq!(unsorted.seconds(12), 8.0);
    }
}
