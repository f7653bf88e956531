//! Attention: where to look in a sequence.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::activation::softmax;
use burn::tensor::{Bool, Device, Int, Tensor};
use serde::{Deserialize, Serialize};

use crate::choice::impl_choice;
use crate::padding::{NEVER, check_filled, clear_padding, past_the_end, repeated_rows};

/// How a query q is scored against a key k.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AttentionKind {
    /// `qᵀ k`, for queries and keys of one size (Luong et al. 2015).
    Dot,
    /// `qᵀ W k` (Luong et al. 2015).
    #[default]
    General,
    /// `vᵀ tanh(W q + U k)` (Bahdanau et al. 2015). It holds the sum for every pair of a query and a key,
    /// `[batch, steps, source, hidden]`.
    Additive,
}

impl_choice!(AttentionKind, "attention": Dot = "dot", General = "general", Additive = "additive");

/// The configuration of an [`Attention`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttentionConfig {
    /// How a query is scored against a key.
    pub kind: AttentionKind,
    /// Features of a query.
    pub query_size: usize,
    /// Features of a key.
    pub key_size: usize,
    /// Size of the sum in an additive score; the others have none.
    pub hidden: usize,
}

impl AttentionConfig {
    /// Attention whose additive sum is as wide as a query.
    pub fn new(kind: AttentionKind, query_size: usize, key_size: usize) -> Self {
        Self { kind, query_size, key_size, hidden: query_size }
    }

    /// Sets the size of the sum in an additive score.
    pub fn with_hidden(mut self, hidden: usize) -> Self {
        self.hidden = hidden;
        self
    }

    /// Makes the attention with fresh weights.
    ///
    /// # Panics
    /// If a size is zero, or a dot product is asked for between queries and keys of two sizes.
    pub fn init(&self, device: &Device) -> Attention {
        let Self { kind, query_size, key_size, hidden } = *self;
        assert!(query_size > 0 && key_size > 0 && hidden > 0, "attention's sizes must be at least 1, got {self:?}");
        let linear = |from: usize, to: usize| Some(LinearConfig::new(from, to).with_bias(false).init(device));
        let (query, key, energy) = match kind {
            AttentionKind::Dot => {
                assert_eq!(
                    query_size, key_size,
                    "a dot product takes queries and keys of one size, got {query_size} and {key_size}"
                );
                (None, None, None)
            }
            AttentionKind::General => (None, linear(key_size, query_size), None),
            AttentionKind::Additive => (linear(query_size, hidden), linear(key_size, hidden), linear(hidden, 1)),
        };
        Attention { kind, query_size, key_size, query, key, energy }
    }
}

/// Weighs the keys of a sequence by how well each goes with a query.
///
/// ```text
/// w_s = exp(score(q, k_s)) / Σ_r exp(score(q, k_r))     over the real steps of the source
/// c   = Σ_s w_s k_s
/// ```
///
/// [`AttentionKind`] has the scores; none has a bias. The keys are also the values.
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
    query: Option<Linear>,
    /// U of the additive score, `[key, hidden]`, or W of the general one, `[key, query]`.
    key: Option<Linear>,
    /// v, `[hidden, 1]`.
    energy: Option<Linear>,
}

/// What attention gives back.
#[derive(Debug, Clone)]
pub struct Attended {
    /// The weighted sum of the keys for each query, `[batch, steps, key]`.
    pub context: Tensor<3>,
    /// How much each key counts, `[batch, steps, source]`: at least zero, zero past a row's end, and one in sum.
    pub weights: Tensor<3>,
}

/// The keys of a batch of sequences, with all that does not depend on the query: made once, looked at many times.
#[derive(Debug, Clone)]
pub struct AttentionMemory {
    /// `[batch, source, key]`.
    keys: Tensor<3>,
    /// The keys as the score takes them, `[batch, source, query or hidden]`.
    projected: Tensor<3>,
    /// True past each row's end, `[batch, source]`; `None` if every row is full.
    past: Option<Tensor<2, Bool>>,
}

impl AttentionMemory {
    /// Rows of the batch.
    pub fn batch(&self) -> usize {
        self.keys.dims()[0]
    }

    /// The memory of the rows at `indices [rows]`, in their order; a row may come more than once.
    pub fn select_rows(&self, indices: Tensor<1, Int>) -> Self {
        Self {
            keys: self.keys.clone().select(0, indices.clone()),
            projected: self.projected.clone().select(0, indices.clone()),
            past: self.past.clone().map(|past| past.select(0, indices)),
        }
    }

