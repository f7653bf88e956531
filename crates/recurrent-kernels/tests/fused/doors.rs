//! What the doors refuse, and in which words.

use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::tensor::{Device, FloatDType, Tensor};
use recurrent_kernels::{GruState, LstmState, Reset, Scan, State, Weights, gru_layer, lstm_layer, lstm_scan};

use crate::devices::Tested;

const BATCH: usize = 2;
const TIME: usize = 3;
const INPUT: usize = 4;
const HIDDEN: usize = 5;

/// A call with one thing wrong, and what is said of it.
type Wrong = (fn(Call) -> Call, &'static str);

const WRONG: [Wrong; 13] = [
    (
        |call| Call { x: call.x.clone().narrow(1, 0, 1).slice([0..2, 0..0, 0..4]), ..call },
        "a sequence has at least one step, got x [2, 0, 4]",
    ),
    (
        |call| Call { x: call.x.clone().narrow(2, 0, 3), ..call },
        "w_ih [input, 4 * hidden]: expected [3, 20], got [4, 20]",
    ),
    (
        |call| call.weights(|weights| Weights { w_ih: weights.w_ih.narrow(1, 0, 15), ..weights }),
        "w_ih [input, 4 * hidden]: expected [4, 20], got [4, 15]",
    ),
    (
        |call| call.weights(|weights| Weights { w_hh: weights.w_hh.narrow(1, 0, 19), ..weights }),
        "w_hh [hidden, 4 * hidden]: expected [5, 20], got [5, 19]",
    ),
    (
        |call| call.weights(|weights| Weights { bias: weights.bias.map(|bias| bias.narrow(0, 0, 5)), ..weights }),
        "bias [4 * hidden]: expected [20], got [5]",
    ),
    (
        |call| call.state(|state| state.map(|part| part.narrow(1, 0, 1))),
        "the initial state [directions, batch, hidden]: expected [1, 2, 5], got [1, 1, 5]",
    ),
    (
        |call| call.state(|state| LstmState { cell: state.cell.narrow(2, 0, 4), ..state }),
        "the initial state [directions, batch, hidden]: expected [1, 2, 5], got [1, 2, 4]",
    ),
    (
        |call| call.weights(|weights| Weights { w_hh: weights.w_hh.cast(FloatDType::F64), ..weights }),
        "w_hh [hidden, 4 * hidden]: expected F32 as x has, got F64",
    ),
    (
        |call| call.state(|state| state.map(|part| part.cast(FloatDType::F64))),
        "the initial state [directions, batch, hidden]: expected F32 as x has, got F64",
    ),
    (|call| Call { lengths: Some(vec![1]), ..call }, "one length a row: expected 2 lengths, got 1"),
    (|call| Call { lengths: Some(vec![3, 4]), ..call }, "the length of row 1 is 4, but the sequence has 3 steps"),
    (|call| Call { cell_clip: Some(0.0), ..call }, "an LSTM's cell state is held within a positive number, got 0"),
    (|call| Call { directions: 3, ..call }, "a layer has one direction or two, got 3"),
];

pub fn refuse(Tested { device, .. }: &Tested) {
    for (spoil, expected) in WRONG {
        refused(|| drop(spoil(Call::right(device)).make()), expected);
    }
    Call::right(device).make();

    // The single directions have the same door.
    let Call { x, weights, .. } = Call::right(device);
    let state = LstmState::zeros([BATCH + 1, HIDDEN], device);
    let expected = "the initial state [directions, batch, hidden]: expected [1, 2, 5], got [1, 3, 5]";
    refused(|| drop(lstm_scan(x, weights, None, state, &Scan::default())), expected);

    let gru = |bias_hn: usize, second: Option<Reset>| {
        let tensor = |shape| Tensor::<2>::ones(shape, device);
        let weights = || Weights { w_ih: tensor([INPUT, 15]), w_hh: tensor([HIDDEN, 15]), bias: None };
        let first = Reset::After { bias_hn: Some(Tensor::ones([bias_hn], device)) };
        let directions = [Some(first), second].into_iter().flatten().map(|reset| (weights(), reset)).collect();
        drop(gru_layer(Tensor::ones([BATCH, TIME, INPUT], device), directions, None::<GruState>, None));
    };
    refused(|| gru(4, None), "bias_hn [hidden]: expected [5], got [4]");
    refused(|| gru(5, Some(Reset::Before)), "the reset gate stands in the same place in both directions of a layer");
}

/// A call of `lstm_layer`.
struct Call {
    x: Tensor<3>,
    weights: Weights,
    directions: usize,
    cell_clip: Option<f64>,
    initial: LstmState,
    lengths: Option<Vec<usize>>,
}

impl Call {
    fn right(device: &Device) -> Self {
        Self {
            x: Tensor::ones([BATCH, TIME, INPUT], device),
            weights: Weights {
                w_ih: Tensor::ones([INPUT, 4 * HIDDEN], device),
                w_hh: Tensor::ones([HIDDEN, 4 * HIDDEN], device),
                bias: Some(Tensor::ones([4 * HIDDEN], device)),
            },
            directions: 1,
            cell_clip: None,
            initial: LstmState::zeros([1, BATCH, HIDDEN], device),
            lengths: None,
        }
    }

    fn weights(self, change: impl Fn(Weights) -> Weights) -> Self {
        Self { weights: change(self.weights), ..self }
    }

    fn state(self, change: impl Fn(LstmState) -> LstmState) -> Self {
        Self { initial: change(self.initial), ..self }
    }

    fn make(self) -> Tensor<3> {
        let weights = vec![self.weights; self.directions];
        lstm_layer(self.x, weights, self.cell_clip, Some(self.initial), self.lengths.as_deref()).output
    }
}

fn refused(call: impl FnOnce(), expected: &str) {
    let said = catch_unwind(AssertUnwindSafe(call)).expect_err(expected);
    let said = said.downcast_ref::<String>().map_or_else(|| *said.downcast_ref::<&str>().unwrap(), String::as_str);
    assert_eq!(said, expected);
}
