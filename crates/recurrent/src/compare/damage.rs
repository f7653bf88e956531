//! Data as they should not be.

use std::fmt;

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use super::task::{Answers, Examples};

/// What is done to the rows that a network learns from. Those that it is scored by stay whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Damage {
    /// Nothing.
    #[default]
    None,
    /// The steps of each sequence come in an order of its own.
    Shuffled,
    /// Each number has noise of a standard deviation of [`NOISE`](Self::NOISE) added.
    Noise,
    /// Each number is zero with a probability of [`MISSING`](Self::MISSING).
    Missing,
    /// Each class is another one, and each number that of another row, with a probability of [`WRONG`](Self::WRONG).
    Labels,
}

impl Damage {
    /// All of them, from nothing to wrong labels.
    pub const ALL: [Self; 5] = [Self::None, Self::Shuffled, Self::Noise, Self::Missing, Self::Labels];
    /// The standard deviation of the noise; ink has a shade of 1, and a series is standardised.
    pub const NOISE: f64 = 0.5;
    /// The share of numbers that are missing.
    pub const MISSING: f64 = 0.3;
    /// The share of wrong answers.
    pub const WRONG: f64 = 0.1;

    /// Does it to some rows, of which there are `classes` classes.
    pub fn spoil(self, examples: &mut Examples, classes: usize, random: &mut StdRng) {
        let [_, time, width] = examples.shape;
        match self {
            Self::None => {}
            Self::Shuffled => {
                for row in examples.inputs.chunks_exact_mut(time * width) {
                    let mut steps: Vec<Vec<f32>> = row.chunks_exact(width).map(<[f32]>::to_vec).collect();
                    steps.shuffle(random);
                    row.copy_from_slice(&steps.concat());
                }
            }
            Self::Noise => {
                for number in &mut examples.inputs {
                    *number += (normal(random) * Self::NOISE) as f32;
                }
            }
            Self::Missing => {
                for number in &mut examples.inputs {
                    if random.random_bool(Self::MISSING) {
                        *number = 0.0;
                    }
                }
            }
            Self::Labels => match &mut examples.answers {
                Answers::Classes(answers) | Answers::Sequences(answers) => mistake(answers, classes, random),
                Answers::Numbers(answers) => mix_up(answers, random),
            },
        }
    }
}

/// Some classes become other ones.
fn mistake(answers: &mut [i64], classes: usize, random: &mut StdRng) {
    for answer in answers {
        if random.random_bool(Damage::WRONG) {
            let further = random.random_range(1..classes as i64);
            *answer = (*answer + further) % classes as i64;
        }
    }
}

/// Some numbers become those of other rows; a single row has no other.
fn mix_up(answers: &mut [f32], random: &mut StdRng) {
    let whole = answers.to_vec();
    for (row, answer) in answers.iter_mut().enumerate().filter(|_| whole.len() > 1) {
        if random.random_bool(Damage::WRONG) {
            let further = random.random_range(1..whole.len());
            *answer = whole[(row + further) % whole.len()];
        }
    }
}

/// A number of the standard normal distribution (Box & Muller 1958).
fn normal(random: &mut StdRng) -> f64 {
    let [radius, angle]: [f64; 2] = [1.0 - random.random::<f64>(), random.random()];
    (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Shuffled => "shuffled",
            Self::Noise => "noise",
            Self::Missing => "missing",
            Self::Labels => "labels",
        })
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;
    use crate::compare::{Digits, Memory, Source};

    fn spoiled(damage: Damage) -> (Examples, Examples) {
        let whole = Digits::part(Source::Train).all(Memory::DigitsRows);
        let mut spoiled = whole.clone();
        damage.spoil(&mut spoiled, 10, &mut StdRng::seed_from_u64(3));
        (whole, spoiled)
    }

    #[test]
    fn the_share_that_is_damaged_is_the_one_that_is_named() {
        let (whole, wrong) = spoiled(Damage::Labels);
        let (Answers::Classes(right), Answers::Classes(labels)) = (&whole.answers, &wrong.answers) else {
            panic!("classes")
        };
        let share = right.iter().zip(labels).filter(|(a, b)| a != b).count() as f64 / right.len() as f64;
        assert!((share - Damage::WRONG).abs() < 0.03 && wrong.inputs == whole.inputs, "{share}");
        assert!(labels.iter().all(|label| (0..10).contains(label)));

        let (whole, missing) = spoiled(Damage::Missing);
        let inked = whole.inputs.iter().zip(&missing.inputs).filter(|(a, _)| **a > 0.0);
        let (gone, inked) =
            inked.fold((0usize, 0usize), |(gone, inked), (_, b)| (gone + usize::from(*b == 0.0), inked + 1usize));
        assert!((gone as f64 / inked as f64 - Damage::MISSING).abs() < 0.02);

        let (whole, noisy) = spoiled(Damage::Noise);
        let square = |(a, b): (&f32, &f32)| f64::from(a - b).powi(2);
        let noise = whole.inputs.iter().zip(&noisy.inputs).map(square).sum::<f64>() / whole.inputs.len() as f64;
        assert!((noise.sqrt() - Damage::NOISE).abs() < 0.02);
    }

    #[test]
    fn a_wrong_number_is_that_of_another_row() {
        let numbers: Vec<f32> = (0..2000).map(|row| row as f32).collect();
        let mut wrong = numbers.clone();
        mix_up(&mut wrong, &mut StdRng::seed_from_u64(3));
        let share = numbers.iter().zip(&wrong).filter(|(a, b)| a != b).count() as f64 / numbers.len() as f64;
        assert!((share - Damage::WRONG).abs() < 0.03 && wrong.iter().all(|number| numbers.contains(number)), "{share}");
        let mut single = [7.0];
        (0..50).for_each(|seed| mix_up(&mut single, &mut StdRng::seed_from_u64(seed)));
        assert_eq!(single, [7.0]);
    }

    #[test]
    fn shuffling_keeps_the_steps_and_loses_their_order() {
        let (whole, shuffled) = spoiled(Damage::Shuffled);
        assert_ne!(whole.inputs, shuffled.inputs);
        let steps = |examples: &Examples| {
            let mut steps: Vec<Vec<u32>> =
                examples.inputs[..64].chunks(8).map(|step| step.iter().map(|x| x.to_bits()).collect()).collect();
            steps.sort();
            steps
        };
        assert_eq!(steps(&whole), steps(&shuffled));
        assert_eq!(spoiled(Damage::None).0, spoiled(Damage::None).1);
    }
}
