//! From hidden units to a logit a symbol.

use burn::module::{Initializer, Module, Param};
use burn::nn::{Embedding, Linear, LinearConfig};
use burn::tensor::module::linear;
use burn::tensor::{Device, Tensor};

use crate::SummaryRow;

/// A dense layer over a vocabulary, with weights of its own (Xavier) or with those of an embedding, transposed (Press
/// & Wolf 2017). A tied output of hidden units that are not as many as an embedding's features first goes through a
/// projection. Biases start at zero.
#[derive(Module, Debug)]
pub(super) struct SymbolOutput {
    /// `[hidden, embedding]`, if tied to an embedding of another size.
    projection: Option<Linear>,
    /// `[hidden, vocabulary]`, if not tied.
    weight: Option<Param<Tensor<2>>>,
    /// `[vocabulary]`.
    bias: Param<Tensor<1>>,
}

impl SymbolOutput {
    /// An output with weights of its own.
    pub fn new(hidden: usize, vocabulary: usize, device: &Device) -> Self {
        let xavier = Initializer::XavierUniform { gain: 1.0 };
        let weight = xavier.init_with([hidden, vocabulary], Some(hidden), Some(vocabulary), device);
        Self { projection: None, weight: Some(weight), bias: zeros(vocabulary, device) }
    }

    /// An output that is given the embedding whose weights it uses.
    pub fn tied(hidden: usize, embedding: &Embedding, device: &Device) -> Self {
        let [vocabulary, size] = embedding.weight.dims();
        let projection = (size != hidden).then(|| LinearConfig::new(hidden, size).init(device));
        Self { projection, weight: None, bias: zeros(vocabulary, device) }
    }

    /// `hidden [.., hidden]` → `[.., vocabulary]`; a tied output takes its weights from `embedding`.
    pub fn forward<const D: usize>(&self, hidden: Tensor<D>, embedding: Option<&Embedding>) -> Tensor<D> {
        let hidden = match &self.projection {
            Some(projection) => projection.forward(hidden),
            None => hidden,
        };
        let weight = match (&self.weight, embedding) {
            (Some(weight), _) => weight.val(),
            (None, Some(embedding)) => embedding.weight.val().transpose(),
            (None, None) => panic!("a tied output needs the embedding that it is tied to"),
        };
        linear(hidden, weight, Some(self.bias.val()))
    }

    /// A summary's rows. The embedding's weights are counted where the embedding is.
    pub fn rows(&self, time: usize) -> Vec<SummaryRow> {
        let mut rows = Vec::new();
        if let Some(projection) = &self.projection {
            rows.push(SummaryRow::new("projection (Dense)", &[time, projection.weight.dims()[1]], projection));
        }
        let kind = if self.weight.is_some() { "output (Dense)" } else { "output (tied Dense)" };
        // The projection has a row of its own.
        let own = Self { projection: None, ..self.clone() };
        rows.push(SummaryRow::new(kind, &[time, self.bias.dims()[0]], &own));
        rows
    }
}

fn zeros(size: usize, device: &Device) -> Param<Tensor<1>> {
    Param::from_tensor(Tensor::zeros([size], device))
}
