//! Networks that learn something small in seconds: which number came first, and a sequence in reverse.

use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Distribution, Int, Tensor};
use recurrent_models::networks::{Input, Seq2SeqConfig};
use recurrent_models::{AnyRecurrent, AttentionKind, CellKind};

use crate::devices::TestDevice;

const TIME: usize = 6;
const BATCH: usize = 32;
const STEPS: usize = 120;
const REVERSE_STEPS: usize = 160;

#[derive(Module, Debug)]
struct Recall {
    layer: AnyRecurrent,
    dense: Linear,
}

impl Recall {
    fn loss(&self, x: Tensor<3>) -> Tensor<1> {
        let first = x.clone().narrow(1, 0, 1).reshape([BATCH, 1]);
        let (output, _) = self.layer.forward(x, None, None);
        let last = output.narrow(1, TIME - 1, 1).squeeze_dim::<2>(1);
        (self.dense.forward(last) - first).powi_scalar(2).mean()
    }
}

/// Every cell learns to give back the first of six random numbers: its error falls below a quarter of the numbers'
/// variance, which is what a network that remembers nothing is left with.
pub fn recalls_the_first_element(on: &TestDevice) {
    let device = on.device.clone().autodiff();
    for kind in CellKind::ALL {
        device.seed(1);
        let mut model = Recall { layer: kind.init(1, 16, &device), dense: LinearConfig::new(16, 1).init(&device) };
        let mut optimiser = AdamConfig::new().init();
        for _ in 0..STEPS {
            let grads = GradientsParams::from_grads(model.loss(batch(&device)).backward(), &model);
            model = optimiser.step(0.01, model, grads);
        }
        let error: f32 = model.loss(batch(&device)).into_scalar();
        assert!(error < 0.25, "{} {kind}: an error of {error} after {STEPS} steps", on.name);
    }
}

fn batch(device: &Device) -> Tensor<3> {
    Tensor::random([BATCH, TIME, 1], Distribution::Normal(0.0, 1.0), device)
}

const START: i64 = 0;
const SYMBOLS: usize = 6;
const LENGTH: usize = 4;

/// A GRU with attention learns to say four symbols in reverse, and then says them from its own.
pub fn reverses_a_sequence(on: &TestDevice) {
    let device = on.device.clone().autodiff();
    device.seed(1);
    let config = Seq2SeqConfig::new(SYMBOLS, SYMBOLS, 24)
        .with_input(Input::Embedding(12))
        .with_cell(CellKind::Gru)
        .with_bidirectional(true)
        .with_attention(Some(AttentionKind::General));
    let mut network = config.init(&device);
    let mut optimiser = AdamConfig::new().init();
    let loss = CrossEntropyLossConfig::new().init(&device);
    let lengths = [LENGTH; BATCH];
    for step in 0..REVERSE_STEPS {
        let source = symbols(&device);
        let target = source.clone().flip([1]);
        let inputs = Tensor::cat(vec![start(&device), target.clone().narrow(1, 0, LENGTH - 1)], 1);
        let logits = network.forward(source, &lengths, inputs);
        let loss = loss.forward(logits.flatten::<2>(0, 1), target.flatten::<1>(0, 1));
        let grads = GradientsParams::from_grads(loss.backward(), &network);
        // Small steps at the end: it stays with what it has learned, whatever the last batches are.
        let rate = if step < REVERSE_STEPS * 3 / 4 { 0.02 } else { 0.004 };
        network = optimiser.step(rate, network, grads);
    }

    let network = network.valid();
    let source = symbols(&on.device);
    let encoded = network.encode(source.clone(), &lengths);
    let (mut state, mut last, mut said) = (encoded.state.clone(), start(&on.device).squeeze_dim::<1>(1), Vec::new());
    for _ in 0..LENGTH {
        let step = network.step(&encoded, state, last);
        last = step.logits.argmax(1).squeeze_dim(1);
        said.push(last.clone());
        state = step.state;
    }
    let right = Tensor::stack::<2>(said, 1).equal(source.flip([1])).float().mean().into_scalar::<f32>();
    assert!(right > 0.95, "{}: {right} of the symbols are right", on.name);
}

fn symbols(device: &Device) -> Tensor<2, Int> {
    Tensor::<2>::random([BATCH, LENGTH], Distribution::Uniform(1.0, SYMBOLS as f64), device).floor().int()
}

fn start(device: &Device) -> Tensor<2, Int> {
    Tensor::full([BATCH, 1], START, device)
}
