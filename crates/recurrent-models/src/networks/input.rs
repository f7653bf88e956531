//! From symbols to vectors.

use burn::module::{Initializer, Module};
use burn::nn::{Dropout, DropoutConfig, Embedding, EmbeddingConfig};
use burn::tensor::{Device, Int, Tensor};
use serde::{Deserialize, Serialize};

use crate::SummaryRow;

/// How a symbol becomes a vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Input {
    /// A one at the symbol's place among zeros: as wide as the vocabulary, with nothing to learn.
    OneHot,
    /// A learned vector of this size.
    Embedding(usize),
}

impl Input {
    /// Features of a symbol's vector.
    pub fn size(self, vocabulary: usize) -> usize {
        match self {
            Self::OneHot => vocabulary,
            Self::Embedding(size) => size,
        }
    }
}

/// A fresh embedding, `N(0, 0.1)`: small enough that a recurrent layer starts in the middle of its nonlinearities and
/// tied logits start close together.
pub(super) fn embedding(vocabulary: usize, size: usize, device: &Device) -> Embedding {
    assert!(vocabulary > 0, "a vocabulary has at least one symbol");
    assert!(size > 0, "an embedding has at least one feature");
    let initializer = Initializer::Normal { mean: 0.0, std: 0.1 };
    EmbeddingConfig::new(vocabulary, size).with_initializer(initializer).init(device)
}

/// Turns symbols into vectors. Embeddings go through dropout; one-hot vectors do not, since that would strike out whole
/// symbols.
#[derive(Module, Debug)]
pub(super) struct SymbolInput {
    embedding: Option<Embedding>,
    dropout: Dropout,
    vocabulary: usize,
}

impl SymbolInput {
    pub fn new(input: Input, vocabulary: usize, dropout: f64, device: &Device) -> Self {
        assert!(vocabulary > 0, "a vocabulary has at least one symbol");
        let embedding = match input {
            Input::OneHot => None,
            Input::Embedding(size) => Some(embedding(vocabulary, size, device)),
        };
        Self { embedding, dropout: DropoutConfig::new(dropout).init(), vocabulary }
    }

    /// `ids [batch, time]` → `[batch, time, features]`.
    pub fn forward(&self, ids: Tensor<2, Int>) -> Tensor<3> {
        match &self.embedding {
            Some(embedding) => self.dropout.forward(embedding.forward(ids)),
            None => one_hot(ids, self.vocabulary),
        }
    }

    /// The embedding, if it has one.
    pub fn embedding(&self) -> Option<&Embedding> {
        self.embedding.as_ref()
    }

    /// A summary's row, if there is something to learn.
    pub fn rows(&self, name: &str, time: usize) -> Vec<SummaryRow> {
        self.embedding.iter().map(|embedding| embedding_row(name, time, embedding)).collect()
    }
}

/// A summary's row for an embedding.
pub(super) fn embedding_row(name: &str, time: usize, embedding: &Embedding) -> SummaryRow {
    SummaryRow::new(format!("{name} (Embedding)"), &[time, embedding.weight.dims()[1]], embedding)
}

/// `ids [batch, time]` → `[batch, time, vocabulary]`. Burn's own `one_hot` reads the ids back from the device first.
fn one_hot(ids: Tensor<2, Int>, vocabulary: usize) -> Tensor<3> {
    let [batch, time] = ids.dims();
    let shape = [batch, time, vocabulary];
    let places = Tensor::<1, Int>::arange(0..vocabulary as i64, &ids.device()).reshape([1, 1, vocabulary]);
    ids.unsqueeze_dim::<3>(2).expand(shape).equal(places.expand(shape)).float()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_one_hot_vector_has_its_one_at_the_symbols_place() {
        let device = Device::flex();
        let input = SymbolInput::new(Input::OneHot, 3, 0.5, &device);
        let said = input.forward(Tensor::from_data([[2, 0]], &device)).into_data();
        assert_eq!(said.iter::<f32>().collect::<Vec<_>>(), [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
        assert!(input.rows("input", 2).is_empty());
    }
}
