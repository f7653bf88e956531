//! A language model: which symbol comes next.

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Embedding};
use burn::tensor::{Device, Int, Tensor};
use serde::{Deserialize, Serialize};

use super::input::{embedding, embedding_row};
use super::output::SymbolOutput;
use crate::{AnyRecurrent, AnyRecurrentConfig, AnyState, CellKind, Summarize, Summary};

/// The configuration of a [`LanguageModel`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LanguageModelConfig {
    /// Symbols.
    pub vocabulary: usize,
    /// Features of a symbol.
    pub embedding: usize,
    /// Which recurrent layer.
    pub cell: CellKind,
    /// Hidden units of each layer.
    pub hidden: usize,
    /// Recurrent layers.
    pub layers: usize,
    /// Dropout on the embedding, between layers and before the output, in `[0, 1)` (Zaremba et al. 2014).
    pub dropout: f64,
    /// Whether the output uses the embedding's weights (Press & Wolf 2017).
    pub tied: bool,
}

impl LanguageModelConfig {
    /// One LSTM layer without dropout, whose output has weights of its own.
    pub fn new(vocabulary: usize, embedding: usize, hidden: usize) -> Self {
        Self { vocabulary, embedding, cell: CellKind::Lstm, hidden, layers: 1, dropout: 0.0, tied: false }
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

    /// Sets the dropout.
    pub fn with_dropout(mut self, dropout: f64) -> Self {
        self.dropout = dropout;
        self
    }

    /// Sets whether the output uses the embedding's weights.
    pub fn with_tied(mut self, tied: bool) -> Self {
        self.tied = tied;
        self
    }

    /// Makes the network with fresh weights.
    ///
    /// # Panics
    /// If a size is zero, or the dropout is not in `[0, 1)`.
    pub fn init(&self, device: &Device) -> LanguageModel {
        let embedding = embedding(self.vocabulary, self.embedding, device);
        let output = if self.tied {
            SymbolOutput::tied(self.hidden, &embedding, device)
        } else {
            SymbolOutput::new(self.hidden, self.vocabulary, device)
        };
        LanguageModel {
            embedding,
            dropout: DropoutConfig::new(self.dropout).init(),
            recurrent: AnyRecurrentConfig::new(self.cell, self.embedding, self.hidden)
                .with_num_layers(self.layers)
                .with_dropout(self.dropout)
                .init(device),
            output,
        }
    }
}

/// An embedding, recurrent layers and an output over the vocabulary (Mikolov et al. 2010; Zaremba et al. 2014).
///
/// A tied output has the embedding's weights E `[vocabulary, embedding]` and a bias of its own, `E h + b`; if there are
/// not as many hidden units as features, a linear layer brings h to the embedding's size first. The embedding starts as
/// `N(0, 0.1)`.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use recurrent_models::networks::LanguageModelConfig;
///
/// let device = Device::default();
/// let model = LanguageModelConfig::new(30, 8, 16).with_tied(true).init(&device);
/// let (logits, state) = model.forward(Tensor::from_data([[3, 1, 4, 1]], &device), None);
/// assert_eq!(logits.dims(), [1, 4, 30]);
///
/// // The text goes on.
/// let (logits, _state) = model.step(Tensor::from_data([5], &device), Some(state));
/// assert_eq!(logits.dims(), [1, 30]);
/// ```
#[derive(Module, Debug)]
pub struct LanguageModel {
    embedding: Embedding,
    dropout: Dropout,
    recurrent: AnyRecurrent,
    output: SymbolOutput,
}

impl LanguageModel {
    /// Reads a batch of texts: `ids [batch, time]`, from the state after what came before (zeros if `None`).
    ///
    /// Gives the logits of each step's next symbol, `[batch, time, vocabulary]`, and the state to go on from.
    pub fn forward(&self, ids: Tensor<2, Int>, state: Option<AnyState>) -> (Tensor<3>, AnyState) {
        let x = self.dropout.forward(self.embedding.forward(ids));
        let (hidden, state) = self.recurrent.forward(x, state, None);
        (self.logits(hidden), state)
    }

    /// Reads one symbol a row, `ids [batch]`, with the same numbers as [`forward`](Self::forward).
    ///
    /// Gives the logits of the next, `[batch, vocabulary]`, and the state to go on from.
    pub fn step(&self, ids: Tensor<1, Int>, state: Option<AnyState>) -> (Tensor<2>, AnyState) {
        let x = self.embedding.forward(ids.unsqueeze_dim(1)).squeeze_dim(1);
        let (hidden, state) = self.recurrent.step(self.dropout.forward(x), state);
        (self.logits(hidden), state)
    }

    fn logits<const D: usize>(&self, hidden: Tensor<D>) -> Tensor<D> {
        self.output.forward(self.dropout.forward(hidden), Some(&self.embedding))
    }
}

impl Summarize for LanguageModel {
    /// `input` is `[time]`.
    fn summary(&self, input: &[usize]) -> Summary {
        let time = input[0];
        let mut rows = vec![embedding_row("embedding", time, &self.embedding)];
        rows.extend(self.recurrent.rows(&self.recurrent.kind().to_string(), time));
        rows.extend(self.output.rows(time));
        Summary { name: "Language model".into(), input: input.to_vec(), rows }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(config: LanguageModelConfig) -> Vec<(String, usize)> {
        let summary = config.init(&Device::flex()).summary(&[7]);
        summary.rows.into_iter().map(|row| (row.layer, row.parameters)).collect()
    }

    #[test]
    fn tied_weights_are_counted_once() {
        let config = LanguageModelConfig::new(10, 4, 4);
        let untied = parameters(config.clone());
        assert_eq!(untied[2], ("output (Dense)".into(), 4 * 10 + 10));
        let tied = parameters(config.with_tied(true));
        assert_eq!(tied[0], ("embedding (Embedding)".into(), 40));
        assert_eq!(tied[2], ("output (tied Dense)".into(), 10));
    }

    #[test]
    fn a_projection_stands_between_two_sizes() {
        let rows = parameters(LanguageModelConfig::new(10, 4, 3).with_layers(2).with_tied(true));
        let names: Vec<&str> = rows.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            ["embedding (Embedding)", "lstm_1 (LSTM)", "lstm_2 (LSTM)", "projection (Dense)", "output (tied Dense)"]
        );
        assert_eq!(rows[3].1, 3 * 4 + 4);
    }
}
