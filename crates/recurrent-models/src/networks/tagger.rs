//! A tagger: a label for every step of a sequence.

use burn::config::Config;
use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Embedding, Linear, LinearConfig};
use burn::tensor::{Device, Int, Tensor};

use super::input::{SequenceInput, embed, embedding_row};
use crate::empty_batch::dense;
use crate::parameters::linear;
use crate::{AnyRecurrent, AnyRecurrentConfig, AnyState, CellKind, CellOptions, Summarize, Summary, SummaryRow};

/// The configuration of a [`SequenceTagger`].
#[derive(Config, Debug, PartialEq)]
#[must_use = "a configuration makes no network until `init` is called"]
#[non_exhaustive]
pub struct SequenceTaggerConfig {
    /// What the network reads: token ids or real values.
    pub input: SequenceInput,
    /// Hidden units of each layer and direction.
    pub hidden_size: usize,
    /// The number of tags.
    pub num_tags: usize,
    /// The kind of cell.
    #[config(default = "CellKind::Lstm")]
    pub cell: CellKind,
    /// Stacked recurrent layers.
    #[config(default = 1)]
    pub num_layers: usize,
    /// Whether they run in both directions.
    #[config(default = false)]
    pub bidirectional: bool,
    /// Dropout probability on the embedding, between layers and before the output, in `[0, 1)`.
    #[config(default = 0.0)]
    pub dropout: f64,
    /// The options of the cell.
    #[config(default = "CellOptions::default()")]
    pub cell_options: CellOptions,
}

impl SequenceTaggerConfig {
    /// The number of parameters, without making the network; `usize::MAX` stands for any larger number.
    #[must_use]
    pub fn num_parameters(&self) -> usize {
        let features = self.hidden_size.saturating_mul(if self.bidirectional { 2 } else { 1 });
        let parts =
            [self.input.num_parameters(), self.recurrent().num_parameters(), linear(features, self.num_tags, true)];
        parts.into_iter().fold(0, usize::saturating_add)
    }

    fn recurrent(&self) -> AnyRecurrentConfig {
        AnyRecurrentConfig::new(self.cell, self.input.size(), self.hidden_size)
            .with_num_layers(self.num_layers)
            .with_bidirectional(self.bidirectional)
            .with_dropout(self.dropout)
            .with_cell_options(self.cell_options.clone())
    }

    /// Makes the network with fresh weights.
    ///
    /// # Panics
    /// If a size is 0, `dropout` is not in `[0, 1)`, or an option of the cell is invalid.
    pub fn init(&self, device: &Device) -> SequenceTagger {
        assert!(self.num_tags > 0, "num_tags must be at least 1");
        let embedding = self.input.embedding(device);
        let recurrent = self.recurrent().init(device);
        let dense = LinearConfig::new(recurrent.output_size(), self.num_tags).init(device);
        SequenceTagger { embedding, dropout: DropoutConfig::new(self.dropout).init(), recurrent, dense }
    }
}

/// An embedding (of token ids; real values go in as they are), recurrent layers and a dense layer over the tags at every
/// step: aligned many-to-many, as in part-of-speech tagging (bidirectional: Huang et al. 2015) or framewise phoneme
/// classification (Graves & Schmidhuber 2005).
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use recurrent_models::networks::{SequenceInput, SequenceTaggerConfig};
///
/// let device = Device::default();
/// let tagger = SequenceTaggerConfig::new(SequenceInput::tokens(30, 8), 16, 5).with_bidirectional(true).init(&device);
/// let logits = tagger.forward(Tensor::from_data([[3, 1, 4], [1, 5, 0]], &device), &[3, 2]);
/// assert_eq!(logits.dims(), [2, 3, 5]);
///
/// let framewise = SequenceTaggerConfig::new(SequenceInput::values(12), 16, 5).init(&device);
/// let logits = framewise.forward_values(Tensor::ones([2, 40, 12], &device), &[40, 25]);
/// assert_eq!(logits.dims(), [2, 40, 5]);
/// ```
#[derive(Module, Debug)]
pub struct SequenceTagger {
    /// `[vocab, embedding_dim]`; `None` in a network that reads real values.
    pub embedding: Option<Embedding>,
    dropout: Dropout,
    /// The recurrent layers.
    pub recurrent: AnyRecurrent,
    /// `[directions * hidden, tags]`.
    pub dense: Linear,
}

impl SequenceTagger {
    /// `ids [batch, time]`, with the number of valid steps of each row → logits `[batch, time, tags]`.
    ///
    /// Logits past a row's end are those of an output of zeros: leave them out of the loss. A length of 0 is allowed.
    ///
    /// # Panics
    /// If the network reads real values, there is no step, or unless there is one length per row, none greater than
    /// `time`.
    #[must_use]
    pub fn forward(&self, ids: Tensor<2, Int>, lengths: &[usize]) -> Tensor<3> {
        self.forward_values(self.embed(ids), lengths)
    }

    /// `ids [batch, time]` → `[batch, time, embedding_dim]`.
    ///
    /// # Panics
    /// If the network reads real values.
    #[must_use]
    pub fn embed(&self, ids: Tensor<2, Int>) -> Tensor<3> {
        embed(self.embedding.as_ref(), ids)
    }

    /// `values [batch, time, features]`, real values or what [`embed`](Self::embed) returned → logits
    /// `[batch, time, tags]`.
    ///
    /// # Panics
    /// If `values` has another number of features or no step, or unless there is one length per row, none greater than
    /// `time`.
    #[must_use]
    pub fn forward_values(&self, values: Tensor<3>, lengths: &[usize]) -> Tensor<3> {
        self.forward_values_from(values, lengths, None).0
    }

    /// [`forward_values`](Self::forward_values) of rows that go on from a state, with the state at their end.
    ///
    /// # Panics
    /// As [`forward_values`](Self::forward_values), if the state is one of another network or number of rows, or if a
    /// bidirectional network is given a state.
    #[must_use]
    pub fn forward_values_from(
        &self,
        values: Tensor<3>,
        lengths: &[usize],
        state: Option<AnyState>,
    ) -> (Tensor<3>, AnyState) {
        let x = if self.embedding.is_some() { self.dropout.forward(values) } else { values };
        let (outputs, state) = self.recurrent.forward_with_lengths(x, lengths, state);
        (dense(&self.dense, self.dropout.forward(outputs)), state)
    }
}

impl Summarize for SequenceTagger {
    /// `input` is `[time]`, or `[time, features]` for real values.
    fn summary(&self, input: &[usize]) -> Summary {
        let time = input[0];
        let mut rows: Vec<SummaryRow> =
            self.embedding.iter().map(|embedding| embedding_row("embedding", time, embedding)).collect();
        rows.extend(self.recurrent.rows(&self.recurrent.cell().to_string(), time));
        rows.push(SummaryRow::new("dense (Dense)", &[time, self.dense.weight.dims()[1]], &self.dense));
        Summary::new("Tagger", input, rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summary_has_a_row_for_every_trained_part() {
        for (input, rows) in [(SequenceInput::tokens(7, 3), 4), (SequenceInput::values(3), 3)] {
            let config = SequenceTaggerConfig::new(input, 4, 5).with_num_layers(2).with_bidirectional(true);
            let network = config.init(&Device::flex());
            let summary = network.summary(&[6]);
            assert_eq!((summary.rows.len(), summary.parameters()), (rows, config.num_parameters()));
            assert_eq!(summary.rows[rows - 1].output, [6, 5]);
            assert_eq!(config.num_parameters(), network.num_params());
        }
    }
}
