//! A classifier of sequences.

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Embedding, Linear, LinearConfig};
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::input::{embedding, embedding_row};
use crate::choice::impl_choice;
use crate::padding::{NEVER, check_filled, fill_padding};
use crate::{AnyRecurrent, AnyRecurrentConfig, AnyState, CellKind, Summarize, Summary, SummaryRow};

/// How the outputs of all steps become one vector. Padding never counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The final hidden state of each direction, the forward one's at the last step and the reverse one's at the first.
    #[default]
    Last,
    /// The mean over the steps.
    Mean,
    /// The largest value of each feature over the steps.
    Max,
    /// A sum over the steps, weighted by what is learned to matter (Yang et al. 2016).
    Attention,
}

impl_choice!(Pooling, "pooling": Last = "last", Mean = "mean", Max = "max", Attention = "attention");

/// The configuration of a [`SequenceClassifier`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SequenceClassifierConfig {
    /// Symbols.
    pub vocabulary: usize,
    /// Features of a symbol.
    pub embedding: usize,
    /// Which recurrent layer.
    pub cell: CellKind,
    /// Hidden units of each layer and direction.
    pub hidden: usize,
    /// Recurrent layers.
    pub layers: usize,
    /// Whether they run in both directions.
    pub bidirectional: bool,
    /// How the outputs of all steps become one vector.
    pub pooling: Pooling,
    /// Dropout on the embedding, between layers and before the output, in `[0, 1)`.
    pub dropout: f64,
    /// Classes.
    pub classes: usize,
}

impl SequenceClassifierConfig {
    /// One LSTM layer in one direction, whose final hidden state is classified, without dropout.
    pub fn new(vocabulary: usize, embedding: usize, hidden: usize, classes: usize) -> Self {
        Self {
            vocabulary,
            embedding,
            cell: CellKind::Lstm,
            hidden,
            layers: 1,
            bidirectional: false,
            pooling: Pooling::Last,
            dropout: 0.0,
            classes,
        }
    }

    /// Sets which recurrent layer.
    pub fn with_cell(mut self, cell: CellKind) -> Self {
        self.cell = cell;
        self
    }

    /// Sets the number of recurrent layers.
    pub fn with_layers(mut self, layers: usize) -> Self {
        self.layers = layers;
        self
    }

    /// Sets whether layers run in both directions.
    pub fn with_bidirectional(mut self, bidirectional: bool) -> Self {
        self.bidirectional = bidirectional;
        self
    }

    /// Sets how the outputs of all steps become one vector.
    pub fn with_pooling(mut self, pooling: Pooling) -> Self {
        self.pooling = pooling;
        self
    }

    /// Sets the dropout.
    pub fn with_dropout(mut self, dropout: f64) -> Self {
        self.dropout = dropout;
        self
    }

    /// Makes the network with fresh weights.
    ///
    /// # Panics
    /// If a size is zero, or the dropout is not in `[0, 1)`.
    pub fn init(&self, device: &Device) -> SequenceClassifier {
        assert!(self.classes > 0, "a classifier has at least one class");
        let recurrent = AnyRecurrentConfig::new(self.cell, self.embedding, self.hidden)
            .with_num_layers(self.layers)
            .with_bidirectional(self.bidirectional)
            .with_dropout(self.dropout)
            .init(device);
        let features = recurrent.output_size();
        SequenceClassifier {
            embedding: embedding(self.vocabulary, self.embedding, device),
            dropout: DropoutConfig::new(self.dropout).init(),
            recurrent,
            pooling: self.pooling,
            attention: (self.pooling == Pooling::Attention).then(|| AttentionPooling::new(features, device)),
            dense: LinearConfig::new(features, self.classes).init(device),
        }
    }
}

/// An embedding, recurrent layers, a [`Pooling`] over the steps and a dense layer over the classes.
///
/// [`forward`](Self::forward) is [`embed`](Self::embed) and then [`classify`](Self::classify), so that what each symbol
/// adds to a class can be asked for: the gradient with respect to its embedding, times the embedding. Ask a copy that is
/// [frozen](Module::freeze): it stays where gradients are, and its dropout sleeps.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use recurrent_models::networks::{Pooling, SequenceClassifierConfig};
///
/// let device = Device::default();
/// let config = SequenceClassifierConfig::new(30, 8, 16, 2).with_bidirectional(true).with_pooling(Pooling::Attention);
/// let network = config.init(&device);
/// let ids = Tensor::from_data([[3, 1, 4], [1, 5, 0]], &device);
///
/// let logits = network.forward(ids.clone(), &[3, 2]);
/// assert_eq!(logits.dims(), [2, 2]);
///
/// let pooled = network.pool(network.embed(ids), &[3, 2]);
/// assert_eq!(pooled.weights.unwrap().dims(), [2, 3]);
/// ```
#[derive(Module, Debug)]
pub struct SequenceClassifier {
    embedding: Embedding,
    dropout: Dropout,
    recurrent: AnyRecurrent,
    #[module(skip)]
    pooling: Pooling,
    attention: Option<AttentionPooling>,
    dense: Linear,
}

/// What is left of a sequence.
#[derive(Debug, Clone)]
pub struct Pooled {
    /// `[batch, directions * hidden]`.
    pub features: Tensor<2>,
    /// How much each step counts, `[batch, time]`, with [`Pooling::Attention`]: zero past a row's end, one in sum.
    pub weights: Option<Tensor<2>>,
}

