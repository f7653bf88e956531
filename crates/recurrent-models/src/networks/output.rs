//! From hidden units to logits over a vocabulary.

use burn::module::{Initializer, Module, Param};
use burn::nn::{Embedding, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};

use crate::SummaryRow;
use crate::empty_batch::{dense, linear};
use crate::parameters;

/// A dense layer over a vocabulary, with weights of its own (Xavier uniform) or tied to an embedding's, transposed (Press
/// & Wolf 2017). If there are not as many hidden units as embedding dimensions, a tied output projects them first. Biases
/// start at zero.
#[derive(Module, Debug)]
pub struct TokenOutput {
    /// `[hidden, embedding_dim]`, if tied to an embedding of another size.
    pub projection: Option<Linear>,
    /// `[hidden, vocab]`, unless tied.
    pub weight: Option<Param<Tensor<2>>>,
    /// `[vocab]`.
    pub bias: Param<Tensor<1>>,
}

/// The number of parameters of a [`TokenOutput`], tied to an embedding of so many dimensions if there are any.
pub(super) fn token_output(hidden_size: usize, vocab_size: usize, tied: Option<usize>) -> usize {
    let weights = match tied {
        None => parameters::linear(hidden_size, vocab_size, false),
        Some(dim) if dim == hidden_size => 0,
        Some(dim) => parameters::linear(hidden_size, dim, true),
    };
    weights.saturating_add(vocab_size)
}

impl TokenOutput {
    /// An output with weights of its own.
    pub(super) fn new(hidden_size: usize, vocab_size: usize, device: &Device) -> Self {
        let xavier = Initializer::XavierUniform { gain: 1.0 };
        let weight = xavier.init_with([hidden_size, vocab_size], Some(hidden_size), Some(vocab_size), device);
        Self { projection: None, weight: Some(weight), bias: zeros(vocab_size, device) }
    }

    /// An output that uses the weights of `embedding`.
    pub(super) fn tied(hidden_size: usize, embedding: &Embedding, device: &Device) -> Self {
        let [vocab_size, dim] = embedding.weight.dims();
        let projection = (dim != hidden_size).then(|| LinearConfig::new(hidden_size, dim).init(device));
        Self { projection, weight: None, bias: zeros(vocab_size, device) }
    }

    /// `hidden [.., hidden]` → `[.., vocab]`; a tied output takes its weights from `embedding`.
    ///
    /// # Panics
    /// If the output is tied and there is no embedding.
    #[must_use]
    pub fn forward<const D: usize>(&self, hidden: Tensor<D>, embedding: Option<&Embedding>) -> Tensor<D> {
        let hidden = match &self.projection {
            Some(projection) => dense(projection, hidden),
            None => hidden,
        };
        let weight = match (&self.weight, embedding) {
            (Some(weight), _) => weight.val(),
            (None, Some(embedding)) => embedding.weight.val().transpose(),
            (None, None) => panic!("a tied output needs the embedding it is tied to"),
        };
        linear(hidden, weight, self.bias.val())
    }

    /// The summary's rows. The embedding's weights are counted where the embedding is.
    pub(super) fn rows(&self, time: usize) -> Vec<SummaryRow> {
        let mut rows = Vec::new();
        if let Some(projection) = &self.projection {
            rows.push(SummaryRow::new("projection (Dense)", &[time, projection.weight.dims()[1]], projection));
        }
        let layer = if self.weight.is_some() { "output (Dense)" } else { "output (tied Dense)" };
        // The projection has a row of its own.
        let own = Self { projection: None, ..self.clone() };
        rows.push(SummaryRow::new(layer, &[time, self.bias.dims()[0]], &own));
        rows
    }
}

fn zeros(size: usize, device: &Device) -> Param<Tensor<1>> {
    Param::from_tensor(Tensor::zeros([size], device))
}
