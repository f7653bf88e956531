//! The normalization of features by what they were in training.

use serde::{Deserialize, Serialize};

use super::features::Features;
use crate::error::{AudioError, Result};

/// Mean and standard deviation of each mel over the training features. They are fixed then: a stream cannot know its own
/// before it ends.
///
/// ```
/// use recurrent_audio::{Audio, LogMel, LogMelConfig, Normalization};
///
/// let audio = Audio::new(16_000, (0..16_000).map(|n| (1e-4 * (n * n) as f32).sin()).collect());
/// let mut features = LogMel::new(LogMelConfig::default())?.extract(&audio)?;
/// let normalization = Normalization::fit(40, [&features])?;
/// normalization.apply(&mut features)?;
/// assert!(features.values.iter().sum::<f32>().abs() < 0.1);
/// # Ok::<(), recurrent_audio::AudioError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
#[non_exhaustive]
pub struct Normalization {
    /// The mean of each mel.
    pub mean: Vec<f32>,
    /// The standard deviation of each mel, or 1 where all values were equal.
    pub deviation: Vec<f32>,
}

impl Normalization {
    /// Fits mean and deviation of `num_mels` mels on frames of training features, each of which has one or several windows.
    ///
    /// # Errors
    /// If there is no frame, or the width of the features is no multiple of the number of mels.
    pub fn fit<'a>(num_mels: usize, training: impl IntoIterator<Item = &'a Features>) -> Result<Self> {
        let mut moments = vec![Moments::default(); num_mels];
        for features in training {
            check_width(num_mels, features)?;
            for window in features.values.chunks_exact(num_mels) {
                window.iter().zip(&mut moments).for_each(|(value, moments)| moments.add((*value).into()));
            }
        }
        match moments.first() {
            Some(Moments { count, .. }) if *count > 0.0 => Ok(Self {
                mean: moments.iter().map(|moments| moments.mean as f32).collect(),
                deviation: moments.iter().map(Moments::deviation).collect(),
            }),
            _ => Err(AudioError::NoFrames),
        }
    }

    /// Subtracts the mean of each mel and divides by its deviation.
    ///
    /// # Errors
    /// If the width of the features is no multiple of the number of mels.
    pub fn apply(&self, features: &mut Features) -> Result<()> {
        check_width(self.mean.len(), features)?;
        self.apply_to(&mut features.values);
        Ok(())
    }

    /// As [`Normalization::apply`], to the values of whole frames.
    pub fn apply_to(&self, values: &mut [f32]) {
        for window in values.chunks_exact_mut(self.mean.len().max(1)) {
            let moments = self.mean.iter().zip(&self.deviation);
            window.iter_mut().zip(moments).for_each(|(value, (mean, deviation))| *value = (*value - mean) / deviation);
        }
    }
}

fn check_width(num_mels: usize, features: &Features) -> Result<()> {
    match num_mels > 0 && features.width > 0 && features.width.is_multiple_of(num_mels) {
        true => Ok(()),
        false => Err(AudioError::WrongWidth { expected: num_mels, found: features.width }),
    }
}

/// Mean and sum of squared deviations, updated value by value (Welford 1962).
#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        let from_old = value - self.mean;
        self.mean += from_old / self.count;
        self.squares += from_old * (value - self.mean);
    }

    fn deviation(&self) -> f32 {
        let deviation = (self.squares / self.count).sqrt() as f32;
        if deviation > 1e-6 { deviation } else { 1.0 }
    }
}

/// The saved form, which somebody else may have written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    mean: Vec<f32>,
    deviation: Vec<f32>,
}

impl TryFrom<Unchecked> for Normalization {
    type Error = String;

    fn try_from(Unchecked { mean, deviation }: Unchecked) -> Result<Self, String> {
        if mean.is_empty() || mean.len() != deviation.len() {
            return Err(format!("expected as many means as deviations, found {} and {}", mean.len(), deviation.len()));
        }
        match (mean.iter().find(|x| !x.is_finite()), deviation.iter().find(|x| !(x.is_finite() && **x > 0.0))) {
            (None, None) => Ok(Self { mean, deviation }),
            (Some(found), _) => Err(format!("mean: expected finite numbers, found {found}")),
            (_, Some(found)) => Err(format!("deviation: expected positive numbers, found {found}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(width: usize, values: &[f32]) -> Features {
        Features { width, values: values.to_vec() }
    }

    #[test]
    fn training_features_get_mean_0_and_deviation_1() {
        // Two frames of two windows of two mels; the second mel is constant.
        let mut training = features(4, &[1.0, 7.0, 3.0, 7.0, 5.0, 7.0, 7.0, 7.0]);
        let normalization = Normalization::fit(2, [&training]).unwrap();
        assert_eq!(normalization.mean, [4.0, 7.0]);
        assert_eq!(normalization.deviation, [5.0_f32.sqrt(), 1.0]);
        normalization.apply(&mut training).unwrap();
        let expected = [-3.0, 0.0, -1.0, 0.0, 1.0, 0.0, 3.0, 0.0].map(|x: f32| x / 5.0_f32.sqrt());
        training.values.iter().zip(expected).for_each(|(a, b)| assert!((a - b).abs() < 1e-6));
    }

    #[test]
    fn wrong_features_are_refused() {
        assert_eq!(
            Normalization::fit(2, []).unwrap_err().to_string(),
            "expected at least 1 frame of features to fit the normalization on, found 0"
        );
        assert_eq!(
            Normalization::fit(2, [&features(3, &[1.0, 2.0, 3.0])]).unwrap_err().to_string(),
            "expected features whose width is a multiple of 2 mels, found 3"
        );
    }

    #[test]
    fn saved_normalizations_are_checked() {
        let normalization = Normalization { mean: vec![0.5, 1.0], deviation: vec![2.0, 1.0] };
        let json = serde_json::to_string(&normalization).unwrap();
        assert_eq!(serde_json::from_str::<Normalization>(&json).unwrap(), normalization);
        for (json, message) in [
            (r#"{"mean":[1.0],"deviation":[]}"#, "expected as many means as deviations, found 1 and 0"),
            (r#"{"mean":[1.0],"deviation":[0.0]}"#, "deviation: expected positive numbers, found 0"),
            (r#"{"mean":[1e39],"deviation":[1.0]}"#, "mean: expected finite numbers, found inf"),
        ] {
            let error = serde_json::from_str::<Normalization>(json).unwrap_err();
            assert!(error.to_string().contains(message), "{error}");
        }
    }
}
