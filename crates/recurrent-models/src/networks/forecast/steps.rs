//! Steps of a window, counted back from its end.

use burn::tensor::{Int, Tensor, TensorData};

use crate::empty_batch::concat;

/// The steps of `x [batch, time, features]` that are so many steps back from each row's end (1 is the last one):
/// `[batch, steps_back, features]`.
pub(super) fn steps_back(x: Tensor<3>, lengths: Option<&[usize]>, steps_back: &[usize]) -> Tensor<3> {
    let [batch, time, features] = x.dims();
    if batch == 0 {
        return x.reshape([0, steps_back.len(), features]);
    }
    let Some(lengths) = lengths else {
        // Consecutive steps are one slice.
        let runs = steps_back.chunk_by(|a, b| *a == *b + 1);
        let slices = runs.map(|run| x.clone().narrow(1, time - run[0], run.len()));
        return concat(slices.collect(), 1);
    };
    let step = |length: &usize, back: &usize| (length - back) as i64;
    let steps: Vec<i64> = lengths.iter().flat_map(|length| steps_back.iter().map(|back| step(length, back))).collect();
    let shape = [batch, steps_back.len(), 1];
    let steps = Tensor::<3, Int>::from_data(TensorData::new(steps, shape), &x.device());
    x.gather(1, steps.expand([batch, steps_back.len(), features]))
}

/// For each step of a horizon, how many steps back from the end of the past the value of a season before it is; of the last
/// season that is known.
pub(super) fn season_before(season: usize, horizon: usize) -> Vec<usize> {
    (0..horizon).map(|step| season - step % season).collect()
}

/// For each step of a horizon, how many steps back from the end of the past the value `lag` steps before it is.
pub(super) fn lag_before(lag: usize, horizon: usize) -> Vec<usize> {
    (0..horizon).map(|step| lag - step).collect()
}

/// Some features of `x [batch, time, features]`: `[batch, time, indices]`.
pub(super) fn select_features(x: &Tensor<3>, indices: &[usize]) -> Tensor<3> {
    concat(indices.iter().map(|index| x.clone().narrow(2, *index, 1)).collect(), 2)
}

/// Consecutive steps side by side: `[batch, time, features]` → `[batch, time / patch_len, patch_len * features]`.
pub(super) fn patches(x: Tensor<3>, patch_len: usize) -> Tensor<3> {
    let [batch, time, features] = x.dims();
    x.reshape([batch, time / patch_len, patch_len * features])
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn the_season_before_a_step_is_the_last_known() {
        assert_eq!(season_before(1, 3), [1, 1, 1]);
        assert_eq!(season_before(2, 3), [2, 1, 2]);
        assert_eq!(season_before(4, 2), [4, 3]);
        assert_eq!(lag_before(4, 3), [4, 3, 2]);
    }

    #[test]
    fn steps_are_counted_from_each_rows_end() {
        let x = Tensor::<3>::from_data([[[1.0], [2.0], [3.0]], [[4.0], [5.0], [6.0]]], &Device::flex());
        let values = |lengths: Option<&[usize]>| -> Vec<f32> {
            steps_back(x.clone(), lengths, &[2, 1, 2]).into_data().iter::<f32>().collect()
        };
        assert_eq!(values(None), [2.0, 3.0, 2.0, 5.0, 6.0, 5.0]);
        assert_eq!(values(Some(&[3, 2])), [2.0, 3.0, 2.0, 4.0, 5.0, 4.0]);
    }
}
