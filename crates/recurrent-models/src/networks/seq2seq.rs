//! From one sequence to another: an encoder, a decoder and, by choice, attention between them.

use burn::config::Config;
use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Linear, LinearConfig};
use burn::tensor::{Device, Int, Tensor};
use recurrent_kernels::{TokenLogProbs, token_log_probs};

use super::copy_gate::{CopyGate, CopySource};
use super::input::TokenInput;
use super::output::{TokenOutput, token_output};
use crate::empty_batch::{concat, dense};
use crate::padding::{check_nonempty, repeated_rows};
use crate::parameters::{linear, sum_of_products};
use crate::{
    AnyRecurrent, AnyRecurrentConfig, AnyState, Attention, AttentionConfig, AttentionKind, AttentionMemory, CellKind,
    CellOptions, Summarize, Summary, SummaryRow,
};

/// The configuration of a [`Seq2Seq`].
#[derive(Config, Debug, PartialEq)]
#[must_use = "a configuration makes no network until `init` is called"]
#[non_exhaustive]
pub struct Seq2SeqConfig {
    /// The number of source tokens.
    pub source_vocab_size: usize,
    /// The number of target tokens.
    pub target_vocab_size: usize,
    /// Hidden units of each layer and direction.
    pub hidden_size: usize,
    /// Dimensions of a token's embedding, on both sides; one-hot vectors if `None`.
    pub embedding_dim: Option<usize>,
    /// The kind of cell, on both sides.
    #[config(default = "CellKind::Lstm")]
    pub cell: CellKind,
    /// Stacked recurrent layers, on each side.
    #[config(default = 1)]
    pub num_layers: usize,
    /// Whether the encoder runs in both directions.
    #[config(default = false)]
    pub bidirectional: bool,
    /// The attention of the decoder to the encoder's outputs; none if `None`.
    pub attention: Option<AttentionKind>,
    /// Dropout probability on embeddings, between layers and before the output, in `[0, 1)`.
    #[config(default = 0.0)]
    pub dropout: f64,
    /// Whether the output uses the weights of the target's embedding (Press & Wolf 2017).
    #[config(default = false)]
    pub tie_weights: bool,
    /// Whether source and target have one vocabulary and one embedding; with `tie_weights`, the output uses it too.
    #[config(default = false)]
    pub share_embeddings: bool,
    /// The tokens that the decoder never copies from the source, such as padding and the start token; without a copy gate if
    /// `None`. A gate needs attention, and one vocabulary on both sides.
    pub copy_except: Option<Vec<usize>>,
    /// The options of the cell, on both sides.
    #[config(default = "CellOptions::default()")]
    pub cell_options: CellOptions,
}

impl Seq2SeqConfig {
    /// The number of parameters, without making the network; `usize::MAX` stands for any larger number.
    #[must_use]
    pub fn num_parameters(&self) -> usize {
        let Self { source_vocab_size: source, target_vocab_size: target, hidden_size: hidden, .. } = *self;
        let tables = if self.share_embeddings { [source, 0] } else { [source, target] };
        let embedding = self.embedding_dim.map_or(0, |dim| sum_of_products([&[tables[0], dim], &[tables[1], dim]]));
        let bridges = if self.cell == CellKind::Lstm { 2 } else { 1 };
        let bridge = if self.bidirectional { linear(hidden.saturating_mul(2), hidden, true) } else { 0 };
        let attention = self.attention.map_or(0, |kind| {
            let key = GlobalAttention::key_size(kind, hidden, self.bidirectional);
            let score = match kind {
                AttentionKind::Dot => 0,
                AttentionKind::General => linear(key, hidden, false),
                AttentionKind::Additive => sum_of_products([&[hidden, hidden], &[key, hidden], &[hidden]]),
            };
            score.saturating_add(linear(key.saturating_add(hidden), hidden, false))
        });
        let parts = [
            embedding,
            self.recurrent(source).with_bidirectional(self.bidirectional).num_parameters(),
            bridge.saturating_mul(bridges),
            self.recurrent(target).num_parameters(),
            attention,
            self.copy_except.as_ref().map_or(0, |_| linear(hidden, 1, true)),
            token_output(hidden, target, self.embedding_dim.filter(|_| self.tie_weights)),
        ];
        parts.into_iter().fold(0, usize::saturating_add)
    }

