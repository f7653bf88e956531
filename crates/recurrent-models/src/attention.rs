//! Attention over the steps of a sequence.

use burn::config::Config;
use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::activation::softmax;
use burn::tensor::{Bool, Device, Int, Tensor};
use serde::{Deserialize, Serialize};

use crate::choice::impl_choice;
use crate::empty_batch::{dense, empty};
use crate::padding::{MASKED, check_nonempty, clear_padding, padding_mask, repeated_rows};

/// How a query q is scored against a key k.
///
/// It is written and parsed as `dot`, `general` or `additive`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AttentionKind {
    /// `qᵀ k / √d`, for queries and keys of one size `d` (Luong et al. 2015).
    Dot,
    /// `qᵀ W k / √d`, for queries of size `d` (Luong et al. 2015).
    #[default]
    General,
    /// `vᵀ tanh(W q + U k)` (Bahdanau et al. 2015). It needs memory for every pair of a query and a key,
    /// `[batch, steps, source, hidden]`.
    Additive,
}

impl_choice!(AttentionKind, "attention": Dot = "dot", General = "general", Additive = "additive");

/// The configuration of an [`Attention`].
#[derive(Config, Debug, PartialEq)]
#[must_use = "a configuration makes no attention until `init` is called"]
#[non_exhaustive]
pub struct AttentionConfig {
    /// How a query is scored against a key.
    pub kind: AttentionKind,
    /// Features of a query.
    pub query_size: usize,
    /// Features of a key.
    pub key_size: usize,
    /// Hidden units of an additive score, `query_size` of them if `None`; the other scores have none.
    pub hidden_size: Option<usize>,
}

impl AttentionConfig {
    /// Makes the attention with fresh weights.
    ///
    /// # Panics
    /// If a size is 0, or the score is a dot product and `query_size` is not `key_size`.
    pub fn init(&self, device: &Device) -> Attention {
        let Self { kind, query_size, key_size, hidden_size } = *self;
        let hidden = hidden_size.unwrap_or(query_size);
        assert!(query_size > 0, "query_size must be at least 1");
        assert!(key_size > 0, "key_size must be at least 1");
        assert!(hidden > 0, "hidden_size must be at least 1");
        let linear = |from: usize, to: usize| Some(LinearConfig::new(from, to).with_bias(false).init(device));
        let (query, key, energy) = match kind {
            AttentionKind::Dot => {
                assert_eq!(
                    query_size, key_size,
                    "a dot product needs queries and keys of one size, got {query_size} and {key_size}"
                );
                (None, None, None)
            }
            AttentionKind::General => (None, linear(key_size, query_size), None),
            AttentionKind::Additive => (linear(query_size, hidden), linear(key_size, hidden), linear(hidden, 1)),
        };
        Attention { kind, query_size, key_size, query, key, energy }
    }
}

/// Attention over the steps of a sequence, by how well each key matches a query.
///
/// ```text
/// w_s = exp(score(q, k_s)) / Σ_r exp(score(q, k_r))     over the valid steps of the source
/// c   = Σ_s w_s k_s
/// ```
///
/// [`AttentionKind`] has the scores; none has a bias. The keys are also the values. Products are divided by the root of
/// their length, so that the softmax is not saturated from the start in large networks (Vaswani et al. 2017).
///
/// ```
/// use burn::tensor::{Device, Distribution, Tensor};
/// use recurrent_models::{AttentionConfig, AttentionKind};
///
/// let device = Device::default();
/// let attention = AttentionConfig::new(AttentionKind::Additive, 4, 6).init(&device);
/// let random = |shape: [usize; 3]| Tensor::<3>::random(shape, Distribution::Default, &device);
/// let (query, keys) = (random([2, 3, 4]), random([2, 5, 6]));
///
/// let attended = attention.forward(query, keys, Some(&[5, 2]));
/// assert_eq!(attended.context.dims(), [2, 3, 6]);
/// assert_eq!(attended.weights.dims(), [2, 3, 5]);
/// ```
#[derive(Module, Debug)]
pub struct Attention {
    #[module(skip)]
    kind: AttentionKind,
    query_size: usize,
    key_size: usize,
    /// W of the additive score, `[query, hidden]`.
    pub query: Option<Linear>,
    /// U of the additive score, `[key, hidden]`, or W of the general one, `[key, query]`.
    pub key: Option<Linear>,
    /// v, `[hidden, 1]`.
    pub energy: Option<Linear>,
}

/// The result of [`Attention::forward`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AttentionOutput {
    /// The context, the weighted sum of the keys for each query: `[batch, steps, key]`.
    pub context: Tensor<3>,
    /// The attention weights, `[batch, steps, source]`: zero past a row's end, and one in sum over a query's keys.
    pub weights: Tensor<3>,
}

/// The keys of a batch of sequences, with everything that does not depend on the query computed once.
#[derive(Debug, Clone)]
pub struct AttentionMemory {
    /// `[batch, source, key]`; zero past a row's end.
    keys: Tensor<3>,
    /// The projected keys, `[batch, source, query or hidden]`.
    projected: Tensor<3>,
    /// True past each row's end, `[batch, source]`; `None` if every row is full.
    mask: Option<Tensor<2, Bool>>,
}

impl AttentionMemory {
    /// The number of rows in the batch.
    pub fn batch(&self) -> usize {
        self.keys.dims()[0]
    }

    /// The memory of the rows at `indices [rows]`, in that order; rows may repeat.
    #[must_use]
    pub fn select_rows(&self, indices: Tensor<1, Int>) -> Self {
        Self {
            keys: self.keys.clone().select(0, indices.clone()),
            projected: self.projected.clone().select(0, indices.clone()),
            mask: self.mask.clone().map(|mask| mask.select(0, indices)),
        }
    }

