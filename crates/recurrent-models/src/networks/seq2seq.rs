//! From one sequence to another: an encoder, a decoder and, by choice, attention between them.

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Linear, LinearConfig};
use burn::tensor::{Device, Int, Tensor};
use serde::{Deserialize, Serialize};

use super::input::{Input, SymbolInput};
use super::output::SymbolOutput;
use crate::padding::{check_filled, repeated_rows};
use crate::{
    AnyRecurrent, AnyRecurrentConfig, AnyState, Attention, AttentionConfig, AttentionKind, AttentionMemory, CellKind,
    Summarize, Summary, SummaryRow,
};

/// The configuration of a [`Seq2Seq`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Seq2SeqConfig {
    /// Symbols of the source.
    pub source_vocabulary: usize,
    /// Symbols of the target.
    pub target_vocabulary: usize,
    /// How symbols become vectors, on both sides.
    pub input: Input,
    /// Which recurrent layer, on both sides.
    pub cell: CellKind,
    /// Hidden units of each layer and direction.
    pub hidden: usize,
    /// Recurrent layers, on each side.
    pub layers: usize,
    /// Whether the encoder runs in both directions.
    pub bidirectional: bool,
    /// How the decoder looks back at the source, if it does.
    pub attention: Option<AttentionKind>,
    /// Dropout on embeddings, between layers and before the output, in `[0, 1)`.
    pub dropout: f64,
    /// Whether the output uses the weights of the target's embedding (Press & Wolf 2017).
    pub tied: bool,
}

impl Seq2SeqConfig {
    /// The lecture's network: one-hot symbols and one LSTM layer on each side, without attention or dropout.
    pub fn new(source_vocabulary: usize, target_vocabulary: usize, hidden: usize) -> Self {
        Self {
            source_vocabulary,
            target_vocabulary,
            input: Input::OneHot,
            cell: CellKind::Lstm,
            hidden,
            layers: 1,
            bidirectional: false,
            attention: None,
            dropout: 0.0,
            tied: false,
        }
    }

    /// Sets how symbols become vectors.
    pub fn with_input(mut self, input: Input) -> Self {
        self.input = input;
        self
    }

    /// Sets which recurrent layer.
    pub fn with_cell(mut self, cell: CellKind) -> Self {
        self.cell = cell;
        self
    }

    /// Sets the number of recurrent layers on each side.
    pub fn with_layers(mut self, layers: usize) -> Self {
        self.layers = layers;
        self
    }

    /// Sets whether the encoder runs in both directions.
    pub fn with_bidirectional(mut self, bidirectional: bool) -> Self {
        self.bidirectional = bidirectional;
        self
    }

    /// Sets how the decoder looks back at the source.
    pub fn with_attention(mut self, attention: Option<AttentionKind>) -> Self {
        self.attention = attention;
        self
    }

    /// Sets the dropout.
    pub fn with_dropout(mut self, dropout: f64) -> Self {
        self.dropout = dropout;
        self
    }

    /// Sets whether the output uses the weights of the target's embedding.
    pub fn with_tied(mut self, tied: bool) -> Self {
        self.tied = tied;
        self
    }

    /// Makes the network with fresh weights.
    ///
    /// # Panics
    /// If a size is zero, the dropout is not in `[0, 1)`, or the output is to be tied to one-hot symbols.
    pub fn init(&self, device: &Device) -> Seq2Seq {
        let source = SymbolInput::new(self.input, self.source_vocabulary, self.dropout, device);
        let target = SymbolInput::new(self.input, self.target_vocabulary, self.dropout, device);
        let recurrent = |vocabulary: usize| {
            AnyRecurrentConfig::new(self.cell, self.input.size(vocabulary), self.hidden)
                .with_num_layers(self.layers)
                .with_dropout(self.dropout)
        };
        let output = match (self.tied, target.embedding()) {
            (false, _) => SymbolOutput::new(self.hidden, self.target_vocabulary, device),
            (true, Some(embedding)) => SymbolOutput::tied(self.hidden, embedding, device),
            (true, None) => panic!("an output is tied to an embedding, and one-hot symbols have none"),
        };
        Seq2Seq {
            encoder: recurrent(self.source_vocabulary).with_bidirectional(self.bidirectional).init(device),
            bridge: self.bidirectional.then(|| Bridge::new(self.cell, self.hidden, device)),
            decoder: recurrent(self.target_vocabulary).init(device),
            attention: self.attention.map(|kind| GlobalAttention::new(kind, self.hidden, self.bidirectional, device)),
            dropout: DropoutConfig::new(self.dropout).init(),
            source,
            target,
            output,
        }
    }
}

