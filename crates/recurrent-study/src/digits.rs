//! Handwritten digits as sequences.

use std::sync::LazyLock;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use recurrent::data::RegisteredDataset;

use crate::examples::{Examples, Split, Targets};

/// The largest pixel value.
const WHITE: f32 = 16.0;
/// The seed of the permuted pixel order.
const PERMUTATION_SEED: u64 = 8 * 8;

/// A split of the UCI 8×8 handwritten digits, which are embedded.
#[derive(Debug, Clone, PartialEq)]
pub struct Digits {
    /// `[rows, 64]`, from 0 to 1.
    pixels: Vec<f32>,
    labels: Vec<i64>,
}

/// The order in which the pixels of a digit are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigitOrder {
    /// 8 steps of 8 pixels.
    Rows,
    /// 64 steps of one pixel.
    Pixels,
    /// 64 steps of one pixel, in one fixed random order.
    Permuted,
}

impl DigitOrder {
    /// The number of steps and the features per step.
    fn shape(self) -> [usize; 2] {
        match self {
            Self::Rows => [8, 8],
            Self::Pixels | Self::Permuted => [Digits::PIXELS, 1],
        }
    }

    /// The indices of the pixels in the order of reading.
    fn indices(self) -> Vec<usize> {
        let mut indices: Vec<usize> = (0..Digits::PIXELS).collect();
        if self == Self::Permuted {
            indices.shuffle(&mut StdRng::seed_from_u64(PERMUTATION_SEED));
        }
        indices
    }
}

impl Digits {
    /// The number of pixels of a digit.
    pub const PIXELS: usize = 64;

    /// The digits of a split.
    pub fn split(split: Split) -> &'static Self {
        static TRAIN: LazyLock<Digits> = LazyLock::new(|| Digits::read("train"));
        static TEST: LazyLock<Digits> = LazyLock::new(|| Digits::read("test"));
        match split {
            Split::Train => &TRAIN,
            Split::Test => &TEST,
        }
    }

    fn read(split: &str) -> Self {
        let table = RegisteredDataset::find("digits").and_then(RegisteredDataset::table).expect("an embedded table");
        let rows = table.rows().expect("a table in memory").map(|row| row.expect("a row in memory"));
        let integer = |text: &str| text.parse::<u8>().expect("an integer of the embedded table");
        let mut digits = Self { pixels: Vec::new(), labels: Vec::new() };
        for row in rows.filter(|row| row.cell(2) == split) {
            digits.pixels.extend(row.cell(0).split(' ').map(|pixel| f32::from(integer(pixel)) / WHITE));
            digits.labels.push(integer(row.cell(1)).into());
        }
        digits
    }

    /// The number of digits.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether the split is empty.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Samples `rows` digits with replacement.
    pub fn sample(&self, order: DigitOrder, rows: usize, random: &mut StdRng) -> Examples {
        let sampled: Vec<usize> = (0..rows).map(|_| random.random_range(0..self.len())).collect();
        self.examples(order, &sampled)
    }

    /// All digits, in order.
    pub fn all(&self, order: DigitOrder) -> Examples {
        self.examples(order, &(0..self.len()).collect::<Vec<_>>())
    }

    fn examples(&self, order: DigitOrder, rows: &[usize]) -> Examples {
        let ([time, features], indices) = (order.shape(), order.indices());
        let pixels = |row: &usize| &self.pixels[row * Self::PIXELS..(row + 1) * Self::PIXELS];
        Examples {
            shape: [rows.len(), time, features],
            inputs: rows.iter().flat_map(|row| indices.iter().map(move |index| pixels(row)[*index])).collect(),
            targets: Targets::Classes(rows.iter().map(|row| self.labels[*row]).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_read_the_same_pixels() {
        let digits = Digits::split(Split::Test);
        let rows = digits.all(DigitOrder::Rows);
        let pixels = digits.all(DigitOrder::Pixels);
        let permuted = digits.all(DigitOrder::Permuted);
        assert_eq!((rows.shape, pixels.shape), ([digits.len(), 8, 8], [digits.len(), 64, 1]));
        assert_eq!((&rows.inputs, &rows.targets), (&pixels.inputs, &pixels.targets));
        assert_ne!(pixels.inputs, permuted.inputs);
        let sorted = |pixels: &[f32]| {
            let mut pixels = pixels.to_vec();
            pixels.sort_by(f32::total_cmp);
            pixels
        };
        assert_eq!(sorted(&pixels.inputs[..64]), sorted(&permuted.inputs[..64]));
    }

    #[test]
    fn no_training_digit_is_in_the_test_split() {
        let [train, test] = [Split::Train, Split::Test].map(Digits::split);
        assert_eq!((train.len(), test.len()), (1259, 269));
        let rows = |digits: &Digits| -> Vec<Vec<u32>> {
            digits.pixels.chunks(64).map(|row| row.iter().map(|x| x.to_bits()).collect()).collect()
        };
        let train = rows(train);
        assert!(rows(test).iter().all(|row| !train.contains(row)));
    }
}