    fn recurrent(&self, vocab_size: usize) -> AnyRecurrentConfig {
        AnyRecurrentConfig::new(self.cell, self.embedding_dim.unwrap_or(vocab_size), self.hidden_size)
            .with_num_layers(self.num_layers)
            .with_dropout(self.dropout)
            .with_cell_options(self.cell_options.clone())
    }

    /// Makes the network with fresh weights.
    ///
    /// # Panics
    /// If a size is 0, `dropout` is not in `[0, 1)`, weights are tied or shared without an embedding, an embedding is
    /// shared by vocabularies of two sizes, tokens are copied without attention or between vocabularies of two sizes, or an
    /// option of the cell is invalid.
    pub fn init(&self, device: &Device) -> Seq2Seq {
        self.check_vocabularies();
        let source = TokenInput::new(self.embedding_dim, self.source_vocab_size, self.dropout, device);
        let target = (!self.share_embeddings)
            .then(|| TokenInput::new(self.embedding_dim, self.target_vocab_size, self.dropout, device));
        let output = match (self.tie_weights, &target.as_ref().unwrap_or(&source).embedding) {
            (false, _) => TokenOutput::new(self.hidden_size, self.target_vocab_size, device),
            (true, Some(embedding)) => TokenOutput::tied(self.hidden_size, embedding, device),
            (true, None) => panic!("tie_weights needs an embedding_dim: one-hot tokens have no embedding to tie to"),
        };
        Seq2Seq {
            encoder: self.recurrent(self.source_vocab_size).with_bidirectional(self.bidirectional).init(device),
            bridge: self.bidirectional.then(|| Bridge::new(self.cell, self.hidden_size, device)),
            decoder: self.recurrent(self.target_vocab_size).init(device),
            attention: self
                .attention
                .map(|kind| GlobalAttention::new(kind, self.hidden_size, self.bidirectional, device)),
            copy: self.copy_except.clone().map(|except| CopyGate::new(self.hidden_size, except, device)),
            dropout: DropoutConfig::new(self.dropout).init(),
            source,
            target,
            output,
        }
    }

    fn check_vocabularies(&self) {
        let Self { source_vocab_size: source, target_vocab_size: target, .. } = *self;
        if self.copy_except.is_some() {
            assert!(self.attention.is_some(), "copy_except needs attention: it says what is copied");
            assert_eq!(source, target, "copy_except needs one vocabulary, got {source} and {target} tokens");
        }
        if self.share_embeddings {
            assert!(self.embedding_dim.is_some(), "share_embeddings needs an embedding_dim: there is nothing to share");
            assert_eq!(source, target, "share_embeddings needs one vocabulary, got {source} and {target} tokens");
        }
    }
}

/// An encoder and a decoder: the encoder's final state is the decoder's initial state, and the decoder generates the
/// target token by token (Sutskever et al. 2014).
///
/// - **Bridge.** The state of a unidirectional encoder is passed on as it is. That of a bidirectional one goes through a
///   linear layer for each of its parts, shared by all stacked layers: `h = tanh(W_h [h→; h←] + b_h)` and, for an LSTM,
///   `c = W_c [c→; c←] + b_c`.
/// - **Attention.** The outputs h of the decoder's recurrent layers are the queries, the encoder's outputs the keys and
///   values; the context c is combined as `h̃ = tanh(W [c; h])`, and h̃ goes to the output (global attention: Luong et al.
///   2015, equation 5). There is no input feeding, so a whole target is one scan. Bahdanau et al. (2015) feed the context
///   into the decoder's next input instead; only their additive score is offered here. A dot product needs keys of the
///   decoder's size, so the outputs of a bidirectional encoder's two directions are then added.
/// - **Copying.** By choice, a [`CopyGate`] mixes the output's distribution with the attention to the source's tokens. The
///   logits are then the logarithms of probabilities, and as good for every loss and search as others.
/// - **Output.** As in the [`LanguageModel`](super::LanguageModel), tied to the target's embedding by choice. If both sides
///   share an embedding too, its table has three uses (Press & Wolf 2017, three-way tying).
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use recurrent_models::AttentionKind;
/// use recurrent_models::networks::Seq2SeqConfig;
///
/// let device = Device::default();
/// let network = Seq2SeqConfig::new(20, 30, 16)
///     .with_embedding_dim(Some(8))
///     .with_bidirectional(true)
///     .with_attention(Some(AttentionKind::General))
///     .init(&device);
/// let source = Tensor::from_data([[5, 6, 7], [8, 9, 0]], &device);
///
/// // In training the whole target is known (teacher forcing).
/// let encoded = network.encode(source, &[3, 2]);
/// let decoded = network.decode(&encoded, Tensor::from_data([[1, 2, 3, 4], [1, 5, 6, 7]], &device));
/// assert_eq!(decoded.logits.dims(), [2, 4, 30]);
///
/// // In generation each token follows from those before it.
/// let first = network.step(&encoded, encoded.state.clone(), Tensor::from_data([1, 1], &device));
/// let likeliest = first.logits.argmax(1).squeeze_dim(1);
/// let second = network.step(&encoded, first.state, likeliest);
/// assert_eq!(second.logits.dims(), [2, 30]);
/// ```
#[derive(Module, Debug)]
pub struct Seq2Seq {
    /// The source's embedding.
    pub source: TokenInput,
    /// The encoder's recurrent layers.
    pub encoder: AnyRecurrent,
    /// From a bidirectional encoder's final state to the decoder's initial state.
    pub bridge: Option<Bridge>,
    /// The target's embedding; the source's if `None`.
    pub target: Option<TokenInput>,
    /// The decoder's recurrent layers.
    pub decoder: AnyRecurrent,
    /// The decoder's attention.
    pub attention: Option<GlobalAttention>,
    /// The decoder's choice between the vocabulary and the source.
    pub copy: Option<CopyGate>,
    dropout: Dropout,
    /// From hidden units to logits.
    pub output: TokenOutput,
}