/// An encoder reads the source, its final state is the decoder's first, and the decoder says the target symbol by
/// symbol (Sutskever et al. 2014).
///
/// - **Bridge.** A state of an encoder in one direction goes over as it is. One of both directions goes through a
///   linear layer for each of its parts, the same for all layers of the stack: `h = tanh(W_h [h→; h←] + b_h)` and, for an
///   LSTM, `c = W_c [c→; c←] + b_c`.
/// - **Attention.** The outputs h of the decoder's recurrent layers are the queries, the encoder's outputs the keys; the
///   context c that is found joins h as `h̃ = tanh(W [c; h])`, and h̃ goes to the output (global attention: Luong et al.
///   2015, equation 5). Nothing of it runs back into the decoder, so a whole target is one scan. Bahdanau's own network
///   puts the context into the decoder's next input instead; of it, the additive score is offered here. A dot product
///   takes keys of the decoder's size, so an encoder in both directions then gives the sum of the two.
/// - **Output.** As in the [`LanguageModel`](super::LanguageModel), tied to the target's embedding by choice.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use recurrent_models::AttentionKind;
/// use recurrent_models::networks::{Input, Seq2SeqConfig};
///
/// let device = Device::default();
/// let network = Seq2SeqConfig::new(20, 30, 16)
///     .with_input(Input::Embedding(8))
///     .with_bidirectional(true)
///     .with_attention(Some(AttentionKind::General))
///     .init(&device);
/// let source = Tensor::from_data([[5, 6, 7], [8, 9, 0]], &device);
///
/// // In training the whole target is known.
/// let encoded = network.encode(source, &[3, 2]);
/// let decoded = network.decode(&encoded, Tensor::from_data([[1, 2, 3, 4], [1, 5, 6, 7]], &device));
/// assert_eq!(decoded.logits.dims(), [2, 4, 30]);
///
/// // Later each symbol follows from those before it.
/// let first = network.step(&encoded, encoded.state.clone(), Tensor::from_data([1, 1], &device));
/// let likeliest = first.logits.argmax(1).squeeze_dim(1);
/// let second = network.step(&encoded, first.state, likeliest);
/// assert_eq!(second.logits.dims(), [2, 30]);
/// ```
#[derive(Module, Debug)]
pub struct Seq2Seq {
    source: SymbolInput,
    encoder: AnyRecurrent,
    bridge: Option<Bridge>,
    target: SymbolInput,
    decoder: AnyRecurrent,
    attention: Option<GlobalAttention>,
    dropout: Dropout,
    output: SymbolOutput,
}

/// A source that was read.
#[derive(Debug, Clone)]
pub struct Encoded {
    /// Every output of the encoder, `[batch, source, directions * hidden]`; zero past a row's end.
    pub outputs: Tensor<3>,
    /// The state that the decoder begins with, `[layers, batch, hidden]`.
    pub state: AnyState,
    /// What the decoder looks at, if it does.
    pub memory: Option<AttentionMemory>,
}

impl Encoded {
    /// The rows at `indices [rows]`, in their order; a row may come more than once.
    pub fn select_rows(&self, indices: Tensor<1, Int>) -> Self {
        Self {
            outputs: self.outputs.clone().select(0, indices.clone()),
            state: self.state.select_rows(indices.clone()),
            memory: self.memory.as_ref().map(|memory| memory.select_rows(indices)),
        }
    }

    /// Each row `times` times, the copies side by side: rows `a, b` become `a, a, b, b`.
    pub fn repeat_rows(&self, times: usize) -> Self {
        self.select_rows(repeated_rows(self.state.batch(), times, &self.outputs.device()))
    }
}

/// A target that was said from its own symbols.
#[derive(Debug, Clone)]
pub struct Decoded {
    /// Of each step's next symbol, `[batch, target, target_vocabulary]`.
    pub logits: Tensor<3>,
    /// The state after the last step, `[layers, batch, hidden]`.
    pub state: AnyState,
    /// Where each step looked, `[batch, target, source]`, with attention.
    pub weights: Option<Tensor<3>>,
}

/// One step of the decoder.
#[derive(Debug, Clone)]
pub struct Stepped {
    /// Of the next symbol, `[batch, target_vocabulary]`.
    pub logits: Tensor<2>,
    /// The state to go on from, `[layers, batch, hidden]`.
    pub state: AnyState,
    /// Where the step looked, `[batch, source]`, with attention.
    pub weights: Option<Tensor<2>>,
}

