//! The CPU's fused scans, and a product of the same machine beside them as the most that they could reach.
//!
//! `cargo bench -p recurrent-kernels`; an item is a multiplication or an addition of a product, so that `Gitem/s` are
//! GFLOP/s. What is no product (activations, packing, the sums of biases) is not counted, though it takes time.

use burn::tensor::{Device, Distribution, Tensor};
use divan::Bencher;
use divan::counter::ItemsCount;
use mimalloc::MiMalloc;
use recurrent_kernels::cpu::{Cotangents, Equations, Keep, Layer, Layout, Need, Problem, Sizes, backward, forward};
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

/// The peak: a product of two square matrices.
#[divan::bench(args = [512, 1024, 2048], max_time = 5)]
fn product(bencher: Bencher, size: usize) {
    let square = || Tensor::<2>::random([size, size], Distribution::Default, &Device::flex());
    let (left, right) = (square(), square());
    bencher.counter(ItemsCount::new(2 * size.pow(3))).bench(|| left.clone().matmul(right.clone()));
}

/// A layer, with everything that it needs and that comes back to it.
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
        let wave = |len: usize, height: f32| (0..len).map(|i| height * (i as f32).sin()).collect();
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

    /// Multiplications and additions of the products of a forward pass.
    fn operations(&self) -> usize {
        let Sizes { batch, time, input, hidden } = self.sizes;
        2 * batch * time * (input + hidden) * self.equations.gates() * hidden
    }

    fn with_problem<T>(&self, run: impl FnOnce(&Problem) -> T) -> T {
        let layer = Layer {
            direction: Direction::Forward,
            w_ih: &self.w_ih,
            w_hh: &self.w_hh,
            bias: Some(&self.bias),
            bias_hn: None,
        };
        run(&Problem {
            equations: self.equations,
            sizes: self.sizes,
            layout: Layout::BatchFirst,
            x: &self.x,
            layers: &[layer],
            hidden: None,
            cell: None,
            lengths: None,
        })
    }
}

fn infer(bencher: Bencher, equations: Equations, sizes: Sizes) {
    let scan = Scan::new(equations, sizes);
    let counter = ItemsCount::new(scan.operations());
    bencher.counter(counter).bench_local(|| scan.with_problem(|problem| forward(problem, Keep::Nothing)));
}

/// Forward and backward, with all gradients: thrice the products of a forward pass.
fn train(bencher: Bencher, equations: Equations, sizes: Sizes) {
    let scan = Scan::new(equations, sizes);
    let need = Need { x: true, input_weights: true, recurrent_weights: true, biases: true, state: true };
    bencher.counter(ItemsCount::new(3 * scan.operations())).bench_local(|| {
        scan.with_problem(|problem| {
            let tape = forward(problem, Keep::Everything).tape.expect("kept");
            backward(problem, tape, &Cotangents { output: Some(&scan.d_output), ..Cotangents::default() }, need)
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
