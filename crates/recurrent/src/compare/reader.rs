//! The network that every cell is put into.

use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Int, Tensor, TensorData};
use recurrent_models::{AnyRecurrent, CellKind};
use serde::{Deserialize, Serialize};

use super::cost::hidden_at;
use super::task::{Answers, Examples};

/// The sizes of a [`Reader`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReaderShape {
    /// Which recurrent layer.
    pub cell: CellKind,
    /// Features of a step.
    pub inputs: usize,
    /// Hidden units.
    pub hidden: usize,
    /// Features of an answer.
    pub outputs: usize,
}

impl ReaderShape {
    /// How many numbers are learned.
    ///
    /// A gate has a matrix over the input, one over the hidden units, and a bias; an RNN has one of them, a GRU three
    /// and one bias more, an LSTM four. The dense layer on top has a weight a hidden unit and answer, and a bias.
    pub fn parameters(&self) -> usize {
        let gate = self.hidden * (self.inputs + self.hidden + 1);
        let layer = match self.cell {
            CellKind::Rnn => gate,
            CellKind::Gru => 3 * gate + self.hidden,
            CellKind::Lstm => 4 * gate,
        };
        layer + (self.hidden + 1) * self.outputs
    }

    /// The same network with another cell, of the hidden size whose parameters come nearest to as many.
    pub fn as_large_with(&self, cell: CellKind) -> Self {
        let sized = |hidden| Self { cell, hidden, ..*self };
        sized(hidden_at(self.parameters(), |hidden| sized(hidden).parameters()))
    }
}

/// A recurrent layer, and a dense layer on its last step or on each.
#[derive(Module, Debug)]
pub struct Reader {
    /// The layer.
    pub layer: AnyRecurrent,
    dense: Linear,
}

impl Reader {
    /// Fresh weights.
    pub fn new(shape: &ReaderShape, device: &Device) -> Self {
        Self::of(shape.cell.init(shape.inputs, shape.hidden, device), shape.outputs, device)
    }

    /// A dense layer with fresh weights on a layer that is there.
    pub fn of(layer: AnyRecurrent, outputs: usize, device: &Device) -> Self {
        let dense = LinearConfig::new(layer.output_size(), outputs).init(device);
        Self { layer, dense }
    }

    /// The mean loss of rows, `[1]`, and the share of right answers, `[1]`: of the last step's answers, or of those of
    /// each sequence's last `asked` steps.
    ///
    /// Numbers are right within 0.04 of the truth, as Hochreiter & Schmidhuber had it.
    pub fn score(&self, rows: &Rows, asked: usize) -> (Tensor<1>, Tensor<1>) {
        let (output, _) = self.layer.forward(rows.inputs.clone(), None);
        self.answered(output, rows, asked)
    }

    /// The same of the layer's output, `[rows, time, hidden]`.
    pub fn answered(&self, output: Tensor<3>, rows: &Rows, asked: usize) -> (Tensor<1>, Tensor<1>) {
        let [batch, time, hidden] = output.dims();
        let last = || output.clone().narrow(1, time - 1, 1).reshape([batch, hidden]);
        match &rows.answers {
            RowAnswers::Numbers(truth) => {
                let error = self.dense.forward(last()) - truth.clone().unsqueeze_dim(1);
                let right = error.clone().abs().lower_elem(NEAR).float().mean();
                (error.powi_scalar(2).mean(), right)
            }
            RowAnswers::Classes(truth) => {
                let logits = self.dense.forward(last());
                (classified(logits.clone(), truth.clone()), share_right(logits, truth.clone()))
            }
            RowAnswers::Sequences(truth) => {
                let logits = self.dense.forward(output);
                let classes = logits.dims()[2];
                let all = logits.clone().reshape([batch * time, classes]);
                let loss = classified(all, truth.clone().reshape([batch * time]));
                let asked_logits = logits.narrow(1, time - asked, asked).reshape([batch * asked, classes]);
                let asked_truth = truth.clone().narrow(1, time - asked, asked).reshape([batch * asked]);
                (loss, share_right(asked_logits, asked_truth))
            }
        }
    }
}

/// How far a number may be from the truth.
const NEAR: f64 = 0.04;

fn classified(logits: Tensor<2>, truth: Tensor<1, Int>) -> Tensor<1> {
    CrossEntropyLossConfig::new().init(&logits.device()).forward(logits, truth)
}

fn share_right(logits: Tensor<2>, truth: Tensor<1, Int>) -> Tensor<1> {
    let said = logits.argmax(1).squeeze_dim::<1>(1);
    said.equal(truth).float().mean()
}

/// Rows on a device.
#[derive(Debug, Clone)]
pub struct Rows {
    /// `[rows, time, width]`.
    pub inputs: Tensor<3>,
    answers: RowAnswers,
}

#[derive(Debug, Clone)]
enum RowAnswers {
    Numbers(Tensor<1>),
    Classes(Tensor<1, Int>),
    Sequences(Tensor<2, Int>),
}

impl Examples {
    /// The rows as tensors.
    pub fn on(self, device: &Device) -> Rows {
        let [rows, time, _] = self.shape;
        Rows {
            inputs: Tensor::from_data(TensorData::new(self.inputs, self.shape), device),
            answers: match self.answers {
                Answers::Numbers(numbers) => {
                    RowAnswers::Numbers(Tensor::from_data(TensorData::new(numbers, [rows]), device))
                }
                Answers::Classes(classes) => {
                    RowAnswers::Classes(Tensor::from_data(TensorData::new(classes, [rows]), device))
                }
                Answers::Sequences(classes) => {
                    RowAnswers::Sequences(Tensor::from_data(TensorData::new(classes, [rows, time]), device))
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_counted_as_the_network_has_them() {
        for cell in CellKind::ALL {
            let shape = ReaderShape { cell, inputs: 3, hidden: 7, outputs: 5 };
            assert_eq!(Reader::new(&shape, &Device::flex()).num_params(), shape.parameters(), "{cell}");
        }
    }

    #[test]
    fn networks_as_large_as_an_lstm_have_about_its_parameters() {
        let lstm = ReaderShape { cell: CellKind::Lstm, inputs: 8, hidden: 32, outputs: 8 };
        assert_eq!(lstm.as_large_with(CellKind::Lstm), lstm);
        for cell in [CellKind::Rnn, CellKind::Gru] {
            let other = lstm.as_large_with(cell);
            let off = other.parameters().abs_diff(lstm.parameters()) as f64 / lstm.parameters() as f64;
            assert!(other.hidden > 32 && off < 0.02, "{cell}: {}", other.hidden);
        }
    }
}
