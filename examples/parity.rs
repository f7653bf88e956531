//! A Burn model with an [`Lstm`]: it learns the parity of bit sequences of different lengths, that is, whether the number
//! of ones is odd.
//!
//! `cargo run --release -p recurrent-examples --example parity`

#![allow(clippy::print_stdout, reason = "an example prints its results")]

use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Distribution, Int, Tensor, TensorData};
use recurrent::models::{Lstm, LstmConfig, State};

const MAX_LENGTH: usize = 8;
const BATCH_SIZE: usize = 64;
const STEPS: usize = 400;

/// An LSTM and a linear layer on its final state.
#[derive(Module, Debug)]
struct Parity {
    lstm: Lstm,
    head: Linear,
}

impl Parity {
    fn new(device: &Device) -> Self {
        Self { lstm: LstmConfig::new(1, 24).init(device), head: LinearConfig::new(24, 2).init(device) }
    }

    /// `bits [batch, time, 1]` → logits of even and odd, `[batch, 2]`.
    fn forward(&self, bits: Tensor<3>, lengths: &[usize]) -> Tensor<2> {
        // The final state of each row is the one after its last valid step.
        let (_outputs, state) = self.lstm.forward_with_lengths(bits, lengths, None);
        self.head.forward(state.last_layer())
    }
}

/// Random bits `[batch, time, 1]`, the lengths of the rows, and whether the number of ones is odd, `[batch]`.
struct Batch {
    bits: Tensor<3>,
    lengths: Vec<usize>,
    odd: Tensor<1, Int>,
}

impl Batch {
    fn random(device: &Device) -> Self {
        let inner = device.clone().inner();
        let draw = |shape: [usize; 2]| {
            let values = Tensor::<2>::random(shape, Distribution::Uniform(0.0, 1.0), &inner);
            values.into_data().iter::<f32>().collect::<Vec<_>>()
        };
        let bits: Vec<f32> = draw([BATCH_SIZE, MAX_LENGTH]).into_iter().map(f32::round).collect();
        let lengths: Vec<usize> =
            draw([BATCH_SIZE, 1]).iter().map(|x| 1 + (x * MAX_LENGTH as f32) as usize % MAX_LENGTH).collect();
        let ones = |(row, length): (&[f32], &usize)| row[..*length].iter().sum::<f32>() as i32 % 2;
        let odd: Vec<i32> = bits.chunks(MAX_LENGTH).zip(&lengths).map(ones).collect();
        Self {
            bits: Tensor::from_data(TensorData::new(bits, [BATCH_SIZE, MAX_LENGTH, 1]), device),
            odd: Tensor::from_data(TensorData::new(odd, [BATCH_SIZE]), device),
            lengths,
        }
    }
}

fn main() {
    let device = Device::default().autodiff();
    device.seed(3);
    let mut model = Parity::new(&device);
    let mut optimizer = AdamConfig::new().init();
    let cross_entropy = CrossEntropyLossConfig::new().init(&device);

    for step in 1..=STEPS {
        let batch = Batch::random(&device);
        let loss = cross_entropy.forward(model.forward(batch.bits, &batch.lengths), batch.odd);
        let grads = GradientsParams::from_grads(loss.backward(), &model);
        model = optimizer.step(0.01, model, grads);
        if step % 100 == 0 {
            println!("step {step}: cross-entropy {:.4}", loss.into_scalar::<f32>());
        }
    }

    let batch = Batch::random(&device);
    let predicted = model.forward(batch.bits, &batch.lengths).argmax(1).squeeze_dim::<1>(1);
    let correct: i32 = predicted.equal(batch.odd).int().sum().into_scalar();
    println!("{correct} of {BATCH_SIZE} new sequences are correct");
}
