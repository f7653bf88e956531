//! Gradient steps: training follows PyTorch's, whose layers have two biases per gate, and batches are accumulated.

mod goldens;

use std::sync::Arc;

use burn::tensor::{Device, Distribution, Tensor, TensorData};
use recurrent::RunDir;
use recurrent::fit::{Callbacks, CurrentEpoch, FitConfig, History, Loader, Loaders, Loss, Objective, Order, fit};
use recurrent::models::cells::{lstm::LstmCell, rnn::RnnCell};
use recurrent::models::torch::{FromTorch, TorchWeights};
use recurrent::models::{CellKind, Recurrent, RecurrentConfig};
use serde::Deserialize;
use serde_json::Value;

use goldens::data;

/// The rounding of 100 steps, as a difference of losses of about 0.3.
const TOLERANCE: f64 = 2e-5;

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    cell: CellKind,
    lr: f64,
    x: Value,
    target: Value,
    weights: serde_json::Map<String, Value>,
    losses: Vec<f64>,
}

/// The mean squared difference of a layer's output and a target, of the rows of a batch.
#[derive(Debug, Clone)]
struct Follow {
    x: Tensor<3>,
    target: Tensor<3>,
}

impl<C: FromTorch> Objective<Recurrent<C>> for Follow {
    type Batch = Vec<i32>;

    fn loss(&self, layer: &Recurrent<C>, batch: Vec<i32>, _training: bool) -> Loss {
        let items = batch.len();
        let rows = Tensor::from_data(TensorData::new(batch, [items]), &self.x.device());
        let (output, _) = layer.forward(self.x.clone().select(0, rows.clone()), None);
        Loss { mean: (output - self.target.clone().select(0, rows)).square().mean(), items }
    }
}

#[test]
fn losses_follow_pytorch_with_a_factor_of_two() {
    let golden: Golden = serde_json::from_str(include_str!("goldens/adam.json")).expect("a golden file");
    assert_eq!(golden.cases.len(), 2);
    for case in golden.cases {
        let difference = match case.cell {
            CellKind::Lstm => |case, factor| difference::<LstmCell>(case, factor),
            _ => |case: &Case, factor| difference::<RnnCell>(case, factor),
        };
        let [one, two] = [1.0, 2.0].map(|factor| difference(&case, factor));
        assert!(two < TOLERANCE, "{}: {two}", case.cell);
        assert!(one > 20.0 * TOLERANCE, "{}: {one}", case.cell);
    }
}

/// The largest difference of the losses of an epoch of one step.
fn difference<C: FromTorch + 'static>(case: &Case, bias_factor: f64) -> f64 {
    let device = Device::flex().autodiff();
    let objective = Follow { x: tensor(&case.x, &device), target: tensor(&case.target, &device) };
    let weight = |name: &str| &case.weights[&format!("{name}_l0")];
    let hidden = case.weights["weight_hh_l0"][0].as_array().expect("a row").len();
    let mut layer = RecurrentConfig::<C>::new(objective.x.dims()[2], hidden).init(&device);
    let forward = &mut layer.layers[0].forward;
    *forward = forward.clone().with_torch(TorchWeights {
        weight_ih: tensor(weight("weight_ih"), &device),
        weight_hh: tensor(weight("weight_hh"), &device),
        biases: Some(["bias_ih", "bias_hh"].map(|name| tensor(weight(name), &device))),
    });
    let config = FitConfig {
        epochs: case.losses.len(),
        batch_size: objective.x.dims()[0],
        lr: case.lr,
        bias_factor,
        clip_norm: 0.0,
        patience: 0,
        ..FitConfig::default()
    };

    let history = trained(layer, objective, &config);

    let differences = history.epochs.iter().zip(&case.losses).map(|(epoch, loss)| (epoch.train_loss - loss).abs());
    differences.fold(0.0, f64::max)
}

/// The history of training on all rows, in their order.
fn trained<C: FromTorch + 'static>(layer: Recurrent<C>, objective: Follow, config: &FitConfig) -> History {
    let folder = tempfile::tempdir().expect("a folder");
    let run_dir = RunDir::create(folder.path().join("run"), &[("config.toml", String::new())], false).expect("a run");
    let device = Device::flex().autodiff();
    let rows: Arc<[i32]> = (0..objective.x.dims()[0] as i32).collect();
    let loader = || Arc::new(Loader::new(rows.clone(), config.batch_size, Order::Sequential, &device));
    let steps_per_epoch = rows.len().div_ceil(config.batch_size);
    let loaders =
        Loaders { train: loader(), valid: loader(), steps_per_epoch, epoch: CurrentEpoch::default(), carried: None };
    fit(layer, objective, loaders, config, &run_dir, &device, Callbacks::quiet()).expect("it trains").0
}

#[test]
fn accumulated_batches_are_one_batch() {
    let device = Device::flex().autodiff();
    let random = |shape: [usize; 3]| Tensor::random(shape, Distribution::Normal(0.0, 1.0), &device);
    let objective = Follow { x: random([7, 5, 2]), target: random([7, 5, 3]) };
    let layer = RecurrentConfig::<LstmCell>::new(2, 3).init(&device);
    let losses = |batch_size, accumulate| -> Vec<f64> {
        let config = FitConfig { epochs: 20, lr: 1e-2, patience: 0, batch_size, accumulate, ..FitConfig::default() };
        let history = trained(layer.clone(), objective.clone(), &config);
        history.epochs.iter().map(|epoch| epoch.valid_loss).collect()
    };
    let whole = losses(7, 1);
    // Three batches of three, three rows and one.
    for (found, expected) in losses(3, 3).iter().zip(&whole) {
        assert!((found - expected).abs() < 1e-5, "{found}, {expected}");
    }
    // A step of two batches, and one of the batch that is left.
    let steps = losses(3, 2);
    assert!((steps[0] - whole[0]).abs() > 1e-4, "{steps:?} {whole:?}");
}

/// A tensor from nested lists.
fn tensor<const D: usize>(value: &Value, device: &Device) -> Tensor<D> {
    Tensor::from_data(data(value), device)
}