/// An encoded source.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EncoderOutput {
    /// The encoder's outputs, `[batch, source, directions * hidden]`; zero past a row's end.
    pub outputs: Tensor<3>,
    /// The decoder's initial state, `[num_layers, batch, hidden]`.
    pub state: AnyState,
    /// The keys of the decoder's attention, if it has one.
    pub memory: Option<AttentionMemory>,
    /// The source's tokens, if the decoder copies them.
    pub copy: Option<CopySource>,
}

impl EncoderOutput {
    /// The rows at `indices [rows]`, in that order; rows may repeat.
    #[must_use]
    pub fn select_rows(&self, indices: Tensor<1, Int>) -> Self {
        Self {
            outputs: self.outputs.clone().select(0, indices.clone()),
            state: self.state.select_rows(indices.clone()),
            memory: self.memory.as_ref().map(|memory| memory.select_rows(indices.clone())),
            copy: self.copy.as_ref().map(|source| source.select_rows(indices)),
        }
    }

    /// Repeats each row `times` times: rows `a, b` become `a, a, b, b`.
    #[must_use]
    pub fn repeat_rows(&self, times: usize) -> Self {
        self.select_rows(repeated_rows(self.state.batch(), times, &self.outputs.device()))
    }
}

/// The decoder's outputs over a whole target.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DecoderOutput {
    /// Logits of each step's next token, `[batch, target, target_vocab]`.
    pub logits: Tensor<3>,
    /// The state after the last step, `[num_layers, batch, hidden]`.
    pub state: AnyState,
    /// The attention weights of each step, `[batch, target, source]`, with attention.
    pub weights: Option<Tensor<3>>,
}

/// The decoder's outputs at one step.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DecoderStep {
    /// Logits of the next token, `[batch, target_vocab]`.
    pub logits: Tensor<2>,
    /// The state for the next step, `[num_layers, batch, hidden]`.
    pub state: AnyState,
    /// The attention weights, `[batch, source]`, with attention.
    pub weights: Option<Tensor<2>>,
}

impl Seq2Seq {
    /// Encodes `source [batch, source]`, with the number of valid steps of each row; padding is never read.
    ///
    /// # Panics
    /// Unless there is one length per row, from 1 to the number of steps.
    #[must_use]
    pub fn encode(&self, source: Tensor<2, Int>, lengths: &[usize]) -> EncoderOutput {
        let [batch, time] = source.dims();
        check_nonempty(lengths, batch, time);
        let copy = self.copy.as_ref().map(|gate| gate.prepare(source.clone()));
        let (outputs, state) = self.encoder.forward_with_lengths(self.source.forward(source), lengths, None);
        EncoderOutput {
            copy,
            state: match &self.bridge {
                Some(bridge) => bridge.forward(state),
                None => state,
            },
            memory: self.attention.as_ref().map(|attention| attention.prepare(outputs.clone(), lengths)),
            outputs,
        }
    }

