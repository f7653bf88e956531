//! A classifier of sequences.

use burn::config::Config;
use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Embedding, Linear, LinearConfig};
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::input::{SequenceInput, embed, embedding_row};
use crate::choice::impl_choice;
use crate::empty_batch::dense;
use crate::padding::{MASKED, check_nonempty, fill_padding};
use crate::parameters::linear;
use crate::{AnyRecurrent, AnyRecurrentConfig, CellKind, CellOptions, Summarize, Summary, SummaryRow};

/// How the outputs of all steps become one vector. Padding never counts.
///
/// It is written and parsed as `last`, `mean`, `max` or `attention`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The top layer's final hidden state, of both directions in a bidirectional network.
    #[default]
    Last,
    /// The mean over the steps.
    Mean,
    /// The maximum of each feature over the steps.
    Max,
    /// A weighted sum over the steps, with learned attention weights (Yang et al. 2016).
    Attention,
}

impl_choice!(Pooling, "pooling": Last = "last", Mean = "mean", Max = "max", Attention = "attention");

/// The configuration of a [`SequenceClassifier`].
#[derive(Config, Debug, PartialEq)]
#[must_use = "a configuration makes no network until `init` is called"]
#[non_exhaustive]
pub struct SequenceClassifierConfig {
    /// What the network reads: token ids or real values.
    pub input: SequenceInput,
    /// Hidden units of each layer and direction.
    pub hidden_size: usize,
    /// The number of classes.
    pub num_classes: usize,
    /// The kind of cell.
    #[config(default = "CellKind::Lstm")]
    pub cell: CellKind,
    /// Stacked recurrent layers.
    #[config(default = 1)]
    pub num_layers: usize,
    /// Whether they run in both directions.
    #[config(default = false)]
    pub bidirectional: bool,
    /// How the outputs of all steps become one vector.
    #[config(default = "Pooling::Last")]
    pub pooling: Pooling,
    /// Dropout probability on the embedding, between layers and before the output, in `[0, 1)`.
    #[config(default = 0.0)]
    pub dropout: f64,
    /// The options of the cell.
    #[config(default = "CellOptions::default()")]
    pub cell_options: CellOptions,
    /// Real values of each token that are read beside its embedding: [`SequenceClassifier::forward_with_features`].
    #[config(default = 0)]
    pub num_features: usize,
}

impl SequenceClassifierConfig {
    /// The number of parameters, without making the network; `usize::MAX` stands for any larger number.
    #[must_use]
    pub fn num_parameters(&self) -> usize {
        let features = self.hidden_size.saturating_mul(if self.bidirectional { 2 } else { 1 });
        let pooling = match self.pooling {
            Pooling::Attention => AttentionPooling::num_parameters(features),
            Pooling::Last | Pooling::Mean | Pooling::Max => 0,
        };
        let parts = [
            self.input.num_parameters(),
            self.recurrent().num_parameters(),
            pooling,
            linear(features, self.num_classes, true),
        ];
        parts.into_iter().fold(0, usize::saturating_add)
    }

    fn recurrent(&self) -> AnyRecurrentConfig {
        AnyRecurrentConfig::new(self.cell, self.input.size().saturating_add(self.num_features), self.hidden_size)
            .with_num_layers(self.num_layers)
            .with_bidirectional(self.bidirectional)
            .with_dropout(self.dropout)
            .with_cell_options(self.cell_options.clone())
    }

    /// Makes the network with fresh weights.
    ///
    /// # Panics
    /// If a size is 0, `dropout` is not in `[0, 1)`, an option of the cell is invalid, or features are asked for beside real
    /// values.
    pub fn init(&self, device: &Device) -> SequenceClassifier {
        assert!(self.num_classes > 0, "num_classes must be at least 1");
        let reads_tokens = matches!(self.input, SequenceInput::Tokens { .. });
        assert!(reads_tokens || self.num_features == 0, "num_features are beside an embedding: add them to the values");
        let recurrent = self.recurrent().init(device);
        let features = recurrent.output_size();
        SequenceClassifier {
            embedding: self.input.embedding(device),
            dropout: DropoutConfig::new(self.dropout).init(),
            recurrent,
            pooling: self.pooling,
            attention: (self.pooling == Pooling::Attention).then(|| AttentionPooling::new(features, device)),
            dense: LinearConfig::new(features, self.num_classes).init(device),
        }
    }
}

