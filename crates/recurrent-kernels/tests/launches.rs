//! How many kernels a scan launches on a GPU, as CubeCL counts them.
#![recursion_limit = "256"]
#![cfg(feature = "wgpu")]

use burn::tensor::{Device, DeviceKind, Tensor};
use recurrent_kernels::gpu::{Schedule, count_launches, with_schedule};
use recurrent_kernels::{Nonlinearity, Reset, Weights, gru_layer, lstm_layer, rnn_layer};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Cell {
    Rnn,
    Lstm,
    GruAfter,
    GruBefore,
}

const CELLS: [Cell; 4] = [Cell::Rnn, Cell::Lstm, Cell::GruAfter, Cell::GruBefore];

/// A layer over a sequence of `time` steps, and the launches of its way forward and of its way back.
struct Passes {
    cell: Cell,
    directions: usize,
    batch: usize,
    hidden: usize,
}

impl Passes {
    fn launches(&self, time: usize, device: &Device) -> [usize; 2] {
        let Self { cell, directions, batch, hidden } = *self;
        let gates = [1, 4, 3, 3][cell as usize];
        let tracked = |shape| Tensor::<2>::full(shape, 0.01, device).require_grad();
        let weights = || Weights {
            w_ih: tracked([2, gates * hidden]),
            w_hh: tracked([hidden, gates * hidden]),
            bias: Some(Tensor::full([gates * hidden], 0.1, device).require_grad()),
        };
        let weights: Vec<Weights> = (0..directions).map(|_| weights()).collect();
        let x = Tensor::<3>::full([batch, time, 2], 0.5, device);
        let w_hh = weights[0].w_hh.clone();
        device.sync().expect("the device works");

        let reset = |weights: Vec<Weights>, reset: Reset| weights.into_iter().map(|w| (w, reset.clone())).collect();
        let (loss, forward) = count_launches(|| {
            let output = match cell {
                Cell::Rnn => rnn_layer(x, weights, Nonlinearity::Tanh, None, None).output,
                Cell::Lstm => lstm_layer(x, weights, None, None, None).output,
                Cell::GruAfter => gru_layer(x, reset(weights, Reset::After { bias_hn: None }), None, None).output,
                Cell::GruBefore => gru_layer(x, reset(weights, Reset::Before), None, None).output,
            };
            let loss = output.mean();
            loss.clone().into_data();
            loss
        });
        let (_, backward) = count_launches(|| w_hh.grad(&loss.backward()).expect("a gradient").into_data());
        [forward, backward]
    }
}

/// One test, since others beside it would be counted too.
#[test]
fn launches_do_not_grow_with_time_or_as_little_as_promised() {
    let device = Device::wgpu(DeviceKind::DefaultDevice).autodiff();
    let grown = |passes: &Passes, short: usize, long: usize| {
        // What is tuned or compiled, is so the first time.
        passes.launches(short, &device);
        passes.launches(long, &device);
        let [short, long] = [short, long].map(|time| passes.launches(time, &device));
        [long[0] - short[0], long[1] - short[1]]
    };
    for cell in CELLS {
        for directions in [1, 2] {
            let passes = Passes { cell, directions, batch: 3, hidden: 5 };
            let what = format!("{cell:?} in {directions} directions");
            let resident = with_schedule(Schedule::Resident, || grown(&passes, 8, 40));
            assert_eq!(resident, [0, 0], "{what}: more launches for more steps");
            let stepwise = with_schedule(Schedule::Stepwise, || grown(&passes, 8, 40));
            // A product and a kernel; of a GRU with the reset gate before the product, two kernels that multiply.
            assert_eq!(stepwise, [32 * 2; 2], "{what}: launches of 32 steps");
        }
    }
    // A sequence that would take too long for one launch takes two.
    let passes = Passes { cell: Cell::Rnn, directions: 1, batch: 1, hidden: 1 };
    assert_eq!(grown(&passes, 8, 9_000), [1, 1]);
}
