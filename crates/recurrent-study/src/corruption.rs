//! Corruptions of training data.

use std::fmt;

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use crate::examples::{Examples, Targets};

/// A corruption of the training examples. Test examples stay clean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Corruption {
    /// Clean data.
    #[default]
    None,
    /// The steps of each sequence are shuffled.
    Shuffled,
    /// Gaussian noise with standard deviation [`NOISE_STD`](Self::NOISE_STD) is added to the inputs.
    Noise,
    /// Each input is zero with probability [`MISSING_RATE`](Self::MISSING_RATE).
    Missing,
    /// Each class is replaced by another, and each target value by that of another row, with probability
    /// [`LABEL_NOISE`](Self::LABEL_NOISE).
    Labels,
}

impl Corruption {
    /// All corruptions, clean data first.
    pub const ALL: [Self; 5] = [Self::None, Self::Shuffled, Self::Noise, Self::Missing, Self::Labels];
    /// The standard deviation of the noise. Pixels lie between 0 and 1, and series are standardized.
    pub const NOISE_STD: f64 = 0.5;
    /// The probability of a missing input.
    pub const MISSING_RATE: f64 = 0.3;
    /// The probability of a wrong target.
    pub const LABEL_NOISE: f64 = 0.1;

    /// Corrupts examples in place; targets that are classes have `num_classes` of them.
    pub fn apply(self, examples: &mut Examples, num_classes: usize, random: &mut StdRng) {
        let [_, time, features] = examples.shape;
        match self {
            Self::None => {}
            Self::Shuffled => {
                for row in examples.inputs.chunks_exact_mut(time * features) {
                    let mut steps: Vec<Vec<f32>> = row.chunks_exact(features).map(<[f32]>::to_vec).collect();
                    steps.shuffle(random);
                    row.copy_from_slice(&steps.concat());
                }
            }
            Self::Noise => {
                for value in &mut examples.inputs {
                    *value += (standard_normal(random) * Self::NOISE_STD) as f32;
                }
            }
            Self::Missing => {
                for value in &mut examples.inputs {
                    if random.random_bool(Self::MISSING_RATE) {
                        *value = 0.0;
                    }
                }
            }
            Self::Labels => match &mut examples.targets {
                Targets::Classes(classes) | Targets::ClassesPerStep(classes) => {
                    replace_classes(classes, num_classes, random);
                }
                Targets::Values(values) => replace_values(values, random),
            },
        }
    }
}

/// Replaces some classes by other classes.
fn replace_classes(classes: &mut [i64], num_classes: usize, random: &mut StdRng) {
    for class in classes {
        if random.random_bool(Corruption::LABEL_NOISE) {
            let offset = random.random_range(1..num_classes as i64);
            *class = (*class + offset) % num_classes as i64;
        }
    }
}

/// Replaces some values by those of other rows; a single row stays as it is.
fn replace_values(values: &mut [f32], random: &mut StdRng) {
    let clean = values.to_vec();
    for (row, value) in values.iter_mut().enumerate().filter(|_| clean.len() > 1) {
        if random.random_bool(Corruption::LABEL_NOISE) {
            let offset = random.random_range(1..clean.len());
            *value = clean[(row + offset) % clean.len()];
        }
    }
}

/// A sample of the standard normal distribution (Box & Muller 1958).
fn standard_normal(random: &mut StdRng) -> f64 {
    let [radius, angle]: [f64; 2] = [1.0 - random.random::<f64>(), random.random()];
    (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
}

impl fmt::Display for Corruption {
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
    use crate::digits::{DigitOrder, Digits};
    use crate::examples::Split;

    fn clean_and_corrupted(corruption: Corruption) -> (Examples, Examples) {
        let clean = Digits::split(Split::Train).all(DigitOrder::Rows);
        let mut corrupted = clean.clone();
        corruption.apply(&mut corrupted, 10, &mut StdRng::seed_from_u64(3));
        (clean, corrupted)
    }

    #[test]
    fn corrupted_fraction_matches_its_rate() {
        let (clean, wrong) = clean_and_corrupted(Corruption::Labels);
        let (Targets::Classes(labels), Targets::Classes(noisy)) = (&clean.targets, &wrong.targets) else {
            panic!("classes")
        };
        let fraction = labels.iter().zip(noisy).filter(|(a, b)| a != b).count() as f64 / labels.len() as f64;
        assert!((fraction - Corruption::LABEL_NOISE).abs() < 0.03 && wrong.inputs == clean.inputs, "{fraction}");
        assert!(noisy.iter().all(|label| (0..10).contains(label)));

        let (clean, missing) = clean_and_corrupted(Corruption::Missing);
        let nonzero = clean.inputs.iter().zip(&missing.inputs).filter(|(a, _)| **a > 0.0);
        let (gone, nonzero) =
            nonzero.fold((0usize, 0usize), |(gone, nonzero), (_, b)| (gone + usize::from(*b == 0.0), nonzero + 1usize));
        assert!((gone as f64 / nonzero as f64 - Corruption::MISSING_RATE).abs() < 0.02);

        let (clean, noisy) = clean_and_corrupted(Corruption::Noise);
        let square = |(a, b): (&f32, &f32)| f64::from(a - b).powi(2);
        let noise = clean.inputs.iter().zip(&noisy.inputs).map(square).sum::<f64>() / clean.inputs.len() as f64;
        assert!((noise.sqrt() - Corruption::NOISE_STD).abs() < 0.02);
    }

    #[test]
    fn wrong_value_is_that_of_another_row() {
        let values: Vec<f32> = (0..2000).map(|row| row as f32).collect();
        let mut wrong = values.clone();
        replace_values(&mut wrong, &mut StdRng::seed_from_u64(3));
        let fraction = values.iter().zip(&wrong).filter(|(a, b)| a != b).count() as f64 / values.len() as f64;
        assert!((fraction - Corruption::LABEL_NOISE).abs() < 0.03, "{fraction}");
        assert!(wrong.iter().all(|value| values.contains(value)));
        let mut single = [7.0];
        (0..50).for_each(|seed| replace_values(&mut single, &mut StdRng::seed_from_u64(seed)));
        assert_eq!(single, [7.0]);
    }

    #[test]
    fn shuffling_permutes_the_steps_of_a_row() {
        let (clean, shuffled) = clean_and_corrupted(Corruption::Shuffled);
        assert_ne!(clean.inputs, shuffled.inputs);
        let steps = |examples: &Examples| {
            let mut steps: Vec<Vec<u32>> =
                examples.inputs[..64].chunks(8).map(|step| step.iter().map(|x| x.to_bits()).collect()).collect();
            steps.sort();
            steps
        };
        assert_eq!(steps(&clean), steps(&shuffled));
        assert_eq!(clean_and_corrupted(Corruption::None).0, clean_and_corrupted(Corruption::None).1);
    }
}