/// An embedding (of token ids; real values go in as they are), recurrent layers, a [`Pooling`] over the steps and a dense
/// layer over the classes.
///
/// [`forward`](Self::forward) is [`embed`](Self::embed) followed by [`forward_values`](Self::forward_values), so that the
/// contribution of each token can be attributed: the gradient of a logit with respect to the token's embedding, times the
/// embedding. Take it from a [frozen](Module::freeze) copy, which keeps autodiff but turns dropout off.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use recurrent_models::networks::{Pooling, SequenceClassifierConfig, SequenceInput};
///
/// let device = Device::default();
/// let text = SequenceClassifierConfig::new(SequenceInput::tokens(30, 8), 16, 2)
///     .with_bidirectional(true)
///     .with_pooling(Pooling::Attention)
///     .init(&device);
/// let ids = Tensor::from_data([[3, 1, 4], [1, 5, 0]], &device);
/// let logits = text.forward(ids.clone(), &[3, 2]);
/// assert_eq!(logits.dims(), [2, 2]);
///
/// let pooled = text.pool(text.embed(ids), &[3, 2]);
/// assert_eq!(pooled.weights.unwrap().dims(), [2, 3]);
///
/// // Real values, such as those of a sensor or of an audio frame.
/// let signal = SequenceClassifierConfig::new(SequenceInput::values(12), 16, 5).init(&device);
/// let logits = signal.forward_values(Tensor::ones([2, 40, 12], &device), &[40, 25]);
/// assert_eq!(logits.dims(), [2, 5]);
/// ```
#[derive(Module, Debug)]
pub struct SequenceClassifier {
    /// `[vocab, embedding_dim]`; `None` in a network that reads real values.
    pub embedding: Option<Embedding>,
    dropout: Dropout,
    /// The recurrent layers.
    pub recurrent: AnyRecurrent,
    #[module(skip)]
    pooling: Pooling,
    /// The weights of [`Pooling::Attention`].
    pub attention: Option<AttentionPooling>,
    /// `[directions * hidden, classes]`.
    pub dense: Linear,
}

/// A pooled sequence.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PooledOutput {
    /// `[batch, directions * hidden]`.
    pub features: Tensor<2>,
    /// The attention weight of each step, `[batch, time]`, with [`Pooling::Attention`]: zero past a row's end, and one
    /// in sum over a row.
    pub weights: Option<Tensor<2>>,
}

impl SequenceClassifier {
    /// `ids [batch, time]`, with the number of valid steps of each row → logits `[batch, classes]`.
    ///
    /// # Panics
    /// If the network reads real values or features, or unless there is one length per row, from 1 to `time`.
    #[must_use]
    pub fn forward(&self, ids: Tensor<2, Int>, lengths: &[usize]) -> Tensor<2> {
        self.forward_values(self.embed(ids), lengths)
    }

    /// `ids [batch, time]` and `features [batch, time, num_features]`, real values of each token, → logits
    /// `[batch, classes]`. Dropout falls on the embedding alone.
    ///
    /// # Panics
    /// As [`forward`](Self::forward), or if there is another number of features.
    #[must_use]
    pub fn forward_with_features(&self, ids: Tensor<2, Int>, features: Tensor<3>, lengths: &[usize]) -> Tensor<2> {
        self.forward_values(self.embed_with_features(ids, features), lengths)
    }