impl Seq2Seq {
    /// Reads `source [batch, source]`, each row as far as its length; what lies past it is never looked at.
    ///
    /// # Panics
    /// If there is not one length a row, or one is zero or beyond the sequence.
    pub fn encode(&self, source: Tensor<2, Int>, lengths: &[usize]) -> Encoded {
        let [batch, time] = source.dims();
        check_filled(lengths, batch, time);
        let (outputs, state) = self.encoder.forward(self.source.forward(source), None, Some(lengths));
        Encoded {
            state: match &self.bridge {
                Some(bridge) => bridge.forward(state),
                None => state,
            },
            memory: self.attention.as_ref().map(|attention| attention.prepare(outputs.clone(), lengths)),
            outputs,
        }
    }

    /// Says a whole target at once, each symbol from the true ones before it (teacher forcing): `inputs
    /// [batch, target]` begins with whatever means the start, and the logits at a step are those of the next symbol.
    pub fn decode(&self, encoded: &Encoded, inputs: Tensor<2, Int>) -> Decoded {
        let x = self.target.forward(inputs);
        let (hidden, state) = self.decoder.forward(x, Some(encoded.state.clone()), None);
        let (logits, weights) = self.say(encoded, hidden);
        Decoded { logits, state, weights }
    }

    /// Says one symbol a row after `ids [batch]`, with the same numbers as [`decode`](Self::decode); the first `state`
    /// is that of `encoded`.
    pub fn step(&self, encoded: &Encoded, state: AnyState, ids: Tensor<1, Int>) -> Stepped {
        let x = self.target.forward(ids.unsqueeze_dim(1)).squeeze_dim(1);
        let (hidden, state) = self.decoder.step(x, Some(state));
        let (logits, weights) = self.say(encoded, hidden.unsqueeze_dim(1));
        Stepped { logits: logits.squeeze_dim(1), state, weights: weights.map(|weights| weights.squeeze_dim(1)) }
    }

    /// [`encode`](Self::encode), then the logits of [`decode`](Self::decode): `source [batch, source]`, `inputs
    /// [batch, target]` → `[batch, target, target_vocabulary]`.
    pub fn forward(&self, source: Tensor<2, Int>, lengths: &[usize], inputs: Tensor<2, Int>) -> Tensor<3> {
        self.decode(&self.encode(source, lengths), inputs).logits
    }

    /// From the decoder's outputs to logits, and where it looked: `hidden [batch, steps, hidden]`.
    fn say(&self, encoded: &Encoded, hidden: Tensor<3>) -> (Tensor<3>, Option<Tensor<3>>) {
        let (hidden, weights) = match (&self.attention, &encoded.memory) {
            (None, None) => (hidden, None),
            (Some(attention), Some(memory)) => {
                let (hidden, weights) = attention.attend(memory, hidden);
                (hidden, Some(weights))
            }
            (Some(_), None) => panic!("this network looks back at the source, and another without attention read it"),
            (None, Some(_)) => panic!("this network has no attention, and another with attention read the source"),
        };
        (self.output.forward(self.dropout.forward(hidden), self.target.embedding()), weights)
    }
}

impl Summarize for Seq2Seq {
    /// `input` is `[source, target]`, or `[time]` for both.
    fn summary(&self, input: &[usize]) -> Summary {
        let [source, target] = [input[0], input[input.len() - 1]];
        let mut rows = self.source.rows("source", source);
        rows.extend(self.encoder.rows("encoder", source));
        let hidden = self.decoder.hidden_size();
        rows.extend(self.bridge.iter().map(|bridge| SummaryRow::new("bridge (Dense)", &[hidden], bridge)));
        rows.extend(self.target.rows("target", target));
        rows.extend(self.decoder.rows("decoder", target));
        rows.extend(self.attention.iter().map(|attention| {
            let name = format!("attention ({})", attention.score.kind());
            SummaryRow::new(name, &[target, hidden], attention)
        }));
        rows.extend(self.output.rows(target));
        Summary { name: "Sequence to sequence".into(), input: input.to_vec(), rows }
    }
}

/// From the final state of an encoder in both directions to the first of a decoder in one.
#[derive(Module, Debug)]
struct Bridge {
    /// `[2 * hidden, hidden]`.
    hidden: Linear,
    /// The same for an LSTM's cell state.
    cell: Option<Linear>,
}

