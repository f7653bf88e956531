//! A network over the frames of a piece, and the notes of each.

use burn::config::Config;
use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Embedding, EmbeddingConfig, Initializer, Linear, LinearConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Int, Tensor};
use recurrent_models::kernels::embedding_bag;
use recurrent_models::{
    AnyRecurrent, AnyRecurrentConfig, AnyState, CellKind, StreamingDense, StreamingLayer, Summarize, Summary,
    SummaryRow,
};
use recurrent_music::MusicTokenizer;

use super::frame_reader::{COUNTS, FrameReader, feature_sizes};

/// The deviation of fresh embeddings: large, since few are added.
const EMBEDDING_DEVIATION: f64 = 0.3;

/// The configuration of a [`FrameModel`].
#[derive(Config, Debug, PartialEq)]
#[must_use = "a configuration makes no network until `init` is called"]
#[non_exhaustive]
pub struct FrameModelConfig {
    /// The number of tokens.
    pub vocab_size: usize,
    /// Dimensions of the embedding of a frame.
    pub embedding_dim: usize,
    /// Hidden units of each recurrent layer, and of the layer before the output.
    pub hidden_size: usize,
    /// The kind of cell.
    #[config(default = "CellKind::Gru")]
    pub cell: CellKind,
    /// Stacked recurrent layers.
    #[config(default = 1)]
    pub num_layers: usize,
    /// Dropout probability on the embedding, between layers and before the output.
    #[config(default = 0.0)]
    pub dropout: f64,
}

impl FrameModelConfig {
    /// The number of parameters, without making the network; `usize::MAX` stands for any larger number.
    #[must_use]
    pub fn num_parameters(&self) -> usize {
        let Self { vocab_size, embedding_dim, hidden_size, .. } = *self;
        let [steps, tokens] = feature_sizes(vocab_size);
        let hidden = hidden_size.saturating_mul(COUNTS);
        let tables = [
            (steps, embedding_dim),
            (tokens, hidden_size),
            (hidden_size.saturating_add(embedding_dim), hidden),
            (hidden_size, vocab_size),
        ];
        let of_tables = tables.into_iter().map(|(rows, columns)| rows.saturating_mul(columns));
        let biases = hidden.saturating_add(vocab_size);
        of_tables.fold(self.recurrent().num_parameters(), usize::saturating_add).saturating_add(biases)
    }

    fn recurrent(&self) -> AnyRecurrentConfig {
        AnyRecurrentConfig::new(self.cell, self.embedding_dim, self.hidden_size)
            .with_num_layers(self.num_layers)
            .with_dropout(self.dropout)
    }

    /// Makes the network with fresh weights.
    ///
    /// # Panics
    /// If a size is 0 or `dropout` is not in `[0, 1)`.
    pub fn init(&self, device: &Device) -> FrameModel {
        let [steps, tokens] = feature_sizes(self.vocab_size);
        let initializer = Initializer::Normal { mean: 0.0, std: EMBEDDING_DEVIATION };
        let embedding =
            |rows, columns| EmbeddingConfig::new(rows, columns).with_initializer(initializer.clone()).init(device);
        FrameModel {
            embedding: embedding(steps, self.embedding_dim),
            dropout: DropoutConfig::new(self.dropout).init(),
            recurrent: self.recurrent().init(device),
            hidden: LinearConfig::new(self.hidden_size + self.embedding_dim, COUNTS * self.hidden_size).init(device),
            notes: embedding(tokens, self.hidden_size),
            output: LinearConfig::new(self.hidden_size, self.vocab_size).init(device),
        }
    }
}

/// Recurrent layers over the frames of a piece, and a layer for the notes of a frame, each of which knows those above it:
/// with h the top layer's output after the frames before, x the embedding of the last of them, and e the sum of the embeddings
/// of what is said of this frame so far, the logits of the next token are V relu(U_k [h, x] + e) + b, if k notes of it were
/// said.
///
/// It is the structure of the RNN-NADE (Boulanger-Lewandowski et al. 2012) with tokens instead of keys, and with a connection
/// that skips the recurrent layers (Graves 2013), since a voice leads from the note that it had. The recurrent layers take one
/// step per frame, not one per note, and read all notes of the frame before at once.
#[derive(Module, Debug)]
pub struct FrameModel {
    /// `[step features, embedding_dim]`.
    pub embedding: Embedding,
    dropout: Dropout,
    /// The recurrent layers.
    pub recurrent: AnyRecurrent,
    /// U of each number of notes, `[hidden + embedding_dim, 5 * hidden]`.
    pub hidden: Linear,
    /// `[token features, hidden]`.
    pub notes: Embedding,
    /// V, `[hidden, vocab]`.
    pub output: Linear,
}