    /// Decodes a whole target at once, each token from the true ones before it (teacher forcing): `inputs
    /// [batch, target]` begins with the start token, and the logits at a step are those of the next token.
    ///
    /// # Panics
    /// If there is no step, or another network (with or without attention or copying) encoded the source.
    #[must_use]
    pub fn decode(&self, encoded: &EncoderOutput, inputs: Tensor<2, Int>) -> DecoderOutput {
        let x = self.target_input().forward(inputs);
        let (hidden, state) = self.decoder.forward(x, Some(encoded.state.clone()));
        let (logits, weights) = self.project_logits(encoded, hidden);
        DecoderOutput { logits, state, weights }
    }

    /// Decodes one token per row after `ids [batch]`, with the same results as [`decode`](Self::decode); the first
    /// `state` is that of `encoded`.
    ///
    /// # Panics
    /// As [`decode`](Self::decode) does, and if the state has another shape or is of another cell.
    #[must_use]
    pub fn step(&self, encoded: &EncoderOutput, state: AnyState, ids: Tensor<1, Int>) -> DecoderStep {
        let x = self.target_input().forward(ids.unsqueeze_dim(1)).squeeze_dim(1);
        let (hidden, state) = self.decoder.step(x, Some(state));
        let (logits, weights) = self.project_logits(encoded, hidden.unsqueeze_dim(1));
        DecoderStep { logits: logits.squeeze_dim(1), state, weights: weights.map(|weights| weights.squeeze_dim(1)) }
    }

    /// [`encode`](Self::encode), then the logits of [`decode`](Self::decode): `source [batch, source]`, `inputs
    /// [batch, target]` → `[batch, target, target_vocab]`.
    ///
    /// # Panics
    /// As these do.
    #[must_use]
    pub fn forward(&self, source: Tensor<2, Int>, lengths: &[usize], inputs: Tensor<2, Int>) -> Tensor<3> {
        self.decode(&self.encode(source, lengths), inputs).logits
    }

    /// The logarithms of the probabilities of `targets [batch, target]`, each token from the true ones before it (teacher
    /// forcing), with the `inputs` of [`decode`](Self::decode): what a loss needs, for less than the logits cost. The rows are
    /// `[batch * target]`. With a copy gate, ln p(target) is of the mixed distribution, and the mean over the vocabulary is of
    /// the distribution before copying.
    ///
    /// # Panics
    /// As [`decode`](Self::decode) does, and if `targets` has another shape than `inputs`.
    pub fn target_log_probs(
        &self,
        encoded: &EncoderOutput,
        inputs: Tensor<2, Int>,
        targets: Tensor<2, Int>,
    ) -> TokenLogProbs {
        let [batch, time] = inputs.dims();
        assert_eq!(targets.dims(), [batch, time], "targets and inputs have one shape");
        let x = self.target_input().forward(inputs);
        let (hidden, _) = self.decoder.forward(x, Some(encoded.state.clone()));
        let (hidden, weights) = self.attend(encoded, hidden);
        let logits = self.vocab_logits(hidden.clone());
        let vocab = logits.dims()[2];
        let generated = token_log_probs(logits.reshape([batch * time, vocab]), targets.clone().reshape([batch * time]));
        match self.copying(encoded, weights) {
            None => generated,
            Some((gate, source, weights)) => {
                let target = gate.of_targets(source, generated.target, hidden, weights, targets);
                TokenLogProbs { target, ..generated }
            }
        }
    }

    fn target_input(&self) -> &TokenInput {
        self.target.as_ref().unwrap_or(&self.source)
    }

    /// From the decoder's outputs `hidden [batch, steps, hidden]` to logits and attention weights.
    fn project_logits(&self, encoded: &EncoderOutput, hidden: Tensor<3>) -> (Tensor<3>, Option<Tensor<3>>) {
        let (hidden, weights) = self.attend(encoded, hidden);
        let logits = self.vocab_logits(hidden.clone());
        let logits = match self.copying(encoded, weights.clone()) {
            None => logits,
            Some((gate, source, weights)) => gate.forward(source, logits, hidden, weights),
        };
        (logits, weights)
    }

