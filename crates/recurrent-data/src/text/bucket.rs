//! Batches of texts of similar length, which need little padding.

/// How many batches are sorted together. More of them need less padding, but are shuffled less.
const POOL: usize = 50;

/// Cuts an order of indices into batches: pools of 50 batches are sorted by length and cut. Each index is in one batch;
/// the last batch of a pool may be smaller.
///
/// # Panics
/// If `batch_size` is 0.
pub(crate) fn bucket<L: Ord>(order: &[usize], batch_size: usize, length: impl Fn(usize) -> L) -> Vec<Vec<usize>> {
    assert!(batch_size > 0, "batch_size: expected at least 1, found 0");
    let pools = order.chunks(batch_size.saturating_mul(POOL));
    pools.flat_map(|pool| sorted(pool, batch_size, &length)).collect()
}

/// Batches of all indices below `count`, from the shortest to the longest.
///
/// # Panics
/// If `batch_size` is 0.
pub(crate) fn by_length<L: Ord>(count: usize, batch_size: usize, length: impl Fn(usize) -> L) -> Vec<Vec<usize>> {
    assert!(batch_size > 0, "batch_size: expected at least 1, found 0");
    let all: Vec<usize> = (0..count).collect();
    sorted(&all, batch_size, &length)
}

fn sorted<L: Ord>(pool: &[usize], batch_size: usize, length: &impl Fn(usize) -> L) -> Vec<Vec<usize>> {
    let mut pool = pool.to_vec();
    pool.sort_by_key(|&index| length(index));
    pool.chunks(batch_size).map(<[usize]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn batches_group_equal_lengths() {
        let lengths = [3, 1, 2, 3, 1, 2];
        assert_eq!(by_length(6, 2, |i| lengths[i]), [[1, 4], [2, 5], [0, 3]]);
        assert_eq!(bucket(&[5, 4, 3, 2, 1, 0], 2, |i| lengths[i]), [[4, 1], [5, 2], [3, 0]]);
    }

    proptest! {
        #[test]
        fn each_index_is_in_one_batch(
            lengths in prop::collection::vec(0_usize..9, 0..300),
            batch_size in 1_usize..5,
        ) {
            let order: Vec<usize> = (0..lengths.len()).rev().collect();
            let batches = bucket(&order, batch_size, |i| lengths[i]);
            prop_assert!(batches.iter().all(|b| !b.is_empty() && b.len() <= batch_size));
            prop_assert_eq!(batches.len(), lengths.len().div_ceil(batch_size));
            let mut all = batches.concat();
            all.sort();
            prop_assert_eq!(all, (0..lengths.len()).collect::<Vec<_>>());
        }
    }
}
