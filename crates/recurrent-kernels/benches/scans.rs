//! The fused scans on the CPU, and a matrix product on the same machine as their upper bound.
//!
//! `cargo bench -p recurrent-kernels`; an item is a multiplication or an addition of a matrix product, so `Gitem/s` are
//! GFLOP/s. Activations, packing and the sums of biases take time but are not counted.

use burn::tensor::{Device, Distribution, Tensor};
use divan::Bencher;
use divan::counter::ItemsCount;
use mimalloc::MiMalloc;
use recurrent_kernels::cpu::{
    DirectionWeights, Equations, LayerArgs, Layout, NeedsGrad, OutputGrads, SavePolicy, Sizes, backward, forward,
};
use recurrent_kernels::{Direction, Nonlinearity};

#[global_allocator]
static ALLOC: MiMalloc = MiMalloc;

const RNN: Equations = Equations::Rnn(Nonlinearity::Tanh);
const LSTM: Equations = Equations::Lstm { clip: None };
const GRU: Equations = Equations::Gru { reset_after: true };

/// Batch, steps, input features and hidden units: a layer of each network that `scripts/bench_peers.py` times.
const SIZES: [Sizes; 4] = [
    Sizes { batch: 32, time: 100, input: 1, hidden: 50 },
    Sizes { batch: 32, time: 20, input: 100, hidden: 128 },
    Sizes { batch: 64, time: 100, input: 128, hidden: 512 },
    Sizes { batch: 64, time: 50, input: 1024, hidden: 1024 },
];

fn main() {
    divan::main();
}

/// The upper bound: a product of two square matrices.
#[divan::bench(args = [512, 1024, 2048], max_time = 5)]
fn product(bencher: Bencher, size: usize) {
    let square = || Tensor::<2>::random([size, size], Distribution::Default, &Device::flex());
    let (left, right) = (square(), square());
    bencher.counter(ItemsCount::new(2 * size.pow(3))).bench(|| left.clone().matmul(right.clone()));
}

/// A layer with its input and the gradient of its output.
struct Scan {
    equations: Equations,
    sizes: Sizes,
    x: Vec<f32>,
    w_ih: Vec<f32>,
    w_hh: Vec<f32>,
    bias: Vec<f32>,
    d_output: Vec<f32>,
}

impl Scan {
    fn new(equations: Equations, sizes: Sizes) -> Self {
        let Sizes { batch, time, input, hidden } = sizes;
        let columns = equations.gates() * hidden;
        let wave = |len: usize, amplitude: f32| (0..len).map(|i| amplitude * (i as f32).sin()).collect();
        Self {
            equations,
            sizes,
            x: wave(batch * time * input, 1.0),
            w_ih: wave(input * columns, (input as f32).sqrt().recip()),
            w_hh: wave(hidden * columns, (hidden as f32).sqrt().recip()),
            bias: wave(columns, 0.1),
            d_output: wave(batch * time * hidden, 1.0),
        }
    }

    /// Multiplications and additions of a forward pass's products.
    fn operations(&self) -> usize {
        let Sizes { batch, time, input, hidden } = self.sizes;
        2 * batch * time * (input + hidden) * self.equations.gates() * hidden
    }

    fn with_args<T>(&self, run: impl FnOnce(&LayerArgs) -> T) -> T {
        let weights = DirectionWeights {
            direction: Direction::Forward,
            w_ih: &self.w_ih,
            w_hh: &self.w_hh,
            bias: Some(&self.bias),
            bias_hn: None,
        };
        run(&LayerArgs {
            equations: self.equations,
            sizes: self.sizes,
            layout: Layout::BatchFirst,
            x: &self.x,
            directions: &[weights],
            initial_hidden: None,
            initial_cell: None,
            lengths: None,
        })
    }
}

fn infer(bencher: Bencher, equations: Equations, sizes: Sizes) {
    let scan = Scan::new(equations, sizes);
    let counter = ItemsCount::new(scan.operations());
    bencher.counter(counter).bench_local(|| scan.with_args(|args| forward(args, SavePolicy::Nothing)));
}

/// A forward and a backward pass with all gradients: three times the products of a forward pass.
fn train(bencher: Bencher, equations: Equations, sizes: Sizes) {
    let scan = Scan::new(equations, sizes);
    let needs = NeedsGrad { x: true, w_ih: true, w_hh: true, biases: true, initial_state: true };
    bencher.counter(ItemsCount::new(3 * scan.operations())).bench_local(|| {
        scan.with_args(|args| {
            let saved = forward(args, SavePolicy::Everything).saved.expect("saved values");
            backward(args, saved, &OutputGrads { output: Some(&scan.d_output), ..OutputGrads::default() }, needs)
        })
    });
}

macro_rules! cells {
    ($($name:ident: $equations:expr),+) => {
        $(mod $name {
            use super::*;

            #[divan::bench(args = SIZES, max_time = 5)]
            fn infer(bencher: Bencher, sizes: Sizes) {
                super::infer(bencher, $equations, sizes);
            }

            #[divan::bench(args = SIZES, max_time = 5)]
            fn train(bencher: Bencher, sizes: Sizes) {
                super::train(bencher, $equations, sizes);
            }
        })+
    };
}

cells!(rnn: RNN, lstm: LSTM, gru: GRU);