    /// From the decoder's outputs to those with attention, `[batch, steps, hidden]`, with dropout; and the weights.
    fn attend(&self, encoded: &EncoderOutput, hidden: Tensor<3>) -> (Tensor<3>, Option<Tensor<3>>) {
        let (hidden, weights) = match (&self.attention, &encoded.memory) {
            (None, None) => (hidden, None),
            (Some(attention), Some(memory)) => {
                let (hidden, weights) = attention.attend(memory, hidden);
                (hidden, Some(weights))
            }
            (Some(_), None) => panic!("the source was encoded by a network without attention, and this one has it"),
            (None, Some(_)) => panic!("the source was encoded by a network with attention, and this one has none"),
        };
        (self.dropout.forward(hidden), weights)
    }

    /// The vocabulary's logits, before copying.
    fn vocab_logits(&self, hidden: Tensor<3>) -> Tensor<3> {
        self.output.forward(hidden, self.target_input().embedding.as_ref())
    }

    /// The copy gate, the tokens that it copies and the attention to them, if there is a gate.
    fn copying<'a>(
        &'a self,
        encoded: &'a EncoderOutput,
        weights: Option<Tensor<3>>,
    ) -> Option<(&'a CopyGate, &'a CopySource, Tensor<3>)> {
        match (&self.copy, &encoded.copy, weights) {
            (None, None, _) => None,
            (Some(gate), Some(source), Some(weights)) => Some((gate, source, weights)),
            _ => panic!("of the source's network and this one, one copies tokens and the other does not"),
        }
    }
}

impl Summarize for Seq2Seq {
    /// `input` is `[source, target]`, or `[time]` for both.
    fn summary(&self, input: &[usize]) -> Summary {
        let [source, target] = [input[0], input[input.len() - 1]];
        let mut rows = self.source.rows(if self.target.is_some() { "source" } else { "source and target" }, source);
        rows.extend(self.encoder.rows("encoder", source));
        let hidden = self.decoder.hidden_size();
        rows.extend(self.bridge.iter().map(|bridge| SummaryRow::new("bridge (Dense)", &[hidden], bridge)));
        rows.extend(self.target.iter().flat_map(|input| input.rows("target", target)));
        rows.extend(self.decoder.rows("decoder", target));
        rows.extend(self.attention.iter().map(|attention| {
            let name = format!("attention ({})", attention.score.kind());
            SummaryRow::new(name, &[target, hidden], attention)
        }));
        rows.extend(self.copy.iter().map(|gate| SummaryRow::new("copy gate (Dense)", &[target, 1], gate)));
        rows.extend(self.output.rows(target));
        Summary::new("Sequence to sequence", input, rows)
    }
}

/// From the final state of a bidirectional encoder to the initial state of a unidirectional decoder.
#[derive(Module, Debug)]
pub struct Bridge {
    /// For the hidden state, `[2 * hidden, hidden]`.
    pub hidden: Linear,
    /// For an LSTM's cell state, `[2 * hidden, hidden]`.
    pub cell: Option<Linear>,
}

impl Bridge {
    fn new(cell: CellKind, hidden_size: usize, device: &Device) -> Self {
        let linear = || LinearConfig::new(2 * hidden_size, hidden_size).init(device);
        Self { hidden: linear(), cell: (cell == CellKind::Lstm).then(linear) }
    }

    /// `[num_layers * 2, batch, hidden]` → `[num_layers, batch, hidden]`.
    fn forward(&self, state: AnyState) -> AnyState {
        let cell = state.cell();
        let mut parts = state.into_parts().into_iter().map(concat_directions);
        let hidden = parts.by_ref().take(1).map(|hidden| dense(&self.hidden, hidden).tanh());
        let mut bridged: Vec<Tensor<3>> = hidden.collect();
        bridged.extend(parts.zip(&self.cell).map(|(part, linear)| dense(linear, part)));
        AnyState::from_parts(cell, bridged)
    }
}

/// Concatenates the two directions of each layer: `[num_layers * 2, batch, hidden]` → `[num_layers, batch, 2 * hidden]`.
fn concat_directions(part: Tensor<3>) -> Tensor<3> {
    let [rows, batch, hidden] = part.dims();
    match batch {
        0 => part.swap_dims(0, 1).reshape([0, rows / 2, 2 * hidden]).swap_dims(0, 1),
        _ => part.reshape([rows / 2, 2, batch, hidden]).swap_dims(1, 2).reshape([rows / 2, batch, 2 * hidden]),
    }
}