impl SequenceClassifier {
    /// `ids [batch, time]`, each row as far as its length → logits `[batch, classes]`.
    ///
    /// # Panics
    /// If there is not one length a row, or one is zero or beyond the sequence.
    pub fn forward(&self, ids: Tensor<2, Int>, lengths: &[usize]) -> Tensor<2> {
        self.classify(self.embed(ids), lengths)
    }

    /// `ids [batch, time]` → `[batch, time, embedding]`.
    pub fn embed(&self, ids: Tensor<2, Int>) -> Tensor<3> {
        self.embedding.forward(ids)
    }

    /// `embedded [batch, time, embedding]` → logits `[batch, classes]`.
    ///
    /// # Panics
    /// As [`forward`](Self::forward) does.
    pub fn classify(&self, embedded: Tensor<3>, lengths: &[usize]) -> Tensor<2> {
        self.dense.forward(self.dropout.forward(self.pool(embedded, lengths).features))
    }

    /// `embedded [batch, time, embedding]` → `[batch, directions * hidden]`, and which steps counted.
    ///
    /// # Panics
    /// As [`forward`](Self::forward) does.
    pub fn pool(&self, embedded: Tensor<3>, lengths: &[usize]) -> Pooled {
        let [batch, time, _] = embedded.dims();
        check_filled(lengths, batch, time);
        let (outputs, state) = self.recurrent.forward(self.dropout.forward(embedded), None, Some(lengths));
        if let Some(attention) = &self.attention {
            return attention.pool(outputs, lengths);
        }
        let features = match self.pooling {
            Pooling::Mean => mean(outputs, lengths),
            Pooling::Max => fill_padding(outputs, lengths, NEVER).max_dim(1).squeeze_dim(1),
            Pooling::Last | Pooling::Attention => last(state, self.recurrent.directions()),
        };
        Pooled { features, weights: None }
    }
}

/// The top layer's hidden state, its directions side by side: `[batch, directions * hidden]`.
fn last(state: AnyState, directions: usize) -> Tensor<2> {
    let hidden = state.hidden();
    let [rows, batch, size] = hidden.dims();
    hidden.narrow(0, rows - directions, directions).swap_dims(0, 1).reshape([batch, directions * size])
}

/// The mean over the real steps; past a row's end `outputs [batch, time, features]` are zero.
fn mean(outputs: Tensor<3>, lengths: &[usize]) -> Tensor<2> {
    let steps: Vec<f32> = lengths.iter().map(|length| *length as f32).collect();
    let steps = TensorData::new(steps, [lengths.len(), 1]);
    let steps = Tensor::<2>::from_data(steps, (&outputs.device(), outputs.dtype()));
    outputs.sum_dim(1).squeeze_dim::<2>(1) / steps
}

impl Summarize for SequenceClassifier {
    /// `input` is `[time]`.
    fn summary(&self, input: &[usize]) -> Summary {
        let time = input[0];
        let mut rows = vec![embedding_row("embedding", time, &self.embedding)];
        rows.extend(self.recurrent.rows(&self.recurrent.kind().to_string(), time));
        let features = self.recurrent.output_size();
        rows.push(SummaryRow::new(format!("pooling ({})", self.pooling), &[features], &self.attention));
        rows.push(SummaryRow::new("dense (Dense)", &[self.dense.weight.dims()[1]], &self.dense));
        Summary { name: "Classifier".into(), input: input.to_vec(), rows }
    }
}

/// A sum over the steps, weighted by how well each goes with a learned vector (Yang et al. 2016).
///
/// ```text
/// w_t = exp(vᵀ tanh(W h_t + b)) / Σ_s exp(vᵀ tanh(W h_s + b))     over the real steps
/// p   = Σ_t w_t h_t
/// ```
#[derive(Module, Debug)]
struct AttentionPooling {
    /// W and b, `[features, features]`.
    hidden: Linear,
    /// v, `[features, 1]`.
    energy: Linear,
}

impl AttentionPooling {
    fn new(features: usize, device: &Device) -> Self {
        Self {
            hidden: LinearConfig::new(features, features).init(device),
            energy: LinearConfig::new(features, 1).with_bias(false).init(device),
        }
    }

    /// `outputs [batch, time, features]` → `[batch, features]`.
    fn pool(&self, outputs: Tensor<3>, lengths: &[usize]) -> Pooled {
        let energy = self.energy.forward(self.hidden.forward(outputs.clone()).tanh());
        let weights = softmax(fill_padding(energy, lengths, NEVER), 1);
        let features = (outputs * weights.clone()).sum_dim(1).squeeze_dim(1);
        Pooled { features, weights: Some(weights.squeeze_dim(2)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_has_a_row_for_everything_that_learns() {
        let config = SequenceClassifierConfig::new(7, 3, 4, 2).with_bidirectional(true);
        for pooling in Pooling::ALL {
            let network = config.clone().with_pooling(pooling).init(&Device::flex());
            let summary = network.summary(&[5]);
            assert_eq!(summary.rows[2].layer, format!("pooling ({pooling})"));
            assert_eq!(summary.parameters(), network.num_params());
        }
    }

    #[test]
    #[should_panic(expected = "the length of row 0 is 0")]
    fn a_row_without_a_step_is_refused() {
        let device = Device::flex();
        let network = SequenceClassifierConfig::new(3, 2, 2, 2).init(&device);
        network.forward(Tensor::zeros([1, 2], &device), &[0]);
    }
}
