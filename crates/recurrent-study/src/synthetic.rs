//! Synthetic memory tasks: recall, adding, copy.

use rand::RngExt;
use rand::rngs::StdRng;

use crate::examples::{Examples, Targets};

/// The number of symbols in recall and copy.
pub const SYMBOLS: usize = 8;
/// The number of symbols to copy.
pub const COPIED: usize = 10;

/// The class is the first symbol: `[rows, length, 8]`, uniform one-hot symbols.
pub fn recall(length: usize, rows: usize, random: &mut StdRng) -> Examples {
    let mut inputs = vec![0.0; rows * length * SYMBOLS];
    let mut first = Vec::with_capacity(rows);
    for row in inputs.chunks_exact_mut(length * SYMBOLS) {
        for (step, one_hot) in row.chunks_exact_mut(SYMBOLS).enumerate() {
            let symbol = random.random_range(0..SYMBOLS);
            one_hot[symbol] = 1.0;
            if step == 0 {
                first.push(symbol as i64);
            }
        }
    }
    Examples { shape: [rows, length, SYMBOLS], inputs, targets: Targets::Classes(first) }
}

/// The target is the sum of two marked values: `[rows, length, 2]`, a value in `[0, 1)` and its marker.
pub fn adding(length: usize, rows: usize, random: &mut StdRng) -> Examples {
    let half = length / 2;
    let mut inputs = Vec::with_capacity(rows * length * 2);
    let mut sums = Vec::with_capacity(rows);
    for _ in 0..rows {
        let marked = [random.random_range(0..half), random.random_range(half..length)];
        let mut sum = 0.0;
        for step in 0..length {
            let value: f32 = random.random();
            let marker = marked.contains(&step);
            inputs.extend([value, f32::from(u8::from(marker))]);
            sum += if marker { value } else { 0.0 };
        }
        sums.push(sum);
    }
    Examples { shape: [rows, length, 2], inputs, targets: Targets::Values(sums) }
}

/// Ten symbols to reproduce: `[rows, length + 20, 10]`, one-hot. The inputs are the symbols, `length - 1` blanks, the
/// start signal and ten blanks; the targets are blank until the last ten steps. Classes 8 and 9 are the blank and the
/// start signal.
pub fn copy(length: usize, rows: usize, random: &mut StdRng) -> Examples {
    let [time, width] = [length + 2 * COPIED, SYMBOLS + 2];
    let [blank, start] = [SYMBOLS, SYMBOLS + 1];
    let mut inputs = vec![0.0; rows * time * width];
    let mut targets = vec![blank as i64; rows * time];
    for (row, target) in inputs.chunks_exact_mut(time * width).zip(targets.chunks_exact_mut(time)) {
        for (step, one_hot) in row.chunks_exact_mut(width).enumerate() {
            let symbol = match step {
                _ if step < COPIED => random.random_range(0..SYMBOLS),
                _ if step == time - COPIED - 1 => start,
                _ => blank,
            };
            one_hot[symbol] = 1.0;
            if step < COPIED {
                target[time - COPIED + step] = symbol as i64;
            }
        }
    }
    Examples { shape: [rows, time, width], inputs, targets: Targets::ClassesPerStep(targets) }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn random() -> StdRng {
        StdRng::seed_from_u64(7)
    }

    #[test]
    fn adding_row_has_a_marker_in_each_half_and_the_sum_as_target() {
        let examples = adding(9, 50, &mut random());
        let Targets::Values(sums) = examples.targets else { panic!("values") };
        for (row, sum) in examples.inputs.chunks_exact(18).zip(sums) {
            let marked: Vec<usize> = (0..9).filter(|step| row[2 * step + 1] > 0.0).collect();
            assert!(marked.len() == 2 && marked[0] < 4 && marked[1] >= 4, "{marked:?}");
            assert!((row[2 * marked[0]] + row[2 * marked[1]] - sum).abs() < 1e-6);
        }
    }

    #[test]
    fn copy_row_ends_with_its_first_symbols_as_targets() {
        let length = 12;
        let examples = copy(length, 30, &mut random());
        assert_eq!(examples.shape, [30, length + 20, 10]);
        let Targets::ClassesPerStep(targets) = examples.targets else { panic!("classes per step") };
        for (row, target) in examples.inputs.chunks_exact(10 * (length + 20)).zip(targets.chunks_exact(length + 20)) {
            let symbols: Vec<i64> =
                row.chunks_exact(10).map(|step| step.iter().position(|x| *x > 0.0).unwrap() as i64).collect();
            assert_eq!(target[length + 10..], symbols[..10]);
            assert!(target[..length + 10].iter().all(|symbol| *symbol == 8));
            assert_eq!(symbols.iter().filter(|symbol| **symbol == 9).count(), 1);
            assert_eq!(symbols[length + 9], 9, "the start signal comes {length} steps after the last symbol");
        }
    }

    #[test]
    fn first_symbols_of_recall_are_uniform() {
        let Targets::Classes(first) = recall(30, 8000, &mut random()).targets else { panic!("classes") };
        for symbol in 0..8 {
            let fraction = first.iter().filter(|first| **first == symbol).count() as f64 / 8000.0;
            assert!((fraction - 0.125).abs() < 0.015, "{symbol}: {fraction}");
        }
    }

    #[test]
    fn equal_seeds_give_equal_rows() {
        for task in [recall, adding, copy] {
            assert_eq!(task(10, 5, &mut random()), task(10, 5, &mut random()));
        }
    }
}