/// Global attention on the decoder's outputs (Luong et al. 2015).
#[derive(Module, Debug)]
pub struct GlobalAttention {
    /// The attention over the encoder's outputs.
    pub score: Attention,
    /// W of `h̃ = tanh(W [c; h])`, `[key + hidden, hidden]`, without a bias as published.
    pub combine: Linear,
    /// Whether the keys are the sum of the encoder's two directions.
    sum_directions: bool,
}

impl GlobalAttention {
    /// Whether the keys are the sum of the encoder's two directions, and not both side by side.
    #[must_use]
    pub fn sums_directions(&self) -> bool {
        self.sum_directions
    }

    fn new(kind: AttentionKind, hidden_size: usize, bidirectional: bool, device: &Device) -> Self {
        let sum_directions = bidirectional && kind == AttentionKind::Dot;
        let key = Self::key_size(kind, hidden_size, bidirectional);
        Self {
            score: AttentionConfig::new(kind, hidden_size, key).init(device),
            combine: LinearConfig::new(key + hidden_size, hidden_size).with_bias(false).init(device),
            sum_directions,
        }
    }

    /// The features of a key: the directions of the encoder are added for a dot product, and otherwise concatenated.
    fn key_size(kind: AttentionKind, hidden_size: usize, bidirectional: bool) -> usize {
        if bidirectional && kind != AttentionKind::Dot { hidden_size.saturating_mul(2) } else { hidden_size }
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
        let joined = concat(vec![attended.context, hidden], 2);
        (dense(&self.combine, joined).tanh(), attended.weights)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_hot_network_has_keras_parameter_counts() {
        let summary = Seq2SeqConfig::new(100, 100, 128).init(&Device::flex()).summary(&[20]);
        let rows: Vec<(&str, usize)> = summary.rows.iter().map(|row| (row.layer.as_str(), row.parameters)).collect();
        assert_eq!(rows, [("encoder (LSTM)", 117_248), ("decoder (LSTM)", 117_248), ("output (Dense)", 12_900)]);
    }

    #[test]
    fn summary_has_a_row_for_every_trained_part() {
        let config = Seq2SeqConfig::new(7, 9, 4)
            .with_embedding_dim(Some(3))
            .with_num_layers(2)
            .with_bidirectional(true)
            .with_attention(Some(AttentionKind::Additive))
            .with_tie_weights(true);
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
    fn a_shared_table_is_counted_once() {
        let config = Seq2SeqConfig::new(7, 7, 4).with_embedding_dim(Some(4)).with_tie_weights(true);
        let separate = config.clone().init(&Device::flex()).num_params();
        let network = config.with_share_embeddings(true).init(&Device::flex());
        assert_eq!(network.num_params(), separate - 7 * 4);
        let summary = network.summary(&[5, 6]);
        let names: Vec<&str> = summary.rows.iter().map(|row| row.layer.as_str()).collect();
        assert_eq!(names, ["source and target (Embedding)", "encoder (LSTM)", "decoder (LSTM)", "output (tied Dense)"]);
        assert_eq!(summary.parameters(), network.num_params());
    }

    #[test]
    #[should_panic(expected = "copy_except needs attention")]
    fn tokens_are_not_copied_without_attention() {
        let _ = Seq2SeqConfig::new(3, 3, 4).with_copy_except(Some(vec![])).init(&Device::flex());
    }

    #[test]
    #[should_panic(expected = "share_embeddings needs one vocabulary, got 3 and 4 tokens")]
    fn vocabularies_of_two_sizes_share_no_embedding() {
        let config = Seq2SeqConfig::new(3, 4, 4).with_embedding_dim(Some(2)).with_share_embeddings(true);
        let _ = config.init(&Device::flex());
    }

    #[test]
    #[should_panic(expected = "share_embeddings needs an embedding_dim")]
    fn one_hot_tokens_share_no_embedding() {
        let _ = Seq2SeqConfig::new(3, 3, 4).with_share_embeddings(true).init(&Device::flex());
    }

    #[test]
    #[should_panic(expected = "one-hot tokens have no embedding")]
    fn one_hot_tokens_cannot_be_tied() {
        let _ = Seq2SeqConfig::new(3, 3, 4).with_tie_weights(true).init(&Device::flex());
    }
}
