//! A trained language model that reads one token at a time, on the CPU.

use super::LanguageModel;
use crate::streaming::{StreamingDense, StreamingLayer, values};

/// A [`LanguageModel`] for one text at a time, token by token, with its own copy of the weights in single precision.
///
/// It keeps no state: each step takes one and leaves the next in its place, so that a search can go on from any of many
/// prefixes. Made by [`LanguageModel::streaming`] from a network on any device.
///
/// ```
/// use burn::tensor::Device;
/// use recurrent_models::networks::LanguageModelConfig;
///
/// let mut model = LanguageModelConfig::new(30, 8, 16).init(&Device::default()).streaming();
/// let (mut state, mut logits) = (model.zero_state(), Vec::new());
/// for token in [3, 1, 4] {
///     model.step(token, &mut state, &mut logits);
/// }
/// assert_eq!(logits.len(), 30);
/// ```
#[derive(Debug)]
pub struct StreamingLanguageModel {
    /// `[vocab, embedding_dim]`.
    embedding: Vec<f32>,
    embedding_dim: usize,
    recurrent: StreamingLayer,
    /// Of a tied output with another size than the hidden state.
    projection: Option<StreamingDense>,
    projected: Vec<f32>,
    output: StreamingDense,
}

impl LanguageModel {
    /// Copies the weights into a [`StreamingLanguageModel`].
    #[must_use]
    pub fn streaming(&self) -> StreamingLanguageModel {
        let output = &self.output;
        let dense = |linear: &burn::nn::Linear| {
            StreamingDense::new(linear.weight.val(), linear.bias.as_ref().map(|bias| bias.val()))
        };
        let weight = match &output.weight {
            Some(weight) => weight.val(),
            None => self.embedding.weight.val().transpose(),
        };
        StreamingLanguageModel {
            embedding: values(self.embedding.weight.val()),
            embedding_dim: self.embedding.weight.dims()[1],
            recurrent: self.recurrent.streaming(None),
            projection: output.projection.as_ref().map(dense),
            projected: Vec::new(),
            output: StreamingDense::new(weight, Some(output.bias.val())),
        }
    }
}

impl StreamingLanguageModel {
    /// The number of tokens.
    #[must_use]
    pub fn vocab_size(&self) -> usize {
        self.output.output_size()
    }

    /// The state before the first token.
    #[must_use]
    pub fn zero_state(&self) -> Vec<f32> {
        vec![0.0; self.recurrent.state_size()]
    }

    /// Reads a token in a state, which becomes that after the token; `logits` become those of the next token, `[vocab]`.
    ///
    /// # Panics
    /// If the token is not below [`vocab_size`](Self::vocab_size), or the state is another model's.
    pub fn step(&mut self, token: u32, state: &mut [f32], logits: &mut Vec<f32>) {
        let start = token as usize * self.embedding_dim;
        self.recurrent.set_state(state);
        let mut hidden = self.recurrent.step(&self.embedding[start..start + self.embedding_dim]);
        if let Some(projection) = &self.projection {
            projection.forward(hidden, &mut self.projected);
            hidden = &self.projected;
        }
        self.output.forward(hidden, logits);
        self.recurrent.copy_state(state);
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor};

    use crate::CellKind;
    use crate::networks::LanguageModelConfig;

    #[test]
    fn streaming_gives_the_logits_of_the_network() {
        let device = Device::flex();
        for cell in [CellKind::Rnn, CellKind::Lstm, CellKind::Gru] {
            for (hidden_size, tied) in [(6, false), (5, true), (9, true)] {
                let network = LanguageModelConfig::new(7, 5, hidden_size)
                    .with_cell(cell)
                    .with_num_layers(2)
                    .with_tie_weights(tied)
                    .init(&device);
                let ids = [3, 0, 6, 6, 2];
                let (expected, _) = network.forward(Tensor::from_data([ids], &device), None);
                let expected: Vec<f32> = expected.into_data().iter::<f32>().collect();
                let mut streaming = network.streaming();
                let (mut state, mut logits) = (streaming.zero_state(), Vec::new());
                for (id, expected) in ids.into_iter().zip(expected.chunks(7)) {
                    streaming.step(id as u32, &mut state, &mut logits);
                    for (found, expected) in logits.iter().zip(expected) {
                        assert!((found - expected).abs() < 1e-5, "{found} {expected}");
                    }
                }
            }
        }
    }
}