/// Excerpts of pieces, as a [`FrameModel`] reads them.
#[derive(Debug, Clone)]
pub struct FrameSteps {
    /// The features of each step, `[batch, steps, features]`.
    pub steps: Tensor<3, Int>,
    /// The steps of each row.
    pub lengths: Vec<usize>,
    /// The features of each token, `[tokens, features]`: those of all rows, one row after the other.
    pub tokens: Tensor<2, Int>,
    /// The step of each token among those of all rows, and how many notes of the frame were said, as the index
    /// `5 * step + notes`, `[tokens]`.
    pub place_of: Tensor<1, Int>,
}

impl FrameModel {
    /// The logits of the token after each one, `[tokens, vocab]`, and the state after the last step.
    ///
    /// # Panics
    /// If the state has another shape or is of another cell.
    #[must_use]
    pub fn forward(&self, read: FrameSteps, state: Option<AnyState>) -> (Tensor<2>, AnyState) {
        let FrameSteps { steps, lengths, tokens, place_of } = read;
        let [batch, width, features] = steps.dims();
        let x = embedding_bag(self.embedding.weight.val(), steps.reshape([batch * width, features]));
        let x = self.dropout.forward(x.reshape([batch as i64, width as i64, -1]));
        let (outputs, state) = self.recurrent.forward_with_lengths(x.clone(), &lengths, state);
        let size = outputs.dims()[2];
        let known = Tensor::cat(vec![self.dropout.forward(outputs), x], 2);
        let hidden = self.hidden.forward(known).reshape([batch * width * COUNTS, size]);
        let notes = embedding_bag(self.notes.weight.val(), tokens);
        let activations = relu(hidden.select(0, place_of) + notes);
        (self.output.forward(self.dropout.forward(activations)), state)
    }

    /// Copies the weights into a network that reads one token at a time.
    #[must_use]
    pub(super) fn streaming<'a>(&self, tokenizer: &'a MusicTokenizer) -> StreamingFrameModel<'a> {
        let dense =
            |linear: &Linear| StreamingDense::new(linear.weight.val(), linear.bias.as_ref().map(|bias| bias.val()));
        let rows = |embedding: &Embedding| embedding.weight.val().into_data().iter::<f32>().collect();
        StreamingFrameModel {
            reader: FrameReader::new(tokenizer),
            embedding: rows(&self.embedding),
            x: vec![0.0; self.embedding.weight.dims()[1]],
            recurrent: self.recurrent.streaming(None),
            hidden: dense(&self.hidden),
            known: Vec::new(),
            of_step: Vec::new(),
            notes: rows(&self.notes),
            activations: Vec::new(),
            output: dense(&self.output),
        }
    }
}

impl Summarize for FrameModel {
    /// `input` is `[steps]`.
    fn summary(&self, input: &[usize]) -> Summary {
        let time = input[0];
        let mut rows =
            vec![SummaryRow::new("embedding (Embedding)", &[time, self.embedding.weight.dims()[1]], &self.embedding)];
        rows.extend(self.recurrent.rows(&self.recurrent.cell().to_string(), time));
        rows.push(SummaryRow::new("hidden (Dense)", &[time, self.hidden.weight.dims()[1]], &self.hidden));
        rows.push(SummaryRow::new("notes (Embedding)", &[time, self.notes.weight.dims()[1]], &self.notes));
        rows.push(SummaryRow::new("output (Dense)", &[time, self.output.weight.dims()[1]], &self.output));
        Summary::new("Frame model", input, rows)
    }
}

/// A [`FrameModel`] that reads the tokens of one piece, one after the other.
#[derive(Debug)]
pub(super) struct StreamingFrameModel<'a> {
    reader: FrameReader<'a>,
    embedding: Vec<f32>,
    x: Vec<f32>,
    recurrent: StreamingLayer,
    hidden: StreamingDense,
    /// h and x of this step.
    known: Vec<f32>,
    /// U [h, x] of this step, for each number of notes.
    of_step: Vec<f32>,
    notes: Vec<f32>,
    activations: Vec<f32>,
    output: StreamingDense,
}

