//! A training step of each layer against the length of the sequence: twice the length, twice the time and memory.
//!
//! `cargo bench -p recurrent-models`; read the medians and `max alloc` of one layer from line to line.

use burn::tensor::{Device, Distribution, Tensor};
use divan::{AllocProfiler, Bencher};
use recurrent_models::{AnyRecurrent, CellKind};

#[global_allocator]
static ALLOC: AllocProfiler = AllocProfiler::system();

const BATCH: usize = 16;
const HIDDEN: usize = 50;
const STEPS: [usize; 4] = [100, 200, 400, 800];

fn main() {
    divan::main();
}

/// Forward and backward, with a loss on every output.
#[divan::bench(args = STEPS, consts = [0, 1, 2], sample_count = 10)]
fn train<const KIND: usize>(bencher: Bencher, time: usize) {
    let device = Device::flex().autodiff();
    let layer = CellKind::ALL[KIND].init(1, HIDDEN, &device);
    let x = Tensor::<3>::random([BATCH, time, 1], Distribution::Normal(0.0, 1.0), &device);
    bencher.bench(|| step(&layer, x.clone()));
}

fn step(layer: &AnyRecurrent, x: Tensor<3>) -> burn::tensor::Gradients {
    let (output, _) = layer.forward(x, None, None);
    output.powi_scalar(2).mean().backward()
}
