//! Means over the steps of an epoch.

use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::Loss;

/// A weighted mean that stays on the device until its value is read.
#[derive(Debug, Default)]
pub(super) struct Mean {
    sum: Option<Tensor<1>>,
    items: usize,
}

/// A [`Mean`] in a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct SavedMean {
    /// The sum in single precision, exactly.
    sum: f32,
    items: usize,
}

impl Mean {
    pub fn add(&mut self, loss: &Loss) {
        let weighted = loss.mean.clone().without_autodiff() * loss.items as f32;
        self.items += loss.items;
        self.sum = Some(match self.sum.take() {
            Some(sum) => sum + weighted,
            None => weighted,
        });
    }

    pub fn value(&self) -> f64 {
        match &self.sum {
            Some(sum) => f64::from(sum.clone().into_scalar::<f32>()) / self.items as f64,
            None => 0.0,
        }
    }

    /// What a checkpoint saves; `None` of nothing.
    pub fn save(&self) -> Option<SavedMean> {
        let sum = self.sum.as_ref()?.clone().into_scalar::<f32>();
        Some(SavedMean { sum, items: self.items })
    }

    /// A mean that goes on from a checkpoint.
    pub fn resume(saved: Option<SavedMean>, device: &Device) -> Self {
        let Some(SavedMean { sum, items }) = saved else { return Self::default() };
        Self { sum: Some(Tensor::from_floats([sum], &device.clone().inner())), items }
    }
}

impl SavedMean {
    /// Whether it can be of the steps of an epoch.
    pub fn is_valid(self) -> bool {
        self.sum.is_finite() && self.items > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_goes_on_to_the_bit() {
        let device = Device::flex();
        let losses = [0.1_f32, 0.7, 1.0 / 3.0, 2.5e-7, 12345.678];
        let loss =
            |(index, mean): (usize, &f32)| Loss { mean: Tensor::from_floats([*mean], &device), items: index + 1 };
        let losses: Vec<Loss> = losses.iter().enumerate().map(loss).collect();
        let mut whole = Mean::default();
        losses.iter().for_each(|loss| whole.add(loss));
        for stop in 0..=losses.len() {
            let mut first = Mean::default();
            losses[..stop].iter().for_each(|loss| first.add(loss));
            let saved = first.save().map(|saved| toml::from_str(&toml::to_string(&saved).unwrap()).unwrap());
            let mut mean = Mean::resume(saved, &device);
            losses[stop..].iter().for_each(|loss| mean.add(loss));
            assert_eq!(mean.value(), whole.value());
        }
    }
}