    /// `ids [batch, time]` → `[batch, time, embedding_dim]`.
    ///
    /// # Panics
    /// If the network reads real values.
    #[must_use]
    pub fn embed(&self, ids: Tensor<2, Int>) -> Tensor<3> {
        embed(self.embedding.as_ref(), ids)
    }

    /// `ids [batch, time]` and `features [batch, time, num_features]` → `[batch, time, embedding_dim + num_features]`.
    ///
    /// # Panics
    /// As [`embed`](Self::embed).
    #[must_use]
    pub fn embed_with_features(&self, ids: Tensor<2, Int>, features: Tensor<3>) -> Tensor<3> {
        Tensor::cat(vec![self.embed(ids), features], 2)
    }

    /// `values [batch, time, features]`, real values or what [`embed`](Self::embed) or
    /// [`embed_with_features`](Self::embed_with_features) returned, → logits `[batch, classes]`.
    ///
    /// # Panics
    /// If `values` has another number of features, or unless there is one length per row, from 1 to `time`.
    #[must_use]
    pub fn forward_values(&self, values: Tensor<3>, lengths: &[usize]) -> Tensor<2> {
        dense(&self.dense, self.dropout.forward(self.pool(values, lengths).features))
    }

    /// `values [batch, time, features]` → `[batch, directions * hidden]`, and the attention weights.
    ///
    /// # Panics
    /// As [`forward_values`](Self::forward_values) does.
    #[must_use]
    pub fn pool(&self, values: Tensor<3>, lengths: &[usize]) -> PooledOutput {
        let [batch, time, _] = values.dims();
        check_nonempty(lengths, batch, time);
        let x = match &self.embedding {
            Some(embedding) => self.drop_embedding(values, embedding.weight.dims()[1]),
            None => values,
        };
        let (outputs, state) = self.recurrent.forward_with_lengths(x, lengths, None);
        if let Some(attention) = &self.attention {
            return attention.pool(outputs, lengths);
        }
        let features = match self.pooling {
            Pooling::Mean => mean(outputs, lengths),
            Pooling::Max => max(outputs, lengths),
            Pooling::Last | Pooling::Attention => self.recurrent.last_hidden(&state),
        };
        PooledOutput { features, weights: None }
    }

    /// Dropout on the first `embedding_dim` columns of `values [batch, time, embedding_dim + num_features]`.
    fn drop_embedding(&self, values: Tensor<3>, embedding_dim: usize) -> Tensor<3> {
        let width = values.dims()[2];
        if width <= embedding_dim {
            return self.dropout.forward(values);
        }
        let embedded = self.dropout.forward(values.clone().narrow(2, 0, embedding_dim));
        Tensor::cat(vec![embedded, values.narrow(2, embedding_dim, width - embedding_dim)], 2)
    }
}

/// The mean over the valid steps; past a row's end `outputs [batch, time, features]` are zero.
fn mean(outputs: Tensor<3>, lengths: &[usize]) -> Tensor<2> {
    let steps: Vec<f32> = lengths.iter().map(|length| *length as f32).collect();
    let steps = TensorData::new(steps, [lengths.len(), 1]);
    let steps = Tensor::<2>::from_data(steps, (&outputs.device(), outputs.dtype()));
    outputs.sum_dim(1).squeeze_dim::<2>(1) / steps
}

/// The maximum over the valid steps of `outputs [batch, time, features]`.
fn max(outputs: Tensor<3>, lengths: &[usize]) -> Tensor<2> {
    let [batch, _, features] = outputs.dims();
    match batch {
        0 => outputs.reshape([0, features]),
        _ => fill_padding(outputs, lengths, MASKED).max_dim(1).squeeze_dim(1),
    }
}

