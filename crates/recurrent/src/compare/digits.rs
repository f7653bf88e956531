//! Handwritten digits, read as sequences.

use std::sync::LazyLock;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use recurrent_data::{DatasetManifest, RegisteredDataset};

use super::task::{Answers, Examples, Memory, Source};

/// The shade of ink.
const INK: f32 = 16.0;
/// Where the order of permuted points comes from.
const ORDER: u64 = 8 * 8;

/// A part of UCI's 8×8 digits, which come with the program.
#[derive(Debug, Clone, PartialEq)]
pub struct Digits {
    /// `[rows, 64]`, from 0 to 1.
    points: Vec<f32>,
    labels: Vec<i64>,
}

impl Digits {
    /// Points of a digit.
    pub const POINTS: usize = 64;

    /// The digits to learn from, or those that are scored.
    pub fn part(source: Source) -> &'static Self {
        static TRAIN: LazyLock<Digits> = LazyLock::new(|| Digits::read("train"));
        static TEST: LazyLock<Digits> = LazyLock::new(|| Digits::read("test"));
        match source {
            Source::Train => &TRAIN,
            Source::Test => &TEST,
        }
    }

    fn read(part: &str) -> Self {
        let table =
            DatasetManifest::find("digits").and_then(RegisteredDataset::table).expect("a table that is compiled in");
        let rows = table.rows().iter().filter(|row| row.cell(2) == part);
        let number = |text: &str| text.parse::<u8>().expect("digits compiled in were tested with their crate");
        let mut digits = Self { points: Vec::new(), labels: Vec::new() };
        for row in rows {
            digits.points.extend(row.cell(0).split(' ').map(|shade| f32::from(number(shade)) / INK));
            digits.labels.push(number(row.cell(1)).into());
        }
        digits
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// So many of them, drawn one by one.
    pub fn draw(&self, task: Memory, rows: usize, random: &mut StdRng) -> Examples {
        let drawn: Vec<usize> = (0..rows).map(|_| random.random_range(0..self.len())).collect();
        self.rows(task, &drawn)
    }

    /// All of them, in order.
    pub fn all(&self, task: Memory) -> Examples {
        self.rows(task, &(0..self.len()).collect::<Vec<_>>())
    }

    fn rows(&self, task: Memory, rows: &[usize]) -> Examples {
        let order = order(task);
        let points = |row: &usize| &self.points[row * Self::POINTS..(row + 1) * Self::POINTS];
        Examples {
            shape: [rows.len(), task.steps(0), task.width()],
            inputs: rows.iter().flat_map(|row| order.iter().map(move |point| points(row)[*point])).collect(),
            answers: Answers::Classes(rows.iter().map(|row| self.labels[*row]).collect()),
        }
    }
}

/// Which point is shown when.
fn order(task: Memory) -> Vec<usize> {
    let mut order: Vec<usize> = (0..Digits::POINTS).collect();
    if task == Memory::DigitsPermuted {
        order.shuffle(&mut StdRng::seed_from_u64(ORDER));
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_digits_are_read_in_three_ways() {
        let digits = Digits::part(Source::Test);
        let rows = digits.all(Memory::DigitsRows);
        let points = digits.all(Memory::DigitsPixels);
        let permuted = digits.all(Memory::DigitsPermuted);
        assert_eq!((rows.shape, points.shape), ([digits.len(), 8, 8], [digits.len(), 64, 1]));
        assert_eq!((&rows.inputs, &rows.answers), (&points.inputs, &points.answers));
        assert_ne!(points.inputs, permuted.inputs);
        let sorted = |points: &[f32]| {
            let mut points = points.to_vec();
            points.sort_by(f32::total_cmp);
            points
        };
        assert_eq!(sorted(&points.inputs[..64]), sorted(&permuted.inputs[..64]));
    }

    #[test]
    fn no_digit_is_learned_from_and_scored() {
        let [train, test] = [Source::Train, Source::Test].map(Digits::part);
        assert_eq!((train.len(), test.len()), (1259, 269));
        let rows = |digits: &Digits| -> Vec<Vec<u32>> {
            digits.points.chunks(64).map(|row| row.iter().map(|x| x.to_bits()).collect()).collect()
        };
        let train = rows(train);
        assert!(rows(test).iter().all(|row| !train.contains(row)));
    }
}
