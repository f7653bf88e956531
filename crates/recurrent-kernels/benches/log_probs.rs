//! The loss over a vocabulary, forward and backward: the CPU kernel, and the tensor operations that it replaces.
//!
//! `cargo bench -p recurrent-kernels --bench log_probs`; an item is a logit.

use burn::tensor::{Device, Distribution, Int, Tensor};
use divan::Bencher;
use divan::counter::ItemsCount;
use mimalloc::MiMalloc;
use recurrent_kernels::{TokenLogProbs, reference, token_log_probs};

#[global_allocator]
static ALLOC: MiMalloc = MiMalloc;

/// Targets of a batch: 32 sentences of 32 tokens.
const ROWS: usize = 1024;
/// Characters, the subwords of a translator, and the words of a classifier.
const VOCABULARIES: [usize; 3] = [65, 3000, 20_000];

fn main() {
    divan::main();
}

#[divan::bench(args = VOCABULARIES, max_time = 5)]
fn kernel(bencher: Bencher, vocab: usize) {
    run(bencher, vocab, token_log_probs);
}

#[divan::bench(args = VOCABULARIES, max_time = 5)]
fn tensor_operations(bencher: Bencher, vocab: usize) {
    run(bencher, vocab, reference::token_log_probs);
}

fn run(bencher: Bencher, vocab: usize, implementation: fn(Tensor<2>, Tensor<1, Int>) -> TokenLogProbs) {
    let device = Device::flex().autodiff();
    let targets: Vec<i32> = (0..ROWS).map(|row| (row * 7 % vocab) as i32).collect();
    let targets = Tensor::<1, Int>::from_data(targets.as_slice(), &device);
    let logits = Tensor::<2>::random([ROWS, vocab], Distribution::Normal(0.0, 2.0), &device);
    bencher.counter(ItemsCount::new(ROWS * vocab)).bench(|| {
        let logits = logits.clone().detach().require_grad();
        let found = implementation(logits.clone(), targets.clone());
        let loss = (found.target * 0.9 + found.mean * 0.1).mean().neg();
        logits.grad(&loss.backward())
    });
}
