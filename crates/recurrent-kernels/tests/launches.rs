//! The number of kernels that a scan launches on a GPU, as counted by CubeCL, with and without a captured graph.
#![recursion_limit = "256"]
#![cfg(feature = "wgpu")]

use burn::tensor::{Device, DeviceKind, Distribution, Tensor, Tolerance};
use recurrent_kernels::gpu::{CapturedGraph, Schedule, count_launches, with_schedule};
use recurrent_kernels::{Nonlinearity, Reset, Weights, gru_layer, lstm_layer, rnn_layer};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Cell {
    Rnn,
    Lstm,
    GruAfter,
    GruBefore,
}

const CELLS: [Cell; 4] = [Cell::Rnn, Cell::Lstm, Cell::GruAfter, Cell::GruBefore];

/// A layer whose kernel launches are counted.
struct Passes {
    cell: Cell,
    directions: usize,
    batch: usize,
    hidden: usize,
}

impl Passes {
    /// The launches of a forward pass over `time` steps and of its backward pass.
    fn launches(&self, time: usize, device: &Device) -> [usize; 2] {
        let layer = self.layer(device).tracked();
        let x = Tensor::<3>::full([self.batch, time, 2], 0.5, device);
        let w_hh = layer.weights[0].w_hh.clone();
        device.sync().expect("a working device");
        let (loss, forward) = count_launches(|| {
            let loss = layer.output(x, None).mean();
            loss.clone().into_data();
            loss
        });
        let (_, backward) = count_launches(|| w_hh.grad(&loss.backward()).expect("a gradient").into_data());
        [forward, backward]
    }

    fn layer(&self, device: &Device) -> Layer {
        let Self { cell, directions, hidden, .. } = *self;
        let gates = [1, 4, 3, 3][cell as usize];
        let random = |shape| Tensor::<2>::random(shape, Distribution::Normal(0.0, 0.3), device);
        let weights = || Weights {
            w_ih: random([2, gates * hidden]),
            w_hh: random([hidden, gates * hidden]),
            bias: Some(Tensor::full([gates * hidden], 0.1, device)),
        };
        Layer { cell, weights: (0..directions).map(|_| weights()).collect() }
    }

    /// The launches of a captured forward pass, after comparing its results with those of an ordinary pass.
    fn captured_launches(&self, time: usize, device: &Device) -> usize {
        let layer = self.layer(device);
        let x = Tensor::<3>::random([self.batch, time, 2], Distribution::Normal(0.0, 1.0), device);
        let expected = [1.0, -1.0].map(|sign| layer.output(x.clone() * sign, None).into_data());
        let captured = layer.clone();
        let mut captured = CapturedGraph::new(&x, move |x| captured.output(x, None));
        assert!(captured.is_captured(), "{:?}", self.cell);
        let (first, launches) = count_launches(|| {
            let first = captured.call(x.clone());
            device.sync().expect("a working device");
            first
        });
        // A later call does not overwrite the first result.
        let second = captured.call(x.clone() * -1.0);
        for (expected, replayed) in expected.iter().zip([first, second]) {
            replayed.into_data().assert_approx_eq::<f32>(expected, Tolerance::absolute(1e-6));
        }

        // Lengths are uploaded in each call, so the pass cannot be captured.
        let lengths: Vec<usize> = (0..self.batch).map(|row| time - row).collect();
        let expected = layer.output(x.clone(), Some(&lengths)).into_data();
        let mut ragged = CapturedGraph::new(&x, move |x| layer.output(x, Some(&lengths)));
        assert!(!ragged.is_captured(), "{:?}", self.cell);
        ragged.call(x).into_data().assert_approx_eq::<f32>(&expected, Tolerance::absolute(1e-6));
        launches
    }
}

/// The weights of a layer.
#[derive(Clone)]
struct Layer {
    cell: Cell,
    weights: Vec<Weights>,
}

impl Layer {
    fn tracked(self) -> Self {
        let track = |Weights { w_ih, w_hh, bias }| Weights {
            w_ih: w_ih.require_grad(),
            w_hh: w_hh.require_grad(),
            bias: bias.map(Tensor::require_grad),
        };
        Self { weights: self.weights.into_iter().map(track).collect(), ..self }
    }

    fn output(&self, x: Tensor<3>, lengths: Option<&[usize]>) -> Tensor<3> {
        let weights = self.weights.clone();
        let with = |reset: Reset| weights.iter().cloned().map(|w| (w, reset.clone())).collect();
        match self.cell {
            Cell::Rnn => rnn_layer(x, weights, Nonlinearity::Tanh, None, lengths).output,
            Cell::Lstm => lstm_layer(x, weights, None, None, lengths).output,
            Cell::GruAfter => gru_layer(x, with(Reset::After { bias_hn: None }), None, lengths).output,
            Cell::GruBefore => gru_layer(x, with(Reset::Before), None, lengths).output,
        }
    }
}

/// A single test, since launches of tests running in parallel would be counted too.
#[test]
fn launches_per_step_are_as_documented() {
    let device = Device::wgpu(DeviceKind::DefaultDevice).autodiff();
    let growth = |passes: &Passes, short: usize, long: usize| {
        // Kernels are tuned and compiled in the first run.
        passes.launches(short, &device);
        passes.launches(long, &device);
        let [short, long] = [short, long].map(|time| passes.launches(time, &device));
        [long[0] - short[0], long[1] - short[1]]
    };
    for cell in CELLS {
        for directions in [1, 2] {
            let passes = Passes { cell, directions, batch: 3, hidden: 5 };
            let what = format!("{cell:?} in {directions} directions");
            let persistent = with_schedule(Schedule::Persistent, || growth(&passes, 8, 40));
            assert_eq!(persistent, [0, 0], "{what}: more launches for more steps");
            let stepwise = with_schedule(Schedule::Stepwise, || growth(&passes, 8, 40));
            // A matrix product and a kernel; for a reset-before GRU two kernels.
            assert_eq!(stepwise, [32 * 2; 2], "{what}: launches of 32 steps");
            // The write before a graph is replayed and the copy after it.
            let captured = with_schedule(Schedule::Stepwise, || passes.captured_launches(40, &device.clone().inner()));
            assert_eq!(captured, 2, "{what}: launches besides the graph");
        }
    }
    // A sequence that is too long for one launch takes two.
    let passes = Passes { cell: Cell::Rnn, directions: 1, batch: 1, hidden: 1 };
    assert_eq!(growth(&passes, 8, 9_000), [1, 1]);
}
