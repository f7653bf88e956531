//! From token ids or values to vectors.

use burn::module::{Initializer, Module};
use burn::nn::{Dropout, DropoutConfig, Embedding, EmbeddingConfig};
use burn::tensor::{Device, Int, Tensor};
use serde::{Deserialize, Serialize};

use crate::SummaryRow;
use crate::parameters::linear;

/// What a [`SequenceClassifier`](super::SequenceClassifier) or a [`SequenceTagger`](super::SequenceTagger) reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SequenceInput {
    /// Token ids `[batch, time]`, which go through a learned embedding.
    Tokens {
        /// The number of tokens.
        vocab_size: usize,
        /// Dimensions of a token's embedding.
        embedding_dim: usize,
    },
    /// Real values `[batch, time, num_features]`, which go into the recurrent layers as they are.
    Values {
        /// Features per step.
        num_features: usize,
    },
}

impl SequenceInput {
    /// Token ids of a vocabulary, with an embedding.
    pub fn tokens(vocab_size: usize, embedding_dim: usize) -> Self {
        Self::Tokens { vocab_size, embedding_dim }
    }

    /// Real values.
    pub fn values(num_features: usize) -> Self {
        Self::Values { num_features }
    }

    /// The number of features per step that the recurrent layers read.
    pub fn size(self) -> usize {
        match self {
            Self::Tokens { embedding_dim, .. } => embedding_dim,
            Self::Values { num_features } => num_features,
        }
    }

    /// The parameters of the embedding.
    pub(super) fn num_parameters(self) -> usize {
        match self {
            Self::Tokens { vocab_size, embedding_dim } => linear(vocab_size, embedding_dim, false),
            Self::Values { .. } => 0,
        }
    }

    pub(super) fn embedding(self, device: &Device) -> Option<Embedding> {
        match self {
            Self::Tokens { vocab_size, embedding_dim } => Some(embedding(vocab_size, embedding_dim, device)),
            Self::Values { .. } => None,
        }
    }
}

/// A fresh embedding, drawn from N(0, 0.1): small enough that the recurrent layer's activations do not saturate and that
/// tied logits start close together.
pub(super) fn embedding(vocab_size: usize, embedding_dim: usize, device: &Device) -> Embedding {
    assert!(vocab_size > 0, "vocab_size must be at least 1");
    assert!(embedding_dim > 0, "embedding_dim must be at least 1");
    let initializer = Initializer::Normal { mean: 0.0, std: 0.1 };
    EmbeddingConfig::new(vocab_size, embedding_dim).with_initializer(initializer).init(device)
}

/// Looks `ids [batch, time]` up in a network's embedding: `[batch, time, embedding_dim]`.
pub(super) fn embed(embedding: Option<&Embedding>, ids: Tensor<2, Int>) -> Tensor<3> {
    match embedding {
        Some(embedding) => embedding.forward(ids),
        None => panic!("token ids need an embedding, and this network reads real values: use forward_values"),
    }
}

/// Turns token ids into vectors: a learned embedding with dropout, or one-hot vectors without (dropout would remove whole
/// tokens).
#[derive(Module, Debug)]
pub struct TokenInput {
    /// The embedding; one-hot vectors if `None`.
    pub embedding: Option<Embedding>,
    dropout: Dropout,
    vocab_size: usize,
}

impl TokenInput {
    pub(super) fn new(embedding_dim: Option<usize>, vocab_size: usize, dropout: f64, device: &Device) -> Self {
        assert!(vocab_size > 0, "vocab_size must be at least 1");
        let embedding = embedding_dim.map(|dim| embedding(vocab_size, dim, device));
        Self { embedding, dropout: DropoutConfig::new(dropout).init(), vocab_size }
    }

    /// `ids [batch, time]` → `[batch, time, embedding_dim]`, or `[batch, time, vocab]` without an embedding.
    #[must_use]
    pub fn forward(&self, ids: Tensor<2, Int>) -> Tensor<3> {
        match &self.embedding {
            Some(embedding) => self.dropout.forward(embedding.forward(ids)),
            None => one_hot(ids, self.vocab_size),
        }
    }

    /// A summary's row, if there is an embedding.
    pub(super) fn rows(&self, name: &str, time: usize) -> Vec<SummaryRow> {
        self.embedding.iter().map(|embedding| embedding_row(name, time, embedding)).collect()
    }
}

/// A summary's row for an embedding.
pub(super) fn embedding_row(name: &str, time: usize, embedding: &Embedding) -> SummaryRow {
    SummaryRow::new(format!("{name} (Embedding)"), &[time, embedding.weight.dims()[1]], embedding)
}

/// `ids [batch, time]` → `[batch, time, vocab]`. Burn's own `one_hot` reads the ids back from the device first.
fn one_hot(ids: Tensor<2, Int>, vocab_size: usize) -> Tensor<3> {
    let [batch, time] = ids.dims();
    let shape = [batch, time, vocab_size];
    if batch == 0 {
        return Tensor::zeros(shape, &ids.device());
    }
    let tokens = Tensor::<1, Int>::arange(0..vocab_size as i64, &ids.device()).reshape([1, 1, vocab_size]);
    ids.unsqueeze_dim::<3>(2).expand(shape).equal(tokens.expand(shape)).float()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_hot_vectors_have_their_one_at_the_token() {
        let device = Device::flex();
        let input = TokenInput::new(None, 3, 0.5, &device);
        let vectors = input.forward(Tensor::from_data([[2, 0]], &device)).into_data();
        assert_eq!(vectors.iter::<f32>().collect::<Vec<_>>(), [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
        assert!(input.rows("input", 2).is_empty());
    }
}