impl Summarize for SequenceClassifier {
    /// `input` is `[time]`, or `[time, features]` for real values.
    fn summary(&self, input: &[usize]) -> Summary {
        let time = input[0];
        let mut rows: Vec<SummaryRow> =
            self.embedding.iter().map(|embedding| embedding_row("embedding", time, embedding)).collect();
        rows.extend(self.recurrent.rows(&self.recurrent.cell().to_string(), time));
        let features = self.recurrent.output_size();
        rows.push(SummaryRow::new(format!("pooling ({})", self.pooling), &[features], &self.attention));
        rows.push(SummaryRow::new("dense (Dense)", &[self.dense.weight.dims()[1]], &self.dense));
        Summary::new("Classifier", input, rows)
    }
}

/// A weighted sum over the steps, by how well each matches a learned vector (Yang et al. 2016).
///
/// ```text
/// w_t = exp(vᵀ tanh(W h_t + b)) / Σ_s exp(vᵀ tanh(W h_s + b))     over the valid steps
/// p   = Σ_t w_t h_t
/// ```
#[derive(Module, Debug)]
pub struct AttentionPooling {
    /// W and b, `[features, features]`.
    pub hidden: Linear,
    /// v, `[features, 1]`.
    pub energy: Linear,
}

impl AttentionPooling {
    fn num_parameters(features: usize) -> usize {
        linear(features, features, true).saturating_add(features)
    }

    fn new(features: usize, device: &Device) -> Self {
        Self {
            hidden: LinearConfig::new(features, features).init(device),
            energy: LinearConfig::new(features, 1).with_bias(false).init(device),
        }
    }

    /// `outputs [batch, time, features]` → `[batch, features]`.
    fn pool(&self, outputs: Tensor<3>, lengths: &[usize]) -> PooledOutput {
        let energy = dense(&self.energy, dense(&self.hidden, outputs.clone()).tanh());
        let weights = softmax(fill_padding(energy, lengths, MASKED), 1);
        let features = (outputs * weights.clone()).sum_dim(1).squeeze_dim(1);
        PooledOutput { features, weights: Some(weights.squeeze_dim(2)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summary_has_a_row_for_every_trained_part() {
        let config = SequenceClassifierConfig::new(SequenceInput::tokens(7, 3), 4, 2).with_bidirectional(true);
        for pooling in Pooling::ALL {
            let network = config.clone().with_pooling(pooling).init(&Device::flex());
            let summary = network.summary(&[5]);
            assert_eq!(summary.rows[2].layer, format!("pooling ({pooling})"));
            assert_eq!(summary.parameters(), network.num_params());
        }
    }

    #[test]
    fn dropout_leaves_the_features_of_tokens() {
        let device = Device::flex().autodiff();
        let config = SequenceClassifierConfig::new(SequenceInput::tokens(3, 4), 2, 2).with_num_features(2);
        let network = config.with_dropout(0.9).init(&device);
        let dropped = network.drop_embedding(Tensor::ones([5, 7, 6], &device), 4);
        let untouched = |from, count| dropped.clone().narrow(2, from, count).equal_elem(1.0);
        assert!(untouched(4, 2).all().into_scalar::<bool>());
        // What dropout leaves of the embedding is scaled by ten.
        assert!(!untouched(0, 4).any().into_scalar::<bool>());
        let logits =
            network.forward_with_features(Tensor::zeros([5, 7], &device), Tensor::ones([5, 7, 2], &device), &[7; 5]);
        assert_eq!(logits.dims(), [5, 2]);
    }

    #[test]
    #[should_panic(expected = "the length of row 0 is 0")]
    fn row_without_a_step_is_refused() {
        let device = Device::flex();
        let network = SequenceClassifierConfig::new(SequenceInput::tokens(3, 2), 2, 2).init(&device);
        let _ = network.forward(Tensor::zeros([1, 2], &device), &[0]);
    }

    #[test]
    #[should_panic(expected = "this network reads real values")]
    fn ids_are_refused_by_a_network_of_values() {
        let device = Device::flex();
        let network = SequenceClassifierConfig::new(SequenceInput::values(2), 2, 2).init(&device);
        let _ = network.forward(Tensor::zeros([1, 2], &device), &[2]);
    }
}
