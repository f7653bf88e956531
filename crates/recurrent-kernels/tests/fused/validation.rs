//! The error messages for invalid arguments.

use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::tensor::{Device, FloatDType, Tensor};
use recurrent_kernels::{GruState, LstmState, Reset, Scan, State, Weights, gru_layer, lstm_layer, lstm_scan};

use crate::devices::Tested;

const BATCH: usize = 2;
const TIME: usize = 3;
const INPUT: usize = 4;
const HIDDEN: usize = 5;

/// A change that makes a call invalid, and the expected message.
type InvalidCall = (fn(Call) -> Call, &'static str);

const INVALID_CALLS: [InvalidCall; 13] = [
    (
        |call| Call { x: call.x.clone().narrow(1, 0, 1).slice([0..2, 0..0, 0..4]), ..call },
        "x [batch, time, input] must have at least one step, got [2, 0, 4]",
    ),
    (
        |call| Call { x: call.x.clone().narrow(2, 0, 3), ..call },
        "w_ih [input, 4 * hidden]: expected shape [3, 20], got [4, 20]",
    ),
    (
        |call| call.weights(|weights| Weights { w_ih: weights.w_ih.narrow(1, 0, 15), ..weights }),
        "w_ih [input, 4 * hidden]: expected shape [4, 20], got [4, 15]",
    ),
    (
        |call| call.weights(|weights| Weights { w_hh: weights.w_hh.narrow(1, 0, 19), ..weights }),
        "w_hh [hidden, 4 * hidden]: expected shape [5, 20], got [5, 19]",
    ),
    (
        |call| call.weights(|weights| Weights { bias: weights.bias.map(|bias| bias.narrow(0, 0, 5)), ..weights }),
        "bias [4 * hidden]: expected shape [20], got [5]",
    ),
    (
        |call| call.state(|state| state.map(|part| part.narrow(1, 0, 1))),
        "initial state [directions, batch, hidden]: expected shape [1, 2, 5], got [1, 1, 5]",
    ),
    (
        |call| call.state(|state| LstmState { cell: state.cell.narrow(2, 0, 4), ..state }),
        "initial state [directions, batch, hidden]: expected shape [1, 2, 5], got [1, 2, 4]",
    ),
    (
        |call| call.weights(|weights| Weights { w_hh: weights.w_hh.cast(FloatDType::F64), ..weights }),
        "w_hh [hidden, 4 * hidden]: expected dtype F32 (that of x), got F64",
    ),
    (
        |call| call.state(|state| state.map(|part| part.cast(FloatDType::F64))),
        "initial state [directions, batch, hidden]: expected dtype F32 (that of x), got F64",
    ),
    (|call| Call { lengths: Some(vec![1]), ..call }, "lengths must have one entry per row: expected 2, got 1"),
    (|call| Call { lengths: Some(vec![3, 4]), ..call }, "lengths[1] is 4, but the sequence has 3 steps"),
    (|call| Call { cell_clip: Some(0.0), ..call }, "cell_clip must be positive, got 0"),
    (|call| Call { directions: 3, ..call }, "a layer must have one or two directions, got 3"),
];

pub fn rejects_invalid_arguments(Tested { device, .. }: &Tested) {
    for (change, expected) in INVALID_CALLS {
        assert_panics(|| drop(change(Call::valid(device)).run()), expected);
    }
    Call::valid(device).run();

    // Scans of a single direction have the same checks.
    let Call { x, weights, .. } = Call::valid(device);
    let state = LstmState::zeros([BATCH + 1, HIDDEN], device);
    let expected = "initial state [directions, batch, hidden]: expected shape [1, 2, 5], got [1, 3, 5]";
    assert_panics(|| drop(lstm_scan(x, weights, None, state, &Scan::default())), expected);

    let gru = |bias_hn: usize, second: Option<Reset>| {
        let tensor = |shape| Tensor::<2>::ones(shape, device);
        let weights = || Weights { w_ih: tensor([INPUT, 15]), w_hh: tensor([HIDDEN, 15]), bias: None };
        let first = Reset::After { bias_hn: Some(Tensor::ones([bias_hn], device)) };
        let directions = [Some(first), second].into_iter().flatten().map(|reset| (weights(), reset)).collect();
        drop(gru_layer(Tensor::ones([BATCH, TIME, INPUT], device), directions, None::<GruState>, None));
    };
    assert_panics(|| gru(4, None), "bias_hn [hidden]: expected shape [5], got [4]");
    assert_panics(
        || gru(5, Some(Reset::Before)),
        "both directions of a GRU layer must apply the reset gate in the same place",
    );
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
    fn valid(device: &Device) -> Self {
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

    fn run(self) -> Tensor<3> {
        let weights = vec![self.weights; self.directions];
        lstm_layer(self.x, weights, self.cell_clip, Some(self.initial), self.lengths.as_deref()).output
    }
}

fn assert_panics(call: impl FnOnce(), expected: &str) {
    let panic = catch_unwind(AssertUnwindSafe(call)).expect_err(expected);
    let message = panic.downcast_ref::<String>().map_or_else(|| *panic.downcast_ref::<&str>().unwrap(), String::as_str);
    assert_eq!(message, expected);
}
