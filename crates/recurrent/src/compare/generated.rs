//! Rows that are drawn: recall, adding, copying.

use rand::RngExt;
use rand::rngs::StdRng;

use super::task::{Answers, Examples, Memory};

/// Which symbol came first, `[rows, length, 8]`: all symbols are drawn alike.
pub(super) fn recall(length: usize, rows: usize, random: &mut StdRng) -> Examples {
    let width = Memory::Recall.width();
    let mut inputs = vec![0.0; rows * length * width];
    let mut first = Vec::with_capacity(rows);
    for row in inputs.chunks_exact_mut(length * width) {
        for (step, shown) in row.chunks_exact_mut(width).enumerate() {
            let symbol = random.random_range(0..Memory::SYMBOLS);
            shown[symbol] = 1.0;
            if step == 0 {
                first.push(symbol as i64);
            }
        }
    }
    Examples { shape: [rows, length, width], inputs, answers: Answers::Classes(first) }
}

/// The sum of two marked numbers, `[rows, length, 2]`: the number, then its mark.
pub(super) fn adding(length: usize, rows: usize, random: &mut StdRng) -> Examples {
    let half = length / 2;
    let mut inputs = Vec::with_capacity(rows * length * 2);
    let mut sums = Vec::with_capacity(rows);
    for _ in 0..rows {
        let marked = [random.random_range(0..half), random.random_range(half..length)];
        let mut sum = 0.0;
        for step in 0..length {
            let number: f32 = random.random();
            let mark = marked.contains(&step);
            inputs.extend([number, f32::from(u8::from(mark))]);
            sum += if mark { number } else { 0.0 };
        }
        sums.push(sum);
    }
    Examples { shape: [rows, length, 2], inputs, answers: Answers::Numbers(sums) }
}

/// Ten symbols to be said again, `[rows, length + 20, 10]`: the symbols, `length - 1` blanks, the sign to begin, ten
/// blanks; the answer is blank until the last ten steps. Of the ten features the last two are the blank and the sign.
pub(super) fn copy(length: usize, rows: usize, random: &mut StdRng) -> Examples {
    let [time, width] = [Memory::Copy.steps(length), Memory::Copy.width()];
    let [blank, sign] = [Memory::SYMBOLS, Memory::SYMBOLS + 1];
    let mut inputs = vec![0.0; rows * time * width];
    let mut answers = vec![blank as i64; rows * time];
    for (row, answer) in inputs.chunks_exact_mut(time * width).zip(answers.chunks_exact_mut(time)) {
        for (step, shown) in row.chunks_exact_mut(width).enumerate() {
            let symbol = match step {
                _ if step < Memory::COPIED => random.random_range(0..Memory::SYMBOLS),
                _ if step == time - Memory::COPIED - 1 => sign,
                _ => blank,
            };
            shown[symbol] = 1.0;
            if step < Memory::COPIED {
                answer[time - Memory::COPIED + step] = symbol as i64;
            }
        }
    }
    Examples { shape: [rows, time, width], inputs, answers: Answers::Sequences(answers) }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn random() -> StdRng {
        StdRng::seed_from_u64(7)
    }

    #[test]
    fn always_saying_one_costs_a_sixth_on_the_adding_problem() {
        let Answers::Numbers(sums) = adding(20, 20_000, &mut random()).answers else { panic!("numbers") };
        let error = sums.iter().map(|sum| f64::from(sum - 1.0).powi(2)).sum::<f64>() / sums.len() as f64;
        assert!((error - Memory::Adding.chance(20)).abs() < 0.005, "{error}");
    }

    #[test]
    fn an_adding_row_has_a_mark_in_each_half_and_their_sum() {
        let drawn = adding(9, 50, &mut random());
        let Answers::Numbers(sums) = drawn.answers else { panic!("numbers") };
        for (row, sum) in drawn.inputs.chunks_exact(18).zip(sums) {
            let marked: Vec<usize> = (0..9).filter(|step| row[2 * step + 1] > 0.0).collect();
            assert!(marked.len() == 2 && marked[0] < 4 && marked[1] >= 4, "{marked:?}");
            assert!((row[2 * marked[0]] + row[2 * marked[1]] - sum).abs() < 1e-6);
        }
    }

    #[test]
    fn a_copied_row_asks_for_its_own_beginning() {
        let length = 12;
        let drawn = copy(length, 30, &mut random());
        assert_eq!(drawn.shape, [30, length + 20, 10]);
        let Answers::Sequences(answers) = drawn.answers else { panic!("sequences") };
        for (row, answer) in drawn.inputs.chunks_exact(10 * (length + 20)).zip(answers.chunks_exact(length + 20)) {
            let shown: Vec<i64> =
                row.chunks_exact(10).map(|step| step.iter().position(|x| *x > 0.0).unwrap() as i64).collect();
            assert_eq!(answer[length + 10..], shown[..10]);
            assert!(answer[..length + 10].iter().all(|symbol| *symbol == 8));
            assert_eq!(shown.iter().filter(|symbol| **symbol == 9).count(), 1);
            assert_eq!(shown[length + 9], 9, "the sign comes {length} steps after the first of the symbols' end");
        }
    }

    #[test]
    fn who_knows_the_blanks_and_guesses_the_rest_has_the_loss_of_chance() {
        let length = 30;
        let guessed = 10.0 * 8.0_f64.ln() / 50.0;
        assert!((Memory::Copy.chance(length) - guessed).abs() < 1e-12);
        // Each symbol is as likely as any other, so that nobody who guesses does better.
        let Answers::Classes(first) = recall(length, 8000, &mut random()).answers else { panic!("classes") };
        for symbol in 0..8 {
            let share = first.iter().filter(|first| **first == symbol).count() as f64 / 8000.0;
            assert!((share - 0.125).abs() < 0.015, "{symbol}: {share}");
        }
        assert!((Memory::Recall.chance(length) - 8.0_f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn the_same_seed_draws_the_same_rows() {
        for task in [recall, adding, copy] {
            assert_eq!(task(10, 5, &mut random()), task(10, 5, &mut random()));
        }
    }
}
