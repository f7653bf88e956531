//! A Burn model of one's own that uses one layer of the zoo, [`Lstm`], and nothing else of this project: it learns
//! whether a row of bits has an odd or an even number of ones. The rows have different lengths.
//!
//! `cargo run --release -p recurrent-examples --example parity`

#![allow(clippy::print_stdout, reason = "it is an example, and has something to say")]

use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Distribution, Int, Tensor, TensorData};
use recurrent::models::{Lstm, LstmConfig, State};

const LONGEST: usize = 8;
const BATCH: usize = 64;
const STEPS: usize = 400;

/// An LSTM, and a linear layer that looks at its last state.
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
        // The final state is the one at each row's own end, wherever that is.
        let (_outputs, state) = self.lstm.forward_with_lengths(bits, lengths, None);
        self.head.forward(state.last_layer())
    }
}

/// Rows of random bits, how long each is, and whether its ones are odd in number.
struct Rows {
    bits: Tensor<3>,
    lengths: Vec<usize>,
    odd: Tensor<1, Int>,
}

impl Rows {
    fn random(device: &Device) -> Self {
        let plain = device.clone().inner();
        let draw = |shape: [usize; 2]| {
            let numbers = Tensor::<2>::random(shape, Distribution::Uniform(0.0, 1.0), &plain);
            numbers.into_data().iter::<f32>().collect::<Vec<_>>()
        };
        let bits: Vec<f32> = draw([BATCH, LONGEST]).into_iter().map(f32::round).collect();
        let lengths: Vec<usize> =
            draw([BATCH, 1]).iter().map(|x| 1 + (x * LONGEST as f32) as usize % LONGEST).collect();
        let ones = |(row, length): (&[f32], &usize)| row[..*length].iter().sum::<f32>() as i32 % 2;
        let odd: Vec<i32> = bits.chunks(LONGEST).zip(&lengths).map(ones).collect();
        Self {
            bits: Tensor::from_data(TensorData::new(bits, [BATCH, LONGEST, 1]), device),
            odd: Tensor::from_data(TensorData::new(odd, [BATCH]), device),
            lengths,
        }
    }
}

fn main() {
    let device = Device::default().autodiff();
    device.seed(3);
    let mut model = Parity::new(&device);
    let mut optimiser = AdamConfig::new().init();
    let cross_entropy = CrossEntropyLossConfig::new().init(&device);

    for step in 1..=STEPS {
        let rows = Rows::random(&device);
        let loss = cross_entropy.forward(model.forward(rows.bits, &rows.lengths), rows.odd);
        let grads = GradientsParams::from_grads(loss.backward(), &model);
        model = optimiser.step(0.01, model, grads);
        if step % 100 == 0 {
            println!("step {step}: cross-entropy {:.4}", loss.into_scalar::<f32>());
        }
    }

    let rows = Rows::random(&device);
    let said = model.forward(rows.bits, &rows.lengths).argmax(1).squeeze_dim::<1>(1);
    let right: i32 = said.equal(rows.odd).int().sum().into_scalar();
    println!("{right} of {BATCH} fresh rows are right");
}