    /// Repeats each row `times` times: rows `a, b` become `a, a, b, b`.
    #[must_use]
    pub fn repeat_rows(&self, times: usize) -> Self {
        self.select_rows(repeated_rows(self.batch(), times, &self.keys.device()))
    }
}

impl Attention {
    /// The kind of score.
    pub fn kind(&self) -> AttentionKind {
        self.kind
    }

    /// Attends to `keys [batch, source, key]` with each `query [batch, steps, query]`.
    ///
    /// `lengths` has the number of valid keys of each row, `[batch]`, all of them if `None`; padding is never read.
    ///
    /// # Panics
    /// As [`prepare`](Self::prepare) and [`attend`](Self::attend) do.
    #[must_use]
    pub fn forward(&self, query: Tensor<3>, keys: Tensor<3>, lengths: Option<&[usize]>) -> AttentionOutput {
        self.attend(&self.prepare(keys, lengths), query)
    }

    /// Prepares `keys [batch, source, key]` for [`attend`](Self::attend).
    ///
    /// # Panics
    /// If the keys have not `key_size` features, there are none, or unless there is one length per row, from 1 to the
    /// number of keys.
    #[must_use]
    pub fn prepare(&self, keys: Tensor<3>, lengths: Option<&[usize]>) -> AttentionMemory {
        let [batch, source, size] = keys.dims();
        assert_eq!(size, self.key_size, "attention takes keys of {} features, got {size}", self.key_size);
        assert!(source > 0, "attention needs at least one key, got keys {:?}", keys.dims());
        let mask = lengths.and_then(|lengths| {
            check_nonempty(lengths, batch, source);
            padding_mask(lengths, source, &keys.device())
        });
        let keys = match lengths {
            Some(lengths) => clear_padding(keys, lengths),
            None => keys,
        };
        let projected = match &self.key {
            Some(key) => dense(key, keys.clone()),
            None => keys.clone(),
        };
        let projected = match self.kind {
            AttentionKind::Dot | AttentionKind::General => projected / (self.query_size as f64).sqrt(),
            AttentionKind::Additive => projected,
        };
        AttentionMemory { keys, projected, mask }
    }

    /// Attends to prepared keys with each `query [batch, steps, query]`.
    ///
    /// # Panics
    /// If the query has not `query_size` features, or another batch size than the memory.
    #[must_use]
    pub fn attend(&self, memory: &AttentionMemory, query: Tensor<3>) -> AttentionOutput {
        let [batch, steps, size] = query.dims();
        assert_eq!(size, self.query_size, "attention takes queries of {} features, got {size}", self.query_size);
        assert_eq!(batch, memory.batch(), "the memory has {} rows, and the query has {batch}", memory.batch());
        if batch == 0 {
            let [_, source, key] = memory.keys.dims();
            let operands = query.sum() + memory.keys.clone().sum() + memory.projected.clone().sum();
            let weights = empty([0, steps, source], operands.clone());
            return AttentionOutput { context: empty([0, steps, key], operands), weights };
        }
        let scores = self.scores(memory, query);
        let scores = match &memory.mask {
            Some(mask) => {
                let source = scores.dims()[2];
                scores.mask_fill(mask.clone().unsqueeze_dim::<3>(1).expand([batch, steps, source]), MASKED)
            }
            None => scores,
        };
        let weights = softmax(scores, 2);
        AttentionOutput { context: weights.clone().matmul(memory.keys.clone()), weights }
    }

    /// `[batch, steps, source]`.
    fn scores(&self, memory: &AttentionMemory, query: Tensor<3>) -> Tensor<3> {
        match (&self.query, &self.energy) {
            (Some(project), Some(energy)) => {
                let query = dense(project, query).unsqueeze_dim::<4>(2);
                let key = memory.projected.clone().unsqueeze_dim::<4>(1);
                dense(energy, (query + key).tanh()).squeeze_dim(3)
            }
            _ => query.matmul(memory.projected.clone().swap_dims(1, 2)),
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Distribution;

    use super::*;

    #[test]
    #[should_panic(expected = "a dot product needs queries and keys of one size, got 2 and 3")]
    fn dot_product_of_two_sizes_is_refused() {
        let _ = AttentionConfig::new(AttentionKind::Dot, 2, 3).init(&Device::flex());
    }

    #[test]
    #[should_panic(expected = "the length of row 1 is 0")]
    fn row_without_a_key_is_refused() {
        let device = Device::flex();
        let attention = AttentionConfig::new(AttentionKind::General, 2, 3).init(&device);
        let _ = attention.prepare(Tensor::zeros([2, 4, 3], &device), Some(&[4, 0]));
    }

    #[test]
    fn selected_rows_of_a_memory_are_attended_as_the_rows_are() {
        let device = Device::flex();
        for kind in AttentionKind::ALL {
            let attention = AttentionConfig::new(kind, 3, 3).init(&device);
            let random = |shape: [usize; 3]| Tensor::<3>::random(shape, Distribution::Default, &device);
            let (query, keys) = (random([2, 4, 3]), random([2, 5, 3]));
            let memory = attention.prepare(keys, Some(&[2, 5]));
            let rows = Tensor::<1, Int>::from_data([1, 0, 1], &device);
            let whole = attention.attend(&memory, query.clone()).context.select(0, rows.clone());
            let selected = attention.attend(&memory.select_rows(rows.clone()), query.select(0, rows)).context;
            selected.into_data().assert_approx_eq::<f32>(&whole.into_data(), Default::default());
            assert_eq!(memory.repeat_rows(3).batch(), 6);
        }
    }
}
