//! Buckets: batches of texts that are about as long as each other, so that little of them is padding.

/// Batches that are sorted together. More of them pad less, and mix less.
const POOL: usize = 50;

/// Cuts an order into batches: pools of 50 batches are taken as they come, sorted by length, and
/// cut. Every index of the order is in one batch; the last of a pool may be smaller.
///
/// # Panics
/// If a batch is to hold nothing.
pub(crate) fn bucket<L: Ord>(order: &[usize], batch: usize, length: impl Fn(usize) -> L) -> Vec<Vec<usize>> {
    assert!(batch > 0, "a batch of at least 1");
    let pools = order.chunks(batch.saturating_mul(POOL));
    pools.flat_map(|pool| sorted(pool, batch, &length)).collect()
}

/// Batches of all indices below `count`, from the shortest to the longest.
///
/// # Panics
/// If a batch is to hold nothing.
pub(crate) fn by_length<L: Ord>(count: usize, batch: usize, length: impl Fn(usize) -> L) -> Vec<Vec<usize>> {
    assert!(batch > 0, "a batch of at least 1");
    let all: Vec<usize> = (0..count).collect();
    sorted(&all, batch, &length)
}

fn sorted<L: Ord>(pool: &[usize], batch: usize, length: &impl Fn(usize) -> L) -> Vec<Vec<usize>> {
    let mut pool = pool.to_vec();
    pool.sort_by_key(|&index| length(index));
    pool.chunks(batch).map(<[usize]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn batches_are_of_one_length_where_they_can_be() {
        let lengths = [3, 1, 2, 3, 1, 2];
        assert_eq!(by_length(6, 2, |i| lengths[i]), [[1, 4], [2, 5], [0, 3]]);
        assert_eq!(bucket(&[5, 4, 3, 2, 1, 0], 2, |i| lengths[i]), [[4, 1], [5, 2], [3, 0]]);
    }

    proptest! {
        #[test]
        fn every_index_is_in_one_batch(
            lengths in prop::collection::vec(0_usize..9, 0..300),
            batch in 1_usize..5,
        ) {
            let order: Vec<usize> = (0..lengths.len()).rev().collect();
            let batches = bucket(&order, batch, |i| lengths[i]);
            prop_assert!(batches.iter().all(|b| !b.is_empty() && b.len() <= batch));
            prop_assert_eq!(batches.len(), lengths.len().div_ceil(batch));
            let mut all = batches.concat();
            all.sort();
            prop_assert_eq!(all, (0..lengths.len()).collect::<Vec<_>>());
        }
    }
}