impl Bridge {
    fn new(cell: CellKind, hidden: usize, device: &Device) -> Self {
        let linear = || LinearConfig::new(2 * hidden, hidden).init(device);
        Self { hidden: linear(), cell: (cell == CellKind::Lstm).then(linear) }
    }

    /// `[layers * 2, batch, hidden]` → `[layers, batch, hidden]`.
    fn forward(&self, state: AnyState) -> AnyState {
        let kind = state.kind();
        let mut parts = state.into_parts().into_iter().map(side_by_side);
        let hidden = parts.by_ref().take(1).map(|hidden| self.hidden.forward(hidden).tanh());
        let mut bridged: Vec<Tensor<3>> = hidden.collect();
        bridged.extend(parts.zip(&self.cell).map(|(part, linear)| linear.forward(part)));
        AnyState::from_parts(kind, bridged)
    }
}

/// Puts the two directions of each layer side by side: `[layers * 2, batch, hidden]` → `[layers, batch, 2 * hidden]`.
fn side_by_side(part: Tensor<3>) -> Tensor<3> {
    let [rows, batch, hidden] = part.dims();
    part.reshape([rows / 2, 2, batch, hidden]).swap_dims(1, 2).reshape([rows / 2, batch, 2 * hidden])
}

/// Attention on the decoder's outputs (Luong et al. 2015).
#[derive(Module, Debug)]
struct GlobalAttention {
    score: Attention,
    /// W, `[key + hidden, hidden]`, without a bias as published.
    combine: Linear,
    /// Whether the keys are the sum of both directions.
    sum_directions: bool,
}

impl GlobalAttention {
    fn new(kind: AttentionKind, hidden: usize, bidirectional: bool, device: &Device) -> Self {
        let sum_directions = bidirectional && kind == AttentionKind::Dot;
        let key = if bidirectional && !sum_directions { 2 * hidden } else { hidden };
        Self {
            score: AttentionConfig::new(kind, hidden, key).init(device),
            combine: LinearConfig::new(key + hidden, hidden).with_bias(false).init(device),
            sum_directions,
        }
    }

    fn prepare(&self, outputs: Tensor<3>, lengths: &[usize]) -> AttentionMemory {
        let keys = if self.sum_directions {
            let hidden = outputs.dims()[2] / 2;
            outputs.clone().narrow(2, 0, hidden) + outputs.narrow(2, hidden, hidden)
        } else {
            outputs
        };
        self.score.prepare(keys, Some(lengths))
    }

    /// h̃ `[batch, steps, hidden]` and the weights `[batch, steps, source]`.
    fn attend(&self, memory: &AttentionMemory, hidden: Tensor<3>) -> (Tensor<3>, Tensor<3>) {
        let attended = self.score.attend(memory, hidden.clone());
        let joined = Tensor::cat(vec![attended.context, hidden], 2);
        (self.combine.forward(joined).tanh(), attended.weights)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lectures_network_has_its_parameters() {
        let summary = Seq2SeqConfig::new(100, 100, 128).init(&Device::flex()).summary(&[20]);
        let rows: Vec<(&str, usize)> = summary.rows.iter().map(|row| (row.layer.as_str(), row.parameters)).collect();
        assert_eq!(rows, [("encoder (LSTM)", 117_248), ("decoder (LSTM)", 117_248), ("output (Dense)", 12_900)]);
    }

    #[test]
    fn a_summary_has_a_row_for_everything_that_learns() {
        let config = Seq2SeqConfig::new(7, 9, 4)
            .with_input(Input::Embedding(3))
            .with_layers(2)
            .with_bidirectional(true)
            .with_attention(Some(AttentionKind::Additive))
            .with_tied(true);
        let network = config.init(&Device::flex());
        let summary = network.summary(&[5, 6]);
        let names: Vec<&str> = summary.rows.iter().map(|row| row.layer.as_str()).collect();
        assert_eq!(
            names,
            [
                "source (Embedding)",
                "encoder_1 (Bidirectional LSTM)",
                "encoder_2 (Bidirectional LSTM)",
                "bridge (Dense)",
                "target (Embedding)",
                "decoder_1 (LSTM)",
                "decoder_2 (LSTM)",
                "attention (additive)",
                "projection (Dense)",
                "output (tied Dense)"
            ]
        );
        assert_eq!(summary.parameters(), network.num_params());
    }

    #[test]
    #[should_panic(expected = "one-hot symbols have none")]
    fn one_hot_symbols_cannot_be_tied() {
        Seq2SeqConfig::new(3, 3, 4).with_tied(true).init(&Device::flex());
    }
}
