//! A language model: the next token of a text.

use burn::config::Config;
use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Embedding};
use burn::tensor::{Device, Int, Tensor};

use super::input::{embedding, embedding_row};
use super::output::{TokenOutput, token_output};
use crate::parameters::linear;
use crate::{AnyRecurrent, AnyRecurrentConfig, AnyState, CellKind, CellOptions, Summarize, Summary};

/// The configuration of a [`LanguageModel`].
#[derive(Config, Debug, PartialEq)]
#[must_use = "a configuration makes no network until `init` is called"]
#[non_exhaustive]
pub struct LanguageModelConfig {
    /// The number of tokens.
    pub vocab_size: usize,
    /// Dimensions of a token's embedding.
    pub embedding_dim: usize,
    /// Hidden units of each recurrent layer.
    pub hidden_size: usize,
    /// The kind of cell.
    #[config(default = "CellKind::Lstm")]
    pub cell: CellKind,
    /// Stacked recurrent layers.
    #[config(default = 1)]
    pub num_layers: usize,
    /// Dropout probability on the embedding, between layers and before the output, in `[0, 1)` (Zaremba et al. 2014).
    #[config(default = 0.0)]
    pub dropout: f64,
    /// Whether the output uses the embedding's weights (Press & Wolf 2017).
    #[config(default = false)]
    pub tie_weights: bool,
    /// The options of the cell.
    #[config(default = "CellOptions::default()")]
    pub cell_options: CellOptions,
}

impl LanguageModelConfig {
    /// The number of parameters, without making the network; `usize::MAX` stands for any larger number.
    #[must_use]
    pub fn num_parameters(&self) -> usize {
        let output = token_output(self.hidden_size, self.vocab_size, self.tie_weights.then_some(self.embedding_dim));
        let embedding = linear(self.vocab_size, self.embedding_dim, false);
        embedding.saturating_add(self.recurrent().num_parameters()).saturating_add(output)
    }

    fn recurrent(&self) -> AnyRecurrentConfig {
        AnyRecurrentConfig::new(self.cell, self.embedding_dim, self.hidden_size)
            .with_num_layers(self.num_layers)
            .with_dropout(self.dropout)
            .with_cell_options(self.cell_options.clone())
    }

    /// Makes the network with fresh weights.
    ///
    /// # Panics
    /// If a size is 0, `dropout` is not in `[0, 1)`, or an option of the cell is invalid.
    pub fn init(&self, device: &Device) -> LanguageModel {
        let embedding = embedding(self.vocab_size, self.embedding_dim, device);
        let output = if self.tie_weights {
            TokenOutput::tied(self.hidden_size, &embedding, device)
        } else {
            TokenOutput::new(self.hidden_size, self.vocab_size, device)
        };
        LanguageModel {
            embedding,
            dropout: DropoutConfig::new(self.dropout).init(),
            recurrent: self.recurrent().init(device),
            output,
        }
    }
}

/// An embedding, recurrent layers and an output over the vocabulary (Mikolov et al. 2010; Zaremba et al. 2014).
///
/// A tied output computes `E h + b` with the embedding's weights E `[vocab, embedding_dim]` and a bias of its own; if
/// `hidden_size` is not `embedding_dim`, a linear layer projects h first. The embedding starts as N(0, 0.1).
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use recurrent_models::networks::LanguageModelConfig;
///
/// let device = Device::default();
/// let model = LanguageModelConfig::new(30, 8, 16).with_tie_weights(true).init(&device);
/// let (logits, state) = model.forward(Tensor::from_data([[3, 1, 4, 1]], &device), None);
/// assert_eq!(logits.dims(), [1, 4, 30]);
///
/// // The next token, from the state after the prompt.
/// let (logits, _state) = model.step(Tensor::from_data([5], &device), Some(state));
/// assert_eq!(logits.dims(), [1, 30]);
/// ```
#[derive(Module, Debug)]
pub struct LanguageModel {
    /// `[vocab, embedding_dim]`.
    pub embedding: Embedding,
    dropout: Dropout,
    /// The recurrent layers.
    pub recurrent: AnyRecurrent,
    /// From hidden units to logits.
    pub output: TokenOutput,
}

impl LanguageModel {
    /// Runs over a batch of texts `ids [batch, time]`, from the state after the text before it (zeros if `None`).
    ///
    /// Returns the logits of each step's next token, `[batch, time, vocab]`, and the state after the last step,
    /// `[num_layers, batch, hidden]`.
    ///
    /// # Panics
    /// If there is no step, or the state has another shape or is of another cell.
    #[must_use]
    pub fn forward(&self, ids: Tensor<2, Int>, state: Option<AnyState>) -> (Tensor<3>, AnyState) {
        let (hidden, state) = self.recurrent.forward(self.embed(ids), state);
        (self.project_logits(hidden), state)
    }

    /// [`forward`](Self::forward) for texts of different lengths, `[batch]`, padded to one length. The state is the one at
    /// each row's own end. Logits past a row's end are those of a hidden state of zeros: leave them out of the loss.
    ///
    /// # Panics
    /// As [`forward`](Self::forward) does, and unless there is one length per row, none greater than `time`.
    #[must_use]
    pub fn forward_with_lengths(
        &self,
        ids: Tensor<2, Int>,
        lengths: &[usize],
        state: Option<AnyState>,
    ) -> (Tensor<3>, AnyState) {
        let (hidden, state) = self.recurrent.forward_with_lengths(self.embed(ids), lengths, state);
        (self.project_logits(hidden), state)
    }

    /// Runs one step, `ids [batch]`, with the same results as [`forward`](Self::forward).
    ///
    /// Returns the logits of the next token, `[batch, vocab]`, and the state for the next step.
    ///
    /// # Panics
    /// If the state has another shape or is of another cell.
    #[must_use]
    pub fn step(&self, ids: Tensor<1, Int>, state: Option<AnyState>) -> (Tensor<2>, AnyState) {
        let x = self.embed(ids.unsqueeze_dim(1)).squeeze_dim(1);
        let (hidden, state) = self.recurrent.step(x, state);
        (self.project_logits(hidden), state)
    }

    fn embed(&self, ids: Tensor<2, Int>) -> Tensor<3> {
        self.dropout.forward(self.embedding.forward(ids))
    }

    fn project_logits<const D: usize>(&self, hidden: Tensor<D>) -> Tensor<D> {
        self.output.forward(self.dropout.forward(hidden), Some(&self.embedding))
    }
}

impl Summarize for LanguageModel {
    /// `input` is `[time]`.
    fn summary(&self, input: &[usize]) -> Summary {
        let time = input[0];
        let mut rows = vec![embedding_row("embedding", time, &self.embedding)];
        rows.extend(self.recurrent.rows(&self.recurrent.cell().to_string(), time));
        rows.extend(self.output.rows(time));
        Summary::new("Language model", input, rows)
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
        let tied = parameters(config.with_tie_weights(true));
        assert_eq!(tied[0], ("embedding (Embedding)".into(), 40));
        assert_eq!(tied[2], ("output (tied Dense)".into(), 10));
    }

    #[test]
    fn tied_output_projects_to_the_embedding_dimension() {
        let rows = parameters(LanguageModelConfig::new(10, 4, 3).with_num_layers(2).with_tie_weights(true));
        let names: Vec<&str> = rows.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            ["embedding (Embedding)", "lstm_1 (LSTM)", "lstm_2 (LSTM)", "projection (Dense)", "output (tied Dense)"]
        );
        assert_eq!(rows[3].1, 3 * 4 + 4);
    }
}