impl StreamingFrameModel<'_> {
    /// Reads a token; `logits` become those of the next one.
    pub fn step(&mut self, id: u32, logits: &mut Vec<f32>) {
        if self.reader.push(id) {
            self.x.fill(0.0);
            add_rows(&self.embedding, &self.reader.step_features(id), &mut self.x);
            self.known.clear();
            self.known.extend_from_slice(self.recurrent.step(&self.x));
            self.known.extend_from_slice(&self.x);
            self.hidden.forward(&self.known, &mut self.of_step);
        }
        let size = self.of_step.len() / COUNTS;
        self.activations.clear();
        self.activations.extend_from_slice(&self.of_step[self.reader.count() * size..][..size]);
        add_rows(&self.notes, &self.reader.token_features(), &mut self.activations);
        self.activations.iter_mut().for_each(|value| *value = value.max(0.0));
        self.output.forward(&self.activations, logits);
    }
}

/// Adds rows of an embedding to a vector.
fn add_rows(embedding: &[f32], features: &[u32], sum: &mut [f32]) {
    for feature in features {
        let start = *feature as usize * sum.len();
        sum.iter_mut().zip(&embedding[start..]).for_each(|(sum, value)| *sum += value);
    }
}

#[cfg(all(test, feature = "fit"))]
mod tests {
    use recurrent_music::{ChoralesByRule, MusicTokenizerConfig, Representation, encode_frames};

    use super::super::frame_reader::is_step;
    use super::*;

    fn tokenizer() -> MusicTokenizer {
        let representation = Representation::Frames;
        MusicTokenizer::new(MusicTokenizerConfig { representation, per_quarter: 2, holds: true, labels: true })
    }

    fn logits(model: &FrameModel, pieces: &[&[u32]], tokenizer: &MusicTokenizer) -> Tensor<2> {
        let excerpts: Vec<(&[u32], &[u32])> = pieces.iter().map(|ids| (&[][..], *ids)).collect();
        model.forward(FrameSteps::new(&excerpts, tokenizer, &Device::flex()), None).0
    }

    #[test]
    fn streaming_gives_the_logits_of_the_network() {
        let (device, tokenizer) = (Device::flex(), tokenizer());
        let [long, short] =
            [4, 5].map(|index| encode_frames(&tokenizer, &ChoralesByRule::new(3).chorale(index).frame_piece()));
        let short = &short[..40];
        for cell in [CellKind::Rnn, CellKind::Lstm, CellKind::Gru] {
            let config = FrameModelConfig::new(tokenizer.vocab_size(), 6, 5).with_cell(cell).with_num_layers(2);
            let model = config.init(&device);
            assert_eq!(config.num_parameters(), model.num_params());
            assert_eq!(model.summary(&[9]).parameters(), model.num_params());
            let together = logits(&model, &[&long, short], &tokenizer);
            let mut expected = together.into_data().iter::<f32>().collect::<Vec<_>>().into_iter();
            for ids in [&long[..], short] {
                let mut streaming = model.streaming(&tokenizer);
                let mut found = Vec::new();
                for (at, id) in ids[..ids.len() - 1].iter().enumerate() {
                    streaming.step(*id, &mut found);
                    for found in &found {
                        let expected = expected.next().unwrap();
                        assert!((found - expected).abs() < 1e-5, "{cell} {at}: {found} {expected}");
                    }
                }
            }
            assert_eq!(expected.next(), None);
        }
    }

    #[test]
    fn excerpts_go_on_where_others_ended() {
        let (device, tokenizer) = (Device::flex(), tokenizer());
        let ids = encode_frames(&tokenizer, &ChoralesByRule::new(3).chorale(4).frame_piece());
        let model = FrameModelConfig::new(tokenizer.vocab_size(), 6, 5).init(&device);
        let whole = logits(&model, &[&ids], &tokenizer);
        let cut = (20..).find(|at| tokenizer.token(ids[*at]).is_some_and(is_step)).unwrap();
        let mut reader = FrameReader::new(&tokenizer);
        reader.skip(&ids[..cut]);
        let steps = |before: &[u32], ids: &[u32]| FrameSteps::new(&[(before, ids)], &tokenizer, &device);
        let (first, state) = model.forward(steps(&[], &ids[..=cut]), None);
        let (second, _) = model.forward(steps(&reader.reminder(), &ids[cut..]), Some(state));
        let difference = Tensor::cat(vec![first, second], 0) - whole;
        assert!(difference.abs().max().into_scalar::<f32>() < 1e-5);
    }
}
