//! The settings of training.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::CheckpointEvery;
use crate::seed;
use crate::settings::{Bound, MAX_BATCH, MAX_EPOCHS, MAX_STEPS, Settings};

/// The largest limit on gradients: above it there is no clipping in effect.
const MAX_NORM: f64 = 1e9;

crate::settings! {
    /// How a network is trained, with Adam (Kingma & Ba 2015), by choice with weight decay.
    pub struct FitConfig {
        /// Passes over the training split.
        epochs: usize = 40, bound = Bound::Range(1, MAX_EPOCHS);
        /// Batch size: windows, pairs, sentences, or parallel streams of a text per gradient step.
        batch_size: usize = 32, bound = Bound::Range(1, MAX_BATCH);
        /// Gradient accumulation: batches of one gradient step, whose gradient is that of a batch of all their items.
        ///
        /// It has the effect of a larger batch, with the memory of a small one.
        #[serde(default = "one")]
        accumulate: usize = 1, bound = Bound::Range(1, MAX_BATCH);
        /// Initial learning rate of Adam.
        lr: f64 = 1e-3, bound = Bound::Rate;
        /// Learning rate schedule: constant, exponential, cosine.
        schedule: Schedule = Schedule::Constant;
        /// Factor on the learning rate of the biases of recurrent layers.
        ///
        /// PyTorch has two biases for each gate, and Adam moves their sum twice as far: 2 follows its RNN and LSTM.
        #[serde(default = "one")]
        bias_factor: f64 = 1.0, value_name = "FACTOR", bound = Bound::Range(1, 100);
        /// Warm-up: gradient steps over which the learning rate rises linearly to its initial value; 0 for none.
        ///
        /// The schedule begins after them; a cosine takes the steps that remain.
        warmup: usize = 0, bound = Bound::Range(0, MAX_STEPS);
        /// Maximum global gradient norm; 0 for no clipping.
        clip_norm: f64 = 1.0, bound = Bound::UpTo(MAX_NORM), value_name = "NORM";
        /// Decoupled weight decay (AdamW, Loshchilov & Hutter 2019): the fraction of the weights, times the learning rate, by
        /// which they shrink in each gradient step; 0 for none.
        #[serde(default)]
        weight_decay: f64 = 0.0, value_name = "X", bound = Bound::UpTo(10.0);
        /// Decay of an exponential moving average of the weights, which is validated and saved in their place; 0 for none.
        ///
        /// It is `min(average, (1 + t) / (10 + t))` after t steps. The average costs one more copy of the parameters in
        /// memory and in each checkpoint, and a pass over them in each step.
        average: f64 = 0.0, value_name = "FRACTION", bound = Bound::Fraction;
        /// Early stopping: epochs without a lower validation loss after which training stops; 0 for never.
        patience: usize = 10, bound = Bound::Range(0, MAX_EPOCHS);
        /// Checkpoints inside an epoch: one after so many gradient steps (500) or so much time (90s, 10m, 2h), besides that
        /// at its end.
        #[serde(default)]
        checkpoint_every: Option<CheckpointEvery> = None;
        /// Checkpoints that stay on disk: the last ones.
        #[serde(default = "two")]
        keep: usize = 2, bound = Bound::Range(1, MAX_EPOCHS);
        /// Random seed of initial weights, order of the batches, and dropout.
        #[serde(with = "crate::seed")]
        seed: u64 = 0, parse = seed::parse, validate = seed::validate;
        /// Start from the network of a run or pretrained model, with its tokenizer or scaler (fine-tuning).
        from: Option<String> = None, value_name = "RUN|zoo:NAME";
        /// Parts of the network that keep their first weights, such as embedding or recurrent.
        #[serde(default)]
        freeze: Vec<String> = Vec::new(), value_name = "PART,..";
    }
}

#[cfg(feature = "fit")]
impl FitConfig {
    /// The number of epochs that are a fraction of all of them. It is for loaders, which are made when training begins:
    /// data may have been prepared for another number of epochs.
    pub(crate) fn epochs_of(&self, fraction: f64) -> usize {
        (fraction * self.epochs as f64).round() as usize
    }
}

/// The default of factors and counts that a file does not have.
pub(super) fn one<T: From<u8>>() -> T {
    1.into()
}

/// The default of the checkpoints that stay: the last one, and the one before it in case the last is damaged.
fn two() -> usize {
    2
}

impl Default for FitConfig {
    fn default() -> Self {
        Self::defaults()
    }
}

/// How the learning rate changes during training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// It stays constant.
    #[default]
    Constant,
    /// It decays by a factor of 0.95 per epoch, with every step.
    Exponential,
    /// It follows half a cosine down to a hundredth of its initial value at the last step (Loshchilov & Hutter 2017).
    Cosine,
}

impl Schedule {
    /// All schedules.
    pub const ALL: [Self; 3] = [Self::Constant, Self::Exponential, Self::Cosine];
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Constant => "constant",
            Self::Exponential => "exponential",
            Self::Cosine => "cosine",
        })
    }
}

impl FromStr for Schedule {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|schedule| schedule.to_string() == name);
        known.ok_or_else(|| format!("unknown schedule `{name}`: expected constant, exponential or cosine"))
    }
}

crate::setting_value!(Schedule: "SCHEDULE");
