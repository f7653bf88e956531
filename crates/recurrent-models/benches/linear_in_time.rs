//! Time and memory of a training step of each layer by sequence length; both should grow linearly.
//!
//! `cargo bench -p recurrent-models`; compare the medians, and `max alloc`, of one cell from line to line. The allocator
//! is `train`'s: the system's own may return memory after each step, and requesting it again costs more the more it is.

use burn::tensor::{Device, Distribution, Gradients, Tensor};
use divan::{AllocProfiler, Bencher};
use mimalloc::MiMalloc;
use recurrent_models::cells::gru::GruCell;
use recurrent_models::cells::lstm::LstmCell;
use recurrent_models::cells::rnn::RnnCell;
use recurrent_models::{Cell, Recurrent, RecurrentConfig};

#[global_allocator]
static ALLOC: AllocProfiler<MiMalloc> = AllocProfiler::new(MiMalloc);

const BATCH: usize = 64;
const HIDDEN: usize = 50;

fn main() {
    divan::main();
}

/// Forward and backward, with a loss on every output.
#[divan::bench(types = [RnnCell, LstmCell, GruCell], args = [100, 200, 400, 800], sample_count = 20, sample_size = 1)]
fn train<C: Cell>(bencher: Bencher, time: usize) {
    let device = Device::flex().autodiff();
    let layer = RecurrentConfig::<C>::new(1, HIDDEN).init(&device);
    let x = Tensor::<3>::random([BATCH, time, 1], Distribution::Normal(0.0, 1.0), &device);
    bencher.bench_local(|| step(&layer, x.clone()));
}

fn step<C: Cell>(layer: &Recurrent<C>, x: Tensor<3>) -> Gradients {
    let (output, _) = layer.forward(x, None);
    output.powi_scalar(2).mean().backward()
}
