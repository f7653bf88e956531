//! Networks learn small tasks in seconds: recall of the first value, and reversing a sequence.

use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Distribution, Int, Tensor};
use recurrent_models::networks::Seq2SeqConfig;
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
        let (output, _) = self.layer.forward(x, None);
        let last = output.narrow(1, TIME - 1, 1).squeeze_dim::<2>(1);
        (self.dense.forward(last) - first).powi_scalar(2).mean()
    }
}

/// Every cell learns to output the first of six random values: its error falls below a quarter of their variance, which
/// is the error of a network without memory.
pub fn recalls_the_first_element(on: &TestDevice) {
    let device = on.device.clone().autodiff();
    for cell in CellKind::ALL {
        device.seed(1);
        let mut model = Recall { layer: cell.init(1, 16, &device), dense: LinearConfig::new(16, 1).init(&device) };
        let mut optimizer = AdamConfig::new().init();
        for _ in 0..STEPS {
            let grads = GradientsParams::from_grads(model.loss(batch(&device)).backward(), &model);
            model = optimizer.step(0.01, model, grads);
        }
        let error: f32 = model.loss(batch(&device)).into_scalar();
        assert!(error < 0.25, "{} {cell}: an error of {error} after {STEPS} steps", on.name);
    }
}

fn batch(device: &Device) -> Tensor<3> {
    Tensor::random([BATCH, TIME, 1], Distribution::Normal(0.0, 1.0), device)
}

const START: i64 = 0;
const VOCAB: usize = 6;
const LENGTH: usize = 4;

/// A GRU with attention learns to reverse four tokens, and then generates them without teacher forcing.
pub fn reverses_a_sequence(on: &TestDevice) {
    let device = on.device.clone().autodiff();
    device.seed(1);
    let config = Seq2SeqConfig::new(VOCAB, VOCAB, 24)
        .with_embedding_dim(Some(12))
        .with_cell(CellKind::Gru)
        .with_bidirectional(true)
        .with_attention(Some(AttentionKind::General));
    let mut network = config.init(&device);
    let mut optimizer = AdamConfig::new().init();
    let loss = CrossEntropyLossConfig::new().init(&device);
    let lengths = [LENGTH; BATCH];
    for step in 0..REVERSE_STEPS {
        let source = tokens(&device);
        let target = source.clone().flip([1]);
        let inputs = Tensor::cat(vec![start(&device), target.clone().narrow(1, 0, LENGTH - 1)], 1);
        let logits = network.forward(source, &lengths, inputs);
        let loss = loss.forward(logits.flatten::<2>(0, 1), target.flatten::<1>(0, 1));
        let grads = GradientsParams::from_grads(loss.backward(), &network);
        // A smaller learning rate at the end, so that the result does not depend on the last batches.
        let rate = if step < REVERSE_STEPS * 3 / 4 { 0.02 } else { 0.004 };
        network = optimizer.step(rate, network, grads);
    }

    let network = network.valid();
    let source = tokens(&on.device);
    let encoded = network.encode(source.clone(), &lengths);
    let (mut state, mut last, mut generated) =
        (encoded.state.clone(), start(&on.device).squeeze_dim::<1>(1), Vec::new());
    for _ in 0..LENGTH {
        let step = network.step(&encoded, state, last);
        last = step.logits.argmax(1).squeeze_dim(1);
        generated.push(last.clone());
        state = step.state;
    }
    let accuracy = Tensor::stack::<2>(generated, 1).equal(source.flip([1])).float().mean().into_scalar::<f32>();
    assert!(accuracy > 0.95, "{}: a token accuracy of {accuracy}", on.name);
}

fn tokens(device: &Device) -> Tensor<2, Int> {
    Tensor::<2>::random([BATCH, LENGTH], Distribution::Uniform(1.0, VOCAB as f64), device).floor().int()
}

fn start(device: &Device) -> Tensor<2, Int> {
    Tensor::full([BATCH, 1], START, device)
}