    /// Each row `times` times, the copies side by side.
    pub fn repeat_rows(&self, times: usize) -> Self {
        self.select_rows(repeated_rows(self.batch(), times, &self.keys.device()))
    }
}

impl Attention {
    /// Which score it has.
    pub fn kind(&self) -> AttentionKind {
        self.kind
    }

    /// Looks at `keys [batch, source, key]` with each `query [batch, steps, query]`.
    ///
    /// `lengths` says how many keys of each row are real, all of them if `None`; what lies past a row's end is never
    /// looked at.
    ///
    /// # Panics
    /// If a shape is wrong, or a row has no key.
    pub fn forward(&self, query: Tensor<3>, keys: Tensor<3>, lengths: Option<&[usize]>) -> Attended {
        self.attend(&self.prepare(keys, lengths), query)
    }

    /// Makes a memory of `keys [batch, source, key]`, for [`attend`](Self::attend).
    ///
    /// # Panics
    /// If the keys have a wrong width, or a row has none.
    pub fn prepare(&self, keys: Tensor<3>, lengths: Option<&[usize]>) -> AttentionMemory {
        let [batch, source, size] = keys.dims();
        assert_eq!(size, self.key_size, "attention takes keys of {} features, got {size}", self.key_size);
        assert!(source > 0, "attention needs a key to look at, got keys {:?}", keys.dims());
        let past = lengths.and_then(|lengths| {
            check_filled(lengths, batch, source);
            past_the_end(lengths, source, &keys.device())
        });
        let keys = match lengths {
            Some(lengths) => clear_padding(keys, lengths),
            None => keys,
        };
        let projected = match &self.key {
            Some(key) => key.forward(keys.clone()),
            None => keys.clone(),
        };
        AttentionMemory { keys, projected, past }
    }

    /// Looks at a memory with each `query [batch, steps, query]`.
    ///
    /// # Panics
    /// If the query has a wrong width, or not one row a row of the memory.
    pub fn attend(&self, memory: &AttentionMemory, query: Tensor<3>) -> Attended {
        let [batch, steps, size] = query.dims();
        assert_eq!(size, self.query_size, "attention takes queries of {} features, got {size}", self.query_size);
        assert_eq!(batch, memory.batch(), "the memory has {} rows, the query {batch}", memory.batch());
        let scores = self.scores(memory, query);
        let scores = match &memory.past {
            Some(past) => {
                let source = scores.dims()[2];
                scores.mask_fill(past.clone().unsqueeze_dim::<3>(1).expand([batch, steps, source]), NEVER)
            }
            None => scores,
        };
        let weights = softmax(scores, 2);
        Attended { context: weights.clone().matmul(memory.keys.clone()), weights }
    }

    /// `[batch, steps, source]`.
    fn scores(&self, memory: &AttentionMemory, query: Tensor<3>) -> Tensor<3> {
        match (&self.query, &self.energy) {
            (Some(project), Some(energy)) => {
                let query = project.forward(query).unsqueeze_dim::<4>(2);
                let key = memory.projected.clone().unsqueeze_dim::<4>(1);
                energy.forward((query + key).tanh()).squeeze_dim(3)
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
    #[should_panic(expected = "a dot product takes queries and keys of one size, got 2 and 3")]
    fn a_dot_product_of_two_sizes_is_refused() {
        AttentionConfig::new(AttentionKind::Dot, 2, 3).init(&Device::flex());
    }

    #[test]
    #[should_panic(expected = "the length of row 1 is 0")]
    fn a_row_without_a_key_is_refused() {
        let device = Device::flex();
        let attention = AttentionConfig::new(AttentionKind::General, 2, 3).init(&device);
        attention.prepare(Tensor::zeros([2, 4, 3], &device), Some(&[4, 0]));
    }

    #[test]
    fn chosen_rows_of_a_memory_are_attended_as_the_rows_are() {
        let device = Device::flex();
        for kind in AttentionKind::ALL {
            let attention = AttentionConfig::new(kind, 3, 3).init(&device);
            let random = |shape: [usize; 3]| Tensor::<3>::random(shape, Distribution::Default, &device);
            let (query, keys) = (random([2, 4, 3]), random([2, 5, 3]));
            let memory = attention.prepare(keys, Some(&[2, 5]));
            let rows = Tensor::<1, Int>::from_data([1, 0, 1], &device);
            let whole = attention.attend(&memory, query.clone()).context.select(0, rows.clone());
            let chosen = attention.attend(&memory.select_rows(rows.clone()), query.select(0, rows)).context;
            chosen.into_data().assert_approx_eq::<f32>(&whole.into_data(), Default::default());
            assert_eq!(memory.repeat_rows(3).batch(), 6);
        }
    }
}
