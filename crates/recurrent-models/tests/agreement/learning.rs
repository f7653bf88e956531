//! A network that learns something small in seconds: which number came first.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Distribution, Tensor};
use recurrent_models::{AnyRecurrent, CellKind};

use crate::devices::TestDevice;

const TIME: usize = 6;
const BATCH: usize = 32;
const STEPS: usize = 120;

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
